#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <string>
#include <vector>

#include "analysis/report/report.hpp"
#include "analysis/text.hpp"

namespace nightwatt {
namespace {

/// Whether both hold the same jobs with the same completed work (relative error 1e-9); says how
/// they differ.
std::vector<std::string> unequal_work(const TimelineFile& base, const TimelineFile& other) {
  if (base.job_count() != other.job_count()) {
    return {fmt::format("The runs do not hold the same jobs: {} and {}.", grouped(base.job_count()),
                        grouped(other.job_count()))};
  }
  // Rows are in order of submission; a shifted or exchanged job shows in its id.
  if (base.jobs_text("job_id") != other.jobs_text("job_id")) {
    return {"The runs do not hold the same jobs: their ids differ."};
  }
  constexpr double tolerance = 1e-9;
  const auto a = base.jobs_double("completed_reference_s");
  const auto b = other.jobs_double("completed_reference_s");
  std::size_t differ = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (std::abs(a[i] - b[i]) > tolerance * std::max(std::abs(a[i]), std::abs(b[i]))) ++differ;
  }
  if (differ == 0) return {};
  return {fmt::format("The work done is not equal: it differs in {} of {} jobs.", grouped(differ),
                      grouped(a.size()))};
}

double peak_kw(const TimelineFile& file) {
  // Peaks of several sites do not add up.
  constexpr double w_per_kw = 1e3;
  return file.sites().size() == 1 ? file.sites().front().peak_facility_w / w_per_kw : unknown;
}

}  // namespace

std::vector<ReportComparison> summary_differences(const std::vector<TimelineFile>& files) {
  constexpr double j_per_kwh = 3.6e6, g_per_kg = 1e3, s_per_hour = 3600.0;
  std::vector<ReportComparison> out;
  for (std::size_t run = 1; run < files.size(); ++run) {
    const TimelineFile& base = files.front();
    const TimelineFile& other = files[run];
    const Summary& a = base.summary();
    const Summary& b = other.summary();
    ReportComparison comparison;
    comparison.run = run;
    comparison.warnings = unequal_work(base, other);
    comparison.equal_work = comparison.warnings.empty();
    const auto money_of = [](const TimelineFile& file) {
      return file.sites().empty() ? std::string() : file.sites().front().currency;
    };
    const std::string money = money_of(base);
    const bool one_money = money == money_of(other);
    if (!one_money) comparison.warnings.emplace_back("The runs have different currencies.");
    if (base.header().file_end_s != other.header().file_end_s) {
      comparison.warnings.push_back(fmt::format(
          "Each run is charged to its own end, and the ends differ by {}: idle power in "
          "between is charged to one of them only.",
          span_text(seconds(std::abs(base.header().file_end_s - other.header().file_end_s)))));
    }
    const auto add = [&](const char* metric, const std::string& unit, double x, double y,
                         double per_unit) {
      if (std::isnan(x) && std::isnan(y)) return;
      comparison.rows.push_back({metric, unit, x / per_unit, y / per_unit, unknown, unknown});
    };
    add("facility energy", "kWh", a.facility_energy_j, b.facility_energy_j, j_per_kwh);
    add("IT energy", "kWh", a.it_energy_j, b.it_energy_j, j_per_kwh);
    add("carbon", "kg CO2e", a.carbon_g, b.carbon_g, g_per_kg);
    if (one_money) add("cost", money, a.cost, b.cost, 1.0);
    add("IT energy of the jobs", "kWh", a.jobs_it_energy_j, b.jobs_it_energy_j, j_per_kwh);
    add("peak facility power", "kW", peak_kw(base), peak_kw(other), 1.0);
    add("mean wait", "h", a.wait_s.mean, b.wait_s.mean, s_per_hour);
    add("95th percentile of wait", "h", a.wait_s.p95, b.wait_s.p95, s_per_hour);
    add("mean completion time", "h", a.jct_s.mean, b.jct_s.mean, s_per_hour);
    add("mean bounded slowdown", "", a.bounded_slowdown.mean, b.bounded_slowdown.mean, 1.0);
    add("utilization", "%", a.utilization * 100.0, b.utilization * 100.0, 1.0);
    add("makespan", "h", a.makespan_s, b.makespan_s, s_per_hour);
    add("jobs completed", "", static_cast<double>(a.jobs_completed),
        static_cast<double>(b.jobs_completed), 1.0);
    if (a.jobs_with_deadline + b.jobs_with_deadline > 0) {
      add("deadlines missed", "", static_cast<double>(a.deadline_misses),
          static_cast<double>(b.deadline_misses), 1.0);
    }
    out.push_back(std::move(comparison));
  }
  return out;
}

}  // namespace nightwatt
