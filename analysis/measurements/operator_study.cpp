#include "analysis/measurements/operator_study.hpp"

#include <cmath>
#include <memory>
#include <set>
#include <utility>

#include "analysis/least_squares.hpp"

namespace nightwatt {
namespace {

Estimate estimate(const OperatorCase& c, const Terms& terms, const Knobs& knobs) {
  if (c.network == nullptr) return PreparedWork(c.operators, *c.device, terms).at(knobs);
  return PreparedWork(*c.network, c.work, *c.device, terms).at(knobs);
}

/// A fit of `ids` on the logarithm of time or power, from `start`.
Terms fit_terms(const std::vector<const OperatorCase*>& cases, const std::vector<TermId>& ids,
                const Terms& start, const OperatorFitPlan& plan, bool power) {
  if (cases.empty() || ids.empty()) return start;
  std::vector<FitParameter> parameters;
  const double ridge = plan.ridge * std::sqrt(static_cast<double>(cases.size()));
  for (const TermId id : ids) {
    const TermInfo& info = term_info(id);
    const double low = std::log(info.low), high = std::log(info.high);
    // A prior on a bound has no place on the inner scale.
    const double margin = 0.01 * (high - low);
    const double prior = std::min(std::max(std::log(plan.prior[id]), low + margin), high - margin);
    // The ridge is given for the logarithm; the inner scale is steeper by this slope.
    const double slope = (prior - low) * (high - prior) / (high - low);
    parameters.push_back({prior, low, high, ridge * slope});
  }
  const auto with = [&](std::span<const double> values) {
    Terms terms = start;
    for (std::size_t i = 0; i < ids.size(); ++i) terms[ids[i]] = std::exp(values[i]);
    return terms;
  };
  const RobustFit fit = fit_robust(
      parameters, cases.size(),
      [&](std::span<const double> values, std::span<double> out) {
        const Terms terms = with(values);
        for (std::size_t i = 0; i < cases.size(); ++i) {
          const OperatorCase& c = *cases[i];
          Knobs knobs = c.knobs;
          if (c.measured_mhz > 0.0) knobs.clock_mhz = c.measured_mhz;
          const Estimate e = estimate(c, terms, knobs);
          out[i] = power ? std::log(to_watts(e.device_power) / c.power_w)
                         : std::log(to_seconds(e.iteration) / c.time_s);
        }
      },
      {.outlier_scale = plan.outlier_scale, .max_evaluations = 60 * static_cast<int>(ids.size())});
  return with(fit.values);
}

}  // namespace

std::vector<Prediction> predict_cases(const std::vector<OperatorCase>& cases,
                                      const std::function<const Terms&(const OperatorCase&)>& terms,
                                      const std::function<bool(const OperatorCase&)>& ask) {
  std::vector<Prediction> out;
  for (const OperatorCase& c : cases) {
    if (ask && !ask(c)) continue;
    const Estimate e = estimate(c, terms(c), c.knobs);
    const double time = to_seconds(e.iteration), power = to_watts(e.device_power);
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
  std::map<std::string, std::vector<const OperatorCase*>> by_device;
  for (const OperatorCase& c : cases) {
    if (!use || use(c)) by_device[c.device->id].push_back(&c);
  }
  DeviceTerms out;
  out.unseen = plan.prior;
  std::map<TermId, std::pair<double, int>> logs;
  for (const auto& [id, own] : by_device) {
    std::vector<const OperatorCase*> powered;
    for (const OperatorCase* c : own) {
      if (c->power_w > 0.0 && c->fit_power) powered.push_back(c);
    }
    Terms terms = fit_terms(own, plan.time, plan.prior, plan, false);
    terms = fit_terms(powered, plan.power, terms, plan, true);
    for (const TermId term : plan.time) {
      logs[term].first += std::log(terms[term]);
      ++logs[term].second;
    }
    for (const TermId term : plan.power) {
      if (powered.empty()) continue;
      logs[term].first += std::log(terms[term]);
      ++logs[term].second;
    }
    out.devices[id] = terms;
  }
  for (const auto& [term, sum] : logs) out.unseen[term] = std::exp(sum.first / sum.second);
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

SharedTerms terms_of(const DeviceTerms& fitted, const OperatorFitPlan& plan) {
  SharedTerms out;
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

Evaluation evaluate_cases(OperatorCases cases, const Catalog& catalog) {
  std::map<std::pair<Stack, std::string>, Terms> terms;
  const auto of = [&](const OperatorCase& c) -> const Terms& {
    const auto key = std::pair(c.stack, c.device->id);
    auto found = terms.find(key);
    if (found == terms.end()) {
      found = terms.emplace(key, stack_terms(catalog.folders(), c.stack, *c.device)).first;
    }
    return found->second;
  };
  return {predict_cases(cases.cases, of), std::move(cases.not_covered)};
}

}  // namespace nightwatt
