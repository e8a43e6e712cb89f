#include <fmt/format.h>

#include <optional>
#include <string>

#include "traces/signals/builder.hpp"

namespace nightwatt {
namespace {

/// Columns are found by their names in small letters, since the two generations of the file (to
/// 2024, from 2025) differ in capitals: "Carbon Intensity gCO₂eq/kWh (LCA)", "Carbon intensity
/// gCO₂eq/kWh (Life cycle)". Series that were made from it for papers have `datetime` (or
/// `timestamp`) and `carbon_intensity_avg`, and do not say what it counts.
struct Columns {
  std::optional<std::size_t> time, zone, direct, lifecycle, average, estimated;
};

Columns find_columns(const std::vector<std::string>& header) {
  Columns columns;
  for (std::size_t i = 0; i < header.size(); ++i) {
    const std::string name = lower_case(header[i]);
    const bool intensity = name.starts_with("carbon intensity ");
    if (name == "datetime (utc)" || name == "datetime") columns.time = i;
    if (name == "timestamp" && !columns.time) columns.time = i;
    if (name == "zone id" || name == "zone_key" || name == "zone_name") columns.zone = i;
    if (name == "data estimated") columns.estimated = i;
    if (name == "carbon_intensity_avg") columns.average = i;
    if (intensity && name.ends_with("(direct)")) columns.direct = i;
    if (intensity && (name.ends_with("(lca)") || name.ends_with("(life cycle)"))) {
      columns.lifecycle = i;
    }
  }
  return columns;
}

bool recognise(std::string_view head) {
  const Columns columns = find_columns(header_of(head));
  return columns.time && (columns.direct || columns.lifecycle || columns.average);
}

/// "gCO₂eq/kWh" of "Carbon Intensity gCO₂eq/kWh (direct)".
std::string unit_of(std::string_view column) {
  const std::size_t end = column.rfind(" (");
  const std::size_t begin = column.rfind(' ', end - 1) + 1;
  return std::string(column.substr(begin, end - begin));
}

void read(Input& input, SignalBuilder& builder) {
  Diagnostics& faults = builder.diagnostics();
  Table table(input);
  const std::vector<std::string>& header = table.header();
  const Columns columns = find_columns(header);
  const Position top{builder.request().path, std::max<std::uint64_t>(table.header_line(), 1), 0};

  std::optional<std::size_t> value = columns.average;
  if (value) {
    builder.choose_column({"carbon_intensity_avg"});
    builder.note("the file does not say whether it counts direct or life-cycle emissions");
  } else {
    const bool direct = builder.choose_column({"direct", "lifecycle"}) == "direct";
    builder.counts(direct ? CarbonBasis::direct : CarbonBasis::lifecycle);
    value = direct ? columns.direct : columns.lifecycle;
    if (!value) {
      faults.error(top,
                   fmt::format("Carbon intensity gCO₂eq/kWh ({}): the header has no such column",
                               direct ? "direct" : "life cycle"));
    }
  }
  builder.times_in("UTC");
  if (!columns.time) faults.error(top, "Datetime (UTC): the header has no such column");
  if (!columns.estimated) builder.note("the file does not say which values are estimated");
  faults.throw_if_any();

  const std::string unit = columns.average ? "gCO₂eq/kWh" : unit_of(header[*value]);
  const auto meaning = parse_signal_unit(unit);
  if (!meaning || meaning->kind != SignalKind::carbon || meaning->factor != 1.0) {
    faults.error(top, fmt::format("{}: expected the unit 'gCO₂eq/kWh', got {}", header[*value],
                                  quote(unit)));
    return;
  }
  builder.measures(header[*value], unit, *meaning, top);

  UtcTimes times(builder);
  while (next_row(table, builder, header.size())) {
    const Position time_at = table.position(*columns.time);
    const auto unix_s = times.read(table[*columns.time], header[*columns.time], time_at);
    if (!unix_s) continue;
    if (columns.zone) builder.zone_name(table[*columns.zone], table.position(*columns.zone));
    const bool estimated = columns.estimated && lower_case(table[*columns.estimated]) == "true";
    builder.add(*unix_s, time_at, table[*value], table.position(*value), estimated);
  }
}

}  // namespace

SignalFormat electricity_maps_signal() {
  FormatInfo info;
  info.name = "electricity-maps";
  info.summary =
      "Electricity Maps CSV (consumption-based carbon intensity, UTC; column: direct or lifecycle)";
  info.source = "https://www.electricitymaps.com (data portal, headers to 2024 and from 2025)";
  info.seen_in_wild = true;
  info.rules = SignalBuilder::shared_rules();
  info.rules.push_back(SignalBuilder::estimated_rule());
  return {std::move(info), recognise, read};
}

}  // namespace nightwatt
