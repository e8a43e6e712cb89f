#include <fmt/format.h>

#include <cmath>
#include <optional>
#include <string>
#include <utility>

#include "traces/signals/json_points.hpp"
#include "traces/signals/weather.hpp"

namespace nightwatt {
namespace {

/// The Green Grid 2007 ("Green Grid Metrics: Describing Datacenter Power Efficiency") calls a data
/// centre "very inefficient" at 3; a minute above it is a fault of a meter.
constexpr double most_pue = 3.0;

bool recognise(std::string_view head) {
  return first_byte(head) == '[' && head.find("\"pue\"") != std::string_view::npos &&
         head.find("\"timestamp\"") != std::string_view::npos;
}

class Reader {
 public:
  Reader(JsonFile& file, SignalBuilder& builder)
      : file_(file),
        builder_(builder),
        points_(file, builder),
        weather_(builder, {builder.request().path, 1, 0}, "pue"),
        meter_fault_(builder.rule("meter_fault")) {
    builder.times_in("UTC");
    if (weather_.other()) {
      builder.measures("pue", "1", {SignalKind::pue, 1.0, ""}, {builder.request().path, 1, 0});
    }
  }

  void read() {
    auto steps = file_.root_array("the steps of a PUE dashboard");
    if (!steps) return;
    file_.each(*steps, [&](JsonFile::Value step) { read_step(step); });
    file_.expect_end();
  }

 private:
  void read_step(JsonFile::Value& value) {
    const char* where = file_.start(value);
    builder_.count_row();
    auto fields = file_.object(value);
    if (!fields) {
      builder_.bad_row(points_.at(where), "expected an object, got " + file_.shown(value));
      return;
    }
    JsonNumber time, pue, least, most, fahrenheit, humidity;
    bool bad = false;
    file_.each(*fields, [&](std::string_view key, const char*, JsonFile::Value field) {
      for (const auto& [name, into] : {std::pair{"timestamp", &time},
                                       {"pue", &pue},
                                       {"min_pue", &least},
                                       {"max_pue", &most},
                                       {"temperature", &fahrenheit},
                                       {"humidity", &humidity}}) {
        if (key != name) continue;
        const auto read = points_.number(field, key);
        bad = bad || !read;
        if (read) *into = *read;
      }
    });
    if (bad) return;
    if (time.where == nullptr || std::isnan(time.value)) {
      builder_.bad_row(points_.at(where), "timestamp: is missing");
      return;
    }
    const double unix_s = time.value / 1e3;
    const Position time_at = points_.at(time.where);
    const auto place = [&](const JsonNumber& one) {
      return one.where != nullptr ? points_.at(one.where) : time_at;
    };
    if (!weather_.other()) {
      weather_.add(unix_s, time_at, (fahrenheit.value - 32.0) * 5.0 / 9.0, place(fahrenheit),
                   humidity.value, place(humidity));
      return;
    }
    const bool fault =
        pue.value < 1.0 || pue.value > most_pue || least.value < 1.0 || most.value > most_pue;
    if (!fault || meter_fault_.is("keep")) {
      builder_.add(unix_s, time_at, pue.value, place(pue));
    } else if (meter_fault_.is("error")) {
      builder_.diagnostics().error(
          place(pue),
          fmt::format("pue: expected values between 1 and {}, got {} (from {} to {}){}", most_pue,
                      pue.value, least.value, most.value, meter_fault_.hint()));
    } else if (builder_.add(unix_s, time_at, JsonNumber{}.value, place(pue))) {
      builder_.mistrust(meter_fault_);
    }
  }

  JsonFile& file_;
  SignalBuilder& builder_;
  JsonPoints points_;
  WeatherRows weather_;
  Rule& meter_fault_;
};

void read(Input& input, SignalBuilder& builder) {
  std::string text = input.read_all();
  JsonFile file(text, builder.request().path, builder.diagnostics());
  Reader(file, builder).read();
}

}  // namespace

SignalFormat puewue_signal() {
  FormatInfo info;
  info.name = "puewue";
  info.summary =
      "Facebook's dashboard JSON (measured PUE; UTC; column: pue, dry-bulb, wet-bulb or humidity)";
  info.source = "https://github.com/facebookarchive/puewue-frontend";
  info.seen_in_wild = true;
  info.rules = SignalBuilder::shared_rules();
  info.rules.push_back({"meter_fault",
                        "a step whose mean or extremes lie below 1 or above 3: its value is not "
                        "used; hold takes the one before, interpolate a straight line",
                        {"hold", "interpolate", "keep", "error"}});
  info.rules.push_back(SignalBuilder::below_one_rule());
  return {std::move(info), recognise, read};
}

}  // namespace nightwatt
