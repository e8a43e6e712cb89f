#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <string>
#include <utility>

#include "traces/signals/builder.hpp"

namespace nightwatt {
namespace {

/// A file has either the intensity that was (with the generation by source), or blocks of forecasts
/// beside what was then: a block for each day, of some days each, so that times come several times.
struct Columns {
  std::optional<std::size_t> time, intensity, actual, forecast;
};

Columns find_columns(const std::vector<std::string>& header) {
  Columns columns;
  columns.time = find_column(header, "utc time");
  columns.intensity = find_column(header, "carbon_intensity");
  for (std::size_t i = 0; i < header.size(); ++i) {
    const std::string name = lower_case(header[i]);
    if (name.find("carbon_intensity") == std::string::npos) continue;
    if (name.starts_with("actual_")) columns.actual = i;
    if (name.starts_with("forecasted_")) columns.forecast = i;
  }
  return columns;
}

bool recognise(std::string_view head) {
  const Columns columns = find_columns(header_of(head));
  return columns.time && (columns.intensity || (columns.actual && columns.forecast));
}

/// What the column's name says, or else the file's: "ISNE_direct_emissions.csv".
CarbonBasis basis_of(std::string_view column, std::string_view path) {
  const auto name = lower_case(path.substr(path.rfind('/') + 1));
  for (const std::string& text : {lower_case(column), name}) {
    if (text.find("lifecycle") != std::string::npos) return CarbonBasis::lifecycle;
    if (text.find("direct") != std::string::npos) return CarbonBasis::direct;
  }
  return CarbonBasis::unknown;
}

void read(Input& input, SignalBuilder& builder) {
  const SignalRequest& request = builder.request();
  Diagnostics& faults = builder.diagnostics();
  Table table(input);
  const std::vector<std::string>& header = table.header();
  const Columns columns = find_columns(header);
  const Position top{request.path, std::max<std::uint64_t>(table.header_line(), 1), 0};

  std::optional<std::size_t> value = columns.intensity;
  if (value) {
    builder.choose_column({"carbon_intensity"});
  } else if (columns.actual && columns.forecast) {
    const std::string actual = header[*columns.actual], forecast = header[*columns.forecast];
    const bool by_name = request.column == actual || request.column == forecast;
    const std::string asked =
        by_name ? request.column : builder.choose_column({"actual", "forecast"});
    value = asked == "forecast" || asked == forecast ? columns.forecast : columns.actual;
  } else {
    faults.error(top, "carbon_intensity: the header has no such column");
  }
  builder.times_in("UTC");
  if (!columns.time) faults.error(top, "UTC time: the header has no such column");
  faults.throw_if_any();
  const CarbonBasis basis = basis_of(header[*value], request.path);
  builder.counts(basis);
  if (basis == CarbonBasis::unknown) {
    builder.note(
        "neither column nor file name says whether it counts direct or life-cycle "
        "emissions");
  }
  builder.measures(header[*value], "gCO2e/kWh", {SignalKind::carbon, 1.0, ""}, top);
  faults.throw_if_any();

  UtcTimes times(builder);
  const bool forecasts = !columns.intensity;
  std::uint64_t row = 0;
  std::uint64_t block = 0;  // rows of one, known from the first step back on
  double before_s = -1e300;
  while (next_row(table, builder, header.size())) {
    const Position time_at = table.position(*columns.time);
    const auto unix_s = times.read(table[*columns.time], header[*columns.time], time_at);
    if (forecasts && unix_s && *unix_s <= before_s) {
      if (block == 0) block = row;
      if (row % block == 0) builder.new_run();
    }
    ++row;
    if (!unix_s) continue;
    before_s = *unix_s;
    builder.add(*unix_s, time_at, table[*value], table.position(*value));
  }
}

}  // namespace

SignalFormat carboncast_signal() {
  FormatInfo info;
  info.name = "carboncast";
  info.summary =
      "CarbonCast CSV (UTC; direct or life cycle by its name; forecasts: column actual or "
      "forecast)";
  info.source = "https://github.com/carbonfirst/CarbonCast";
  info.seen_in_wild = true;
  info.rules = SignalBuilder::shared_rules();
  info.rules.push_back(SignalBuilder::overlap_rule());
  return {std::move(info), recognise, read};
}

}  // namespace nightwatt
