#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

namespace nightwatt {

/// An indexed heap of pending events: the first one in O(1); insertion, removal and change of any
/// one by its slot in O(log n). Slots are small numbers that the owner hands out and uses again.
///
/// Four children a node: half the levels of a binary heap, and the children that are compared
/// share one or two cache lines, which is what counts with 10^5 events and more.
class EventHeap {
 public:
  /// In order of delivery: instant, then round of the instant and kind, then tag.
  struct Event {
    std::int64_t instant_ns = 0;
    std::uint64_t tag = 0;
    std::uint32_t order = 0;  ///< 2 * round + (0 for a completion, 1 for a wake-up)
    std::uint32_t slot = 0;

    friend bool operator<(const Event& a, const Event& b) {
      if (a.instant_ns != b.instant_ns) return a.instant_ns < b.instant_ns;
      if (a.order != b.order) return a.order < b.order;
      if (a.tag != b.tag) return a.tag < b.tag;
      return a.slot < b.slot;
    }
  };

  [[nodiscard]] bool empty() const { return size() == 0; }
  [[nodiscard]] std::size_t size() const { return events_.size() - (top_is_open_ ? 1 : 0); }
  [[nodiscard]] const Event& first() {
    close_top();
    return events_.front();
  }
  [[nodiscard]] bool contains(std::uint32_t slot) const {
    return slot < position_.size() && position_[slot] != absent;
  }
  /// The event of a slot that is in the heap.
  [[nodiscard]] const Event& at(std::uint32_t slot) const { return events_[position_[slot]]; }

  /// Inserts the event of a slot, or moves it if the slot is in the heap.
  void put(const Event& event) {
    if (event.slot >= position_.size()) position_.resize(event.slot + std::size_t{1}, absent);
    if (position_[event.slot] != absent) {
      close_top();
      settle(position_[event.slot], event);
    } else if (top_is_open_) {
      top_is_open_ = false;
      sink(0, event);
    } else {
      events_.push_back(event);
      rise(events_.size() - 1, event);
    }
  }

  /// Takes out the first event. Its place stays open until another one is asked for: an event that
  /// is put meanwhile (the next arrival, after an arrival) belongs near the top, and takes it
  /// without one from the bottom going all the way down first.
  void remove_first() {
    close_top();
    position_[events_.front().slot] = absent;
    top_is_open_ = true;
  }

  /// Takes out the event of a slot that is in the heap.
  void remove(std::uint32_t slot) {
    close_top();
    const std::size_t position = position_[slot];
    position_[slot] = absent;
    const Event last = events_.back();
    events_.pop_back();
    if (position < events_.size()) settle(position, last);
  }

 private:
  static constexpr std::uint32_t absent = std::numeric_limits<std::uint32_t>::max();
  static constexpr std::size_t arity = 4;

  void close_top() {
    if (!top_is_open_) return;
    top_is_open_ = false;
    const Event last = events_.back();
    events_.pop_back();
    if (!events_.empty()) sink(0, last);
  }

  void place(std::size_t position, const Event& event) {
    events_[position] = event;
    position_[event.slot] = static_cast<std::uint32_t>(position);
  }

  /// Fills the hole at `position` with `event`, wherever that has to go.
  void settle(std::size_t position, const Event& event) {
    if (position > 0 && event < events_[(position - 1) / arity]) {
      rise(position, event);
    } else {
      sink(position, event);
    }
  }

  void rise(std::size_t position, Event event) {
    while (position > 0) {
      const std::size_t parent = (position - 1) / arity;
      if (!(event < events_[parent])) break;
      place(position, events_[parent]);
      position = parent;
    }
    place(position, event);
  }

  void sink(std::size_t position, Event event) {
    const std::size_t size = events_.size();
    for (;;) {
      const std::size_t begin = position * arity + 1;
      if (begin >= size) break;
      const std::size_t end = begin + arity < size ? begin + arity : size;
      std::size_t least = begin;
      for (std::size_t child = begin + 1; child < end; ++child) {
        if (events_[child] < events_[least]) least = child;
      }
      if (!(events_[least] < event)) break;
      place(position, events_[least]);
      position = least;
    }
    place(position, event);
  }

  std::vector<Event> events_;
  std::vector<std::uint32_t> position_;  ///< by slot, into events_
  bool top_is_open_ = false;             ///< events_[0] was removed
};

}  // namespace nightwatt
