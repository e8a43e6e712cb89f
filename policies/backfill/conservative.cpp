#include <algorithm>
#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <vector>

#include "policies/decisions.hpp"

namespace nightwatt {
namespace {

/// Free units against time: steps that hold from their own instant to the next one's. A step has
/// one number for each node, or a single one for the whole partition where it does not matter
/// which nodes are free.
template <class Units>
class Profile {
 public:
  Profile(std::size_t width, Units free)
      : width_(width), steps_{{SimTime{}, std::vector<Units>(width, free)}} {}

  struct Step {
    SimTime from;
    std::vector<Units> free;
  };

  /// Forgets what lies before now.
  void trim(SimTime now) {
    std::size_t i = at(now);
    if (i > 0) steps_.erase(steps_.begin(), steps_.begin() + static_cast<std::ptrdiff_t>(i));
  }

  /// Adds units (or takes, if negative) over [from, to).
  void add(SimTime from, SimTime to,
           const std::vector<std::pair<std::uint32_t, std::int32_t>>& units, int sign) {
    if (from >= to) return;
    const std::size_t first = split(from);
    const std::size_t last = split(to);
    for (std::size_t i = first; i < last; ++i) {
      for (const auto& [node, count] : units) {
        Units& free = steps_[i].free[width_ == 1 ? 0 : node];
        free = static_cast<Units>(free + sign * count);
      }
    }
    merge(last);
    merge(first);
  }

  /// The earliest instant >= from with room for `length`, and in `room` what each node has free
  /// all that time. `fits(room)` says whether the request fits; it must hold in the far future.
  template <class Fits>
  SimTime earliest(SimTime from, SimTime length, Fits&& fits, std::vector<Units>& room) const {
    std::size_t start = at(from);
    for (;; ++start) {
      const SimTime t = std::max(from, steps_[start].from);
      if (!fits(steps_[start].free)) continue;
      room = steps_[start].free;
      std::size_t i = start + 1;
      bool ok = true;
      for (; i < steps_.size() && steps_[i].from.ns() - t.ns() < length.ns(); ++i) {
        const std::vector<Units>& free = steps_[i].free;
        if (width_ == 1) {
          room[0] = std::min(room[0], free[0]);
        } else {
          for (std::size_t n = 0; n < width_; ++n) room[n] = std::min(room[n], free[n]);
        }
        if (!fits(room)) {
          ok = false;
          // With one number no start before this step can do better.
          if (width_ == 1 || !fits(free)) start = i;
          break;
        }
      }
      if (ok) return t;
    }
  }

 private:
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

  std::size_t width_;
  std::vector<Step> steps_;
};

/// Conservative backfilling: a job gets a reservation when it is submitted, at the earliest start
/// at which its units are free for its whole estimate, given the running jobs and all
/// reservations. When a job ended early, the queue is compressed once: in queue order each job is
/// lifted out of the profile, all others left where they stand, and put back at its earliest
/// start, so that no reservation moves later. Reservations that are due start. One that is due
/// without room (a running job outlives its estimate) waits for room and is counted.
///
/// Where nodes have several units, a reservation is for certain nodes: those of the placement
/// policy if they are free all the time, else the fullest ones that are. A share of a GPU reserves
/// a whole one.
template <class Units>
class Reservations {
 public:
  Reservations(std::size_t width, Units free, std::size_t depth)
      : profile_(width, free), width_(width), depth_(depth) {}

  void on_queue(WaitingQueue::Handle h, const Waiting& w) { fresh_.emplace(Key{w.key, w.job}, h); }

  void on_end(const PartitionView& view, const Running& ended) {
    if (ended.expected_end <= view.now()) return;
    profile_.add(view.now(), ended.expected_end, units_of(ended.request, ended.pieces), 1);
    compress_ = true;
  }

  void pass(Pass& pass) {
    const SimTime now = pass.now();
    profile_.trim(now);
    // Reservations whose time has come without room stand at the present instant until they start.
    for (auto& [key, r] : held_) {
      if (r.start < now) move(r, now);
    }
    if (compress_) {
      compress_ = false;
      for (auto& [key, r] : held_) {
        if (r.start <= now) continue;
        profile_.add(r.start, end(r), r.units, 1);
        reserve(pass, r, r.start);
      }
    }
    admit(pass);
    start_due(pass);
    // Starts make room among the reservations for jobs that stood behind `depth`.
    while (!fresh_.empty() && held_.size() < depth_) {
      admit(pass);
      start_due(pass);
    }
    SimTime next = SimTime::max();
    for (const auto& [key, r] : held_) {
      if (r.start > now) next = std::min(next, r.start);
    }
    if (next != SimTime::max() && (next_wake_ <= now || next < next_wake_)) {
      next_wake_ = next;
      pass.wake_at(next);
    }
  }

 private:
  using Key = std::pair<double, JobIndex>;  ///< place in the queue
  using UnitList = std::vector<std::pair<std::uint32_t, std::int32_t>>;
  struct Reservation {
    WaitingQueue::Handle waiting = WaitingQueue::none;
    Request request;
    SimTime length, start;
    UnitList units;     ///< by node
    Allocation pieces;  ///< empty where the placement policy chooses at the start
    bool late = false;
  };

  static SimTime end(const Reservation& r) {
    return SimTime::from_ns(r.start.ns() + r.length.ns());
  }

  void move(Reservation& r, SimTime to) {
    profile_.add(r.start, end(r), r.units, 1);
    r.start = to;
    profile_.add(r.start, end(r), r.units, -1);
  }

  static UnitList units_of(const Request& request, const Allocation& pieces) {
    UnitList list;
    if (pieces.empty() || request.kind == Request::Kind::shares) {
      for (const Piece& p : pieces) list.emplace_back(p.node, 1);
      return list;
    }
    for (const Piece& p : pieces) list.emplace_back(p.node, static_cast<std::int32_t>(p.units));
    return list;
  }

  static std::uint32_t total_units(const Request& r) {
    return r.kind == Request::Kind::shares ? r.count
                                           : static_cast<std::uint32_t>(r.total_milli() / 1000);
  }

  bool fits(const Request& r, const std::vector<Units>& room) const {
    if (width_ == 1) return room[0] >= static_cast<std::int64_t>(total_units(r));
    if (r.kind == Request::Kind::nodes) {
      std::uint32_t full = 0, last = 0;
      const auto units = static_cast<Units>(r.units);
      const auto rest = static_cast<Units>(r.last);
      for (const Units free : room) {
        full += free >= units ? 1 : 0;
        last += free >= rest ? 1 : 0;
      }
      return full >= r.count || (full + 1 >= r.count && last >= r.count);
    }
    const std::int32_t each =
        r.kind == Request::Kind::pieces ? static_cast<std::int32_t>(r.units) : 1;
    const std::uint32_t wanted = r.kind == Request::Kind::pieces ? r.count : total_units(r);
    std::uint64_t found = 0;
    for (const Units free : room) found += free > 0 ? static_cast<std::uint64_t>(free / each) : 0;
    return found >= wanted;
  }

  /// Nodes for the request among those with room, fullest first, by number.
  Allocation choose(const Request& r, const std::vector<Units>& room) const {
    std::map<Units, std::vector<std::uint32_t>> by_room;
    for (std::uint32_t n = 0; n < room.size(); ++n) {
      if (room[n] > 0) by_room[room[n]].push_back(n);
    }
    Allocation out;
    if (r.kind == Request::Kind::nodes) {
      const std::uint32_t whole = r.count - (r.last < r.units ? 1 : 0);
      std::set<std::uint32_t> used;
      const auto take = [&](std::uint32_t units, std::uint32_t count) {
        for (auto it = by_room.lower_bound(static_cast<Units>(units));
             it != by_room.end() && count > 0; ++it) {
          for (const std::uint32_t n : it->second) {
            if (count == 0) break;
            if (!used.insert(n).second) continue;
            out.push_back({n, units, 0, 0, 0});
            --count;
          }
        }
      };
      take(r.units, whole);
      if (whole < r.count) take(r.last, 1);
      return out;
    }
    const auto each = r.kind == Request::Kind::pieces ? r.units : 1U;
    std::uint32_t left = r.kind == Request::Kind::pieces ? r.count : total_units(r);
    for (auto it = by_room.lower_bound(static_cast<Units>(each)); it != by_room.end() && left > 0;
         ++it) {
      for (const std::uint32_t n : it->second) {
        const std::uint32_t pieces = std::min(left, static_cast<std::uint32_t>(it->first) / each);
        if (pieces == 0) break;
        out.push_back({n, pieces * each, 0, 0, 0});
        left -= pieces;
      }
    }
    return out;
  }

  /// Puts the reservation at its earliest start; at `latest` if that is earlier.
  void reserve(Pass& pass, Reservation& r, SimTime latest) {
    const SimTime now = pass.now();
    const SimTime start = profile_.earliest(
        now, r.length, [&](const std::vector<Units>& room) { return fits(r.request, room); },
        room_);
    // Where it stood it still has its nodes; only an earlier start is worth other ones.
    if (start < latest) {
      r.start = start;
      r.pieces.clear();
      if (width_ == 1) {
        r.units = {{0, static_cast<std::int32_t>(total_units(r.request))}};
      } else {
        if (start == now && r.request.kind != Request::Kind::shares) {
          if (const Allocation* placed = pass.place(r.waiting);
              placed != nullptr && std::all_of(placed->begin(), placed->end(), [&](const Piece& p) {
                return room_[p.node] >= static_cast<std::int64_t>(p.units);
              })) {
            r.pieces = *placed;
          }
        }
        if (r.pieces.empty()) r.pieces = choose(r.request, room_);
        r.units.clear();
        for (const Piece& p : r.pieces)
          r.units.emplace_back(p.node, static_cast<std::int32_t>(p.units));
      }
    }
    profile_.add(r.start, end(r), r.units, -1);
  }

  void admit(Pass& pass) {
    while (!fresh_.empty() && held_.size() < depth_) {
      const auto [key, h] = *fresh_.begin();
      fresh_.erase(fresh_.begin());
      const Waiting& w = pass.queue()[h];
      Reservation r;
      r.waiting = h;
      r.request = w.request;
      r.length = std::max(w.estimate, SimTime::from_ns(1));
      reserve(pass, r, SimTime::max());
      held_.emplace(key, std::move(r));
    }
  }

  void start_due(Pass& pass) {
    const SimTime now = pass.now();
    due_.clear();
    for (auto& [key, r] : held_) {
      if (r.start <= now) due_.push_back(key);
    }
    for (const Key& key : due_) {
      Reservation& r = held_.find(key)->second;
      const bool on_nodes =
          width_ > 1 && r.request.kind != Request::Kind::shares && r.request.total_milli() > 0;
      if (on_nodes ? pass.start_on(r.waiting, r.pieces) : pass.start(r.waiting)) {
        held_.erase(key);
      } else if (!r.late) {
        r.late = true;
        pass.count("reservation_without_room");
      }
    }
  }

  Profile<Units> profile_;
  std::size_t width_, depth_;
  std::map<Key, Reservation> held_;            ///< in queue order
  std::map<Key, WaitingQueue::Handle> fresh_;  ///< waiting without a reservation, in queue order
  std::vector<Units> room_;
  std::vector<Key> due_;
  bool compress_ = false;
  SimTime next_wake_;
};

class Conservative final : public BackfillPolicy {
 public:
  explicit Conservative(const ParamValues& values)
      : depth_(static_cast<std::size_t>(values.number("depth"))) {}

  void on_queue(const PartitionView& view, WaitingQueue::Handle h) override {
    prepare(view);
    if (counted_) {
      counted_->on_queue(h, view.queue()[h]);
    } else {
      by_node_->on_queue(h, view.queue()[h]);
    }
  }
  void on_end(const PartitionView& view, const Running& ended) override {
    prepare(view);
    if (counted_) {
      counted_->on_end(view, ended);
    } else {
      by_node_->on_end(view, ended);
    }
  }
  void pass(Pass& pass) override {
    prepare(pass);
    if (counted_) {
      counted_->pass(pass);
    } else {
      by_node_->pass(pass);
    }
  }
  bool needs_expected_ends() const override { return false; }

 private:
  /// Which nodes are free does not matter where each has one unit.
  void prepare(const PartitionView& view) {
    if (counted_ || by_node_) return;
    const NodeIndex& nodes = view.nodes();
    if (nodes.units_per_node() == 1) {
      counted_ = std::make_unique<Reservations<std::int64_t>>(1, nodes.nodes(), depth_);
    } else {
      by_node_ = std::make_unique<Reservations<std::int16_t>>(
          nodes.nodes(), static_cast<std::int16_t>(nodes.units_per_node()), depth_);
    }
  }

  std::size_t depth_;
  std::unique_ptr<Reservations<std::int64_t>> counted_;
  std::unique_ptr<Reservations<std::int16_t>> by_node_;
};

[[maybe_unused]] const bool registered = register_policy<Conservative>(
    {Question::backfill,
     "conservative",
     "every waiting job has a reservation; a later job may start if it delays none of them",
     "Mu'alem and Feitelson 2001, IEEE TPDS 12; compression in queue order, one pass an instant",
     {{"depth",
       ParamKind::integer,
       "how many waiting jobs hold a reservation",
       "1000",
       1,
       1e9,
       {}}}});

}  // namespace
}  // namespace nightwatt
