#include <cmath>

#include <gtest/gtest.h>

#include "sim/outlook.hpp"
#include "tests/support/cluster.hpp"

namespace nightwatt {
namespace {

using test::Cluster;
using test::steps;

constexpr double hour_s = 3600.0;

/// Class 0 must not be held, class 1 may be for `slack_s`. Jobs are of class 1 unless changed.
Cluster shiftable(double slack_s, std::uint32_t gpus = 4) {
  Cluster c(1, gpus);
  c.setup.classes = {"fixed", "flexible"};
  c.setup.class_traits.resize(2);
  c.setup.class_traits[1].slack_s = slack_s;
  return c;
}
RunResult run(Cluster& c) {
  if (c.setup.job_class.empty()) c.setup.job_class.assign(c.workload.jobs.size(), 1);
  return c.run();
}
std::uint64_t counted(const RunResult& r, const std::string& choice) {
  for (const RuleCount& each : r.counts) {
    if (each.choice == choice) return each.rows;
  }
  return 0;
}
void night(Cluster& c, double from_h, double to_h, const char* must = "start") {
  c.policy(Question::timing, "night-window", {{"from", from_h * hour_s}, {"to", to_h * hour_s}},
           {{"must", must}});
}

TEST(Timing, AJobOfTheDayStartsAtNight) {
  Cluster c = shiftable(24 * hour_s);
  night(c, 21, 6);
  c.job(2 * hour_s, 100, 1);   // in the night that began the day before
  c.job(12 * hour_s, 100, 1);  // held until 21:00
  c.job(12 * hour_s, 100, 1);  // must not be held
  c.setup.job_class = {1, 1, 0};
  const RunResult r = run(c);
  EXPECT_EQ(Cluster::starts(r), (std::vector<double>{2 * hour_s, 21 * hour_s, 12 * hour_s}));
  EXPECT_EQ(r.jobs[1].eligible_s, 21 * hour_s);
  EXPECT_LE(r.summary.conservation_error, 1e-9);
}

TEST(Timing, WithoutSlackNothingIsHeld) {
  Cluster c = shiftable(0);
  night(c, 21, 6);
  c.job(12 * hour_s, 100, 1);
  EXPECT_EQ(run(c).jobs[0].start_s, 12 * hour_s);
}

TEST(Timing, AJobThatNoPartitionTakesIsRejectedInItsWindow) {
  Cluster c = shiftable(24 * hour_s, 1);
  c.setup.oversized = Oversized::reject;
  night(c, 21, 6);
  c.job(2 * hour_s, 100, 2);
  c.job(12 * hour_s, 100, 2);
  c.job(12 * hour_s, 100, 1);
  const RunResult r = run(c);
  EXPECT_EQ(r.jobs[0].state, JobState::rejected);
  EXPECT_EQ(r.jobs[1].state, JobState::rejected);
  EXPECT_EQ(r.jobs[2].start_s, 21 * hour_s);
}

TEST(Timing, AWindowBeyondTheSlackIsNotWaitedFor) {
  Cluster c = shiftable(8 * hour_s);
  night(c, 21, 6);
  c.job(12 * hour_s, 100, 1);  // 21:00 is an hour too late
  const RunResult r = run(c);
  EXPECT_EQ(r.jobs[0].start_s, 12 * hour_s);
  EXPECT_EQ(counted(r, "no window within the slack: released at once"), 1U);
}

TEST(Timing, AWholeRunInTheWindowStartsEarlyEnough) {
  Cluster c = shiftable(48 * hour_s);
  c.setup.period_end_s = 3 * 86400;
  night(c, 21, 6, "run");
  c.job(4 * hour_s, 3 * hour_s, 1);  // would end at 7:00: next night
  EXPECT_EQ(run(c).jobs[0].start_s, 21 * hour_s);
}

TEST(Timing, ANightAcrossAClockChangeIsAnHourShorter) {
  // 2022-03-12T12:00Z in Chicago is 6:00; clocks go from 2:00 to 3:00 on the 13th, 08:00Z.
  for (const auto& [submit_h, start_h] : {std::pair{0.0, 15.0},    // 21:00 CST = 03:00Z
                                          std::pair{22.9, 22.9},   // 5:54 CDT
                                          std::pair{23.1, 38.0}})  // 6:06 CDT; 21:00 CDT = 02:00Z
  {
    Cluster c = shiftable(24 * hour_s);
    c.setup.period_end_s = 2 * 86400;
    c.setup.period_start_unix_s = 1647086400;
    c.setup.sites[0].timezone = "America/Chicago";
    night(c, 21, 6);
    c.job(submit_h * hour_s, 100, 1);
    EXPECT_EQ(run(c).jobs[0].start_s, start_h * hour_s) << submit_h;
  }
}

TEST(Timing, ATimeThatTheClockSkipsIsMovedByTheGap) {
  Cluster c = shiftable(24 * hour_s);
  c.setup.period_end_s = 2 * 86400;
  c.setup.period_start_unix_s = 1647086400;
  c.setup.sites[0].timezone = "America/Chicago";
  night(c, 2.5, 4);  // 2:30 is 3:30 CDT = 08:30Z
  c.job(16 * hour_s, 100, 1);
  EXPECT_EQ(run(c).jobs[0].start_s, 20.5 * hour_s);
}

TEST(Timing, ASeasonIsOfTheLocalCalendar) {
  Cluster c = shiftable(400 * 86400.0);
  c.setup.period_end_s = 86400.0 * 366;
  c.setup.period_start_unix_s = 1654041600;  // 2022-06-01T00:00Z
  c.setup.sites[0].timezone = "Europe/Berlin";
  c.policy(Question::timing, "season", {{"first", 11}, {"last", 2}});
  c.job(0, 100, 1);  // 1 November in Berlin begins at 23:00Z of 31 October: 153 days - 1 h
  c.job(200 * 86400.0, 100, 1);  // 18 December
  EXPECT_EQ(Cluster::starts(run(c)), (std::vector<double>{153 * 86400.0 - hour_s, 200 * 86400.0}));
}

TEST(Timing, TheLowestCarbonStartMayLieInsideAStep) {
  const auto start = [](double run_h, double slack_h) {
    Cluster c = shiftable(slack_h * hour_s);
    c.signals(StepSeries::constant(1), steps(hour_s, {400, 150, 100, 200, 300}),
              StepSeries::absent());
    c.policy(Question::timing, "lowest-carbon");
    c.job(0, run_h * hour_s, 1);
    return run(c).jobs[0].start_s;
  };
  EXPECT_EQ(start(1, 4), 2 * hour_s);
  EXPECT_EQ(start(1.5, 4), 1.5 * hour_s);  // half an hour at 150 beats half an hour at 200
  EXPECT_EQ(start(1, 1), 1 * hour_s);      // no slack for more
  EXPECT_EQ(start(2, 0.5), 0.5 * hour_s);  // the end of the slack is inside a step: its edge counts
}

TEST(Timing, AShortJobDoesNotWaitForTheEndOfAnHour) {
  // All of an hour is worth the same, whatever the sums of the days before are rounded to.
  std::vector<double> carbon;
  for (int h = 0; h < 14 * 24; ++h) carbon.push_back(300.17 + 0.37 * (h * 7 % 24));
  carbon[13 * 24 + 5] = 101.3;
  Cluster c = shiftable(12 * hour_s, 1);
  c.signals(StepSeries::constant(1.3), steps(hour_s, carbon), StepSeries::absent());
  c.setup.period_end_s = 14 * 86400;
  c.policy(Question::timing, "lowest-carbon");
  for (int i = 0; i < 30; ++i) c.job(13 * 86400, 10 + i, 1);
  c.setup.job_class.assign(30, 1);
  for (const JobRecord& job : run(c).jobs)
    EXPECT_EQ(job.eligible_s, 13 * 86400 + 5 * hour_s) << job.run_s;
}

TEST(Timing, PueCountsInWhatIsCharged) {
  Cluster c = shiftable(3 * hour_s);
  c.signals(steps(hour_s, {1.0, 2.0, 1.0}), steps(hour_s, {300, 200, 250}), StepSeries::absent());
  c.policy(Question::timing, "lowest-carbon");
  c.job(0, hour_s, 1);
  EXPECT_EQ(run(c).jobs[0].start_s, 2 * hour_s);  // 250 x 1 < 300 x 1 < 200 x 2
}

TEST(Timing, WithoutASeriesNothingIsHeld) {
  Cluster c = shiftable(3 * hour_s);
  c.policy(Question::timing, "lowest-carbon");
  c.job(0, hour_s, 1);
  EXPECT_EQ(run(c).jobs[0].start_s, 0.0);
}

/// Low carbon in the first half hour and from two hours on.
Cluster blocked(double slack_s) {
  Cluster c = shiftable(slack_s, 1);
  c.signals(StepSeries::constant(1), steps(1800, {100, 400, 400, 400, 100, 100}),
            StepSeries::absent());
  c.policy(Question::timing, "threshold", {{"quantile", 0.5}, {"over", 3 * hour_s}},
           {{"signal", "carbon"}});
  c.job(0, 3000, 1);
  c.job(1, 100, 1);
  c.setup.job_class = {0, 1};
  return c;
}

TEST(Timing, AJobThatFoundNoRoomInItsWindowWaitsForTheNext) {
  Cluster c = blocked(3 * hour_s);
  const RunResult r = run(c);
  // The GPU is free from 3000 s on, but the window closed at 1800 s.
  EXPECT_EQ(r.jobs[1].start_s, 2 * hour_s);
  EXPECT_EQ(r.jobs[1].eligible_s, 2 * hour_s);
  EXPECT_EQ(r.jobs[0].completed_reference_s, 3000.0);
  EXPECT_EQ(r.jobs[1].completed_reference_s, 100.0);
}

TEST(Timing, AfterItsLastWindowAJobIsReleased) {
  Cluster c = blocked(hour_s);
  const RunResult r = run(c);
  EXPECT_EQ(r.jobs[1].start_s, 3000.0);
  EXPECT_EQ(counted(r, "not started in its last window: released"), 1U);
}

TEST(Timing, ADeadlineCutsTheSlack) {
  Cluster c = shiftable(24 * hour_s);
  night(c, 21, 6);
  c.job(12 * hour_s, hour_s, 1).deadline_s = 20 * hour_s;
  EXPECT_EQ(run(c).jobs[0].start_s, 12 * hour_s);
}

// ---------------------------------------------------------------- forecasts

/// The start that is chosen on the second day, of which the first one was different.
double start_by(ForecastFrom from, std::uint64_t seed = 1) {
  Cluster c = shiftable(6 * hour_s);
  std::vector<double> carbon(48, 400);
  carbon[4] = 100;       // yesterday at 4:00
  carbon[24 + 2] = 100;  // today at 2:00
  c.setup.period_end_s = 2 * 86400;
  c.setup.seed = seed;
  c.signals(StepSeries::constant(1), steps(hour_s, carbon), StepSeries::absent());
  c.policy(Question::timing, "lowest-carbon");
  c.setup.forecast.from = from;
  c.job(24 * hour_s, hour_s, 1);
  return run(c).jobs[0].start_s;
}

TEST(Forecasts, PoliciesSeeThemAndAccountingTheTruth) {
  EXPECT_EQ(start_by(ForecastFrom::perfect), 26 * hour_s);
  EXPECT_EQ(start_by(ForecastFrom::persistence), 28 * hour_s);
  // A factor of four is not hidden by an error of two per cent an hour ahead.
  EXPECT_EQ(start_by(ForecastFrom::noisy), 26 * hour_s);
}

TEST(Forecasts, AWrongOneIsPaidForByTheTruth) {
  Cluster c = shiftable(6 * hour_s);
  c.setup.period_end_s = 2 * 86400;
  std::vector<double> carbon(48, 400);
  carbon[4] = 100;
  c.signals(StepSeries::constant(1), steps(hour_s, carbon), StepSeries::absent());
  c.policy(Question::timing, "lowest-carbon");
  c.setup.forecast.from = ForecastFrom::persistence;
  c.job(24 * hour_s, hour_s, 1);
  const RunResult r = run(c);
  EXPECT_EQ(r.jobs[0].start_s, 28 * hour_s);
  EXPECT_NEAR(r.jobs[0].carbon_g, 0.25 * 400, 1e-9);  // 250 W for an hour at 400 g/kWh
}

TEST(Forecasts, PersistenceBeforeTheFirstDayHoldsTheFirstValue) {
  Cluster c = shiftable(6 * hour_s);
  c.signals(StepSeries::constant(1), steps(hour_s, {300, 100, 200}), StepSeries::absent());
  c.policy(Question::timing, "lowest-carbon");
  c.setup.forecast.from = ForecastFrom::persistence;
  c.job(0, hour_s, 1);
  EXPECT_EQ(run(c).jobs[0].start_s, 0.0);  // nothing better is expected
}

TEST(Forecasts, NoiseIsSeededAndGrowsWithTheLead) {
  SiteSetup site;
  site.signals = SiteSignals(StepSeries::constant(1), steps(hour_s, {360.0}), StepSeries::absent());
  Forecast forecast;
  forecast.from = ForecastFrom::noisy;
  const auto at = [](double h) { return SimTime::from_seconds(h * hour_s); };
  double near2 = 0, far2 = 0, neighbours = 0, all = 0;
  constexpr int seeds = 400;
  for (std::uint64_t seed = 1; seed <= seeds; ++seed) {
    const auto outlook = make_outlook(site, forecast, seed, 0);
    const auto error = [&](double h) {
      return std::log(outlook->carbon_g_per_j(at(0), at(h), at(h + 1)) / 360.0);
    };
    near2 += std::pow(error(1), 2);
    far2 += std::pow(error(24), 2);
    neighbours += error(24) * error(25);
    all += std::pow(error(25), 2);
    EXPECT_EQ(error(0), 0.0) << "what has begun is known";
    EXPECT_EQ(
        error(24),
        std::log(make_outlook(site, forecast, seed, 0)->carbon_g_per_j(at(0), at(24), at(25)) /
                 360.0));
  }
  // 0.02 x lead^0.59 at 1.5 and 24.5 hours; 400 draws have a standard error of 3.5 %.
  EXPECT_NEAR(std::sqrt(near2 / seeds), 0.02 * std::pow(1.5, 0.59), 0.15 * 0.0254);
  EXPECT_NEAR(std::sqrt(far2 / seeds), 0.02 * std::pow(24.5, 0.59), 0.15 * 0.132);
  EXPECT_NEAR(neighbours / all, std::exp(-1.0 / 7), 0.1);
}

// ---------------------------------------------------------------- sites and caps that follow

TEST(SitePolicies, GoWhereTheSignalOrTheQueueIsLow) {
  const auto chosen = [](const char* name, std::vector<std::pair<std::string, double>> numbers) {
    Cluster c(1, 2);
    SiteSetup there = c.setup.sites[0];
    there.name = "there";
    c.setup.sites.push_back(there);
    const auto per_joule = [](StepSeries s) {
      for (double& v : s.values) v /= joules_per_kwh;
      return s;
    };
    // Now cleaner and dearer here, over the run cleaner there.
    c.setup.sites[0].signals =
        SiteSignals(StepSeries::constant(1), per_joule(steps(hour_s, {100, 500, 500, 500})),
                    per_joule(steps(hour_s, {0.3})));
    c.setup.sites[1].signals = SiteSignals(StepSeries::constant(1), per_joule(steps(hour_s, {200})),
                                           per_joule(steps(hour_s, {0.1})));
    c.policy(Question::site, name, std::move(numbers));
    c.job(0, 3 * hour_s, 1);
    c.job(1, 3 * hour_s, 1);
    const RunResult r = c.run();
    return std::pair{r.jobs[0].site, r.jobs[1].site};
  };
  using Sites = std::pair<std::int16_t, std::int16_t>;
  const std::vector<std::pair<std::string, double>> any = {{"max_load", 1e9}};
  EXPECT_EQ(chosen("home", {}), (Sites{0, 0}));
  EXPECT_EQ(chosen("least-queue", {}), (Sites{0, 1}));
  EXPECT_EQ(chosen("lowest-carbon-now", any), (Sites{0, 0}));
  EXPECT_EQ(chosen("lowest-carbon", any), (Sites{1, 1}));
  EXPECT_EQ(chosen("cheapest", any), (Sites{1, 1}));
  // A job of three hours is half a GPU's worth of work there: too much for the next one.
  EXPECT_EQ(chosen("lowest-carbon", {{"max_load", hour_s}}), (Sites{1, 0}));
}

TEST(SitePolicies, TheMostEfficientDeviceTakesTheLeastEnergy) {
  Cluster c(1, 2);
  c.setup.devices.push_back(c.setup.devices[0]);
  c.setup.devices[1].id = "frugal";
  c.setup.devices[1].busy = watts(200);
  c.setup.sites[0].partitions.push_back(c.setup.sites[0].partitions[0]);
  c.setup.sites[0].partitions[1].name = "frugal";
  c.setup.sites[0].partitions[1].device = 1;
  c.policy(Question::site, "most-efficient");
  c.job(0, 100, 1);
  EXPECT_EQ(c.run().jobs[0].partition, 1);
}

Cluster capped(std::uint32_t gpus) {
  Cluster c(1, gpus);
  for (Device& d : c.setup.devices) {
    d.min_cap = watts(100);
    d.max_cap = d.tdp = watts(250);
  }
  return c;
}

TEST(CapPolicies, AClassHasItsOwnLimit) {
  Cluster c = capped(2);
  c.setup.classes = {"free", "capped"};
  c.setup.class_traits.resize(2);
  c.setup.class_traits[1].cap = watts(150);
  c.policy(Question::cap, "by-class", {}, {{"outside", "error"}});
  c.job(0, 100, 1);
  c.job(0, 100, 1);
  c.setup.job_class = {0, 1};
  const RunResult r = c.run();
  EXPECT_TRUE(std::isnan(r.jobs[0].cap_w));
  EXPECT_EQ(r.jobs[1].cap_w, 150.0);
  EXPECT_GT(r.jobs[1].run_s, r.jobs[0].run_s);
}

TEST(CapPolicies, TheLimitFollowsTheSignal) {
  Cluster c = capped(1);
  c.signals(StepSeries::constant(1), steps(hour_s, {100, 400, 100, 100}), StepSeries::absent());
  c.policy(Question::cap, "signal", {{"limit", 150}, {"share", 0.25}, {"over", 4 * hour_s}},
           {{"signal", "carbon"}, {"outside", "error"}});
  c.job(0, 3 * hour_s, 1);
  const RunResult r = c.run();
  const UtilizationModel model(c.setup.devices, std::vector<NodePower>(1), c.setup.profiles);
  const double rate =
      model.query(0, 0, {1000, 1}, std::numeric_limits<float>::quiet_NaN(), watts(150)).rate;
  ASSERT_LT(rate, 0.95);
  // An hour at full speed, one at the capped rate, the rest at full speed.
  EXPECT_NEAR(r.jobs[0].run_s, hour_s + hour_s + (3 - 1 - rate) * hour_s, 1e-6);
  EXPECT_EQ(r.jobs[0].completed_reference_s, 3 * hour_s);
  EXPECT_EQ(r.jobs[0].power_changed, 1);
  EXPECT_LE(r.summary.conservation_error, 1e-9);
}

TEST(CapPolicies, LeastEnergyDelayIsTheBestOfItsGrid) {
  const auto cap_w = [](double exponent, double slowdown) {
    Cluster c = capped(1);
    c.policy(Question::cap, "least-energy-delay",
             {{"delay_exponent", exponent}, {"slowdown", slowdown}});
    c.job(0, 100, 1);
    return c.run().jobs[0].cap_w;
  };
  Cluster c = capped(1);
  const UtilizationModel model(c.setup.devices, std::vector<NodePower>(1), c.setup.profiles);
  double best = 250, least = 250;
  for (int i = 0; i <= 20; ++i) {
    const double w = std::round(100 + 150.0 * i / 20);
    const OperatingPoint p =
        model.query(0, 0, {1000, 1}, std::numeric_limits<float>::quiet_NaN(), watts(w));
    if (const double energy = to_watts(p.gpu) / p.rate; energy < least) {
      least = energy;
      best = w;
    }
  }
  ASSERT_LT(best, 250);
  EXPECT_EQ(cap_w(0, 10), best);
  // The more time counts, the higher the limit; none that slows by more than is allowed.
  const auto or_none = [](double w) { return std::isnan(w) ? 250.0 : w; };
  EXPECT_GE(or_none(cap_w(1, 10)), best);
  EXPECT_GE(or_none(cap_w(2, 10)), or_none(cap_w(1, 10)));
  EXPECT_GT(or_none(cap_w(0, 0.02)), best);
}

}  // namespace
}  // namespace nightwatt
