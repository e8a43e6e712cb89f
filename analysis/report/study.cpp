#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "analysis/report/parts.hpp"
#include "analysis/study/study_figures.hpp"

namespace nightwatt::report {
namespace {

/// NaN becomes null.
Json numbers(const std::vector<double>& values) { return Json(values); }

Json sensitivity_data(const StudyIndex& index, const IndexMetric& metric) {
  const Sensitivity found = sensitivity(index, metric);
  if (std::isnan(found.mean)) return nullptr;
  Json axes = Json::array();
  for (const AxisEffect& axis : found.axes) {
    axes.push_back({{"means", numbers(axis.means)}, {"share", axis.share}});
  }
  return {{"axes", std::move(axes)},
          {"mean", found.mean},
          {"interactions", found.interactions},
          {"seeds", found.seeds}};
}

}  // namespace

Json study(const StudyIndex& index, std::size_t drawn) {
  Json out = {{"title", index.title},    {"horizon", index.horizon}, {"seeds", index.seeds},
              {"runs", index.runs()},    {"drawn", drawn},           {"axes", Json::array()},
              {"metrics", Json::array()}};
  out["bases"] = bases(index);
  out["failed"] = std::count(index.files.begin(), index.files.end(), std::string());
  for (const IndexAxis& axis : index.axes) {
    out["axes"].push_back({{"name", axis.name}, {"labels", axis.labels}});
  }
  for (const IndexMetric& metric : index.metrics) {
    std::vector<double> points;
    for (std::size_t p = 0; p < index.points(); ++p) points.push_back(mean_at(index, metric, p));
    out["metrics"].push_back({{"name", metric.name},
                              {"unit", metric.units},
                              {"title", metric.long_name},
                              {"points", numbers(points)},
                              {"sensitivity", sensitivity_data(index, metric)}});
  }
  return out;
}

}  // namespace nightwatt::report
