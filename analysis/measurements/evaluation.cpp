#include "analysis/measurements/evaluation.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <tuple>

namespace nightwatt {
namespace {

/// Linear between the sorted values, as numpy's default.
double quantile(const std::vector<double>& sorted, double q) {
  const double at = q * static_cast<double>(sorted.size() - 1);
  const auto below = static_cast<std::size_t>(at);
  if (below + 1 >= sorted.size()) return sorted.back();
  return sorted[below] + (at - static_cast<double>(below)) * (sorted[below + 1] - sorted[below]);
}

}  // namespace

ErrorFigures figures_of(const std::vector<const Prediction*>& predictions) {
  ErrorFigures out;
  out.rows = predictions.size();
  if (predictions.empty()) {
    out.mape = out.median = out.p90 = out.bias = std::numeric_limits<double>::quiet_NaN();
    return out;
  }
  std::vector<double> absolute;
  for (const Prediction* p : predictions) {
    const double error = p->predicted / p->measured - 1.0;
    absolute.push_back(std::abs(error));
    out.mape += std::abs(error);
    out.bias += error;
    if (p->seen) ++out.seen;
  }
  std::sort(absolute.begin(), absolute.end());
  const auto n = static_cast<double>(predictions.size());
  out.mape /= n;
  out.bias /= n;
  out.median = quantile(absolute, 0.5);
  out.p90 = quantile(absolute, 0.9);
  return out;
}

std::vector<ErrorRow> error_rows(const std::string& file, const Evaluation& evaluation,
                                 const std::vector<std::string>& quantities) {
  using Key = std::tuple<std::string, std::string, std::string>;  // device, model, phase
  std::map<Key, std::size_t> missing;
  for (const NotCovered& row : evaluation.not_covered) {
    ++missing[{row.device, row.model, row.phase}];
  }
  std::vector<ErrorRow> out;
  for (const std::string& quantity : quantities) {
    std::map<Key, std::vector<const Prediction*>> groups;
    std::vector<const Prediction*> all;
    for (const Prediction& p : evaluation.predictions) {
      if (p.quantity != quantity) continue;
      groups[{p.device, p.model, p.phase}].push_back(&p);
      all.push_back(&p);
    }
    for (const auto& [key, count] : missing) groups[key];
    ErrorRow total{file, "*", "*", "*", quantity, figures_of(all)};
    total.errors.not_covered = evaluation.not_covered.size();
    out.push_back(total);
    for (const auto& [key, group] : groups) {
      ErrorRow row{file,     std::get<0>(key), std::get<1>(key), std::get<2>(key),
                   quantity, figures_of(group)};
      const auto lost = missing.find(key);
      row.errors.not_covered = lost == missing.end() ? 0 : lost->second;
      out.push_back(row);
    }
  }
  return out;
}

}  // namespace nightwatt
