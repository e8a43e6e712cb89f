#include <fmt/format.h>

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "scenarios/catalog.hpp"
#include "scenarios/facility_catalog.hpp"
#include "scenarios/scenario_kinds.hpp"

namespace nightwatt {
namespace {

const KindPtr<Beyond>& beyond_kind() {
  static const auto kind = enum_kind<Beyond>(
      {{"error", Beyond::error}, {"hold", Beyond::hold}, {"repeat", Beyond::repeat}});
  return kind;
}

Object<SignalFile> signal_file_object() {
  return Object<SignalFile>()
      .required("file", &SignalFile::file, path_kind(),
                "Path of the series, relative to the scenario's folder.")
      .defaulted("format", &SignalFile::format, text_kind(),
                 "Format of the file; `nightwatt list formats` names them.")
      .sparse("column", &SignalFile::column, text_kind(),
              "Column of the value; formats with several values give them short names.")
      .sparse("time_column", &SignalFile::time_column, text_kind(),
              "Column of the time, for format csv.")
      .sparse("unit", &SignalFile::unit, text_kind(),
              "Unit of the value where the file does not tell it.")
      .sparse("zone", &SignalFile::zone, zone_kind(),
              "IANA time zone of dates without an offset, where the format names none.")
      .sparse("region", &SignalFile::region, text_kind(), "Which grid of a file with several.")
      .sparse("rules", &SignalFile::rules, map_of(text_kind()),
              "Decisions on gaps and faulty values: rule to choice.")
      .defaulted("beyond", &SignalFile::beyond, beyond_kind(),
                 "What holds outside the span of the series.");
}

KindPtr<SignalFile> carbon_file_kind() {
  static const auto kind = make_kind(signal_file_object().sparse(
      "basis", &SignalFile::basis, choice_kind({"direct", "lifecycle", "marginal"}),
      "What the series counts, where the file does not say."));
  return kind;
}

/// A series whose other keys have their defaults may stand as its path alone.
class FileOrPathKind final : public Kind<SignalFile> {
 public:
  bool read(const YamlNode& node, const ReadContext& context, SignalFile& out) const override {
    if (node.is_scalar()) return path_kind()->read(node, context, out.file);
    return signal_file_kind()->read(node, context, out);
  }
  YamlNode write(const SignalFile& value) const override {
    return signal_file_kind()->write(value);
  }
  YamlNode schema() const override {
    YamlNode either = YamlNode::make_map();
    either.set("anyOf", YamlNode::make_list({path_kind()->schema(), signal_file_kind()->schema()}));
    return either;
  }
  std::string expected() const override { return "a path or a series {file: ...}"; }
};

/// A facility of the catalogue by its id, or {driver, free, chiller}.
class CurveKind final : public Kind<CurveSpec> {
 public:
  bool read(const YamlNode& node, const ReadContext& context, CurveSpec& out) const override {
    if (node.is_map()) return pue_curve_kind()->read(node, context, out.curve);
    if (!node.is_scalar()) {
      context.expected(node, expected());
      return false;
    }
    try {
      out.facility = catalog_facility(node.text).id;
      return true;
    } catch (const InputError& e) {
      context.take_over(node, e);
      return false;
    }
  }
  YamlNode write(const CurveSpec& value) const override {
    return value.facility.empty() ? pue_curve_kind()->write(value.curve)
                                  : YamlNode::make_text(value.facility);
  }
  YamlNode schema() const override {
    YamlNode ids = YamlNode::make_list();
    for (const std::string& id : facility_ids()) ids.values.push_back(YamlNode::make_text(id));
    YamlNode name = binding::type_schema("string");
    name.set("examples", std::move(ids));
    YamlNode either = YamlNode::make_map();
    either.set("anyOf", YamlNode::make_list({std::move(name), pue_curve_kind()->schema()}));
    return either;
  }
  std::string expected() const override {
    return "a facility of the catalogue or a curve {driver, free, chiller}";
  }
};

KindPtr<WeatherPue> weather_pue_kind() {
  static const auto kind = make_kind(
      Object<WeatherPue>()
          .required("weather", &WeatherPue::weather,
                    KindPtr<SignalFile>(std::make_shared<FileOrPathKind>()),
                    "The weather at the site.")
          .required("curve", &WeatherPue::curve, KindPtr<CurveSpec>(std::make_shared<CurveKind>()),
                    "How the PUE follows it: a facility of the catalogue, or a curve."));
  return kind;
}

/// A constant or a file: one of several carbon series, or a power.
class SourceKind final : public Kind<SignalSource> {
 public:
  SourceKind(KindPtr<double> constant, KindPtr<SignalFile> file, std::string expected)
      : constant_(std::move(constant)), file_(std::move(file)), expected_(std::move(expected)) {}

  bool read(const YamlNode& node, const ReadContext& context, SignalSource& out) const override {
    if (node.is_map()) {
      SignalFile series;
      if (!file_->read(node, context, series)) return false;
      out.series = std::move(series);
      return true;
    }
    double value = 0.0;
    if (!node.is_scalar()) {
      context.expected(node, expected());
      return false;
    }
    if (!constant_->read(node, context, value)) return false;
    out.constant = value;
    return true;
  }
  YamlNode write(const SignalSource& value) const override {
    return value.series ? file_->write(*value.series)
                        : constant_->write(value.constant.value_or(0.0));
  }
  YamlNode schema() const override {
    YamlNode either = YamlNode::make_map();
    either.set("anyOf", YamlNode::make_list({constant_->schema(), file_->schema()}));
    return either;
  }
  std::string expected() const override { return expected_ + " or a series {file: ...}"; }

 private:
  KindPtr<double> constant_;
  KindPtr<SignalFile> file_;
  std::string expected_;
};

/// {series: {NAME: ...}, decide_by: NAME, account_by: NAME}
const KindPtr<SignalSpec>& named_series_kind() {
  static const KindPtr<SignalSpec> kind = make_kind(
      Object<SignalSpec>()
          .required(
              "series", &SignalSpec::named,
              map_of(source_kind(Dimension::carbon_intensity, carbon_file_kind(), not_negative)),
              "Series by name, such as average and marginal; they are never added.")
          .required("decide_by", &SignalSpec::decide_by, text_kind("the name of a series"),
                    "The series that policies see.")
          .required("account_by", &SignalSpec::account_by, text_kind("the name of a series"),
                    "The series that is charged.")
          .check([](const SignalSpec& spec, const YamlNode& node, const ReadContext& context) {
            std::vector<std::string_view> names;
            for (const auto& [name, source] : spec.named) names.push_back(name);
            for (const auto& [key, wanted] : {std::pair{"decide_by", &spec.decide_by},
                                              std::pair{"account_by", &spec.account_by}}) {
              if (spec.named.count(*wanted) > 0) continue;
              const std::string_view near = nearest(*wanted, names);
              context.key(key).expected(
                  place(node, key), fmt::format("one of the series {}", fmt::join(names, ", ")),
                  near.empty() ? std::string() : fmt::format("did you mean '{}'?", near));
            }
          }));
  return kind;
}

/// A constant or a series; a PUE may follow the weather, a carbon intensity have several series, a
/// price a demand charge beside it.
class SignalSpecKind final : public Kind<SignalSpec> {
 public:
  using What = SignalKey;
  explicit SignalSpecKind(What what) : what_(what) {}

  bool read(const YamlNode& node, const ReadContext& context, SignalSpec& out) const override {
    if (what_ == What::pue && node.is_map() && node.find("weather") != nullptr) {
      WeatherPue weather;
      if (!weather_pue_kind()->read(node, context, weather)) return false;
      out.weather = std::move(weather);
      return true;
    }
    if (what_ == What::carbon && node.is_map() && node.find("series") != nullptr) {
      return named_series_kind()->read(node, context, out);
    }
    if (what_ == What::price && node.is_map() && node.find("demand_charge") != nullptr) {
      return read_with_demand(node, context, out);
    }
    if (node.is_map()) {
      SignalFile series;
      if (!file_kind()->read(node, context, series)) return false;
      out.series = std::move(series);
      return true;
    }
    if (what_ == What::price) {
      std::string hint;
      if (node.is_scalar()) {
        QuantityText parsed = parse_quantity(Dimension::price, node.text);
        if (parsed.value) {
          out.constant = parsed.value;
          out.currency = parsed.currency;
          return true;
        }
        hint = parsed.hint;
      }
      context.expected(node, expected(), hint);
      return false;
    }
    if (!node.is_scalar()) {
      context.expected(node, expected());
      return false;
    }
    double value = 0.0;
    if (!constant()->read(node, context, value)) return false;
    out.constant = value;
    return true;
  }

  YamlNode write(const SignalSpec& value) const override {
    if (value.demand_charge) {
      SignalSpec plain = value;
      plain.demand_charge.reset();
      YamlNode node = YamlNode::make_map();
      if (value.series) {
        node = signal_file_kind()->write(*value.series);
      } else {
        node.set("constant", write(plain));
      }
      node.set("demand_charge",
               YamlNode::make_text(format_quantity(Dimension::demand_charge, *value.demand_charge,
                                                   value.currency)));
      node.set("partial_months", partial_months()->write(value.prorate));
      return node;
    }
    if (!value.named.empty()) return named_series_kind()->write(value);
    if (value.series) return file_kind()->write(*value.series);
    if (value.weather) return weather_pue_kind()->write(*value.weather);
    if (!value.constant) return {};
    if (what_ == What::price) {
      return YamlNode::make_text(
          format_quantity(Dimension::price, *value.constant, value.currency));
    }
    return constant()->write(*value.constant);
  }

  YamlNode schema() const override {
    YamlNode scalar;
    if (what_ == What::price) {
      scalar = binding::type_schema("string");
      scalar.set("pattern", YamlNode::make_text(quantity_pattern(Dimension::price)));
    } else {
      scalar = constant()->schema();
    }
    YamlNode series = what_ == What::price ? price_schema(scalar) : file_kind()->schema();
    YamlNode choices = YamlNode::make_list({std::move(scalar), std::move(series)});
    if (what_ == What::pue) choices.values.push_back(weather_pue_kind()->schema());
    if (what_ == What::carbon) choices.values.push_back(named_series_kind()->schema());
    YamlNode either = YamlNode::make_map();
    either.set("anyOf", std::move(choices));
    return either;
  }

  std::string expected() const override {
    switch (what_) {
      case What::pue:
        return "a number of at least 1, a series {file: ...} or {weather: ..., curve: ...}";
      case What::carbon:
        return expected_quantity(Dimension::carbon_intensity) + " or a series {file: ...}";
      case What::price:
        return expected_quantity(Dimension::price) + " or a series {file: ...}";
      case What::water:
        return expected_quantity(Dimension::water) + " or a series {file: ...}";
    }
    return {};
  }

 private:
  [[nodiscard]] const KindPtr<double>& constant() const {
    static const KindPtr<double> pue = number_kind({.min = 1.0, .max = 100.0});
    static const KindPtr<double> carbon = quantity_kind(Dimension::carbon_intensity, not_negative);
    static const KindPtr<double> water = quantity_kind(Dimension::water, not_negative);
    return what_ == What::pue ? pue : what_ == What::water ? water : carbon;
  }
  [[nodiscard]] KindPtr<SignalFile> file_kind() const {
    return what_ == What::carbon ? carbon_file_kind() : signal_file_kind();
  }
  static const KindPtr<bool>& partial_months() {
    static const KindPtr<bool> kind = enum_kind<bool>({{"by-time", true}, {"whole", false}});
    return kind;
  }
  /// The keys of a series, or `constant`, and beside them what a month's peak costs.
  bool read_with_demand(const YamlNode& node, const ReadContext& context, SignalSpec& out) const {
    YamlNode energy = YamlNode::make_map();
    energy.where = node.where;
    for (std::size_t i = 0; i < node.keys.size(); ++i) {
      const std::string& key = node.keys[i].text;
      if (key == "demand_charge" || key == "partial_months") continue;
      energy.keys.push_back(node.keys[i]);
      energy.values.push_back(node.values[i]);
    }
    const YamlNode* const flat = energy.find("constant");
    if (flat != nullptr && !flat->is_scalar()) {
      context.key("constant").expected(*flat, expected_quantity(Dimension::price));
      return false;
    }
    if (flat != nullptr && energy.keys.size() > 1) {
      context.key("constant").error(*flat, "expected either 'constant' or a series, not both");
      return false;
    }
    bool good =
        flat != nullptr ? read(*flat, context.key("constant"), out) : read(energy, context, out);
    const YamlNode& charge = *node.find("demand_charge");
    const QuantityText parsed =
        charge.is_scalar() ? parse_quantity(Dimension::demand_charge, charge.text) : QuantityText{};
    const ReadContext at = context.key("demand_charge");
    if (!parsed.value || *parsed.value < 0.0) {
      at.expected(charge, expected_quantity(Dimension::demand_charge), parsed.hint);
      return false;
    }
    if (!out.currency.empty() && out.currency != parsed.currency) {
      at.expected(charge, "a charge in the price's currency " + out.currency);
      return false;
    }
    out.demand_charge = parsed.value;
    out.currency = parsed.currency;
    if (const YamlNode* months = node.find("partial_months")) {
      good &= partial_months()->read(*months, context.key("partial_months"), out.prorate);
    }
    return good;
  }
  /// A series, or a constant with a demand charge.
  static YamlNode price_schema(YamlNode constant) {
    YamlNode node = signal_file_kind()->schema();
    YamlNode charge = binding::type_schema("string");
    charge.set("description",
               YamlNode::make_text("Price of the largest mean facility power of each month."));
    charge.set("pattern", YamlNode::make_text(quantity_pattern(Dimension::demand_charge)));
    YamlNode months = partial_months()->schema();
    months.set("description",
               YamlNode::make_text("How a month counts of which only a part is charged: by its "
                                   "share of the time (the default), or whole."));
    constant.set("description",
                 YamlNode::make_text("Instead of a file, beside a demand charge: the price."));
    YamlNode* const properties = node.find("properties");
    properties->set("constant", std::move(constant));
    properties->set("demand_charge", std::move(charge));
    properties->set("partial_months", std::move(months));
    const auto required = [](std::vector<YamlNode> keys) {
      YamlNode rule = YamlNode::make_map();
      rule.set("required", YamlNode::make_list(std::move(keys)));
      return rule;
    };
    *node.find("required") = YamlNode::make_list();
    node.set("anyOf", YamlNode::make_list({required({YamlNode::make_text("file")}),
                                           required({YamlNode::make_text("constant"),
                                                     YamlNode::make_text("demand_charge")})}));
    return node;
  }
  What what_;
};

}  // namespace

KindPtr<SignalFile> signal_file_kind() {
  static const auto kind = make_kind(signal_file_object());
  return kind;
}

KindPtr<SignalSource> source_kind(Dimension dimension, KindPtr<SignalFile> file, Bounds bounds) {
  return std::make_shared<SourceKind>(quantity_kind(dimension, bounds), std::move(file),
                                      expected_quantity(dimension));
}

KindPtr<SignalSpec> signal_kind(SignalKey what) { return std::make_shared<SignalSpecKind>(what); }

KindPtr<SiteForecastSpec> site_forecast_kind() {
  const auto file = make_kind(
      Object<ForecastFile>()
          .required("file", &ForecastFile::file, path_kind(),
                    "Path of the forecasts, relative to the scenario's folder.")
          .defaulted("format", &ForecastFile::format, choice_kind({"auto", "carboncast", "csv"}),
                     "Format of the file.")
          .sparse("issue_column", &ForecastFile::issue_column, text_kind(),
                  "csv: column of the time at which a forecast was made; left out: issue_time.")
          .sparse("time_column", &ForecastFile::time_column, text_kind(),
                  "csv: column of the time that it is of; left out: target_time.")
          .sparse("column", &ForecastFile::column, text_kind(),
                  "csv: column of the value; left out: value.")
          .sparse("unit", &ForecastFile::unit, text_kind(), "csv: unit of the value.")
          .sparse("zone", &ForecastFile::zone, zone_kind(),
                  "IANA time zone of dates without an offset."));
  return make_kind(Object<SiteForecastSpec>()
                       .sparse("carbon", &SiteForecastSpec::carbon, file,
                               "Forecasts of the carbon intensity that policies see.")
                       .sparse("price", &SiteForecastSpec::price, file, "Forecasts of the price."));
}

}  // namespace nightwatt
