#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "traces/signals/weather.hpp"

namespace nightwatt {
namespace {

constexpr double day_s = 86400.0;
constexpr double kelvin_of_0_c = 273.15;

/// A column of a run: "Analysis" is the run's own time, "3 hr fcst" three hours later.
struct Lead {
  double after_s;
  std::size_t column;
};

std::vector<Lead> leads(const std::vector<std::string>& header) {
  std::vector<Lead> found;
  for (std::size_t i = 0; i < header.size(); ++i) {
    const std::string name = lower_case(header[i]);
    if (name == "analysis") found.push_back({0.0, i});
    constexpr std::string_view ending = " hr fcst";
    if (!name.ends_with(ending)) continue;
    const auto hours = parse_whole(std::string_view(name).substr(0, name.size() - ending.size()));
    if (hours && *hours > 0 && *hours <= 1000) {
      found.push_back({static_cast<double>(*hours) * 3600.0, i});
    }
  }
  std::sort(found.begin(), found.end(),
            [](const Lead& a, const Lead& b) { return a.after_s < b.after_s; });
  return found;
}

struct Columns {
  std::optional<std::size_t> time, parameter, level;
  std::vector<Lead> leads;
  [[nodiscard]] bool complete() const { return time && parameter && leads.size() >= 2; }
};

Columns find_columns(const std::vector<std::string>& header) {
  return {find_column(header, "datetime"), find_column(header, "param"),
          find_column(header, "level"), leads(header)};
}

bool recognise(std::string_view head) { return find_columns(header_of(head)).complete(); }

/// A model run: one row.
struct Run {
  double unix_s;
  std::vector<double> kelvin;  ///< beside the leads
  Position time_at;
};

/// Reads all rows; bad ones are told to the builder and left out.
std::vector<Run> read_runs(Table& table, const Columns& columns, SignalBuilder& builder) {
  std::vector<Run> runs;
  UtcTimes times(builder);
  while (next_row(table, builder, table.header().size())) {
    const std::string_view parameter = table[*columns.parameter];
    if (parameter != "TMP") {
      builder.bad_row(
          table.position(*columns.parameter),
          fmt::format("param: expected TMP (temperature in kelvin), got {}", quote(parameter)));
      continue;
    }
    Run run;
    run.time_at = table.position(*columns.time);
    const auto unix_s =
        times.read(table[*columns.time], table.header()[*columns.time], run.time_at);
    if (!unix_s) continue;
    run.unix_s = *unix_s;
    bool good = true;
    for (const Lead& lead : columns.leads) {
      const std::string_view text = table[lead.column];
      const auto number = parse_number(text);
      if (!number && !text.empty()) {
        builder.bad_row(
            table.position(lead.column),
            fmt::format("{}: expected a number, got {}", table.header()[lead.column], quote(text)));
        good = false;
        break;
      }
      run.kelvin.push_back(number.value_or(std::numeric_limits<double>::quiet_NaN()));
    }
    if (good) runs.push_back(std::move(run));
  }
  return runs;
}

/// Rule repeated_run: one row for each run.
std::vector<Run> one_of_each(std::vector<Run> runs, SignalBuilder& builder) {
  Rule& repeated = builder.rule("repeated_run");
  std::vector<Run> kept;
  for (Run& run : runs) {
    if (kept.empty() || kept.back().unix_s != run.unix_s) {
      kept.push_back(std::move(run));
      continue;
    }
    if (repeated.is("error")) {
      builder.diagnostics().error(run.time_at,
                                  fmt::format("datetime: the run stands in line {}, too{}",
                                              kept.back().time_at.line, repeated.hint()));
    }
    repeated.count_skipped();
    if (repeated.is("last")) kept.back() = std::move(run);
  }
  return kept;
}

void read(Input& input, SignalBuilder& builder) {
  Diagnostics& faults = builder.diagnostics();
  Table table(input);
  const Columns columns = find_columns(table.header());
  const Position top{builder.request().path, std::max<std::uint64_t>(table.header_line(), 1), 0};
  WeatherRows rows(builder, top);
  builder.times_in("UTC");
  if (!columns.complete()) {
    faults.error(top, "expected the columns datetime, param, Analysis, 3 hr fcst, ...");
  }
  double humidity = std::numeric_limits<double>::quiet_NaN();
  if (rows.needs_humidity()) {
    const Rule& assumed = builder.rule("humidity");
    if (assumed.is("error")) {
      faults.error(top,
                   "wet-bulb: the file has no humidity (rule humidity: a number, the relative "
                   "humidity in percent, would accept it)");
    } else {
      humidity = *parse_number(assumed.choice());
      builder.note("relative humidity assumed: " + assumed.choice() + " %");
    }
  }
  faults.throw_if_any();

  const std::vector<Run> runs = one_of_each(read_runs(table, columns, builder), builder);
  Rule& missing = builder.rule("missing_run");
  for (std::size_t i = 0; i < runs.size(); ++i) {
    const Run& run = runs[i];
    // A run counts for its first day, and where the next day has none (by rule) until there is one.
    double until_s = day_s;
    if (i + 1 < runs.size() && missing.is("forecast")) {
      until_s = std::max(until_s, runs[i + 1].unix_s - run.unix_s);
    }
    for (std::size_t k = 0; k < columns.leads.size(); ++k) {
      const double after_s = columns.leads[k].after_s;
      if (after_s >= until_s) break;
      if (after_s >= day_s) missing.count_adjusted();
      rows.add(run.unix_s + after_s, run.time_at, run.kelvin[k] - kelvin_of_0_c, run.time_at,
               humidity, run.time_at);
    }
  }
}

}  // namespace

SignalFormat gfs_signal() {
  FormatInfo info;
  info.name = "gfs";
  info.summary =
      "Table of daily GFS runs, kelvin, Analysis to 21 h of each (CarbonCast; UTC; column: "
      "dry-bulb "
      "or wet-bulb)";
  info.source = "https://github.com/carbonfirst/CarbonCast (weather data, from NCEP GFS)";
  info.seen_in_wild = true;
  info.rules = SignalBuilder::shared_rules();
  info.rules.push_back(
      {"repeated_run", "two rows of one run, one behind the other", {"first", "last", "error"}});
  info.rules.push_back({"missing_run",
                        "a day without a run; forecast takes the later hours of the run before",
                        {"forecast", "gap"}});
  info.rules.push_back({"humidity",
                        "the relative humidity in percent, for wet-bulb: the table has none",
                        {"error", std::string(number_choice)}});
  return {std::move(info), recognise, read};
}

}  // namespace nightwatt
