#include "scenarios/assemble.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <limits>
#include <map>
#include <set>
#include <tuple>
#include <utility>

#include "energy/memory.hpp"
#include "energy/random.hpp"
#include "energy/utilization_model.hpp"
#include "energy/work_check.hpp"
#include "scenarios/assembler.hpp"
#include "scenarios/mix_catalog.hpp"
#include "scenarios/model_catalog.hpp"
#include "scenarios/power_budget.hpp"
#include "scenarios/shared_terms.hpp"
#include "scenarios/units.hpp"
#include "sim/demand.hpp"
#include "sim/placement_shape.hpp"
#include "traces/dependency_graph.hpp"
#include "traces/reader.hpp"
#include "traces/reference_devices.hpp"
#include "traces/synthetic.hpp"

namespace nightwatt {
namespace {

/// The same for equal texts, whatever their order (FNV-1a).
std::uint64_t text_number(std::string_view text) {
  std::uint64_t hash = 0xcbf29ce484222325ULL;
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3ULL;
  return hash;
}

/// A job takes 128 bytes: what is beyond this is a slip of the pen.
constexpr double max_synthetic_jobs = 200e6;

}  // namespace

std::string Assembler::instant_text(double unix_s) {
  return format_instant({static_cast<std::int64_t>(std::floor(unix_s)), 0});
}

void Assembler::set_numbers() {
  Setup& setup = out_.setup;
  setup.period_start_unix_s =
      static_cast<double>(scenario_.period.start.unix_s) + scenario_.period.start.ns * 1e-9;
  setup.period_end_s = since_start(scenario_.period.end);
  setup.drain = scenario_.drain;
  if (scenario_.horizon.end) setup.horizon_end_s = since_start(*scenario_.horizon.end);
  setup.warmup_s = to_seconds(scenario_.horizon.warmup);
  setup.bin_s = to_seconds(scenario_.output.timeline);
  setup.peak_window_s = to_seconds(scenario_.metrics.peak_window);
  setup.slowdown_tau_s = to_seconds(scenario_.metrics.slowdown_tau);
  setup.seed = scenario_.seed;
  setup.shape = scenario_.shape;
  setup.estimate = scenario_.estimates.from;
  setup.estimate_sigma = scenario_.estimates.sigma;
  setup.forecast = {scenario_.forecast.from, scenario_.forecast.error, scenario_.forecast.growth,
                    to_seconds(scenario_.forecast.correlation)};
  setup.kill_at_limit = scenario_.kill_at_limit;
  setup.limits_wallclock = scenario_.limits == Limits::wallclock;
  setup.oversized = scenario_.workload.oversized;
  setup.contention_rate = scenario_.contention;
  setup.rebalance_s = to_seconds(scenario_.rebalance);
  setup.fidelity = scenario_.fidelity;
  setup.record_nodes = scenario_.output.nodes;
  setup.record_events = scenario_.output.events;
}

void Assembler::add_policies() {
  for (std::size_t q = 0; q < question_count; ++q) {
    const PolicySpec& spec = scenario_.policies.of(static_cast<Question>(q));
    PolicyChoice& choice = out_.setup.policies.at(q);
    choice.name = spec.name;
    choice.params.numbers = spec.numbers;
    choice.params.texts = spec.texts;
    try {
      const auto policy = make_policy(static_cast<Question>(q), choice.name, choice.params);
      if (const auto* cap = dynamic_cast<const CapPolicy*>(policy.get())) check_caps(*cap);
      if (const auto* timing = dynamic_cast<const TimingPolicy*>(policy.get())) {
        check_timing(*timing);
      }
      if (const auto* pause = dynamic_cast<const PausePolicy*>(policy.get())) check_pause(*pause);
    } catch (const std::invalid_argument& e) {
      fault("policies." + std::string(question_name(static_cast<Question>(q))), e.what());
    }
  }
  Setup& setup = out_.setup;
  if (works_.empty()) {
    setup.model = std::make_shared<UtilizationModel>(setup.devices, node_of_device_, setup.profiles,
                                                     cap_terms(), references_, speeds_);
    return;
  }
  const auto terms_of = [](Stack stack, const Device& device) {
    return stack_terms(catalog().folders(), stack, device);
  };
  try {
    setup.model = std::make_shared<WorkModel>(setup.devices, node_of_device_, setup.profiles,
                                              works_, references_, terms_of, cap_terms(), speeds_);
  } catch (const std::invalid_argument& e) {
    fault("workload.profiles", e.what());
  }
}

/// Limits that a device does not allow, where the policy does not clamp them.
void Assembler::check_caps(const CapPolicy& policy) {
  has_caps_ = policy.caps();
  check_budgets(policy.keeps_budget());
  if (policy.clamps()) return;
  const auto check = [&](const std::string& key, Watts limit) {
    for (const Device& d : out_.setup.devices) {
      if (const std::string message = cap_fault(d, limit); !message.empty()) {
        fault(key, message + " (outside: clamp takes the nearest, or none)");
      }
    }
  };
  for (const Watts limit : policy.limits()) check("policies.cap", limit);
  if (scenario_.policies.cap.name != "by-class") return;
  const std::vector<ClassSpec>& classes = scenario_.workload.classes;
  for (std::size_t i = 0; i < classes.size(); ++i) {
    if (classes[i].cap) check(fmt::format("workload.classes[{}].cap", i), *classes[i].cap);
  }
}

/// A policy that holds jobs needs jobs that may be held.
void Assembler::check_timing(const TimingPolicy& policy) {
  const std::vector<ClassSpec>& classes = scenario_.workload.classes;
  plans_runs_ = policy.runs();
  if (!policy.holds()) return;
  if (scenario_.policies.order.name == "replay") {
    fault("policies.timing", "expected immediate beside order replay: jobs start as recorded");
  }
  if (std::none_of(classes.begin(), classes.end(),
                   [](const ClassSpec& c) { return c.slack > Seconds{}; })) {
    fault("policies.timing",
          "expected a class of jobs with 'slack': without one no job may be held");
  }
}

/// A policy that pauses jobs needs jobs that may be, and no plan that pauses the same ones.
void Assembler::check_pause(const PausePolicy& policy) {
  const std::vector<ClassSpec>& classes = scenario_.workload.classes;
  const auto any = [&](auto&& holds) { return std::any_of(classes.begin(), classes.end(), holds); };
  if (policy.pauses()) {
    if (scenario_.policies.order.name == "replay") {
      fault("policies.pause", "expected never beside order replay: jobs run as recorded");
    }
    if (!any([](const ClassSpec& c) { return c.pausable.has_value(); })) {
      fault("policies.pause",
            "expected a class of jobs with 'pausable': without one no job may be paused");
    }
  }
  if (!policy.pauses() || !plans_runs_) return;
  if (any([](const ClassSpec& c) { return c.pausable && c.slack > Seconds{}; })) {
    fault("policies.pause",
          "expected never, or no class with both 'slack' and 'pausable': the timing policy plans "
          "the pauses of those jobs");
  }
}

/// Budgets are kept by a cap policy, and must leave room for what always draws.
void Assembler::check_budgets(bool kept) {
  bool any = false;
  for (std::size_t i = 0; i < scenario_.sites.size(); ++i) {
    if (!scenario_.sites[i].budget) continue;
    any = true;
    const std::string key = fmt::format("sites[{}].budget", i);
    if (!kept) {
      fault(key, "expected policies.cap: budget beside it; no other policy keeps it");
      continue;
    }
    if (scenario_.policies.nodes.name != "always-on") continue;
    if (const std::string message = budget_fault(out_.setup.sites[i], out_.setup.devices,
                                                 SimTime::from_seconds(out_.setup.period_end_s));
        !message.empty()) {
      fault(key, message);
    }
  }
  if (kept && !any) fault("policies.cap", "expected a site with a 'budget' for the policy to keep");
}

/// How each device answers caps; empty where there are none.
std::vector<DeviceCapTerms> Assembler::cap_terms() {
  if (!has_caps_) return {};
  const SharedTerms terms = shared_terms(catalog().folders(), "caps");
  std::vector<DeviceCapTerms> caps;
  for (const Device& d : out_.setup.devices) {
    caps.push_back(cap_terms_of(terms, d.id));
    if (d.max_cap > Watts{} && terms.values.count(d.id + "/knee") == 0)
      note(fmt::format("caps: {} was not measured; it answers like the median device", d.id));
  }
  return caps;
}

// ---------------------------------------------------------------- workload

void Assembler::add_workload() {
  const WorkloadSpec& spec = scenario_.workload;
  const char* key = spec.synthetic ? "workload.synthetic" : "workload.trace";
  try {
    *out_.workload = spec.synthetic ? draw_workload(*spec.synthetic) : read_trace();
    key = "workload.shift";
    if (spec.shift) move_trace(*spec.shift);
    key = "workload.repeat";
    if (spec.repeat) {
      const double start = static_cast<double>(out_.period_start_unix_s);
      *out_.workload = repeat(std::move(*out_.workload), {start, start + out_.setup.period_end_s,
                                                          scenario_.sites.front().timezone});
    }
    key = "workload.trace";
    for (ReadReport& report : out_.workload->reports) {
      if (report.path.empty()) report.path = "synthetic";
      out_.inputs.push_back({"workload", report});
      for (const std::string& text : report.notes) note(report.path + ": " + text);
    }
    place_in_time();
    check_dependencies(*out_.workload);
  } catch (const InputError& e) {
    take_over(key, e);
    return;
  }
  out_.setup.workload = out_.workload.get();
  add_profiles_and_classes();
  add_homes();
  add_partition_maps();
  check_submissions();
  add_references();
  if (!faults_.empty()) return;
  check_described_jobs();
  try {
    check_demand(out_.setup);
  } catch (const InputError& e) {
    take_over("workload.trace", e);
  }
}

Workload Assembler::read_trace() {
  const WorkloadSpec& spec = scenario_.workload;
  ReadRequest request;
  request.path = spec.trace;
  request.resolved_path = resolve(spec.trace);
  request.tasks_path = spec.tasks;
  if (!spec.tasks.empty()) request.resolved_tasks_path = resolve(spec.tasks);
  request.format = spec.columns ? "csv" : spec.format;
  request.zone = spec.zone;
  request.rules = spec.rules;
  if (spec.columns) {
    request.columns.columns = spec.columns->fields;
    request.columns.time_unit = spec.columns->time_unit;
    request.columns.duration_unit = spec.columns->duration_unit;
    request.columns.time_form = spec.columns->time_form;
    request.columns.deadline_from = spec.columns->deadline_from;
    request.columns.delimiter = spec.columns->delimiter;
    request.columns.header = spec.columns->header;
  }
  return read_workload(request);
}

Workload Assembler::draw_workload(const SyntheticSpec& spec) {
  SyntheticOptions options;
  options.seed = scenario_.seed;
  options.daily_amplitude = spec.daily_amplitude;
  options.daily_peak_h = to_seconds(spec.daily_peak) / 3600.0;
  std::copy_n(spec.weekday_weights.begin(), options.weekday_weights.size(),
              options.weekday_weights.begin());
  options.run_median_s = to_seconds(spec.run.median);
  options.run_sigma = spec.run.sigma;
  options.run_min_s = to_seconds(spec.run.min);
  options.run_max_s = to_seconds(spec.run.max);
  options.limit_min = spec.limit_min;
  options.limit_max = spec.limit_max;
  options.gpu_weights = spec.gpu_weights;
  options.users = static_cast<std::uint32_t>(spec.users);
  options.whole_seconds = spec.whole_seconds;
  options.origin_unix_s = scenario_.period.start.unix_s;
  try {
    if (spec.load) {
      double gpus = 0.0;
      for (const SiteSetup& site : out_.setup.sites) {
        for (const PartitionSetup& p : site.partitions) {
          if (!p.counts_cores) gpus += static_cast<double>(p.nodes) * p.units_per_node;
        }
      }
      options.set_load(*spec.load, gpus);
    } else {
      options.jobs_per_hour = spec.jobs_per_hour.value_or(options.jobs_per_hour);
    }
    const double jobs = options.jobs_per_hour * out_.setup.period_end_s / 3600.0;
    if (!(jobs <= max_synthetic_jobs)) {
      throw InputError(fmt::format("expected at most {} jobs in the period, got about {}",
                                   format_number(max_synthetic_jobs),
                                   format_number(std::ceil(jobs))));
    }
    return synthetic_workload_until(options, out_.setup.period_end_s);
  } catch (const std::invalid_argument& e) {
    throw InputError(e.what());
  }
}

void Assembler::move_trace(const ShiftSpec& spec) {
  ShiftRequest request;
  if (const auto since_zero = parse_quantity(Dimension::duration, spec.from).value) {
    request.from = {ShiftPoint::Kind::trace_second, *since_zero};
  } else {
    request.from = parse_shift_point("workload.shift.from", spec.from);
  }
  request.to = parse_shift_point("workload.shift.to", spec.to);
  request.keep = spec.keep;
  request.timezone = scenario_.sites.front().timezone;
  *out_.workload = shift(std::move(*out_.workload), request);
}

void Assembler::place_in_time() {
  const Workload& w = *out_.workload;
  if (w.origin_unix_s) {
    out_.setup.origin_offset_s =
        static_cast<double>(*w.origin_unix_s - scenario_.period.start.unix_s) -
        scenario_.period.start.ns * 1e-9;
  } else {
    out_.setup.origin_offset_s = 0.0;
    note("the trace names no dates: its zero is taken as period.start");
  }
}

std::int32_t Assembler::add_reference(const std::string& id) {
  for (std::size_t i = 0; i < references_.size(); ++i) {
    if (references_[i].device.id == id) return static_cast<std::int32_t>(i);
  }
  ReferenceRun reference;
  const CatalogDevice& entry = catalog().device(id);
  reference.device = entry.device;
  add_catalog_file("device", entry.file, entry.sha256);
  if (const auto& cap = scenario_.workload.reference_cap) {
    if (const std::string message = cap_fault(reference.device, *cap); !message.empty()) {
      fault("workload.reference_cap", message);
    }
    reference.cap = *cap;
    reference.caps = cap_terms_of(shared_terms(catalog().folders(), "caps"), id);
  }
  // How its GPUs were connected: as they are here, where the same device is here.
  const PartitionSetup* like = nullptr;
  for (const SiteSetup& site : out_.setup.sites) {
    for (const PartitionSetup& p : site.partitions) {
      const bool same = out_.setup.devices[static_cast<std::size_t>(p.device)].id == id;
      if (like == nullptr ||
          (same && out_.setup.devices[static_cast<std::size_t>(like->device)].id != id)) {
        like = &p;
      }
    }
  }
  if (like != nullptr) {
    reference.devices_per_node = like->units_per_node;
    if (out_.setup.devices[static_cast<std::size_t>(like->device)].id == id) {
      const PlacementShape shape = compact_shape(*like, std::uint64_t{2000} * like->units_per_node);
      reference.fabric_bytes_per_s = shape.fabric_bytes_per_s;
      reference.island_bytes_per_s = shape.island_bytes_per_s;
    }
  }
  references_.push_back(std::move(reference));
  return static_cast<std::int32_t>(references_.size()) - 1;
}

/// The device that a GPU type of the trace means; "" if it may be several.
std::string Assembler::device_named(std::size_t type) const {
  const Workload& w = *out_.workload;
  if (type >= w.gpu_types.size()) return {};
  const std::string text(w.gpu_types[static_cast<std::int32_t>(type)]);
  if (text.find('|') != std::string::npos) return {};
  const std::vector<std::string> ids = catalog().ids_of(text);
  if (ids.size() == 1) return ids.front();
  std::set<std::string> here;
  for (const std::int16_t p : out_.setup.partitions_of_gpu_type[type]) {
    here.insert(device_of_partition_[static_cast<std::size_t>(p)]);
  }
  return here.size() == 1 ? *here.begin() : std::string();
}

/// The reference of the jobs of each GPU type of the trace, last of those that name none; -1 where
/// it is not known. Says how it is known.
std::vector<std::int32_t> Assembler::references_by_type(const std::vector<std::uint64_t>& jobs) {
  const WorkloadSpec& spec = scenario_.workload;
  const Workload& w = *out_.workload;
  std::vector<std::int32_t> references(w.gpu_types.size() + 1, -1);
  if (!spec.reference_device.empty()) {
    note(fmt::format("run times are taken as those of {}, as the scenario says",
                     spec.reference_device));
    std::fill(references.begin(), references.end(), add_reference(spec.reference_device));
    return references;
  }
  const std::string& format = w.reports.front().format;
  std::map<const ReferenceDevice*, std::uint64_t> by_row;  // in the table's order
  for (std::size_t t = 0; t < references.size(); ++t) {
    if (jobs[t] == 0) continue;
    const std::string_view type =
        t < w.gpu_types.size() ? w.gpu_types[static_cast<std::int32_t>(t)] : std::string_view();
    if (const ReferenceDevice* row = find_reference_device(format, spec.trace, type)) {
      by_row[row] += jobs[t];
      references[t] = add_reference(std::string(row->device));
    } else if (const std::string device = device_named(t); !device.empty()) {
      references[t] = add_reference(device);
    }
  }
  for (const auto& [row, count] : by_row) {
    note(fmt::format("run times of {} jobs are taken as those of {}{} ({})", count, row->device,
                     row->assumed ? ", an assumption" : "", row->source));
  }
  return references;
}

/// Gives each profile the device on which the run times of its jobs were observed. Profiles whose
/// jobs ran on several are told apart by it.
void Assembler::add_references() {
  const Workload& w = *out_.workload;
  Setup& setup = out_.setup;
  std::vector<std::uint64_t> jobs(w.gpu_types.size() + 1, 0);
  for (const Job& job : w.jobs) {
    if (in_period(job)) ++jobs[type_of(job)];
  }
  std::vector<std::int32_t> references = references_by_type(jobs);
  std::set<std::string> kinds;  // of devices in the catalogue
  for (const std::string& id : device_of_partition_) {
    if (!id.empty()) kinds.insert(id);
  }
  std::uint64_t known = 0, unknown = 0;
  for (std::size_t t = 0; t < jobs.size(); ++t) (references[t] < 0 ? unknown : known) += jobs[t];
  if (unknown > 0) {
    const bool differ = kinds.size() > 1;
    // A public trace may well leave the device of all its jobs open.
    const auto table = reference_devices();
    const bool is_public = std::any_of(table.begin(), table.end(), [&](const ReferenceDevice& row) {
      return row.format == w.reports.front().format;
    });
    if (differ && ((known == 0 && !is_public) || !works_.empty())) {
      fault("workload",
            fmt::format("expected reference_device, on which the run times were observed, got "
                        "nothing: the partitions have {}, and their speeds differ",
                        fmt::join(kinds, ", ")));
      return;
    }
    if (works_.empty() && (differ || known > 0 || is_public)) {
      note(fmt::format(
          "the trace does not tell on which device {} of its jobs ran: they are as fast "
          "on each (workload.reference_device names one)",
          unknown));
    }
    if (!works_.empty()) {
      if (kinds.empty()) {
        fault("workload.profiles",
              "expected partitions with a device of the catalogue, because of "
              "profiles with a model");
        return;
      }
      note(fmt::format("run times are taken as those of {}, the only device there is",
                       *kinds.begin()));
      const std::int32_t only = add_reference(*kinds.begin());
      std::replace(references.begin(), references.end(), -1, only);
    }
  }

  std::set<std::int32_t> used;
  for (std::size_t t = 0; t < jobs.size(); ++t) {
    if (jobs[t] > 0) used.insert(references[t]);
  }
  if (used.size() == 1) {
    for (Profile& profile : setup.profiles) profile.reference = *used.begin();
  } else if (!used.empty()) {
    // A profile for each of them, in the order of the references.
    const std::size_t profiles = setup.profiles.size();
    std::vector<std::int16_t> first(references_.size() + 1);  // by reference + 1
    std::vector<Profile> all;
    for (const std::int32_t reference : used) {
      first[static_cast<std::size_t>(reference + 1)] = static_cast<std::int16_t>(all.size());
      for (std::size_t p = 0; p < profiles; ++p) {
        all.push_back(setup.profiles[p]);
        all.back().reference = reference;
      }
    }
    setup.profiles = std::move(all);
    setup.job_profile.resize(w.jobs.size(), 0);
    for (std::size_t j = 0; j < w.jobs.size(); ++j) {
      const std::int32_t reference = references[type_of(w.jobs[j])];
      setup.job_profile[j] = static_cast<std::int16_t>(
          setup.job_profile[j] + first[static_cast<std::size_t>(reference + 1)]);
    }
  }
  note_speeds();
}

/// Jobs that are known by a utilization have a measured speed on a device, or take it from its data
/// sheet: that is said.
void Assembler::note_speeds() {
  const std::vector<Profile>& profiles = out_.setup.profiles;
  std::set<std::pair<std::int32_t, std::size_t>> used;  // of a reference and a device
  for (std::size_t p = 0; p < profiles.size(); ++p) {
    if (profiles[p].work >= 0 || profiles[p].reference < 0) continue;
    for (std::size_t d = 0; d < out_.setup.devices.size(); ++d) {
      const std::string& device = out_.setup.devices[d].id;
      const auto measured = speeds_.find({static_cast<std::int32_t>(p), device});
      if (measured == speeds_.end()) {
        used.emplace(profiles[p].reference, d);
      } else {
        note(fmt::format("jobs of profile {} run {} times as fast on {} as on {}, as measured",
                         profiles[p].name, format_number(measured->second), device,
                         scenario_.workload.reference_device));
      }
    }
  }
  for (const auto& [r, d] : used) {
    const Device& from = references_[static_cast<std::size_t>(r)].device;
    const Device& to = out_.setup.devices[d];
    if (to.id != from.id) {
      if (const auto speed = device_speed(from, to)) {
        note(
            fmt::format("jobs without a model run kernels {:.2f} times as fast on {} as on {}, by "
                        "data sheet",
                        *speed, to.id, from.id));
      } else {
        note(
            fmt::format("jobs without a model are as fast on {} as on {}: there are no figures to "
                        "compare them by",
                        to.id, from.id));
      }
    }
  }
}

/// Faults of described jobs on devices where they may run, each said once.
void Assembler::check_described_jobs() {
  if (works_.empty()) return;
  const Workload& w = *out_.workload;
  const Setup& setup = out_.setup;
  std::vector<const PartitionSetup*> partitions;
  for (const SiteSetup& site : setup.sites) {
    for (const PartitionSetup& p : site.partitions) partitions.push_back(&p);
  }
  std::set<std::tuple<std::int32_t, std::int32_t, std::uint32_t>> seen;
  std::set<std::pair<std::int32_t, std::int32_t>> faulty;
  const auto check = [&](std::int32_t work_index, const Device& device, std::int32_t device_index,
                         std::uint32_t devices, std::uint32_t per_node) {
    if (!seen.emplace(work_index, device_index, devices).second) return;
    if (faulty.count({work_index, device_index}) > 0) return;
    const DescribedWork& described = works_[static_cast<std::size_t>(work_index)];
    const Precision math = described.precision.value_or(usual_precision(device));
    const std::uint32_t used = std::min(devices, per_node);
    const Work work = spread_over(described, device, devices, used, used);
    std::string message = precision_fault(device, math);
    if (message.empty()) message = memory_fault(*described.model, work, device);
    if (message.empty() && (device.memory_bytes_per_s <= 0 || device.peak(math) <= 0)) {
      message = "has no peak rate or memory bandwidth on " + device.id;
    }
    if (message.empty()) return;
    faulty.emplace(work_index, device_index);
    const double most = largest_batch(*described.model, work, usable_memory * device.memory_bytes);
    fault(fmt::format("workload.profiles[{}]",
                      profile_of_work_[static_cast<std::size_t>(work_index)]),
          fmt::format("a job of {} GPUs {}{}", devices, message,
                      most >= devices
                          ? fmt::format("; batch: {:.0f} would fit", std::floor(most / devices))
                          : ""));
  };
  for (std::size_t j = 0; j < w.jobs.size(); ++j) {
    const Job& job = w.jobs[j];
    const std::int16_t index = setup.job_profile.empty() ? std::int16_t{0} : setup.job_profile[j];
    const Profile& profile = setup.profiles[static_cast<std::size_t>(index)];
    if (profile.work < 0 || job.gpu_milli == 0 || !in_period(job)) continue;
    const std::uint32_t devices = (job.gpu_milli + 999) / 1000;
    const ReferenceRun& reference = references_[static_cast<std::size_t>(profile.reference)];
    check(profile.work, reference.device, -1 - profile.reference, devices,
          reference.devices_per_node);
    const std::vector<std::int16_t>* allowed = nullptr;
    if (job.gpu_type >= 0 && !setup.partitions_of_gpu_type.empty()) {
      allowed = &setup.partitions_of_gpu_type[static_cast<std::size_t>(job.gpu_type)];
    }
    for (std::size_t p = 0; p < partitions.size(); ++p) {
      if (partitions[p]->counts_cores) continue;
      if (allowed != nullptr && !allowed->empty() &&
          std::find(allowed->begin(), allowed->end(), static_cast<std::int16_t>(p)) ==
              allowed->end()) {
        continue;
      }
      check(profile.work, setup.devices[static_cast<std::size_t>(partitions[p]->device)],
            partitions[p]->device, devices, partitions[p]->units_per_node);
    }
  }
}

/// A profile as the simulation knows it; described work is added to works_.
void Assembler::add_profile(const ProfileSpec& spec, const std::string& key) {
  Profile profile{spec.name, spec.utilization.value_or(1.0), -1, -1};
  if (!spec.model.empty()) {
    const CatalogModel& entry = model_catalog().model(spec.model);
    add_catalog_file("model", entry.file, entry.sha256);
    DescribedWork described = described_work(spec, entry.model);
    const Work& work = described.work;
    for (const std::string& message :
         {phase_fault(entry.model, work.phase), length_fault(entry.model, work)}) {
      if (!message.empty()) fault(key, message);
    }
    profile.work = static_cast<std::int32_t>(works_.size());
    works_.push_back(std::move(described));
    profile_of_work_.push_back(out_.setup.profiles.size());
  }
  for (const auto& [name, speed] : spec.speed) {
    try {
      const std::string& device = catalog().device(name).device.id;
      const std::string& reference = scenario_.workload.reference_device;
      if (reference.empty()) {
        fault(key + ".speed",
              "expected workload.reference_device beside it: as fast as what is not known");
      } else if (device == catalog().device(reference).device.id) {
        fault(key + ".speed." + name,
              "expected another device than the reference, whose speed is 1");
      }
      speeds_[{static_cast<std::int32_t>(out_.setup.profiles.size()), device}] = speed;
    } catch (const InputError& e) {
      take_over(key + ".speed." + name, e);
    }
  }
  out_.setup.profiles.push_back(std::move(profile));
}

void Assembler::add_profiles_and_classes() {
  const WorkloadSpec& spec = scenario_.workload;
  const Workload& w = *out_.workload;
  Setup& setup = out_.setup;
  if (!spec.mix.empty()) {
    const CatalogMix& mix = catalog_mix(spec.mix);
    if (add_catalog_file("mix", mix.file, mix.sha256)) {
      note(fmt::format("jobs are those of the mix {} ({})", mix.id, mix.source));
      if (!mix.assumed.empty()) {
        note(fmt::format("mix {}: assumptions: {}", mix.id, fmt::join(mix.assumed, ", ")));
      }
    }
  }
  for (std::size_t p = 0; p < spec.profiles.size(); ++p) {
    add_profile(spec.profiles[p], fmt::format("workload.profiles[{}]", p));
  }
  if (setup.profiles.empty()) {
    setup.profiles.push_back({"default", 1.0, -1, -1});
    const bool measured = std::any_of(w.jobs.begin(), w.jobs.end(),
                                      [](const Job& j) { return !std::isnan(j.utilization); });
    note(measured ? "jobs without a measured utilization are taken as fully busy"
                  : "no utilization is known: a running job is taken as fully busy");
  }
  if (spec.classes.empty()) return;

  struct HalfOpen {
    double min = -std::numeric_limits<double>::infinity();
    double max = std::numeric_limits<double>::infinity();
    bool any = true;  ///< also what is not known
    [[nodiscard]] bool holds(double value) const { return any || (value >= min && value < max); }
  };
  const auto range_of = [](const auto& given, auto number) {
    HalfOpen range;
    if (!given) return range;
    range.any = false;
    range.min = number(given->min);
    if (given->max) range.max = number(*given->max);
    return range;
  };
  const auto plain = [](double value) { return value; };
  const auto in_s = [](Seconds value) { return to_seconds(value); };
  struct Matcher {
    // Whether an entry of the trace's tables matches; empty = all do.
    std::vector<bool> user, queue, gpu_type;
    HalfOpen hours, run_s, limit_s;
    double share;
    RandomStream draws;
    double min = 0.0, max = std::numeric_limits<double>::infinity();  // of GPUs, both included
    std::int16_t profile = 0;
  };
  const auto table = [&](const std::vector<std::string>& wanted, const StringTable& known,
                         bool alternatives, const std::string& key) {
    std::vector<bool> matches;
    if (wanted.empty()) return matches;
    std::set<std::string> seen;
    for (const std::string_view text : known.texts()) {
      bool any = false;
      std::size_t at = 0;
      do {
        const std::size_t bar =
            alternatives ? std::min(text.find('|', at), text.size()) : text.size();
        const std::string part(text.substr(at, bar - at));
        if (std::find(wanted.begin(), wanted.end(), part) != wanted.end()) {
          any = true;
          seen.insert(part);
        }
        at = bar + 1;
      } while (at < text.size());
      matches.push_back(any);
    }
    for (const std::string& text : wanted) {
      if (seen.count(text) == 0)
        note(fmt::format("{}: {} does not occur in the trace", key, quote(text)));
    }
    matches.push_back(false);  // of a job without an entry (index -1 is looked up as the last)
    return matches;
  };
  std::vector<Matcher> matchers;
  for (std::size_t i = 0; i < spec.classes.size(); ++i) {
    const ClassSpec& c = spec.classes[i];
    const std::string key = fmt::format("workload.classes[{}].match", i);
    Matcher m{table(c.match.user, w.users, false, key + ".user"),
              table(c.match.queue, w.queues, false, key + ".queue"),
              table(c.match.gpu_type, w.gpu_types, true, key + ".gpu_type"),
              range_of(c.match.gpu_hours, plain),
              range_of(c.match.run, in_s),
              range_of(c.match.limit, in_s),
              c.match.share.value_or(1.0),
              RandomStream(scenario_.seed, "class " + c.name)};
    if (c.match.gpus) {
      m.min = c.match.gpus->min;
      m.max = c.match.gpus->max.value_or(m.max);
    }
    for (std::size_t p = 0; p < spec.profiles.size(); ++p) {
      if (spec.profiles[p].name == c.profile) m.profile = static_cast<std::int16_t>(p);
    }
    matchers.push_back(std::move(m));
    setup.classes.push_back(c.name);
    ClassTraits traits;
    traits.slack_s = to_seconds(c.slack);
    traits.cap = c.cap.value_or(no_cap);
    if (c.pausable) {
      traits.pausable = PauseCost{
          to_seconds(c.pausable->checkpoint.time),
          c.pausable->checkpoint.energy_kwh * joules_per_kwh, to_seconds(c.pausable->restart.time),
          c.pausable->restart.energy_kwh * joules_per_kwh, to_seconds(c.pausable->every)};
    }
    traits.data_gb = c.data_gb;
    setup.class_traits.push_back(traits);
  }

  const auto holds = [](const std::vector<bool>& matches, std::int32_t index) {
    if (matches.empty()) return true;
    return static_cast<bool>(
        matches[index < 0 ? matches.size() - 1 : static_cast<std::size_t>(index)]);
  };
  setup.job_class.assign(w.jobs.size(), -1);
  setup.job_profile.assign(w.jobs.size(), 0);
  for (std::size_t j = 0; j < w.jobs.size(); ++j) {
    const Job& job = w.jobs[j];
    const double units = job.gpu_milli != 0 ? job.gpu_milli / 1000.0 : job.cores;
    const std::uint64_t id = id_number(job);
    for (std::size_t c = 0; c < matchers.size(); ++c) {
      const Matcher& m = matchers[c];
      const double hours = units * job.run_s / 3600.0;
      if (units < m.min || units > m.max || !m.hours.holds(hours) || !m.run_s.holds(job.run_s) ||
          !m.limit_s.holds(job.limit_s) || !holds(m.user, job.user) || !holds(m.queue, job.queue) ||
          !holds(m.gpu_type, job.gpu_type) || (m.share < 1.0 && m.draws.uniform(id) >= m.share)) {
        continue;
      }
      setup.job_class[j] = static_cast<std::int16_t>(c);
      setup.job_profile[j] = m.profile;
      break;
    }
  }
}

std::uint64_t Assembler::id_number(const Job& job) const {
  const Workload& w = *out_.workload;
  return w.ids_are_text ? text_number(w.id_text(job)) : static_cast<std::uint64_t>(job.id);
}

/// At which site each job is at home, and what the summary should say of moving its data.
void Assembler::add_homes() {
  const std::vector<SiteSpec>& sites = scenario_.sites;
  const bool moves = std::any_of(out_.setup.class_traits.begin(), out_.setup.class_traits.end(),
                                 [](const ClassTraits& c) { return c.data_gb > 0.0; });
  if (sites.size() > 1 && !moves) {
    note(
        "jobs have no data (data_gb is 0): moving one to another site takes neither time nor "
        "energy");
  }
  if (!scenario_.workload.home) return;
  const HomeSpec& spec = *scenario_.workload.home;
  const Workload& w = *out_.workload;
  std::vector<std::int16_t>& home = out_.setup.job_site;
  home.assign(w.jobs.size(), 0);
  const auto index_of = [&](const std::string& name) {
    const auto site =
        std::find_if(sites.begin(), sites.end(), [&](const SiteSpec& s) { return s.name == name; });
    return static_cast<std::int16_t>(site - sites.begin());
  };
  if (spec.by == HomeBy::job || spec.by == HomeBy::user) {
    std::vector<double> upto;  // running sum of the weights
    for (const SiteSpec& site : sites) {
      const auto share = spec.shares.find(site.name);
      const double weight = spec.shares.empty()          ? 1.0
                            : share == spec.shares.end() ? 0.0
                                                         : share->second;
      upto.push_back(weight + (upto.empty() ? 0.0 : upto.back()));
    }
    const RandomStream draws(scenario_.seed, "home");
    std::uint64_t nobody = 0;
    for (std::size_t j = 0; j < w.jobs.size(); ++j) {
      const Job& job = w.jobs[j];
      if (spec.by == HomeBy::user && job.user < 0) {
        nobody += in_period(job) ? 1 : 0;
        continue;
      }
      const std::uint64_t number =
          spec.by == HomeBy::user ? text_number(w.users[job.user]) : id_number(job);
      const double at = draws.uniform(number) * upto.back();
      home[j] =
          static_cast<std::int16_t>(std::upper_bound(upto.begin(), upto.end(), at) - upto.begin());
    }
    if (nobody > 0) {
      note(fmt::format("workload.home: {} jobs without a user are at home at {}", nobody,
                       sites.front().name));
    }
    return;
  }
  const bool by_class = spec.by == HomeBy::job_class;
  const std::vector<std::string>& classes = out_.setup.classes;
  const auto names =
      by_class ? std::vector<std::string_view>(classes.begin(), classes.end()) : w.queues.texts();
  std::vector<std::int16_t> site_of(names.size(), -1);
  for (const auto& [name, site] : spec.sites) {
    const auto found = std::find(names.begin(), names.end(), name);
    if (found == names.end()) {
      note(fmt::format("workload.home: {} does not occur in the trace", quote(name)));
    } else {
      site_of[static_cast<std::size_t>(found - names.begin())] = index_of(site);
    }
  }
  std::uint64_t others = 0;
  for (std::size_t j = 0; j < w.jobs.size(); ++j) {
    const Job& job = w.jobs[j];
    const std::int32_t index = !by_class                      ? job.queue
                               : out_.setup.job_class.empty() ? -1
                                                              : out_.setup.job_class[j];
    const std::int16_t site =
        index < 0 ? std::int16_t{-1} : site_of[static_cast<std::size_t>(index)];
    if (site < 0) others += in_period(job) ? 1 : 0;
    home[j] = std::max<std::int16_t>(site, 0);
  }
  if (others > 0) {
    note(fmt::format("workload.home: {} jobs that it does not name are at home at {}", others,
                     sites.front().name));
  }
}

/// The partitions that jobs with this type in the trace may use; empty = any.
std::vector<std::int16_t> Assembler::partitions_of_type(const std::string& type) {
  const auto& map = scenario_.workload.gpu_types;
  std::vector<std::int16_t> allowed;
  std::size_t at = 0;
  do {  // alternatives joined by '|'
    const std::size_t bar = std::min(type.find('|', at), type.size());
    const std::string part = type.substr(at, bar - at);
    at = bar + 1;
    if (const auto mapped = map.find(part); mapped != map.end()) {
      for (const std::string& name : mapped->second) allowed.push_back(partitions_.at(name));
      continue;
    }
    const std::vector<std::string> ids = catalog().ids_of(part);
    for (std::size_t p = 0; p < device_of_partition_.size(); ++p) {
      if (std::find(ids.begin(), ids.end(), device_of_partition_[p]) != ids.end()) {
        allowed.push_back(static_cast<std::int16_t>(p));
      }
    }
  } while (at < type.size());
  std::sort(allowed.begin(), allowed.end());
  allowed.erase(std::unique(allowed.begin(), allowed.end()), allowed.end());
  return allowed;
}

void Assembler::add_partition_maps() {
  const WorkloadSpec& spec = scenario_.workload;
  const Workload& w = *out_.workload;
  if (w.gpu_types.size() > 0) {
    std::vector<std::uint64_t> jobs(w.gpu_types.size(), 0);
    for (const Job& job : w.jobs) {
      if (job.gpu_type >= 0 && in_period(job)) ++jobs[static_cast<std::size_t>(job.gpu_type)];
    }
    for (std::size_t t = 0; t < w.gpu_types.size(); ++t) {
      const std::string type(w.gpu_types[static_cast<std::int32_t>(t)]);
      out_.setup.partitions_of_gpu_type.push_back(partitions_of_type(type));
      if (out_.setup.partitions_of_gpu_type.back().empty() && jobs[t] > 0) {
        note(
            fmt::format("GPU type {} is that of no partition: its {} jobs may run in any "
                        "(workload.gpu_types maps it)",
                        quote(type), jobs[t]));
      }
    }
  }
  const auto types = w.gpu_types.texts();
  for (const auto& [type, names] : spec.gpu_types) {
    const auto has = [&, t = type](std::string_view text) {
      return fmt::format("|{}|", text).find("|" + t + "|") != std::string::npos;
    };
    if (std::none_of(types.begin(), types.end(), has)) {
      note(fmt::format("workload.gpu_types: {} does not occur in the trace", quote(type)));
    }
  }
  if (spec.partitions.empty()) return;
  const auto queues = w.queues.texts();
  for (const std::string_view queue : queues) {
    const auto mapped = spec.partitions.find(std::string(queue));
    out_.setup.partition_of_queue.push_back(
        mapped == spec.partitions.end() ? std::int16_t{-1} : partitions_.at(mapped->second));
  }
  for (const auto& [queue, name] : spec.partitions) {
    if (std::find(queues.begin(), queues.end(), queue) == queues.end()) {
      note(fmt::format("workload.partitions: {} does not occur in the trace", quote(queue)));
    }
  }
}

/// A period without any submission is a slip, as a rule of the year.
void Assembler::check_submissions() {
  const Workload& w = *out_.workload;
  if (std::any_of(w.jobs.begin(), w.jobs.end(), [&](const Job& j) { return in_period(j); })) {
    if (scenario_.policies.order.name == "replay" &&
        std::all_of(w.jobs.begin(), w.jobs.end(),
                    [](const Job& j) { return std::isnan(j.start_s); })) {
      fault("policies.order", "expected a trace with recorded starts for 'replay'");
    }
    return;
  }
  if (w.jobs.empty()) {
    fault("workload.trace", "expected at least one job, got none");
    return;
  }
  const double start = static_cast<double>(out_.period_start_unix_s);
  fault("workload.trace",
        fmt::format("expected jobs submitted in the period {} to {}, got jobs from {} to {}; "
                    "workload.shift moves a trace",
                    format_instant(scenario_.period.start), format_instant(scenario_.period.end),
                    instant_text(start + submit_s(w.jobs.front())),
                    instant_text(start + submit_s(w.jobs.back()))));
}

DescribedWork described_work(const ProfileSpec& spec, const Model& model) {
  DescribedWork described;
  described.model = std::make_shared<Model>(model);
  described.precision = spec.precision;
  Work& work = described.work;
  work.phase = spec.phase.value_or(Phase::training);
  work.stack = spec.software.value_or(generates_text(work.phase) ? Stack::engine : Stack::eager);
  work.batch = spec.batch;
  const auto or_else = [](std::int64_t given, double usual) {
    return given > 0 ? static_cast<double>(given) : usual;
  };
  work.sequence = or_else(spec.sequence, model.sequence);
  if (work.phase == Phase::serving) {
    work.prompt = or_else(spec.prompt, usual_prompt);
    work.output = or_else(spec.output, usual_output);
    work.context = or_else(spec.context, work.prompt + work.output / 2);
  } else if (work.phase == Phase::decode) {
    work.context = or_else(spec.context, work.sequence);
  }
  work.fused_attention = spec.fused_attention;
  work.recompute = spec.recompute;
  const auto count = [](std::int64_t n) { return static_cast<std::uint32_t>(n); };
  work.parallel = {
      0, count(spec.tensor), count(spec.pipeline), count(spec.expert), count(spec.micro_batches),
      0};
  return described;
}

Assembled assemble(const Loaded& loaded) { return Assembler(loaded).run(); }

void stamp(const Loaded& loaded, const Assembled& assembled, RunResult& result) {
  result.title = loaded.scenario.name;
  result.scenario_yaml = loaded.canonical_yaml;
  result.scenario_sha256 = loaded.sha256;
  result.seed = static_cast<std::int64_t>(loaded.scenario.seed);
  result.period_start_unix_s = assembled.period_start_unix_s;
  result.period_start_fraction_s = assembled.period_start_fraction_s;
  result.inputs = assembled.inputs;
  result.counts.insert(result.counts.begin(), assembled.counts.begin(), assembled.counts.end());
  result.notes.insert(result.notes.begin(), assembled.notes.begin(), assembled.notes.end());
}

}  // namespace nightwatt
