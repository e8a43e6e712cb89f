#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <limits>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "traces/formats/formats.hpp"
#include "traces/signals/weather.hpp"

namespace nightwatt {
namespace {

/// Data follow eight lines that say where they are from.
constexpr std::size_t header_lines = 8;
enum Field : std::size_t { year, month, day, hour, minute, flags, dry_bulb, dew_point, humidity };
/// Only these are read; EnergyPlus wants 35 a line.
constexpr std::size_t least_fields = 9;
/// EnergyPlus, Auxiliary Programs, "EPW CSV Format": these stand for values that are missing.
constexpr double missing_dry_bulb = 99.9;
constexpr double missing_humidity = 999.0;
/// Where a typical year is laid until it gets a real one: without and with a 29 February.
constexpr int plain_year = 2001;
constexpr int leap_year = 2000;

bool recognise(std::string_view head) {
  return lower_case(first_line(head)).starts_with("location,");
}

/// A field as a number; nothing where it is bad (told to the builder).
std::optional<double> number(const Table& table, SignalBuilder& builder, Field field,
                             const char* name, double least, double most) {
  const auto value = parse_number(table[field]);
  if (value && *value >= least && *value <= most) return value;
  builder.bad_row(table.position(field), fmt::format("{}: expected a number from {} to {}, got {}",
                                                     name, least, most, quote(table[field])));
  return {};
}

/// LOCATION,city,state,country,source,WMO,latitude,longitude,hours from UTC,elevation
void read_location(const Table& table, SignalBuilder& builder) {
  constexpr std::size_t hours_field = 8;
  const auto hours = parse_number(table[hours_field]);
  // From Baker Island to the Line Islands.
  if (!hours || *hours < -12.0 || *hours > 14.0) {
    builder.diagnostics().error(
        table.position(hours_field),
        fmt::format("LOCATION: expected the hours from UTC (-12 to 14) in field 9, got {}",
                    quote(table[hours_field])));
    return;
  }
  builder.times_at_offset(static_cast<std::int32_t>(std::lround(*hours * 3600.0)));
  std::string place;
  for (const std::size_t field : {1U, 2U, 3U}) {
    if (table[field].empty() || table[field] == "-") continue;
    place += (place.empty() ? "" : ", ") + std::string(table[field]);
  }
  builder.zone_name(place, table.position(1));
}

bool valid_date(int year, int month, int day) {
  return std::chrono::year_month_day(std::chrono::year(year),
                                     std::chrono::month(static_cast<unsigned>(month)),
                                     std::chrono::day(static_cast<unsigned>(day)))
      .ok();
}

struct Hour {
  int year = 0, month = 0, day = 0;
  double into_day_s = 0.0;  ///< of its end, local standard time
  double dry_bulb_c = 0.0, humidity_percent = 0.0;
  Position time_at, dry_bulb_at, humidity_at;
};

void read(Input& input, SignalBuilder& builder) {
  Diagnostics& faults = builder.diagnostics();
  Table table(input, {.quotes = false, .header = false});
  const Position top{builder.request().path, 1, 0};
  std::int32_t offset_s = 0;
  for (std::size_t line = 0; line < header_lines; ++line) {
    if (!table.next()) {
      throw InputError(
          Diagnostic{{builder.request().path, 0, 0},
                     fmt::format("expected {} lines before the data, got {}", header_lines, line)});
    }
    if (line == 0) {
      if (lower_case(table[0]) != "location") {
        throw InputError(Diagnostic{table.position(0),
                                    fmt::format("expected LOCATION, got {}", quote(table[0]))});
      }
      read_location(table, builder);
      offset_s = builder.utc_offset_s();
    }
  }
  WeatherRows rows(builder, top);
  faults.throw_if_any();
  builder.ends_stamped();

  std::vector<Hour> hours;
  bool leap_day = false;
  while (next_row(table, builder, least_fields)) {
    const auto in_year = number(table, builder, year, "year", 1800, 2200);
    const auto in_month = number(table, builder, month, "month", 1, 12);
    const auto on_day = number(table, builder, day, "day", 1, 31);
    const auto at_hour = number(table, builder, hour, "hour", 1, 24);
    const auto at_minute = number(table, builder, minute, "minute", 0, 60);
    if (!in_year || !in_month || !on_day || !at_hour || !at_minute) continue;
    const auto dry = number(table, builder, dry_bulb, "dry bulb", -273.15, 1e6);
    const auto wet = number(table, builder, humidity, "relative humidity", 0, 1e6);
    if (!dry || !wet) continue;
    Hour one;
    one.year = static_cast<int>(*in_year);
    one.month = static_cast<int>(*in_month);
    one.day = static_cast<int>(*on_day);
    // Minute 0 and 60 both mean the whole hour, which ends at `hour`.
    const double minutes = *at_minute == 0.0 ? 60.0 : *at_minute;
    one.into_day_s = (*at_hour - 1.0) * 3600.0 + minutes * 60.0;
    constexpr double none = std::numeric_limits<double>::quiet_NaN();
    one.dry_bulb_c = *dry >= missing_dry_bulb ? none : *dry;
    one.humidity_percent = *wet >= missing_humidity ? none : *wet;
    one.time_at = table.position(month);
    one.dry_bulb_at = table.position(dry_bulb);
    one.humidity_at = table.position(humidity);
    if (!valid_date(leap_year, one.month, one.day)) {
      builder.bad_row(one.time_at, fmt::format("day: month {} has no day {}", one.month, one.day));
      continue;
    }
    leap_day = leap_day || (one.month == 2 && one.day == 29);
    hours.push_back(std::move(one));
  }
  // A year in one piece is itself; one of months from several years stands for any.
  const bool pieces = std::any_of(hours.begin(), hours.end(),
                                  [&](const Hour& one) { return one.year != hours.front().year; });
  const Rule& years = builder.rule("year");
  const bool typical = years.is("typical") || (years.is("auto") && pieces);
  if (typical) {
    builder.typical_year();
  }
  for (const Hour& one : hours) {
    const int in_year = !typical ? one.year : leap_day ? leap_year : plain_year;
    if (!valid_date(in_year, one.month, one.day)) {
      builder.bad_row(one.time_at, fmt::format("day: {}-{:02}-{:02} does not exist", in_year,
                                               one.month, one.day));
      continue;
    }
    const auto midnight = static_cast<double>(unix_midnight(in_year, one.month, one.day));
    rows.add(midnight + one.into_day_s - offset_s, one.time_at, one.dry_bulb_c, one.dry_bulb_at,
             one.humidity_percent, one.humidity_at);
  }
}

}  // namespace

SignalFormat epw_signal() {
  FormatInfo info;
  info.name = "epw";
  info.summary =
      "EnergyPlus weather (hour-ending, fixed offset of its LOCATION; column: dry-bulb, wet-bulb "
      "or "
      "humidity)";
  info.source =
      "https://energyplus.net (Auxiliary Programs, EnergyPlus Weather File, EPW CSV Format)";
  info.seen_in_wild = true;
  info.rules = SignalBuilder::shared_rules();
  info.rules.push_back(
      {"year",
       "which year the rows are of; auto takes their own where it is one, else they "
       "are a typical year that stands for every year",
       {"auto", "typical", "own"}});
  return {std::move(info), recognise, read};
}

}  // namespace nightwatt
