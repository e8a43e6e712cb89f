#include "sim/transfer.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "tests/support/cluster.hpp"

namespace nightwatt {
namespace {

using test::Cluster;
using test::steps;

constexpr double hour_s = 3600.0;
constexpr double gbit_per_s = 1e9 / 8;

/// Sites "here" and "there" with a GPU each, and a network of 1 Gbit/s and 0.06 kWh/GB between them
/// (3.6 Gbit/s back). Every job is at home here and has 100 GB: 800 s and 6 kWh of moving.
Cluster two_sites(double here_g_per_kwh, double there_g_per_kwh, double data_gb = 100.0) {
  Cluster c(1, 1);
  SiteSetup there = c.setup.sites[0];
  there.name = "there";
  c.setup.sites.push_back(there);
  const double price[2] = {0.1, 0.3};
  for (std::size_t s = 0; s < 2; ++s) {
    const double carbon = s == 0 ? here_g_per_kwh : there_g_per_kwh;
    c.setup.sites[s].signals = SiteSignals(StepSeries::constant(s == 0 ? 1.5 : 1.1),
                                           StepSeries::constant(carbon / joules_per_kwh),
                                           StepSeries::constant(price[s] / joules_per_kwh));
  }
  c.setup.network.sites = 2;
  c.setup.network.bytes_per_s = {0.0, gbit_per_s, 3.6 * gbit_per_s, 0.0};
  c.setup.network.j_per_gb = 0.06 * joules_per_kwh;
  c.setup.classes = {"all"};
  c.setup.class_traits.resize(1);
  c.setup.class_traits[0].data_gb = data_gb;
  c.policy(Question::site, "lowest-carbon", {{"max_load", 7 * 86400.0}});
  return c;
}
RunResult run(Cluster& c) {
  c.setup.job_class.assign(c.workload.jobs.size(), 0);
  return c.run();
}

TEST(Transfers, AreChargedHalfAtEitherEndWithoutPue) {
  // The carbon of the second hour is three times that of the first; the transfer lies in both.
  const SiteSignals origin(StepSeries::constant(2.0), steps(hour_s, {100.0, 300.0}),
                           StepSeries::constant(4.0));
  const SiteSignals destination(StepSeries::constant(1.0), StepSeries::constant(50.0),
                                StepSeries::absent());
  const TransferCharge c =
      charge_transfer(10.0, origin, destination, SimTime::from_seconds(hour_s - 600),
                      SimTime::from_seconds(hour_s + 200));
  EXPECT_DOUBLE_EQ(c.energy_j, 8000.0);
  EXPECT_DOUBLE_EQ(c.carbon_g, 5.0 * (600 * 100.0 + 200 * 300.0) + 5.0 * 800 * 50.0);
  EXPECT_TRUE(std::isnan(c.cost));
}

TEST(Transfers, AJobWaitsForItsData) {
  // 10 h at 250 W are 2.5 kWh of IT: 3,750 g at 1.5 x 1,000 g/kWh here; there 27.5 g and, for the
  // data, half of 6 kWh at 1,000 and half at 10 g/kWh: 3,030 g.
  Cluster c = two_sites(1000, 10);
  c.job(100, 10 * hour_s, 1);
  const RunResult r = run(c);
  const JobRecord& job = r.jobs[0];
  EXPECT_EQ(job.home_site, 0);
  EXPECT_EQ(job.site, 1);
  EXPECT_EQ(job.eligible_s, 900.0);
  EXPECT_EQ(job.start_s, 900.0);
  EXPECT_EQ(job.transfer_s, 800.0);
  EXPECT_NEAR(job.transfer_energy_j, 6 * joules_per_kwh, 1e-6);
  EXPECT_NEAR(job.transfer_carbon_g, 3 * 1000.0 + 3 * 10.0, 1e-9);
  EXPECT_NEAR(job.transfer_cost, 3 * 0.1 + 3 * 0.3, 1e-12);
  EXPECT_NEAR(job.carbon_g, 2.5 * 1.1 * 10, 1e-9);
  // Totals are those of the sites and what moved between them.
  EXPECT_NEAR(r.summary.carbon_g,
              r.sites[0].to_file_end.total.carbon_g + r.sites[1].to_file_end.total.carbon_g + 3030,
              1e-6);
  EXPECT_NEAR(r.summary.transfer_carbon_g, 3030.0, 1e-9);
  EXPECT_NEAR(r.summary.transfer_energy_j, 6 * joules_per_kwh, 1e-6);
  // Held there while its data are on the way: 800 s of the first bins.
  double held_s = 0.0;
  for (const double held : r.sites[1].bins.jobs_held) held_s += held * 300.0;
  EXPECT_NEAR(held_s, 800.0, 1e-9);
}

TEST(Transfers, WhatTheyEmitCanReverseAChoice) {
  // As above, but the run is of 8 h: 2 kWh, 3,000 g here. There 22 g and 3,030 g of moving.
  Cluster stays = two_sites(1000, 10);
  stays.job(0, 8 * hour_s, 1);
  EXPECT_EQ(run(stays).jobs[0].site, 0);
  Cluster free = two_sites(1000, 10, 0.0);
  free.job(0, 8 * hour_s, 1);
  EXPECT_EQ(run(free).jobs[0].site, 1);
}

TEST(Transfers, TheRunIsWeighedWhenTheDataAreThere) {
  // There is clean for the 800 s of the transfer only.
  Cluster c = two_sites(500, 0);
  c.setup.network.j_per_gb = 0.0;
  c.setup.sites[1].signals = SiteSignals(
      StepSeries::constant(1.0), steps(800.0, {0.0, 900.0 / joules_per_kwh}), StepSeries::absent());
  c.setup.sites[0].signals =
      SiteSignals(StepSeries::constant(1.0), StepSeries::constant(500.0 / joules_per_kwh),
                  StepSeries::absent());
  c.job(0, 800, 1);
  EXPECT_EQ(run(c).jobs[0].site, 0);
}

TEST(Transfers, WithoutDataNothingMoves) {
  // A network changes nothing where no class has data.
  Cluster with = two_sites(1000, 10, 0.0), without = two_sites(1000, 10, 0.0);
  without.setup.network = {};
  for (Cluster* c : {&with, &without}) {
    for (int j = 0; j < 20; ++j) c->job(j * 500.0, 1000.0 + 300.0 * j, 1);
  }
  const RunResult a = run(with), b = run(without);
  EXPECT_EQ(Cluster::starts(a), Cluster::starts(b));
  for (std::size_t j = 0; j < a.jobs.size(); ++j) {
    EXPECT_EQ(a.jobs[j].site, b.jobs[j].site);
    EXPECT_EQ(a.jobs[j].carbon_g, b.jobs[j].carbon_g);
    EXPECT_EQ(a.jobs[j].transfer_energy_j, 0.0);
    EXPECT_EQ(a.jobs[j].transfer_s, 0.0);
  }
  EXPECT_EQ(a.summary.carbon_g, b.summary.carbon_g);
}

TEST(Transfers, EveryEndHasItsOwnHome) {
  Cluster c = two_sites(1000, 10);
  c.job(0, 20 * hour_s, 1);
  c.setup.job_site = {1};
  const RunResult r = run(c);
  EXPECT_EQ(r.jobs[0].home_site, 1);
  EXPECT_EQ(r.jobs[0].site, 1);
  EXPECT_EQ(r.jobs[0].transfer_s, 0.0);
}

TEST(Transfers, AMoveThatIsCutShortIsChargedInPart) {
  Cluster c = two_sites(1000, 10);
  c.setup.drain = false;
  c.setup.period_end_s = 300.0;
  c.job(100, 10 * hour_s, 1);
  const RunResult r = run(c);
  EXPECT_EQ(r.jobs[0].state, JobState::unfinished);
  EXPECT_EQ(r.jobs[0].transfer_s, 200.0);
  EXPECT_NEAR(r.jobs[0].transfer_carbon_g, 3030.0 / 4, 1e-9);
  EXPECT_NEAR(r.summary.transfer_carbon_g, 3030.0 / 4, 1e-9);
}

TEST(Transfers, ARebalancedJobTakesItsDataAlong) {
  // Two jobs for one GPU there; the second is moved home again after an hour, 222.2 s at 3.6
  // Gbit/s.
  Cluster c = two_sites(1000, 10);
  c.policy(Question::site, "least-queue");
  c.setup.rebalance_s = hour_s;
  c.job(0, 2 * hour_s, 1);   // here
  c.job(1, 20 * hour_s, 1);  // there, as more waits here
  c.job(2, 20 * hour_s, 1);  // here, behind the first
  c.job(3, 20 * hour_s, 1);
  const RunResult r = run(c);
  std::uint64_t moved = 0;
  for (const RuleCount& each : r.counts) {
    if (each.rule == "transfers") moved += each.rows;
  }
  double s = 0.0, j = 0.0;
  for (const JobRecord& job : r.jobs) {
    s += job.transfer_s;
    j += job.transfer_energy_j;
    EXPECT_EQ(job.state, JobState::completed);
    // Whoever ends away from home moved an odd number of times.
    const double moves = job.transfer_energy_j / (6 * joules_per_kwh);
    EXPECT_EQ(std::lround(moves) % 2, job.site == job.home_site ? 0 : 1);
  }
  EXPECT_GT(moved, 0U);
  EXPECT_NEAR(j, static_cast<double>(moved) * 6 * joules_per_kwh, 1e-3);
  EXPECT_LE(r.summary.conservation_error, 1e-9);
}

TEST(Transfers, AWindowThatClosesOnTheWayIsMissed) {
  // Windows of the night from 00:00 to 00:10; the data need 13 min 20 s and the slack ends at
  // 00:30: the job is released when they arrive.
  Cluster c = two_sites(1000, 10);
  c.setup.class_traits[0].slack_s = 1800.0;
  c.policy(Question::timing, "night-window", {{"from", 0.0}, {"to", 600.0}}, {{"must", "start"}});
  c.job(0, 10 * hour_s, 1);
  const RunResult r = run(c);
  EXPECT_EQ(r.jobs[0].site, 1);
  EXPECT_EQ(r.jobs[0].start_s, 800.0);
  std::uint64_t late = 0;
  for (const RuleCount& each : r.counts) {
    if (each.choice == "not started in its last window: released") late = each.rows;
  }
  EXPECT_EQ(late, 1U);
  // With two days of slack it waits, its data there already, for the next night.
  Cluster patient = two_sites(1000, 10);
  patient.setup.class_traits[0].slack_s = 2 * 86400.0;
  patient.setup.period_end_s = 3 * 86400.0;
  patient.policy(Question::timing, "night-window", {{"from", 0.0}, {"to", 600.0}},
                 {{"must", "start"}});
  patient.job(0, 10 * hour_s, 1);
  const RunResult later = run(patient);
  EXPECT_EQ(later.jobs[0].start_s, 86400.0);
  EXPECT_EQ(later.jobs[0].transfer_s, 800.0);
}

}  // namespace
}  // namespace nightwatt
