#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "energy/quantity.hpp"

namespace nightwatt {

/// Numbers and tables as the terminal shows them. NaN is shown as "unknown" throughout.

/// "1,234,567"
std::string grouped(std::uint64_t number);
/// Four digits and a unit that fits: "12.35 MWh".
std::string energy_text(Joules energy);
/// "850 W", "1.234 MW"
std::string power_text(Watts power);
/// "350 g", "1.234 t" of CO2e
std::string carbon_text(GramsCO2e carbon);
/// "1,234.50 EUR"; an empty currency is left out.
std::string cost_text(Money cost, std::string_view currency);
/// The two largest units: "3 d 4 h", "12 min 5 s", "4.2 s".
std::string span_text(Seconds span);
/// "12.3 %" of a ratio
std::string percent_text(double ratio);
/// Up to four significant digits, without a trailing ".0".
std::string number_text(double number);
/// "2022-10-03 00:00:00 UTC"
std::string instant_text(std::int64_t unix_s);
/// Columns of a terminal that UTF-8 text takes (wide characters take two).
std::size_t display_width(std::string_view text);
/// One line: control bytes become '?', so that names from a file cannot steer the terminal.
std::string printable(std::string_view text);

/// Lines with aligned columns, two spaces apart.
class TextTable {
 public:
  enum class Align : std::uint8_t { left, right };
  /// Columns beyond those given are left-aligned.
  explicit TextTable(std::vector<Align> columns) : align_(std::move(columns)) {}

  void row(std::vector<std::string> cells);
  /// The last column is wrapped between words where a line would be longer than `width` columns of
  /// the terminal, its further lines indented under it.
  [[nodiscard]] std::string text(std::size_t width = 100) const;

 private:
  std::vector<Align> align_;
  std::vector<std::vector<std::string>> rows_;
};

}  // namespace nightwatt
