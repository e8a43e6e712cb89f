#include "sim/simulation.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <cmath>
#include <numeric>

#include "policies/decisions.hpp"
#include "sim/demand.hpp"
#include "tests/support/cluster.hpp"
#include "traces/diagnostics.hpp"

namespace nightwatt {
namespace {

using test::Cluster;
using test::steps;
using testing::DoubleEq;
using testing::ElementsAre;
using testing::HasSubstr;

// ---------------------------------------------------------------- energy by hand

TEST(Energy, ConstantPower) {
  // 2 GPUs of 250 W for 100 s, 2 idle ones of 50 W beside them; 4 idle ones otherwise.
  Cluster c(1, 4);
  c.setup.period_end_s = 1000;
  c.job(0, 100, 2);
  const RunResult r = c.run();
  EXPECT_DOUBLE_EQ(r.jobs[0].it_energy_j, 2 * 250 * 100.0);
  const auto& total = r.sites[0].to_file_end;
  EXPECT_DOUBLE_EQ(total.term_j[static_cast<std::size_t>(Term::jobs)], 50000.0);
  EXPECT_DOUBLE_EQ(total.term_j[static_cast<std::size_t>(Term::idle)],
                   2 * 50 * 100.0 + 4 * 50 * 900.0);
  EXPECT_DOUBLE_EQ(total.total.it_energy_j, 50000.0 + 190000.0);
  EXPECT_DOUBLE_EQ(total.peak_it_w, 600.0);
  EXPECT_DOUBLE_EQ(r.summary.utilization, 0.5);
  EXPECT_LE(r.summary.conservation_error, 1e-12);
  // Neither carbon nor price: not a number, never 0.
  EXPECT_TRUE(std::isnan(r.jobs[0].carbon_g));
  EXPECT_TRUE(std::isnan(r.summary.carbon_g));
  EXPECT_TRUE(std::isnan(r.summary.cost));
}

TEST(Energy, PueAndCarbonStepsInsideAJob) {
  // One GPU, 250 W from 1800 s to 9000 s. PUE 1.2 up to 3600 s, then 1.5; carbon 400, 100, 300
  // g/kWh by the hour; price 0.10, 0.20, 0.40 by the hour.
  Cluster c(1, 1);
  c.setup.period_end_s = 10800;
  c.signals(steps(3600, {1.2, 1.5}), steps(3600, {400, 100, 300}), steps(3600, {0.1, 0.2, 0.4}));
  c.job(1800, 7200, 1);
  const RunResult r = c.run();
  const JobRecord& j = r.jobs[0];
  EXPECT_DOUBLE_EQ(j.it_energy_j, 250 * 7200.0);
  EXPECT_NEAR(j.facility_energy_j, 250 * (1800 * 1.2 + 5400 * 1.5), 1e-6);
  const double kwh = 250 / 3.6e6;
  EXPECT_NEAR(j.carbon_g, kwh * (1800 * 1.2 * 400 + 3600 * 1.5 * 100 + 1800 * 1.5 * 300), 1e-9);
  EXPECT_NEAR(j.cost, kwh * (1800 * 1.2 * 0.1 + 3600 * 1.5 * 0.2 + 1800 * 1.5 * 0.4), 1e-12);
  // The site: 50 W idle before 1800 s and after 9000 s.
  const double idle_facility = 50 * (1800 * 1.2 + 1800 * 1.5);
  EXPECT_NEAR(r.sites[0].to_file_end.total.facility_energy_j, j.facility_energy_j + idle_facility,
              1e-6);
  EXPECT_LE(r.summary.conservation_error, 1e-12);
}

TEST(Energy, FixedShareOfTheFacility) {
  // f = 0.5, PUE 1.4, reference 100 W: a = 1.2, b = 0.5 * 0.4 * 100 = 20 W.
  Cluster c(1, 1);
  c.setup.period_end_s = 1000;
  c.signals(StepSeries::constant(1.4), StepSeries::constant(360.0), StepSeries::constant(unknown));
  c.setup.sites[0].facility = {0.5, watts(100)};
  c.job(0, 1000, 1);
  const RunResult r = c.run();
  const SiteTotals& t = r.sites[0].to_file_end;
  EXPECT_NEAR(r.jobs[0].facility_energy_j, 250 * 1000 * 1.2, 1e-6);
  EXPECT_NEAR(t.fixed.facility_energy_j, 20000.0, 1e-8);
  EXPECT_NEAR(t.total.facility_energy_j, 320000.0, 1e-6);
  EXPECT_NEAR(t.total.carbon_g, 320000.0 * 1e-4, 1e-9);
  EXPECT_NEAR(t.it_x_j, 250 * 1000 * 0.4, 1e-6);
  EXPECT_NEAR(t.x_s, 400.0, 1e-9);
}

TEST(Energy, HostAndSupplyLoss) {
  // Host 100 W idle and 30 W for each GPU held; the supply loses 10 % of its load. Two GPUs, one
  // held for 100 s of 200 s. All idle: load 100 + 2*50 = 200 W, loss 20 W, so base = 120 W.
  // With the job: load 200 + (250 - 50) + 30 = 430 W, loss 43 W, 23 W above the idle loss.
  Cluster c(1, 2);
  c.setup.period_end_s = 200;
  c.partition().node = {watts(100), watts(30), {{watts(0), watts(0)}, {watts(1000), watts(100)}}};
  c.job(0, 100, 1);
  const RunResult r = c.run();
  const auto& term = r.sites[0].to_file_end.term_j;
  EXPECT_NEAR(r.jobs[0].it_energy_j, (250 + 30) * 100.0, 1e-6);
  EXPECT_NEAR(term[static_cast<std::size_t>(Term::base)], 120 * 200.0, 1e-6);
  EXPECT_NEAR(term[static_cast<std::size_t>(Term::idle)], 50 * 100.0 + 100 * 100.0, 1e-6);
  EXPECT_NEAR(term[static_cast<std::size_t>(Term::loss)], 23 * 100.0, 1e-6);
}

TEST(Energy, SharesOfOneGpu) {
  // Two jobs on a quarter of one GPU each: 62.5 W each while they run; the rest of the floor idle.
  Cluster c(1, 1);
  c.setup.period_end_s = 100;
  c.job(0, 100, 1).gpu_milli = 250;
  c.job(0, 50, 1).gpu_milli = 250;
  const RunResult r = c.run();
  EXPECT_THAT(Cluster::starts(r), ElementsAre(0, 0));
  EXPECT_DOUBLE_EQ(r.jobs[0].it_energy_j, 62.5 * 100);
  EXPECT_DOUBLE_EQ(r.jobs[1].it_energy_j, 62.5 * 50);
  EXPECT_NEAR(r.sites[0].to_file_end.term_j[static_cast<std::size_t>(Term::idle)],
              25 * 50.0 + 37.5 * 50.0, 1e-9);
}

TEST(Energy, MeasuredUtilizationCounts) {
  Cluster c(1, 1);
  c.job(0, 100, 1).utilization = 0.25F;
  const RunResult r = c.run();
  EXPECT_DOUBLE_EQ(r.jobs[0].it_energy_j, (50 + 0.25 * 200) * 100);
}

TEST(Bins, HoldExactAverages) {
  // Bins of 100 s; one job on one of two GPUs from 50 s to 250 s.
  Cluster c(1, 2);
  c.setup.period_end_s = 400;
  c.setup.bin_s = 100;
  c.signals(steps(75, {1.0, 2.0, 1.5, 1.0, 3.0, 1.0}), StepSeries::constant(360.0),
            StepSeries::constant(unknown));
  c.job(50, 200, 1);
  const RunResult r = c.run();
  const SiteBins& b = r.sites[0].bins;
  ASSERT_EQ(b.it_power_w.size(), 4u);
  EXPECT_THAT(b.it_power_w, ElementsAre(200, 300, 200, 100));
  EXPECT_THAT(b.gpus_busy, ElementsAre(0.5, 1, 0.5, 0));
  EXPECT_THAT(b.jobs_running, ElementsAre(0.5, 1, 0.5, 0));
  // PUE 1 in [0,75), 2 in [75,150), 1.5 in [150,225), 1 in [225,300), 3 in [300,375), 1 after.
  EXPECT_NEAR(b.facility_power_w[0] * 100, 100 * 50 + 300 * 25 * 1.0 + 300 * 25 * 2.0, 1e-8);
  EXPECT_NEAR(b.facility_power_w[1] * 100, 300 * 50 * 2.0 + 300 * 50 * 1.5, 1e-8);
  EXPECT_NEAR(b.facility_power_w[2] * 100, 300 * 25 * 1.5 + 300 * 25 + 100 * 50, 1e-8);
  EXPECT_NEAR(b.facility_power_w[3] * 100, 100 * 75 * 3.0 + 100 * 25, 1e-8);
  EXPECT_NEAR(b.carbon_rate_g_per_s[3], b.facility_power_w[3] * 1e-4, 1e-12);
  EXPECT_NEAR(b.pue[3], 2.5, 1e-12);
}

TEST(Bins, EmptyOnesAreExactlyZero) {
  Cluster c(1, 1);
  c.setup.devices[0].idle = watts(0);
  c.setup.devices[0].busy = watts(333.3333333);
  c.setup.bin_s = 7;
  c.setup.period_end_s = 700;
  c.signals(steps(3, {1.1, 1.3, 1.7}, Beyond::repeat), StepSeries::constant(100),
            StepSeries::constant(1));
  for (int i = 0; i < 20; ++i) c.job(i * 5.1, 2.77, 1);
  const RunResult r = c.run();
  const SiteBins& b = r.sites[0].bins;
  for (std::size_t i = 0; i < b.it_power_w.size(); ++i) {
    if (static_cast<double>(i) * 7 < r.jobs.back().end_s) continue;
    EXPECT_EQ(b.it_power_w[i], 0.0);
    EXPECT_EQ(b.facility_power_w[i], 0.0);
    EXPECT_EQ(b.gpus_busy[i], 0.0);
    EXPECT_TRUE(std::isnan(b.pue[i]));
  }
  const double sum = std::accumulate(b.it_power_w.begin(), b.it_power_w.end(), 0.0) * 7;
  EXPECT_NEAR(sum, r.sites[0].to_file_end.total.it_energy_j, 1e-9 * sum);
}

TEST(Totals, ToPeriodEndAndToFileEnd) {
  // A job of 250 W from 50 s to 250 s, period of 100 s: the run goes on until it has ended.
  Cluster c(1, 1);
  c.setup.period_end_s = 100;
  c.job(50, 200, 1);
  c.job(100, 10, 1);  // submitted at period.end: left out
  const RunResult r = c.run();
  EXPECT_EQ(r.jobs.size(), 1u);
  EXPECT_DOUBLE_EQ(r.file_end_s, 250);
  EXPECT_DOUBLE_EQ(r.sites[0].to_period_end.total.it_energy_j, 50 * 50 + 250 * 50.0);
  EXPECT_DOUBLE_EQ(r.sites[0].to_file_end.total.it_energy_j, 50 * 50 + 250 * 200.0);
  ASSERT_EQ(r.counts.size(), 1u);
  EXPECT_EQ(r.counts[0].rule, "outside_period");
  EXPECT_EQ(r.counts[0].rows, 1u);
}

TEST(Totals, WithoutDrainTheRunStopsAtPeriodEnd) {
  Cluster c(1, 1);
  c.setup.period_end_s = 100;
  c.setup.drain = false;
  c.job(50, 200, 1);
  c.job(60, 10, 1);
  const RunResult r = c.run();
  EXPECT_EQ(r.jobs[0].state, JobState::unfinished);
  EXPECT_EQ(r.jobs[1].state, JobState::unfinished);
  EXPECT_DOUBLE_EQ(r.jobs[0].it_energy_j, 250 * 50.0);
  EXPECT_DOUBLE_EQ(r.jobs[0].completed_reference_s, 50);
  EXPECT_TRUE(std::isnan(r.jobs[1].start_s));
  EXPECT_EQ(r.summary.jobs_unfinished, 2u);
  EXPECT_DOUBLE_EQ(r.file_end_s, 100);
}

TEST(Totals, StaticTailAfterTheLastEvent) {
  Cluster c(1, 1);
  c.setup.period_end_s = 100;
  StepSeries pue = steps(3600, {1.2, 1.3, 1.4}, Beyond::error);
  c.signals(pue, StepSeries::constant(100), StepSeries::constant(unknown));
  c.job(0, 4000, 1);
  const RunResult r = c.run();
  const auto& tail = r.sites[0].tail;
  ASSERT_EQ(tail.size(), 2u);
  EXPECT_DOUBLE_EQ(tail[0].time_s, 4000);
  EXPECT_DOUBLE_EQ(tail[0].a, 1.3);
  EXPECT_DOUBLE_EQ(tail[1].time_s, 7200);
  EXPECT_DOUBLE_EQ(tail[1].a, 1.4);
  EXPECT_DOUBLE_EQ(tail[0].pue, 1.3);
  EXPECT_DOUBLE_EQ(tail[1].pue, 1.4);
  EXPECT_DOUBLE_EQ(r.sites[0].tail_until_s, 3 * 3600);  // no longer than its shortest series
  EXPECT_DOUBLE_EQ(r.partitions[0].tail_power_w, 50);
  EXPECT_DOUBLE_EQ(r.sites[0].tail_term_w[static_cast<std::size_t>(Term::idle)], 50);
  EXPECT_DOUBLE_EQ(r.sites[0].tail_term_w[static_cast<std::size_t>(Term::jobs)], 0);
}

TEST(Totals, StepsOfTheSignalsFromTheStartToTheirEnd) {
  Cluster c(1, 1);
  c.setup.period_end_s = 100;
  c.signals(steps(3600, {1.2, 1.3, 1.4}, Beyond::error), StepSeries::constant(100),
            StepSeries::constant(unknown));
  c.setup.sites[0].facility = {0.5, watts(10)};
  c.job(0, 4000, 1);
  const RunResult r = c.run();
  const auto& all = r.sites[0].steps;
  EXPECT_DOUBLE_EQ(r.sites[0].steps_end_s, 3 * 3600);
  ASSERT_EQ(all.size(), 3u);
  EXPECT_DOUBLE_EQ(all[0].time_s, 0);
  EXPECT_DOUBLE_EQ(all[1].time_s, 3600);
  EXPECT_DOUBLE_EQ(all[1].a, 1.15);
  EXPECT_DOUBLE_EQ(all[1].b_w, 1.5);
  EXPECT_DOUBLE_EQ(all[2].carbon_intensity_g_per_kwh, 100);
  EXPECT_TRUE(std::isnan(all[2].price_per_kwh));
}

TEST(Totals, StepsOfEndlessSignalsReachADayBeyondTheSlack) {
  Cluster c(1, 1);
  c.setup.period_end_s = 100;
  c.setup.classes = {"flexible"};
  c.setup.class_traits.resize(1);
  c.setup.class_traits[0].slack_s = 86400;
  c.setup.job_class = {0};
  c.signals(StepSeries::constant(1.0), steps(3600, {100, 200}, Beyond::repeat),
            StepSeries::constant(unknown));
  c.job(0, 3600, 1);
  const RunResult r = c.run();
  const auto& all = r.sites[0].steps;
  EXPECT_DOUBLE_EQ(r.sites[0].steps_end_s, 49 * 3600);
  ASSERT_EQ(all.size(), 24u + 1 + 24);  // slack, run, a day
  EXPECT_DOUBLE_EQ(all.back().time_s, 48 * 3600);
  EXPECT_DOUBLE_EQ(all.back().carbon_intensity_g_per_kwh, 100);
}

TEST(Totals, ASignalThatEndsTooEarlyIsTheUsersFault) {
  Cluster c(1, 1);
  c.signals(steps(3600, {1.2}, Beyond::error), StepSeries::constant(100),
            StepSeries::constant(unknown));
  c.job(0, 4000, 1);
  EXPECT_THROW(c.run(), InputError);
}

// ---------------------------------------------------------------- scheduling by hand

TEST(Schedule, CompletionsComeBeforeSubmissionsOfTheSameInstant) {
  Cluster c(1, 1);
  c.job(0, 100, 1);
  c.job(100, 50, 1);  // submitted as the first one ends: starts at once
  EXPECT_THAT(Cluster::starts(c.run()), ElementsAre(0, 100));
}

TEST(Schedule, AGangJobIsBlockedByOneGpu) {
  // Two nodes of 4: a job of 1 runs, so a job of 8 (2 nodes x 4) waits although 7 GPUs are free.
  Cluster c(2, 4);
  c.job(0, 100, 1);
  c.job(1, 10, 8);
  c.job(2, 10, 1);  // behind the gang: without backfilling it waits too
  EXPECT_THAT(Cluster::starts(c.run()), ElementsAre(0, 100, 110));
}

TEST(Schedule, ShapeAnySplitsFreely) {
  // Two nodes of 4 with 2 free each: a job of 4 needs one whole node, unless its shape is any.
  for (const Shape shape : {Shape::packed, Shape::any}) {
    Cluster c(2, 4);
    c.setup.shape = shape;
    c.policy(Question::placement, "spread");
    c.job(0, 100, 2);
    c.job(0, 100, 2);
    c.job(1, 10, 4);
    EXPECT_THAT(Cluster::starts(c.run()), ElementsAre(0, 0, shape == Shape::any ? 1 : 100));
  }
}

TEST(Schedule, NodesThatTheTraceNamesAreDifferentNodes) {
  Cluster c(3, 4);
  Job& j = c.job(0, 100, 6);
  j.nodes = 3;
  const RunResult r = c.run();
  EXPECT_EQ(r.jobs[0].nodes, 3u);
}

TEST(Schedule, EasyBackfillsWhatDoesNotDelayTheHead) {
  // 4 one-GPU nodes. Job 1 holds 3 until 100. Job 2 wants 4: shadow time 100, no extra node.
  // Job 3 (1 GPU, limit 99 at t=1): ends by 100, must start. Job 4 (limit 100 at t=2): must not.
  Cluster c(4, 1);
  c.policy(Question::backfill, "easy");
  c.job(0, 100, 3, 100);
  c.job(1, 50, 4, 50);
  c.job(1, 99, 1, 99);
  c.job(2, 100, 1, 100);
  EXPECT_THAT(Cluster::starts(c.run()), ElementsAre(0, 100, 1, 150));
}

TEST(Schedule, EasyUsesExtraNodes) {
  // 4 nodes, job 1 holds 2 until 100, the head wants 3: at 100 one node is left over for good.
  Cluster c(4, 1);
  c.policy(Question::backfill, "easy");
  c.job(0, 100, 2, 100);
  c.job(1, 50, 3, 50);
  c.job(2, 500, 1, 500);  // long, on the extra node
  c.job(3, 500, 1, 500);  // there is no second one
  EXPECT_THAT(Cluster::starts(c.run()), ElementsAre(0, 100, 2, 150));
}

TEST(Schedule, EasyLooksAtNodesNotAtCounts) {
  // Two nodes of 2 GPUs. Node 0: job 1 (2 GPUs) until 100. Node 1: job 2 (1 GPU) until 50.
  // The head wants 2 GPUs on one node: shadow time 50 on node 1. The one free GPU is on node 1, so
  // a long job there would delay the head, though 2 of 4 GPUs are free at 50.
  Cluster c(2, 2);
  c.policy(Question::backfill, "easy");
  c.job(0, 100, 2, 100);
  c.job(0, 50, 1, 50);
  c.job(1, 10, 2, 10);
  c.job(2, 60, 1, 60);
  c.job(3, 40, 1, 40);  // ends before the shadow time
  EXPECT_THAT(Cluster::starts(c.run()), ElementsAre(0, 0, 50, 60, 3));
}

TEST(Schedule, ConservativeProtectsTheSecondWaitingJobToo) {
  // 4 nodes. Job 1 holds 3 until 100; job 2 wants 2 at 100; job 3 wants 3: EASY lets job 4 (1 GPU,
  // 200 s) start because the head still finds 2 of 3 nodes, which delays job 3.
  const auto build = [](const char* backfill) {
    Cluster c(4, 1);
    c.policy(Question::backfill, backfill);
    c.job(0, 100, 3, 100);
    c.job(1, 50, 2, 50);
    c.job(2, 50, 4, 50);
    c.job(3, 200, 1, 200);
    return Cluster::starts(c.run());
  };
  EXPECT_THAT(build("easy"), ElementsAre(0, 100, 203, 3));
  EXPECT_THAT(build("conservative"), ElementsAre(0, 100, 150, 200));
}

TEST(Schedule, ConservativeOnNodesKeepsReservedNodesFree) {
  // Two nodes of 2. Node 0 is full until 100, node 1 half until 40. Job 3 (2 GPUs on one node) is
  // promised node 1 at 40; job 4 (1 GPU, 30 s) fits before it, job 5 (1 GPU, 60 s) does not.
  Cluster c(2, 2);
  c.policy(Question::backfill, "conservative");
  c.job(0, 100, 2, 100);
  c.job(0, 40, 1, 40);
  c.job(1, 10, 2, 10);
  c.job(2, 30, 1, 30);
  c.job(3, 60, 1, 60);
  EXPECT_THAT(Cluster::starts(c.run()), ElementsAre(0, 0, 40, 2, 50));
}

TEST(Schedule, ConservativeCompressesAfterAnEarlyEnd) {
  Cluster c(2, 1);
  c.policy(Question::backfill, "conservative");
  c.job(0, 10, 2, 100);  // ends 90 s early
  c.job(1, 50, 2, 50);   // promised 100, then 10
  c.job(2, 50, 1, 50);   // promised 150, then 60
  EXPECT_THAT(Cluster::starts(c.run()), ElementsAre(0, 10, 60));
}

TEST(Schedule, ConservativeDepthLimitsTheReservations) {
  // Only the first waiting job holds a reservation: the small third one cannot be promised its
  // gap until the second has started.
  Cluster c(2, 1);
  c.policy(Question::backfill, "conservative", {{"depth", 1}});
  c.job(0, 100, 1, 100);
  c.job(1, 50, 2, 50);
  c.job(2, 10, 1, 10);
  EXPECT_THAT(Cluster::starts(c.run()), ElementsAre(0, 100, 150));
}

TEST(Schedule, OverrunsAreCountedAndNothingIsOverbooked) {
  // Job 1 runs 100 s past its limit: the reservation at 50 falls due without room.
  Cluster c(1, 1);
  c.policy(Question::backfill, "conservative");
  c.job(0, 150, 1, 50);
  c.job(1, 10, 1, 10);
  const RunResult r = c.run();
  EXPECT_THAT(Cluster::starts(r), ElementsAre(0, 150));
  ASSERT_EQ(r.counts.size(), 1u);
  EXPECT_EQ(r.counts[0].rule, "reservation_without_room");
}

/// What the run counted under a name.
std::uint64_t counted(const RunResult& r, const std::string& rule) {
  for (const auto& c : r.counts) {
    if (c.rule == rule) return c.rows;
  }
  return 0;
}

TEST(Conservative, ALateReservationStartsOnOtherNodes) {
  // Two nodes of 2. Job 1 fills node 0 past its limit of 50, job 2 node 1 until 80. Job 3 is
  // promised node 0 at 50 and starts on node 1 at 80.
  Cluster c(2, 2);
  c.policy(Question::backfill, "conservative");
  c.job(0, 200, 2, 50);
  c.job(0, 80, 2, 80);
  c.job(1, 10, 2, 10);
  const RunResult r = c.run();
  EXPECT_THAT(Cluster::starts(r), ElementsAre(0, 0, 80));
  EXPECT_EQ(counted(r, "reservation_without_room"), 1u);
}

TEST(Conservative, OneBehindDoesNotTakeTheRoomOfALateReservation) {
  // Job 1 holds 3 of 4 GPUs past its limit of 50; job 2 is promised all 4 at 50. Job 3 fits the
  // fourth GPU, but job 1 counts as ending at any instant: job 3 is planned behind job 2, for 70,
  // and falls due there without room. So does not job 4, which is planned anew with job 3.
  Cluster c(4, 1);
  c.policy(Question::backfill, "conservative");
  c.job(0, 100, 3, 50);
  c.job(1, 10, 4, 10);
  c.job(60, 20, 1, 20);
  c.job(70, 5, 1, 5);
  const RunResult r = c.run();
  EXPECT_THAT(Cluster::starts(r), ElementsAre(0, 100, 110, 110));
  EXPECT_EQ(counted(r, "reservation_without_room"), 2u);
}

TEST(Conservative, OneBehindStartsWhereItDelaysNoReservation) {
  // As before, but job 2 wants 3 of the 4 GPUs: with those of job 1 there are enough.
  Cluster c(4, 1);
  c.policy(Question::backfill, "conservative");
  c.job(0, 100, 3, 50);
  c.job(1, 10, 3, 10);
  c.job(60, 70, 1, 70);
  const RunResult r = c.run();
  EXPECT_THAT(Cluster::starts(r), ElementsAre(0, 100, 60));
}

TEST(Conservative, ALateReservationGoesBeforeThoseBehindIt) {
  // Job 1 outlives its limit of 50 by 25 s. Job 2 is promised [50, 60), job 3 [60, 160). At 75 job
  // 2 starts although job 3 was promised that time, and job 3 follows it.
  Cluster c(1, 1);
  c.policy(Question::backfill, "conservative");
  c.job(0, 75, 1, 50);
  c.job(1, 10, 1, 10);
  c.job(2, 100, 1, 100);
  const RunResult r = c.run();
  EXPECT_THAT(Cluster::starts(r), ElementsAre(0, 75, 85));
  EXPECT_EQ(counted(r, "reservation_without_room"), 2u);
}

TEST(Conservative, ALateReservationDoesNotDelayOneBeforeIt) {
  // 2 GPUs. Job 1 outlives its limit of 40 by 5 s, job 2 holds the other GPU until 50. Job 3 is
  // promised both at 50; job 4, behind it, the first from 40 to 50. At 45 job 4 is too long for the
  // gap, at 50 job 3 starts.
  Cluster c(2, 1);
  c.policy(Question::backfill, "conservative");
  c.job(0, 45, 1, 40);
  c.job(0, 50, 1, 50);
  c.job(1, 20, 2, 20);
  c.job(2, 10, 1, 10);
  const RunResult r = c.run();
  EXPECT_THAT(Cluster::starts(r), ElementsAre(0, 0, 50, 70));
  EXPECT_EQ(counted(r, "reservation_without_room"), 1u);
}

TEST(Conservative, APlanMadeAnewKeepsTheOrderOfTheQueue) {
  // 2 GPUs. Job 1 holds one past its limit of 20, until 60. Job 2 (both, 10 s) is promised 20, job
  // 3 (both, 10 s) 30, job 4 (1 GPU, 10 s) and job 5 (1 GPU, 10 s) 40.
  Cluster c(2, 1);
  c.policy(Question::backfill, "conservative");
  c.job(0, 60, 1, 20);
  c.job(1, 10, 2, 10);
  c.job(2, 10, 2, 10);
  c.job(3, 10, 1, 10);
  c.job(4, 10, 1, 10);
  EXPECT_THAT(Cluster::starts(c.run()), ElementsAre(0, 60, 70, 3, 80));
}

TEST(Conservative, CountsDecideWhereRequestsSplitFreely) {
  // Two nodes of 2 and `shape: any`. Jobs 1 and 2 each hold half of both nodes in the end; job 3
  // (2 GPUs) is promised what ends first, wherever it lies: job 2 at 30, not job 1 at 100.
  Cluster c(2, 2);
  c.setup.shape = Shape::any;
  c.policy(Question::backfill, "conservative");
  c.job(0, 100, 1, 100);
  c.job(0, 30, 2, 30);
  c.job(0, 100, 1, 100);
  c.job(1, 10, 2, 10);
  EXPECT_THAT(Cluster::starts(c.run()), ElementsAre(0, 0, 0, 30));
}

TEST(Schedule, KillAtLimit) {
  Cluster c(1, 1);
  c.setup.kill_at_limit = true;
  c.job(0, 150, 1, 50);
  c.job(1, 10, 1, 10);
  const RunResult r = c.run();
  EXPECT_THAT(Cluster::ends(r), ElementsAre(50, 60));
  EXPECT_EQ(r.jobs[0].state, JobState::killed_at_limit);
  EXPECT_DOUBLE_EQ(r.jobs[0].completed_reference_s, 50);
  EXPECT_EQ(r.jobs[1].state, JobState::completed);
}

TEST(Schedule, OrderPolicies) {
  const auto build = [](const char* order, std::vector<std::pair<std::string, double>> numbers = {},
                        std::vector<std::pair<std::string, std::string>> texts = {}) {
    Cluster c(1, 1);
    c.policy(Question::order, order, std::move(numbers), std::move(texts));
    c.setup.classes = {"normal", "urgent"};
    c.setup.job_class = {0, 0, 0, 1};
    c.job(0, 100, 1, 100).user = 0;
    c.job(1, 30, 1, 30).user = 0;
    c.job(2, 20, 1, 20).user = 1;
    Job& j = c.job(3, 40, 1, 40);
    j.user = 0;
    j.deadline_s = 160;
    return Cluster::starts(c.run());
  };
  EXPECT_THAT(build("fcfs"), ElementsAre(0, 100, 130, 150));
  EXPECT_THAT(build("sjf"), ElementsAre(0, 120, 100, 150));
  EXPECT_THAT(build("deadline"), ElementsAre(0, 140, 170, 100));
  // User 1 has used nothing yet.
  EXPECT_THAT(build("fair-share"), ElementsAre(0, 120, 100, 150));
  EXPECT_THAT(build("priority", {}, {{"classes", "urgent=10"}}), ElementsAre(0, 140, 170, 100));
  // Half a second a GPU and 360 s an hour of estimate: the shorter one of two close ones first.
  EXPECT_THAT(build("priority", {{"per_hour", -3600.0}}), ElementsAre(0, 120, 100, 150));
}

TEST(Schedule, FairShareFollowsUsageThatDecays) {
  // User 0 used the GPU for an hour. With a half-life of 10 min that is worth little after
  // another hour in which user 1 had it: then user 0 comes first again.
  Cluster c(1, 1);
  c.policy(Question::order, "fair-share", {{"half_life", 600.0}});
  c.job(0, 3600, 1).user = 0;
  c.job(1, 3600, 1).user = 1;
  c.job(5000, 10, 1).user = 1;
  c.job(5001, 10, 1).user = 0;
  EXPECT_THAT(Cluster::starts(c.run()), ElementsAre(0, 3600, 7210, 7200));
}

TEST(Schedule, Replay) {
  // One GPU. Recorded: job 1 at 10, job 2 at 15 (conflict: starts when job 1 ends), job 3 at 40.
  Cluster c(1, 1);
  c.policy(Question::order, "replay");
  c.job(0, 20, 1).start_s = 10;
  c.job(1, 5, 1).start_s = 15;
  c.job(2, 5, 1).start_s = 40;
  const RunResult r = c.run();
  EXPECT_THAT(Cluster::starts(r), ElementsAre(10, 30, 40));
  ASSERT_EQ(r.counts.size(), 1u);
  EXPECT_EQ(r.counts[0].rule, "replay_conflict");
  EXPECT_EQ(r.counts[0].rows, 1u);
}

TEST(Schedule, ReplayNeedsRecordedStarts) {
  Cluster c(1, 1);
  c.policy(Question::order, "replay");
  c.job(0, 20, 1);
  EXPECT_THROW(c.run(), InputError);
}

TEST(Schedule, DependenciesAndThinkTime) {
  Cluster c(2, 1);
  c.job(0, 100, 1);
  c.job(0, 10, 1);
  c.job(0, 10, 1);
  c.workload.dependencies = {{1, 0, 0.0}, {2, 1, 5.0}};
  const RunResult r = c.run();
  EXPECT_THAT(Cluster::starts(r), ElementsAre(0, 100, 115));
  EXPECT_DOUBLE_EQ(r.jobs[2].eligible_s, 115);
}

TEST(Schedule, ARingOfDependenciesIsAnInputError) {
  Cluster c(2, 1);
  c.job(0, 100, 1);
  c.job(0, 10, 1);
  c.workload.dependencies = {{0, 1, 0.0}, {1, 0, 0.0}};
  EXPECT_THROW(c.run(), InputError);
}

TEST(Schedule, JobsThatFitNowhere) {
  Cluster c(2, 4);
  c.job(0, 10, 9).row = 17;
  c.job(0, 10, 8);
  try {
    check_demand(c.setup);
    FAIL() << "accepted 9 GPUs on 8";
  } catch (const InputError& e) {
    EXPECT_THAT(e.what(), HasSubstr("by hand:17: error: job 1: asks for 9 GPUs"));
  }
  c.setup.oversized = Oversized::reject;
  EXPECT_NO_THROW(check_demand(c.setup));
  const RunResult r = c.run();
  EXPECT_EQ(r.jobs[0].state, JobState::rejected);
  EXPECT_EQ(r.summary.jobs_rejected, 1u);
  EXPECT_EQ(r.summary.jobs_completed, 1u);
}

TEST(Schedule, AQueueThatNamesATooSmallPartitionIsFoundBeforehand) {
  Cluster c(2, 4);
  c.setup.sites[0].partitions.push_back(c.partition());
  c.partition(1).name = "small";
  c.partition(1).nodes = 1;
  c.workload.queues.intern("q");
  c.setup.partition_of_queue = {1};
  c.job(0, 10, 8).queue = 0;
  EXPECT_THROW(check_demand(c.setup), InputError);
  EXPECT_EQ(c.run().jobs[0].state, JobState::rejected);
}

TEST(Schedule, HomeTakesThePartitionWithLessWorkPerGpu) {
  Cluster c(1, 2);
  c.setup.sites[0].partitions.push_back(c.partition());
  c.partition(1).name = "second";
  c.job(0, 100, 2);
  c.job(1, 100, 2);
  c.job(2, 10, 1);  // both hold 200 GPU-s less 1: the first ends sooner
  const RunResult r = c.run();
  EXPECT_EQ(r.jobs[0].partition, 0);
  EXPECT_EQ(r.jobs[1].partition, 1);
  EXPECT_EQ(r.jobs[2].partition, 0);
}

/// Starts nothing.
class Idler final : public BackfillPolicy {
 public:
  explicit Idler(const ParamValues&) {}
  void pass(Pass&) override {}
};
[[maybe_unused]] const bool idler_registered =
    register_policy<Idler>({Question::backfill, "idler", "", "here", {}});

TEST(Schedule, JobsThatNobodyStartsAreSaid) {
  Cluster c(1, 1);
  c.job(0, 10, 1);
  EXPECT_TRUE(c.run().notes.empty());
  c.policy(Question::backfill, "idler");
  const RunResult r = c.run();
  ASSERT_EQ(r.notes.size(), 1U);
  EXPECT_EQ(r.notes[0].substr(0, 26), "1 of 1 jobs have not ended");
}

TEST(Schedule, RebalancedJobsMoveToThePartitionThatBecameFree) {
  for (const char* backfill : {"none", "easy", "conservative"}) {
    for (const double every_s : {0.0, 20.0}) {
      SCOPED_TRACE(testing::Message() << backfill << " every " << every_s << " s");
      Cluster c(1, 2);
      c.setup.sites[0].partitions.push_back(c.partition());
      c.policy(Question::backfill, backfill);
      c.setup.rebalance_s = every_s;
      c.job(0, 100, 2);
      c.job(0, 10, 2).limit_s = 1000;  // ends long before its estimate
      c.job(1, 50, 2);                 // joins the first partition: 198 GPU-s against 1998
      c.job(2, 50, 1);                 // behind it
      const RunResult r = c.run();
      EXPECT_EQ(r.jobs[1].partition, 1);
      EXPECT_EQ(r.jobs[2].partition, every_s > 0.0 ? 1 : 0);
      EXPECT_EQ(r.jobs[2].start_s, every_s > 0.0 ? 20.0 : 100.0);
      // Where job 2 goes 100 GPU-s wait; in the first partition 80 s of 2 GPUs still run.
      EXPECT_EQ(r.jobs[3].partition, every_s > 0.0 ? 1 : 0);
      EXPECT_EQ(r.jobs[3].start_s, every_s > 0.0 ? 70.0 : 150.0);
      EXPECT_EQ(r.sites[0].bins.jobs_queued.back(), 0.0);
      const auto moved = std::find_if(r.counts.begin(), r.counts.end(),
                                      [](const RuleCount& n) { return n.rule == "rebalanced"; });
      EXPECT_EQ(moved == r.counts.end() ? 0 : moved->rows, every_s > 0.0 ? 2 : 0);
    }
  }
}

TEST(Schedule, GpuTypesAndQueuesChooseThePartition) {
  Cluster c(1, 2);
  c.setup.sites[0].partitions.push_back(c.partition());
  c.workload.gpu_types.intern("V100");
  c.workload.queues.intern("first");
  c.setup.partitions_of_gpu_type = {{1}};
  c.setup.partition_of_queue = {0};
  c.job(0, 10, 1).gpu_type = 0;
  c.job(0, 10, 1).queue = 0;
  const RunResult r = c.run();
  EXPECT_EQ(r.jobs[0].partition, 1);
  EXPECT_EQ(r.jobs[1].partition, 0);
}

TEST(Schedule, CoresAndGpusAreCountedApart) {
  Cluster c(1, 2);
  c.setup.sites[0].partitions.push_back(c.partition());
  c.partition(1).counts_cores = true;
  c.partition(1).units_per_node = 16;
  Job& cpu = c.job(0, 10, 0);
  cpu.cores = 12;
  Job& gpu = c.job(0, 10, 1);
  gpu.cores = 4;
  const RunResult r = c.run();
  EXPECT_EQ(r.jobs[0].partition, 1);
  EXPECT_EQ(r.jobs[1].partition, 0);
}

TEST(Schedule, ContentionSlowsSharersOfAGpu) {
  // Two halves of one GPU at rate 0.5 while both are there: 100 s of work each, the second comes
  // at 50: job 1 has 50 left, at 0.5 until 150; job 2 has then done 50, ends at 200.
  Cluster c(1, 1);
  c.setup.contention_rate = 0.5;
  c.job(0, 100, 1).gpu_milli = 500;
  c.job(50, 100, 1).gpu_milli = 500;
  EXPECT_THAT(Cluster::ends(c.run()), ElementsAre(DoubleEq(150), DoubleEq(200)));
}

TEST(Schedule, NoisyEstimatesDependOnTheIdOnly) {
  const auto starts = [](bool reversed_ids) {
    Cluster c(1, 1);
    c.setup.estimate = EstimateFrom::noisy;
    c.setup.estimate_sigma = 2.0;
    c.policy(Question::order, "sjf");
    c.job(0, 100, 1);
    for (int i = 0; i < 20; ++i) c.job(1, 10 + i, 1);
    if (reversed_ids) c.workload.jobs[0].id = 999;
    return Cluster::starts(c.run());
  };
  EXPECT_EQ(starts(false), starts(true));
}

TEST(Run, StopsWhenAsked) {
  Cluster c(1, 1);
  for (int i = 0; i < 10; ++i) c.job(i, 1, 1);
  std::atomic<bool> stop{true};
  RunHooks hooks;
  hooks.stop = &stop;
  EXPECT_TRUE(c.run(hooks).interrupted);
}

TEST(Run, TracesCountFromTheirOwnZero) {
  // Second 1,000 of the trace is second 0 of the period.
  Cluster c(1, 1);
  c.setup.origin_offset_s = -1000.0;
  c.job(900, 10, 1);  // before the period
  c.job(1005, 10, 1).deadline_s = 1012;
  const RunResult r = c.run();
  ASSERT_EQ(r.jobs.size(), 1u);
  EXPECT_DOUBLE_EQ(r.jobs[0].start_s, 5);
  EXPECT_EQ(r.jobs[0].deadline_missed, 1);
  EXPECT_DOUBLE_EQ(r.summary.wait_s.mean, 0);
  EXPECT_DOUBLE_EQ(r.origin_offset_s, -1000.0);  // the file's submit times need it
}

TEST(Run, AnEmptyWorkloadIsARunOfIdlePower) {
  Cluster c(2, 2);
  c.setup.period_end_s = 100;
  const RunResult r = c.run();
  EXPECT_DOUBLE_EQ(r.summary.it_energy_j, 4 * 50 * 100.0);
  EXPECT_DOUBLE_EQ(r.sites[0].unattributed.it_energy_j, 20000.0);
  EXPECT_TRUE(std::isnan(r.summary.wait_s.mean));
}

}  // namespace
}  // namespace nightwatt
