#pragma once

#include <cstdint>
#include <functional>
#include <limits>
#include <string_view>
#include <vector>

#include "energy/device.hpp"
#include "policies/outlook.hpp"
#include "policies/registry.hpp"
#include "policies/view.hpp"

namespace nightwatt {

/// A time in which a job may start, or run: [from, to).
struct Window {
  SimTime from, to;
  friend bool operator==(const Window&, const Window&) = default;
};

/// timing: in which intervals may a job start? Only jobs whose class has slack are asked for.
class TimingPolicy : public Policy {
 public:
  /// Called once, before all else. @throws std::invalid_argument if a site cannot be used
  virtual void see(const SitesView& /*sites*/) {}
  /// Fills `out`, which comes empty, with windows that end after `now`, ascending and disjoint.
  /// None = at once. What begins after `latest` is not used; if that is all, the job is released
  /// at once and counted.
  virtual void windows(const JobView& job, std::int16_t home, SimTime now, SimTime latest,
                       std::vector<Window>& out) = 0;
  /// False if no job is ever held.
  [[nodiscard]] virtual bool holds() const { return true; }
  /// True if windows say when a job may run, not only start: one that `JobView::pausable` is then
  /// paused when its window closes, and its policy is asked again for what is left of it when its
  /// last window closes. For other jobs windows are for the start all the same.
  [[nodiscard]] virtual bool runs() const { return false; }
};

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
  /// A running job changed its rate or its draw; it is expected at `job.expected_end` now and was
  /// at `before`.
  virtual void on_retime(const PartitionView& /*view*/, const Running& /*job*/,
                         SimTime /*before*/) {}
  /// Of the watts that a power budget leaves at the moment: those that waiting jobs need, so that
  /// limits of running jobs are not raised into them.
  [[nodiscard]] virtual Watts watts_to_keep(const PartitionView& view) {
    return view.queue().empty() ? Watts{} : view.least_need(view.queue().first()).draw;
  }
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
  std::int16_t site = 0;
};

/// What a job would do under a cap within the range (or no_cap).
using CapEffect = std::function<OperatingPoint(Watts)>;

/// cap: how many watts a GPU?
class CapPolicy : public Policy {
 public:
  /// Power limit of each GPU of the job from now on, no_cap for none. The simulation refuses one
  /// outside the range (or moves it to the nearest limit and counts it, if `clamps`).
  [[nodiscard]] virtual Watts cap(const JobView& job, const CapRange& range,
                                  const CapEffect& effect, SimTime now) = 0;
  /// Called once, before all else. @throws std::invalid_argument if a site cannot be used
  virtual void see(const SitesView& /*sites*/) {}
  [[nodiscard]] virtual bool clamps() const { return false; }
  /// False if no job is ever capped.
  [[nodiscard]] virtual bool caps() const { return true; }
  /// Limits that it may set on any device, so that illegal ones are found before the run.
  [[nodiscard]] virtual std::vector<Watts> limits() const { return {}; }
  /// When answers may change next; running jobs are asked again then. max = never.
  [[nodiscard]] virtual SimTime next_change(SimTime /*now*/) const { return SimTime::max(); }
  /// True if the limits are lowered, in whole watts, as far as the sites' power budgets ask.
  [[nodiscard]] virtual bool keeps_budget() const { return false; }
};

/// nodes: which nodes sleep?
class NodePolicy : public Policy {
 public:
  /// What sleep takes and saves, of one node.
  struct Sleep {
    SimTime after;            ///< a node that was empty for so long goes to sleep
    SimTime boot;             ///< from the decision to use it until jobs can start
    Watts asleep, booting;    ///< what it draws meanwhile, GPUs and host together
    std::uint32_t awake = 0;  ///< so many empty nodes of a partition stay awake
  };
  /// Null if no node ever sleeps.
  [[nodiscard]] virtual const Sleep* sleep() const { return nullptr; }
};

/// pause: who is suspended? Only jobs of classes that are pausable are.
class PausePolicy : public Policy {
 public:
  /// Called once, before all else. @throws std::invalid_argument if a site cannot be used
  virtual void see(const SitesView& /*sites*/) {}
  /// False if no job is ever suspended.
  [[nodiscard]] virtual bool pauses() const { return true; }
  /// Whether jobs are suspended at the site from now on (and none that may be is started).
  [[nodiscard]] virtual bool suspends(std::int16_t site, SimTime now) = 0;
  /// When answers may change next. max = never.
  [[nodiscard]] virtual SimTime next_change(SimTime /*now*/) const { return SimTime::max(); }
  /// How long a job may be suspended, in all its pauses.
  [[nodiscard]] virtual SimTime longest() const { return SimTime::max(); }
};

/// A partition that a job may go to.
struct SiteCandidate {
  std::int16_t site = 0, partition = 0;
  double load_s = 0.0;  ///< GPU-seconds (by estimate) that wait and run there, per GPU
  // Where the policy weighs costs, else 0:
  double run_s = 0.0;     ///< estimated, at the rate that the job has there
  double energy_j = 0.0;  ///< IT energy of that run
  // Moving the job's data there from where they are, which takes neither where they are there:
  std::int16_t data_site = 0;
  double transfer_s = 0.0;         ///< before the job may queue
  double transfer_energy_j = 0.0;  ///< half of it drawn at either end, without PUE
};

/// site: which site and partition?
class SitePolicy : public Policy {
 public:
  /// Called once, before all else. @throws std::invalid_argument if a site cannot be used
  virtual void see(const SitesView& /*sites*/) {}
  /// True if candidates need run_s and energy_j.
  [[nodiscard]] virtual bool weighs_costs() const { return false; }
  /// @param candidates  partitions that accept the job, in the scenario's order; not empty
  /// @return index into candidates
  [[nodiscard]] virtual std::size_t choose(const JobView& job, std::int16_t home,
                                           const std::vector<SiteCandidate>& candidates,
                                           SimTime now) = 0;
};

}  // namespace nightwatt
