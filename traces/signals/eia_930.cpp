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

/// What follows "net generation (mw) from ", in small letters. Storage (pumped, battery, other) is
/// not among them: what it gives back was counted when it was generated. The files to mid-2024 have
/// pumped storage together with hydro, and there it is hydro.
constexpr std::array<std::pair<std::string_view, Fuel>, 15> sources{
    {{"coal", Fuel::coal},
     {"natural gas", Fuel::gas},
     {"nuclear", Fuel::nuclear},
     {"all petroleum products", Fuel::oil},
     {"hydropower and pumped storage", Fuel::hydro},
     {"hydropower excluding pumped storage", Fuel::hydro},
     {"solar", Fuel::solar},
     {"solar with integrated battery storage", Fuel::solar},
     {"solar without integrated battery storage", Fuel::solar},
     {"wind", Fuel::wind},
     {"wind with integrated battery storage", Fuel::wind},
     {"wind without integrated battery storage", Fuel::wind},
     {"geothermal", Fuel::geothermal},
     {"other fuel sources", Fuel::other},
     {"unknown fuel sources", Fuel::other}}};

constexpr std::string_view authority = "balancing authority";
constexpr std::string_view utc_end = "utc time at end of hour";

/// The adjusted values (imputed where the reported ones are faulty) where the file has them, else
/// the reported ones.
std::vector<FuelColumn> fuel_columns(const std::vector<std::string>& header) {
  std::vector<FuelColumn> columns;
  for (const auto& [source, fuel] : sources) {
    const std::string name = "net generation (mw) from " + std::string(source);
    const auto reported = find_column(header, name);
    const auto adjusted = find_column(header, name + " (adjusted)");
    const auto imputed = find_column(header, name + " (imputed)");
    if (adjusted) {
      columns.push_back({fuel, *adjusted, reported, imputed});
    } else if (reported) {
      columns.push_back({fuel, *reported, {}, imputed});
    }
  }
  return columns;
}

bool recognise(std::string_view head) {
  const auto header = header_of(head);
  return find_column(header, authority) && find_column(header, utc_end);
}

void read(Input& input, SignalBuilder& builder) {
  Diagnostics& faults = builder.diagnostics();
  Table table(input);
  const std::vector<std::string>& header = table.header();
  const Position top{builder.request().path, std::max<std::uint64_t>(table.header_line(), 1), 0};
  const std::string column = builder.choose_column({"direct", "lifecycle"});
  const CarbonBasis basis = column == "direct" ? CarbonBasis::direct : CarbonBasis::lifecycle;
  builder.counts(basis);
  builder.times_in("UTC");
  const auto time = find_column(header, utc_end);
  const auto grid = find_column(header, authority);
  std::vector<FuelColumn> fuels = fuel_columns(header);
  if (!time) faults.error(top, "UTC Time at End of Hour: the header has no such column");
  if (!grid) faults.error(top, "Balancing Authority: the header has no such column");
  if (fuels.empty()) {
    faults.error(top,
                 "Net Generation (MW) from ...: the header has no such column (a BALANCE file "
                 "has one for each fuel)");
  }
  builder.note("made from the net generation by fuel with fixed factors, " + column +
               "; production-based, storage left out");
  builder.measures(column, "gCO2e/kWh", {SignalKind::carbon, 1.0, ""}, top);
  faults.throw_if_any();
  builder.ends_stamped();

  UtcTimes times(builder);
  FuelMix mix(std::move(fuels), basis, table, builder);
  while (next_row(table, builder, header.size())) {
    if (!builder.region(table[*grid])) continue;
    const Position time_at = table.position(*time);
    const auto unix_s = times.read(table[*time], header[*time], time_at);
    if (!unix_s) continue;
    if (const auto intensity = mix.intensity()) {
      builder.add(*unix_s, time_at, *intensity, table.row_position(), mix.imputed());
    }
  }
}

}  // namespace

SignalFormat eia_930_signal() {
  FormatInfo info;
  info.name = "eia-930";
  info.summary =
      "EIA-930 BALANCE CSV (production-based, from the generation by fuel; column: direct or "
      "lifecycle; region: a balancing authority)";
  info.source =
      "https://www.eia.gov/electricity/gridmonitor (six-month files, columns of 2019 and 2024)";
  info.rules = SignalBuilder::shared_rules();
  info.rules.push_back(FuelMix::negative_rule());
  info.rules.push_back(SignalBuilder::estimated_rule());
  return {std::move(info), recognise, read, true};
}

}  // namespace nightwatt
