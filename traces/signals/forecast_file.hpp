#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "traces/signals/signal_file.hpp"

namespace nightwatt {

/// Which forecasts to read.
struct ForecastRequest {
  std::string path;             ///< as the user wrote it
  std::string resolved_path;    ///< where to open it; `path` if empty
  std::string format = "auto";  ///< auto, carboncast, csv
  SignalKind kind = SignalKind::carbon;
  // csv:
  std::string issue_column = "issue_time", time_column = "target_time", column = "value";
  std::string unit;  ///< where the column's name does not end in one in brackets
  std::string zone;  ///< of dates that name none
};

/// One forecast: what was expected when it was made.
struct ForecastIssue {
  double issued_unix_s = 0.0;
  std::vector<double> times_unix_s;  ///< ascending; each value holds for the file's step
  std::vector<double> values;        ///< in the file's unit
};

struct ForecastData {
  SignalUnit meaning;
  CarbonBasis basis = CarbonBasis::unknown;
  double step_s = 0.0;                ///< the most frequent distance of targets
  std::vector<ForecastIssue> issues;  ///< by the time at which they were made
  ReadReport report;
};

/// Reads forecasts with the times at which they were made: CSV with a column each of issue time,
/// target time and value, or CarbonCast's blocks, each of which was made at its first time.
/// Plain, .gz, .zst and .bz2 are recognised by content.
/// @throws InputError with all faults of the file
ForecastData read_forecasts(const ForecastRequest& request);
ForecastData read_forecasts(const ForecastRequest& request, Input& input);

}  // namespace nightwatt
