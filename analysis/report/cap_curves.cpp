#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <optional>
#include <stdexcept>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "analysis/report/parts.hpp"
#include "analysis/run_model.hpp"
#include "scenarios/assemble.hpp"
#include "scenarios/catalog.hpp"
#include "scenarios/model_catalog.hpp"
#include "scenarios/scenario.hpp"
#include "scenarios/shared_terms.hpp"
#include "traces/diagnostics.hpp"

namespace nightwatt::report {
namespace {

/// The pairs of device and profile with the most GPU-seconds; more would not be told apart.
constexpr std::size_t most_curves = 6;
constexpr int cap_steps = 30;
constexpr Watts no_cap = watts(std::numeric_limits<double>::infinity());

/// What the jobs of a profile did on a device.
struct Use {
  std::string device, profile;
  double gpu_seconds = 0.0;
  double uncapped_j = 0.0, uncapped_gpu_seconds = 0.0;
  double capped_w_seconds = 0.0, capped_gpu_seconds = 0.0;
  double host_w_seconds = 0.0;                      ///< active power of the hosts, per GPU held
  std::map<std::uint32_t, double> seconds_by_gpus;  ///< GPU-seconds of jobs of that size
};

std::vector<Use> uses_of(const TimelineFile& file, const JobColumns& jobs,
                         const Scenario& scenario) {
  RunPartitions partitions(file, scenario);
  const auto& devices = file.table("device");
  const auto& profiles = file.table("profile");
  std::map<std::pair<std::int64_t, std::int64_t>, Use> uses;
  for (std::size_t j = 0; j < jobs.size(); ++j) {
    const double held = jobs.gpu_seconds(j);
    if (jobs.device[j] < 0 || jobs.profile[j] < 0 || jobs.site[j] < 0 || !(held > 0.0)) continue;
    Use& use = uses[{jobs.device[j], jobs.profile[j]}];
    if (use.device.empty()) {
      use.device = devices.at(static_cast<std::size_t>(jobs.device[j]));
      use.profile = profiles.at(static_cast<std::size_t>(jobs.profile[j]));
    }
    use.gpu_seconds += held;
    if (std::isnan(jobs.cap_w[j])) {
      use.uncapped_j += jobs.it_energy_j[j];
      use.uncapped_gpu_seconds += held;
      if (const PartitionSpec* p = partitions.of(jobs.site[j], jobs.partition[j])) {
        use.host_w_seconds += to_watts(p->host.active_per_gpu) * held;
      }
    } else {
      use.capped_w_seconds += jobs.cap_w[j] * held;
      use.capped_gpu_seconds += held;
    }
    use.seconds_by_gpus[static_cast<std::uint32_t>(std::max(1.0, std::ceil(jobs.gpus[j])))] += held;
  }
  std::vector<Use> out;
  for (auto& [pair, use] : uses) out.push_back(std::move(use));
  std::stable_sort(out.begin(), out.end(),
                   [](const Use& a, const Use& b) { return a.gpu_seconds > b.gpu_seconds; });
  return out;
}

std::uint32_t usual_gpus(const Use& use) {
  return std::max_element(use.seconds_by_gpus.begin(), use.seconds_by_gpus.end(),
                          [](const auto& a, const auto& b) { return a.second < b.second; })
      ->first;
}

/// That at which the device's mean power is what the run's uncapped jobs drew; none if all were
/// capped.
std::optional<double> utilization_in_run(const Use& use, const Device& device) {
  if (!(use.uncapped_gpu_seconds > 0.0)) return std::nullopt;
  return utilization_at(device,
                        watts((use.uncapped_j - use.host_w_seconds) / use.uncapped_gpu_seconds));
}

struct Question {
  const Use& use;
  const Device& device;
  const DeviceCapTerms& caps;
  const PartitionSpec& partition;
  const ProfileSpec* profile;  ///< none = the scenario gives no profiles
};

/// The run's energy model for one device and one kind of job, which run where they were observed.
struct Model {
  std::shared_ptr<const JobEnergyModel> energy;
  PlacementShape shape;
  std::string of;  ///< what the job is, in words
};

Model model_of(const Question& q) {
  Model out;
  if (q.profile == nullptr || q.profile->model.empty()) {
    const double given = q.profile == nullptr ? 1.0 : q.profile->utilization.value_or(1.0);
    const auto in_run = utilization_in_run(q.use, q.device);
    const double utilization = in_run.value_or(given);
    out.energy = model_of_kind(q.partition, q.device, q.caps, q.profile, utilization);
    out.shape.gpu_milli = 1000;
    out.of = fmt::format("utilization {:.0f} %{}", utilization * 100.0,
                         in_run ? ", as in this run" : ", as the scenario gives it");
    return out;
  }
  out.energy = model_of_kind(q.partition, q.device, q.caps, q.profile, 1.0);
  const std::uint32_t gpus = usual_gpus(q.use);
  out.shape = compact_shape(q.partition, gpus);
  out.of = fmt::format(
      "{} {}, {} GPU{}", q.profile->model,
      phase_name(
          described_work(*q.profile, model_catalog().model(q.profile->model).model).work.phase),
      gpus, gpus == 1 ? "" : "s");
  return out;
}

Json curve(const Question& q) {
  const Model model = model_of(q);
  const auto query = [&](Watts cap) {
    return model.energy->query(0, 0, model.shape, std::numeric_limits<float>::quiet_NaN(), cap);
  };
  const OperatingPoint free = query(no_cap);
  const double free_j = to_watts(free.gpu + free.host) / free.rate;
  std::vector<double> cap_w, rate, energy, power;
  const double min = to_watts(q.device.min_cap), max = to_watts(q.device.max_cap);
  for (int i = 0; i <= cap_steps; ++i) {
    const double w = std::clamp(std::round(min + (max - min) * i / cap_steps), min, max);
    if (!cap_w.empty() && w <= cap_w.back()) continue;
    const OperatingPoint point = query(watts(w));
    cap_w.push_back(w);
    rate.push_back(point.rate / free.rate);
    energy.push_back(to_watts(point.gpu + point.host) / point.rate / free_j);
    power.push_back(to_watts(point.gpu));
  }
  return {{"device", q.use.device},
          {"profile", q.use.profile},
          {"of", model.of},
          {"gpu_hours", q.use.gpu_seconds / 3600.0},
          {"uncapped_w", to_watts(free.gpu)},
          {"cap_in_run_w", q.use.capped_gpu_seconds > 0.0
                               ? q.use.capped_w_seconds / q.use.capped_gpu_seconds
                               : unknown},
          {"cap_w", cap_w},
          {"rate", rate},
          {"energy", energy},
          {"power_w", power}};
}

}  // namespace

Json cap_curves(const TimelineFile& file, const JobColumns& jobs) {
  Json out = {{"curves", Json::array()}, {"notes", Json::array()}};
  std::vector<std::string> notes;
  const auto note = [&](std::string text) {
    if (std::find(notes.begin(), notes.end(), text) == notes.end())
      notes.push_back(std::move(text));
  };
  try {
    const Scenario scenario = parse_scenario(file.header().scenario_yaml, "scenario").scenario;
    const SharedTerms terms = shared_terms(catalog().folders(), "caps");
    for (const Use& use : uses_of(file, jobs, scenario)) {
      if (out["curves"].size() == most_curves) {
        note(fmt::format("shown are the {} pairs of device and profile with the most GPU-hours",
                         most_curves));
        break;
      }
      const PartitionSpec* partition = nullptr;
      const CatalogDevice* entry = nullptr;
      for (const SiteSpec& site : scenario.sites) {
        for (const PartitionSpec& p : site.partitions) {
          if (partition != nullptr || p.device.id.empty()) continue;
          const CatalogDevice& candidate = catalog().device(p.device.id);
          if (candidate.device.id != use.device) continue;
          partition = &p;
          entry = &candidate;
        }
      }
      if (entry == nullptr) {
        note(fmt::format("{}: not a device of the catalogue, so its caps are not known",
                         use.device));
        continue;
      }
      if (!(entry->device.max_cap > Watts{})) {
        note(fmt::format("{}: cannot be capped", use.device));
        continue;
      }
      if (!same_as_in_run(file, *entry)) {
        note(fmt::format("{}: the catalogue's figures are not those of the run any more",
                         use.device));
      }
      const ProfileSpec* profile = profile_of(scenario, use.profile);
      const DeviceCapTerms caps = cap_terms_of(terms, use.device);
      try {
        out["curves"].push_back(curve({use, entry->device, caps, *partition, profile}));
      } catch (const std::invalid_argument& error) {
        note(fmt::format("{}, profile {}: {}", use.device, use.profile, error.what()));
      } catch (const std::domain_error& error) {
        note(fmt::format("{}, profile {}: {}", use.device, use.profile, error.what()));
      }
    }
  } catch (const InputError& error) {
    // A catalogue or a scenario's key that this program does not have: only these curves are lost.
    note(fmt::format("caps could not be computed: {}", error.what()));
  }
  out["notes"] = notes;
  return out;
}

}  // namespace nightwatt::report
