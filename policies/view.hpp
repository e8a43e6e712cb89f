#pragma once

#include <cstdint>
#include <limits>
#include <string_view>
#include <vector>

#include "energy/quantity.hpp"
#include "policies/expected_ends.hpp"
#include "policies/node_index.hpp"
#include "policies/waiting_queue.hpp"
#include "traces/job.hpp"

namespace nightwatt {

/// A job that holds GPUs.
struct Running {
  JobIndex job = 0;
  SimTime start;
  SimTime expected_end;  ///< start + estimate; it may lie in the past (an overrun)
  Request request;
  Allocation pieces;
  Watts draw;  ///< of the site's power budget; comes free when it ends. 0 without a budget
};

/// What a job would take of a power budget at some limit, on as few nodes as hold it, which are
/// else empty.
struct PowerNeed {
  Watts draw;        ///< above idle, supply loss included
  SimTime estimate;  ///< of its run time
};

/// What policies may see of a partition. Read only; all answers are O(log n) or better.
class PartitionView {
 public:
  virtual ~PartitionView() = default;
  [[nodiscard]] virtual SimTime now() const = 0;
  [[nodiscard]] virtual const NodeIndex& nodes() const = 0;
  [[nodiscard]] virtual const SizeClasses& size_classes() const = 0;
  [[nodiscard]] virtual const WaitingQueue& queue() const = 0;
  [[nodiscard]] virtual const ExpectedEnds& by_expected_end() const = 0;
  /// Of a job that runs in this partition.
  [[nodiscard]] virtual const Running& running(JobIndex job) const = 0;
  /// What jobs of this partition may draw more at the moment; infinite without a power budget.
  [[nodiscard]] virtual Watts room() const = 0;
  /// Of a waiting job at the limit that the cap policy wants, and at the lowest one that its GPUs
  /// have. No draw without a power budget.
  [[nodiscard]] virtual PowerNeed wanted_need(WaitingQueue::Handle waiting) const = 0;
  [[nodiscard]] virtual PowerNeed least_need(WaitingQueue::Handle waiting) const = 0;
};

/// One scheduling pass over a partition: what a backfill policy works with. Starting is checked
/// by the simulation; a start that does not fit is a fault of the policy and stops the run.
class Pass : public PartitionView {
 public:
  /// Where the placement policy would put a waiting job now; null if it has no room, or would draw
  /// more than `at_most` (or than the site's budget leaves) whatever its power limit. Valid until
  /// the next call.
  virtual const Allocation* place(WaitingQueue::Handle waiting, Watts at_most = no_limit) = 0;
  static constexpr Watts no_limit = watts(std::numeric_limits<double>::infinity());
  /// The same for pieces that the backfill policy chose itself; false if they are not free.
  virtual bool place_on(WaitingQueue::Handle waiting, const Allocation& pieces,
                        Watts at_most = no_limit) = 0;
  /// What the job that was just placed would take of the budget, at the limit that was found for
  /// it.
  [[nodiscard]] virtual PowerNeed placed_need() const = 0;
  /// Starts the job at the place that was just found for it.
  virtual void start_placed(WaitingQueue::Handle waiting) = 0;
  /// Asks for a pass at that instant.
  virtual void wake_at(SimTime when) = 0;
  /// Says when a waiting job is to start at the latest if estimates hold, for the record.
  virtual void promise(WaitingQueue::Handle waiting, SimTime start) = 0;
  /// Counts something the user should know of ("reservation_moved").
  virtual void count(std::string_view what) = 0;

  /// Places and starts; false without room.
  bool start_on(WaitingQueue::Handle waiting, const Allocation& pieces) {
    if (!place_on(waiting, pieces)) return false;
    start_placed(waiting);
    return true;
  }
  bool start(WaitingQueue::Handle waiting) {
    if (place(waiting) == nullptr) return false;
    start_placed(waiting);
    return true;
  }
};

/// What an order policy sees of a job.
struct JobView {
  const Job& job;
  JobIndex index;
  double submit_s;          ///< since the period's start
  double recorded_start_s;  ///< since the period's start; NaN = the trace does not say
  double deadline_s;        ///< since the period's start; NaN = none
  double estimate_s;        ///< of its run time here
  double units;             ///< GPUs (or cores) it asks for
  std::string_view job_class;
  double slack_s = 0.0;   ///< how long its class lets it be held; 0 = it must not be
  bool pausable = false;  ///< it may be suspended and resumed
  double pause_s = 0.0;   ///< what a pause adds to its run: checkpoint and restart
  /// The power limit of its class for each GPU; infinite = none.
  Watts class_cap = watts(std::numeric_limits<double>::infinity());
};

}  // namespace nightwatt
