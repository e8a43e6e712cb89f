#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "energy/quantity.hpp"
#include "energy/random.hpp"
#include "traces/job.hpp"

namespace nightwatt {

/// A workload that is drawn instead of read.
///
/// - Arrivals are Poisson with a rate that follows the day (a sine around the day's mean) and the
///   week (a factor for each weekday).
/// - Run times are log-normal, cut to [run_min, run_max] (drawn within the bounds, not clipped to
///   them, so that nothing piles up there).
/// - GPU counts follow their weights, users a Zipf law, limits are the run time times U(a, b).
///
/// Every draw is a function of (seed, what is drawn, number of the job), so the first n jobs are
/// the same however many are made.
struct SyntheticOptions {
  std::uint64_t seed = 1;
  double jobs_per_hour = 60.0;  ///< mean over a week

  /// Rate over the day's mean, minus 1, at its highest; 0 = no cycle, less than 1.
  double daily_amplitude = 0.0;
  double daily_peak_h = 14.0;  ///< hour of the day with the highest rate
  /// Share of the mean rate that each weekday has, Monday first; scaled to a mean of 1.
  std::array<double, 7> weekday_weights{1, 1, 1, 1, 1, 1, 1};

  double run_median_s = 1200.0;
  double run_sigma = 1.3;  ///< of the logarithm; 0 = all the median
  double run_min_s = 10.0;
  double run_max_s = 86400.0;
  double limit_min = 1.1, limit_max = 3.0;                ///< limit over run time
  std::map<std::uint32_t, double> gpu_weights{{1, 1.0}};  ///< GPUs -> weight
  std::uint32_t users = 0;                                ///< 0 = jobs have no user
  bool whole_seconds = false;  ///< submit and run times are rounded (run times to at least 1 s)

  /// What second 0 is; none = it is a Monday 00:00 without a date. Days and weeks are those of UTC.
  std::optional<std::int64_t> origin_unix_s;

  /// The workload of the benchmarks: 1 to `gpus_per_node` GPUs, each as often, run times of median
  /// 1,200 s, sigma 1.3, 10 s to 1 day, limits of 1.1 to 3 times the run time, arrivals that vary
  /// by 40 % over the day, at a rate that asks `load` of all GPUs; whole seconds.
  static SyntheticOptions benchmark(std::uint64_t seed, std::uint32_t nodes,
                                    std::uint32_t gpus_per_node, double load = 0.8);

  /// Sets the rate so that jobs ask `load` of `gpus` GPUs on average.
  void set_load(double load, double gpus);
  /// Mean of the run times as they are drawn, and of the GPU counts.
  [[nodiscard]] double mean_run_s() const;
  [[nodiscard]] double mean_gpus() const;
  /// @throws std::invalid_argument that names the option
  void check() const;
};

/// Draws the jobs of a synthetic workload one after the other, in order of their submit time, which
/// counts from second 0. Ids are 1, 2, 3, ...
class SyntheticJobs {
 public:
  /// @throws std::invalid_argument as SyntheticOptions::check
  explicit SyntheticJobs(const SyntheticOptions& options);
  Job next();

 private:
  [[nodiscard]] double next_arrival_s();

  SyntheticOptions options_;
  RandomStream arrivals_, runs_, limits_, gpus_, users_;
  std::uint64_t number_ = 0;
  // Arrivals come where the integral of the rate (mean jobs) reaches a sum of exponential draws.
  // It is counted within a week, so that late times are as exact as early ones.
  std::array<double, 8> before_day_{};  ///< mean jobs of a week before each of its days
  std::int64_t week_ = 0;
  double in_week_ = 0.0;         ///< mean jobs since the week began (on a Monday)
  double zero_in_week_s_ = 0.0;  ///< where in its week second 0 lies
  double last_s_ = 0.0;
  // Distributions.
  double low_ = 0.0, high_ = 1.0;  ///< normal probabilities of the run time's bounds
  std::vector<std::uint32_t> gpu_counts_;
  std::vector<double> gpu_shares_, user_shares_;  ///< cumulative
};

/// The first `jobs` of them, with a report that says how they were made.
Workload synthetic_workload(const SyntheticOptions& options, std::size_t jobs);
/// All of them that are submitted before `until_s`.
Workload synthetic_workload_until(const SyntheticOptions& options, double until_s);

}  // namespace nightwatt
