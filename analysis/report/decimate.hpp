#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

/// Fewer points for the same picture. Private to this folder.
namespace nightwatt::report {

/// Indices, ascending, of the values that stand for all of them: all, if there are no more than
/// `most`; else the first and the last, and of each of about most/2 buckets of equal length the
/// smallest and the largest (the first of equal ones). So no peak is lost at any zoom. NaN is kept
/// only where a bucket holds nothing else.
/// @param most  >= 4
std::vector<std::uint32_t> extremes(std::span<const double> values, std::size_t most);

}  // namespace nightwatt::report
