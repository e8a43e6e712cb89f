#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "energy/quantity.hpp"
#include "energy/signal.hpp"
#include "sim/carbon_label.hpp"
#include "sim/demand_charge.hpp"
#include "traces/job.hpp"

namespace nightwatt {

enum class JobState : std::uint8_t {
  completed = 0,
  killed_at_limit = 1,
  rejected = 2,
  unfinished = 3
};

/// What became of one job. Times are seconds since the period's start; NaN = never.
struct JobRecord {
  std::uint32_t job = 0;  ///< index into the workload's jobs
  JobState state = JobState::unfinished;
  std::uint8_t deadline_missed = 0;
  std::uint8_t power_changed = 0;  ///< its power was not the same all the time that it ran
  std::uint16_t preemptions = 0;
  std::int16_t site = -1, partition = -1, profile = -1,
               job_class = -1;  ///< partition counts over all sites
  std::int16_t home_site = -1;
  std::uint32_t nodes = 0;      ///< that it held
  double eligible_s = unknown;  ///< released by dependencies and timing, its data at the site
  double start_s = unknown;
  double end_s = unknown;
  double run_s = 0.0;  ///< executing, pauses excluded
  double completed_reference_s = 0.0;
  double paused_s = 0.0;
  double gpu_seconds = 0.0;  ///< held, in whole-GPU seconds
  double cap_w = unknown;    ///< time mean
  double it_energy_j = 0.0, facility_energy_j = 0.0, carbon_g = 0.0, cost = 0.0;
  double transfer_s = 0.0;  ///< that its data were on the way
  double transfer_energy_j = 0.0, transfer_carbon_g = 0.0, transfer_cost = 0.0;
};

/// Energy and what it was charged.
struct Charge {
  double it_energy_j = 0.0, facility_energy_j = 0.0, carbon_g = 0.0, cost = 0.0;
};

/// IT power is the sum of these. Design: jobs + idle + base + loss + asleep + boot = IT.
enum class Term : std::uint8_t { jobs, idle, base, loss, asleep, boot };
inline constexpr std::size_t term_count = 6;
inline constexpr std::array<const char*, term_count> term_names = {"jobs", "idle",   "base",
                                                                   "loss", "asleep", "boot"};

/// What is spread over a partition's jobs by GPU-seconds held for the `_full_` columns.
struct PartitionTotals {
  std::string site, name, device;
  bool counts_cores = false;
  std::uint64_t nodes = 0;
  std::uint64_t gpus = 0;         ///< GPUs (or cores) present
  double gpu_seconds_held = 0.0;  ///< to the file's own end
  double gpu_seconds_present =
      0.0;          ///< from the first submission to the last end (utilization's span)
  Charge overhead;  ///< idle, base, loss, asleep, boot, from period.start to the file's end
  double tail_power_w = unknown;          ///< the same terms after the last event
  double overhead_water_l = unknown;      ///< of the same; NaN where the site has no water use
  double embodied_g_per_gpu_s = unknown;  ///< as in PartitionSetup
};

/// Totals of a site up to one instant.
struct SiteTotals {
  double until_s = 0.0;
  std::array<double, term_count> term_j{};
  Charge total;  ///< all terms; facility includes b
  Charge fixed;  ///< of b(t) alone (it_energy_j = 0)
  double gpu_seconds_held = 0.0;
  /// ∫(PUE-1)dt, ∫(PUE-1)CI dt, ∫(PUE-1)price dt, and the same with P_IT [W] as a factor.
  double x_s = 0.0, x_ci = 0.0, x_price = 0.0, it_x_j = 0.0, it_x_ci_g = 0.0, it_x_price = 0.0;
  double peak_it_w = 0.0;              ///< exact
  double demand_charge_cost = 0.0;     ///< part of the total's cost, of no job's
  double water_l = unknown;            ///< NaN where the site has no water use
  double embodied_carbon_g = unknown;  ///< of all GPUs present; never part of carbon_g
};

/// Bin averages over [i*dt, (i+1)*dt) from the period's start; all vectors have the same length.
struct SiteBins {
  std::vector<double> it_power_w, facility_power_w, pue, carbon_intensity_g_per_kwh,
      carbon_rate_g_per_s, price_per_kwh;
  std::array<std::vector<double>, term_count> term_power_w;
  std::vector<double> gpus_busy, gpus_idle, gpus_asleep, jobs_running, jobs_queued, jobs_held,
      jobs_paused;
  std::vector<double> power_budget_w;  ///< of the facility, or of IT; NaN = none
};

/// One step of a site's signals; it holds until the next.
struct TailStep {
  double time_s = 0.0;
  double a = 1.0, b_w = 0.0, pue = unknown, carbon_intensity_g_per_kwh = unknown,
         price_per_kwh = unknown;
};

struct SiteResult {
  std::string name, timezone, currency;
  SiteTotals to_period_end, to_file_end;
  Charge unattributed;           ///< overhead of partitions nobody used, and b without GPU-seconds
  double peak_facility_w = 0.0;  ///< largest mean over a peak window
  double peak_window_s = 900.0;
  /// Where the power budget could not be kept: for how long, with how much energy above it, and by
  /// how many watts at most. NaN = there is none.
  double over_budget_s = unknown, over_budget_j = unknown, over_budget_w = unknown;
  SiteBins bins;
  std::array<double, term_count> tail_term_w{};  ///< static power after the last event
  std::vector<TailStep> tail;                    ///< so that any later horizon can be charged
  double tail_until_s = unknown;  ///< end of its last step; infinite where that holds for ever
  /// From the period's start to the end of the signals. Where they never end: to a day after the
  /// last instant that any job's slack reaches, but not beyond a year and a day after the file's
  /// end. Empty = not known (a file of an older program).
  std::vector<TailStep> steps;
  double steps_end_s = 0.0;  ///< of the last of them
  CarbonLabel accounted_carbon, decided_carbon;
  std::vector<MonthDemand> demand;  ///< to the file's end; empty without a demand charge
  DemandRate demand_rate;
  double open_window_j = 0.0;  ///< facility energy of the peak window that the file's end cuts
};

/// Something decided in the run, for /events.
struct Event {
  double time_s = 0.0;
  std::uint32_t job = 0xffffffffU;  ///< record index; all ones = none
  std::string what, why;
};

/// Node by bin, for /nodes/SITE.
struct NodeBins {
  std::size_t bins = 0, nodes = 0;
  std::vector<float> power_w, gpus_busy;  ///< [bin * nodes + node]
};

/// A file the run was made from.
struct InputFile {
  std::string role;  ///< "workload", "pue", "carbon", "price", "device"
  ReadReport report;
};

/// Mean and exact quantiles by nearest rank: p95 of n values is the ceil(0.95 n)-th smallest, so it
/// is one of them and nothing is interpolated. NaN without values.
struct Distribution {
  double mean = unknown, p50 = unknown, p95 = unknown, p99 = unknown;
};

/// Figures of a group of jobs: all of a run, or those of a class.
struct JobStatistics {
  std::uint64_t jobs_completed = 0, jobs_unfinished = 0, jobs_killed_at_limit = 0,
                jobs_rejected = 0;
  std::uint64_t jobs_with_deadline = 0, deadline_misses = 0;
  double jobs_it_energy_j = 0.0, jobs_facility_energy_j = 0.0, jobs_carbon_g = unknown,
         jobs_cost = unknown;
  /// Without the jobs of the warm-up. Waits of the jobs that started; completion times (end minus
  /// submission) and slowdowns of those that ended.
  Distribution wait_s, jct_s, bounded_slowdown;
  double utilization = unknown;  ///< GPU-seconds held by them over GPU-seconds present
  double makespan_s = unknown;   ///< their last end minus their first submission
};

struct ClassStatistics : JobStatistics {
  std::string name;  ///< "" = the jobs that are of no class
};

/// Headline figures with the keys of `--json`; NaN is written as null.
struct Summary : JobStatistics {
  double it_energy_j = 0, facility_energy_j = 0, carbon_g = unknown, cost = unknown;
  double transfer_energy_j = 0.0, transfer_carbon_g = 0.0, transfer_cost = 0.0;
  double demand_charge_cost = 0.0;  ///< part of cost
  /// Of decisions by a forecast that is not perfect; NaN where there is none.
  double regret_carbon_g = unknown, regret_cost = unknown;
  /// NaN where no site (water) or partition (embodied) has them.
  double water_l = unknown, jobs_water_l = unknown;
  double embodied_carbon_g = unknown, jobs_embodied_carbon_g = unknown;
  double conservation_error = 0.0;
  std::vector<ClassStatistics> classes;  ///< in the scenario's order, "" last; together all jobs
};

/// The least that the jobs can be charged, whatever the schedule.
struct LowerBound {
  double value = unknown;   ///< in g or money; NaN = there is none
  double booked = unknown;  ///< what the same jobs were charged in the run
  std::string method;       ///< how it was found, or why there is none
  /// Largest share of what was booked that another schedule could save.
  [[nodiscard]] double gap() const { return (booked - value) / booked; }
};

/// Bounds of a run (docs/models/bounds.md).
struct LowerBounds {
  std::string freedom;  ///< what a schedule may choose: "start, interruption, site"
  LowerBound carbon, cost;
  std::uint64_t jobs = 0, cells = 0;  ///< that draw energy; hours x partitions
};

/// A finished run: everything that the timeline file holds.
struct RunResult {
  std::string title, program, scenario_yaml, scenario_sha256;
  std::int64_t seed = 0;
  std::int64_t period_start_unix_s = 0;
  double period_start_fraction_s = 0.0;
  double origin_offset_s = 0.0;  ///< as in Setup: add to a job's own times (submit, deadline)
  double period_end_s = 0.0;     ///< since the period's start
  double file_end_s = 0.0;       ///< last instant that is charged
  double bin_s = 300.0;
  double slowdown_tau_s = 10.0;
  double warmup_s = 0.0;
  std::uint32_t conservative_depth = 1000;
  bool interrupted = false;
  const Workload* workload = nullptr;  ///< job fields and string tables; outlives the result
  std::vector<JobRecord> jobs;         ///< in order of submit time and id
  std::vector<double> jobs_water_l;    ///< by record; empty where no site has a water use
  std::vector<std::string> profiles, classes, devices;
  std::vector<double> class_slack_s;  ///< beside classes: how long a job may be held; empty = 0
  std::vector<double>
      class_data_gb;  ///< beside classes: to be where a job runs; empty = none moves
  double network_j_per_gb = unknown;  ///< NaN = no data move
  std::vector<PartitionTotals> partitions;
  std::vector<SiteResult> sites;
  std::map<std::string, NodeBins> nodes;  ///< by site, if asked for
  std::vector<Event> events;              ///< if asked for
  std::vector<InputFile> inputs;
  std::vector<RuleCount>
      counts;  ///< what the run decided and counted: overruns, replay conflicts, ...
  std::vector<std::string> notes;  ///< assumptions for the summary
  Summary summary;
  std::optional<LowerBounds> bounds;  ///< if asked for

  /// Whether any partition says what making its hardware emitted.
  [[nodiscard]] bool has_embodied() const {
    return std::any_of(partitions.begin(), partitions.end(), [](const PartitionTotals& p) {
      return !std::isnan(p.embodied_g_per_gpu_s);
    });
  }
  /// Whether the summary has that figure: those of water and hardware need something to be made of.
  [[nodiscard]] bool has(double Summary::*optional) const {
    if (optional == &Summary::regret_carbon_g || optional == &Summary::regret_cost) {
      return !std::isnan(summary.*optional);
    }
    const bool water = optional == &Summary::water_l || optional == &Summary::jobs_water_l;
    return water ? !jobs_water_l.empty() : has_embodied();
  }
  /// Of making the hardware, by the GPU-seconds that the job held; NaN where it is not given.
  [[nodiscard]] double embodied_carbon_g(const JobRecord& r) const {
    if (r.partition < 0) return 0.0;
    return r.gpu_seconds * partitions[static_cast<std::size_t>(r.partition)].embodied_g_per_gpu_s;
  }
  /// Submission of a job, through the clock of the simulation: one that starts at once waits
  /// exactly 0.
  [[nodiscard]] double submit_s(const JobRecord& r) const {
    return SimTime::from_seconds(workload->jobs[r.job].submit_s + origin_offset_s).seconds();
  }
  /// How long the job may be held; 0 = not at all.
  [[nodiscard]] double slack_s(const JobRecord& r) const {
    if (r.job_class < 0 || class_slack_s.empty()) return 0.0;
    return class_slack_s[static_cast<std::size_t>(r.job_class)];
  }
  [[nodiscard]] double data_gb(const JobRecord& r) const {
    if (r.job_class < 0 || class_data_gb.empty()) return 0.0;
    return class_data_gb[static_cast<std::size_t>(r.job_class)];
  }
};

}  // namespace nightwatt
