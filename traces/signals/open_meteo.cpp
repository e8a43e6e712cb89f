#include <fmt/format.h>

#include <cmath>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "traces/signals/json_points.hpp"
#include "traces/signals/weather.hpp"

namespace nightwatt {
namespace {

bool recognise(std::string_view head) {
  return first_byte(head) == '{' && head.find("\"utc_offset_seconds\"") != std::string_view::npos &&
         head.find("\"latitude\"") != std::string_view::npos;
}

/// The older interface wrote the second of these names.
bool is_humidity(std::string_view name) {
  return name == "relative_humidity_2m" || name == "relativehumidity_2m";
}

class Reader {
 public:
  Reader(JsonFile& file, SignalBuilder& builder)
      : file_(file),
        builder_(builder),
        points_(file, builder),
        weather_(builder, {builder.request().path, 1, 0}) {}

  void read() {
    auto root = file_.root_object("an answer of Open-Meteo");
    if (!root) return;
    std::optional<JsonNumber> offset;
    const char* hourly = nullptr;
    file_.each(*root, [&](std::string_view key, const char* where, JsonFile::Value value) {
      if (key == "utc_offset_seconds") offset = points_.number(value, key);
      if (key == "timezone") read_zone(value);
      if (key == "hourly_units") read_units(value);
      if (key == "hourly") {
        hourly = where;
        read_hourly(value);
      }
    });
    file_.expect_end();
    if (hourly == nullptr) file_.error(file_.begin(), "hourly: the file has no such object");
    constexpr double most_offset_s = 14.0 * 3600.0;
    if (!offset || !(std::abs(offset->value) <= most_offset_s)) {
      file_.error(offset ? offset->where : file_.begin(),
                  "utc_offset_seconds: expected the offset of its times from UTC, in seconds");
    }
    builder_.diagnostics().throw_if_any();
    builder_.times_at_offset(static_cast<std::int32_t>(offset->value));
    builder_.diagnostics().throw_if_any();
    hand_over(hourly, offset->value);
  }

 private:
  /// Only the offset counts; a name that nobody knows is a sign of damage all the same.
  void read_zone(JsonFile::Value& value) {
    const char* where = file_.start(value);
    const std::string zone = points_.text(value, "timezone");
    try {
      const LocalClock known(zone == "GMT" ? "UTC" : zone);
      builder_.zone_name(zone, points_.at(where));
    } catch (const InputError& error) {
      file_.error(where, "timezone: " + error.faults().front().message);
    }
  }

  void read_units(JsonFile::Value& value) {
    auto units = file_.object(value);
    if (!units) return;
    file_.each(*units, [&](std::string_view key, const char*, JsonFile::Value field) {
      if (key == "time") {
        epoch_ = points_.text(field, key) == "unixtime";
        return;
      }
      if (key != "temperature_2m" && !is_humidity(key)) return;
      const char* where = file_.start(field);
      const std::string text = points_.text(field, key);
      const auto unit = parse_signal_unit(text);
      const SignalKind kind = is_humidity(key) ? SignalKind::humidity : SignalKind::temperature;
      if (!unit || unit->kind != kind) {
        file_.error(where, fmt::format("{}: expected the unit {}, got {}", key,
                                       is_humidity(key) ? "%" : "°C or °F", quote(text)));
      } else if (kind == SignalKind::temperature) {
        temperature_unit_ = *unit;
      }
    });
  }

  void read_hourly(JsonFile::Value& value) {
    auto series = file_.object(value);
    if (!series) return;
    file_.each(*series, [&](std::string_view key, const char*, JsonFile::Value list) {
      if (key == "time") read_list(list, key, time_);
      if (key == "temperature_2m") read_list(list, key, temperature_);
      if (is_humidity(key)) read_list(list, key, humidity_);
    });
  }

  void read_list(JsonFile::Value& value, std::string_view name, std::vector<JsonNumber>& into) {
    const char* where = file_.start(value);
    auto list = file_.array(value);
    if (!list) {
      file_.error(where,
                  fmt::format("hourly.{}: expected a list, got {}", name, file_.shown(value)));
      return;
    }
    const bool dates = name == "time" && !epoch_;
    file_.each(*list, [&](JsonFile::Value entry) {
      const auto read = dates ? points_.time(entry, name) : points_.number(entry, name);
      // A place is kept for a bad one, so that the lists stay side by side.
      into.push_back(read.value_or(JsonNumber{}));
    });
  }

  void hand_over(const char* hourly, double offset_s) {
    const bool humidity = weather_.needs_humidity();
    if (temperature_.size() != time_.size() || (humidity && humidity_.size() != time_.size())) {
      file_.error(
          hourly,
          fmt::format("hourly: expected as many values of {} as times ({}), got {}",
                      humidity ? "temperature_2m and relative_humidity_2m" : "temperature_2m",
                      time_.size(),
                      humidity ? fmt::format("{} and {}", temperature_.size(), humidity_.size())
                               : fmt::format("{}", temperature_.size())));
      return;
    }
    for (std::size_t i = 0; i < time_.size(); ++i) {
      builder_.count_row();
      const JsonNumber& time = time_[i];
      if (time.where == nullptr || std::isnan(time.value)) continue;
      const JsonNumber& dry = temperature_[i];
      const JsonNumber wet = humidity ? humidity_[i] : JsonNumber{};
      const auto place = [&](const JsonNumber& one) {
        return points_.at(one.where != nullptr ? one.where : time.where);
      };
      // Unix times count from UTC whatever the offset is.
      weather_.add(epoch_ ? time.value : time.value - offset_s, place(time),
                   temperature_unit_.in_own_unit(dry.value), place(dry), wet.value, place(wet));
    }
  }

  JsonFile& file_;
  SignalBuilder& builder_;
  JsonPoints points_;
  WeatherRows weather_;
  bool epoch_ = false;
  SignalUnit temperature_unit_{SignalKind::temperature, 1.0, ""};
  std::vector<JsonNumber> time_, temperature_, humidity_;
};

void read(Input& input, SignalBuilder& builder) {
  std::string text = input.read_all();
  JsonFile file(text, builder.request().path, builder.diagnostics());
  Reader(file, builder).read();
}

}  // namespace

SignalFormat open_meteo_signal() {
  FormatInfo info;
  info.name = "open-meteo";
  info.summary =
      "Open-Meteo JSON, hourly (fixed offset of the file; column: dry-bulb, wet-bulb or humidity)";
  info.source = "https://open-meteo.com/en/docs/historical-weather-api";
  info.seen_in_wild = true;
  info.rules = SignalBuilder::shared_rules();
  return {std::move(info), recognise, read};
}

}  // namespace nightwatt
