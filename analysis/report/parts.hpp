#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "analysis/report/encode.hpp"
#include "sim/timeline/study_index.hpp"
#include "sim/timeline/timeline.hpp"

/// What each picture of the report is drawn from; one file a kind of picture. Private to this
/// folder.
namespace nightwatt::report {

/// How much of everything fits, so that a page of many runs stays small.
struct Budget {
  std::size_t bins;       ///< of a series
  std::size_t jobs;       ///< in a table
  std::size_t bars;       ///< jobs of a Gantt chart
  std::size_t quantiles;  ///< of a distribution

  static Budget of(const std::vector<TimelineFile>& files);
};

/// Columns of /jobs that several pictures need, read once.
struct JobColumns {
  explicit JobColumns(const TimelineFile& file);
  std::vector<double> submit_s, start_s, end_s, wait_s, run_s, slowdown, gpus;
  std::vector<double> it_energy_j, facility_energy_j, carbon_g, cost, cap_w;
  std::vector<std::int64_t> site, partition, device, profile, job_class, user, state,
      deadline_missed;

  [[nodiscard]] std::size_t size() const { return submit_s.size(); }
  /// Held while it ran, in whole-GPU seconds.
  [[nodiscard]] double gpu_seconds(std::size_t job) const { return gpus[job] * run_s[job]; }
};

/// Program, scenario, inputs, counts, notes, headline figures.
Json provenance(const TimelineFile& file);
/// Power, signals, queue and utilization over time: of each site, and of all where several are.
Json time_series(const TimelineFile& file, const Budget& budget);
/// Energy and carbon by hour and local day of each site, and of all (in UTC) where several are.
Json calendar(const TimelineFile& file);
/// Waits and slowdowns: quantiles and histogram.
Json distributions(const TimelineFile& file, const JobColumns& jobs, const Budget& budget);
/// The bars of a small run, and power by node where the file has it.
Json schedule(const TimelineFile& file, const JobColumns& jobs, const Budget& budget);
/// The jobs that matter, and totals by class and user.
Json job_tables(const TimelineFile& file, const JobColumns& jobs, const Budget& budget);
/// What ran where, and where it came from if the file tells.
Json site_shares(const TimelineFile& file, const JobColumns& jobs);
/// Rate and energy against power cap of the devices used.
Json cap_curves(const TimelineFile& file, const JobColumns& jobs);
/// Axes, figures by combination, and what moves each of them.
/// @param drawn  combinations whose runs stand on the page
Json study(const StudyIndex& index, std::size_t drawn);

}  // namespace nightwatt::report
