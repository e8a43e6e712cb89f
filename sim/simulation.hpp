#pragma once

#include <atomic>
#include <cstdint>
#include <functional>

#include "sim/engine/event_engine.hpp"
#include "sim/result.hpp"
#include "sim/setup.hpp"

namespace nightwatt {

/// Where a run stands, for a progress line.
struct Progress {
  double time_s = 0.0;  ///< simulated, since the period's start
  std::uint64_t jobs_submitted = 0, jobs_ended = 0, jobs_total = 0;
};

struct RunHooks {
  /// Called about every 65,536 instants; may be empty.
  std::function<void(const Progress&)> progress;
  /// Set from outside (a signal handler) to stop the run early; may be null.
  const std::atomic<bool>* stop = nullptr;
};

/// Replays the workload on the cluster. Jobs submitted in [0, period_end) are simulated; the
/// others are left out and counted.
/// Fills everything of the result but title, program, scenario text, sha256, inputs and the
/// period's date, which the caller knows.
/// Jobs that no partition can hold are rejected and counted; `check_demand` finds them beforehand.
/// @throws InputError if dependencies form a cycle, if a signal ends before the run does, or if
/// `order: replay` meets
///   a workload without recorded starts.
RunResult simulate(const Setup& setup, EventEngine& engine, const RunHooks& hooks = {});

}  // namespace nightwatt
