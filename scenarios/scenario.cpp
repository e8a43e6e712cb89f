#include "scenarios/scenario.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <set>
#include <tuple>
#include <utility>

#include "scenarios/scenario_kinds.hpp"
#include "sim/shared_fabric.hpp"
#include "traces/input.hpp"

namespace nightwatt {
namespace {

// Memory grows with time bins: what is beyond this is a slip of the pen.
constexpr double max_bins = 20e6;

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
        at, fmt::format("expected the name of a {}, got {}{}", what, quote(name),
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
        .required("workload", &Scenario::workload, workload_kind(), "The jobs.")
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
  Diagnostics faults;
  YamlNode root = parse_yaml(text, name, faults);
  if (root.kind == YamlNode::Kind::null) {
    root = YamlNode::make_map();
    root.where = {name, 1, 1};
  }
  Diagnostics not_set;
  for (const Setting& setting : overrides.settings) {
    try {
      set_value(root, setting.path, setting.value, setting.where);
    } catch (const InputError& e) {
      not_set.append(e);
    }
  }
  for (const std::string& argument : overrides.set) {
    try {
      set_path(root, argument);
    } catch (const InputError& e) {
      not_set.append(e);
    }
  }
  not_set.throw_if_any();
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
