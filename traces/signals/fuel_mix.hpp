#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "traces/signals/builder.hpp"

namespace nightwatt {

/// Fuels whose emissions have a factor.
enum class Fuel : std::uint8_t {
  coal,
  gas,
  oil,
  nuclear,
  hydro,
  solar,
  wind,
  geothermal,
  other,
};

/// Emissions of a kilowatt-hour by fuel, in gCO2e.
///
/// Direct: coal 760, gas 370, oil 406, other 575, all else 0. With these CarbonCast makes its
/// direct series (Maji, Sitaraman, Shenoy 2022, BuildSys; from Electricity Maps): a least squares
/// fit to its file for New England gives exactly them. Life cycle: wind 11, solar 41, hydro 24,
/// nuclear 12, geothermal 38, gas 490, coal 820 are medians of IPCC AR5 WG III (2014), Annex III,
/// table A.III.2; other 230 is its median for biomass, oil 650 is of Carbon Explorer (Acun et al.
/// 2023, ASPLOS), which uses all of these.
double grams_per_kwh_of(Fuel fuel, CarbonBasis basis);

/// Where a table has the generation by one fuel.
struct FuelColumn {
  Fuel fuel;
  std::size_t column;                  ///< of the values to be used
  std::optional<std::size_t> instead;  ///< used where that one is empty
  std::optional<std::size_t> imputed;  ///< filled where the publisher made up the value
};

/// Makes the carbon intensity of a row from its generation by fuel.
class FuelMix {
 public:
  /// Rule negative_generation, for formats that use this class.
  static RuleInfo negative_rule();

  FuelMix(std::vector<FuelColumn> columns, CarbonBasis basis, const Table& table,
          SignalBuilder& builder);

  /// The generation-weighted mean factor in gCO2e/kWh, NaN where no fuel has a number or nothing
  /// was generated; nothing where the row is bad (told to the builder).
  std::optional<double> intensity();
  /// Whether a value of the row was made up by the publisher.
  [[nodiscard]] bool imputed() const;

 private:
  std::vector<FuelColumn> columns_;
  CarbonBasis basis_;
  const Table& table_;
  SignalBuilder& builder_;
  Rule& negative_;
};

}  // namespace nightwatt
