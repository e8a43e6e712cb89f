#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <limits>
#include <set>
#include <utility>

#include "scenarios/assembler.hpp"
#include "scenarios/facility_catalog.hpp"
#include "scenarios/node_catalog.hpp"
#include "scenarios/power_budget.hpp"
#include "scenarios/units.hpp"
#include "traces/datetime.hpp"
#include "traces/network.hpp"
#include "traces/signals/forecast_file.hpp"
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
    std::optional<StepSeries> decided;
    StepSeries carbon = add_carbon(spec.carbon, key + ".carbon", site, decided);
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
    add_forecasts(spec, key, site);
    if (spec.price.demand_charge) site.demand = demand_charge(spec);
    if (spec.facility.wue.given()) {
      site.water =
          SiteSignals(StepSeries::constant(1.0),
                      signal(spec.facility.wue, SignalKind::water, key + ".facility.wue", site),
                      StepSeries::absent());
    }
    try {
      if (decided) site.decide = SiteSignals(pue, std::move(*decided), price);
      site.signals = SiteSignals(std::move(pue), std::move(carbon), std::move(price));
    } catch (const std::invalid_argument& e) {
      fault(key + ".facility.pue", fmt::format("expected values of at least 1 ({})", e.what()));
    }
    site.facility.fixed_share = spec.facility.fixed_share;
    site.facility.reference_it = spec.facility.reference_it.value_or(Watts{});
    if (spec.budget) {
      site.budget = power_budget(
          *spec.budget, budget_power(spec.budget->power, key + ".budget.power"),
          SiteClock(spec.timezone, out_.setup.period_start_unix_s), out_.setup.period_start_unix_s,
          SimTime::from_seconds(out_.setup.period_end_s));
    }
    out_.setup.sites.push_back(std::move(site));
  }
  if (scenario_.network) add_network();
}

/// What was forecast for a site, where policies are to see that.
void Assembler::add_forecasts(const SiteSpec& spec, const std::string& key, SiteSetup& site) {
  const bool given = spec.forecast.carbon || spec.forecast.price;
  if (scenario_.forecast.from != ForecastFrom::file) {
    if (given) note(fmt::format("site {}: its forecasts are not used (forecast.from)", spec.name));
    return;
  }
  if (spec.forecast.carbon) {
    site.carbon_forecast =
        forecast(*spec.forecast.carbon, SignalKind::carbon, key + ".forecast.carbon", site);
  } else if (spec.carbon.given()) {
    note(fmt::format("site {}: no forecast of the carbon intensity: persistence", spec.name));
  }
  if (spec.forecast.price) {
    site.price_forecast =
        forecast(*spec.forecast.price, SignalKind::price, key + ".forecast.price", site);
  } else if (spec.price.given()) {
    note(fmt::format("site {}: no forecast of the price: persistence", spec.name));
  }
}

std::shared_ptr<const ForecastSeries> Assembler::forecast(const ForecastFile& file, SignalKind kind,
                                                          const std::string& key, SiteSetup& site) {
  ForecastRequest request;
  request.path = file.file;
  request.resolved_path = resolve(file.file);
  request.format = file.format;
  request.kind = kind;
  if (!file.issue_column.empty()) request.issue_column = file.issue_column;
  if (!file.time_column.empty()) request.time_column = file.time_column;
  if (!file.column.empty()) request.column = file.column;
  request.unit = file.unit;
  request.zone = file.zone;
  try {
    ForecastData data = read_forecasts(request);
    if (kind == SignalKind::price && data.meaning.currency != site.currency) {
      fault(key, fmt::format("expected a price in the site's currency {}, got {} ({})",
                             site.currency, data.meaning.currency, file.file));
    }
    if (kind == SignalKind::carbon && data.basis != CarbonBasis::unknown &&
        site.decided_carbon.basis != carbon_basis_name(data.basis) &&
        site.decided_carbon.basis != carbon_basis_name(CarbonBasis::unknown)) {
      note(
          fmt::format("site {}: the forecast is of {} emissions, what it is weighed against of {} "
                      "ones",
                      site.name, carbon_basis_name(data.basis), site.decided_carbon.basis));
    }
    const Instant& start = scenario_.period.start;
    const auto on_clock = [&](double unix_s) {
      const double seconds = unix_s - static_cast<double>(start.unix_s);
      if (!(std::abs(seconds) < 4.6e9)) {
        throw InputError(Diagnostic{{file.file, 0, 0},
                                    "the forecasts and the period lie more than 146 years apart"});
      }
      return SimTime::from_ns(std::llround(seconds * 1e9) - start.ns);
    };
    auto series = std::make_shared<ForecastSeries>();
    series->step = SimTime::from_seconds(data.step_s);
    for (const ForecastIssue& from : data.issues) {
      ForecastSeries::Issue issue;
      issue.at = on_clock(from.issued_unix_s);
      for (const double unix_s : from.times_unix_s) issue.times.push_back(on_clock(unix_s));
      for (const double value : from.values) {
        const double own = data.meaning.in_own_unit(value);
        issue.values.push_back(kind == SignalKind::carbon ? grams_per_kwh(own).in_base()
                                                          : price_per_kwh(own).in_base());
      }
      series->issues.push_back(std::move(issue));
    }
    if (series->issues.front().at >= SimTime::from_seconds(out_.setup.period_end_s)) {
      fault(key, fmt::format("expected forecasts made before the period's end, got {} from {} on",
                             quote(file.file), instant_text(data.issues.front().issued_unix_s)));
    }
    for (const std::string& text : data.report.notes) note(file.file + ": " + text);
    out_.inputs.push_back({kind == SignalKind::carbon ? "carbon forecast" : "price forecast",
                           std::move(data.report)});
    return series;
  } catch (const InputError& e) {
    take_over(key, e);
  }
  return nullptr;
}

/// Bandwidths between the regions of all sites, each way.
void Assembler::add_network() {
  const NetworkSpec& spec = *scenario_.network;
  SiteNetwork network;
  network.sites = scenario_.sites.size();
  network.j_per_gb = spec.j_per_gb.value_or(0.0);
  network.bytes_per_s.assign(network.sites * network.sites, 0.0);
  try {
    Input input = Input::open(spec.bandwidths, resolve(spec.bandwidths));
    Bandwidths bandwidths = read_bandwidths(spec.bandwidths, input);
    std::vector<std::string> regions;
    bool known = true;
    for (std::size_t i = 0; i < network.sites; ++i) {
      const std::string& name = scenario_.sites[i].region;
      regions.push_back(bandwidths.region(name));
      if (!regions.back().empty()) continue;
      known = false;
      std::set<std::string_view> all;
      for (const auto& [pair, width] : bandwidths.bytes_per_s) all.insert(pair.first);
      fault(fmt::format("sites[{}].region", i),
            fmt::format("expected a region of {}, got {}{}", quote(spec.bandwidths), quote(name),
                        did_you_mean(name, {all.begin(), all.end()})));
    }
    for (std::size_t from = 0; known && from < network.sites; ++from) {
      for (std::size_t to = 0; to < network.sites; ++to) {
        if (from == to) continue;
        const auto width = bandwidths.bytes_per_s.find({regions[from], regions[to]});
        if (width == bandwidths.bytes_per_s.end()) {
          fault(fmt::format("sites[{}].region", to),
                fmt::format("expected a bandwidth from {} to {} in {}, got none", regions[from],
                            regions[to], quote(spec.bandwidths)));
          continue;
        }
        network.bytes_per_s[from * network.sites + to] = width->second;
      }
    }
    out_.inputs.push_back({"network", std::move(bandwidths.report)});
  } catch (const InputError& e) {
    take_over("network.bandwidths", e);
  }
  out_.setup.network = std::move(network);
}

/// What is charged, and where policies see something else, that.
StepSeries Assembler::add_carbon(const SignalSpec& spec, const std::string& key, SiteSetup& site,
                                 std::optional<StepSeries>& decided) {
  if (spec.named.empty()) return signal(spec, SignalKind::carbon, key, site);
  StepSeries accounted = StepSeries::absent();
  for (const auto& [name, source] : spec.named) {
    const std::string place = key + ".series." + name;
    CarbonBasis basis = CarbonBasis::unknown;
    StepSeries series = StepSeries::absent();
    if (source.constant) {
      series = StepSeries::constant(grams_per_kwh(*source.constant).in_base());
    } else {
      try {
        const SignalData data = read_series(*source.series, SignalKind::carbon,
                                            source.series->column, ("carbon: " + name).c_str());
        basis = basis_of(*source.series, data, place);
        series = on_the_clock(data, *source.series);
      } catch (const InputError& e) {
        take_over(place, e);
      }
    }
    const CarbonLabel label{name, std::string(carbon_basis_name(basis))};
    if (name == spec.decide_by) {
      note_basis(basis, place, site.name, decided_);
      site.decided_carbon = label;
      if (spec.decide_by != spec.account_by) decided = series;
    }
    if (name == spec.account_by) {
      note_basis(basis, place, site.name, accounted_);
      site.accounted_carbon = label;
      accounted = std::move(series);
    }
  }
  return accounted;
}

/// What a series counts: as its file says, or the scenario.
CarbonBasis Assembler::basis_of(const SignalFile& file, const SignalData& data,
                                const std::string& key) {
  if (file.basis.empty()) return data.basis;
  if (data.basis != CarbonBasis::unknown && carbon_basis_name(data.basis) != file.basis) {
    fault(key + ".basis", fmt::format("expected {}, which the file says, got {}",
                                      carbon_basis_name(data.basis), file.basis));
  }
  for (const CarbonBasis basis :
       {CarbonBasis::direct, CarbonBasis::lifecycle, CarbonBasis::marginal}) {
    if (carbon_basis_name(basis) == file.basis) return basis;
  }
  return data.basis;
}

/// With the calendar months of the site's clock, from that of the period's start on.
DemandCharge Assembler::demand_charge(const SiteSpec& spec) {
  DemandCharge charge;
  charge.per_kw = *spec.price.demand_charge;
  charge.by_time = spec.price.prorate;
  const Instant& start = scenario_.period.start;
  // The clock of the simulation holds 146 years.
  constexpr std::int64_t longest_s = 4'500'000'000;
  for (const std::int64_t month_s :
       month_starts(spec.timezone, start.unix_s, start.unix_s + longest_s)) {
    charge.months.push_back(SimTime::from_ns((month_s - start.unix_s) * 1'000'000'000 - start.ns));
  }
  return charge;
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
  if (spec.embodied) {
    const double per_unit_kg = spec.embodied->per_gpu ? *spec.embodied->per_gpu
                                                      : *spec.embodied->per_node / p.units_per_node;
    constexpr double year_s = 365.25 * 86400.0;
    p.embodied_g_per_unit_s = per_unit_kg * 1000.0 / (spec.embodied->lifetime_years * year_s);
    note(fmt::format("partition {}: {} kgCO2e for making each {}, over {} years ({})", spec.name,
                     format_number(per_unit_kg), p.counts_cores ? "core" : "GPU",
                     format_number(spec.embodied->lifetime_years), spec.embodied->source));
  }
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
                      quote(table[bandwidth]), width.hint.empty() ? "" : " (" + width.hint + ")"));
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
      if (site.currency.empty()) site.currency = spec.currency;
      return StepSeries::constant(price_per_kwh(*spec.constant).in_base());
    }
    if (kind == SignalKind::water) return StepSeries::constant(*spec.constant / joules_per_kwh);
    return StepSeries::constant(*spec.constant);
  }
  // Of the demand charge beside a series; the file's has to be the same.
  if (kind == SignalKind::price && site.currency.empty()) site.currency = spec.currency;
  try {
    if (spec.weather) return pue_from_weather(*spec.weather);
    if (spec.series) {
      const SignalFile& file = *spec.series;
      const SignalData data = read_series(file, kind, file.column, signal_role(kind));
      if (kind == SignalKind::price) take_currency(data, file, key, site.currency);
      if (kind == SignalKind::carbon) {
        const CarbonBasis basis = basis_of(file, data, key);
        note_basis(basis, key, site.name, accounted_);
        note_basis(basis, key, site.name, decided_);
        site.accounted_carbon = site.decided_carbon = {"", std::string(carbon_basis_name(basis))};
      }
      return on_the_clock(data, file);
    }
  } catch (const InputError& e) {
    take_over(key, e);
  }
  return StepSeries::constant(kind == SignalKind::pue ? 1.0 : not_given);
}

StepSeries Assembler::budget_power(const SignalSource& source, const std::string& key) {
  if (!source.series) return StepSeries::constant(*source.constant);
  try {
    return on_the_clock(
        read_series(*source.series, SignalKind::power, source.series->column, "budget"),
        *source.series);
  } catch (const InputError& e) {
    take_over(key, e);
  }
  return StepSeries::constant(not_given);
}

const char* Assembler::signal_role(SignalKind kind) {
  return kind == SignalKind::pue      ? "pue"
         : kind == SignalKind::carbon ? "carbon"
         : kind == SignalKind::water  ? "water"
                                      : "price";
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
    throw InputError(fmt::format(
        "expected a series that covers the period {} to {}, got {} from {} to {}; set "
        "beyond: hold or beyond: repeat to extend it",
        format_instant(scenario_.period.start), format_instant(scenario_.period.end),
        quote(file.file), instant_text(data.start_unix_s), instant_text(data.end_unix_s())));
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
void Assembler::note_basis(CarbonBasis own, const std::string& key, const std::string& site,
                           Bases& bases) {
  if (own == CarbonBasis::unknown) return;
  for (const auto& [other, basis] : bases) {
    if (basis == own) continue;
    const std::string both = fmt::format("site {} counts {} emissions, site {} {} ones", other,
                                         carbon_basis_name(basis), site, carbon_basis_name(own));
    if (basis == CarbonBasis::marginal || own == CarbonBasis::marginal) {
      fault(key, both + ": marginal intensities cannot be added to averages");
      return;
    }
    note(both + ": their sum is neither");
  }
  bases.emplace_back(site, own);
}

}  // namespace nightwatt
