#include <fmt/format.h>

#include <cstdint>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "scenarios/catalog.hpp"
#include "scenarios/node_catalog.hpp"
#include "scenarios/scenario_kinds.hpp"

namespace nightwatt {
namespace {

constexpr std::int64_t max_nodes = 10'000'000;  // as many as no site has: a slip of the pen
constexpr std::int64_t max_units_per_node = 65'536;

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

/// A name that a catalogue knows: written as the id that it stands for.
class CatalogNameKind final : public Kind<std::string> {
 public:
  CatalogNameKind(std::string what, FindName find, ListNames ids)
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
  FindName find_;
  ListNames ids_;
};

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
          .required("from", &BudgetHours::from_s, time_of_day_kind(), "First time of the day.")
          .required("to", &BudgetHours::to_s, time_of_day_kind(),
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

}  // namespace

KindPtr<double> number_or_quantity_kind(Dimension dimension, double scale) {
  return std::make_shared<NumberOrQuantityKind>(dimension, scale);
}

KindPtr<std::string> catalog_name(std::string what, FindName find, ListNames ids) {
  return std::make_shared<CatalogNameKind>(std::move(what), std::move(find), std::move(ids));
}

const KindPtr<std::string>& catalog_device_kind() {
  static const KindPtr<std::string> kind = catalog_name(
      "a device", [](std::string_view name) { return catalog().device(name).device.id; },
      [] { return catalog().ids(); });
  return kind;
}

KindPtr<SiteSpec> site_kind() {
  const auto facility = make_kind(
      Object<FacilitySpec>()
          .sparse("pue", &FacilitySpec::pue, signal_kind(SignalKey::pue),
                  "Facility over IT power, at least 1: a number, a series, or from the weather.")
          .sparse("wue", &FacilitySpec::wue, signal_kind(SignalKey::water),
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
          .sparse("carbon", &SiteSpec::carbon, signal_kind(SignalKey::carbon),
                  "Carbon intensity of the electricity: a constant or a series.")
          .sparse("price", &SiteSpec::price, signal_kind(SignalKey::price),
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

}  // namespace nightwatt
