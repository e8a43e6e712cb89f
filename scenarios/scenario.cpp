#include "scenarios/scenario.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <functional>
#include <set>
#include <tuple>

#include "scenarios/binding.hpp"
#include "scenarios/catalog.hpp"
#include "scenarios/facility_catalog.hpp"
#include "scenarios/mix_catalog.hpp"
#include "scenarios/model_catalog.hpp"
#include "scenarios/node_catalog.hpp"
#include "sim/shared_fabric.hpp"
#include "traces/input.hpp"
#include "traces/reader.hpp"

namespace nightwatt {
namespace {

// Memory grows with nodes and with time bins: what is beyond these is a slip of the pen.
constexpr std::int64_t max_nodes = 10'000'000;
constexpr std::int64_t max_units_per_node = 65'536;
constexpr double max_bins = 20e6;

/// The place of a key of a mapping; of the mapping itself where the key is not there.
const YamlNode& place(const YamlNode& node, std::string_view key) {
  const YamlNode* found = node.find(key);
  return found != nullptr ? *found : node;
}

const KindPtr<Beyond>& beyond_kind() {
  static const auto kind = enum_kind<Beyond>(
      {{"error", Beyond::error}, {"hold", Beyond::hold}, {"repeat", Beyond::repeat}});
  return kind;
}

template <class T>
KindPtr<T> make_kind(Object<T> object) {
  return std::make_shared<Object<T>>(std::move(object));
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

KindPtr<SignalFile> signal_file_kind() {
  static const auto kind = make_kind(signal_file_object());
  return kind;
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

KindPtr<SignalSource> source_kind(Dimension dimension, KindPtr<SignalFile> file, Bounds bounds) {
  return std::make_shared<SourceKind>(quantity_kind(dimension, bounds), std::move(file),
                                      expected_quantity(dimension));
}

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
  enum class What : std::uint8_t { pue, carbon, price, water };
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

KindPtr<SignalSpec> signal_kind(SignalSpecKind::What what) {
  return std::make_shared<SignalSpecKind>(what);
}

/// A number in the unit that its key names, or a quantity with a unit of its own.
class NumberOrQuantityKind final : public Kind<double> {
 public:
  /// @param scale  of the dimension's canonical unit, for the key's unit
  NumberOrQuantityKind(Dimension dimension, double scale)
      : dimension_(dimension), scale_(scale), number_(number_kind(not_negative)) {}
  bool read(const YamlNode& node, const ReadContext& context, double& out) const override {
    if (node.is_scalar() && !read_number(node.text)) {
      const QuantityText parsed = parse_quantity(dimension_, node.text);
      if (parsed.value && *parsed.value >= 0.0) {
        out = *parsed.value / scale_;
        return true;
      }
      context.expected(node, expected(), parsed.hint);
      return false;
    }
    return number_->read(node, context, out);
  }
  YamlNode write(const double& value) const override { return number_->write(value); }
  YamlNode schema() const override {
    YamlNode text = binding::type_schema("string");
    text.set("pattern", YamlNode::make_text(quantity_pattern(dimension_)));
    YamlNode either = YamlNode::make_map();
    either.set("anyOf", YamlNode::make_list({number_->schema(), std::move(text)}));
    return either;
  }
  std::string expected() const override {
    return "a number of at least 0 or " + expected_quantity(dimension_);
  }

 private:
  Dimension dimension_;
  double scale_;
  KindPtr<double> number_;
};

KindPtr<double> number_or_quantity_kind(Dimension dimension, double scale) {
  return std::make_shared<NumberOrQuantityKind>(dimension, scale);
}

KindPtr<EmbodiedSpec> embodied_kind() {
  const auto mass = quantity_kind(Dimension::carbon_mass, not_negative);
  return make_kind(
      Object<EmbodiedSpec>()
          .sparse("per_gpu", &EmbodiedSpec::per_gpu, mass,
                  "Emitted by making one GPU (or core) and its share of the node.")
          .sparse("per_node", &EmbodiedSpec::per_node, mass, "Instead: by making one node.")
          .required("lifetime_years", &EmbodiedSpec::lifetime_years,
                    number_kind({.min = 0.0, .max = 100.0, .above_min = true}),
                    "Years of 365.25 days over which it is spread.")
          .required("source", &EmbodiedSpec::source, text_kind("where the figure is from"),
                    "Where the figure is from.")
          .check([](const EmbodiedSpec& e, const YamlNode& node, const ReadContext& context) {
            if (e.per_gpu.has_value() == e.per_node.has_value()) {
              context.error(node, "expected exactly one of 'per_gpu' and 'per_node'");
            }
          }));
}

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

KindPtr<NetworkSpec> network_kind() {
  return make_kind(
      Object<NetworkSpec>()
          .required("bandwidths", &NetworkSpec::bandwidths, path_kind(),
                    "CSV file of bandwidths between regions: Skyplane's measurements, or columns "
                    "from, to, gbit_per_s.")
          .sparse("j_per_gb", &NetworkSpec::j_per_gb,
                  number_or_quantity_kind(Dimension::energy_per_data, 1.0),
                  "Energy of moving a GB (1e9 bytes), in J or with a unit (0.06 kWh/GB)."));
}

KindPtr<HomeSpec> home_kind() {
  return make_kind(
      Object<HomeSpec>()
          .required("by", &HomeSpec::by,
                    enum_kind<HomeBy>({{"job", HomeBy::job},
                                       {"user", HomeBy::user},
                                       {"class", HomeBy::job_class},
                                       {"queue", HomeBy::queue}}),
                    "job, user: drawn by seed and job id or user; class, queue: named by sites.")
          .sparse("shares", &HomeSpec::shares, map_of(number_kind(not_negative)),
                  "job, user: weight of each site; left out: all alike.")
          .sparse("sites", &HomeSpec::sites, map_of(text_kind()),
                  "class, queue: its site; others are at home at the first.")
          .check([](const HomeSpec& h, const YamlNode& node, const ReadContext& context) {
            const bool drawn = h.by == HomeBy::job || h.by == HomeBy::user;
            if (drawn && !h.sites.empty()) {
              context.key("sites").error(place(node, "sites"), "expected only by class or queue");
            }
            if (!drawn && !h.shares.empty()) {
              context.key("shares").error(place(node, "shares"), "expected only by job or user");
            }
            if (!drawn && h.sites.empty()) {
              binding::missing_key(node, context, "sites", "a mapping of names to sites");
            }
            double sum = 0.0;
            for (const auto& [site, weight] : h.shares) sum += weight;
            if (!h.shares.empty() && !(sum > 0.0)) {
              context.key("shares").error(place(node, "shares"), "expected weights, not all 0");
            }
          }));
}

/// A name that a catalogue knows: written as the id that it stands for.
class CatalogNameKind final : public Kind<std::string> {
 public:
  using Find = std::function<std::string(std::string_view)>;  ///< the id; throws InputError
  using Ids = std::function<std::vector<std::string>()>;
  CatalogNameKind(std::string what, Find find, Ids ids)
      : what_(std::move(what)), find_(std::move(find)), ids_(std::move(ids)) {}
  bool read(const YamlNode& node, const ReadContext& context, std::string& out) const override {
    if (!node.is_scalar()) {
      context.expected(node, expected());
      return false;
    }
    try {
      out = find_(node.text);
      return true;
    } catch (const InputError& e) {
      context.take_over(node, e);
      return false;
    }
  }
  YamlNode write(const std::string& value) const override { return YamlNode::make_text(value); }
  YamlNode schema() const override {
    YamlNode node = binding::type_schema("string");
    YamlNode ids = YamlNode::make_list();
    for (const std::string& id : ids_()) ids.values.push_back(YamlNode::make_text(id));
    node.set("examples", std::move(ids));
    return node;
  }
  std::string expected() const override { return what_ + " of the catalogue"; }

 private:
  std::string what_;
  Find find_;
  Ids ids_;
};

KindPtr<std::string> catalog_name(std::string what, CatalogNameKind::Find find,
                                  CatalogNameKind::Ids ids) {
  return std::make_shared<CatalogNameKind>(std::move(what), std::move(find), std::move(ids));
}

const KindPtr<std::string>& catalog_device_kind() {
  static const KindPtr<std::string> kind = catalog_name(
      "a device", [](std::string_view name) { return catalog().device(name).device.id; },
      [] { return catalog().ids(); });
  return kind;
}

/// A catalogue name, or the figures themselves.
class DeviceKindSpec final : public Kind<DeviceSpec> {
 public:
  bool read(const YamlNode& node, const ReadContext& context, DeviceSpec& out) const override {
    if (node.is_map()) {
      InlineDevice device;
      if (!given()->read(node, context, device)) return false;
      out.given = device;
      return true;
    }
    return catalog_device_kind()->read(node, context, out.id);
  }
  YamlNode write(const DeviceSpec& value) const override {
    return value.given ? given()->write(*value.given) : YamlNode::make_text(value.id);
  }
  YamlNode schema() const override {
    YamlNode either = YamlNode::make_map();
    either.set("anyOf", YamlNode::make_list({catalog_device_kind()->schema(), given()->schema()}));
    return either;
  }
  std::string expected() const override {
    return "a device such as 'v100-pcie-32gb' or {idle: 95 W, busy: 190 W}";
  }

 private:
  static const KindPtr<InlineDevice>& given() {
    static const auto kind =
        make_kind(Object<InlineDevice>()
                      .required("idle", &InlineDevice::idle, power_kind(),
                                "Power of one GPU (or core) that does not work.")
                      .required("busy", &InlineDevice::busy, power_kind(),
                                "Power of one GPU (or core) at utilization 1.")
                      .check([](const InlineDevice& device, const YamlNode& node,
                                const ReadContext& context) {
                        if (device.busy < device.idle) {
                          context.key("busy").expected(
                              place(node, "busy"),
                              "a power of at least idle (" +
                                  format_quantity(Dimension::power, to_watts(device.idle)) + ")");
                        }
                      }));
    return kind;
  }
};

/// "21:00", as seconds since midnight; "24:00" is the end of the day.
class TimeOfDayKind final : public Kind<double> {
 public:
  bool read(const YamlNode& node, const ReadContext& context, double& out) const override {
    int hour = -1, minute = -1, read = 0;
    if (!node.is_scalar() ||
        std::sscanf(node.text.c_str(), "%2d:%2d%n", &hour, &minute, &read) != 2 ||
        static_cast<std::size_t>(read) != node.text.size() || hour < 0 || minute < 0 ||
        minute > 59 || hour * 60 + minute > 24 * 60) {
      context.expected(node, expected());
      return false;
    }
    out = hour * 3600.0 + minute * 60.0;
    return true;
  }
  YamlNode write(const double& value) const override {
    const auto minutes = static_cast<int>(value / 60.0);
    return YamlNode::make_text(fmt::format("{:02}:{:02}", minutes / 60, minutes % 60));
  }
  YamlNode schema() const override {
    YamlNode node = binding::type_schema("string");
    node.set("pattern", YamlNode::make_text("^([01][0-9]|2[0-3]):[0-5][0-9]$|^24:00$"));
    return node;
  }
  std::string expected() const override { return "a time of the day such as '21:00'"; }
};

/// NAME, or {NAME: {PARAMETER: value}}, checked against the registry.
class PolicyKind final : public Kind<PolicySpec> {
 public:
  explicit PolicyKind(Question question) : question_(question) {}

  bool read(const YamlNode& node, const ReadContext& context, PolicySpec& out) const override {
    const YamlNode* name = &node;
    const YamlNode* params = nullptr;
    if (node.is_map() && node.keys.size() == 1) {
      name = &node.keys.front();
      params = &node.values.front();
    } else if (!node.is_scalar()) {
      context.expected(node, expected());
      return false;
    }
    const PolicyInfo* info = find_policy(question_, name->text);
    if (info == nullptr) {
      const std::vector<std::string> all = names();
      const std::vector<std::string_view> views(all.begin(), all.end());
      const std::string_view near = nearest(name->text, views);
      context.expected(*name, expected(),
                       near.empty() ? std::string() : fmt::format("did you mean '{}'?", near));
      return false;
    }
    out = PolicySpec{info->name, {}, {}};
    const ReadContext inside = context.key(info->name);
    if (params != nullptr && params->kind != YamlNode::Kind::null && !params->is_map()) {
      inside.expected(*params, "a mapping of parameters");
      return false;
    }
    bool good = true;
    std::vector<std::string_view> known;
    for (const ParamInfo& param : info->params) known.push_back(param.name);
    if (params != nullptr && params->is_map()) {
      const std::size_t before = context.faults->count();
      if (known.empty() && !params->keys.empty()) {
        inside.error(*params, "expected no parameters; this policy has none");
        return false;
      }
      binding::refuse_unknown_keys(*params, inside, known);
      good = context.faults->count() == before;
    }
    for (const ParamInfo& param : info->params) {
      const YamlNode* value = params != nullptr ? params->find(param.name) : nullptr;
      YamlNode standard;
      if (value == nullptr) {
        if (param.default_text.empty()) {
          binding::missing_key(params != nullptr && params->is_map() ? *params : *name, inside,
                               param.name, param_kind(param).expected());
          good = false;
          continue;
        }
        standard = YamlNode::make_text(param.default_text);
        value = &standard;
      }
      good &= read_param(param, *value, inside.key(param.name), out);
    }
    return good;
  }

  YamlNode write(const PolicySpec& value) const override {
    const PolicyInfo* info = find_policy(question_, value.name);
    if (info == nullptr || info->params.empty()) return YamlNode::make_text(value.name);
    YamlNode params = YamlNode::make_map();
    for (const ParamInfo& param : info->params) {
      if (const auto number = value.numbers.find(param.name); number != value.numbers.end()) {
        params.set(param.name, param_kind(param).write(number->second));
      }
      if (const auto text = value.texts.find(param.name); text != value.texts.end()) {
        params.set(param.name, YamlNode::make_text(text->second));
      }
    }
    YamlNode node = YamlNode::make_map();
    node.set(value.name, std::move(params));
    return node;
  }

  YamlNode schema() const override {
    YamlNode choices = YamlNode::make_list();
    YamlNode objects = YamlNode::make_list();
    for (const PolicyInfo& info : list_policies()) {
      if (info.question != question_) continue;
      const bool needs_params =
          std::any_of(info.params.begin(), info.params.end(),
                      [](const ParamInfo& p) { return p.default_text.empty(); });
      if (!needs_params) choices.values.push_back(YamlNode::make_text(info.name));
      YamlNode properties = YamlNode::make_map();
      YamlNode required = YamlNode::make_list();
      for (const ParamInfo& param : info.params) {
        YamlNode property = YamlNode::make_map();
        property.set("description", YamlNode::make_text(param.summary));
        const YamlNode type = param.kind == ParamKind::text ? text_param(param)->schema()
                                                            : param_kind(param).schema();
        for (std::size_t i = 0; i < type.keys.size(); ++i) {
          property.set(type.keys[i].text, type.values[i]);
        }
        if (param.default_text.empty()) {
          required.values.push_back(YamlNode::make_text(param.name));
        } else {
          const bool number = read_number(param.default_text).has_value();
          property.set("default", number ? YamlNode::make_literal(param.default_text)
                                         : YamlNode::make_text(param.default_text));
        }
        properties.set(param.name, std::move(property));
      }
      YamlNode params = YamlNode::make_map();
      params.set("type", YamlNode::make_list({YamlNode::make_text("object")}));
      if (!needs_params) params.find("type")->values.push_back(YamlNode::make_text("null"));
      params.set("properties", std::move(properties));
      if (!required.values.empty()) params.set("required", std::move(required));
      params.set("additionalProperties", YamlNode::make_literal("false"));
      YamlNode by_name = YamlNode::make_map();
      by_name.set(info.name, std::move(params));
      YamlNode object = binding::type_schema("object");
      object.set("description", YamlNode::make_text(info.summary));
      object.set("properties", std::move(by_name));
      object.set("required", YamlNode::make_list({YamlNode::make_text(info.name)}));
      object.set("additionalProperties", YamlNode::make_literal("false"));
      objects.values.push_back(std::move(object));
    }
    YamlNode name = YamlNode::make_map();
    name.set("enum", std::move(choices));
    std::vector<YamlNode> any;
    any.push_back(std::move(name));
    for (YamlNode& object : objects.values) any.push_back(std::move(object));
    YamlNode either = YamlNode::make_map();
    either.set("anyOf", YamlNode::make_list(std::move(any)));
    return either;
  }

  std::string expected() const override {
    return fmt::format("one of {}", fmt::join(names(), ", "));
  }

 private:
  [[nodiscard]] std::vector<std::string> names() const {
    std::vector<std::string> out;
    for (const PolicyInfo& info : list_policies()) {
      if (info.question == question_) out.push_back(info.name);
    }
    return out;
  }

  static KindPtr<std::string> text_param(const ParamInfo& param) {
    return param.choices.empty() ? text_kind() : choice_kind(param.choices);
  }

  /// Numbers are kept as double whatever they measure; integers are checked to be whole.
  class ParamNumber {
   public:
    explicit ParamNumber(const ParamInfo& param) : integer_(param.kind == ParamKind::integer) {
      Bounds bounds;
      if (param.min > -1e299) bounds.min = param.min;
      if (param.max < 1e299) bounds.max = param.max;
      switch (param.kind) {
        case ParamKind::seconds:
          number_ = quantity_kind(Dimension::duration, bounds);
          break;
        case ParamKind::watts:
          number_ = quantity_kind(Dimension::power, bounds);
          break;
        case ParamKind::fraction:
          number_ = quantity_kind(Dimension::fraction, bounds);
          break;
        case ParamKind::time_of_day:
          number_ = std::make_shared<TimeOfDayKind>();
          break;
        default:
          number_ = number_kind(bounds);
      }
      if (integer_) {
        const auto edge = [](double v, std::int64_t other) {
          return std::abs(v) < 9e15 ? static_cast<std::int64_t>(v) : other;
        };
        whole_ =
            integer_kind(edge(param.min, -1'000'000'000'000), edge(param.max, 1'000'000'000'000));
      }
    }
    bool read(const YamlNode& node, const ReadContext& context, double& out) const {
      if (!integer_) return number_->read(node, context, out);
      std::int64_t value = 0;
      if (!whole_->read(node, context, value)) return false;
      out = static_cast<double>(value);
      return true;
    }
    [[nodiscard]] YamlNode write(double value) const {
      return integer_ ? whole_->write(static_cast<std::int64_t>(value)) : number_->write(value);
    }
    [[nodiscard]] YamlNode schema() const {
      return integer_ ? whole_->schema() : number_->schema();
    }
    [[nodiscard]] std::string expected() const {
      return integer_ ? whole_->expected() : number_->expected();
    }

   private:
    bool integer_;
    KindPtr<double> number_;
    KindPtr<std::int64_t> whole_;
  };
  static ParamNumber param_kind(const ParamInfo& param) { return ParamNumber(param); }

  static bool read_param(const ParamInfo& param, const YamlNode& node, const ReadContext& context,
                         PolicySpec& out) {
    if (param.kind == ParamKind::text) {
      return text_param(param)->read(node, context, out.texts[param.name]);
    }
    return param_kind(param).read(node, context, out.numbers[param.name]);
  }

  Question question_;
};

KindPtr<PolicySpec> policy_kind(Question question) {
  return std::make_shared<PolicyKind>(question);
}

KindPtr<HostSpec> host_kind() {
  const auto supply = make_kind(
      Object<SupplyPoint>()
          .required("load", &SupplyPoint::load, power_kind(),
                    "Power that the node draws behind its supply.")
          .sparse("loss", &SupplyPoint::loss, power_kind(), "Power lost at that load.")
          .sparse("efficiency", &SupplyPoint::efficiency,
                  quantity_kind(Dimension::fraction, {.min = 0.0, .max = 1.0, .above_min = true}),
                  "Delivered over drawn power at that load.")
          .check([](const SupplyPoint& point, const YamlNode& node, const ReadContext& context) {
            if (point.loss.has_value() == point.efficiency.has_value()) {
              context.error(node, "expected exactly one of 'loss' and 'efficiency'");
            }
          }));
  return make_kind(
      Object<HostSpec>()
          .defaulted("idle", &HostSpec::idle, power_kind(),
                     "Power of a node without its GPUs, when nothing runs.")
          .defaulted("active_per_gpu", &HostSpec::active_per_gpu, power_kind(),
                     "Power of the host above idle for each GPU (or core) held.")
          .sparse("supply", &HostSpec::supply, list_of(supply),
                  "Loss of power supply and fans by load, linear between the points.")
          .check([](const HostSpec& host, const YamlNode& node, const ReadContext& context) {
            for (std::size_t i = 1; i < host.supply.size(); ++i) {
              if (host.supply[i].load <= host.supply[i - 1].load) {
                context.key("supply").error(place(node, "supply"),
                                            "expected loads that grow from point to point");
                return;
              }
            }
            if (host.supply.size() == 1) {
              context.key("supply").error(place(node, "supply"), "expected at least two points");
            }
          }));
}

KindPtr<FabricSpec> fabric_kind() {
  const auto bandwidth = quantity_kind(Dimension::bandwidth, positive);
  const auto count = integer_kind(0, 1'000'000);
  return make_kind(
      Object<FabricSpec>()
          .sparse("gpus_per_island", &FabricSpec::gpus_per_island, count,
                  "GPUs joined by NVLink inside a node; 0 or left out: the whole node.")
          .sparse("nodes_per_rack", &FabricSpec::nodes_per_rack, count,
                  "Nodes behind one switch; 0 or left out: all.")
          .sparse("racks_per_spine", &FabricSpec::racks_per_spine, count,
                  "Racks behind one spine switch; 0 or left out: all.")
          .sparse("island", &FabricSpec::island_bytes_per_s, bandwidth,
                  "Bandwidth between two GPUs of an island, one direction.")
          .sparse("node", &FabricSpec::node_bytes_per_s, bandwidth,
                  "Bandwidth from a node to its rack switch.")
          .sparse("rack", &FabricSpec::rack_bytes_per_s, bandwidth,
                  "Bandwidth from a rack switch to its spine.")
          .sparse("core", &FabricSpec::core_bytes_per_s, bandwidth,
                  "Bandwidth between spine switches.")
          .sparse("edges", &FabricSpec::edges, path_kind(),
                  "Instead of the numbers: a CSV file of links with columns from, to, bandwidth; "
                  "nodes are called node0, node1, ...")
          .check([](const FabricSpec& fabric, const YamlNode& node, const ReadContext& context) {
            FabricSpec numbers = fabric;
            numbers.edges.clear();
            if (!fabric.edges.empty() && !(numbers == FabricSpec{})) {
              context.error(node, "expected either numbers or 'edges', not both");
            }
            if (fabric.edges.empty() && fabric.node_bytes_per_s == 0.0) {
              binding::missing_key(node, context, "node", expected_quantity(Dimension::bandwidth));
            }
          }));
}

/// A partition, whose `node` fills in the keys that it does not give itself.
class PartitionKind final : public Kind<PartitionSpec> {
 public:
  bool read(const YamlNode& node, const ReadContext& context, PartitionSpec& out) const override {
    try {
      return object()->read(with_node(node), context, out);
    } catch (const InputError& e) {
      context.key("node").take_over(*node.find("node"), e);
      return false;
    }
  }
  YamlNode write(const PartitionSpec& value) const override { return object()->write(value); }
  YamlNode schema() const override { return object()->schema(); }
  std::string expected() const override { return object()->expected(); }

 private:
  static const KindPtr<PartitionSpec>& object() {
    static const KindPtr<PartitionSpec> kind = make_kind(
        Object<PartitionSpec>()
            .required("name", &PartitionSpec::name, name_kind(), "Name, unique in its site.")
            .required("nodes", &PartitionSpec::nodes, integer_kind(1, max_nodes),
                      "Number of nodes.")
            .sparse(
                "node", &PartitionSpec::node,
                catalog_name(
                    "a node", [](std::string_view name) { return node_catalog().node(name).id; },
                    [] { return node_catalog().ids(); }),
                "Node of the catalogue (`nightwatt list nodes`): device, gpus_per_node and "
                "host where they are not given here.")
            .sparse("device", &PartitionSpec::device,
                    KindPtr<DeviceSpec>(std::make_shared<DeviceKindSpec>()),
                    "Device of the catalogue (`nightwatt list devices`), or its figures; required "
                    "without node.")
            .sparse("gpus_per_node", &PartitionSpec::gpus_per_node,
                    integer_kind(1, max_units_per_node), "GPUs of a node.")
            .sparse("cores_per_node", &PartitionSpec::cores_per_node,
                    integer_kind(1, max_units_per_node),
                    "Cores of a node, for partitions that count cores.")
            .defaulted("host", &PartitionSpec::host, host_kind(),
                       "What a node draws beside its devices.")
            .sparse("fabric", &PartitionSpec::fabric, fabric_kind(),
                    "The network between the nodes; left out: all nodes equally far.")
            .sparse("embodied", &PartitionSpec::embodied, embodied_kind(),
                    "What making the hardware emitted, spread over its GPU-hours; a column of "
                    "its own, never part of carbon.")
            .check([](const PartitionSpec& p, const YamlNode& node, const ReadContext& context) {
              if (p.device == DeviceSpec{}) {
                binding::missing_key(node, context, "device", DeviceKindSpec().expected());
              }
              if (p.gpus_per_node.has_value() == p.cores_per_node.has_value()) {
                context.error(node, "expected exactly one of 'gpus_per_node' and 'cores_per_node'");
              }
            }));
    return kind;
  }
};

KindPtr<PartitionSpec> partition_kind() { return std::make_shared<PartitionKind>(); }

KindPtr<BudgetSpec> budget_kind() {
  const auto hours = make_kind(
      Object<BudgetHours>()
          .required("from", &BudgetHours::from_s,
                    KindPtr<double>(std::make_shared<TimeOfDayKind>()), "First time of the day.")
          .required("to", &BudgetHours::to_s, KindPtr<double>(std::make_shared<TimeOfDayKind>()),
                    "End, on the next day if before `from`.")
          .required("power", &BudgetHours::power, power_kind(positive), "At most, meanwhile.")
          .check([](const BudgetHours& h, const YamlNode& node, const ReadContext& context) {
            if (h.from_s == h.to_s) context.error(node, "expected 'from' and 'to' to differ");
          }));
  const auto span = make_kind(
      Object<BudgetSpan>()
          .required("from", &BudgetSpan::from, instant_kind(), "First instant.")
          .required("to", &BudgetSpan::to, instant_kind(), "End.")
          .required("power", &BudgetSpan::power, power_kind(positive), "At most, meanwhile.")
          .check([](const BudgetSpan& s, const YamlNode& node, const ReadContext& context) {
            if (s.to <= s.from) {
              context.key("to").expected(place(node, "to"), "an instant after 'from'");
            }
          }));
  return make_kind(Object<BudgetSpec>()
                       .required("power", &BudgetSpec::power,
                                 source_kind(Dimension::power, signal_file_kind(), positive),
                                 "At most, at other times: a constant or a series.")
                       .defaulted("of", &BudgetSpec::of_it,
                                  enum_kind<bool>({{"facility", false}, {"it", true}}),
                                  "Which power: of the facility, or of IT alone.")
                       .sparse("hours", &BudgetSpec::hours, list_of(hours),
                               "Other limits, each day on the site's wall clock.")
                       .sparse("spans", &BudgetSpec::spans, list_of(span),
                               "Other limits, once: a demand response event."));
}

KindPtr<SiteSpec> site_kind() {
  const auto facility = make_kind(
      Object<FacilitySpec>()
          .sparse("pue", &FacilitySpec::pue, signal_kind(SignalSpecKind::What::pue),
                  "Facility over IT power, at least 1: a number, a series, or from the weather.")
          .sparse("wue", &FacilitySpec::wue, signal_kind(SignalSpecKind::What::water),
                  "Water used on site over IT energy: a constant or a series.")
          .defaulted("fixed_share", &FacilitySpec::fixed_share,
                     quantity_kind(Dimension::fraction, {.min = 0.0, .max = 1.0}),
                     "Share of the overhead that does not follow the IT power.")
          .sparse("reference_it", &FacilitySpec::reference_it, power_kind(positive),
                  "IT power at which the fixed share is measured.")
          .check([](const FacilitySpec& f, const YamlNode& node, const ReadContext& context) {
            if (f.fixed_share > 0.0 && !f.reference_it) {
              binding::missing_key(
                  node, context, "reference_it",
                  expected_quantity(Dimension::power) + ", because fixed_share is above 0");
            }
          }));
  return make_kind(
      Object<SiteSpec>()
          .required("name", &SiteSpec::name, name_kind(), "Name, unique in the scenario.")
          .sparse("region", &SiteSpec::region, text_kind("a region"),
                  "Cloud region, as the network's file names it (aws:eu-central-1).")
          .defaulted("timezone", &SiteSpec::timezone, zone_kind(),
                     "IANA time zone of calendar days and of night windows.")
          .sparse("currency", &SiteSpec::currency, currency_kind(),
                  "ISO 4217 code; needed where the price's file names none.")
          .required("partitions", &SiteSpec::partitions, list_of(partition_kind(), 1),
                    "Sets of equal nodes with one queue each.")
          .defaulted("facility", &SiteSpec::facility, facility, "From IT power to facility power.")
          .sparse("carbon", &SiteSpec::carbon, signal_kind(SignalSpecKind::What::carbon),
                  "Carbon intensity of the electricity: a constant or a series.")
          .sparse("price", &SiteSpec::price, signal_kind(SignalSpecKind::What::price),
                  "Price of the electricity: a constant or a series.")
          .sparse("budget", &SiteSpec::budget, budget_kind(),
                  "Power that the site may draw at most, for the cap policy budget.")
          .sparse("forecast", &SiteSpec::forecast, site_forecast_kind(),
                  "Files of forecasts, for forecast.from: file.")
          .check([](const SiteSpec& site, const YamlNode& node, const ReadContext& context) {
            std::set<std::string> names;
            for (std::size_t i = 0; i < site.partitions.size(); ++i) {
              if (!names.insert(site.partitions[i].name).second) {
                const YamlNode& at = place(place(node, "partitions").values[i], "name");
                context.key("partitions")
                    .index(i)
                    .key("name")
                    .expected(at, "a name that no other partition of the site has");
              }
            }
            if (!site.currency.empty() && !site.price.currency.empty() &&
                site.currency != site.price.currency) {
              context.key("price").expected(place(node, "price"),
                                            "a price in the site's currency " + site.currency);
            }
          }));
}

/// A bare day, an instant with offset, or (for traces without dates) a duration.
class WhenKind final : public Kind<std::string> {
 public:
  explicit WhenKind(bool or_duration) : or_duration_(or_duration) {}
  bool read(const YamlNode& node, const ReadContext& context, std::string& out) const override {
    std::string hint;
    if (node.is_scalar()) {
      const InstantText instant = parse_instant(node.text);
      if (instant.value || parse_day(node.text) ||
          (or_duration_ && parse_quantity(Dimension::duration, node.text).value)) {
        out = node.text;
        return true;
      }
      hint = instant.hint;
    }
    context.expected(node, expected(), hint);
    return false;
  }
  YamlNode write(const std::string& value) const override { return YamlNode::make_text(value); }
  YamlNode schema() const override { return binding::type_schema("string"); }
  std::string expected() const override {
    return or_duration_ ? "a day such as '2017-10-02', an instant with its offset or, for traces "
                          "without dates, a duration such as '115 days'"
                        : "a day such as '2022-10-03' or an instant with its offset";
  }

 private:
  bool or_duration_;
};

/// Fields to columns, and beside them the options of the form.
class ColumnsKind final : public Kind<ColumnsSpec> {
 public:
  bool read(const YamlNode& node, const ReadContext& context, ColumnsSpec& out) const override {
    if (!node.is_map()) {
      context.expected(node, expected());
      return false;
    }
    YamlNode form = YamlNode::make_map(), fields = YamlNode::make_map();
    const YamlNode known = options().write(ColumnsSpec{});
    for (std::size_t i = 0; i < node.keys.size(); ++i) {
      YamlNode& part = known.find(node.keys[i].text) != nullptr ? form : fields;
      part.keys.push_back(node.keys[i]);
      part.values.push_back(node.values[i]);
    }
    form.where = fields.where = node.where;
    bool good = options().read(form, context, out);
    good &= field_names()->read(fields, context, out.fields);
    return good;
  }
  YamlNode write(const ColumnsSpec& value) const override {
    YamlNode node = field_names()->write(value.fields);
    const YamlNode form = options().write(value);
    for (std::size_t i = 0; i < form.keys.size(); ++i) node.set(form.keys[i].text, form.values[i]);
    return node;
  }
  YamlNode schema() const override {
    YamlNode node = options().schema();
    node.set("additionalProperties", text_kind()->schema());
    return node;
  }
  std::string expected() const override {
    return "a mapping such as {submit: submit_time, run: duration}";
  }

 private:
  static const KindPtr<std::map<std::string, std::string>>& field_names() {
    static const auto kind = map_of(text_kind());
    return kind;
  }
  static const Object<ColumnsSpec>& options() {
    static const Object<ColumnsSpec> object = [] {
      const auto text = text_kind();
      Object<ColumnsSpec> o;
      o.defaulted("time_unit", &ColumnsSpec::time_unit, text,
                  "Unit of points in time that are numbers.")
          .defaulted("duration_unit", &ColumnsSpec::duration_unit, text, "Unit of run and limit.")
          .defaulted("time_form", &ColumnsSpec::time_form,
                     choice_kind({"auto", "epoch", "date", "relative"}),
                     "What a point in time is: counted from 1970, a date, or counted from a zero "
                     "of its own.")
          .defaulted("deadline_from", &ColumnsSpec::deadline_from,
                     choice_kind({"origin", "submit"}), "What a deadline counts from.")
          .defaulted("delimiter", &ColumnsSpec::delimiter, text, "Character between fields.")
          .defaulted("header", &ColumnsSpec::header, boolean_kind(),
                     "The first line names the columns.");
      return o;
    }();
    return object;
  }
};

/// {GPUs: weight}.
class GpuWeightsKind final : public Kind<std::map<std::uint32_t, double>> {
 public:
  bool read(const YamlNode& node, const ReadContext& context,
            std::map<std::uint32_t, double>& out) const override {
    out.clear();
    if (!node.is_map() || node.keys.empty()) {
      context.expected(node, expected());
      return false;
    }
    static const auto count = integer_kind(1, 1'000'000);
    static const auto weight = number_kind(positive);
    bool good = true;
    for (std::size_t i = 0; i < node.keys.size(); ++i) {
      std::int64_t gpus = 0;
      double w = 0.0;
      const bool key_good = count->read(node.keys[i], context, gpus);
      good &= weight->read(node.values[i], context.key(node.keys[i].text), w) && key_good;
      out[static_cast<std::uint32_t>(gpus)] = w;
    }
    return good;
  }
  YamlNode write(const std::map<std::uint32_t, double>& value) const override {
    YamlNode node = YamlNode::make_map();
    for (const auto& [gpus, weight] : value) {
      node.set(std::to_string(gpus), YamlNode::make_literal(format_number(weight)));
    }
    return node;
  }
  YamlNode schema() const override {
    YamlNode node = binding::type_schema("object");
    YamlNode names = YamlNode::make_map();
    names.set("pattern", YamlNode::make_text("^[1-9][0-9]*$"));
    node.set("propertyNames", std::move(names));
    node.set("additionalProperties", number_kind(positive)->schema());
    node.set("minProperties", YamlNode::make_literal("1"));
    return node;
  }
  std::string expected() const override { return "weights by GPUs such as {1: 0.7, 8: 0.3}"; }
};

KindPtr<ProfileSpec> profile_kind() {
  const auto tokens = integer_kind(1, 100'000'000);
  const auto devices = integer_kind(1, 65'536);
  return make_kind(
      Object<ProfileSpec>()
          .required("name", &ProfileSpec::name, name_kind(), "Name.")
          .sparse("utilization", &ProfileSpec::utilization,
                  quantity_kind(Dimension::fraction, {.min = 0.0, .max = 1.0}),
                  "Of the device while a job runs, where the trace measured none; left out: 1.")
          .sparse("speed", &ProfileSpec::speed, map_of(number_kind(positive)),
                  "Measured: how many times as fast as on the reference its jobs run, by device; "
                  "of others the data sheet decides.")
          .sparse("model", &ProfileSpec::model,
                  catalog_name(
                      "a model",
                      [](std::string_view name) { return model_catalog().model(name).model.id; },
                      [] { return model_catalog().ids(); }),
                  "Instead: the model that a job runs (`nightwatt list models`). Its speed and "
                  "power then follow from device, cap and placement.")
          .sparse("phase", &ProfileSpec::phase,
                  enum_kind<Phase>({{"training", Phase::training},
                                    {"inference", Phase::inference},
                                    {"prefill", Phase::prefill},
                                    {"decode", Phase::decode},
                                    {"serving", Phase::serving}}),
                  "What it does with the model; left out: training.")
          .sparse("batch", &ProfileSpec::batch, number_kind(positive),
                  "Samples of each GPU in an iteration; serving: sequences in flight on each GPU. "
                  "Required with a model.")
          .sparse("precision", &ProfileSpec::precision,
                  enum_kind<Precision>({{"fp32", Precision::fp32},
                                        {"tf32", Precision::tf32},
                                        {"fp16", Precision::fp16},
                                        {"bf16", Precision::bf16},
                                        {"fp8", Precision::fp8},
                                        {"int8", Precision::int8}}),
                  "Of the arithmetic; left out: bf16, fp16 or fp32, the first that a device has.")
          .sparse("software", &ProfileSpec::software,
                  enum_kind<Stack>({{"eager", Stack::eager}, {"engine", Stack::engine}}),
                  "A framework that launches each operator, or a serving engine; left out: the "
                  "engine for decode and serving.")
          .sparse("sequence", &ProfileSpec::sequence, tokens, "Tokens a sample.")
          .sparse("context", &ProfileSpec::context, tokens,
                  "Decode and serving: tokens kept of a sequence, on average.")
          .sparse("prompt", &ProfileSpec::prompt, tokens, "Serving: prompt tokens a request.")
          .sparse("output", &ProfileSpec::output, tokens, "Serving: tokens made a request.")
          .sparse("tensor", &ProfileSpec::tensor, devices, "GPUs that share each layer.")
          .sparse("pipeline", &ProfileSpec::pipeline, devices, "Stages of layers.")
          .sparse("expert", &ProfileSpec::expert, devices, "GPUs that share the experts.")
          .sparse("micro_batches", &ProfileSpec::micro_batches, devices, "Of a pipeline.")
          .sparse("fused_attention", &ProfileSpec::fused_attention, boolean_kind(),
                  "Attention in one kernel.")
          .sparse("recompute", &ProfileSpec::recompute, boolean_kind(),
                  "Training: activations are computed again instead of kept.")
          .check([](const ProfileSpec& p, const YamlNode& node, const ReadContext& context) {
            if (!p.model.empty()) {
              for (const char* key : {"utilization", "speed"}) {
                if (node.find(key) == nullptr) continue;
                context.key(key).error(place(node, key),
                                       fmt::format("expected either '{}' or 'model'", key));
              }
              if (p.batch == 0 && node.find("batch") == nullptr) {
                context.error(place(node, "model"), "expected 'batch' beside a model");
              }
              return;
            }
            for (const YamlNode& key : node.keys) {
              if (key.text == "name" || key.text == "utilization" || key.text == "speed") continue;
              context.key(key.text).error(key, "expected only beside 'model'");
            }
          }));
}

KindPtr<WorkloadSpec> plain_workload_kind() {
  const auto text = text_kind();
  const auto shift = make_kind(
      Object<ShiftSpec>()
          .sparse("from", &ShiftSpec::from, KindPtr<std::string>(std::make_shared<WhenKind>(true)),
                  "Point of the trace that is moved to `to`; left out: the first submission.")
          .required("to", &ShiftSpec::to, KindPtr<std::string>(std::make_shared<WhenKind>(false)),
                    "Where it is moved to.")
          .sparse(
              "keep", &ShiftSpec::keep,
              enum_kind<Keep>(
                  {{"weekday", Keep::weekday}, {"date", Keep::date}, {"nothing", Keep::nothing}}),
              "weekday: whole weeks, so that weekday and local clock time stay (the default "
              "for traces with dates); date: whole years; nothing: exactly the difference."));
  const auto run =
      make_kind(Object<RunTimeSpec>()
                    .defaulted("median", &RunTimeSpec::median, duration_kind(positive), "Median.")
                    .defaulted("sigma", &RunTimeSpec::sigma, number_kind({.min = 0.0, .max = 10.0}),
                               "Standard deviation of the logarithm.")
                    .defaulted("min", &RunTimeSpec::min, duration_kind(positive), "Shortest.")
                    .defaulted("max", &RunTimeSpec::max, duration_kind(positive), "Longest."));
  const auto synthetic = make_kind(
      Object<SyntheticSpec>()
          .sparse("jobs_per_hour", &SyntheticSpec::jobs_per_hour, number_kind(positive),
                  "Mean rate of the Poisson arrivals over a week.")
          .sparse("load", &SyntheticSpec::load,
                  quantity_kind(Dimension::fraction, {.min = 0.0, .max = 10.0, .above_min = true}),
                  "Instead of the rate: share of all GPUs that the jobs ask for on average.")
          .defaulted("daily_amplitude", &SyntheticSpec::daily_amplitude,
                     quantity_kind(Dimension::fraction, {.min = 0.0, .max = 0.999}),
                     "How far the rate swings over the day.")
          .defaulted("daily_peak", &SyntheticSpec::daily_peak, duration_kind(),
                     "Time of day (UTC) with the highest rate.")
          .defaulted("weekday_weights", &SyntheticSpec::weekday_weights,
                     list_of(number_kind(not_negative)),
                     "Relative rate of each weekday, Monday first.")
          .defaulted("run", &SyntheticSpec::run, run, "Log-normal run times, cut at both ends.")
          .defaulted("limit_min", &SyntheticSpec::limit_min, number_kind({.min = 1.0}),
                     "Least limit over run time.")
          .defaulted("limit_max", &SyntheticSpec::limit_max, number_kind({.min = 1.0}),
                     "Greatest limit over run time; uniform between the two.")
          .defaulted("gpus", &SyntheticSpec::gpu_weights,
                     KindPtr<std::map<std::uint32_t, double>>(std::make_shared<GpuWeightsKind>()),
                     "GPUs of a job to relative weight.")
          .defaulted("users", &SyntheticSpec::users, integer_kind(0, 1'000'000),
                     "Number of users; 0: jobs have none.")
          .defaulted("whole_seconds", &SyntheticSpec::whole_seconds, boolean_kind(),
                     "Submissions and run times are rounded to seconds.")
          .check([](const SyntheticSpec& w, const YamlNode& node, const ReadContext& context) {
            if (w.jobs_per_hour.has_value() == w.load.has_value()) {
              context.error(node, "expected exactly one of 'jobs_per_hour' and 'load'");
            }
            if (w.weekday_weights.size() != 7 ||
                std::none_of(w.weekday_weights.begin(), w.weekday_weights.end(),
                             [](double d) { return d > 0.0; })) {
              context.key("weekday_weights")
                  .error(place(node, "weekday_weights"),
                         "expected seven numbers, Monday first, not all 0");
            }
            if (w.run.max < w.run.min || w.limit_max < w.limit_min) {
              context.error(node, "expected each min to be at most its max");
            }
            if (to_seconds(w.daily_peak) > 86400.0) {
              context.key("daily_peak").expected(place(node, "daily_peak"), "at most 24 h");
            }
          }));
  const auto profile = profile_kind();
  const auto range = make_kind(
      Object<GpuRange>()
          .defaulted("min", &GpuRange::min, number_kind(not_negative), "At least so many.")
          .sparse("max", &GpuRange::max, number_kind(not_negative), "At most so many.")
          .check([](const GpuRange& r, const YamlNode& node, const ReadContext& context) {
            if (r.max && *r.max < r.min) {
              context.key("max").expected(
                  place(node, "max"), "a number of at least min (" + format_number(r.min) + ")");
            }
          }));
  const auto names = list_of(text, 1, true);
  const auto match = make_kind(
      Object<ClassMatch>()
          .sparse("user", &ClassMatch::user, names, "Users.")
          .sparse("queue", &ClassMatch::queue, names, "Queues, partitions or virtual clusters.")
          .sparse("gpu_type", &ClassMatch::gpu_type, names, "GPU types that the trace names.")
          .sparse("gpus", &ClassMatch::gpus, range, "GPUs (or cores) of the job.")
          .sparse("gpu_hours", &ClassMatch::gpu_hours, range,
                  "GPUs (or cores) times hours of run time in the trace: from min to below max.")
          .sparse("share", &ClassMatch::share,
                  quantity_kind(Dimension::fraction, {.min = 0.0, .max = 1.0}),
                  "Share of the jobs that match otherwise, drawn by seed and job id."));
  const auto pause_step = make_kind(
      Object<PauseStep>()
          .defaulted("time", &PauseStep::time, duration_kind(),
                     "How long its GPUs are held for it.")
          .defaulted("energy_per_gpu", &PauseStep::energy_kwh,
                     quantity_kind(Dimension::energy, not_negative),
                     "What each GPU draws meanwhile above its idle power.")
          .check([](const PauseStep& step, const YamlNode& node, const ReadContext& context) {
            if (step.energy_kwh > 0.0 && !(step.time > Seconds{})) {
              binding::missing_key(
                  node, context, "time",
                  expected_quantity(Dimension::duration) + ", because energy_per_gpu is above 0");
            }
          }));
  const auto pausable = make_kind(
      Object<PausableSpec>()
          .defaulted("checkpoint", &PausableSpec::checkpoint, pause_step,
                     "What it takes to save a job's state when it is paused.")
          .defaulted("restart", &PausableSpec::restart, pause_step,
                     "What it takes to go on from there.")
          .sparse("every", &PausableSpec::every, duration_kind(),
                  "The job saves its state each time it has done so much work, and a pause loses "
                  "what it did since; left out: state is saved at the pause.")
          .check([](const PausableSpec& p, const YamlNode& node, const ReadContext& context) {
            if (p.every > Seconds{} && !(p.checkpoint == PauseStep{})) {
              context.error(node, "expected either 'checkpoint' or 'every', not both");
            }
          }));
  const auto job_class = make_kind(
      Object<ClassSpec>()
          .required("name", &ClassSpec::name, name_kind(), "Name.")
          .defaulted("match", &ClassSpec::match, match,
                     "All that is given must hold; nothing given: every job.")
          .sparse("profile", &ClassSpec::profile, name_kind(),
                  "Profile of its jobs; left out: the first profile.")
          .sparse("slack", &ClassSpec::slack, duration_kind(),
                  "How long a timing policy may hold its jobs after their submission; "
                  "left out: not at all.")
          .sparse("cap", &ClassSpec::cap, power_kind(positive),
                  "Power limit of each GPU of its jobs, under policy by-class.")
          .sparse("data_gb", &ClassSpec::data_gb, number_or_quantity_kind(Dimension::data, 1e9),
                  "Data of a job in GB (1e9 bytes), which have to be where it runs; left "
                  "out: none.")
          .sparse("pausable", &ClassSpec::pausable, pausable,
                  "Its jobs may be suspended and resumed; left out: they may not."));
  return make_kind(
      Object<WorkloadSpec>()
          .sparse("trace", &WorkloadSpec::trace, path_kind(),
                  "Path of the job trace, relative to the scenario's folder.")
          .sparse("synthetic", &WorkloadSpec::synthetic, synthetic,
                  "Instead of a trace: a seeded workload.")
          .sparse("tasks", &WorkloadSpec::tasks, path_kind(),
                  "Task table beside the job table (Alibaba PAI).")
          .defaulted("format", &WorkloadSpec::format, text,
                     "Format of the trace; `nightwatt list formats` names them.")
          .sparse("zone", &WorkloadSpec::zone, zone_kind(),
                  "IANA time zone of dates without an offset, where the format names none.")
          .sparse("columns", &WorkloadSpec::columns,
                  KindPtr<ColumnsSpec>(std::make_shared<ColumnsKind>()),
                  "For format csv: field (submit, start, end, run, limit, deadline, gpus, ...) to "
                  "column name, or '#3' for the third column; and how the values are written.")
          .sparse("rules", &WorkloadSpec::rules, map_of(text),
                  "Decisions on doubtful rows: rule to choice; see the format.")
          .sparse("reference_device", &WorkloadSpec::reference_device, catalog_device_kind(),
                  "Device on which the trace's run times were observed; public traces have a "
                  "built-in one.")
          .sparse("reference_cap", &WorkloadSpec::reference_cap, power_kind(positive),
                  "Power cap of each GPU that held where the run times were observed; left out: "
                  "none.")
          .sparse("shift", &WorkloadSpec::shift, shift,
                  "Moves a trace of another year, or without dates, into the period.")
          .defaulted("repeat", &WorkloadSpec::repeat, boolean_kind(),
                     "Tiles whole weeks of the trace to fill the period.")
          .sparse("mix", &WorkloadSpec::mix,
                  catalog_name(
                      "a mix", [](std::string_view name) { return catalog_mix(name).id; },
                      catalog_mixes),
                  "Published mix of jobs (`nightwatt list mixes`): profiles and classes where "
                  "neither is given here.")
          .sparse("profiles", &WorkloadSpec::profiles, list_of(profile),
                  "What jobs make of their devices; the first one is the default.")
          .sparse("classes", &WorkloadSpec::classes, list_of(job_class),
                  "Kinds of jobs; a job is of the first class that it matches.")
          .sparse("gpu_types", &WorkloadSpec::gpu_types, map_of(names),
                  "GPU type in the trace to the partitions that it may use.")
          .sparse("partitions", &WorkloadSpec::partitions, map_of(text),
                  "Queue in the trace to the partition that it means.")
          .sparse("home", &WorkloadSpec::home, home_kind(),
                  "Home site of each job, where its data are; left out: the first site.")
          .defaulted(
              "oversized", &WorkloadSpec::oversized,
              enum_kind<Oversized>({{"error", Oversized::error}, {"reject", Oversized::reject}}),
              "What to do with jobs that no partition can hold.")
          .check([](const WorkloadSpec& w, const YamlNode& node, const ReadContext& context) {
            if (w.trace.empty() == !w.synthetic.has_value()) {
              context.error(node, "expected exactly one of 'trace' and 'synthetic'");
            }
            if (w.columns && w.format != "csv" && w.format != "auto") {
              context.key("columns").error(
                  place(node, "columns"),
                  "expected only with format csv, not " + nightwatt::quoted(w.format));
            }
            std::set<std::string> profiles, classes;
            for (std::size_t i = 0; i < w.profiles.size(); ++i) {
              if (!profiles.insert(w.profiles[i].name).second) {
                context.key("profiles")
                    .index(i)
                    .key("name")
                    .expected(place(place(node, "profiles").values[i], "name"),
                              "a name that no other profile has");
              }
            }
            const std::vector<std::string_view> known(profiles.begin(), profiles.end());
            for (std::size_t i = 0; i < w.classes.size(); ++i) {
              const YamlNode& at = place(node, "classes").values[i];
              if (!classes.insert(w.classes[i].name).second) {
                context.key("classes").index(i).key("name").expected(
                    place(at, "name"), "a name that no other class has");
              }
              const std::string& wanted = w.classes[i].profile;
              if (!wanted.empty() && profiles.count(wanted) == 0) {
                const std::string_view near = nearest(wanted, known);
                context.key("classes").index(i).key("profile").expected(
                    place(at, "profile"), "the name of a profile of the workload",
                    near.empty() ? std::string() : fmt::format("did you mean '{}'?", near));
              }
            }
          }));
}

/// A workload, whose `mix` fills in profiles and classes.
class WorkloadKind final : public Kind<WorkloadSpec> {
 public:
  bool read(const YamlNode& node, const ReadContext& context, WorkloadSpec& out) const override {
    try {
      if (!plain_->read(with_mix(node), context, out)) return false;
      if (out.mix.empty()) return true;
      // The canonical text has the mix and what it says: nothing else may stand beside it.
      YamlNode alone = YamlNode::make_map();
      alone.set("mix", YamlNode::make_text(out.mix));
      WorkloadSpec mixed;
      Diagnostics none;
      plain_->read(with_mix(alone), {"", &none}, mixed);
      if (mixed.profiles == out.profiles && mixed.classes == out.classes) return true;
      context.key("mix").error(*node.find("mix"),
                               "expected either a mix, or profiles and classes of your own");
      return false;
    } catch (const InputError& e) {
      context.key("mix").take_over(*node.find("mix"), e);
      return false;
    }
  }
  YamlNode write(const WorkloadSpec& value) const override { return plain_->write(value); }
  YamlNode schema() const override { return plain_->schema(); }
  std::string expected() const override { return plain_->expected(); }

 private:
  KindPtr<WorkloadSpec> plain_ = plain_workload_kind();
};

KindPtr<PoliciesSpec> policies_kind() {
  return make_kind(Object<PoliciesSpec>()
                       .defaulted("timing", &PoliciesSpec::timing, policy_kind(Question::timing),
                                  "When a job may start.")
                       .defaulted("site", &PoliciesSpec::site, policy_kind(Question::site),
                                  "Which site and partition a job goes to.")
                       .defaulted("order", &PoliciesSpec::order, policy_kind(Question::order),
                                  "Who is next in a queue.")
                       .defaulted("backfill", &PoliciesSpec::backfill,
                                  policy_kind(Question::backfill), "Who may overtake.")
                       .defaulted("placement", &PoliciesSpec::placement,
                                  policy_kind(Question::placement), "Which GPUs a job gets.")
                       .defaulted("cap", &PoliciesSpec::cap, policy_kind(Question::cap),
                                  "How many watts a GPU may draw.")
                       .defaulted("nodes", &PoliciesSpec::nodes, policy_kind(Question::nodes),
                                  "Which nodes sleep.")
                       .defaulted("pause", &PoliciesSpec::pause, policy_kind(Question::pause),
                                  "Who is suspended."));
}

double length_s(const Period& period) {
  return static_cast<double>(period.end.unix_s - period.start.unix_s) +
         static_cast<double>(period.end.ns - period.start.ns) * 1e-9;
}

/// Flows go over a fabric, and not over a large one.
void check_flows(const Scenario& s, const YamlNode& node, const ReadContext& context) {
  for (std::size_t i = 0; i < s.sites.size(); ++i) {
    const YamlNode& partitions = place(place(node, "sites").values[i], "partitions");
    const ReadContext site = context.key("sites").index(i);
    for (std::size_t k = 0; k < s.sites[i].partitions.size(); ++k) {
      const PartitionSpec& p = s.sites[i].partitions[k];
      const YamlNode& at = partitions.values[k];
      const ReadContext where = site.key("partitions").index(k);
      if (p.nodes > SharedFabric::most_nodes) {
        where.key("nodes").expected(
            place(at, "nodes"),
            fmt::format("at most {} nodes with fidelity: flows", SharedFabric::most_nodes),
            "fidelity: analytic has no limit");
      } else if (p.nodes > 1 && !p.fabric) {
        where.error(at, "expected a fabric, because of fidelity: flows");
      }
    }
  }
}

/// Sites that are named where jobs are at home, and what moving their data needs.
void check_moves(const Scenario& s, const YamlNode& node, const ReadContext& context) {
  const YamlNode& workload = place(node, "workload");
  const ReadContext jobs = context.key("workload");
  std::vector<std::string_view> sites, classes;
  for (const SiteSpec& site : s.sites) sites.push_back(site.name);
  for (const ClassSpec& each : s.workload.classes) classes.push_back(each.name);
  const auto among = [](const std::vector<std::string_view>& names, const std::string& name,
                        const char* what, const YamlNode& at, const ReadContext& where) {
    if (std::find(names.begin(), names.end(), name) != names.end()) return;
    const std::string_view near = nearest(name, names);
    where.error(
        at, fmt::format("expected the name of a {}, got {}{}", what, nightwatt::quoted(name),
                        near.empty() ? std::string() : fmt::format(" (did you mean '{}'?)", near)));
  };
  if (s.workload.home) {
    const YamlNode& home = place(workload, "home");
    for (const auto& [site, weight] : s.workload.home->shares) {
      among(sites, site, "site", place(place(home, "shares"), site),
            jobs.key("home.shares").key(site));
    }
    for (const auto& [name, site] : s.workload.home->sites) {
      const YamlNode& at = place(place(home, "sites"), name);
      const ReadContext where = jobs.key("home.sites").key(name);
      among(sites, site, "site", at, where);
      if (s.workload.home->by == HomeBy::job_class) among(classes, name, "class", at, where);
    }
  }
  if (s.sites.size() < 2) return;
  for (std::size_t i = 0; i < s.workload.classes.size(); ++i) {
    if (!(s.workload.classes[i].data_gb > 0.0)) continue;
    const YamlNode& at = place(place(workload, "classes").values[i], "data_gb");
    const ReadContext where = jobs.key("classes").index(i).key("data_gb");
    if (!s.network) {
      where.error(at,
                  "expected 'network' with 'bandwidths' and 'j_per_gb', because data may move "
                  "between sites");
    } else if (!s.network->j_per_gb) {
      binding::missing_key(place(node, "network"), context.key("network"), "j_per_gb",
                           expected_quantity(Dimension::energy_per_data) +
                               ", because of workload.classes[" + std::to_string(i) + "].data_gb");
    }
    break;
  }
  if (!s.network) return;
  for (std::size_t i = 0; i < s.sites.size(); ++i) {
    if (!s.sites[i].region.empty()) continue;
    binding::missing_key(place(node, "sites").values[i], context.key("sites").index(i), "region",
                         "a region of the network's file, because of network");
  }
}

void check_scenario(const Scenario& s, const YamlNode& node, const ReadContext& context) {
  const double length = length_s(s.period);
  if (length <= 0.0) {
    context.key("period.end")
        .expected(place(place(node, "period"), "end"),
                  "an instant after period.start (" + format_instant(s.period.start) + ")");
    return;
  }
  if (s.horizon.end && *s.horizon.end <= s.period.start) {
    context.key("horizon.end")
        .expected(place(place(node, "horizon"), "end"),
                  "an instant after period.start (" + format_instant(s.period.start) + ")");
  }
  if (to_seconds(s.horizon.warmup) >= length) {
    context.key("horizon.warmup")
        .expected(place(place(node, "horizon"), "warmup"), "a duration shorter than the period");
  }
  if (length / to_seconds(s.output.timeline) > max_bins) {
    context.key("output.timeline")
        .expected(place(place(node, "output"), "timeline"),
                  fmt::format("a step that divides the period into at most {} bins",
                              format_number(max_bins)));
  }
  const YamlNode* backfill = place(node, "policies").find("backfill");
  if (s.policies.order.name == "replay" && backfill != nullptr &&
      s.policies.backfill.name != "none") {
    context.key("policies.backfill")
        .expected(*backfill, "'none' with order: replay",
                  "recorded starts leave nothing to overtake");
  }
  std::set<std::string> names;
  std::vector<std::string_view> partitions;
  const YamlNode& sites = place(node, "sites");
  for (std::size_t i = 0; i < s.sites.size(); ++i) {
    if (!names.insert(s.sites[i].name).second) {
      context.key("sites").index(i).key("name").expected(place(sites.values[i], "name"),
                                                         "a name that no other site has");
    }
    for (const PartitionSpec& p : s.sites[i].partitions) partitions.push_back(p.name);
  }
  if (s.fidelity == Fidelity::flows) check_flows(s, node, context);
  check_moves(s, node, context);
  // Partitions are named alone, or as site/partition where several sites have the name.
  const YamlNode& workload = place(node, "workload");
  const auto known = [&](const std::string& name, const YamlNode& at, const ReadContext& where) {
    std::size_t matches = 0;
    for (const SiteSpec& site : s.sites) {
      for (const PartitionSpec& p : site.partitions) {
        if (p.name == name || site.name + "/" + p.name == name) ++matches;
      }
    }
    if (matches == 1) return;
    const std::string_view near = matches == 0 ? nearest(name, partitions) : std::string_view();
    where.expected(at, "the name of a partition",
                   matches > 1    ? "several sites have it; write site/partition"
                   : near.empty() ? std::string()
                                  : fmt::format("did you mean '{}'?", near));
  };
  for (const auto& [queue, name] : s.workload.partitions) {
    known(name, place(place(workload, "partitions"), queue),
          context.key("workload.partitions").key(queue));
  }
  for (const auto& [type, allowed] : s.workload.gpu_types) {
    for (const std::string& name : allowed) {
      known(name, place(place(workload, "gpu_types"), type),
            context.key("workload.gpu_types").key(type));
    }
  }
  std::string currency, first_site;
  for (std::size_t i = 0; i < s.sites.size(); ++i) {
    const SiteSpec& site = s.sites[i];
    const std::string& own = site.currency.empty() ? site.price.currency : site.currency;
    if (own.empty()) continue;
    if (currency.empty()) {
      currency = own;
      first_site = site.name;
    } else if (own != currency) {
      context.key("sites").index(i).error(
          place(sites.values[i], site.currency.empty() ? "price" : "currency"),
          fmt::format("expected the currency {} of site {}, got {}; costs of different currencies "
                      "cannot be added",
                      currency, first_site, own));
    }
  }
}

const Object<Scenario>& scenario_object() {
  static const Object<Scenario> object = [] {
    const auto period = make_kind(
        Object<Period>()
            .required("start", &Period::start, instant_kind(),
                      "Second 0 of the simulation; jobs submitted before it are left out. A trace "
                      "without dates begins here.")
            .required("end", &Period::end, instant_kind(),
                      "Jobs submitted from here on are left out."));
    const auto horizon = make_kind(
        Object<Horizon>()
            .sparse("end", &Horizon::end, instant_kind(),
                    "Energy is charged at least to here; left out: period.end.")
            .defaulted("warmup", &Horizon::warmup, duration_kind(),
                       "Jobs submitted in the first part of the period are left out of job "
                       "statistics."));
    const auto estimates = make_kind(
        Object<EstimatesSpec>()
            .defaulted("from", &EstimatesSpec::from,
                       enum_kind<EstimateFrom>({{"limit", EstimateFrom::limit},
                                                {"perfect", EstimateFrom::perfect},
                                                {"noisy", EstimateFrom::noisy}}),
                       "limit: the requested limit, the run time where a job has none; perfect: "
                       "the run time; noisy: the run time times a seeded factor.")
            .sparse("sigma", &EstimatesSpec::sigma, number_kind({.min = 0.0, .max = 10.0}),
                    "noisy: standard deviation of the factor's logarithm.")
            .check([](const EstimatesSpec& e, const YamlNode& node, const ReadContext& context) {
              if (e.from == EstimateFrom::noisy && e.sigma == 0.0) {
                binding::missing_key(node, context, "sigma", "a number above 0, with from: noisy");
              }
              if (e.from != EstimateFrom::noisy && e.sigma != 0.0) {
                context.key("sigma").error(place(node, "sigma"), "expected only with from: noisy");
              }
            }));
    const auto forecast = make_kind(
        Object<ForecastSpec>()
            .defaulted("from", &ForecastSpec::from,
                       enum_kind<ForecastFrom>({{"perfect", ForecastFrom::perfect},
                                                {"persistence", ForecastFrom::persistence},
                                                {"noisy", ForecastFrom::noisy},
                                                {"file", ForecastFrom::file}}),
                       "perfect: the truth; persistence: the last 24 hours come again; noisy: the "
                       "truth times a seeded error that grows with the lead; file: the newest of "
                       "the forecasts in the sites' files.")
            .sparse("error", &ForecastSpec::error,
                    quantity_kind(Dimension::fraction, {.min = 0.0, .max = 10.0}),
                    "noisy: standard deviation of the error's logarithm an hour ahead.")
            .sparse("growth", &ForecastSpec::growth, number_kind({.min = 0.0, .max = 4.0}),
                    "noisy: exponent with which it grows with the hours ahead.")
            .sparse("correlation", &ForecastSpec::correlation, duration_kind(positive),
                    "noisy: time in which the correlation of errors falls to 1/e."));
    const auto metrics = make_kind(
        Object<MetricsSpec>()
            .defaulted("slowdown_tau", &MetricsSpec::slowdown_tau, duration_kind(positive),
                       "Shortest run time that counts in the bounded slowdown.")
            .defaulted("peak_window", &MetricsSpec::peak_window, duration_kind(positive),
                       "Window of the peak facility power."));
    const auto output = make_kind(
        Object<OutputSpec>()
            .defaulted("timeline", &OutputSpec::timeline, duration_kind(positive),
                       "Width of a bin of the site timelines.")
            .defaulted("compression", &OutputSpec::compression, integer_kind(0, 9),
                       "Deflate level of the HDF5 file; 0: none.")
            .defaulted("nodes", &OutputSpec::nodes, boolean_kind(), "Also power of every node.")
            .defaulted("events", &OutputSpec::events, boolean_kind(),
                       "Also what was decided, when and why."));
    Object<Scenario> o;
    o.required("name", &Scenario::name, text_kind("a title"), "Title, for tables and pictures.")
        .required("period", &Scenario::period, period, "Jobs submitted in it are simulated.")
        .defaulted("horizon", &Scenario::horizon, horizon, "What is charged and counted.")
        .defaulted("seed", &Scenario::seed, seed_kind(), "Of every random draw.")
        .defaulted("drain", &Scenario::drain, boolean_kind(),
                   "Run on until the last job has ended; false: stop at period.end.")
        .required("sites", &Scenario::sites, list_of(site_kind(), 1), "Data centres.")
        .sparse("network", &Scenario::network, network_kind(),
                "Between the sites: what moving a job's data takes.")
        .required("workload", &Scenario::workload,
                  KindPtr<WorkloadSpec>(std::make_shared<WorkloadKind>()), "The jobs.")
        .defaulted("estimates", &Scenario::estimates, estimates,
                   "Run times that the scheduler believes.")
        .defaulted("forecast", &Scenario::forecast, forecast,
                   "What policies know of carbon and price ahead; accounting has the truth.")
        .defaulted("kill_at_limit", &Scenario::kill_at_limit, boolean_kind(),
                   "Ends jobs that reach their limit.")
        .defaulted(
            "limits", &Scenario::limits,
            enum_kind<Limits>({{"scaled", Limits::scaled}, {"wallclock", Limits::wallclock}}),
            "scaled: limits stretch with the job's rate; wallclock: they do not.")
        .defaulted("shape", &Scenario::shape,
                   enum_kind<Shape>({{"packed", Shape::packed}, {"any", Shape::any}}),
                   "How a total of GPUs is laid over nodes: on as few as hold it, or anywhere.")
        .defaulted("contention", &Scenario::contention,
                   number_kind({.min = 0.0, .max = 1.0, .above_min = true}),
                   "Rate of jobs that share a GPU; 1: sharing does not slow.")
        .defaulted("rebalance", &Scenario::rebalance, duration_kind(),
                   "How often waiting jobs may change partition or site; 0 s: never.")
        .defaulted(
            "fidelity", &Scenario::fidelity,
            enum_kind<Fidelity>({{"analytic", Fidelity::analytic}, {"flows", Fidelity::flows}}),
            "Communication between nodes: analytic: by the energy model's law; flows: as "
            "flows on the fabric, which jobs share (up to 64 nodes a partition).")
        .defaulted("policies", &Scenario::policies, policies_kind(),
                   "One policy for each decision: NAME or {NAME: {PARAMETER: value}}.")
        .defaulted("metrics", &Scenario::metrics, metrics, "Constants of the summary.")
        .defaulted("output", &Scenario::output, output, "What the timeline file holds.")
        .check(check_scenario);
    return o;
  }();
  return object;
}

void note_places(const YamlNode& node, const std::string& path,
                 std::map<std::string, Position>& places) {
  places.emplace(path, node.where);
  for (std::size_t i = 0; i < node.values.size(); ++i) {
    const ReadContext here{path, nullptr};
    note_places(node.values[i],
                node.is_map() ? here.key(node.keys[i].text).path : here.index(i).path, places);
  }
}

/// Throws what was gathered, in the order of the file.
void throw_in_order(Diagnostics& faults) {
  const std::size_t count = faults.count();
  try {
    faults.throw_if_any();
  } catch (const InputError& e) {
    std::vector<Diagnostic> sorted = e.faults();
    std::stable_sort(sorted.begin(), sorted.end(), [](const Diagnostic& a, const Diagnostic& b) {
      return std::tie(a.where.line, a.where.column) < std::tie(b.where.line, b.where.column);
    });
    const std::size_t more = count - sorted.size();
    throw InputError(std::move(sorted), more);
  }
}

}  // namespace

std::string read_yaml_text(const std::string& path) {
  Input input = Input::open(path, path);
  std::string text;
  std::array<char, 65536> buffer{};
  // One byte more than is allowed, so that a larger file is recognised without reading all of it.
  while (text.size() <= max_yaml_bytes) {
    const std::size_t n = input.read(buffer.data(), buffer.size());
    if (n == 0) break;
    text.append(buffer.data(), n);
  }
  return text;
}

const PolicySpec& PoliciesSpec::of(Question question) const {
  const std::array<const PolicySpec*, question_count> all = {&timing,    &site, &order, &backfill,
                                                             &placement, &cap,  &nodes, &pause};
  return *all.at(static_cast<std::size_t>(question));
}

PolicySpec& PoliciesSpec::of(Question question) {
  return const_cast<PolicySpec&>(std::as_const(*this).of(question));
}

Position Loaded::place(const std::string& key) const {
  const auto found = places.find(key);
  return found == places.end() ? Position{path, 0, 0} : found->second;
}

Loaded parse_scenario(std::string_view text, const std::string& name, const Overrides& overrides) {
  YamlNode root = parse_yaml(text, name);
  if (root.kind == YamlNode::Kind::null) {
    root = YamlNode::make_map();
    root.where = {name, 1, 1};
  }
  Diagnostics faults;
  for (const Setting& setting : overrides.settings) {
    try {
      set_value(root, setting.path, setting.value, setting.where);
    } catch (const InputError& e) {
      faults.append(e);
    }
  }
  for (const std::string& argument : overrides.set) {
    try {
      set_path(root, argument);
    } catch (const InputError& e) {
      faults.append(e);
    }
  }
  faults.throw_if_any();
  if (overrides.seed) {
    YamlNode seed = YamlNode::make_text(std::to_string(*overrides.seed));
    seed.where = {"--seed", 1, 1};
    if (root.is_map()) root.set("seed", std::move(seed));
  }
  Loaded loaded;
  loaded.path = name;
  note_places(root, "", loaded.places);
  scenario_object().read(root, {"", &faults}, loaded.scenario);
  throw_in_order(faults);
  // A policy that the file does not name gets its parameters' defaults, too.
  const YamlNode* policies = root.find("policies");
  for (std::size_t q = 0; q < question_count; ++q) {
    const auto question = static_cast<Question>(q);
    if (policies != nullptr && policies->find(question_name(question)) != nullptr) continue;
    PolicySpec& policy = loaded.scenario.policies.of(question);
    // Recorded starts leave nothing to overtake.
    if (question == Question::backfill && loaded.scenario.policies.order.name == "replay") {
      policy.name = "none";
    }
    policy_kind(question)->read(YamlNode::make_text(std::string(policy.name)),
                                {"policies." + std::string(question_name(question)), &faults},
                                policy);
  }
  faults.throw_if_any();
  loaded.canonical_yaml = write_scenario(loaded.scenario);
  loaded.sha256 = Input::from_memory(name, loaded.canonical_yaml).sha256();
  return loaded;
}

Loaded load_scenario(const std::string& path, const Overrides& overrides) {
  return parse_scenario(read_yaml_text(path), path, overrides);
}

std::string write_scenario(const Scenario& scenario) {
  return write_yaml(scenario_object().write(scenario));
}

std::string scenario_schema() {
  return schema_document("nightwatt scenario", scenario_object().schema());
}

}  // namespace nightwatt
