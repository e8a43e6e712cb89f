#include "traces/signals/fuel_mix.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <utility>

namespace nightwatt {

double grams_per_kwh_of(Fuel fuel, CarbonBasis basis) {
  const bool direct = basis == CarbonBasis::direct;
  switch (fuel) {
    case Fuel::coal:
      return direct ? 760.0 : 820.0;
    case Fuel::gas:
      return direct ? 370.0 : 490.0;
    case Fuel::oil:
      return direct ? 406.0 : 650.0;
    case Fuel::nuclear:
      return direct ? 0.0 : 12.0;
    case Fuel::hydro:
      return direct ? 0.0 : 24.0;
    case Fuel::solar:
      return direct ? 0.0 : 41.0;
    case Fuel::wind:
      return direct ? 0.0 : 11.0;
    case Fuel::geothermal:
      return direct ? 0.0 : 38.0;
    case Fuel::other:
      return direct ? 575.0 : 230.0;
  }
  return 0.0;
}

RuleInfo FuelMix::negative_rule() {
  return {"negative_generation",
          "generation below 0 (a plant's own use, storage that is charged)",
          {"zero", "keep", "error"}};
}

FuelMix::FuelMix(std::vector<FuelColumn> columns, CarbonBasis basis, const Table& table,
                 SignalBuilder& builder)
    : columns_(std::move(columns)),
      basis_(basis),
      table_(table),
      builder_(builder),
      negative_(builder.rule("negative_generation")) {}

std::optional<double> FuelMix::intensity() {
  double generated = 0.0;
  double emitted = 0.0;
  for (const FuelColumn& one : columns_) {
    const bool other = table_[one.column].empty() && one.instead;
    const std::size_t at = other ? *one.instead : one.column;
    std::string text(table_[at]);
    if (text.empty()) continue;
    std::erase(text, ',');  // "1,234"
    const auto number = parse_number(text);
    if (!number) {
      builder_.bad_row(table_.position(at), fmt::format("{}: expected a number, got {}",
                                                        table_.header()[at], quote(table_[at])));
      return {};
    }
    double generation = *number;
    if (generation < 0.0) {
      negative_.count_adjusted();
      if (negative_.is("error")) {
        builder_.diagnostics().error(
            table_.position(at), fmt::format("{}: expected a number >= 0, got {}{}",
                                             table_.header()[at], quote(text), negative_.hint()));
      }
      if (negative_.is("zero")) generation = 0.0;
    }
    generated += generation;
    emitted += generation * grams_per_kwh_of(one.fuel, basis_);
  }
  // Without generation (or more storage than that) there is no such mean.
  if (!(generated > 0.0)) return std::numeric_limits<double>::quiet_NaN();
  return std::max(emitted / generated, 0.0);
}

bool FuelMix::imputed() const {
  return std::any_of(columns_.begin(), columns_.end(), [&](const FuelColumn& one) {
    return one.imputed && !table_[*one.imputed].empty();
  });
}

}  // namespace nightwatt
