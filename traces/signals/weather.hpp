#pragma once

#include <cstdint>

#include "traces/signals/builder.hpp"

namespace nightwatt {

/// The rows of a weather file, of which the user asks for one quantity: `dry-bulb` (the air's
/// temperature, default), `wet-bulb` (from it and the humidity, energy/weather.hpp) or `humidity`.
class WeatherRows {
 public:
  /// @param also  a column of the format's own that stands before them ("pue"), or ""
  WeatherRows(SignalBuilder& builder, const Position& top, std::string_view also = "");

  /// Whether that one of the format's own is asked for: then nothing is to be added here.
  [[nodiscard]] bool other() const { return column_ == Column::other; }
  [[nodiscard]] bool needs_humidity() const { return column_ >= Column::wet_bulb; }

  /// NaN where the file has no value.
  void add(double unix_s, const Position& time_at, double dry_bulb_c, const Position& dry_bulb_at,
           double humidity_percent, const Position& humidity_at);

 private:
  enum class Column : std::uint8_t { other, dry_bulb, wet_bulb, humidity };
  SignalBuilder& builder_;
  Column column_ = Column::dry_bulb;
};

}  // namespace nightwatt
