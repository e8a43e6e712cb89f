#include "analysis/cap_saving.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <stdexcept>
#include <tuple>
#include <utility>

#include "analysis/run_model.hpp"
#include "analysis/text.hpp"
#include "energy/facility.hpp"
#include "scenarios/shared_terms.hpp"
#include "traces/diagnostics.hpp"

namespace nightwatt {
namespace {

constexpr Watts no_cap = watts(std::numeric_limits<double>::infinity());
/// Rates nearer to each other than this are the same.
constexpr double rounding = 1e-9;

/// Running integrals over a site's steps of what one watt above idle is charged.
class ChargePerWatt {
 public:
  ChargePerWatt(const SiteResult& site, double fixed_share) : steps_(site.steps) {
    ChargeChange sum;
    for (std::size_t i = 0; i < steps_.size(); ++i) {
      const TailStep& s = steps_[i];
      const double facility_w = facility_power({fixed_share, Watts{}}, s.pue).a;
      rates_.push_back({facility_w, facility_w / joules_per_kwh * s.carbon_intensity_g_per_kwh,
                        facility_w / joules_per_kwh * s.price_per_kwh});
      until_.push_back(sum);
      if (i + 1 < steps_.size()) sum = after(i, steps_[i + 1].time_s);
    }
  }

  /// Of one watt from one instant to another. The last step holds on.
  [[nodiscard]] ChargeChange between(double from_s, double to_s) const {
    const ChargeChange a = at(from_s), b = at(to_s);
    return {b.facility_j - a.facility_j, b.carbon_g - a.carbon_g, b.cost - a.cost};
  }

 private:
  [[nodiscard]] ChargeChange after(std::size_t step, double time_s) const {
    const double dt_s = time_s - steps_[step].time_s;
    const ChargeChange& sum = until_[step];
    const ChargeChange& rate = rates_[step];
    return {sum.facility_j + rate.facility_j * dt_s, sum.carbon_g + rate.carbon_g * dt_s,
            sum.cost + rate.cost * dt_s};
  }
  [[nodiscard]] ChargeChange at(double time_s) const {
    const auto next =
        std::upper_bound(steps_.begin(), steps_.end(), time_s,
                         [](double t, const TailStep& step) { return t < step.time_s; });
    return after(static_cast<std::size_t>(std::max<std::ptrdiff_t>(1, next - steps_.begin()) - 1),
                 time_s);
  }

  const std::vector<TailStep>& steps_;
  std::vector<ChargeChange> rates_, until_;  ///< by step: a second of it; all before it
};

/// Time and energy of a job under the cap over those without.
struct Ratio {
  double time = 1.0, energy = 1.0;
};

/// Answers for one kind of job on the devices of one partition.
class Answers {
 public:
  Answers(const TimelineFile& file, const CapChoice& choice, CapSaving& out)
      : file_(file),
        scenario_(parse_scenario(file.header().scenario_yaml, "scenario").scenario),
        partitions_(file, scenario_),
        terms_(shared_terms(catalog().folders(), "caps")),
        choice_(choice),
        out_(out) {}

  struct Job {
    std::int64_t site, partition, profile;
    double gpus, gpu_seconds, it_energy_j;
  };
  /// None where the job's device cannot be capped. `idle` is that of a GPU.
  std::optional<Ratio> ratio(const Job& job, Watts& idle) {
    const PartitionSpec* partition = partitions_.of(job.site, job.partition);
    const Capped* capped = partition == nullptr ? nullptr : device(*partition);
    if (capped == nullptr) return std::nullopt;
    const Device& card = capped->entry->device;
    idle = card.idle;
    const Watts drawn = watts(job.it_energy_j / job.gpu_seconds) - partition->host.active_per_gpu;
    const ProfileSpec* profile =
        job.profile < 0
            ? nullptr
            : profile_of(scenario_,
                         file_.table("profile").at(static_cast<std::size_t>(job.profile)));
    const bool described = profile != nullptr && !profile->model.empty();
    const auto gpus = static_cast<std::uint32_t>(std::max(1.0, std::ceil(job.gpus)));
    const float utilization = described
                                  ? std::numeric_limits<float>::quiet_NaN()
                                  : static_cast<float>(utilization_at(card, drawn).value_or(1.0));
    const Key key{partition, profile, described ? gpus : 1, described ? -1.0F : utilization};
    const auto known = known_.find(key);
    if (known != known_.end()) return known->second;
    std::optional<Ratio> answer;
    try {
      auto& model = models_[{partition, profile}];
      if (!model) model = model_of_kind(*partition, card, capped->terms, profile, 1.0);
      const PlacementShape shape = compact_shape(*partition, described ? gpus : 1);
      const OperatingPoint free = model->query(0, 0, shape, utilization, no_cap);
      const OperatingPoint held = model->query(0, 0, shape, utilization, capped->limit);
      answer = Ratio{free.rate / held.rate,
                     (held.gpu + held.host) / held.rate / ((free.gpu + free.host) / free.rate)};
    } catch (const std::invalid_argument& error) {
      note(fmt::format("{}: {}", card.id, error.what()));
    } catch (const std::domain_error& error) {
      note(fmt::format("{}: {}", card.id, error.what()));
    }
    return known_.emplace(key, answer).first->second;
  }

 private:
  struct Capped {
    const CatalogDevice* entry;
    DeviceCapTerms terms;
    Watts limit;
  };
  using Key = std::tuple<const PartitionSpec*, const ProfileSpec*, std::uint32_t, float>;

  void note(const std::string& text) {
    if (std::find(out_.notes.begin(), out_.notes.end(), text) == out_.notes.end()) {
      out_.notes.push_back(text);
    }
  }

  /// Null where it has no caps.
  const Capped* device(const PartitionSpec& partition) {
    const auto [at, fresh] = devices_.emplace(&partition, std::nullopt);
    if (!fresh) return at->second ? &*at->second : nullptr;
    if (partition.device.id.empty()) {
      note(
          fmt::format("partition {}: its device is not of the catalogue, so its caps are not known",
                      printable(partition.name)));
      return nullptr;
    }
    const CatalogDevice& entry = catalog().device(partition.device.id);
    const Device& card = entry.device;
    if (!(card.max_cap > Watts{})) {
      note(fmt::format("{} cannot be capped", card.id));
      return nullptr;
    }
    if (!same_as_in_run(file_, entry)) {
      note(fmt::format("{}: the catalogue's figures are not those of the run any more", card.id));
    }
    Watts limit = choice_.limit;
    if (limit > Watts{}) {
      if (limit < card.min_cap || limit > card.max_cap) {
        throw InputError(fmt::format("--cap: expected {} to {} for {}, got {}",
                                     power_text(card.min_cap), power_text(card.max_cap), card.id,
                                     power_text(limit)));
      }
    } else {
      limit = std::clamp(choice_.share_of_highest * card.max_cap, card.min_cap, card.max_cap);
    }
    const std::pair<std::string, Watts> used{card.id, limit};
    if (std::find(out_.limits.begin(), out_.limits.end(), used) == out_.limits.end()) {
      out_.limits.push_back(used);
    }
    at->second = Capped{&entry, cap_terms_of(terms_, card.id), limit};
    return &*at->second;
  }

  const TimelineFile& file_;
  Scenario scenario_;
  RunPartitions partitions_;
  SharedTerms terms_;
  CapChoice choice_;
  CapSaving& out_;
  std::map<const PartitionSpec*, std::optional<Capped>> devices_;
  std::map<std::pair<const PartitionSpec*, const ProfileSpec*>,
           std::shared_ptr<const JobEnergyModel>>
      models_;
  std::map<Key, std::optional<Ratio>> known_;
};

void add(ChargeChange& sum, const ChargeChange& per_w, double w) {
  sum.facility_j += per_w.facility_j * w;
  sum.carbon_g += per_w.carbon_g * w;
  sum.cost += per_w.cost * w;
}

}  // namespace

CapSaving cap_saving(const TimelineFile& file, const std::vector<std::size_t>& rows,
                     const CapChoice& choice, const std::array<double, 2>& fixed_shares) {
  CapSaving out;
  const auto submit_s = file.jobs_double("submit_time"), start_s = file.jobs_double("start_time"),
             end_s = file.jobs_double("end_time"), run_s = file.jobs_double("run_s"),
             queue_s = file.jobs_double("queue_s"), gpus = file.jobs_double("gpus"),
             gpu_seconds = file.jobs_double("gpu_seconds"),
             energy_j = file.jobs_double("it_energy_j"), cap_w = file.jobs_double("cap_w");
  const auto site = file.jobs_int("site"), partition = file.jobs_int("partition"),
             profile = file.jobs_int("profile");
  std::vector<std::size_t> index_of_site;  // of the column's values
  for (const std::string& name : file.table("site")) {
    const auto& all = file.sites();
    const auto at = std::find_if(all.begin(), all.end(),
                                 [&](const SiteResult& each) { return each.name == name; });
    index_of_site.push_back(static_cast<std::size_t>(at - all.begin()));
  }
  std::vector<std::array<ChargePerWatt, 2>> charges;
  for (const SiteResult& each : file.sites()) {
    if (each.steps.empty()) {
      throw InputError("the file does not tell its signals (an earlier nightwatt wrote it)");
    }
    charges.push_back({ChargePerWatt(each, fixed_shares[0]), ChargePerWatt(each, fixed_shares[1])});
  }

  Answers answers(file, choice, out);
  std::size_t ended = 0, beyond = 0;
  for (const std::size_t row : rows) {
    if (site[row] < 0 || !(gpu_seconds[row] > 0.0)) continue;  // rejected, or never started
    if (!std::isnan(cap_w[row])) {
      throw InputError("the run had power caps itself; state a run without (policies.cap: none)");
    }
    if (queue_s[row] > 0.0) ++out.waited;
    out.jobs_it_of_j += energy_j[row];
    const bool runs_on = std::isnan(end_s[row]);
    const double from_s = start_s[row];
    const double to_s = runs_on ? file.header().file_end_s : end_s[row];
    if (!runs_on) {
      ++ended;
      out.completion_of_s += to_s - submit_s[row];
    }
    Watts idle;
    const auto ratio = answers.ratio(
        {site[row], partition[row], profile[row], gpus[row], gpu_seconds[row], energy_j[row]},
        idle);
    if (!ratio || !(to_s > from_s)) continue;
    ++out.jobs;
    if (ratio->time > 1.0 + rounding) ++out.slowed;
    // A job that still runs at the end of the file does less until then.
    const double stretch = runs_on ? 1.0 : ratio->time;
    const double capped_j = energy_j[row] * ratio->energy / ratio->time * stretch;
    const double longer_s = run_s[row] * (stretch - 1.0);
    const double idle_j = to_watts(idle) * gpu_seconds[row];
    out.jobs_it_j += capped_j - energy_j[row];
    out.it_j += (capped_j - idle_j * stretch) - (energy_j[row] - idle_j);
    if (!runs_on) out.completion_s += longer_s;

    const std::size_t s = index_of_site.at(static_cast<std::size_t>(site[row]));
    if (to_s + longer_s > file.sites()[s].steps_end_s) ++beyond;
    const double w = (energy_j[row] - idle_j) / (to_s - from_s);
    const double capped_w = (capped_j - idle_j * stretch) / (to_s - from_s + longer_s);
    for (std::size_t f = 0; f < fixed_shares.size(); ++f) {
      add(out.change[f], charges[s][f].between(from_s, to_s + longer_s), capped_w);
      add(out.change[f], charges[s][f].between(from_s, to_s), -w);
    }
  }
  if (out.jobs == 0) {
    throw InputError(out.notes.empty() ? "no job ran on a device that can be capped"
                                       : out.notes.front());
  }
  if (ended > 0) {
    out.completion_s /= static_cast<double>(ended);
    out.completion_of_s /= static_cast<double>(ended);
  }
  for (const SiteResult& each : file.sites()) {
    if (each.to_file_end.term_j[static_cast<std::size_t>(Term::asleep)] > 0.0) {
      out.notes.push_back(
          fmt::format("nodes of site {} slept; longer jobs would have kept more of them awake, "
                      "which is left out",
                      printable(each.name)));
    }
  }
  if (beyond > 0) {
    out.notes.push_back(fmt::format(
        "{} of the jobs would have ended after the site's series: their last values hold on",
        grouped(beyond)));
  }
  return out;
}

}  // namespace nightwatt
