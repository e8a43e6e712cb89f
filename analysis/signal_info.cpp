#include "analysis/signal_info.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <limits>
#include <nlohmann/json.hpp>
#include <vector>

#include "analysis/column_chart.hpp"
#include "analysis/text.hpp"

namespace nightwatt {
namespace {

using Json = nlohmann::ordered_json;

constexpr double none = std::numeric_limits<double>::quiet_NaN();
constexpr std::int64_t hour_s = 3600;
constexpr std::array<const char*, 12> months{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                             "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

/// A mean over time.
class Mean {
 public:
  void add(double value, double span_s) {
    sum_ += static_cast<long double>(value) * span_s;
    span_s_ += span_s;
  }
  [[nodiscard]] double value() const {
    return span_s_ > 0.0L ? static_cast<double>(sum_ / span_s_) : none;
  }

 private:
  long double sum_ = 0.0L, span_s_ = 0.0L;
};

/// Month of a local time, from 0.
unsigned month_of(std::int64_t local_s) {
  namespace chrono = std::chrono;
  const auto day = chrono::floor<chrono::days>(chrono::sys_seconds{chrono::seconds{local_s}});
  return static_cast<unsigned>(chrono::year_month_day{day}.month()) - 1;
}

/// Everything that both forms show.
struct Info {
  double mean = none, min = none, max = none;
  std::size_t min_at = 0, max_at = 0;
  std::array<double, 24> by_hour{};
  std::array<double, 12> by_month{};

  explicit Info(const SignalData& data) {
    Mean all;
    std::array<Mean, 24> hours;
    std::array<Mean, 12> month_means;
    auto filled = data.filled.begin();
    for (std::size_t i = 0; i < data.values.size(); ++i) {
      if (filled != data.filled.end() && *filled == i) {
        ++filled;
        continue;
      }
      const double value = data.values[i];
      if (!(value >= min)) {
        min = value;
        min_at = i;
      }
      if (!(value <= max)) {
        max = value;
        max_at = i;
      }
      // A step is cut at full hours of the local clock: it may be longer than one.
      double from_s = data.begin_unix_s(i) + data.utc_offset_s;
      const double to_s = data.begin_unix_s(i + 1) + data.utc_offset_s;
      all.add(value, to_s - from_s);
      while (from_s < to_s) {
        const auto hour = static_cast<std::int64_t>(std::floor(from_s / hour_s));
        const double until_s = std::min(to_s, static_cast<double>((hour + 1) * hour_s));
        hours.at(static_cast<std::size_t>(((hour % 24) + 24) % 24)).add(value, until_s - from_s);
        month_means.at(month_of(hour * hour_s)).add(value, until_s - from_s);
        from_s = until_s;
      }
    }
    mean = all.value();
    const auto value_of = [](const Mean& one) { return one.value(); };
    std::transform(hours.begin(), hours.end(), by_hour.begin(), value_of);
    std::transform(month_means.begin(), month_means.end(), by_month.begin(), value_of);
  }
};

/// "UTC", or the fixed offset of the file's clock.
std::string profile_zone(const SignalData& data) {
  return data.utc_offset_s == 0 ? "UTC" : data.time_zone;
}

std::string value_text(double value) { return fmt::format("{:.4g}", value); }

Json rules_json(const std::vector<RuleCount>& counts) {
  Json list = Json::array();
  for (const RuleCount& count : counts) {
    list.push_back({{"rule", count.rule}, {"choice", count.choice}, {"rows", count.rows}});
  }
  return list;
}

void add_rules(TextTable& table, const std::vector<RuleCount>& counts, const char* what) {
  for (const RuleCount& count : counts) {
    if (count.rows == 0) continue;
    table.row({"", fmt::format("{} {} by rule {} ({})", grouped(count.rows), what, count.rule,
                               count.choice)});
  }
}

}  // namespace

std::string signal_info_table(const SignalData& data) {
  const Info info(data);
  const double rows = static_cast<double>(data.values.size());
  const auto at = [&](std::size_t i) {
    return instant_text(static_cast<std::int64_t>(std::floor(data.begin_unix_s(i))));
  };
  TextTable table({TextTable::Align::left});
  table.row({"file", printable(data.report.path)});
  table.row({"format", data.report.format});
  table.row({"rows", fmt::format("{} read", grouped(data.report.rows))});
  add_rules(table, data.report.skipped, "left out");
  add_rules(table, data.report.adjusted, "decided");
  table.row({"column", printable(data.column)});
  if (data.meaning.kind == SignalKind::carbon) {
    table.row({"counts", fmt::format("{} emissions", carbon_basis_name(data.basis))});
  }
  table.row({"unit", printable(data.unit)});
  table.row({"zone", data.zone_name.empty() ? "not named" : printable(data.zone_name)});
  table.row({"clock", data.time_zone});
  const double length_s = data.end_unix_s() - data.start_unix_s;
  table.row({"span", fmt::format("{} to {} ({})", at(0), at(data.values.size()),
                                 span_text(seconds(length_s)))});
  if (data.typical_year) table.row({"", "a typical year: it stands for every year"});
  table.row({"step", data.step_s > 0.0 ? span_text(seconds(data.step_s)) : "of different lengths"});
  table.row({"values", grouped(data.values.size())});
  table.row({"gaps", fmt::format("{} ({})", grouped(data.filled.size()),
                                 percent_text(static_cast<double>(data.filled.size()) / rows))});
  table.row({"estimated", fmt::format("{} ({})", grouped(data.estimated),
                                      percent_text(static_cast<double>(data.estimated) / rows))});
  table.row({"mean", value_text(info.mean)});
  table.row({"min", fmt::format("{} at {}", value_text(info.min), at(info.min_at))});
  table.row({"max", fmt::format("{} at {}", value_text(info.max), at(info.max_at))});
  for (const std::string& note : data.report.notes) table.row({"note", printable(note)});

  std::vector<std::string> hours;
  for (int hour = 0; hour < 24; ++hour) hours.push_back(fmt::format("{:02}", hour));
  const auto chart = [&](const char* what, const auto& values, const auto& names) {
    return fmt::format("\nmean by {}, {} ({})\n", what, data.unit, profile_zone(data)) +
           column_chart({values.begin(), values.end()}, {names.begin(), names.end()});
  };
  return table.text() + chart("hour of the day", info.by_hour, hours) +
         chart("month", info.by_month, months);
}

std::string signal_info_json(const SignalData& data) {
  const Info info(data);
  const double rows = static_cast<double>(data.values.size());
  Json json;
  json["file"] = {{"path", data.report.path},
                  {"format", data.report.format},
                  {"sha256", data.report.sha256},
                  {"rows", data.report.rows},
                  {"skipped", rules_json(data.report.skipped)},
                  {"adjusted", rules_json(data.report.adjusted)},
                  {"notes", data.report.notes}};
  json["kind"] = signal_kind_name(data.meaning.kind);
  json["column"] = data.column;
  json["basis"] =
      data.meaning.kind == SignalKind::carbon ? Json(carbon_basis_name(data.basis)) : Json(nullptr);
  json["unit"] = data.unit;
  json["zone"] = data.zone_name.empty() ? Json(nullptr) : Json(data.zone_name);
  json["time_zone"] = data.time_zone;
  json["typical_year"] = data.typical_year;
  json["start_unix_s"] = data.start_unix_s;
  json["end_unix_s"] = data.end_unix_s();
  json["start"] = instant_text(static_cast<std::int64_t>(std::floor(data.start_unix_s)));
  json["end"] = instant_text(static_cast<std::int64_t>(std::floor(data.end_unix_s())));
  json["step_s"] = data.step_s > 0.0 ? Json(data.step_s) : Json(nullptr);
  json["values"] = data.values.size();
  json["gaps"] = data.filled.size();
  json["estimated"] = data.estimated;
  json["estimated_share"] = static_cast<double>(data.estimated) / rows;
  json["mean"] = info.mean;
  json["min"] = info.min;
  json["max"] = info.max;
  json["profile_time_zone"] = profile_zone(data);
  json["mean_by_hour"] = info.by_hour;
  json["mean_by_month"] = info.by_month;
  // Names come from files: bytes that are not UTF-8 are replaced, not thrown at the user.
  return json.dump(2, ' ', false, Json::error_handler_t::replace);
}

}  // namespace nightwatt
