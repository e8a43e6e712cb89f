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

TEST(Budget, EasyDoesNotTakeAJobForShortThatItsLimitMakesLong) {
  // 260 W are left for jobs. A draws 200 W until 100 s, when the head wants all four GPUs. C would
  // end by then with 200 W; the 60 W that there are make it too slow.
  Cluster c = budgeted(4, StepSeries::constant(460.0));
  c.policy(Question::backfill, "easy");
  c.job(0, 100, 1);
  c.job(1, 100, 4);
  c.job(2, 95, 1);
  const RunResult r = c.run();
  ASSERT_GT(2 + 95 / at(c, highest_cap(c, 110.0)).rate, 100.0);
  EXPECT_EQ(r.jobs[1].start_s, 100.0);
  EXPECT_GE(r.jobs[2].start_s, r.jobs[1].end_s);
}

/// The same devices without a choice: they draw 200 W above idle, or nothing.
Cluster all_or_nothing(std::uint32_t gpus, StepSeries budget_w) {
  Cluster c = budgeted(gpus, std::move(budget_w));
  for (Device& d : c.setup.devices) d.min_cap = watts(250);
  c.policy(Question::backfill, "conservative");
  return c;
}

TEST(Budget, ConservativeReservesWattsForEveryJob) {
  // Four GPUs, watts for two of them.
  Cluster c = all_or_nothing(4, StepSeries::constant(600.0));
  c.job(0, 100, 1);
  c.job(0, 60, 1);
  c.job(1, 50, 2);   // 400 W: when both are through
  c.job(2, 100, 1);  // 200 W from 60 s on, but only until 100 s: behind the third
  c.job(3, 40, 1);   // that is enough for this one
  EXPECT_EQ(Cluster::starts(c.run()), (std::vector<double>{0, 0, 100, 150, 60}));
}

TEST(Budget, ConservativeMovesForwardWhereWattsComeFreeEarly) {
  // As above, but the first ends at 70 s instead of 100 s.
  Cluster c = all_or_nothing(4, StepSeries::constant(600.0));
  c.job(0, 70, 1, 100);
  c.job(0, 60, 1);
  c.job(1, 50, 2);
  c.job(2, 100, 1);
  c.job(3, 40, 1);
  // At 60 s the fifth starts and holds 200 W until 100 s. At 70 s others come free for good: the
  // third cannot use them before 100 s, and the fourth would delay it.
  EXPECT_EQ(Cluster::starts(c.run()), (std::vector<double>{0, 0, 100, 150, 60}));
  c.workload.jobs[4].run_s = 5;  // until 65 s: from 70 s on all watts are free
  c.workload.jobs[4].limit_s = 40;
  EXPECT_EQ(Cluster::starts(c.run()), (std::vector<double>{0, 0, 70, 120, 60}));
}

TEST(Budget, ConservativeReservesTheLowestLimitWhereThatStartsEarlier) {
  // 260 W for jobs: A draws 200 W until 100 s. B may start at once with 60 W. C, as long, finds
  // 10 W or less until B ends; then it takes all that it wants.
  Cluster c = budgeted(3, StepSeries::constant(150.0 + 260.0));
  c.policy(Question::backfill, "conservative");
  c.job(0, 100, 1);
  c.job(0, 100, 1);
  c.job(0, 100, 1);
  const RunResult r = c.run();
  const double slow = highest_cap(c, 110.0);
  EXPECT_EQ(r.jobs[1].start_s, 0.0);
  EXPECT_NEAR(r.jobs[1].cap_w, slow, 1e-6);
  EXPECT_NEAR(r.jobs[1].end_s, 100.0 / at(c, slow).rate, 1e-6);
  EXPECT_EQ(r.jobs[2].start_s, 100.0);
  // Beside B, which goes on at its limit, 200 W are left.
  EXPECT_TRUE(std::isnan(r.jobs[2].cap_w));
  EXPECT_EQ(r.sites[0].over_budget_s, 0.0);
}

TEST(Budget, ConservativeStartsWithTheHighestLimitThatThePlanLeaves) {
  // 400 W for jobs. A and B draw 200 W each, until 100 s and 60 s. C, with two GPUs that need 400
  // W, would start at 100 s as it wants, but at its lowest limit, 100 W, at 60 s.
  Cluster c = budgeted(4, StepSeries::constant(600.0));
  c.policy(Question::backfill, "conservative");
  c.job(0, 100, 1);
  c.job(0, 60, 1);
  c.job(1, 50, 2);
  const RunResult r = c.run();
  EXPECT_EQ(r.jobs[2].start_s, 60.0);
  EXPECT_NEAR(r.jobs[2].cap_w, highest_cap(c, 150.0), 1e-6);  // 100 W more for each of the two
  EXPECT_LE(peak_w(r), 600.0);
}

TEST(Budget, ConservativeTakesWhatABudgetThatRisesLeaves) {
  // Watts for one GPU until 50 s, for three from then on.
  Cluster c = all_or_nothing(4, steps(50, {400, 800}));
  for (int i = 0; i < 3; ++i) c.job(0, 100, 1);
  c.job(0, 100, 4);  // never has its watts; others go meanwhile
  const RunResult r = c.run();
  EXPECT_EQ(r.jobs[3].state, JobState::rejected);
  EXPECT_EQ(r.jobs[0].start_s, 0.0);
  EXPECT_EQ(r.jobs[1].start_s, 50.0);
  EXPECT_EQ(r.jobs[2].start_s, 50.0);
}

TEST(Budget, ConservativeGoesOnWhereABudgetFalls) {
  // Watts for three GPUs until 50 s, for one until 100 s, for three again. The third job was
  // promised a start at 60 s, when the second ends; it waits for the third span.
  Cluster c = all_or_nothing(4, steps(50, {800, 400, 800, 800}));
  c.job(0, 200, 1);
  c.job(0, 60, 2, 60);
  c.job(1, 60, 2);
  const RunResult r = c.run();
  EXPECT_EQ(r.jobs[1].start_s, 0.0);
  EXPECT_EQ(r.summary.jobs_completed, 3U);
  EXPECT_EQ(r.jobs[2].start_s, 100.0);
}

TEST(Budget, ConservativeLooksAgainWhereUnitsCameFreeBeforeWatts) {
  // Watts for both GPUs, between 10 s and 30 s for one. The third job is promised a start at 100 s.
  // At 20 s the second ends early and leaves its GPU, but no watts; they come at 30 s.
  Cluster c = all_or_nothing(2, steps(10, {500, 300, 300, 500}));
  c.job(0, 100, 1);
  c.job(0, 20, 1, 100);
  c.job(1, 40, 1);
  EXPECT_EQ(Cluster::starts(c.run()), (std::vector<double>{0, 0, 30}));
}

/// Two partitions of one GPU each; jobs name theirs.
Cluster two_partitions(double budget_w) {
  Cluster c = budgeted(1, StepSeries::constant(budget_w));
  for (Device& d : c.setup.devices) d.min_cap = watts(250);
  c.setup.sites[0].partitions.push_back(c.partition());
  c.partition(1).name = "more";
  c.partition(1).nodes = 2;
  for (const char* name : {"first", "second"}) c.workload.queues.intern(name);
  c.setup.partition_of_queue = {0, 1};
  return c;
}

TEST(Budget, WattsThatComeFreeAreOfferedToOtherPartitions) {
  for (const char* backfill : {"none", "easy", "conservative"}) {
    Cluster c = two_partitions(150.0 + 200.0);
    c.policy(Question::backfill, backfill);
    c.job(0, 100, 1).queue = 0;
    c.job(10, 100, 1).queue = 1;
    EXPECT_EQ(Cluster::starts(c.run()), (std::vector<double>{0, 100})) << backfill;
  }
}

TEST(Budget, APartitionThatWaitsForWattsIsNotPassedOver) {
  // 400 W for three GPUs. The first job of the second partition needs all of it: the jobs of the
  // first, which come one after the other, would never leave it.
  for (const char* backfill : {"none", "easy", "conservative"}) {
    Cluster c = two_partitions(150.0 + 400.0);
    c.policy(Question::backfill, backfill);
    c.job(0, 100, 1).queue = 0;
    c.job(10, 50, 2).queue = 1;
    for (const double t : {50, 60, 70}) c.job(t, 100, 1).queue = 0;
    EXPECT_EQ(Cluster::starts(c.run()), (std::vector<double>{0, 100, 150, 250, 350})) << backfill;
  }
}

TEST(Budget, AJobStartsWhenANodeGoesToSleep) {
  // 200 W are wanted. While both nodes are awake 170 W are left, from 40 s on 250 W, of which
  // waking one takes 40 W.
  Cluster c(2, 1);
  for (Device& d : c.setup.devices) d.min_cap = d.max_cap = d.tdp = watts(250);
  c.setup.sites[0].budget = PowerBudget{StepSeries::constant(270.0), true};
  c.setup.period_end_s = 600.0;
  c.policy(Question::cap, "budget", {{"limit", 1e5}, {"renew", 1e6}});
  c.policy(Question::nodes, "sleep",
           {{"after", 40}, {"boot_time", 10}, {"boot_power", 20}, {"asleep_power", 10}});
  c.job(0, 100, 1);
  const RunResult r = c.run();
  EXPECT_EQ(r.jobs[0].start_s, 50.0);
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
