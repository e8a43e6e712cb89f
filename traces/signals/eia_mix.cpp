#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <utility>

#include "traces/signals/builder.hpp"
#include "traces/signals/fuel_mix.hpp"

namespace nightwatt {
namespace {

/// Codes of the EIA's interface, in small letters.
constexpr std::array<std::pair<std::string_view, Fuel>, 8> codes{{{"wnd", Fuel::wind},
                                                                  {"sun", Fuel::solar},
                                                                  {"wat", Fuel::hydro},
                                                                  {"oil", Fuel::oil},
                                                                  {"ng", Fuel::gas},
                                                                  {"col", Fuel::coal},
                                                                  {"nuc", Fuel::nuclear},
                                                                  {"oth", Fuel::other}}};

std::vector<FuelColumn> fuel_columns(const std::vector<std::string>& header) {
  std::vector<FuelColumn> columns;
  for (const auto& [code, fuel] : codes) {
    if (const auto column = find_column(header, code)) columns.push_back({fuel, *column, {}, {}});
  }
  return columns;
}

bool recognise(std::string_view head) {
  const auto header = header_of(head);
  return find_column(header, "timestamp") && fuel_columns(header).size() >= 2;
}

void read(Input& input, SignalBuilder& builder) {
  Table table(input);
  const std::vector<std::string>& header = table.header();
  const Position top{builder.request().path, std::max<std::uint64_t>(table.header_line(), 1), 0};
  const auto time = find_column(header, "timestamp");
  const auto given = find_column(header, "avg_ci");
  std::vector<std::string_view> names{"lifecycle", "direct"};
  if (given) names.insert(names.begin(), "avg_CI");
  const std::string column = builder.choose_column(names);
  const CarbonBasis basis = column == "direct" ? CarbonBasis::direct : CarbonBasis::lifecycle;
  builder.counts(basis);
  builder.times_in("UTC");
  if (!time) builder.diagnostics().error(top, "timestamp: the header has no such column");
  builder.note(column == "avg_CI"
                   ? "avg_CI counts life-cycle emissions (its factors: wind 11 to coal 820 g/kWh)"
                   : "made from the generation by fuel with fixed factors, " + column);
  builder.measures(given && column == "avg_CI" ? header[*given] : column, "gCO2e/kWh",
                   {SignalKind::carbon, 1.0, ""}, top);
  builder.diagnostics().throw_if_any();

  UtcTimes times(builder);
  FuelMix mix(fuel_columns(header), basis, table, builder);
  while (next_row(table, builder, header.size())) {
    const Position time_at = table.position(*time);
    const auto unix_s = times.read(table[*time], header[*time], time_at);
    if (!unix_s) continue;
    if (column == "avg_CI") {
      builder.add(*unix_s, time_at, table[*given], table.position(*given));
    } else if (const auto intensity = mix.intensity()) {
      builder.add(*unix_s, time_at, *intensity, table.row_position());
    }
  }
}

}  // namespace

SignalFormat eia_mix_signal() {
  FormatInfo info;
  info.name = "eia-mix";
  info.summary =
      "CSV of hourly generation by EIA fuel code (production-based, UTC; column: avg_CI, lifecycle "
      "or direct)";
  info.source =
      "https://github.com/facebookresearch/CarbonExplorer (from EIA's hourly grid monitor)";
  info.seen_in_wild = true;
  info.rules = SignalBuilder::shared_rules();
  info.rules.push_back(FuelMix::negative_rule());
  return {std::move(info), recognise, read};
}

}  // namespace nightwatt
