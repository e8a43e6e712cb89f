#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "energy/utilization_model.hpp"
#include "policies/decisions.hpp"
#include "tests/support/cluster.hpp"

namespace nightwatt {
namespace {

using test::Cluster;
using test::steps;

/// Devices of 50 W idle and 250 W busy that can be capped from 100 W on, under a budget of IT
/// power.
Cluster budgeted(std::uint32_t gpus, StepSeries budget_w) {
  Cluster c(1, gpus);
  for (Device& d : c.setup.devices) {
    d.min_cap = watts(100);
    d.max_cap = d.tdp = watts(250);
  }
  c.setup.sites[0].budget = PowerBudget{std::move(budget_w), true};
  c.setup.bin_s = 1.0;
  c.setup.period_end_s = 600.0;
  c.policy(Question::cap, "budget", {{"limit", 1e5}, {"renew", 1e6}});
  return c;
}
OperatingPoint at(const Cluster& c, double cap_w) {
  const UtilizationModel model(c.setup.devices, std::vector<NodePower>(1), c.setup.profiles);
  return model.query(0, 0, {1000, 1, 0}, std::numeric_limits<float>::quiet_NaN(), watts(cap_w));
}
double peak_w(const RunResult& r) {
  return *std::max_element(r.sites[0].bins.it_power_w.begin(), r.sites[0].bins.it_power_w.end());
}
/// The highest whole watt at which one GPU draws at most so much.
double highest_cap(const Cluster& c, double draw_w) {
  for (double cap = 250; cap >= 100; --cap) {
    if (to_watts(at(c, cap).gpu) <= draw_w) return cap;
  }
  return unknown;
}

TEST(Budget, AJobStartsWithTheHighestLimitThatFits) {
  // Two GPUs idle draw 100 W: the first job may take 200 W more, the second finds 60 W.
  Cluster c = budgeted(2, StepSeries::constant(360.0));
  c.job(0, 100, 1);
  c.job(0, 100, 1);
  const RunResult r = c.run();
  EXPECT_TRUE(std::isnan(r.jobs[0].cap_w));
  EXPECT_EQ(r.jobs[1].start_s, 0.0);
  EXPECT_NEAR(r.jobs[1].cap_w, highest_cap(c, 110.0), 1e-6);
  EXPECT_LE(peak_w(r), 360.0);
  EXPECT_EQ(r.sites[0].over_budget_s, 0.0);
  EXPECT_EQ(r.sites[0].bins.power_budget_w[0], 360.0);
}

TEST(Budget, AJobWaitsWhereNotEvenTheLowestLimitFits) {
  Cluster c = budgeted(2, StepSeries::constant(330.0));  // 30 W beside a job of 250 W
  c.job(0, 100, 1);
  c.job(0, 100, 1);
  const RunResult r = c.run();
  EXPECT_EQ(r.jobs[1].start_s, 100.0);
  EXPECT_LE(peak_w(r), 330.0);
}

TEST(Budget, AJobThatNeverFitsIsRefused) {
  Cluster c = budgeted(4, steps(50, {300, 380, 260}));  // 200 W are idle: 180 W at best
  c.job(0, 100, 4);                                     // at 100 W each: 200 W more
  c.job(0, 100, 3);                                     // 150 W: from 50 s on
  const RunResult r = c.run();
  EXPECT_EQ(r.jobs[0].state, JobState::rejected);
  EXPECT_EQ(r.jobs[1].start_s, 50.0);
  EXPECT_EQ(r.summary.jobs_completed, 1U);
}

TEST(Budget, AStepDownLowersTheLimitsOfRunningJobs) {
  Cluster c = budgeted(2, steps(50, {600, 300, 600}));
  c.job(0, 100, 1);
  c.job(0, 100, 1);
  const RunResult r = c.run();
  // From 50 to 100 s both at the highest whole watt that makes 150 W each.
  const double cap_w = highest_cap(c, 150.0);
  const double done_s = 50.0 + 50.0 * at(c, cap_w).rate;
  for (const JobRecord& job : r.jobs) {
    EXPECT_NEAR(job.end_s, 100.0 + (100.0 - done_s), 1e-6);
    EXPECT_NEAR(job.it_energy_j,
                250.0 * 50 + to_watts(at(c, cap_w).gpu) * 50 + 250.0 * (100.0 - done_s), 1e-3);
  }
  EXPECT_LE(r.sites[0].bins.it_power_w[75], 300.0);
  EXPECT_GT(r.sites[0].bins.it_power_w[75], 290.0);
  EXPECT_EQ(r.sites[0].over_budget_s, 0.0);
  EXPECT_LE(r.summary.conservation_error, 1e-9);
}

TEST(Budget, WhatLimitsCannotSaveIsPausedAndThenReported) {
  for (const bool pausable : {true, false}) {
    Cluster c = budgeted(2, steps(50, {600, 160, 600}));  // the lowest limits make 200 W
    c.setup.classes = {"all"};
    c.setup.class_traits.resize(1);
    if (pausable) c.setup.class_traits[0].pausable = PauseCost{};
    c.setup.job_class = {0, 0};
    c.job(0, 100, 1);
    c.job(10, 100, 1);
    const RunResult r = c.run();
    EXPECT_EQ(r.jobs[0].preemptions, 0);
    EXPECT_EQ(r.jobs[1].preemptions, pausable ? 1 : 0);  // the one that started later
    if (pausable) {
      EXPECT_EQ(r.sites[0].over_budget_s, 0.0);
      EXPECT_LE(r.sites[0].bins.it_power_w[75], 160.0);
      EXPECT_NEAR(r.jobs[1].paused_s, 50.0, 1e-6);
    } else {
      const double over_w = 2 * to_watts(at(c, 100).gpu) - 160.0;
      EXPECT_NEAR(r.sites[0].over_budget_s, 50.0, 1e-6);
      EXPECT_NEAR(r.sites[0].over_budget_w, over_w, 1e-6);
      EXPECT_NEAR(r.sites[0].over_budget_j, over_w * 50, 1e-3);
      ASSERT_FALSE(r.notes.empty());
      EXPECT_NE(r.notes[0].find("exceeded for 50 s"), std::string::npos) << r.notes[0];
    }
  }
}

TEST(Budget, LimitsRiseAgainWhenThereIsRoom) {
  Cluster c = budgeted(2, StepSeries::constant(360.0));
  c.policy(Question::cap, "budget", {{"limit", 1e5}, {"renew", 20.0}});
  c.job(0, 50, 1);
  c.job(0, 100, 1);
  const RunResult r = c.run();
  // The second is raised at 60 s, the first renewal after the first job's end.
  const double low = highest_cap(c, 110.0);
  const double done_s = 60.0 * at(c, low).rate;
  EXPECT_NEAR(r.jobs[1].end_s, 60.0 + 100.0 - done_s, 1e-6);
}

TEST(Budget, ItIsOnFacilityPowerUnlessSaidOtherwise) {
  Cluster c = budgeted(2, StepSeries::constant(660.0));
  c.setup.sites[0].budget->of_it = false;
  c.setup.sites[0].facility = {0.5, watts(300)};  // a = 1.5, b = 0.5 x 1 x 300 W
  c.signals(StepSeries::constant(2.0), StepSeries::absent(), StepSeries::absent());
  c.job(0, 100, 1);
  c.job(0, 100, 1);
  const RunResult r = c.run();
  // (660 - 150) / 1.5 = 340 W of IT: 250 + 50, and 40 W more for the second.
  EXPECT_LE(*std::max_element(r.sites[0].bins.facility_power_w.begin(),
                              r.sites[0].bins.facility_power_w.end()),
            660.0 + 1e-9);
  const double cap_w = highest_cap(c, 90.0);
  if (std::isnan(cap_w)) {
    EXPECT_EQ(r.jobs[1].start_s, 100.0);
  } else {
    EXPECT_NEAR(r.jobs[1].cap_w, cap_w, 1e-6);
  }
}

TEST(Budget, EasyReservesWattsForTheHead) {
  // Two GPUs at 250 W each need 500 W; the budget has 450 W. A: one GPU until 100 s. The head wants
  // both at 100 W or more each. C would run longer than A and take what the head needs: it waits
  // where it cannot have a limit that leaves enough, and starts where it can.
  for (const double budget_w : {450.0, 900.0}) {
    Cluster c = budgeted(4, StepSeries::constant(budget_w));
    c.policy(Question::backfill, "easy");
    c.job(0, 100, 1);
    c.job(1, 100, 3);   // head: 3 x 50 W above idle at its lowest limit
    c.job(2, 1000, 1);  // fits beside the head in GPUs
    const RunResult r = c.run();
    EXPECT_LE(r.jobs[1].start_s, 100.0);
    EXPECT_EQ(r.sites[0].over_budget_s, 0.0);
    EXPECT_LE(peak_w(r), budget_w);
  }
}

TEST(Budget, AJobThatRestartsKeepsTheWattsThatItWillDraw) {
  // At 50 s one of two jobs is paused; from 100 s on it restarts for 40 s near idle, while another
  // job waits that would fit into what it does not draw yet.
  Cluster c = budgeted(3, steps(50, {650, 240, 650, 650}));
  c.setup.classes = {"plain", "pausable"};
  c.setup.class_traits.resize(2);
  c.setup.class_traits[1].pausable = PauseCost{0, 0, 40, 0, 0};
  c.setup.job_class = {0, 1, 0};
  c.job(0, 200, 1);
  c.job(0, 200, 1);
  c.job(60, 200, 1);
  const RunResult r = c.run();
  EXPECT_EQ(r.summary.jobs_completed, 3U);
  EXPECT_EQ(r.jobs[1].preemptions, 1);
  EXPECT_EQ(r.sites[0].over_budget_s, 0.0);
  for (std::size_t i = 0; i < r.sites[0].bins.it_power_w.size(); ++i)
    EXPECT_LE(r.sites[0].bins.it_power_w[i], r.sites[0].bins.power_budget_w[i] + 1e-6) << i;
}

TEST(Budget, NeverExceededWhileJobsComeAndGo) {
  for (const char* backfill : {"none", "easy", "conservative"}) {
    Cluster c = budgeted(8, steps(40, {1500, 1100, 1300, 1000, 1600}));
    c.setup.sites[0].partitions[0].node.loss = {{watts(400), watts(30)}, {watts(2000), watts(150)}};
    c.policy(Question::backfill, backfill);
    c.policy(Question::cap, "budget", {{"limit", 1e5}, {"renew", 30.0}});
    for (int i = 0; i < 60; ++i) c.job(i * 5, 20 + 13 * (i % 7), 1 + static_cast<unsigned>(i % 4));
    const RunResult r = c.run();
    EXPECT_EQ(r.summary.jobs_completed, 60U) << backfill;
    EXPECT_EQ(r.sites[0].over_budget_s, 0.0) << backfill;
    for (std::size_t i = 0; i < r.sites[0].bins.it_power_w.size(); ++i) {
      EXPECT_LE(r.sites[0].bins.it_power_w[i], r.sites[0].bins.power_budget_w[i] + 1e-6) << i;
    }
    EXPECT_LE(r.summary.conservation_error, 1e-9);
  }
}

}  // namespace
}  // namespace nightwatt
