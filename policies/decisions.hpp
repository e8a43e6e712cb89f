#pragma once

#include <cstdint>
#include <limits>
#include <string_view>
#include <vector>

#include "policies/registry.hpp"
#include "policies/view.hpp"

namespace nightwatt {

/// order: who is next in a queue?
class OrderPolicy : public Policy {
 public:
  /// Less is earlier; equal keys stand in order of (submit time, id).
  [[nodiscard]] virtual double key(const JobView& job, SimTime now) = 0;
  /// How often keys change by themselves; 0 = a key never changes.
  [[nodiscard]] virtual Seconds refresh() const { return {}; }
  /// True if jobs are to start at their recorded starts instead of in turn.
  [[nodiscard]] virtual bool replays() const { return false; }
  virtual void on_start(const JobView& /*job*/, SimTime /*now*/) {}
  virtual void on_end(const JobView& /*job*/, SimTime /*now*/) {}
};

/// backfill: who may overtake? One object a partition, so it may keep a state of its own.
class BackfillPolicy : public Policy {
 public:
  /// Called once an instant, after all completions and submissions of it.
  virtual void pass(Pass& pass) = 0;
  /// A job came into the queue. Called before the pass of the same instant.
  virtual void on_queue(const PartitionView& /*view*/, WaitingQueue::Handle /*waiting*/) {}
  /// A job is about to leave the queue without a start: it moves to another partition.
  virtual void on_leave(const PartitionView& /*view*/, WaitingQueue::Handle /*waiting*/) {}
  /// A running job ended (at its expected end or not); its GPUs are already free.
  virtual void on_end(const PartitionView& /*view*/, const Running& /*ended*/) {}
  /// A running job changed its rate; it is expected at `job.expected_end` now and was at `before`.
  virtual void on_retime(const PartitionView& /*view*/, const Running& /*job*/,
                         SimTime /*before*/) {}
  [[nodiscard]] virtual bool needs_expected_ends() const { return true; }
};

/// placement: which GPUs?
class PlacementPolicy : public Policy {
 public:
  /// Finds nodes for a request that fits (`nodes.capacity().fits(request)`); fills `out`, which
  /// comes empty. The index chooses the GPUs inside a node.
  virtual void place(const Request& request, const NodeIndex& nodes, Allocation& out) const = 0;
};

inline constexpr Watts no_cap = watts(std::numeric_limits<double>::infinity());

/// The power limits that a device may be set to; both 0 = it cannot be capped.
struct CapRange {
  std::string_view device;
  Watts min, max;
};

/// cap: how many watts a GPU?
class CapPolicy : public Policy {
 public:
  /// Power limit of each GPU of the job from now on, no_cap for none. The simulation refuses one
  /// outside the range (or moves it to the nearest limit and counts it, if `clamps`).
  [[nodiscard]] virtual Watts cap(const JobView& job, const CapRange& range, SimTime now) = 0;
  [[nodiscard]] virtual bool clamps() const { return false; }
  /// When answers may change next; running jobs are asked again then. max = never.
  [[nodiscard]] virtual SimTime next_change(SimTime /*now*/) const { return SimTime::max(); }
};

/// A partition that a job may go to.
struct SiteCandidate {
  std::int16_t site = 0, partition = 0;
  double load_s = 0.0;  ///< GPU-seconds (by estimate) that wait and run there, per GPU
};

/// site: which site and partition?
class SitePolicy : public Policy {
 public:
  /// @param candidates  partitions that accept the job, in the scenario's order; not empty
  /// @return index into candidates
  [[nodiscard]] virtual std::size_t choose(const JobView& job, std::int16_t home,
                                           const std::vector<SiteCandidate>& candidates) = 0;
};

}  // namespace nightwatt
