#include <fmt/format.h>

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "traces/signals/json_points.hpp"

namespace nightwatt {
namespace {

struct Point {
  JsonNumber time, value;
  bool imputed = false;
  bool new_run = false;  ///< the first of a forecast that was made at another time
};

struct Meta {
  std::string region, signal, units;
  const char* where = nullptr;
  const char* units_at = nullptr;
  const char* signal_at = nullptr;
};

bool recognise(std::string_view head) {
  return first_byte(head) == '{' && (head.find("\"point_time\"") != std::string_view::npos ||
                                     head.find("\"signal_type\"") != std::string_view::npos);
}

class Reader {
 public:
  Reader(JsonFile& file, SignalBuilder& builder)
      : file_(file), builder_(builder), points_(file, builder) {}

  void read() {
    auto root = file_.root_object("WattTime's answer with data and meta");
    if (!root) return;
    bool data = false;
    file_.each(*root, [&](std::string_view key, const char* where, JsonFile::Value value) {
      if (key == "data") {
        data = true;
        read_points(value, key);
      } else if (key == "meta") {
        meta_.where = where;
        read_meta(value);
      }
    });
    file_.expect_end();
    if (!data) file_.error(file_.begin(), "data: the file has no such list");
    if (meta_.where == nullptr) {
      file_.error(file_.begin(), "meta: the file does not say what it holds");
    }
    builder_.diagnostics().throw_if_any();
    hand_over();
  }

 private:
  void read_meta(JsonFile::Value& value) {
    auto fields = file_.object(value);
    if (!fields) return;
    file_.each(*fields, [&](std::string_view key, const char*, JsonFile::Value field) {
      if (key == "region") meta_.region = points_.text(field, "meta.region");
      if (key == "signal_type") {
        meta_.signal_at = file_.start(field);
        meta_.signal = points_.text(field, "meta.signal_type");
      }
      if (key == "units") {
        meta_.units_at = file_.start(field);
        meta_.units = points_.text(field, "meta.units");
      }
    });
  }

  /// data: points; past forecasts: objects with a list `forecast` of points each.
  void read_points(JsonFile::Value& value, std::string_view name) {
    auto list = file_.array(value);
    if (!list) {
      file_.error(file_.start(value),
                  fmt::format("{}: expected a list, got {}", name, file_.shown(value)));
      return;
    }
    bool first = true;
    file_.each(*list, [&](JsonFile::Value entry) {
      const char* where = file_.start(entry);
      auto fields = file_.object(entry);
      if (!fields) {
        builder_.count_row();
        builder_.bad_row(points_.at(where),
                         fmt::format("{}: expected an object, got {}", name, file_.shown(entry)));
        return;
      }
      std::optional<JsonNumber> time, number;
      bool has_time = false, has_value = false, nested = false;
      bool imputed = false;
      file_.each(*fields, [&](std::string_view key, const char*, JsonFile::Value field) {
        if (key == "point_time") {
          has_time = true;
          time = points_.time(field, key);
        } else if (key == "value") {
          has_value = true;
          number = points_.number(field, key);
        } else if (key == "imputed_data_used") {
          imputed = !file_.is_null(field) && file_.shown(field) == "'true'";
        } else if (key == "forecast") {
          nested = true;
          read_points(field, key);
        }
      });
      if (nested) return;
      builder_.count_row();
      if (!has_time || !has_value) {
        builder_.bad_row(points_.at(where),
                         fmt::format("{}: is missing", has_time ? "value" : "point_time"));
      } else if (time && number) {
        found_.push_back({*time, *number, imputed, first});
        first = false;
      }
    });
  }

  void hand_over() {
    if (meta_.signal == "co2_moer") {
      builder_.counts(CarbonBasis::marginal);
      builder_.note(
          "marginal emissions (co2_moer): what one more kilowatt-hour causes; never to be "
          "added to averages");
    } else if (meta_.signal == "co2_aoer") {
      builder_.counts(CarbonBasis::direct);
    } else {
      const char* where = meta_.signal_at != nullptr ? meta_.signal_at : meta_.where;
      file_.error(where, fmt::format("meta.signal_type: expected co2_moer or co2_aoer, got {}",
                                     quote(meta_.signal)));
    }
    if (meta_.units != "lbs_co2_per_mwh") {
      const char* where = meta_.units_at != nullptr ? meta_.units_at : meta_.where;
      file_.error(where,
                  fmt::format("meta.units: expected lbs_co2_per_mwh, got {}", quote(meta_.units)));
    }
    const Position top = points_.at(meta_.where);
    builder_.region(meta_.region);  // another than the one asked for is a fault
    builder_.choose_column({"value"});
    builder_.times_in("UTC");
    const std::string unit = "lbs/MWh";
    builder_.measures("value", unit, *parse_signal_unit(unit), top);
    builder_.diagnostics().throw_if_any();
    for (const Point& point : found_) {
      if (point.new_run) builder_.new_run();
      builder_.add(point.time.value, points_.at(point.time.where), point.value.value,
                   points_.at(point.value.where), point.imputed);
    }
  }

  JsonFile& file_;
  SignalBuilder& builder_;
  JsonPoints points_;
  Meta meta_;
  std::vector<Point> found_;
};

void read(Input& input, SignalBuilder& builder) {
  std::string text = input.read_all();
  JsonFile file(text, builder.request().path, builder.diagnostics());
  Reader(file, builder).read();
}

}  // namespace

SignalFormat watttime_signal() {
  FormatInfo info;
  info.name = "watttime";
  info.summary = "WattTime v3 JSON (co2_moer: marginal, co2_aoer: average; lbs/MWh, UTC)";
  info.source = "https://docs.watttime.org (version 3: historical, forecast)";
  info.rules = SignalBuilder::shared_rules();
  info.rules.push_back(SignalBuilder::estimated_rule());
  info.rules.push_back(SignalBuilder::overlap_rule());
  return {std::move(info), recognise, read, true};
}

}  // namespace nightwatt
