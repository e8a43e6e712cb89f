#include <algorithm>
#include <cmath>
#include <cstdint>
#include <map>
#include <set>
#include <unordered_map>
#include <utility>
#include <vector>

#include "policies/availability.hpp"
#include "policies/decisions.hpp"

namespace nightwatt {
namespace {

constexpr SimTime just_after(SimTime t) { return SimTime::from_ns(t.ns() + 1); }
/// t + length; max where that is beyond the clock.
constexpr SimTime after(SimTime t, SimTime length) {
  return length.ns() > SimTime::max().ns() - t.ns() ? SimTime::max()
                                                    : SimTime::from_ns(t.ns() + length.ns());
}

/// Conservative backfilling: a job gets a reservation when it is submitted, at the earliest start
/// at which its units are free for its whole estimate, given the running jobs and all
/// reservations. When a job ended early, the queue is compressed once: in queue order each job is
/// lifted out of the plan, all others left where they stand, and put back at its earliest start,
/// so that no reservation moves later. Reservations that are due start.
///
/// A running job that outlives its estimate counts as ending at the present instant, so a
/// reservation may fall due without room. It is counted, stands at the present instant from then
/// on, and starts as soon as there is room, on any nodes, that no reservation before it in the
/// queue needs; those behind it whose place it took, or slid over, are planned anew when they fall
/// due themselves, in queue order with all that stand behind them.
///
/// Where only the number of free units matters the plan is one line of free units against time;
/// else each node has a line, and a reservation is for certain nodes, the fullest ones. At the
/// start the placement policy may choose others. A share of a GPU reserves a whole one.
///
/// Under a power budget a line of watts stands beside those of units: what is left at the moment,
/// and from the expected end of each running job on what that draws, too. A reservation holds watts
/// as well: those of the job at the limit that the cap policy wants, or, where it then starts
/// earlier, those at its lowest limit for as long as it takes at that. At its start it gets the
/// highest limit with which it takes nothing from other reservations. What the budget will be later
/// and what other partitions do is not foreseen: the line moves with them, and a reservation may
/// then fall due without watts, as it may without units.
class Conservative final : public BackfillPolicy {
 public:
  explicit Conservative(const ParamValues& values)
      : depth_(static_cast<std::size_t>(values.number("depth"))) {}

  void on_queue(const PartitionView& view, WaitingQueue::Handle h) override {
    const Waiting& w = view.queue()[h];
    fresh_.emplace(Key{w.key, w.job}, h);
  }

  void on_leave(const PartitionView& view, WaitingQueue::Handle h) override {
    // The queue may have been given new keys since the job came.
    const auto of_job = [h](const auto& entry) { return handle_of(entry.second) == h; };
    const auto find = [&](auto& jobs) {
      const Waiting& w = view.queue()[h];
      const auto it = jobs.find({w.key, w.job});
      if (it != jobs.end() && of_job(*it)) return it;
      return std::find_if(jobs.begin(), jobs.end(), of_job);
    };
    if (const auto fresh = find(fresh_); fresh != fresh_.end()) {
      fresh_.erase(fresh);
      return;
    }
    const auto held = find(held_);
    if (held == held_.end()) return;
    now_ = view.now();
    Reservation& r = held->second;
    lift(r);
    for (const Claim& c : r.claims) note_freed(c.line, std::max(r.start, now_), end(r));
    if (r.draw > 0) note_watts_freed();
    held_.erase(held);
    compress_ = true;
  }

  void on_end(const PartitionView& view, const Running& ended) override {
    const SimTime now = view.now();
    give_watts(now, ended.job);
    const SimTime planned = std::max(ended.expected_end, just_after(ended.start));
    if (planned <= now) return;
    for (const Claim& c : claims_of(ended.request, ended.pieces)) {
      lines_[c.line].add(now, now, planned, c.units);
      note_freed(c.line, now, planned);
    }
    compress_ = compress_ || ended.expected_end > now;
  }

  void on_retime(const PartitionView& view, const Running& job, SimTime before) override {
    if (lines_.empty()) return;
    now_ = view.now();
    const SimTime was = std::max(before, now_), is = std::max(job.expected_end, now_);
    for (const Claim& c : claims_of(job.request, job.pieces)) {
      // Room that is taken may have been promised: such a reservation falls due without it.
      lines_[c.line].add(now_, std::min(was, is), std::max(was, is), is < was ? c.units : -c.units);
      if (is < was) note_freed(c.line, is, was);
    }
    compress_ = compress_ || is < was;
    if (budget_) move_watts(job.job, is, to_nw(job.draw));
  }

  void pass(Pass& pass) override {
    if (lines_.empty()) prepare(pass);
    now_ = pass.now();
    nodes_ = &pass.nodes();
    pass_ = &pass;
    if (budget_) follow_budget(pass);
    start_due(pass);
    if (compress_) compress(pass);
    // Starts make room among the reservations for jobs that stood behind `depth`.
    while (!fresh_.empty() && held_.size() < depth_) admit(pass);
    if (!by_start_.empty() && by_start_.begin()->first != SimTime::max()) {
      const SimTime next = by_start_.begin()->first;
      if (next_wake_ <= now_ || next < next_wake_) {
        next_wake_ = next;
        pass.wake_at(next);
      }
    }
  }

  bool needs_expected_ends() const override { return false; }

  Watts watts_to_keep(const PartitionView& view) override {
    const Watts first = BackfillPolicy::watts_to_keep(view);
    if (lines_.empty() || held_.empty()) return first;
    now_ = view.now();
    follow_budget(view);
    // Limits may rise into what no reservation needs while the running jobs run.
    const SimTime last = std::max(just_after(now_), untils_.empty() ? now_ : *untils_.rbegin());
    const NanoWatts room = to_nw(view.room());
    const NanoWatts spare = std::clamp<NanoWatts>(watts_.least(now_, last), 0, room);
    return std::max(first, to_w(room - spare));
  }

 private:
  using NanoWatts = std::int64_t;
  using Key = std::pair<double, JobIndex>;  ///< place in the queue
  struct Claim {
    std::uint32_t line = 0;
    std::int32_t units = 0;
  };
  using Claims = std::vector<Claim>;
  /// How a job runs at a power limit.
  struct Way {
    SimTime length;
    NanoWatts draw = 0;
  };
  struct Reservation {
    Key key;
    WaitingQueue::Handle waiting = WaitingQueue::none;
    Request request;
    Way wanted, lowest;
    SimTime length, start;  ///< length and draw: of the way that it is held for
    NanoWatts draw = 0;
    Claims claims;
    bool short_of_watts = false;  ///< with more of them it would start earlier
    std::uint64_t seen = 0;       ///< last change of the plan that it was tried against
    bool late = false;            ///< waits for a job that outlived its estimate
    bool counted = false;
  };
  using Held = std::map<Key, Reservation>;
  /// Where units of a line became free in the plan.
  struct Freed {
    std::uint32_t line = 0;
    SimTime from, to;
    std::uint64_t change = 0;          ///< of the plan, the last one here
    std::int32_t most = 0;             ///< units that are free there at the same time ...
    std::uint32_t line_changes = ~0U;  ///< ... when the line had changed so often
  };

  /// What a running job takes of the line of watts.
  struct Taken {
    SimTime until;
    NanoWatts draw = 0;
  };

  static NanoWatts to_nw(Watts w) { return std::llround(to_watts(w) * 1e9); }
  static Watts to_w(NanoWatts w) { return watts(static_cast<double>(w) * 1e-9); }
  static SimTime end(const Reservation& r) { return after(r.start, r.length); }
  static WaitingQueue::Handle handle_of(const Reservation& r) { return r.waiting; }
  static WaitingQueue::Handle handle_of(WaitingQueue::Handle h) { return h; }

  void prepare(const PartitionView& view) {
    const NodeIndex& nodes = view.nodes();
    counted_ = nodes.units_per_node() == 1 || view.size_classes().all_split_freely();
    const std::uint32_t units = nodes.units_per_node();
    lines_.assign(
        counted_ ? 1 : nodes.nodes(),
        Availability<>(static_cast<std::int32_t>(counted_ ? units * nodes.nodes() : units)));
    room_.resize(lines_.size());
    budget_ = view.room() != Pass::no_limit;
  }

  // ---------------------------------------------------------------- requests and lines

  static std::uint32_t total_units(const Request& r) {
    return r.kind == Request::Kind::shares ? r.count
                                           : static_cast<std::uint32_t>(r.total_milli() / 1000);
  }

  /// What a request takes of one line, if it needs only one; else 0.
  std::int32_t units_on_one_line(const Request& r) const {
    if (counted_) return static_cast<std::int32_t>(total_units(r));
    const bool one = r.count == 1 && (r.kind != Request::Kind::any || r.units == 1);
    return one ? static_cast<std::int32_t>(total_units(r)) : 0;
  }

  /// Pieces of the plan's own making: units of a piece, and how many pieces.
  static std::int32_t piece_units(const Request& r) {
    return r.kind == Request::Kind::pieces ? static_cast<std::int32_t>(r.units) : 1;
  }
  static std::int32_t piece_count(const Request& r) {
    return static_cast<std::int32_t>(r.kind == Request::Kind::pieces ? r.count : total_units(r));
  }

  /// The least that a request takes of a line.
  static std::int32_t least_units(const Request& r) {
    return r.kind == Request::Kind::nodes ? static_cast<std::int32_t>(std::min(r.units, r.last))
                                          : piece_units(r);
  }

  Claims claims_of(const Request& request, const Allocation& pieces) const {
    if (counted_) {
      if (request.total_milli() == 0) return {};
      return {{0, static_cast<std::int32_t>(total_units(request))}};
    }
    Claims claims;
    for (const Piece& p : pieces)
      claims.push_back({p.node, p.units == 0 ? 1 : static_cast<std::int32_t>(p.units)});
    if (request.kind == Request::Kind::shares) {
      std::sort(claims.begin(), claims.end(),
                [](const Claim& a, const Claim& b) { return a.line < b.line; });
      std::size_t kept = 0;
      for (std::size_t i = 1; i < claims.size(); ++i) {
        if (claims[i].line == claims[kept].line) {
          claims[kept].units += claims[i].units;
        } else {
          claims[++kept] = claims[i];
        }
      }
      claims.resize(kept + 1);
    }
    return claims;
  }

  /// The claims as an allocation; empty if they are not free at the moment.
  static Allocation pieces_of(const Request& request, const Claims& claims,
                              const NodeIndex& nodes) {
    Allocation pieces;
    for (const Claim& c : claims) {
      if (static_cast<std::int32_t>(nodes.free(c.line)) < c.units) return {};
      if (request.kind != Request::Kind::shares) {
        pieces.push_back({c.line, static_cast<std::uint32_t>(c.units), 0, 0, 0});
        continue;
      }
      std::int32_t left = c.units;
      for (std::uint32_t gpu = 0; left > 0; ++gpu) {
        if (nodes.free_milli(c.line * nodes.units_per_node() + gpu) != 1000) continue;
        pieces.push_back({c.line, 0, request.milli, gpu, 0});
        --left;
      }
    }
    return pieces;
  }

  bool fits(const Request& r, const std::vector<std::int32_t>& room) const {
    if (counted_) return room[0] >= static_cast<std::int32_t>(total_units(r));
    std::int64_t full = 0, last = 0;
    if (r.kind == Request::Kind::nodes) {
      for (const std::int32_t free : room) {
        full += free >= static_cast<std::int32_t>(r.units) ? 1 : 0;
        last += free >= static_cast<std::int32_t>(r.last) ? 1 : 0;
      }
    } else {
      for (const std::int32_t free : room) full += free > 0 ? free / piece_units(r) : 0;
    }
    return enough(r, full, last);
  }

  /// nodes: nodes with room for `units` and for `last`; else pieces that have room.
  static bool enough(const Request& r, std::int64_t full, std::int64_t last) {
    if (r.kind != Request::Kind::nodes) return full >= piece_count(r);
    return full >= r.count || (full + 1 >= r.count && last >= r.count);
  }

  /// Nodes for the request among those with `room`, fullest first, by number.
  Claims choose(const Request& r, const std::vector<std::int32_t>& room) {
    if (counted_) return {{0, static_cast<std::int32_t>(total_units(r))}};
    const std::int32_t least = least_units(r);
    by_room_.clear();
    for (std::uint32_t n = 0; n < room.size(); ++n) {
      if (room[n] >= least) by_room_.emplace_back(room[n], n);
    }
    std::sort(by_room_.begin(), by_room_.end());
    Claims claims;
    if (r.kind == Request::Kind::nodes) {
      const auto take = [&](std::uint32_t units, std::uint32_t count) {
        for (auto& [free, node] : by_room_) {
          if (count == 0) return;
          if (free < static_cast<std::int32_t>(units)) continue;
          claims.push_back({node, static_cast<std::int32_t>(units)});
          free = 0;
          --count;
        }
      };
      const std::uint32_t whole = r.count - (r.last < r.units ? 1 : 0);
      take(r.units, whole);
      if (whole < r.count) take(r.last, 1);
      return claims;
    }
    std::int32_t left = piece_count(r);
    for (const auto& [free, node] : by_room_) {
      if (left == 0) break;
      const std::int32_t pieces = std::min(left, free / piece_units(r));
      claims.push_back({node, pieces * piece_units(r)});
      left -= pieces;
    }
    return claims;
  }

  // ---------------------------------------------------------------- the plan

  /// Remembers that units of a line became free in the plan, for the next compression.
  void note_freed(std::uint32_t line, SimTime from, SimTime to) {
    if (held_.empty()) return;
    ++changes_;
    for (Freed& f : freed_) {
      if (f.line != line) continue;
      f.from = std::min(f.from, from);
      f.to = std::max(f.to, to);
      f.change = changes_;
      f.line_changes = ~0U;
      return;
    }
    freed_.push_back({line, from, to, changes_, 0, ~0U});
  }

  // ---------------------------------------------------------------- watts

  void note_watts_freed() {
    if (!held_.empty()) watts_freed_ = ++changes_;
  }
  void take_watts(SimTime now, JobIndex job, SimTime until, NanoWatts draw) {
    watts_.add(now, now, until, -draw);
    taken_[job] = {until, draw};
    untils_.insert(until);
    drawn_ += draw;
  }
  void give_watts(SimTime now, JobIndex job) {
    const auto it = taken_.find(job);
    if (it == taken_.end()) return;
    const Taken t = it->second;
    taken_.erase(it);
    untils_.erase(untils_.find(t.until));
    watts_.add(now, now, t.until, t.draw);
    drawn_ -= t.draw;
    if (t.until > now) note_watts_freed();
  }
  void move_watts(JobIndex job, SimTime until, NanoWatts draw) {
    Taken& t = taken_[job];
    const Taken was = std::exchange(t, {until, draw});
    if (const auto it = untils_.find(was.until); it != untils_.end()) untils_.erase(it);
    untils_.insert(until);
    watts_.add(now_, now_, was.until, was.draw);
    watts_.add(now_, now_, until, -draw);
    drawn_ += draw - was.draw;
    const SimTime freed_from = draw < was.draw ? now_ : until;
    if (freed_from >= was.until) return;
    note_watts_freed();
    compress_ = true;
  }

  /// Brings the line of watts to what is left at the moment.
  void follow_budget(const PartitionView& view) {
    const NanoWatts whole = to_nw(view.room()) + drawn_;
    watts_.add(now_, now_, SimTime::max(), whole - whole_);
    whole_ = whole;
    // A watt more or less, as supply losses move, is not worth a search.
    if (whole < noted_whole_) noted_whole_ = whole;
    if (whole - noted_whole_ < 1'000'000'000 && !taken_.empty()) return;
    if (whole == noted_whole_) return;
    noted_whole_ = whole;
    note_watts_freed();
    compress_ = true;
  }

  /// From when on so many watts may be used: as `usable` of units.
  SimTime watts_usable(NanoWatts draw) const {
    return to_nw(pass_->room()) >= draw ? now_ : just_after(now_);
  }

  /// Whether there are watts for an earlier start of a reservation (in the plan), in one of its
  /// ways.
  bool watts_before(const Reservation& r) const {
    const auto in = [&](const Way& way) {
      return watts_.first_start(now_, r.start, way.length, way.draw, r.start) != SimTime::max();
    };
    return in(r.wanted) || in(r.lowest);
  }

  // ---------------------------------------------------------------- reservations in the plan

  void put(Reservation& r) {
    if (r.draw > 0) watts_.add(now_, r.start, end(r), -r.draw);
    for (const Claim& c : r.claims) lines_[c.line].add(now_, r.start, end(r), -c.units);
    if (r.late) {
      late_.insert(r.key);
    } else {
      by_start_.emplace(r.start, r.key);
    }
  }
  void lift(Reservation& r) {
    if (r.draw > 0) watts_.add(now_, r.start, end(r), r.draw);
    for (const Claim& c : r.claims) lines_[c.line].add(now_, r.start, end(r), c.units);
    if (r.late) {
      late_.erase(r.key);
      r.late = false;
    } else {
      by_start_.erase({r.start, r.key});
    }
  }

  /// Keeps the room of a reservation (not in the plan) from now on, for it waits for a job that
  /// outlived its estimate.
  void stand_by(Reservation& r) const {
    r.start = now_;
    r.late = true;
  }

  /// From when on `units` of a line may be used: now, or just after where they are free in the
  /// plan only, because their job outlived its estimate.
  SimTime usable(const Request& r, std::uint32_t line, std::int32_t units) const {
    const bool free = counted_ ? nodes_->capacity().fits(r)
                               : static_cast<std::int32_t>(nodes_->free(line)) >= units;
    return free ? now_ : just_after(now_);
  }

  /// A start on one line; less is better: earliest, then fullest, then first.
  struct Found {
    SimTime start = SimTime::max();
    std::int32_t room = 0;
    std::uint32_t line = 0;
    friend auto operator<=>(const Found&, const Found&) = default;
  };

  /// The earliest start before `before` of a reservation that is not in the plan, and its claims;
  /// max if there is none. Under a budget also the way in which it would run.
  SimTime earliest(Reservation& r, SimTime before, Claims& claims) {
    const Way was{r.length, r.draw};
    SimTime start = earliest_as(r, r.wanted, before, claims);
    if (!budget_) return start;
    r.short_of_watts = units_earlier_;
    if (r.short_of_watts) {
      // Slower at its lowest limit, it never has units earlier than with the limit wanted.
      Claims slow;
      if (const SimTime t = earliest_as(r, r.lowest, std::min(start, before), slow); t < start) {
        claims = std::move(slow);
        return t;
      }
      r.length = r.wanted.length;
      r.draw = r.wanted.draw;
    }
    if (start == SimTime::max() && before != start) {
      r.length = was.length;
      r.draw = was.draw;
    }
    return start;
  }

  SimTime earliest_as(Reservation& r, const Way& way, SimTime before, Claims& claims) {
    r.length = way.length;
    r.draw = way.draw;
    const std::int32_t units = units_on_one_line(r.request);
    if (units > 0) {
      const Found found = earliest_on_one(r, units, before);
      if (found.start != SimTime::max()) claims = {{found.line, units}};
      return found.start;
    }
    const SimTime start = earliest_on_many(r, before);
    if (start == SimTime::max()) return start;
    for (std::uint32_t n = 0; n < lines_.size(); ++n) {
      room_[n] = lines_[n].least(start, after(start, r.length));
      if (start == now_) room_[n] = std::min(room_[n], static_cast<std::int32_t>(nodes_->free(n)));
    }
    claims = choose(r.request, room_);
    return start;
  }

  /// The best start before `before` of one that needs a single line; at max if there is none.
  Found earliest_on_one(const Reservation& r, std::int32_t units, SimTime before) {
    SimTime by_units = SimTime::max();  // the first start that was seen, watts aside
    // Nothing starts before `with_watts`, and where only units matter not before `first`.
    const SimTime with_watts =
        budget_ ? watts_.first_start(watts_usable(r.draw), before, r.length, r.draw) : now_;
    const bool at_once =
        counted_ || units <= static_cast<std::int32_t>(nodes_->capacity().highest_level());
    const SimTime first = at_once ? now_ : just_after(now_);
    Found best;
    best.start = before;
    for (std::uint32_t n = 0; n < lines_.size(); ++n) {
      const SimTime until = best.start == before ? before : just_after(best.start);
      const SimTime from = usable(r.request, n, units);
      SimTime t = with_watts;
      if (by_units >= with_watts) {
        t = lines_[n].first_start(from, until, r.length, units);
        if (t == SimTime::max()) continue;
        by_units = std::min(by_units, t);
      }
      if (with_watts == SimTime::max()) {
        if (by_units < before) break;
        continue;
      }
      if (budget_) t = first_with_watts(n, r, units, std::max({from, t, with_watts}), until);
      if (t == SimTime::max()) continue;
      best = std::min(best, Found{t, lines_[n].least(t, after(t, r.length)), n});
      // None can be better.
      if (best.room == units && best.start <= std::max(first, with_watts) &&
          (by_units < best.start || best.start <= first)) {
        break;
      }
    }
    if (best.start >= before) best.start = SimTime::max();
    units_earlier_ = by_units < best.start;
    return best;
  }

  /// The first start on a line in [from, before) where there are watts, too; max if there is none.
  SimTime first_with_watts(std::uint32_t line, const Reservation& r, std::int32_t units,
                           SimTime from, SimTime before) const {
    for (;;) {
      const SimTime t = lines_[line].first_start(from, before, r.length, units);
      if (t == SimTime::max()) return t;
      from = watts_.first_start(t, before, r.length, r.draw);
      if (from == t || from == SimTime::max()) return from;
    }
  }

  SimTime earliest_on_many(const Reservation& r, SimTime before) {
    // How many nodes (pieces) have room changes where a span of possible starts begins or ends.
    edges_.clear();
    const auto note = [&](SimTime from, SimTime to, Edge edge) {
      edge.at = from;
      edges_.push_back(edge);
      if (to >= before) return;
      edges_.push_back({just_after(to), -edge.full, -edge.last, -edge.watts});
    };
    const auto add = [&](std::uint32_t n, std::int32_t units, std::int32_t full,
                         std::int32_t last) {
      lines_[n].starts(usable(r.request, n, units), before, r.length, units,
                       [&](SimTime from, SimTime to) {
                         note(from, to, {{}, full, last, 0});
                       });
    };
    for (std::uint32_t n = 0; n < lines_.size(); ++n) {
      if (r.request.kind == Request::Kind::nodes) {
        add(n, static_cast<std::int32_t>(r.request.units), 1, 0);
        add(n, static_cast<std::int32_t>(r.request.last), 0, 1);
      } else {
        const auto most = static_cast<std::int32_t>(nodes_->units_per_node());
        for (std::int32_t units = piece_units(r.request); units <= most;
             units += piece_units(r.request)) {
          add(n, units, 1, 0);
        }
      }
    }
    if (budget_) {
      watts_.starts(watts_usable(r.draw), before, r.length, r.draw, [&](SimTime from, SimTime to) {
        note(from, to, {{}, 0, 0, 1});
      });
    }
    std::sort(edges_.begin(), edges_.end(),
              [](const Edge& a, const Edge& b) { return a.at < b.at; });
    std::int64_t full = 0, last = 0;
    std::int32_t lit = budget_ ? 0 : 1;
    units_earlier_ = false;
    for (std::size_t i = 0; i < edges_.size(); ++i) {
      full += edges_[i].full;
      last += edges_[i].last;
      lit += edges_[i].watts;
      if (i + 1 < edges_.size() && edges_[i + 1].at == edges_[i].at) continue;
      if (!enough(r.request, full, last) || edges_[i].at >= before) continue;
      if (lit > 0) return edges_[i].at;
      units_earlier_ = true;
    }
    return SimTime::max();
  }

  // ---------------------------------------------------------------- starting

  /// Starts the job of a reservation that is not in the plan, if there is room at once that is
  /// free in the plan for its whole length. What runs is in the plan then.
  bool start(Pass& pass, const Reservation& r) {
    if (!nodes_->capacity().fits(r.request)) return false;
    if (!budget_) return start_within(pass, r, r.length);
    return start_within(pass, r, r.wanted.length) ||
           (r.lowest.length > r.wanted.length && start_within(pass, r, r.lowest.length));
  }

  /// The same, at the highest limit with which it ends within `length`.
  bool start_within(Pass& pass, const Reservation& r, SimTime length) {
    const SimTime until = after(now_, length);
    const Watts at_most = budget_ ? to_w(watts_.least(now_, until)) : Pass::no_limit;
    if (at_most < Watts{}) return false;
    const auto free_in_plan = [&](const Claims& claims) {
      return std::all_of(claims.begin(), claims.end(), [&](const Claim& c) {
        return lines_[c.line].least(now_, until) >= c.units;
      });
    };
    if (const Allocation* placed = pass.place(r.waiting, at_most); placed != nullptr) {
      const Claims claims = claims_of(r.request, *placed);
      if (free_in_plan(claims) && start_placed(pass, r, claims, length)) return true;
    }
    if (counted_) return false;
    if (!r.claims.empty() && free_in_plan(r.claims) &&
        start_on(pass, r, r.claims, at_most, length)) {
      return true;
    }
    if (held_.empty()) return false;
    const std::int32_t least = least_units(r.request);
    for (std::uint32_t n = 0; n < lines_.size(); ++n) {
      const auto free = static_cast<std::int32_t>(nodes_->free(n));
      room_[n] = free < least ? 0 : std::min(lines_[n].least(now_, until), free);
    }
    return fits(r.request, room_) && start_on(pass, r, choose(r.request, room_), at_most, length);
  }

  bool start_on(Pass& pass, const Reservation& r, const Claims& claims, Watts at_most,
                SimTime length) {
    const Allocation pieces = pieces_of(r.request, claims, *nodes_);
    return !pieces.empty() && pass.place_on(r.waiting, pieces, at_most) &&
           start_placed(pass, r, claims, length);
  }

  bool start_placed(Pass& pass, const Reservation& r, const Claims& claims, SimTime length) {
    if (budget_) {
      const PowerNeed need = pass.placed_need();
      if (need.estimate > length) return false;
      length = std::max(need.estimate, SimTime::from_ns(1));
      take_watts(now_, r.key.second, after(now_, length), to_nw(need.draw));
    }
    pass.start_placed(r.waiting);
    for (const Claim& c : claims) lines_[c.line].add(now_, now_, after(now_, length), -c.units);
    return true;
  }

  /// Starts a late reservation (not in the plan) on room that reservations behind it in the queue
  /// were promised.
  bool start_before_others(Pass& pass, const Reservation& r) {
    const SimTime until = after(now_, std::max(r.length, r.lowest.length));
    if (!nodes_->capacity().fits(r.request)) return false;
    // What those behind hold while it would run, where there is room at once.
    const std::int32_t least = least_units(r.request);
    lent_.clear();
    lent_watts_.clear();
    for (auto it = held_.upper_bound(r.key); it != held_.end(); ++it) {
      const Reservation& behind = it->second;
      if (behind.start >= until || end(behind) <= now_) continue;
      if (behind.draw > 0)
        lent_watts_.push_back({std::max(behind.start, now_), end(behind), behind.draw});
      for (const Claim& c : behind.claims) {
        if (!counted_ && static_cast<std::int32_t>(nodes_->free(c.line)) < least) continue;
        lent_.push_back({c.line, std::max(behind.start, now_), end(behind), c.units});
      }
    }
    if (lent_.empty() && lent_watts_.empty()) return false;
    for (const Lent& l : lent_) lines_[l.line].add(now_, l.from, l.to, l.units);
    for (const LentWatts& l : lent_watts_) watts_.add(now_, l.from, l.to, l.draw);
    const bool started = start(pass, r);
    for (const Lent& l : lent_) lines_[l.line].add(now_, l.from, l.to, -l.units);
    for (const LentWatts& l : lent_watts_) watts_.add(now_, l.from, l.to, -l.draw);
    return started;
  }

  /// Starts what is due, in queue order.
  void start_due(Pass& pass) {
    due_.assign(late_.begin(), late_.end());
    for (auto it = by_start_.begin(); it != by_start_.end() && it->first <= now_; ++it)
      due_.push_back(it->second);
    std::sort(due_.begin(), due_.end());
    for (const Key& key : due_) {
      const auto it = held_.find(key);
      if (it == held_.end()) continue;
      Reservation& r = it->second;
      if (!r.late && r.start > now_) continue;  // planned anew
      const bool falls_due = !r.late || r.start < now_;
      lift(r);
      if (start(pass, r) || start_before_others(pass, r)) {
        held_.erase(it);
        continue;
      }
      if (!r.counted && falls_due) {
        r.counted = true;
        pass.count("reservation_without_room");
      }
      const bool stands = watts_.free(now_) >= r.draw &&
                          std::all_of(r.claims.begin(), r.claims.end(), [&](const Claim& c) {
                            return lines_[c.line].free(now_) >= c.units;
                          });
      stand_by(r);
      put(r);
      if (!stands) plan_anew(pass, it);
    }
  }

  /// Plans a reservation and all behind it anew, in queue order.
  void plan_anew(Pass& pass, Held::iterator from) {
    for (auto it = from; it != held_.end(); ++it) lift(it->second);
    freed_.clear();
    freed_before_.clear();
    all_changed_ = ++changes_;
    for (auto it = from; it != held_.end();)
      it = settle(pass, it) ? held_.erase(it) : std::next(it);
  }

  /// Puts a reservation that is not in the plan at its earliest start; true if that is now and the
  /// job has started.
  bool settle(Pass& pass, Held::iterator it) {
    Reservation& r = it->second;
    r.start = earliest(r, SimTime::max(), r.claims);
    if (r.start == now_ && start(pass, r)) return true;
    keep(pass, r);
    return false;
  }

  /// Puts a reservation into the plan at the start that was found for it.
  void keep(Pass& pass, Reservation& r) {
    if (r.start <= just_after(now_)) {
      stand_by(r);
    } else if (r.start != SimTime::max()) {
      pass.promise(r.waiting, r.start);
    }
    r.seen = changes_;
    put(r);
  }

  // ---------------------------------------------------------------- the queue

  void admit(Pass& pass) {
    const auto [key, h] = *fresh_.begin();
    fresh_.erase(fresh_.begin());
    const Waiting& w = pass.queue()[h];
    Reservation r;
    r.key = key;
    r.waiting = h;
    r.request = w.request;
    r.length = std::max(w.estimate, SimTime::from_ns(1));
    r.wanted = r.lowest = {r.length, 0};
    if (budget_) {
      const PowerNeed wanted = pass.wanted_need(h), lowest = pass.least_need(h);
      r.wanted.draw = to_nw(wanted.draw);
      r.lowest = {std::max(lowest.estimate, r.length), to_nw(lowest.draw)};
    }
    if (start(pass, r)) return;
    const auto it = held_.emplace(key, std::move(r)).first;
    if (settle(pass, it)) held_.erase(it);
  }

  void compress(Pass& pass) {
    compress_ = false;
    // A reservation can only move to where room appeared since it was last tried: in the last
    // compression behind it, after that, or in this one before it.
    freed_before_.swap(freed_);
    freed_.clear();
    std::erase_if(freed_before_, [this](const Freed& f) {
      return f.to <= now_ || lines_[f.line].most(std::max(f.from, now_), f.to) <= 0;
    });
    for (auto it = held_.begin(); it != held_.end();)
      it = !it->second.late && improve(pass, it) ? held_.erase(it) : std::next(it);
  }

  /// Moves a reservation to an earlier start, if there is one; true if that is now and the job has
  /// started.
  bool improve(Pass& pass, Held::iterator it) {
    Reservation& r = it->second;
    const std::int32_t units = units_on_one_line(r.request);
    const std::int32_t least = units > 0 ? units : least_units(r.request);
    const bool anywhere = r.seen < all_changed_;
    Found best;
    best.start = r.start;
    bool may = anywhere;
    if (!anywhere) {
      for (auto* list : {&freed_before_, &freed_}) {
        for (Freed& f : *list) {
          if (f.change <= r.seen) continue;
          const Availability<>& line = lines_[f.line];
          if (f.line_changes != line.changes()) {
            f.line_changes = line.changes();
            f.most = line.most(f.from, f.to);
          }
          if (f.most >= least && look(r, units, least, f, best)) may = true;
        }
      }
    }
    const bool more = r.short_of_watts && watts_freed_ > r.seen;
    if (budget_ && (may || more)) {
      may = watts_before(r);
      if (!may) r.short_of_watts = true;  // there may be units
    }
    r.seen = changes_;
    if (!may) return false;
    lift(r);
    const SimTime held_until = end(r);
    const NanoWatts held_draw = r.draw;
    Claims claims{{best.line, units}};
    const SimTime start =
        units > 0 && !anywhere && !budget_ ? best.start : earliest(r, r.start, claims);
    if (start < r.start) {
      for (const Claim& c : r.claims) note_freed(c.line, r.start, held_until);
      if (held_draw > 0) note_watts_freed();
      r.start = start;
      r.claims = std::move(claims);
      if (start == now_ && this->start(pass, r)) return true;
      keep(pass, r);
    } else {
      put(r);
    }
    return false;
  }

  /// Looks for an earlier start of a reservation (in the plan) where room appeared. One on a single
  /// line goes to `best`; for others true only says that there may be one.
  bool look(const Reservation& r, std::int32_t units, std::int32_t least, const Freed& f,
            Found& best) const {
    // It has to overlap what became free.
    const SimTime before =
        std::min(units > 0 && best.start < r.start ? just_after(best.start) : r.start, f.to);
    const SimTime from = std::max(usable(r.request, f.line, least),
                                  SimTime::from_ns(f.from.ns() - r.length.ns() + 1));
    if (from >= before) return false;
    const Availability<>& line = lines_[f.line];
    const bool own = std::any_of(r.claims.begin(), r.claims.end(),
                                 [&](const Claim& c) { return c.line == f.line; });
    const SimTime t =
        line.first_start(from, before, r.length, least, own ? r.start : SimTime::max());
    if (t == SimTime::max()) return false;
    if (units == 0) return true;
    const SimTime until = after(t, r.length);
    std::int32_t room = line.least(t, own ? std::min(r.start, until) : until);
    if (own && until > r.start) room = std::min(room, line.least(r.start, until) + units);
    best = std::min(best, Found{t, room, f.line});
    return true;
  }

  struct Edge {
    SimTime at;
    std::int32_t full, last, watts;
  };
  struct Lent {
    std::uint32_t line;
    SimTime from, to;
    std::int32_t units;
  };
  struct LentWatts {
    SimTime from, to;
    NanoWatts draw;
  };

  std::size_t depth_;
  bool counted_ = false;                        ///< one line for the partition
  std::vector<Availability<>> lines_;           ///< the plan
  Held held_;                                   ///< in queue order
  std::set<std::pair<SimTime, Key>> by_start_;  ///< all but the late ones
  std::set<Key> late_;
  std::map<Key, WaitingQueue::Handle> fresh_;  ///< waiting without a reservation, in queue order
  std::vector<Freed> freed_before_, freed_;    ///< until the last compression began, since then
  std::uint64_t changes_ = 0, all_changed_ = 0;
  bool compress_ = false;
  SimTime now_;                       ///< of this pass
  const NodeIndex* nodes_ = nullptr;  ///< in this pass
  const Pass* pass_ = nullptr;
  SimTime next_wake_;
  bool units_earlier_ = false;  ///< without watts, the start found last would be earlier

  // Under a power budget:
  bool budget_ = false;
  Availability<NanoWatts> watts_{0};
  std::unordered_map<JobIndex, Taken> taken_;
  std::multiset<SimTime> untils_;          ///< of those taken
  NanoWatts whole_ = 0, noted_whole_ = 0;  ///< left at the moment, and drawn by running jobs
  NanoWatts drawn_ = 0;                    ///< by running jobs
  std::uint64_t watts_freed_ = 0;          ///< the last change of the plan that gave some back

  // Kept for their storage.
  std::vector<std::int32_t> room_;
  std::vector<std::pair<std::int32_t, std::uint32_t>> by_room_;
  std::vector<Edge> edges_;
  std::vector<Lent> lent_;
  std::vector<LentWatts> lent_watts_;
  std::vector<Key> due_;
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
