#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <limits>
#include <utility>

#include "scenarios/assembler.hpp"
#include "scenarios/facility_catalog.hpp"
#include "scenarios/node_catalog.hpp"
#include "scenarios/power_budget.hpp"
#include "scenarios/units.hpp"
#include "traces/table.hpp"

namespace nightwatt {
namespace {

constexpr double not_given = std::numeric_limits<double>::quiet_NaN();

}  // namespace

void Assembler::add_sites() {
  std::string currency, currency_site;
  for (std::size_t i = 0; i < scenario_.sites.size(); ++i) {
    const SiteSpec& spec = scenario_.sites[i];
    const std::string key = fmt::format("sites[{}]", i);
    SiteSetup site;
    site.name = spec.name;
    site.timezone = spec.timezone;
    site.currency = spec.currency;
    for (std::size_t p = 0; p < spec.partitions.size(); ++p) {
      const auto index = static_cast<std::int16_t>(device_of_partition_.size());
      site.partitions.push_back(
          partition(spec.partitions[p], fmt::format("{}.partitions[{}]", key, p)));
      // Names that several sites have are asked for as site/partition (checked by the loader).
      partitions_.emplace(spec.partitions[p].name, index);
      partitions_.emplace(spec.name + "/" + spec.partitions[p].name, index);
    }
    StepSeries pue = signal(spec.facility.pue, SignalKind::pue, key + ".facility.pue", site);
    StepSeries carbon = signal(spec.carbon, SignalKind::carbon, key + ".carbon", site);
    StepSeries price = signal(spec.price, SignalKind::price, key + ".price", site);
    if (!site.currency.empty()) {
      if (currency.empty()) {
        currency = site.currency;
        currency_site = site.name;
      } else if (site.currency != currency) {
        fault(key + ".price", fmt::format("expected the currency {} of site {}, got {}; costs of "
                                          "different currencies cannot be added",
                                          currency, currency_site, site.currency));
      }
    }
    if (!spec.facility.pue.given()) {
      note(fmt::format("site {}: no PUE given: facility energy equals IT energy", spec.name));
    }
    try {
      site.signals = SiteSignals(std::move(pue), std::move(carbon), std::move(price));
    } catch (const std::invalid_argument& e) {
      fault(key + ".facility.pue", fmt::format("expected values of at least 1 ({})", e.what()));
    }
    site.facility.fixed_share = spec.facility.fixed_share;
    site.facility.reference_it = spec.facility.reference_it.value_or(Watts{});
    if (spec.budget) {
      site.budget = power_budget(
          *spec.budget, SiteClock(spec.timezone, out_.setup.period_start_unix_s),
          out_.setup.period_start_unix_s, SimTime::from_seconds(out_.setup.period_end_s));
    }
    out_.setup.sites.push_back(std::move(site));
  }
}

/// @return false if it is among the inputs already
bool Assembler::add_catalog_file(const char* role, const std::string& path,
                                 const std::string& sha256) {
  const auto known = [&](const InputFile& f) { return f.report.path == path; };
  if (std::any_of(out_.inputs.begin(), out_.inputs.end(), known)) return false;
  InputFile file;
  file.role = role;
  file.report.path = path;
  file.report.format = role;
  file.report.sha256 = sha256;
  file.report.rows = 1;
  out_.inputs.push_back(std::move(file));
  return true;
}

PartitionSetup Assembler::partition(const PartitionSpec& spec, const std::string& key) {
  PartitionSetup p;
  p.name = spec.name;
  p.nodes = static_cast<std::uint32_t>(spec.nodes);
  p.counts_cores = spec.cores_per_node.has_value();
  p.units_per_node = static_cast<std::uint32_t>(p.counts_cores ? *spec.cores_per_node
                                                               : spec.gpus_per_node.value_or(1));
  if (!spec.node.empty()) {
    const CatalogNode& node = node_catalog().node(spec.node);
    if (add_catalog_file("node", node.file, node.sha256) && !node.assumed.empty()) {
      note(fmt::format("node {}: assumptions: {}", node.id, fmt::join(node.assumed, ", ")));
    }
    p.nic_bytes_per_s = node.nics * node.nic_bytes_per_s;
  }
  p.node = node_power(spec.host, key + ".host");
  p.device = device(spec.device, p.node, p.counts_cores, key + ".device");
  if (spec.fabric) p.fabric = fabric(*spec.fabric, p.nodes, key + ".fabric");
  return p;
}

std::int32_t Assembler::device(const DeviceSpec& spec, const NodePower& node, bool counts_cores,
                               const std::string& key) {
  Device device;
  if (spec.given) {
    device.id =
        fmt::format("{} to {}", format_quantity(Dimension::power, to_watts(spec.given->idle)),
                    format_quantity(Dimension::power, to_watts(spec.given->busy)));
    device.idle = spec.given->idle;
    device.busy = spec.given->busy;
    device.source = "the scenario";
  } else {
    try {
      const CatalogDevice& entry = catalog().device(spec.id);
      device = entry.device;
      if ((entry.device.kind == DeviceKind::cpu_core) != counts_cores) {
        fault(key, counts_cores
                       ? fmt::format("expected a device that is a core, because of cores_per_node; "
                                     "'{}' is a GPU",
                                     spec.id)
                       : fmt::format("expected a device that is a GPU, because of gpus_per_node; "
                                     "'{}' is a core",
                                     spec.id));
      }
      if (add_catalog_file("device", entry.file, entry.sha256)) {
        for (const std::string& figure : entry.assumed) {
          // Caps are not asked for here.
          if (figure == "idle" || figure == "busy" || figure == "tdp") {
            note(fmt::format("device {}: its {} power is an assumption", spec.id, figure));
          }
        }
      }
    } catch (const InputError& e) {
      take_over(key, e);
    }
  }
  device_of_partition_.push_back(spec.given ? std::string() : device.id);
  // The model knows hosts by device: one entry for each pair of device and host.
  for (std::size_t i = 0; i < out_.setup.devices.size(); ++i) {
    if (out_.setup.devices[i].id == device.id &&
        node_of_device_[i].host_active_per_gpu == node.host_active_per_gpu) {
      return static_cast<std::int32_t>(i);
    }
  }
  out_.setup.devices.push_back(std::move(device));
  node_of_device_.push_back(node);
  return static_cast<std::int32_t>(out_.setup.devices.size()) - 1;
}

NodePower Assembler::node_power(const HostSpec& host, const std::string& key) {
  NodePower node;
  node.host_idle = host.idle;
  node.host_active_per_gpu = host.active_per_gpu;
  for (const SupplyPoint& point : host.supply) {
    const Watts loss =
        point.loss ? *point.loss : point.load * (1.0 / point.efficiency.value_or(1.0) - 1.0);
    node.loss.push_back({point.load, loss});
  }
  try {
    node.check();
  } catch (const std::invalid_argument& e) {
    fault(key, fmt::format("expected a usable supply curve: {}", e.what()));
    node.loss.clear();
  }
  return node;
}

std::shared_ptr<const Fabric> Assembler::fabric(const FabricSpec& spec, std::uint32_t nodes,
                                                const std::string& key) {
  try {
    if (!spec.edges.empty()) {
      return std::make_shared<const Fabric>(Fabric::from_edges(nodes, read_edges(spec.edges)));
    }
    FabricNumbers numbers;
    numbers.gpus_per_island = static_cast<std::uint32_t>(spec.gpus_per_island);
    numbers.nodes_per_rack = static_cast<std::uint32_t>(spec.nodes_per_rack);
    numbers.racks_per_spine = static_cast<std::uint32_t>(spec.racks_per_spine);
    numbers.island_bytes_per_s = spec.island_bytes_per_s;
    numbers.node_bytes_per_s = spec.node_bytes_per_s;
    // Where a level is not given, it is as wide as the one below.
    numbers.rack_bytes_per_s =
        spec.rack_bytes_per_s > 0.0 ? spec.rack_bytes_per_s : spec.node_bytes_per_s;
    numbers.core_bytes_per_s =
        spec.core_bytes_per_s > 0.0 ? spec.core_bytes_per_s : numbers.rack_bytes_per_s;
    return std::make_shared<const Fabric>(Fabric::from_numbers(nodes, numbers));
  } catch (const InputError& e) {
    take_over(key + ".edges", e);
  } catch (const std::invalid_argument& e) {
    fault(spec.edges.empty() ? key : key + ".edges", e.what());
  }
  return nullptr;
}

std::vector<FabricEdge> Assembler::read_edges(const std::string& path) {
  Input input = Input::open(path, resolve(path));
  Table table(input);
  Diagnostics faults;
  const std::size_t from = table.require("from", faults);
  const std::size_t to = table.require("to", faults);
  const std::size_t bandwidth = table.require("bandwidth", faults);
  faults.throw_if_any();
  std::vector<FabricEdge> edges;
  while (table.next()) {
    const QuantityText width = parse_quantity(Dimension::bandwidth, table[bandwidth]);
    if (!width.value || !(*width.value > 0.0)) {
      faults.error(
          table.position(bandwidth),
          fmt::format("bandwidth: expected {}, got {}{}", expected_quantity(Dimension::bandwidth),
                      nightwatt::quoted(table[bandwidth]),
                      width.hint.empty() ? "" : " (" + width.hint + ")"));
    } else {
      edges.push_back({std::string(table[from]), std::string(table[to]), *width.value});
    }
  }
  faults.throw_if_any();
  InputFile file;
  file.role = "fabric";
  file.report.path = path;
  file.report.format = "csv";
  file.report.sha256 = input.sha256();
  file.report.rows = edges.size();
  out_.inputs.push_back(std::move(file));
  return edges;
}

StepSeries Assembler::signal(const SignalSpec& spec, SignalKind kind, const std::string& key,
                             SiteSetup& site) {
  if (spec.constant) {
    if (kind == SignalKind::carbon) {
      return StepSeries::constant(grams_per_kwh(*spec.constant).in_base());
    }
    if (kind == SignalKind::price) {
      site.currency = spec.currency;
      return StepSeries::constant(price_per_kwh(*spec.constant).in_base());
    }
    return StepSeries::constant(*spec.constant);
  }
  try {
    if (spec.weather) return pue_from_weather(*spec.weather);
    if (spec.series) {
      const SignalFile& file = *spec.series;
      const SignalData data = read_series(file, kind, file.column, signal_role(kind));
      if (kind == SignalKind::price) take_currency(data, file, key, site.currency);
      if (kind == SignalKind::carbon) note_basis(data, key, site.name);
      return on_the_clock(data, file);
    }
  } catch (const InputError& e) {
    take_over(key, e);
  }
  return StepSeries::constant(kind == SignalKind::pue ? 1.0 : not_given);
}

const char* Assembler::signal_role(SignalKind kind) {
  return kind == SignalKind::pue ? "pue" : kind == SignalKind::carbon ? "carbon" : "price";
}

/// Reads a file, lays what repeats by years over the period, and asks that the period is covered.
SignalData Assembler::read_series(const SignalFile& file, SignalKind kind,
                                  const std::string& column, const char* role) {
  SignalRequest request;
  request.path = file.file;
  request.resolved_path = resolve(file.file);
  request.format = file.format;
  request.kind = kind;
  request.column = column;
  request.time_column = file.time_column;
  request.unit = file.unit;
  request.zone = file.zone;
  request.region = file.region;
  request.rules = file.rules;
  SignalData data = read_signal(request);
  const double start = static_cast<double>(scenario_.period.start.unix_s);
  const double end = start + out_.setup.period_end_s;
  if (data.typical_year || file.beyond == Beyond::repeat) data = data.over_years(start, end);
  if (file.beyond == Beyond::error && (data.start_unix_s > start || data.end_unix_s() < end)) {
    throw InputError(
        fmt::format("expected a series that covers the period {} to {}, got {} from {} to {}; set "
                    "beyond: hold or beyond: repeat to extend it",
                    format_instant(scenario_.period.start), format_instant(scenario_.period.end),
                    nightwatt::quoted(file.file), instant_text(data.start_unix_s),
                    instant_text(data.end_unix_s())));
  }
  InputFile input;
  input.role = role;
  input.report = data.report;
  out_.inputs.push_back(std::move(input));
  for (const std::string& text : data.report.notes) note(file.file + ": " + text);
  return data;
}

StepSeries Assembler::on_the_clock(const SignalData& data, const SignalFile& file) {
  const Beyond beyond = data.typical_year ? Beyond::repeat : file.beyond;
  return data.series(scenario_.period.start.unix_s, scenario_.period.start.ns, beyond);
}

StepSeries Assembler::pue_from_weather(const WeatherPue& spec) {
  PueCurve curve = spec.curve.curve;
  if (!spec.curve.facility.empty()) {
    const CatalogFacility& facility = catalog_facility(spec.curve.facility);
    curve = facility.curve;
    if (add_catalog_file("facility", facility.file, facility.sha256) && !facility.assumed.empty()) {
      note(fmt::format("facility {}: assumptions: {}", facility.id,
                       fmt::join(facility.assumed, ", ")));
    }
  }
  // A column map says itself which temperature it holds.
  std::string column = spec.weather.column;
  if (column.empty() && spec.weather.format != "csv") {
    column = curve.driver == PueCurve::Driver::wet_bulb ? "wet-bulb" : "dry-bulb";
  }
  SignalData data = read_series(spec.weather, SignalKind::temperature, column, "weather");
  for (double& value : data.values) value = curve.at(data.meaning.in_own_unit(value));
  data.meaning = {SignalKind::pue};
  return on_the_clock(data, spec.weather);
}

void Assembler::take_currency(const SignalData& data, const SignalFile& file,
                              const std::string& key, std::string& currency) {
  const std::string& own = data.meaning.currency;
  if (!currency.empty() && !own.empty() && own != currency) {
    fault(key, fmt::format("expected a price in the site's currency {}, got {} ({})", currency, own,
                           file.file));
  }
  if (currency.empty()) currency = own;
}

/// Marginal emissions are never added to averages: all sites of a scenario have the one or the
/// other. Direct and life-cycle averages are told apart in the notes.
void Assembler::note_basis(const SignalData& data, const std::string& key,
                           const std::string& site) {
  if (data.basis == CarbonBasis::unknown) return;
  for (const auto& [other, basis] : bases_) {
    if (basis == data.basis) continue;
    const std::string both =
        fmt::format("site {} counts {} emissions, site {} {} ones", other, carbon_basis_name(basis),
                    site, carbon_basis_name(data.basis));
    if (basis == CarbonBasis::marginal || data.basis == CarbonBasis::marginal) {
      fault(key, both + ": marginal intensities cannot be added to averages");
      return;
    }
    note(both + ": their sum is neither");
  }
  bases_.emplace_back(site, data.basis);
}

}  // namespace nightwatt
