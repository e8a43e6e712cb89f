#include "sim/summarise.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <string>
#include <vector>

namespace nightwatt {
namespace {

void count_state(JobState state, JobStatistics& s) {
  switch (state) {
    case JobState::completed:
      ++s.jobs_completed;
      break;
    case JobState::killed_at_limit:
      ++s.jobs_killed_at_limit;
      break;
    case JobState::rejected:
      ++s.jobs_rejected;
      break;
    case JobState::unfinished:
      ++s.jobs_unfinished;
      break;
  }
}

/// A group while its jobs are gone through.
struct Group {
  Group() { statistics.jobs_carbon_g = statistics.jobs_cost = 0.0; }

  JobStatistics statistics;
  std::vector<double> wait_s, jct_s, bounded_slowdown;
  double gpu_seconds = 0.0, first_submit_s = unknown, last_end_s = unknown;

  /// @param counts  not submitted in the warm-up
  void add(const Job& job, const JobRecord& r, double submit_s, double tau_s, bool counts) {
    JobStatistics& s = statistics;
    count_state(r.state, s);
    if (!std::isnan(job.deadline_s)) ++s.jobs_with_deadline;
    s.deadline_misses += r.deadline_missed;
    s.jobs_it_energy_j += r.it_energy_j;
    s.jobs_facility_energy_j += r.facility_energy_j;
    if (r.site >= 0) {  // the others were charged nothing
      s.jobs_carbon_g += r.carbon_g;
      s.jobs_cost += r.cost;
    }
    gpu_seconds += r.gpu_seconds;
    if (std::isnan(first_submit_s)) first_submit_s = submit_s;
    if (!(r.end_s <= last_end_s) && !std::isnan(r.end_s)) last_end_s = r.end_s;
    if (!counts) return;
    if (!std::isnan(r.start_s)) wait_s.push_back(r.start_s - submit_s);
    if (!std::isnan(r.end_s)) {
      jct_s.push_back(r.end_s - submit_s);
      bounded_slowdown.push_back(std::max(1.0, jct_s.back() / std::max(job.run_s, tau_s)));
    }
  }

  JobStatistics finish(double gpu_seconds_present) {
    JobStatistics& s = statistics;
    s.wait_s = distribution_of(wait_s);
    s.jct_s = distribution_of(jct_s);
    s.bounded_slowdown = distribution_of(bounded_slowdown);
    if (gpu_seconds_present > 0.0) s.utilization = gpu_seconds / gpu_seconds_present;
    s.makespan_s = last_end_s - first_submit_s;
    return s;
  }
};

/// Water and what making the hardware emitted: known as a whole where all sites have them.
void add_optional(RunResult& result) {
  Summary& s = result.summary;
  if (!result.jobs_water_l.empty()) {
    s.water_l = s.jobs_water_l = 0.0;
    for (const SiteResult& site : result.sites) s.water_l += site.to_file_end.water_l;
    for (const double water_l : result.jobs_water_l) s.jobs_water_l += water_l;
  }
  if (result.has_embodied()) {
    s.embodied_carbon_g = s.jobs_embodied_carbon_g = 0.0;
    for (const SiteResult& site : result.sites) {
      s.embodied_carbon_g += site.to_file_end.embodied_carbon_g;
    }
    for (const JobRecord& r : result.jobs) s.jobs_embodied_carbon_g += result.embodied_carbon_g(r);
  }
}

}  // namespace

Distribution distribution_of(std::vector<double>& values) {
  Distribution d;
  if (values.empty()) return d;
  double sum = 0.0;
  for (const double value : values) sum += value;
  d.mean = sum / static_cast<double>(values.size());
  // Ranks rise, and what stands before the one that was found is no larger.
  auto from = values.begin();
  const auto nearest_rank = [&](std::size_t percent) {
    const std::size_t rank = (values.size() * percent + 99) / 100;
    const auto at = values.begin() + static_cast<std::ptrdiff_t>(rank - 1);
    std::nth_element(from, at, values.end());
    from = at;
    return *at;
  };
  d.p50 = nearest_rank(50);
  d.p95 = nearest_rank(95);
  d.p99 = nearest_rank(99);
  return d;
}

void summarise(RunResult& result) {
  Summary& s = result.summary;
  s.it_energy_j = s.facility_energy_j = s.carbon_g = s.cost = 0.0;
  for (const SiteResult& site : result.sites) {
    const Charge& total = site.to_file_end.total;
    s.it_energy_j += total.it_energy_j;
    s.facility_energy_j += total.facility_energy_j;
    s.carbon_g += total.carbon_g;
    s.cost += total.cost;
    s.demand_charge_cost += site.to_file_end.demand_charge_cost;
  }
  add_optional(result);

  // All jobs, and where there are classes, those of each and those of none.
  std::vector<Group> groups(result.classes.empty() ? 1 : result.classes.size() + 2);
  for (const JobRecord& r : result.jobs) {
    const Job& job = result.workload->jobs[r.job];
    const double submit_s = result.submit_s(r);
    const bool counts = submit_s >= result.warmup_s;
    groups.front().add(job, r, submit_s, result.slowdown_tau_s, counts);
    if (groups.size() > 1) {
      Group& own =
          r.job_class < 0 ? groups.back() : groups[1 + static_cast<std::size_t>(r.job_class)];
      own.add(job, r, submit_s, result.slowdown_tau_s, counts);
    }
    s.transfer_energy_j += r.transfer_energy_j;
    s.transfer_carbon_g += r.transfer_carbon_g;
    s.transfer_cost += r.transfer_cost;
  }

  s.carbon_g += s.transfer_carbon_g;
  s.cost += s.transfer_cost;

  double present_s = 0.0;
  for (const PartitionTotals& p : result.partitions) present_s += p.gpu_seconds_present;
  static_cast<JobStatistics&>(s) = groups.front().finish(present_s);
  s.classes.clear();
  for (std::size_t g = 1; g < groups.size(); ++g) {
    const bool of_no_class = g + 1 == groups.size();
    if (of_no_class && std::isnan(groups[g].first_submit_s)) break;  // all jobs have a class
    s.classes.push_back(
        {groups[g].finish(present_s), of_no_class ? std::string() : result.classes[g - 1]});
  }
}

}  // namespace nightwatt
