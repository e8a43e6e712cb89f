#pragma once

#include <string>
#include <vector>

namespace nightwatt {

/// Columns of block characters over their names, with the largest and the smallest value at the
/// axis, which begins below the smallest (it does not begin at 0). NaN leaves its place empty.
/// At most 100 columns of the terminal wide for up to 24 values.
std::string column_chart(const std::vector<double>& values, const std::vector<std::string>& names);

}  // namespace nightwatt
