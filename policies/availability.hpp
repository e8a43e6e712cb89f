#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "energy/quantity.hpp"

namespace nightwatt {

/// Free units of one node (of a whole partition, of a power budget) against time: steps that hold
/// from their own instant to the next one's, the last one for ever. A plan may ask for more than
/// there is; then free units are negative.
template <class Amount = std::int32_t>
class Availability {
 public:
  explicit Availability(Amount units) : steps_{{SimTime{}, units}} {}

  /// Gives units back (takes them, if negative) over [from, to) and forgets what lies before now.
  void add(SimTime now, SimTime from, SimTime to, Amount units) {
    from = std::max(from, now);
    if (from >= to) return;
    ++changes_;
    const std::size_t past = at(now);
    if (past > 0) steps_.erase(steps_.begin(), steps_.begin() + static_cast<std::ptrdiff_t>(past));
    const std::size_t first = split(from);
    const std::size_t last = to == SimTime::max() ? steps_.size() : split(to);
    for (std::size_t i = first; i < last; ++i) steps_[i].free += units;
    merge(last);
    merge(first);
  }

  /// How often it has changed.
  [[nodiscard]] std::uint32_t changes() const { return changes_; }
  [[nodiscard]] Amount free(SimTime t) const { return steps_[at(t)].free; }
  /// The least and the most free units at any time in [from, to).
  [[nodiscard]] Amount least(SimTime from, SimTime to) const {
    std::size_t i = at(from);
    Amount free = steps_[i].free;
    while (++i < steps_.size() && steps_[i].from < to) free = std::min(free, steps_[i].free);
    return free;
  }
  [[nodiscard]] Amount most(SimTime from, SimTime to) const {
    std::size_t i = at(from);
    Amount free = steps_[i].free;
    while (++i < steps_.size() && steps_[i].from < to) free = std::max(free, steps_[i].free);
    return free;
  }

  /// The first instant in [from, before) from which on `units` are free for `length`; max if there
  /// is none. What is taken from `own` on (>= before) does not count: it is the asker's.
  [[nodiscard]] SimTime first_start(SimTime from, SimTime before, SimTime length, Amount units,
                                    SimTime own = SimTime::max()) const {
    SimTime start;
    bool open = false;
    for (std::size_t i = at(from);; ++i) {
      if (steps_[i].free < units) {
        open = false;
      } else if (!open) {
        start = std::max(from, steps_[i].from);
        open = true;
      }
      const SimTime end = i + 1 < steps_.size() ? steps_[i + 1].from : SimTime::max();
      if (open ? start >= before : end >= before) return SimTime::max();
      if (open && (end >= own || end == SimTime::max() || end.ns() - start.ns() >= length.ns())) {
        return start;
      }
    }
  }

  /// Calls f(first, last) for each span of instants in [from, before) from which on `units` are
  /// free for `length`; `last` may lie behind `before`.
  template <class F>
  void starts(SimTime from, SimTime before, SimTime length, Amount units, F&& f) const {
    SimTime start;
    bool open = false;
    for (std::size_t i = at(from); i < steps_.size(); ++i) {
      if (steps_[i].free < units) {
        if (open && steps_[i].from.ns() - start.ns() >= length.ns())
          f(start, SimTime::from_ns(steps_[i].from.ns() - length.ns()));
        open = false;
        if (steps_[i].from >= before) return;
      } else if (!open) {
        start = std::max(from, steps_[i].from);
        if (start >= before) return;
        open = true;
      }
    }
    if (open) f(start, SimTime::max());
  }

 private:
  struct Step {
    SimTime from;
    Amount free;
  };
  [[nodiscard]] std::size_t at(SimTime t) const {
    const auto it = std::upper_bound(steps_.begin(), steps_.end(), t,
                                     [](SimTime a, const Step& s) { return a < s.from; });
    return it == steps_.begin() ? 0 : static_cast<std::size_t>(it - steps_.begin() - 1);
  }
  std::size_t split(SimTime t) {
    const std::size_t i = at(t);
    if (steps_[i].from >= t) return i;
    steps_.insert(steps_.begin() + static_cast<std::ptrdiff_t>(i) + 1, Step{t, steps_[i].free});
    return i + 1;
  }
  void merge(std::size_t i) {
    if (i > 0 && i < steps_.size() && steps_[i].free == steps_[i - 1].free)
      steps_.erase(steps_.begin() + static_cast<std::ptrdiff_t>(i));
  }

  std::vector<Step> steps_;
  std::uint32_t changes_ = 0;
};

}  // namespace nightwatt
