#pragma once

#include <string>

#include "traces/job.hpp"

namespace nightwatt {

/// What a user should know of a trace before trusting it: how it was read (format, rows left out
/// or changed, by rule), its span, demand, quantiles of run and waiting time, sizes, users, states.
/// Quantiles are interpolated linearly between order statistics.
std::string trace_info_table(const Workload& workload);

/// The same as one JSON object; what the trace does not say is null.
std::string trace_info_json(const Workload& workload);

/// "completed"
const char* trace_state_name(TraceState state);

}  // namespace nightwatt
