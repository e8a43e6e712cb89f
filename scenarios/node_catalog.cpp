#include "scenarios/node_catalog.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "scenarios/binding.hpp"
#include "scenarios/catalog.hpp"
#include "scenarios/provenance.hpp"
#include "scenarios/units.hpp"
#include "traces/diagnostics.hpp"
#include "traces/input.hpp"

namespace nightwatt {
namespace {

struct Host {
  Watts idle, active_per_device;
  friend bool operator==(const Host&, const Host&) = default;
};
struct Fans {
  Watts idle, full;
};
struct Cpus {
  std::string device;
  std::int64_t count = 1;
};
struct Nics {
  std::int64_t count = 1;
  double bandwidth = 0.0;
};
struct Supply {
  Watts rating;
  std::vector<CatalogNode::Efficiency> points;
};
struct NodeFile {
  std::string summary, device;
  std::int64_t devices = 1;
  Host host;
  std::optional<Fans> fans;
  std::optional<Cpus> cpus;
  std::optional<Nics> nics;
  std::optional<Supply> supply;
  std::optional<Watts> max_power;
  std::map<std::string, std::string> sources;
  std::vector<std::string> assumed;
};

const FigureKeys& figure_keys() {
  static const FigureKeys keys = {{"devices", "max_power"},
                                  {"host", "fans", "cpus", "nics", "supply"}};
  return keys;
}

/// The id of a device of the catalogue, of a kind.
void check_device(const std::string& name, bool cpu, const YamlNode& at,
                  const ReadContext& context) {
  try {
    const CatalogDevice& device = catalog().device(name);
    if ((device.device.kind == DeviceKind::cpu) != cpu) {
      context.expected(at, cpu ? "a device of kind cpu" : "a device that is no CPU");
    }
  } catch (const InputError& e) {
    context.take_over(at, e);
  }
}

void check_node(const NodeFile& file, const YamlNode& node, const ReadContext& context) {
  check_device(file.device, false, *node.find("device"), context.key("device"));
  if (file.cpus) {
    check_device(file.cpus->device, true, *node.find("cpus")->find("device"),
                 context.key("cpus.device"));
  }
  if (file.fans && file.fans->full < file.fans->idle) {
    context.key("fans.full").expected(*node.find("fans")->find("full"), "at least fans.idle");
  }
  if (!file.supply) return;
  const YamlNode& points = *node.find("supply")->find("points");
  for (std::size_t i = 1; i < file.supply->points.size(); ++i) {
    if (file.supply->points[i].load <= file.supply->points[i - 1].load) {
      context.key("supply.points")
          .index(i)
          .key("load")
          .expected(*points.values[i].find("load"), "loads that ascend from point to point");
    }
  }
  if (file.supply->points.size() < 2) {
    context.key("supply.points").error(points, "expected at least two points");
  }
}

const Object<NodeFile>& node_object() {
  static const Object<NodeFile> object = [] {
    const auto text = text_kind();
    const auto count = integer_kind(1, 1024);
    const auto fraction =
        quantity_kind(Dimension::fraction, {.min = 0.0, .max = 1.0, .above_min = true});
    const auto host =
        make_kind(Object<Host>()
                      .required("idle", &Host::idle, power_kind(), "When nothing runs, no fans.")
                      .required("active_per_device", &Host::active_per_device, power_kind(),
                                "Above idle for each device held."));
    const auto fans =
        make_kind(Object<Fans>()
                      .required("idle", &Fans::idle, power_kind(), "When nothing runs.")
                      .required("full", &Fans::full, power_kind(), "With all devices at TDP."));
    const auto cpus = make_kind(Object<Cpus>()
                                    .required("device", &Cpus::device, text, "Of kind cpu.")
                                    .required("count", &Cpus::count, count, "Sockets."));
    const auto nics = make_kind(
        Object<Nics>()
            .required("count", &Nics::count, count, "For traffic between nodes.")
            .required("bandwidth", &Nics::bandwidth, quantity_kind(Dimension::bandwidth, positive),
                      "One direction of one NIC."));
    const auto point = make_kind(
        Object<CatalogNode::Efficiency>()
            .required("load", &CatalogNode::Efficiency::load, fraction, "Share of the rating.")
            .required("efficiency", &CatalogNode::Efficiency::efficiency, fraction,
                      "Delivered over drawn."));
    const auto supply =
        make_kind(Object<Supply>()
                      .required("rating", &Supply::rating, power_kind(positive),
                                "Of all supplies that share the load.")
                      .required("points", &Supply::points, list_of(point), "Efficiency by load."));
    Object<NodeFile> o;
    o.required("summary", &NodeFile::summary, text, "The node in one line.")
        .required("device", &NodeFile::device, text, "Its accelerators, an id of `devices`.")
        .required("devices", &NodeFile::devices, count, "How many.")
        .required("host", &NodeFile::host, host, "All but devices, fans and supply losses.")
        .sparse("fans", &NodeFile::fans, fans, "Behind the supply.")
        .sparse("cpus", &NodeFile::cpus, cpus, "For information; their power is in host.")
        .sparse("nics", &NodeFile::nics, nics, "Network.")
        .sparse("supply", &NodeFile::supply, supply, "Power supplies.")
        .sparse("max_power", &NodeFile::max_power, power_kind(positive), "Published rating.")
        .sparse("sources", &NodeFile::sources, map_of(text),
                "Figures, joined by commas, to their source.")
        .sparse("assumed", &NodeFile::assumed, assumed_kind(),
                "Figures without a published source; true: all that name none.")
        .check(check_node)
        .check([](const NodeFile&, const YamlNode& node, const ReadContext& context) {
          provenance_of(node, figure_keys(), context);
        });
    return o;
  }();
  return object;
}

YamlNode power_node(Watts power) {
  return YamlNode::make_text(format_quantity(Dimension::power, to_watts(power)));
}

/// Gives a value and all in it the place of the key that it stands for.
void put_at(YamlNode& node, const Position& where) {
  node.where = where;
  for (YamlNode& key : node.keys) key.where = where;
  for (YamlNode& value : node.values) put_at(value, where);
}

}  // namespace

NodePower CatalogNode::power(Watts device_power) const {
  NodePower out;
  out.host_idle = host_idle;
  out.host_active_per_gpu = host_active_per_device;
  const Watts full = host_idle + (host_active_per_device + device_power) * devices;
  const double slope = full > Watts{} ? (fans_full - fans_idle) / full : 0.0;
  if (supply.empty()) {
    if (fans_full > Watts{}) out.loss = {{Watts{}, fans_idle}, {full, fans_full}};
    return out;
  }
  for (const Efficiency& point : supply) {
    const Watts delivered = supply_rating * point.load;  // to fans and all else
    const Watts load = (delivered - fans_idle) / (1.0 + slope);
    if (load < Watts{}) continue;
    out.loss.push_back({load, delivered / point.efficiency - load});
  }
  return out;
}

CatalogNode read_node(const std::string& id, const std::string& path) {
  Input input = Input::open(path, path);
  Diagnostics faults;
  const YamlNode root = parse_yaml(input.read_all(), path, faults);
  const ReadContext context{"", &faults};
  NodeFile file;
  node_object().read(root, context, file);
  faults.throw_if_any();
  CatalogNode out;
  out.id = id;
  out.summary = file.summary;
  out.device = catalog().device(file.device).device.id;
  out.devices = static_cast<int>(file.devices);
  out.host_idle = file.host.idle;
  out.host_active_per_device = file.host.active_per_device;
  if (file.fans) {
    out.fans_idle = file.fans->idle;
    out.fans_full = file.fans->full;
  }
  if (file.cpus) {
    out.cpu = file.cpus->device;
    out.cpus = static_cast<int>(file.cpus->count);
  }
  if (file.nics) {
    out.nics = static_cast<int>(file.nics->count);
    out.nic_bytes_per_s = file.nics->bandwidth;
  }
  out.max_power = file.max_power;
  if (file.supply) {
    out.supply_rating = file.supply->rating;
    out.supply = file.supply->points;
  }
  Provenance provenance = provenance_of(root, figure_keys(), context);
  out.sources = std::move(provenance.sources);
  out.assumed = std::move(provenance.assumed);
  out.file = "nodes/" + id + ".yaml";
  out.sha256 = input.sha256();
  return out;
}

NodeCatalog::NodeCatalog() : NodeCatalog(catalog().folders()) {}

NodeCatalog::NodeCatalog(const std::vector<std::string>& folders)
    : files_(catalog_files(folders, "nodes")) {}

const CatalogNode& NodeCatalog::node(std::string_view id) {
  std::string key(id);
  std::transform(key.begin(), key.end(), key.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  const auto file = files_.find(key);
  if (file == files_.end()) {
    std::vector<std::string_view> known;
    for (const auto& [name, path] : files_) known.push_back(name);
    const std::string_view near = nearest(key, known);
    throw InputError(fmt::format(
        "expected a node of the catalogue, got {} ({})", quote(id),
        near.empty() ? "see `nightwatt list nodes`" : fmt::format("did you mean '{}'?", near)));
  }
  auto loaded = loaded_.find(key);
  if (loaded == loaded_.end()) {
    loaded = loaded_.emplace(key, read_node(key, file->second)).first;
  }
  return loaded->second;
}

std::vector<std::string> NodeCatalog::ids() const {
  std::vector<std::string> out;
  for (const auto& [id, path] : files_) out.push_back(id);
  return out;
}

NodeCatalog& node_catalog() {
  static NodeCatalog standard;
  return standard;
}

YamlNode with_node(const YamlNode& partition) {
  const YamlNode* name = partition.find("node");
  if (name == nullptr || !name->is_scalar()) return partition;
  const CatalogNode& node = node_catalog().node(name->text);
  const Device& device = catalog().device(node.device).device;
  const NodePower power = node.power(device.tdp > Watts{} ? device.tdp : device.busy);

  YamlNode out = partition;
  const auto fill = [&](YamlNode& map, std::string_view key, YamlNode value) {
    if (map.find(key) != nullptr) return;
    put_at(value, name->where);
    map.set(key, std::move(value));
    map.keys.back().where = name->where;
  };
  fill(out, "device", YamlNode::make_text(node.device));
  if (out.find("cores_per_node") == nullptr) {
    fill(out, "gpus_per_node", YamlNode::make_literal(std::to_string(node.devices)));
  }
  fill(out, "host", YamlNode::make_map());
  YamlNode& host = *out.find("host");
  if (!host.is_map()) return out;
  fill(host, "idle", power_node(power.host_idle));
  fill(host, "active_per_gpu", power_node(power.host_active_per_gpu));
  YamlNode supply = YamlNode::make_list();
  for (const LossPoint& point : power.loss) {
    YamlNode entry = YamlNode::make_map();
    entry.set("load", power_node(point.load));
    entry.set("loss", power_node(point.loss));
    supply.values.push_back(std::move(entry));
  }
  if (!supply.values.empty()) fill(host, "supply", std::move(supply));
  return out;
}

}  // namespace nightwatt
