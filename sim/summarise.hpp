#pragma once

#include "sim/result.hpp"

namespace nightwatt {

/// Fills `result.summary`, apart from `conservation_error`, from the jobs, partitions and sites.
void summarise(RunResult& result);

}  // namespace nightwatt
