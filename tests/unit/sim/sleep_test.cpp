#include <gtest/gtest.h>

#include "policies/decisions.hpp"
#include "tests/support/cluster.hpp"

namespace nightwatt {
namespace {

using test::Cluster;

/// Nodes of 2 GPUs (50 W idle, 250 W busy) and a host of 100 W: 200 W when empty, 20 W asleep.
Cluster sleepy(std::uint32_t nodes, double awake = 0) {
  Cluster c(nodes, 2);
  c.partition().node.host_idle = watts(100);
  c.setup.period_end_s = 2000.0;
  c.setup.bin_s = 100.0;
  c.policy(Question::nodes, "sleep",
           {{"after", 300.0},
            {"boot_time", 120.0},
            {"boot_power", 400.0},
            {"asleep_power", 20.0},
            {"awake", awake}});
  return c;
}

TEST(Sleep, AJobWaitsForItsNodeToBoot) {
  Cluster c = sleepy(1);
  c.job(1000, 100, 2);
  const RunResult r = c.run();
  // Empty 0..300, asleep ..1000, boots ..1120, busy ..1220, empty ..1520, asleep ..2000.
  EXPECT_EQ(r.jobs[0].start_s, 1120.0);
  EXPECT_EQ(r.jobs[0].eligible_s, 1000.0);
  EXPECT_EQ(r.jobs[0].end_s, 1220.0);
  EXPECT_NEAR(r.jobs[0].it_energy_j, 2 * 250.0 * 100, 1e-6);
  EXPECT_NEAR(r.jobs[0].gpu_seconds, 200.0, 1e-9);
  const auto& term = r.sites[0].to_file_end.term_j;
  const auto joules = [&](Term t) { return term[static_cast<std::size_t>(t)]; };
  EXPECT_NEAR(joules(Term::asleep), 20.0 * (700 + 480), 1e-6);
  EXPECT_NEAR(joules(Term::boot), 400.0 * 120, 1e-6);
  EXPECT_NEAR(joules(Term::base), 100.0 * (300 + 100 + 300), 1e-6);
  EXPECT_NEAR(joules(Term::idle), 100.0 * (300 + 300), 1e-6);
  EXPECT_NEAR(joules(Term::jobs), 500.0 * 100, 1e-6);
  EXPECT_NEAR(r.sites[0].bins.gpus_asleep[5], 2.0, 1e-9);
  EXPECT_NEAR(r.sites[0].bins.gpus_asleep[10], 0.0, 1e-9);
  EXPECT_LE(r.summary.conservation_error, 1e-9);
}

TEST(Sleep, TheNextJobFindsTheNodeAwake) {
  Cluster c = sleepy(1);
  c.job(1000, 100, 2);
  c.job(1400, 100, 2);  // empty since 1220, not for 300 s
  const RunResult r = c.run();
  EXPECT_EQ(r.jobs[1].start_s, 1400.0);
  EXPECT_EQ(r.jobs[1].end_s, 1500.0);
}

TEST(Sleep, ASecondJobOnANodeThatBootsWaitsForIt) {
  Cluster c = sleepy(1);
  c.job(1000, 100, 1);
  c.job(1050, 100, 1);
  c.job(1150, 100, 1);
  const RunResult r = c.run();
  EXPECT_EQ(Cluster::starts(r), (std::vector<double>{1120, 1120, 1220}));
}

TEST(Sleep, NodesThatAreAwakeAreUsedFirst) {
  for (const char* placement : {"pack", "spread", "best-fit"}) {
    Cluster c = sleepy(3);
    c.policy(Question::placement, placement);
    c.job(0, 500, 2);    // node 0; at 300 s nodes 1 and 2 go to sleep
    c.job(600, 100, 2);  // node 0 is empty, but awake
    const RunResult r = c.run();
    EXPECT_EQ(r.jobs[1].start_s, 600.0) << placement;
  }
}

TEST(Sleep, SomeNodesStayAwake) {
  Cluster c = sleepy(3, 1);
  c.job(1000, 100, 2);
  c.job(1000, 100, 2);
  const RunResult r = c.run();
  EXPECT_EQ(Cluster::starts(r), (std::vector<double>{1000, 1120}));
  EXPECT_NEAR(r.sites[0].bins.gpus_asleep[5], 4.0, 1e-9);
}

TEST(Sleep, LimitsAndPausesWhileANodeBoots) {
  // Policies of cap_test.cpp and pause_test.cpp: 120 W between 50 and 100 s, suspended from 100 to
  // 160 s and from 200 to 500 s.
  Cluster c = sleepy(1);
  for (Device& d : c.setup.devices) {
    d.min_cap = watts(100);
    d.max_cap = d.tdp = watts(250);
  }
  c.policy(Question::nodes, "sleep",
           {{"after", 20.0}, {"boot_time", 90.0}, {"boot_power", 400.0}, {"asleep_power", 20.0}});
  c.policy(Question::backfill, "easy");
  c.policy(Question::cap, "stepped");
  c.policy(Question::pause, "scripted");
  c.setup.classes = {"pausable"};
  c.setup.class_traits.resize(1);
  c.setup.class_traits[0].pausable = PauseCost{};
  c.setup.job_class = {0};
  c.job(60, 100, 2);
  const RunResult r = c.run();
  // Boots to 150, when its limit is gone and it is suspended at once; works 160..200 and 500..560,
  // on a node that slept from 220 on and boots from 500 to 590 first.
  const JobRecord& job = r.jobs[0];
  EXPECT_EQ(job.start_s, 150.0);
  EXPECT_EQ(job.preemptions, 2);
  EXPECT_NEAR(job.run_s, 100.0, 1e-6);
  EXPECT_NEAR(job.gpu_seconds, 200.0, 1e-6);
  EXPECT_NEAR(job.it_energy_j, 2 * 250.0 * 100, 1e-3);
  EXPECT_NEAR(job.end_s, 650.0, 1e-6);
  EXPECT_NEAR(job.start_s + job.run_s + job.paused_s, job.end_s, 1e-6);
  EXPECT_LE(r.summary.conservation_error, 1e-9);
}

TEST(Sleep, NothingSleepsBehindTheEnd) {
  Cluster c = sleepy(1);
  c.setup.period_end_s = 100.0;
  c.job(50, 100, 2);  // ends at 150; the file does too
  const RunResult r = c.run();
  EXPECT_EQ(r.file_end_s, 150.0);
  EXPECT_NEAR(r.sites[0].to_file_end.total.it_energy_j, 200.0 * 50 + 600.0 * 100, 1e-6);
}

TEST(Sleep, ReservationsKnowOfTheBoot) {
  for (const char* backfill : {"easy", "conservative"}) {
    Cluster c = sleepy(2);
    c.policy(Question::backfill, backfill);
    c.job(1000, 100, 2);  // boots until 1120, ends at 1220
    c.job(1001, 100, 4);  // both nodes: from 1220 on, with the second node's boot
    c.job(1002, 50, 2);   // could use the second node: 1002 + 120 + 50 is before 1220
    const RunResult r = c.run();
    EXPECT_EQ(r.summary.jobs_completed, 3U);
    EXPECT_LE(r.jobs[1].start_s, 1220.0 + 120.0) << backfill;
    EXPECT_LE(r.summary.conservation_error, 1e-9);
  }
}

TEST(Sleep, ABootKeepsThePowerBudget) {
  Cluster c = sleepy(2);
  for (Device& d : c.setup.devices) {
    d.min_cap = watts(100);
    d.max_cap = d.tdp = watts(250);
  }
  c.setup.sites[0].budget = PowerBudget{StepSeries::constant(700.0), true};
  c.policy(Question::cap, "budget", {{"limit", 1e5}, {"renew", 1e6}});
  c.job(1000, 100, 2);
  c.job(1000, 100, 2);
  const RunResult r = c.run();
  EXPECT_EQ(r.sites[0].over_budget_s, 0.0);
  EXPECT_EQ(r.summary.jobs_completed, 2U);
  for (const double w : r.sites[0].bins.it_power_w) EXPECT_LE(w, 700.0 + 1e-9);
}

}  // namespace
}  // namespace nightwatt
