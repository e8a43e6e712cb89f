#include "traces/synthetic.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numbers>
#include <numeric>
#include <stdexcept>
#include <string>

namespace nightwatt {
namespace {

constexpr double day_s = 86400.0;
constexpr double week_s = 7 * day_s;

/// Share of a day's jobs that come before the share v of the day, where the rate is
/// 1 + a cos(2 pi (v - peak)); 0 at 0 and 1 at 1.
double share_before(double v, double a, double peak) {
  constexpr double turn = 2.0 * std::numbers::pi;
  return v + a / turn * (std::sin(turn * (v - peak)) + std::sin(turn * peak));
}

/// The v with share_before(v) = share: Newton's steps, kept inside a bracket that shrinks.
double day_share(double share, double a, double peak) {
  if (a == 0.0) return share;
  double low = 0.0;
  double high = 1.0;
  double v = share;
  for (int i = 0; i < 100; ++i) {
    const double miss = share_before(v, a, peak) - share;
    (miss < 0.0 ? low : high) = v;
    double next = v - miss / (1.0 + a * std::cos(2.0 * std::numbers::pi * (v - peak)));
    if (!(next > low && next < high)) next = 0.5 * (low + high);
    if (std::abs(next - v) < 1e-14) return next;
    v = next;
  }
  return v;
}

std::vector<double> cumulative(const std::vector<double>& weights) {
  std::vector<double> sums(weights.size());
  std::partial_sum(weights.begin(), weights.end(), sums.begin());
  for (double& sum : sums) sum /= sums.back();
  return sums;
}

/// Index of the share that u in [0, 1) falls into.
std::size_t pick(const std::vector<double>& sums, double u) {
  const auto found = std::upper_bound(sums.begin(), sums.end(), u);
  return std::min(static_cast<std::size_t>(found - sums.begin()), sums.size() - 1);
}

double sum_of(const std::array<double, 7>& weights) {
  return std::accumulate(weights.begin(), weights.end(), 0.0);
}

Workload start_workload(const SyntheticOptions& options) {
  Workload workload;
  workload.origin_unix_s = options.origin_unix_s;
  for (std::uint32_t i = 1; i <= options.users; ++i) {
    workload.users.intern("user" + std::to_string(i));
  }
  return workload;
}

void finish_workload(Workload& workload, const SyntheticOptions& options) {
  ReadReport report;
  report.format = "synthetic";
  report.rows = workload.jobs.size();
  report.notes.push_back(fmt::format(
      "drawn with seed {}: {} jobs/h, run times of median {} s and sigma {} within {} to {} s, {} "
      "GPUs on average",
      options.seed, options.jobs_per_hour, options.run_median_s, options.run_sigma,
      options.run_min_s, options.run_max_s, options.mean_gpus()));
  workload.reports.push_back(std::move(report));
}

}  // namespace

SyntheticOptions SyntheticOptions::benchmark(std::uint64_t seed, std::uint32_t nodes,
                                             std::uint32_t gpus_per_node, double load) {
  SyntheticOptions options;
  options.seed = seed;
  options.daily_amplitude = 0.4;
  options.whole_seconds = true;
  options.gpu_weights.clear();
  for (std::uint32_t gpus = 1; gpus <= gpus_per_node; ++gpus) options.gpu_weights[gpus] = 1.0;
  options.set_load(load, static_cast<double>(nodes) * gpus_per_node);
  return options;
}

void SyntheticOptions::set_load(double load, double gpus) {
  jobs_per_hour = 3600.0 * load * gpus / (mean_gpus() * mean_run_s());
}

double SyntheticOptions::mean_gpus() const {
  double jobs = 0.0;
  double sum = 0.0;
  for (const auto& [gpus, weight] : gpu_weights) {
    jobs += weight;
    sum += weight * gpus;
  }
  return sum / jobs;
}

double SyntheticOptions::mean_run_s() const {
  if (run_sigma == 0.0) return std::clamp(run_median_s, run_min_s, run_max_s);
  const double a = std::log(run_min_s / run_median_s) / run_sigma;
  const double b = std::log(run_max_s / run_median_s) / run_sigma;
  return run_median_s * std::exp(run_sigma * run_sigma / 2.0) *
         (normal_probability(b - run_sigma) - normal_probability(a - run_sigma)) /
         (normal_probability(b) - normal_probability(a));
}

void SyntheticOptions::check() const {
  const auto needs = [](bool ok, const char* what) {
    if (!ok) throw std::invalid_argument(what);
  };
  needs(jobs_per_hour > 0.0 && std::isfinite(jobs_per_hour), "jobs_per_hour: not above 0");
  needs(daily_amplitude >= 0.0 && daily_amplitude < 1.0, "daily_amplitude: not in [0, 1)");
  needs(std::isfinite(daily_peak_h), "daily_peak_h: not a number");
  needs(std::all_of(weekday_weights.begin(), weekday_weights.end(),
                    [](double w) { return w >= 0.0 && std::isfinite(w); }) &&
            sum_of(weekday_weights) > 0.0,
        "weekday_weights: one is below 0, or all are 0");
  needs(run_median_s > 0.0 && std::isfinite(run_median_s), "run_median: not above 0");
  needs(run_sigma >= 0.0 && std::isfinite(run_sigma), "run_sigma: below 0");
  needs(run_min_s > 0.0 && run_min_s <= run_max_s && std::isfinite(run_max_s),
        "run_min, run_max: 0 < run_min <= run_max does not hold");
  needs(run_sigma == 0.0 ||
            normal_probability(std::log(run_max_s / run_median_s) / run_sigma) >
                normal_probability(std::log(run_min_s / run_median_s) / run_sigma) + 1e-12,
        "run_min, run_max: hardly a run time of this median and sigma lies between them");
  needs(limit_min > 0.0 && limit_min <= limit_max && std::isfinite(limit_max),
        "limit_min, limit_max: 0 < limit_min <= limit_max does not hold");
  double sum = 0.0;
  for (const auto& [gpus, weight] : gpu_weights) {
    needs(gpus > 0 && gpus <= 4'000'000, "gpu_weights: a number of GPUs is not in 1 to 4,000,000");
    needs(weight >= 0.0 && std::isfinite(weight), "gpu_weights: a weight is below 0");
    sum += weight;
  }
  needs(sum > 0.0, "gpu_weights: no weight is above 0");
  needs(users <= 10'000'000, "users: more than 10,000,000");
}

SyntheticJobs::SyntheticJobs(const SyntheticOptions& options)
    : options_(options),
      arrivals_(options.seed, "synthetic/arrival"),
      runs_(options.seed, "synthetic/run"),
      limits_(options.seed, "synthetic/limit"),
      gpus_(options.seed, "synthetic/gpus"),
      users_(options.seed, "synthetic/user") {
  options_.check();
  const double jobs_a_week = options_.jobs_per_hour * 168.0;
  const double all = sum_of(options_.weekday_weights);
  for (std::size_t day = 0; day < 7; ++day) {
    before_day_[day + 1] = before_day_[day] + jobs_a_week * options_.weekday_weights[day] / all;
  }
  const std::int64_t origin = options_.origin_unix_s.value_or(4 * 86400);  // 1970-01-05, a Monday
  const std::int64_t since_monday = (origin + 3 * 86400) % 604800;         // 1970-01-01: a Thursday
  zero_in_week_s_ = static_cast<double>(since_monday < 0 ? since_monday + 604800 : since_monday);
  const auto day = static_cast<std::size_t>(zero_in_week_s_ / day_s);
  const double of_day = zero_in_week_s_ / day_s - static_cast<double>(day);
  in_week_ = before_day_[day] +
             (before_day_[day + 1] - before_day_[day]) *
                 share_before(of_day, options_.daily_amplitude, options_.daily_peak_h / 24.0);
  if (options_.run_sigma > 0.0) {
    low_ = normal_probability(std::log(options_.run_min_s / options_.run_median_s) /
                              options_.run_sigma);
    high_ = normal_probability(std::log(options_.run_max_s / options_.run_median_s) /
                               options_.run_sigma);
  }
  std::vector<double> weights;
  for (const auto& [gpus, weight] : options_.gpu_weights) {
    gpu_counts_.push_back(gpus);
    weights.push_back(weight);
  }
  gpu_shares_ = cumulative(weights);
  if (options_.users > 0) {
    weights.clear();
    for (std::uint32_t i = 1; i <= options_.users; ++i) weights.push_back(1.0 / i);
    user_shares_ = cumulative(weights);
  }
}

double SyntheticJobs::next_arrival_s() {
  in_week_ += arrivals_.exponential(number_);
  while (in_week_ >= before_day_[7]) {
    in_week_ -= before_day_[7];
    ++week_;
  }
  const auto after = std::upper_bound(before_day_.begin() + 1, before_day_.end() - 1, in_week_);
  const double of_day = (in_week_ - *(after - 1)) / (*after - *(after - 1));
  const double days = static_cast<double>(after - before_day_.begin() - 1) +
                      day_share(of_day, options_.daily_amplitude, options_.daily_peak_h / 24.0);
  const double t = static_cast<double>(week_) * week_s + days * day_s - zero_in_week_s_;
  return last_s_ = std::max(last_s_, t);  // rounding must not turn two arrivals round
}

Job SyntheticJobs::next() {
  ++number_;
  Job job;
  job.id = static_cast<std::int64_t>(number_);
  job.row = number_;
  job.state = TraceState::completed;
  job.submit_s = next_arrival_s();
  job.run_s = options_.run_median_s;
  if (options_.run_sigma > 0.0) {
    const double p =
        std::clamp(low_ + (high_ - low_) * runs_.uniform_open(number_), 1e-300, 1.0 - 0x1p-53);
    job.run_s *= std::exp(options_.run_sigma * normal_quantile(p));
  }
  job.run_s = std::clamp(job.run_s, options_.run_min_s, options_.run_max_s);
  const double over =
      options_.limit_min + (options_.limit_max - options_.limit_min) * limits_.uniform(number_);
  if (options_.whole_seconds) {
    job.submit_s = std::floor(job.submit_s);
    job.run_s = std::max(1.0, std::round(job.run_s));
    job.limit_s = std::ceil(job.run_s * over);
  } else {
    job.limit_s = job.run_s * over;
  }
  job.gpu_milli = 1000 * gpu_counts_[pick(gpu_shares_, gpus_.uniform(number_))];
  if (!user_shares_.empty()) {
    job.user = static_cast<std::int32_t>(pick(user_shares_, users_.uniform(number_)));
  }
  return job;
}

Workload synthetic_workload(const SyntheticOptions& options, std::size_t jobs) {
  SyntheticJobs draw(options);
  Workload workload = start_workload(options);
  workload.jobs.reserve(jobs);
  for (std::size_t i = 0; i < jobs; ++i) workload.jobs.push_back(draw.next());
  finish_workload(workload, options);
  return workload;
}

Workload synthetic_workload_until(const SyntheticOptions& options, double until_s) {
  SyntheticJobs draw(options);
  Workload workload = start_workload(options);
  for (Job job = draw.next(); job.submit_s < until_s; job = draw.next()) {
    workload.jobs.push_back(job);
  }
  finish_workload(workload, options);
  return workload;
}

}  // namespace nightwatt
