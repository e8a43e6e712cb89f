#pragma once

#include "policies/expected.hpp"

namespace nightwatt {

/// Where a run is expected to be charged least, and its mean there.
struct CheapestStart {
  SimTime start;
  double mean;
};

/// The start in [now, latest] with the least expected mean over a run of `run_ns` > 0; now, where
/// no later one is lower. O(steps of the signals in between).
inline CheapestStart cheapest_start(const Outlook& outlook, Signal signal, SimTime now,
                                    SimTime latest, std::int64_t run_ns) {
  const auto mean = [&](SimTime start) {
    return expected_mean(outlook, signal, now, start, SimTime::from_ns(start.ns() + run_ns));
  };
  // The mean over a run that slides over steps is piecewise linear: it is least where the run
  // begins or ends at a step, or at the end of the slack.
  CheapestStart best{now, mean(now)};
  const auto consider = [&](SimTime start) {
    if (start <= now || start > latest) return;
    const double value = mean(start);
    // A later start has to be worth it: rounding is not.
    if (value < best.mean * (1 - 1e-12) || (value == best.mean && start < best.start)) {
      best = {start, value};
    }
  };
  const SimTime end = SimTime::from_ns(latest.ns() + run_ns);
  for (SimTime step = outlook.next_change(now); step <= end; step = outlook.next_change(step)) {
    consider(step);
    consider(SimTime::from_ns(step.ns() - run_ns));
  }
  consider(latest);
  return best;
}

}  // namespace nightwatt
