#include "analysis/measurements/caps.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <set>
#include <stdexcept>

#include "analysis/least_squares.hpp"

namespace nightwatt {
namespace {

/// A cap at least so many times the mean power does not act: in the Zeus trace nothing changes
/// above it.
constexpr double idle_cap_factor = 1.35;
/// The lowest power of a file is that of a waiting device only if it is small; else the
/// catalogue's idle power is taken.
constexpr double waiting_limit = 0.3;

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  const std::size_t n = values.size();
  return n % 2 == 1 ? values[n / 2] : 0.5 * (values[n / 2 - 1] + values[n / 2]);
}

/// Columns of both kinds under one name.
struct Columns {
  explicit Columns(const MeasuredFile& file) {
    const bool several = file.kind().name == "power-caps-multi-gpu";
    device = &file.text("gpu");
    network = &file.text(several ? "model" : "network");
    cap = &file.number("power_limit_w");
    power = &file.number(several ? "avg_power_per_gpu_w" : "avg_gpu_power_w");
    time = &file.number(several ? "window_time_s" : "time_per_epoch_s");
    energy = &file.number(several ? "total_gpu_energy_j" : "gpu_energy_per_epoch_j");
    if (several) {
      gpus = &file.number("num_gpus");
    } else {
      batch = &file.number("batch_size");
      dataset = &file.text("dataset");
      optimizer = &file.text("optimizer");
    }
  }
  [[nodiscard]] std::string workload(std::size_t row) const {
    return gpus != nullptr
               ? fmt::format("{}/{} GPU", (*network)[row], (*gpus)[row])
               : fmt::format("{}/{}/{}", (*network)[row], (*dataset)[row], (*optimizer)[row]);
  }

  const std::vector<std::string>*device, *network, *dataset = nullptr, *optimizer = nullptr;
  const std::vector<double>*cap, *power, *time, *energy, *batch = nullptr, *gpus = nullptr;
};

CapRow reference_of(const CapRow& uncapped, const std::vector<CapRow>& rows) {
  std::vector<double> time, power, energy;
  for (const CapRow& row : rows) {
    if (row.cap_w < uncapped.cap_w && row.cap_w < idle_cap_factor * uncapped.power_w) continue;
    time.push_back(row.time);
    power.push_back(row.power_w);
    energy.push_back(row.energy);
  }
  CapRow out = uncapped;
  out.time = median(time);
  out.power_w = median(power);
  out.energy = median(energy);
  return out;
}

std::vector<CapLoad> loads(const CapGroup& group, const CapFit& fit) {
  std::vector<UncappedRun> runs;
  for (const CapJob& job : group.jobs) {
    runs.push_back({job.batch, job.reference.time, watts(job.reference.power_w)});
  }
  const auto own = fit.workloads.find(group.key());
  return loads_of(runs, fit.shared, own == fit.workloads.end() ? CapWorkloadTerms{} : own->second,
                  group.device);
}

const CapTerms& device_terms(const CapGroup& group, const CapFit& fit) {
  const auto found = fit.devices.find(group.catalog->device.id);
  return found == fit.devices.end() ? fit.unseen : found->second;
}

}  // namespace

std::string CapGroup::key() const {
  return (catalog == nullptr ? device_name : catalog->device.id) + "/" + workload;
}

bool CapGroup::meets_a_cap() const {
  return std::any_of(jobs.begin(), jobs.end(), [&](const CapJob& job) {
    return idle_cap_factor * job.uncapped.power_w > lowest_cap_w;
  });
}

CapFile cap_file(const MeasuredFile& file, Catalog& catalog) {
  const Columns columns(file);
  CapFile out;
  out.file = &file;

  struct Limits {
    double lowest_cap = 1e300, highest_cap = 0.0, lowest_power = 1e300;
  };
  std::map<std::string, Limits> limits;
  for (std::size_t row = 0; row < file.rows(); ++row) {
    Limits& l = limits[(*columns.device)[row]];
    l.lowest_cap = std::min(l.lowest_cap, (*columns.cap)[row]);
    l.highest_cap = std::max(l.highest_cap, (*columns.cap)[row]);
    l.lowest_power = std::min(l.lowest_power, (*columns.power)[row]);
  }

  std::map<std::pair<std::string, std::string>, std::map<double, CapJob>> jobs;
  std::map<std::pair<std::string, std::string>, std::string> networks;
  for (std::size_t row = 0; row < file.rows(); ++row) {
    const std::pair key((*columns.device)[row], columns.workload(row));
    const double batch = columns.batch == nullptr ? 1.0 : (*columns.batch)[row];
    CapJob& job = jobs[key][batch];
    job.batch = batch;
    job.rows.push_back({row, (*columns.cap)[row], (*columns.time)[row], (*columns.power)[row],
                        (*columns.energy)[row]});
    networks[key] = (*columns.network)[row];
  }

  for (auto& [key, by_batch] : jobs) {
    const Limits& l = limits[key.first];
    CapGroup group;
    group.device_name = key.first;
    group.workload = key.second;
    group.network = networks[key];
    group.lowest_cap_w = l.lowest_cap;
    const DeviceMatch match = catalog.find_device(key.first, file.kind().source);
    group.catalog = match.device;
    const auto leave_out = [&](const CapJob& job, const std::string& why) {
      for (const CapRow& row : job.rows) {
        out.not_covered.push_back({row.row, group.device_name, group.network, "training", why});
      }
    };
    if (group.catalog != nullptr) {
      const Device& device = group.catalog->device;
      group.device.tdp = device.tdp > watts(0) ? device.tdp : device.busy;
      group.device.highest_cap = watts(l.highest_cap);
      const bool waits = l.lowest_power < waiting_limit * to_watts(group.device.tdp);
      group.device.waiting =
          std::min(waits ? watts(l.lowest_power) : device.idle, watts(0.9 * l.lowest_cap));
    }
    for (auto& [batch, job] : by_batch) {
      const auto top = std::find_if(job.rows.begin(), job.rows.end(),
                                    [&](const CapRow& r) { return r.cap_w == l.highest_cap; });
      if (group.catalog == nullptr) {
        leave_out(job, match.reason);
      } else if (top == job.rows.end()) {
        leave_out(job, "the job has no row at the device's highest cap");
      } else {
        job.uncapped = *top;
        job.reference = reference_of(job.uncapped, job.rows);
        group.jobs.push_back(std::move(job));
      }
    }
    if (!group.jobs.empty()) out.groups.push_back(std::move(group));
  }
  return out;
}

std::vector<Prediction> predict_caps(const std::vector<CapGroup>& groups, const CapFit& fit,
                                     CapReference reference, const CapFilter& ask) {
  std::vector<Prediction> out;
  for (const CapGroup& group : groups) {
    const std::vector<CapLoad> of = loads(group, fit);
    const CapTerms& terms = device_terms(group, fit);
    for (std::size_t i = 0; i < group.jobs.size(); ++i) {
      const CapJob& job = group.jobs[i];
      if (ask && !ask(group, job)) continue;
      const CapRow& base = reference == CapReference::median ? job.reference : job.uncapped;
      for (const CapRow& row : job.rows) {
        if (!capped(job, row)) continue;
        const CapRatio ratio = ratio_at_cap(of[i], terms, group.device, watts(row.cap_w));
        const auto add = [&](const char* quantity, double predicted, double measured) {
          out.push_back({row.row, group.catalog->device.id, group.network, "training", quantity,
                         predicted, measured, false});
        };
        add("time_at_cap", ratio.time, row.time / base.time);
        add("energy_at_cap", ratio.energy, row.energy / base.energy);
      }
    }
  }
  return out;
}

namespace {

/// The capped rows of the jobs in use, as log ratios of predicted to measured.
class CapRows {
 public:
  CapRows(std::vector<const CapGroup*> groups, const CapFilter& use)
      : groups_(std::move(groups)), use_(use) {
    each([&](const CapGroup&, const CapJob&, std::size_t, const CapRow&) { count_ += 2; });
  }
  /// Residuals: two a row.
  [[nodiscard]] std::size_t count() const { return count_; }
  void residuals(const CapFit& fit, std::span<double> out) const {
    std::size_t at = 0;
    const CapGroup* last = nullptr;
    std::vector<CapLoad> of;
    each([&](const CapGroup& group, const CapJob& job, std::size_t index, const CapRow& row) {
      if (&group != last) of = loads(group, fit);
      last = &group;
      // Rows that no cap reaches carry noise only.
      const double weight = group.meets_a_cap() ? 1.0 : 0.3;
      const CapRatio ratio =
          ratio_at_cap(of[index], device_terms(group, fit), group.device, watts(row.cap_w));
      out[at++] = weight * std::log(ratio.time * job.reference.time / row.time);
      out[at++] = weight * std::log(ratio.energy * job.reference.energy / row.energy);
    });
  }

 private:
  template <class F>
  void each(const F& f) const {
    for (const CapGroup* group : groups_) {
      for (std::size_t i = 0; i < group->jobs.size(); ++i) {
        const CapJob& job = group->jobs[i];
        if (use_ && !use_(*group, job)) continue;
        for (const CapRow& row : job.rows) {
          if (capped(job, row)) f(*group, job, i, row);
        }
      }
    }
  }

  std::vector<const CapGroup*> groups_;
  const CapFilter& use_;
  std::size_t count_ = 0;
};

}  // namespace

CapFit fit_caps(const std::vector<CapGroup>& groups, const CapFitOptions& options) {
  std::vector<const CapGroup*> used;
  std::set<std::string> ids;
  for (const CapGroup& group : groups) {
    if (CapRows({&group}, options.use).count() == 0) continue;
    used.push_back(&group);
    ids.insert(group.catalog->device.id);
  }
  if (used.empty()) throw std::invalid_argument("no capped rows to fit to");
  const std::vector<std::string> devices(ids.begin(), ids.end());

  // The standard values are priors; weak ridges keep what the rows do not say near them. The
  // hidden demand is learnt from the few workloads that reach the limit: a stronger one.
  const CapSharedTerms shared;
  const CapTerms standard;
  std::vector<FitParameter> parameters = {{shared.busy_share, 0.3, 0.99, 0.02},
                                          {shared.clock_share, 0.06, 0.9, 0.02},
                                          {shared.hidden_slope, 0.01, 2.0, 0.02},
                                          {shared.hidden_demand, 1.0, 2.0, 0.1}};
  for (std::size_t i = 0; i < devices.size(); ++i) {
    parameters.push_back({standard.voltage_floor, 0.5, 0.999, 0.02});
    parameters.push_back({standard.knee, 0.1, 0.95, 0.02});
    parameters.push_back({standard.static_share, 0.05, 0.6, 0.02});
  }
  const auto unpack = [&](std::span<const double> v) {
    CapFit fit;
    fit.shared = {v[0], v[1], v[2], v[3]};
    for (std::size_t i = 0; i < devices.size(); ++i) {
      fit.devices[devices[i]] = {v[4 + 3 * i], v[5 + 3 * i], v[6 + 3 * i]};
    }
    return fit;
  };
  const CapRows rows(used, options.use);
  CapFit fit = unpack(fit_robust(parameters, rows.count(),
                                 [&](std::span<const double> values, std::span<double> out) {
                                   rows.residuals(unpack(values), out);
                                 })
                          .values);
  std::vector<double> floors, knees, shares;
  for (const auto& [id, terms] : fit.devices) {
    floors.push_back(terms.voltage_floor);
    knees.push_back(terms.knee);
    shares.push_back(terms.static_share);
  }
  fit.unseen = {median(floors), median(knees), median(shares)};
  if (!options.workload_terms) return fit;

  // What sets a workload apart is asked only after what all have in common is settled, so that
  // workloads without terms of their own are predicted by the best common ones.
  for (const CapGroup* group : used) {
    if (!group->meets_a_cap()) continue;
    const CapRows own({group}, options.use);
    CapFit trial = fit;
    const auto with = [&](std::span<const double> v) -> CapFit& {
      trial.workloads[group->key()] = {v[0], v[1], v[2]};
      return trial;
    };
    // A shift by 1 counts as much as an error of 3 % in one row (1.5 is the slope of the inner
    // scale).
    const FitParameter shift{0.0, -3.0, 3.0, 0.03 * 1.5};
    const RobustFit solved = fit_robust({shift, shift, shift}, own.count(),
                                        [&](std::span<const double> values, std::span<double> out) {
                                          own.residuals(with(values), out);
                                        });
    fit.workloads[group->key()] = with(solved.values).workloads.at(group->key());
  }
  return fit;
}

std::vector<CrossValidation> cross_validate_caps(const std::vector<CapGroup>& groups,
                                                 CapReference reference) {
  std::vector<CrossValidation> out;
  const auto fold = [&](CrossValidation& into, bool workload_terms, const CapFilter& left_out) {
    const CapFit fit = fit_caps(groups, {workload_terms, [&](const CapGroup& g, const CapJob& j) {
                                           return !left_out(g, j);
                                         }});
    const auto predicted = predict_caps(groups, fit, reference, left_out);
    into.predictions.insert(into.predictions.end(), predicted.begin(), predicted.end());
  };

  // Every fifth batch size of a workload, five times.
  CrossValidation batches{{}, "batch sizes", {}};
  constexpr std::size_t folds = 5;
  for (std::size_t k = 0; k < folds; ++k) {
    fold(batches, true, [&](const CapGroup& g, const CapJob& j) {
      return static_cast<std::size_t>(&j - g.jobs.data()) % folds == k;
    });
  }
  out.push_back(std::move(batches));

  std::set<std::string> networks, devices;
  for (const CapGroup& group : groups) {
    networks.insert(group.network);
    devices.insert(group.catalog->device.id);
  }
  CrossValidation by_network{{}, "network", {}};
  for (const std::string& name : networks) {
    if (networks.size() < 2) break;
    fold(by_network, false, [&](const CapGroup& g, const CapJob&) { return g.network == name; });
  }
  out.push_back(std::move(by_network));
  CrossValidation by_device{{}, "GPU", {}};
  for (const std::string& id : devices) {
    if (devices.size() < 2) break;
    fold(by_device, false,
         [&](const CapGroup& g, const CapJob&) { return g.catalog->device.id == id; });
  }
  out.push_back(std::move(by_device));
  return out;
}

// ---- Terms in files: "busy_share", "unseen/knee", "DEVICE/knee", "DEVICE/WORKLOAD/busy_shift".

namespace {

const std::map<std::string, double CapSharedTerms::*> shared_names = {
    {"busy_share", &CapSharedTerms::busy_share},
    {"clock_share", &CapSharedTerms::clock_share},
    {"hidden_slope", &CapSharedTerms::hidden_slope},
    {"hidden_demand", &CapSharedTerms::hidden_demand}};
const std::map<std::string, double CapTerms::*> device_names = {
    {"voltage_floor", &CapTerms::voltage_floor},
    {"knee", &CapTerms::knee},
    {"static_share", &CapTerms::static_share}};
const std::map<std::string, double CapWorkloadTerms::*> workload_names = {
    {"busy_shift", &CapWorkloadTerms::busy_shift},
    {"clock_shift", &CapWorkloadTerms::clock_shift},
    {"demand_shift", &CapWorkloadTerms::demand_shift}};
constexpr const char* unseen_device = "unseen";

}  // namespace

CapFit cap_fit_of(const SharedTerms& terms) {
  CapFit fit;
  for (const auto& [name, value] : terms.values) {
    const std::size_t slash = name.rfind('/');
    const std::string owner = slash == std::string::npos ? "" : name.substr(0, slash);
    const std::string term = name.substr(slash == std::string::npos ? 0 : slash + 1);
    if (const auto shared = shared_names.find(term); shared != shared_names.end()) {
      fit.shared.*shared->second = value;
    } else if (const auto own = workload_names.find(term); own != workload_names.end()) {
      fit.workloads[owner].*own->second = value;
    } else if (const auto device = device_names.find(term); device != device_names.end()) {
      CapTerms& terms_of_device = owner == unseen_device ? fit.unseen : fit.devices[owner];
      terms_of_device.*device->second = value;
    }
  }
  return fit;
}

SharedTerms terms_of(const CapFit& fit) {
  SharedTerms out;
  const auto put = [&](const std::string& owner, const auto& names, const auto& terms) {
    for (const auto& [name, member] : names) out.values[owner + name] = rounded(terms.*member);
  };
  put("", shared_names, fit.shared);
  put(std::string(unseen_device) + "/", device_names, fit.unseen);
  for (const auto& [id, terms] : fit.devices) put(id + "/", device_names, terms);
  for (const auto& [key, terms] : fit.workloads) put(key + "/", workload_names, terms);
  return out;
}

// ---- What `validate` and `calibrate` ask for.

Evaluation evaluate_caps(const MeasuredFile& file, Catalog& catalog) {
  CapFile caps = cap_file(file, catalog);
  const CapFit fit = cap_fit_of(shared_terms(catalog.folders(), "caps"));
  Evaluation out;
  out.not_covered = std::move(caps.not_covered);
  out.predictions = predict_caps(caps.groups, fit, CapReference::median);
  for (Prediction& p : predict_caps(caps.groups, fit, CapReference::uncapped_row)) {
    p.quantity += "_one_reference";
    out.predictions.push_back(std::move(p));
  }
  return out;
}

void calibrate_caps(const std::vector<const MeasuredFile*>& files, Catalog& catalog,
                    Calibration& out) {
  std::vector<CapGroup> groups;
  std::vector<TermData> data;
  for (const MeasuredFile* file : files) {
    CapFile caps = cap_file(*file, catalog);
    std::size_t rows = 0;
    for (const CapGroup& group : caps.groups) {
      for (const CapJob& job : group.jobs) {
        for (const CapRow& row : job.rows) out.saw(*file, row.row);
        rows += job.rows.size();
      }
    }
    data.push_back(term_data(*file, rows));
    std::move(caps.groups.begin(), caps.groups.end(), std::back_inserter(groups));
  }
  if (groups.empty()) return;
  SharedTerms terms = terms_of(fit_caps(groups, {true, {}}));
  terms.summary = "Time and energy under a power cap (docs/models/caps.md)";
  terms.data = std::move(data);
  out.shared["caps"] = std::move(terms);
  for (const CapReference reference : {CapReference::median, CapReference::uncapped_row}) {
    for (CrossValidation& validation : cross_validate_caps(groups, reference)) {
      validation.file = file_name(files.front()->path());
      if (reference == CapReference::uncapped_row) {
        for (Prediction& p : validation.predictions) p.quantity += "_one_reference";
      }
      out.cross_validation.push_back(std::move(validation));
    }
  }
}

}  // namespace nightwatt
