#include <fmt/format.h>

#include <optional>
#include <string>

#include "traces/formats/formats.hpp"
#include "traces/signals/builder.hpp"

namespace nightwatt {
namespace {

/// Columns are found by their names in small letters, since the two generations of the file (to
/// 2024, from 2025) differ in capitals: "Carbon Intensity gCO₂eq/kWh (LCA)", "Carbon intensity
/// gCO₂eq/kWh (Life cycle)".
struct Columns {
  std::optional<std::size_t> time, zone, direct, lifecycle, estimated;
};

Columns find_columns(const std::vector<std::string>& header) {
  Columns columns;
  for (std::size_t i = 0; i < header.size(); ++i) {
    const std::string name = lower_case(header[i]);
    const bool intensity = name.starts_with("carbon intensity");
    if (name == "datetime (utc)") columns.time = i;
    if (name == "zone id") columns.zone = i;
    if (name == "data estimated") columns.estimated = i;
    if (intensity && name.ends_with("(direct)")) columns.direct = i;
    if (intensity && (name.ends_with("(lca)") || name.ends_with("(life cycle)"))) {
      columns.lifecycle = i;
    }
  }
  return columns;
}

bool recognise(std::string_view head) {
  const std::string line = lower_case(first_line(head));
  return line.find("datetime (utc)") != std::string::npos &&
         line.find("carbon intensity g") != std::string::npos;
}

/// "gCO₂eq/kWh" of "Carbon Intensity gCO₂eq/kWh (direct)".
std::string unit_of(std::string_view column) {
  const std::size_t end = column.rfind(" (");
  const std::size_t begin = column.rfind(' ', end - 1) + 1;
  return std::string(column.substr(begin, end - begin));
}

void read(Input& input, SignalBuilder& builder) {
  const SignalRequest& request = builder.request();
  Diagnostics& faults = builder.diagnostics();
  Table table(input);
  const std::vector<std::string>& header = table.header();
  const Columns columns = find_columns(header);
  const Position top{request.path, std::max<std::uint64_t>(table.header_line(), 1), 0};

  const std::string_view asked = request.column;
  const bool direct = asked.empty() || asked == "direct";
  if (!direct && asked != "lifecycle" && asked != "lca") {
    faults.error({}, fmt::format("column: expected direct or lifecycle, got {}{}", quoted(asked),
                                 did_you_mean(asked, {"direct", "lifecycle"})));
  }
  if (asked.empty()) {
    builder.note("column assumed: direct (lifecycle counts the building of plants and fuels, too)");
  }
  if (!request.zone.empty() && request.zone != "UTC") {
    faults.error(
        {}, fmt::format("zone: the times of this format are UTC, got {}", quoted(request.zone)));
  }
  const auto value = direct ? columns.direct : columns.lifecycle;
  if (!columns.time) faults.error(top, "Datetime (UTC): the header has no such column");
  if (!value) {
    faults.error(top, fmt::format("Carbon intensity gCO₂eq/kWh ({}): the header has no such column",
                                  direct ? "direct" : "life cycle"));
  }
  if (!columns.estimated) builder.note("the file does not say which values are estimated");
  faults.throw_if_any();

  const std::string unit = unit_of(header[*value]);
  const auto meaning = parse_signal_unit(unit);
  if (!meaning || meaning->kind != SignalKind::carbon) {
    faults.error(top, fmt::format("{}: expected a unit such as 'gCO₂eq/kWh', got {}",
                                  header[*value], quoted(unit)));
    return;
  }
  builder.measures(header[*value], unit, *meaning, top);

  DateReader dates("UTC");
  while (table.next()) {
    builder.count_row();
    if (!table.fault().empty()) {
      builder.bad_row(table.position(table.fault_field()), table.fault());
      continue;
    }
    if (table.size() < header.size()) {
      builder.bad_row(table.row_position(),
                      fmt::format("expected {} fields, got {}", header.size(), table.size()));
      continue;
    }
    double unix_s = 0.0;
    const std::string_view time = table[*columns.time];
    if (dates.read(time, unix_s) != DateReader::Result::ok) {
      builder.bad_row(table.position(*columns.time),
                      fmt::format("{}: expected a date and time such as '2022-01-01 00:00:00', got "
                                  "{}",
                                  header[*columns.time], quoted(time)));
      continue;
    }
    if (columns.zone) builder.zone_name(table[*columns.zone], table.position(*columns.zone));
    const bool estimated = columns.estimated && lower_case(table[*columns.estimated]) == "true";
    builder.add(unix_s, table.position(*columns.time), table[*value], table.position(*value),
                estimated);
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
  return {std::move(info), recognise, read};
}

}  // namespace nightwatt
