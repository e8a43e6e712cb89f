#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "traces/signals/json_points.hpp"

namespace nightwatt {
namespace {

/// A half hour of Great Britain, or of one of its regions.
struct Period {
  JsonNumber from, to, forecast, actual;
  std::string id, name;  ///< of the region; "" = all of Great Britain
};

bool recognise(std::string_view head) {
  return first_byte(head) == '{' && head.find("\"intensity\"") != std::string_view::npos &&
         head.find("\"from\"") != std::string_view::npos;
}

class Reader {
 public:
  Reader(JsonFile& file, SignalBuilder& builder)
      : file_(file), builder_(builder), points_(file, builder) {}

  void read() {
    auto root = file_.root_object("an answer of the carbon intensity API with data");
    if (!root) return;
    bool data = false;
    file_.each(*root, [&](std::string_view key, const char*, JsonFile::Value value) {
      if (key != "data") return;
      data = true;
      read_any(value);
    });
    file_.expect_end();
    if (!data) file_.error(file_.begin(), "data: the file has no such list");
    hand_over();
  }

 private:
  /// A list of what follows, or an object: a period; a region with its periods under `data`; a
  /// period with regions under `regions`. What stands around a period is given to it.
  void read_any(JsonFile::Value& value) {
    if (auto list = file_.array(value)) {
      file_.each(*list, [&](JsonFile::Value entry) { read_any(entry); });
      return;
    }
    const char* where = file_.start(value);
    auto fields = file_.object(value);
    if (!fields) {
      builder_.bad_row(points_.at(where),
                       "data: expected a list or an object, got " + file_.shown(value));
      return;
    }
    Period own;
    bool bad = false, has_intensity = false;
    const std::size_t first = found_.size();
    const auto take = [&](const std::optional<JsonNumber>& read, JsonNumber& into) {
      if (read) {
        into = *read;
      } else {
        bad = true;
      }
    };
    file_.each(*fields, [&](std::string_view key, const char*, JsonFile::Value field) {
      if (key == "from") take(points_.time(field, key), own.from);
      if (key == "to") take(points_.time(field, key), own.to);
      if (key == "regionid") {
        JsonNumber id;
        take(points_.number(field, key), id);
        own.id = fmt::format("{}", id.value);
      }
      if (key == "shortname") own.name = points_.text(field, key);
      if (key == "data" || key == "regions") read_any(field);
      if (key == "intensity") {
        has_intensity = true;
        auto intensity = file_.object(field);
        if (!intensity) {
          builder_.bad_row(points_.at(file_.start(field)),
                           "intensity: expected an object, got " + file_.shown(field));
          bad = true;
          return;
        }
        file_.each(*intensity, [&](std::string_view name, const char*, JsonFile::Value number) {
          if (name == "forecast") take(points_.number(number, name), own.forecast);
          if (name == "actual") take(points_.number(number, name), own.actual);
        });
      }
    });
    for (std::size_t i = first; i < found_.size(); ++i) {
      Period& inner = found_[i];
      if (inner.from.where == nullptr) inner.from = own.from;
      if (inner.to.where == nullptr) inner.to = own.to;
      if (inner.id.empty()) inner.id = own.id;
      if (inner.name.empty()) inner.name = own.name;
    }
    if (!has_intensity || bad) {
      if (found_.size() == first && !bad) {
        builder_.bad_row(points_.at(where), "intensity: is missing");
      }
      if (found_.size() == first) builder_.count_row();
      return;
    }
    builder_.count_row();
    if (own.forecast.where == nullptr) own.forecast.where = where;
    found_.push_back(std::move(own));
  }

  void hand_over() {
    const bool actuals = std::any_of(found_.begin(), found_.end(), [](const Period& one) {
      return !std::isnan(one.actual.value);
    });
    // Regions have forecasts only.
    std::vector<std::string_view> names{"forecast"};
    if (actuals) names.insert(names.begin(), "actual");
    const std::string column = builder_.choose_column(names);
    if (!actuals) builder_.note("forecasts: the file has no actual values");
    builder_.counts(CarbonBasis::direct);
    builder_.times_in("UTC");
    builder_.measures(column, "gCO2/kWh", {SignalKind::carbon, 1.0, ""},
                      {builder_.request().path, 1, 0});
    builder_.diagnostics().throw_if_any();

    Rule& no_actual = builder_.rule("no_actual");
    const std::string& asked = builder_.request().region;
    for (const Period& one : found_) {
      if (one.from.where == nullptr) {
        builder_.bad_row(points_.at(one.forecast.where), "from: is missing");
        continue;
      }
      const std::string& name = one.name.empty() ? one.id : one.name;
      if (!builder_.region(name.empty()                        ? "GB"
                           : one.id == asked && !asked.empty() ? one.id
                                                               : name)) {
        continue;
      }
      if (one.to.where != nullptr && one.to.value <= one.from.value) {
        builder_.bad_row(points_.at(one.to.where), "to: expected a time after 'from'");
        continue;
      }
      JsonNumber value = column == "actual" ? one.actual : one.forecast;
      if (column == "actual" && std::isnan(value.value) && !std::isnan(one.forecast.value)) {
        no_actual.count_adjusted();
        if (no_actual.is("forecast")) value = one.forecast;
      }
      const char* where = value.where != nullptr ? value.where : one.from.where;
      builder_.add(one.from.value, points_.at(one.from.where), value.value, points_.at(where));
    }
  }

  JsonFile& file_;
  SignalBuilder& builder_;
  JsonPoints points_;
  std::vector<Period> found_;
};

void read(Input& input, SignalBuilder& builder) {
  std::string text = input.read_all();
  JsonFile file(text, builder.request().path, builder.diagnostics());
  Reader(file, builder).read();
}

}  // namespace

SignalFormat neso_signal() {
  FormatInfo info;
  info.name = "neso";
  info.summary =
      "Carbon intensity API of Great Britain, JSON (half hours, UTC; column: actual or forecast; "
      "region: its number or short name)";
  info.source = "https://carbon-intensity.github.io/api-definitions";
  info.rules = SignalBuilder::shared_rules();
  info.rules.push_back(
      {"no_actual",
       "a time that has a forecast, but no actual value; gap leaves it to rule gap",
       {"gap", "forecast"}});
  return {std::move(info), recognise, read, true};
}

}  // namespace nightwatt
