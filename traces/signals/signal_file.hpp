#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "energy/signal.hpp"
#include "traces/input.hpp"
#include "traces/job.hpp"
#include "traces/reader.hpp"

namespace nightwatt {

/// What a series measures.
enum class SignalKind : std::uint8_t {
  carbon,       ///< g CO2e per energy
  price,        ///< money per energy
  pue,          ///< facility power over IT power, >= 1
  temperature,  ///< of the air (dry bulb) or of its wet bulb
  humidity,     ///< relative, in percent
  water,        ///< litres per energy of IT
  power,        ///< a limit, in W
};
std::string_view signal_kind_name(SignalKind kind);

/// What a carbon intensity counts. The four are never added to each other.
enum class CarbonBasis : std::uint8_t {
  unknown,    ///< the file does not say
  direct,     ///< average of all plants, what leaves their chimneys
  lifecycle,  ///< average, with the building of plants and the fuels' way
  marginal,   ///< of the plants that would answer one more kilowatt-hour
};
std::string_view carbon_basis_name(CarbonBasis basis);

/// A unit of a series, and what turns its values into those of the kind's own unit: gCO2e/kWh,
/// currency/kWh, 1, °C, %, L/kWh, W.
struct SignalUnit {
  SignalKind kind = SignalKind::carbon;
  double factor = 1.0;
  std::string currency{};  ///< of a price: ISO 4217
  double offset = 0.0;     ///< own unit = value * factor + offset
  [[nodiscard]] double in_own_unit(double value) const { return value * factor + offset; }
};
/// Reads "gCO2e/kWh" (also gCO₂eq, kgCO2, tCO2e, lb, mg; per kWh, MWh, GWh), "USD/MWh", "EUR/kWh",
/// "1", "PUE", "°C", "K", "°F", "%", "L/kWh", "m3/MWh", "kW". None where the text is no such unit.
std::optional<SignalUnit> parse_signal_unit(std::string_view text);

/// What to read, and how values that could be read in two ways are decided.
struct SignalRequest {
  std::string path;           ///< as the user wrote it, for messages and /inputs
  std::string resolved_path;  ///< where to open it; `path` if empty
  std::string format = "auto";
  std::optional<SignalKind> kind;  ///< what it is needed for; none = whatever the unit says
  /// csv: the name of the value's column ("#2" = the second); other formats: one of the short names
  /// that `FormatInfo::summary` lists (direct, lifecycle, wet-bulb, ...)
  std::string column;
  std::string time_column;  ///< csv: the name of the time's column ("#1" = the first)
  std::string unit;         ///< csv, where the column's name does not tell it
  std::string zone;         ///< IANA zone or fixed offset of dates that name none; "" = not given
  std::string region;       ///< which grid of a file with several ("ERCO"); "" = the only one
  std::map<std::string, std::string> rules;  ///< rule -> choice; unknown names are errors
};

/// A series as its file has it. Value i holds from times[i] (or start + i*step) until the next.
struct SignalData {
  std::string zone_name;  ///< what the file calls the grid or market ("US-TEX-ERCO"); may be empty
  std::string time_zone;  ///< of the file's stamps: "UTC", "America/Chicago", "-06:00"
  std::string column;     ///< where the values come from, as the file names it
  std::string unit;       ///< of the values, as the file or the user writes it
  SignalUnit meaning;
  CarbonBasis basis = CarbonBasis::unknown;
  double start_unix_s = 0.0;
  double step_s = 0.0;               ///< 0 = irregular
  std::vector<double> times_unix_s;  ///< irregular: one more than values, the last is the end
  std::vector<double> values;
  std::vector<std::size_t> filled;  ///< values that the file does not have, ascending
  std::uint64_t estimated = 0;      ///< values that the file marks as estimated
  std::int32_t utc_offset_s = 0;    ///< of the clock whose days and years the file follows
  /// Hours of a year that stands for any (EPW); its times lie in the year 2001 (2000 if it has a
  /// 29 February) until `over_years` places them.
  bool typical_year = false;
  ReadReport report;

  [[nodiscard]] double end_unix_s() const;
  /// Where value i begins to hold; of values.size(): where the last one ends.
  [[nodiscard]] double begin_unix_s(std::size_t i) const;
  [[nodiscard]] double min() const;
  [[nodiscard]] double max() const;
  /// Mean over time (not over rows).
  [[nodiscard]] double mean() const;

  /// The series again and again, by calendar years: what holds at an instant is what the file has
  /// at that month, day and time in its own years (28 February for a 29th that it lacks). It covers
  /// [from, to) and a whole number of the file's years. A series shorter than a year, or without a
  /// regular step that divides a day, is given back as it is.
  [[nodiscard]] SignalData over_years(double from_unix_s, double to_unix_s) const;

  /// As a step function in base units (g/J, money/J, ratio, °C, W) on the simulation's clock.
  /// @param origin_unix_s, origin_ns  Unix time of the period's start
  /// @throws InputError for times that the clock cannot hold (146 years from the start)
  [[nodiscard]] StepSeries series(std::int64_t origin_unix_s, std::int32_t origin_ns,
                                  Beyond beyond) const;
};

/// Reads a series. Plain, .gz, .zst and .bz2 are recognised by content.
/// @throws InputError with all faults of the file (positions from 1)
SignalData read_signal(const SignalRequest& request);
SignalData read_signal(const SignalRequest& request, Input& input);

/// All signal formats, sorted by name.
std::vector<FormatInfo> signal_formats();

}  // namespace nightwatt
