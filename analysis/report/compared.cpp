#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "analysis/comparison.hpp"
#include "analysis/report/report.hpp"

namespace nightwatt {
namespace {

/// How a figure stands in the page: a unit that people read, and its size.
struct Shown {
  std::string unit;
  double size = 1.0;
};

Shown shown(Unit unit, const std::string& currency) {
  switch (unit) {
    case Unit::joules:
      return {"kWh", 3.6e6};
    case Unit::grams:
      return {"kg CO2e", 1e3};
    case Unit::money:
      return {currency, 1.0};
    case Unit::watts:
      return {"kW", 1e3};
    case Unit::seconds:
      return {"h", 3600.0};
    case Unit::ratio:
      return {"%", 0.01};
    default:
      return {"", 1.0};
  }
}

/// "facility energy, to the horizon, fixed share 0.5"
std::string metric(const FigureDifference& figure) {
  static constexpr std::string_view fixed = "_fixed_share_";
  std::string section = figure.section, share;
  if (const auto at = section.find(fixed); at != std::string::npos) {
    share = ", fixed share " + section.substr(at + fixed.size());
    section.resize(at);
  }
  const std::string_view where = section == "horizon"  ? ", to the horizon"
                                 : section == "period" ? ", in the period"
                                                       : "";
  return fmt::format("{}{}{}", figure.title, where, share);
}

}  // namespace

std::vector<ReportComparison> report_differences(const Comparison& comparison,
                                                 const std::vector<TimelineFile>& files) {
  std::vector<ReportComparison> out;
  for (const RunDifference& run : comparison.runs) {
    ReportComparison row;
    const auto at = std::find_if(files.begin(), files.end(), [&](const TimelineFile& file) {
      return file.path() == run.run.files.front();
    });
    row.run = static_cast<std::size_t>(at - files.begin());
    row.equal_work = run.work.equal();
    if (!row.equal_work) row.warnings.push_back(run.work.text());
    row.warnings.insert(row.warnings.end(), comparison.notes.begin(), comparison.notes.end());
    if (run.variation.source != Variation::Source::none) {
      row.interval = fmt::format("Intervals: 95 %, of a paired bootstrap over {} {}.",
                                 run.variation.units, run.variation.name());
    }
    const auto reached = [&](const std::optional<double>& share, const char* of) {
      if (!share) return;
      row.interval +=
          fmt::format("{}Of the possible saving of {} this run reached {:.1f} % (bound: {}).",
                      row.interval.empty() ? "" : " ", of, 100.0 * *share, run.reached->freedoms);
    };
    if (run.reached) {
      reached(run.reached->carbon, "carbon");
      reached(run.reached->cost, "cost");
    }
    for (const FigureDifference& figure : run.total.figures) {
      const Shown as = shown(figure.unit, comparison.currency);
      row.rows.push_back({metric(figure), as.unit, figure.base / as.size, figure.other / as.size,
                          figure.difference_95.low / as.size, figure.difference_95.high / as.size});
    }
    out.push_back(std::move(row));
  }
  return out;
}

}  // namespace nightwatt
