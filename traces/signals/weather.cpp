#include "traces/signals/weather.hpp"

#include <fmt/format.h>

#include <cmath>
#include <string>
#include <vector>

#include "energy/weather.hpp"

namespace nightwatt {

WeatherRows::WeatherRows(SignalBuilder& builder, const Position& top, std::string_view also)
    : builder_(builder) {
  std::vector<std::string_view> names{"dry-bulb", "wet-bulb", "humidity"};
  if (!also.empty()) names.insert(names.begin(), also);
  const std::string name = builder.choose_column(names);
  if (name == also) {
    column_ = Column::other;
    return;
  }
  const bool humidity = name == "humidity";
  column_ = humidity ? Column::humidity : name == "wet-bulb" ? Column::wet_bulb : Column::dry_bulb;
  const std::string unit = humidity ? "%" : "°C";
  builder.measures(name, unit, *parse_signal_unit(unit), top);
}

void WeatherRows::add(double unix_s, const Position& time_at, double dry_bulb_c,
                      const Position& dry_bulb_at, double humidity_percent,
                      const Position& humidity_at) {
  if (column_ == Column::humidity) {
    builder_.add(unix_s, time_at, humidity_percent, humidity_at);
    return;
  }
  if (column_ == Column::dry_bulb) {
    builder_.add(unix_s, time_at, dry_bulb_c, dry_bulb_at);
    return;
  }
  if (!builder_.plausible(SignalKind::temperature, dry_bulb_c, dry_bulb_at) ||
      !builder_.plausible(SignalKind::humidity, humidity_percent, humidity_at)) {
    return;
  }
  builder_.add(unix_s, time_at, wet_bulb_c(dry_bulb_c, humidity_percent), dry_bulb_at);
}

}  // namespace nightwatt
