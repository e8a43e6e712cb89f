#pragma once

#include <string>

#include "traces/signals/signal_file.hpp"

namespace nightwatt {

/// What a user should know of a series before trusting it: how it was read (format, rows left out
/// or changed, by rule), its span, step, zone and unit, extremes and mean, gaps, estimated share,
/// and its mean by hour of the day and by month, drawn in at most 100 columns. Times are UTC but
/// for the two profiles, which follow the clock of the file where it has one fixed offset. Values
/// that the file does not have (filled by a rule) count for nothing.
std::string signal_info_table(const SignalData& data);

/// The same as one JSON object; hours and months without a value are null.
std::string signal_info_json(const SignalData& data);

}  // namespace nightwatt
