#include "analysis/report/calendar.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "analysis/report/parts.hpp"
#include "traces/datetime.hpp"

namespace nightwatt::report {
namespace {

constexpr double hour_s = 3600.0;
constexpr std::int64_t day_s = 86400;
constexpr double j_per_kwh = 3.6e6;
constexpr double g_per_kg = 1e3;
/// Three years by the day. Longer runs show each hour's mean over several days.
constexpr std::size_t most_days = 1100;

std::int64_t floor_div(std::int64_t a, std::int64_t b) { return a / b - (a % b < 0 ? 1 : 0); }

/// Means over `days` days, hour by hour; days without a value do not count.
std::vector<double> mean_of_days(const std::vector<double>& values, std::size_t days) {
  std::vector<double> out;
  for (std::size_t from = 0; from < values.size(); from += 24 * days) {
    for (std::size_t hour = 0; hour < 24; ++hour) {
      double sum = 0.0;
      std::size_t count = 0;
      for (std::size_t i = from + hour; i < std::min(values.size(), from + 24 * days); i += 24) {
        if (std::isnan(values[i])) continue;
        sum += values[i];
        ++count;
      }
      out.push_back(count > 0 ? sum / static_cast<double>(count)
                              : std::numeric_limits<double>::quiet_NaN());
    }
  }
  return out;
}

Json table(const TimelineFile& file, const std::string& site, const std::string& zone,
           const std::vector<double>& watts, const std::vector<double>& carbon_g_per_s) {
  const TimelineHeader& h = file.header();
  const double start = static_cast<double>(h.period_start_unix_s) + h.period_start_fraction_s;
  HourTable energy = by_hour(watts, start, h.bin_s, zone);
  HourTable carbon = by_hour(carbon_g_per_s, start, h.bin_s, zone);
  for (double& value : energy.values) value /= j_per_kwh;
  for (double& value : carbon.values) value /= g_per_kg;
  const std::size_t days = energy.values.size() / 24;
  const std::size_t together = (days + most_days - 1) / most_days;
  if (together > 1) {
    energy.values = mean_of_days(energy.values, together);
    carbon.values = mean_of_days(carbon.values, together);
  }
  return {{"site", site},
          {"zone", zone},
          {"first_day", energy.first_day},
          {"columns", energy.values.size() / 24},
          {"days_a_column", std::max<std::size_t>(1, together)},
          {"energy_kwh", float32_column(energy.values)},
          {"carbon_kg", float32_column(carbon.values)}};
}

}  // namespace

HourTable by_hour(std::span<const double> rates, double start_unix_s, double bin_s,
                  std::string_view zone) {
  HourTable out;
  if (rates.empty()) return out;
  const LocalClock clock(zone);
  const auto offset_at = [&](double unix_s) {
    return static_cast<double>(clock.offset_at(static_cast<std::int64_t>(std::floor(unix_s))));
  };
  const double end = start_unix_s + bin_s * static_cast<double>(rates.size());
  const auto local_day = [&](double unix_s) {
    return floor_div(static_cast<std::int64_t>(std::floor(unix_s + offset_at(unix_s))), day_s);
  };
  out.first_day = local_day(start_unix_s);
  // The last instant of the last bin lies before its end.
  const std::int64_t last_day = local_day(std::nextafter(end, start_unix_s));
  out.values.assign(static_cast<std::size_t>(last_day - out.first_day + 1) * 24,
                    std::numeric_limits<double>::quiet_NaN());
  double at = start_unix_s;
  double hour_end = at;
  std::size_t cell = 0;
  for (std::size_t bin = 0; bin < rates.size(); ++bin) {
    const double bin_end = start_unix_s + bin_s * static_cast<double>(bin + 1);
    while (at < bin_end) {
      if (at >= hour_end) {
        const double local = at + offset_at(at);
        const double hour = std::floor(local / hour_s);
        hour_end = at + ((hour + 1) * hour_s - local);
        cell = static_cast<std::size_t>(static_cast<std::int64_t>(hour) - out.first_day * 24);
      }
      const double until = std::min(bin_end, hour_end);
      double& sum = out.values[cell];
      sum = (std::isnan(sum) ? 0.0 : sum) + rates[bin] * (until - at);
      at = until;
    }
  }
  return out;
}

Json calendar(const TimelineFile& file) {
  Json out = Json::array();
  std::vector<double> watts, carbon;
  for (std::size_t s = 0; s < file.sites().size(); ++s) {
    const SiteResult& site = file.sites()[s];
    const auto facility_w = file.site_column(s, "facility_power_w");
    const auto carbon_g_per_s = file.site_column(s, "carbon_rate_g_per_s");
    out.push_back(table(file, site.name, site.timezone, facility_w, carbon_g_per_s));
    watts.resize(facility_w.size());
    carbon.resize(facility_w.size());
    for (std::size_t i = 0; i < facility_w.size(); ++i) {
      watts[i] += facility_w[i];
      carbon[i] += carbon_g_per_s[i];
    }
  }
  if (file.sites().size() > 1) out.insert(out.begin(), table(file, "", "UTC", watts, carbon));
  return out;
}

}  // namespace nightwatt::report
