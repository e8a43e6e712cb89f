#pragma once

#include <string_view>

#include "traces/job.hpp"

namespace nightwatt {

/// The end state that a trace names: Slurm's words and two-letter codes ("CANCELLED by 123" too),
/// and those of Philly ("Pass", "Killed"), Kubernetes ("Succeeded") and PAI ("Terminated"). Upper
/// and lower case are the same. `unknown` for any other word.
TraceState parse_state(std::string_view text);

}  // namespace nightwatt
