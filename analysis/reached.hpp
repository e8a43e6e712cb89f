#pragma once

#include <vector>

#include "analysis/comparison.hpp"
#include "sim/timeline/timeline.hpp"

namespace nightwatt {

/// Fills RunDifference::reached: the share of the possible saving that each run reached, against
/// one lower bound for all of them, in a window that holds what each of them did. A note says why,
/// where there is none.
/// @param others  beside `comparison.runs`
void add_reached(Comparison& comparison, const TimelineFile& base,
                 const std::vector<const TimelineFile*>& others);

}  // namespace nightwatt
