#pragma once

#include <vector>

#include "sim/result.hpp"

namespace nightwatt {

/// Mean and exact quantiles; the values are put in another order.
Distribution distribution_of(std::vector<double>& values);

/// Fills `result.summary`, apart from `conservation_error`, from the jobs, partitions and sites.
void summarise(RunResult& result);

}  // namespace nightwatt
