#include "analysis/measurements/operator_study.hpp"

#include <algorithm>
#include <cmath>
#include <memory>
#include <set>
#include <utility>

#include "analysis/least_squares.hpp"

namespace nightwatt {
namespace {

Estimate estimate(const OperatorCase& c, const Terms& terms, const Knobs& knobs) {
  if (c.network == nullptr) return PreparedWork(c.operators, *c.device, terms, c.stack).at(knobs);
  return PreparedWork(*c.network, c.work, *c.device, terms).at(knobs);
}

/// What a meter shows of an iteration that it sees for a time in proportion to its length: the
/// shorter, the more of what was drawn before.
double metered_w(const OperatorCase& c, const Terms& terms, const Estimate& e) {
  const double before = terms[TermId::meter_start] * to_watts(c.device->tdp);
  const double kept = std::exp(-to_seconds(e.iteration) / (terms[TermId::meter_ms] * 1e-3));
  return to_watts(e.device_power) + kept * (before - to_watts(e.device_power));
}

double log_error(const OperatorCase& c, const Terms& terms, bool power) {
  Knobs knobs = c.knobs;
  if (c.measured_mhz > 0.0) knobs.clock_mhz = c.measured_mhz;
  const Estimate e = estimate(c, terms, knobs);
  return power ? std::log(metered_w(c, terms, e) / c.power_w)
               : std::log(to_seconds(e.iteration) / c.time_s);
}

constexpr const char* no_figures =
    "the catalogue has no clock, units or memory bandwidth of the device";

/// A term on the logarithmic scale between its bounds.
FitParameter log_parameter(TermId id, double prior, double ridge) {
  const TermInfo& info = term_info(id);
  const double low = std::log(info.low), high = std::log(info.high);
  // A prior on a bound has no place on the inner scale.
  const double margin = 0.01 * (high - low);
  const double at = std::min(std::max(std::log(prior), low + margin), high - margin);
  // The ridge is given for the logarithm; the inner scale is steeper by this slope.
  return {at, low, high, ridge * (at - low) * (high - at) / (high - low)};
}

using ByDevice = std::map<std::string, std::vector<const OperatorCase*>>;  ///< by device

/// Fits `own` for each device and `shared` once for all, on the logarithm of time or power.
void fit_terms(const ByDevice& rows, const std::vector<TermId>& own,
               const std::vector<TermId>& shared, const OperatorFitPlan& plan, bool power,
               std::map<std::string, Terms>& terms) {
  std::size_t count = 0;
  for (const auto& [device, cases] : rows) count += cases.size();
  if (count == 0 || own.size() + shared.size() == 0) return;
  std::vector<FitParameter> parameters;
  for (const TermId id : shared) {
    parameters.push_back(
        log_parameter(id, plan.prior[id], plan.ridge * std::sqrt(static_cast<double>(count))));
  }
  for (const auto& [device, cases] : rows) {
    const double ridge = plan.ridge * std::sqrt(static_cast<double>(cases.size()));
    for (const TermId id : own) parameters.push_back(log_parameter(id, plan.prior[id], ridge));
  }
  const auto unpack = [&](std::span<const double> values) {
    std::map<std::string, Terms> out = terms;
    std::size_t at = shared.size();
    for (const auto& [device, cases] : rows) {
      for (std::size_t i = 0; i < shared.size(); ++i) out[device][shared[i]] = std::exp(values[i]);
      for (const TermId id : own) out[device][id] = std::exp(values[at++]);
    }
    return out;
  };
  const RobustFit fit = fit_robust(parameters, count,
                                   [&](std::span<const double> values, std::span<double> out) {
                                     const std::map<std::string, Terms> trial = unpack(values);
                                     std::size_t at = 0;
                                     for (const auto& [device, cases] : rows) {
                                       for (const OperatorCase* c : cases) {
                                         out[at++] = log_error(*c, trial.at(device), power);
                                       }
                                     }
                                   },
                                   {.outlier_scale = plan.outlier_scale,
                                    .max_evaluations = 60 * static_cast<int>(parameters.size())});
  terms = unpack(fit.values);
}

}  // namespace

std::vector<Prediction> predict_cases(const std::vector<OperatorCase>& cases,
                                      const std::function<const Terms&(const OperatorCase&)>& terms,
                                      const std::function<bool(const OperatorCase&)>& ask) {
  std::vector<Prediction> out;
  for (const OperatorCase& c : cases) {
    if (ask && !ask(c)) continue;
    const Estimate e = estimate(c, terms(c), c.knobs);
    const double time = to_seconds(e.iteration), power = metered_w(c, terms(c), e);
    const auto add = [&](const char* quantity, double predicted, double measured) {
      out.push_back({c.row, c.device->id, c.model, c.phase, quantity, predicted, measured, false});
    };
    add("time", time, c.time_s);
    if (c.power_w <= 0.0) continue;
    add("power", power * c.devices, c.power_w * c.devices);
    add("energy", power * c.devices * time, c.power_w * c.devices * c.time_s);
  }
  return out;
}

DeviceTerms fit_cases(const std::vector<OperatorCase>& cases, const OperatorFitPlan& plan,
                      const std::function<bool(const OperatorCase&)>& use) {
  ByDevice timed, powered;
  for (const OperatorCase& c : cases) {
    if (use && !use(c)) continue;
    timed[c.device->id].push_back(&c);
    if (c.power_w > 0.0 && c.fit_power) powered[c.device->id].push_back(&c);
  }
  DeviceTerms out;
  out.unseen = plan.prior;
  for (const auto& [device, rows] : timed) out.devices[device] = plan.prior;
  const auto fit_each = [&](const ByDevice& rows, const std::vector<TermId>& ids, bool power) {
    for (const auto& [device, own] : rows) {
      fit_terms({{device, own}}, ids, {}, plan, power, out.devices);
    }
  };
  for (int round = 0; round < plan.rounds; ++round) {
    if (plan.shared.empty()) {
      fit_each(timed, plan.time, false);
    } else {
      std::vector<TermId> own;
      for (const TermId id : plan.time) {
        if (std::find(plan.shared.begin(), plan.shared.end(), id) == plan.shared.end()) {
          own.push_back(id);
        }
      }
      fit_terms(timed, own, plan.shared, plan, false, out.devices);
    }
    fit_each(powered, plan.power, true);
  }
  if (plan.rounds > 1) fit_each(timed, plan.time, false);

  const auto mean = [&](const std::vector<TermId>& ids, const ByDevice& rows) {
    if (rows.empty()) return;
    for (const TermId id : ids) {
      double sum = 0.0;
      for (const auto& [device, own] : rows) sum += std::log(out.devices.at(device)[id]);
      out.unseen[id] = std::exp(sum / static_cast<double>(rows.size()));
    }
  };
  mean(plan.time, timed);
  mean(plan.power, powered);
  // A device whose power nobody measured has that of the others.
  for (auto& [device, terms] : out.devices) {
    if (powered.count(device) != 0) continue;
    for (const TermId id : plan.power) terms[id] = out.unseen[id];
  }
  return out;
}

std::vector<Prediction> cross_validate_cases(const std::vector<OperatorCase>& cases,
                                             const OperatorFitPlan& plan, bool devices) {
  const auto key = [&](const OperatorCase& c) { return devices ? c.device->id : c.group; };
  std::set<std::string> groups;
  for (const OperatorCase& c : cases) groups.insert(key(c));
  std::vector<Prediction> out;
  if (groups.size() < 2) return out;
  for (const std::string& group : groups) {
    const DeviceTerms fitted =
        fit_cases(cases, plan, [&](const OperatorCase& c) { return key(c) != group; });
    for (Prediction& p : predict_cases(
             cases, [&](const OperatorCase& c) -> const Terms& { return fitted.of(*c.device); },
             [&](const OperatorCase& c) { return key(c) == group; })) {
      out.push_back(std::move(p));
    }
  }
  return out;
}

std::vector<Prediction> cross_validate_anchored(const std::vector<OperatorCase>& cases,
                                                const OperatorFitPlan& plan, std::size_t rows) {
  std::map<std::string, std::vector<const OperatorCase*>> by_device;
  for (const OperatorCase& c : cases) by_device[c.device->id].push_back(&c);
  std::vector<Prediction> out;
  if (by_device.size() < 2) return out;
  constexpr std::size_t draws = 5;
  for (const auto& [device, own] : by_device) {
    const DeviceTerms others = fit_cases(
        cases, plan, [&, id = &device](const OperatorCase& c) { return c.device->id != *id; });
    for (std::size_t draw = 0; draw < draws; ++draw) {
      std::vector<const OperatorCase*> anchors;
      for (std::size_t i = 0; i < rows; ++i) {
        anchors.push_back(own[(2 * (draws * i + draw) + 1) * own.size() / (2 * draws * rows)]);
      }
      const Terms terms = anchored(anchors, others.unseen, plan);
      for (Prediction& p : predict_cases(
               cases, [&](const OperatorCase&) -> const Terms& { return terms; },
               [&, id = &device](const OperatorCase& c) {
                 return c.device->id == *id &&
                        std::find(anchors.begin(), anchors.end(), &c) == anchors.end();
               })) {
        out.push_back(std::move(p));
      }
    }
  }
  return out;
}

SharedTerms terms_of(const DeviceTerms& fitted, const OperatorFitPlan& plan) {
  SharedTerms out;
  for (const TermId id : plan.kept) {
    out.values[std::string(term_info(id).name)] = rounded(plan.prior[id]);
  }
  for (const auto* list : {&plan.time, &plan.power}) {
    for (const TermId id : *list) {
      const std::string name(term_info(id).name);
      out.values[name] = rounded(fitted.unseen[id]);
      for (const auto& [device, terms] : fitted.devices) {
        out.values[device + "/" + name] = rounded(terms[id]);
      }
    }
  }
  return out;
}

ModelCatalog& models_of(const Catalog& catalog) {
  static std::map<std::vector<std::string>, std::unique_ptr<ModelCatalog>> all;
  auto& models = all[catalog.folders()];
  if (!models) models = std::make_unique<ModelCatalog>(catalog.folders());
  return *models;
}

bool can_be_modelled(const Device& device) {
  return device.boost_mhz > 0 && device.sms > 0 && device.memory_bytes_per_s > 0;
}

NamedJob find_named(Catalog& catalog, std::string_view source, const std::string& device,
                    const std::vector<std::string>& model_names) {
  NamedJob named;
  const DeviceMatch match = catalog.find_device(device, source);
  if (match.device == nullptr) {
    named.missing = match.reason;
    return named;
  }
  named.device = &match.device->device;
  for (const std::string& name : model_names) {
    if (named.model == nullptr && !name.empty()) named.model = models_of(catalog).find(name);
  }
  if (named.model == nullptr) named.missing = "the catalogue has no such model";
  return named;
}

Evaluation evaluate_cases(OperatorCases cases, const Catalog& catalog, const std::string& name) {
  std::erase_if(cases.cases, [&](const OperatorCase& c) {
    const bool leave_out = !can_be_modelled(*c.device);
    if (leave_out) cases.not_covered.push_back({c.row, c.device->id, c.model, c.phase, no_figures});
    return leave_out;
  });
  std::map<std::string, Terms> terms;
  const auto of = [&](const OperatorCase& c) -> const Terms& {
    auto found = terms.find(c.device->id);
    if (found == terms.end()) {
      found = terms.emplace(c.device->id, terms_for(catalog.folders(), name, *c.device)).first;
    }
    return found->second;
  };
  return {predict_cases(cases.cases, of), std::move(cases.not_covered)};
}

DeviceTerms calibrate_cases(const std::vector<OperatorCase>& cases, const OperatorFitPlan& plan,
                            const std::string& name, const std::string& summary,
                            std::vector<TermData> data, Calibration& out) {
  DeviceTerms fitted = fit_cases(cases, plan);
  SharedTerms terms = terms_of(fitted, plan);
  terms.summary = summary + " (docs/models/calibration.md)";
  terms.data = std::move(data);
  out.shared[name] = std::move(terms);
  return fitted;
}

OperatorFitPlan plan_of_another_time(const OperatorFitPlan& plan, const Terms& today,
                                     std::vector<TermId> time, std::vector<TermId> power) {
  OperatorFitPlan out = plan;
  out.prior = today;
  out.time = std::move(time);
  out.power = std::move(power);
  const auto in = [](const std::vector<TermId>& list, TermId id) {
    return std::find(list.begin(), list.end(), id) != list.end();
  };
  for (const auto* list : {&plan.time, &plan.power}) {
    for (const TermId id : *list) {
      if (!in(out.time, id) && !in(out.power, id)) out.kept.push_back(id);
    }
  }
  return out;
}

void calibrate_another_time(const std::vector<OperatorCase>& cases, const OperatorFitPlan& plan,
                            const std::string& name, const std::string& summary,
                            std::vector<TermData> data, Calibration& out) {
  if (cases.empty()) return;
  const std::string file = data.front().file;
  calibrate_cases(cases, plan, name, summary, std::move(data), out);
  out.cross_validation.push_back({file, "model", cross_validate_cases(cases, plan, false)});
  out.cross_validation.push_back({file, "GPU", cross_validate_cases(cases, plan, true)});
}

Terms unseen_terms(const std::string& name, const Catalog& catalog, const Calibration& out) {
  const auto fitted = out.shared.find(name);
  return terms_from(
      fitted != out.shared.end() ? fitted->second : shared_terms(catalog.folders(), name), name,
      Device{});
}

Terms anchored(const std::vector<const OperatorCase*>& rows, const Terms& unseen,
               const OperatorFitPlan& plan) {
  using enum TermId;
  const std::vector<TermId> rates = {tensor_gemm, vector_gemm, bandwidth, feed, depthwise};
  const std::vector<TermId> latencies = {launch_us, host_us, step_us, layer_us};
  const auto scaled = [&](double speed, double power) {
    Terms terms = unseen;
    const auto scale = [&](TermId id, double factor) {
      // What the plan does not fit is not what sets devices apart.
      if (std::find(plan.time.begin(), plan.time.end(), id) == plan.time.end() &&
          std::find(plan.power.begin(), plan.power.end(), id) == plan.power.end()) {
        return;
      }
      const TermInfo& info = term_info(id);
      terms[id] = std::clamp(terms[id] * factor, info.low, info.high);
    };
    for (const TermId id : rates) scale(id, speed);
    for (const TermId id : latencies) scale(id, 1.0 / speed);
    for (const TermId id : plan.power) scale(id, power);
    return terms;
  };
  // One factor for all rates, one for all powers: a handful of rows says no more.
  const double ridge = 0.02;
  const RobustFit fit = fit_robust(
      {{1.0, 0.2, 5.0, ridge}, {1.0, 0.2, 5.0, ridge}}, 2 * rows.size(),
      [&](std::span<const double> values, std::span<double> out) {
        const Terms terms = scaled(values[0], values[1]);
        for (std::size_t i = 0; i < rows.size(); ++i) {
          out[2 * i] = log_error(*rows[i], terms, false);
          out[2 * i + 1] = rows[i]->power_w > 0.0 ? log_error(*rows[i], terms, true) : 0.0;
        }
      },
      {.outlier_scale = 0.1});
  return scaled(fit.values[0], fit.values[1]);
}

void anchor_cases(const std::vector<OperatorCase>& cases, const OperatorFitPlan& plan,
                  const std::string& name, TermData data, const Catalog& catalog,
                  Calibration& out) {
  if (cases.empty()) return;
  SharedTerms& terms = out.shared[name];
  if (terms.empty()) terms = shared_terms(catalog.folders(), name);
  if (terms.empty()) {
    throw InputError("anchor: the catalogue has no terms/" + name +
                     ".yaml to start from; give the files it is fitted to as well");
  }
  Terms unseen;
  for (const auto& [term, value] : terms.values) {
    if (const auto id = term_by_name(term)) unseen[*id] = value;
  }
  ByDevice by_device;
  for (const OperatorCase& c : cases) by_device[c.device->id].push_back(&c);
  for (const auto& [device, rows] : by_device) {
    const Terms own = anchored(rows, unseen, plan);
    for (const auto* list : {&plan.time, &plan.power}) {
      for (const TermId id : *list) {
        terms.values[device + "/" + std::string(term_info(id).name)] = rounded(own[id]);
      }
    }
  }
  terms.data.push_back(std::move(data));
}

}  // namespace nightwatt
