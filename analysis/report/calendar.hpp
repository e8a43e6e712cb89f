#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

/// Sums by local day and hour. Private to this folder.
namespace nightwatt::report {

/// Row-major: 24 hours a day, from the local day `first_day` (since 1970-01-01) on.
struct HourTable {
  std::int64_t first_day = 0;
  /// Integral over each hour of that clock; NaN where the rates do not reach. The hour that clocks
  /// repeat holds both, the one that they leave out is NaN.
  std::vector<double> values;
};

/// @param rates  averages over bins of `bin_s` from `start_unix_s` on; a bin is shared between the
///               hours that it covers by time
/// @throws InputError for an unknown zone
HourTable by_hour(std::span<const double> rates, double start_unix_s, double bin_s,
                  std::string_view zone);

}  // namespace nightwatt::report
