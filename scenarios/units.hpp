#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "scenarios/scenario.hpp"

namespace nightwatt {

/// What a number in a scenario measures. The canonical unit, in which a value is kept and written,
/// is named at each.
enum class Dimension : std::uint8_t {
  duration,          ///< s
  power,             ///< W
  energy,            ///< kWh
  carbon_intensity,  ///< gCO2e/kWh
  price,             ///< currency/kWh
  bandwidth,         ///< B/s
  data,              ///< B
  fraction,          ///< 1; the only one that may stand without a unit
  frequency,         ///< MHz
  voltage,           ///< V
  rate,              ///< operations/s: FLOP/s, OP/s
  temperature,       ///< °C
  energy_per_data,   ///< J/GB
  water,             ///< L/kWh
  carbon_mass,       ///< kgCO2e
  demand_charge,     ///< currency/kW
};

/// A text read as a quantity.
struct QuantityText {
  std::optional<double> value;  ///< in the canonical unit; none = not readable
  std::string currency;         ///< of a price or a demand charge: ISO 4217
  std::string hint;             ///< why it is not readable: "no unit", "unknown unit 'w'; ..."
};

/// Reads "350 W". The number is decimal, without leading zeros or separators.
QuantityText parse_quantity(Dimension dimension, std::string_view text);
/// A text that reads back as the same value: durations in the largest unit that divides them, all
/// else the shortest.
std::string format_quantity(Dimension dimension, double value, std::string_view currency = {});
/// "a power such as '350 W'"
std::string expected_quantity(Dimension dimension);
/// "a power"
std::string_view dimension_name(Dimension dimension);
/// Regular expression (ECMA 262) of the texts that parse_quantity reads.
std::string quantity_pattern(Dimension dimension);
bool is_currency(std::string_view code);

/// Decimal number without sign of surprise: no leading zeros, hexadecimals, separators, inf, nan.
std::optional<double> read_number(std::string_view text);
std::optional<std::int64_t> read_integer(std::string_view text);
/// Shortest text that reads back as the same double.
std::string format_number(double value);

struct InstantText {
  std::optional<Instant> value;
  std::string hint;
};
/// Reads "2022-10-03T00:00:00Z" or with "+02:00"; seconds may be left out or have a fraction.
InstantText parse_instant(std::string_view text);
/// With Z.
std::string format_instant(const Instant& instant);
std::string instant_pattern();

/// A calendar day without time, "2022-10-03": days since 1970-01-01.
std::optional<std::int64_t> parse_day(std::string_view text);

}  // namespace nightwatt
