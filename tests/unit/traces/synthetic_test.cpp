#include "traces/synthetic.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numbers>
#include <stdexcept>

#include "traces/formats/swf_writer.hpp"
#include "traces/input.hpp"
#include "traces/reader.hpp"

namespace nightwatt {
namespace {

constexpr std::size_t many = 200'000;

bool same(const Job& a, const Job& b) {
  return a.submit_s == b.submit_s && a.run_s == b.run_s && a.limit_s == b.limit_s && a.id == b.id &&
         a.gpu_milli == b.gpu_milli && a.user == b.user;
}

TEST(Synthetic, MeansOfTheDistributionsInClosedForm) {
  SyntheticOptions options;
  options.run_min_s = 1e-9;
  options.run_max_s = 1e12;  // as good as no bounds: median exp(sigma^2 / 2)
  EXPECT_NEAR(options.mean_run_s(), 1200 * std::exp(0.845), 1e-6 * 2794);
  options.gpu_weights = {{1, 3.0}, {4, 1.0}};
  EXPECT_EQ(options.mean_gpus(), 1.75);
  options.run_sigma = 0;
  options.run_max_s = 600;
  EXPECT_EQ(options.mean_run_s(), 600.0);
  options.set_load(0.5, 7.0);  // 3.5 GPUs busy: 3.5 / (1.75 * 600) jobs a second
  EXPECT_DOUBLE_EQ(options.jobs_per_hour, 12.0);
}

TEST(Synthetic, RateRunTimesLimitsAndGpusAreAsAsked) {
  SyntheticOptions options;
  options.jobs_per_hour = 100;
  options.gpu_weights = {{1, 0.5}, {2, 0.3}, {8, 0.2}};
  const Workload drawn = synthetic_workload(options, many);
  const auto n = static_cast<double>(many);
  const double se = 4.0 / std::sqrt(n);                          // four standard errors
  EXPECT_NEAR(drawn.jobs.back().submit_s / n, 36.0, se * 36.0);  // gaps: exponential, mean 36 s
  std::vector<double> runs;
  double gap2 = 0, limit = 0, run = 0, previous = 0;
  std::map<std::uint32_t, double> gpus;
  for (const Job& job : drawn.jobs) {
    runs.push_back(job.run_s);
    run += job.run_s;
    gap2 += (job.submit_s - previous) * (job.submit_s - previous);
    previous = job.submit_s;
    limit += job.limit_s / job.run_s;
    gpus[job.gpu_milli] += 1 / n;
    ASSERT_GE(job.run_s, 10.0);
    ASSERT_LE(job.run_s, 86400.0);
    ASSERT_GE(job.limit_s, 1.1 * job.run_s);
    ASSERT_LE(job.limit_s, 3.0 * job.run_s);
  }
  EXPECT_NEAR(gap2 / n, 2 * 36.0 * 36, se * std::sqrt(20.0) * 36 * 36);
  EXPECT_NEAR(limit / n, 2.05, se * 1.9 / std::sqrt(12.0));
  EXPECT_EQ(gpus.size(), 3U);
  EXPECT_NEAR(gpus[1000], 0.5, se * 0.5);
  EXPECT_NEAR(gpus[2000], 0.3, se * 0.46);
  EXPECT_NEAR(gpus[8000], 0.2, se * 0.4);
  // Quantiles of the log-normal cut to 10 s .. 1 day: probabilities within those of the bounds.
  std::sort(runs.begin(), runs.end());
  const double low = normal_probability(std::log(10 / 1200.0) / 1.3);
  const double high = normal_probability(std::log(86400 / 1200.0) / 1.3);
  for (const double p : {0.05, 0.25, 0.5, 0.75, 0.95}) {
    const double z = normal_quantile(low + (high - low) * p);
    const double expected = 1200 * std::exp(1.3 * z);
    const double seen = runs[static_cast<std::size_t>(p * n)];
    // Standard error of a quantile: sqrt(p (1-p) / n) / density; here of its logarithm.
    const double density = std::exp(-z * z / 2) / std::sqrt(2 * std::numbers::pi) / 1.3;
    EXPECT_NEAR(std::log(seen / expected), 0.0, se * std::sqrt(p * (1 - p)) / density) << p;
  }
  // Log-normal, so heavy: the spread of the mean is measured, not known.
  double square = 0;
  for (const double r : runs) square += r * r;
  const double deviation = std::sqrt(square / n - run / n * run / n);
  EXPECT_NEAR(run / n, options.mean_run_s(), se * deviation);
}

TEST(Synthetic, RatesFollowTheDay) {
  SyntheticOptions options;
  options.jobs_per_hour = 200;
  options.daily_amplitude = 0.4;
  options.daily_peak_h = 14;
  const Workload drawn = synthetic_workload(options, many);
  // First harmonic of the arrivals' time of day, in whole days: the mean of cos is a/2 at the peak,
  // that of sin 0.
  const double whole_s = std::floor(drawn.jobs.back().submit_s / 86400) * 86400;
  double c = 0, s = 0, n = 0;
  for (const Job& job : drawn.jobs) {
    if (job.submit_s >= whole_s) break;
    const double angle = 2 * std::numbers::pi * (job.submit_s / 86400 - 14.0 / 24);
    c += std::cos(angle), s += std::sin(angle), ++n;
  }
  const double se = 4.0 / std::sqrt(2.0 * n);
  EXPECT_NEAR(c / n, 0.2, se);
  EXPECT_NEAR(s / n, 0.0, se);
  EXPECT_NEAR(n / whole_s * 3600, 200.0, 200.0 * 4 / std::sqrt(n));
}

TEST(Synthetic, RatesFollowTheWeek) {
  SyntheticOptions options;
  options.jobs_per_hour =
      168;  // 28,224 a week: 4,704 on workdays, half on Saturday, none on Sunday
  options.weekday_weights = {1, 1, 1, 1, 1, 0.5, 0};
  const auto by_day = [&](std::int64_t monday) {
    std::array<double, 7> jobs{};
    const Workload drawn = synthetic_workload_until(options, 10 * 604800.0);
    for (const Job& job : drawn.jobs) {
      ++jobs[static_cast<std::size_t>(
          (static_cast<std::int64_t>(job.submit_s / 86400) + 7 - monday) % 7)];
    }
    return jobs;
  };
  for (const auto& [origin, monday] :
       {std::pair<std::optional<std::int64_t>, int>{std::nullopt, 0},
        {1664755200, 0},     // 2022-10-03, a Monday
        {1641038400, 2}}) {  // 2022-01-01 12:00, a Saturday; Monday begins 1.5 days later
    options.origin_unix_s = origin;
    if (origin == 1641038400) {
      // Half days: count the jobs on Sunday only, from 0.5 to 1.5 days on.
      const Workload drawn = synthetic_workload_until(options, 604800.0);
      EXPECT_TRUE(std::none_of(drawn.jobs.begin(), drawn.jobs.end(), [](const Job& job) {
        return job.submit_s >= 43200 && job.submit_s < 129600;
      }));
      EXPECT_LT(drawn.jobs.front().submit_s, 43200.0);
      continue;
    }
    const auto jobs = by_day(monday);
    const double workday = 28224 / 5.5 * 10;
    for (std::size_t day = 0; day < 5; ++day) {
      EXPECT_NEAR(jobs[day], workday, 4 * std::sqrt(workday));
    }
    EXPECT_NEAR(jobs[5], workday / 2, 4 * std::sqrt(workday / 2));
    EXPECT_EQ(jobs[6], 0.0);
  }
}

TEST(Synthetic, SameSeedSameJobsWhateverTheirNumber) {
  SyntheticOptions options = SyntheticOptions::benchmark(1, 16, 8);
  options.users = 20;
  const Workload few = synthetic_workload(options, 500);
  const Workload more = synthetic_workload(options, 5000);
  for (std::size_t i = 0; i < few.jobs.size(); ++i) ASSERT_TRUE(same(few.jobs[i], more.jobs[i]));
  const Workload until = synthetic_workload_until(options, more.jobs[300].submit_s);
  ASSERT_LE(until.jobs.size(), 300U);
  for (std::size_t i = 0; i < until.jobs.size(); ++i) {
    ASSERT_TRUE(same(until.jobs[i], more.jobs[i]));
  }
  options.seed = 2;
  const Workload other = synthetic_workload(options, 500);
  std::size_t equal = 0;
  for (std::size_t i = 0; i < 500; ++i) equal += same(few.jobs[i], other.jobs[i]) ? 1 : 0;
  EXPECT_EQ(equal, 0U);
  // A change of one distribution leaves the draws of the others alone.
  options.seed = 1;
  options.gpu_weights = {{3, 1.0}};
  options.limit_max = 9;
  const Workload changed = synthetic_workload(options, 500);
  for (std::size_t i = 0; i < 500; ++i) {
    ASSERT_EQ(changed.jobs[i].run_s, few.jobs[i].run_s);
    ASSERT_EQ(changed.jobs[i].submit_s, few.jobs[i].submit_s);
  }
}

TEST(Synthetic, TheBenchmarkWorkload) {
  const SyntheticOptions options = SyntheticOptions::benchmark(1, 1024, 8);
  const Workload drawn = synthetic_workload(options, many);
  double gpu_seconds = 0;
  for (const Job& job : drawn.jobs) {
    ASSERT_EQ(job.submit_s, std::floor(job.submit_s));
    ASSERT_EQ(job.run_s, std::floor(job.run_s));
    ASSERT_EQ(job.limit_s, std::floor(job.limit_s));
    ASSERT_GE(job.limit_s, job.run_s);
    gpu_seconds += job.run_s * job.gpu_milli / 1000.0;
  }
  // Load 0.8 of 8,192 GPUs over whole days (the rate varies inside one).
  const double days = std::floor(drawn.jobs.back().submit_s / 86400);
  double in_days = 0;
  for (const Job& job : drawn.jobs) {
    if (job.submit_s < days * 86400) in_days += job.run_s * job.gpu_milli / 1000.0;
  }
  ASSERT_GE(days, 1.0);
  EXPECT_NEAR(in_days / (days * 86400 * 8192), 0.8, 0.02);
  EXPECT_GT(gpu_seconds, in_days);
  for (std::size_t i = 1; i < many; ++i) {
    ASSERT_GE(drawn.jobs[i].submit_s, drawn.jobs[i - 1].submit_s);
  }
}

TEST(Synthetic, UsersFollowZipf) {
  SyntheticOptions options;
  options.users = 3;  // shares 6/11, 3/11, 2/11
  const Workload drawn = synthetic_workload(options, many);
  EXPECT_THAT(drawn.users.texts(), testing::ElementsAre("user1", "user2", "user3"));
  std::array<double, 3> seen{};
  for (const Job& job : drawn.jobs) seen[static_cast<std::size_t>(job.user)] += 1.0 / many;
  EXPECT_NEAR(seen[0], 6.0 / 11, 0.005);
  EXPECT_NEAR(seen[1], 3.0 / 11, 0.005);
  EXPECT_NEAR(seen[2], 2.0 / 11, 0.005);
}

TEST(Synthetic, OptionsAreChecked) {
  const auto faulty = [](auto change) {
    SyntheticOptions options;
    change(options);
    try {
      options.check();
    } catch (const std::invalid_argument& fault) {
      return std::string(fault.what());
    }
    return std::string();
  };
  using O = SyntheticOptions;
  EXPECT_EQ(faulty([](O&) {}), "");
  EXPECT_THAT(faulty([](O& o) { o.jobs_per_hour = 0; }), testing::StartsWith("jobs_per_hour"));
  EXPECT_THAT(faulty([](O& o) { o.daily_amplitude = 1; }), testing::StartsWith("daily_amplitude"));
  EXPECT_THAT(faulty([](O& o) { o.weekday_weights.fill(0); }), testing::StartsWith("weekday"));
  EXPECT_THAT(faulty([](O& o) { o.run_min_s = 1e6; }), testing::StartsWith("run_min"));
  EXPECT_THAT(faulty([](O& o) {
                o.run_median_s = 1e12;
                o.run_sigma = 0.1;
              }),
              testing::StartsWith("run_min"));
  EXPECT_THAT(faulty([](O& o) { o.limit_max = 1; }), testing::StartsWith("limit_min"));
  EXPECT_THAT(faulty([](O& o) { o.gpu_weights.clear(); }), testing::StartsWith("gpu_weights"));
  EXPECT_THAT(faulty([](O& o) { o.gpu_weights = {{0, 1.0}}; }), testing::StartsWith("gpu_weights"));
}

TEST(Swf, IsWrittenAsTheReaderReadsIt) {
  SyntheticOptions options = SyntheticOptions::benchmark(3, 16, 8);
  options.whole_seconds = false;
  const Workload drawn = synthetic_workload(options, 1000);
  SwfHeader header;
  header.computer = "test";
  header.jobs = drawn.jobs.size();
  header.unix_start_s = 1664755200;
  std::string text = swf_header(header);
  for (const Job& job : drawn.jobs) {
    SwfRow row = swf_row(job);
    row.processors = job.gpu_milli / 1000;
    append_swf(row, text);
  }
  EXPECT_THAT(text, testing::StartsWith("; Version: 2.2\n; Computer: test\n; MaxJobs: 1000\n"
                                        "; MaxRecords: 1000\n; UnixStartTime: 1664755200\n"));
  ReadRequest request;
  request.path = "drawn.swf";
  Input input = Input::from_memory(request.path, text);
  const Workload read = read_workload(request, input);
  EXPECT_EQ(read.reports.front().format, "swf");
  ASSERT_EQ(read.jobs.size(), drawn.jobs.size());
  for (std::size_t i = 0; i < read.jobs.size(); ++i) {
    const Job& a = drawn.jobs[i];
    const Job& b = read.jobs[i];
    ASSERT_EQ(a.id, b.id);
    ASSERT_EQ(a.submit_s, b.submit_s);
    ASSERT_EQ(a.run_s, b.run_s);
    ASSERT_EQ(a.limit_s, b.limit_s);
    ASSERT_EQ(a.gpu_milli, b.gpu_milli);
  }
}

}  // namespace
}  // namespace nightwatt
