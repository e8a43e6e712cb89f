#include "analysis/bounds/lower_bound.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "analysis/bounds/relaxation.hpp"
#include "tests/support/cluster.hpp"
#include "tests/support/temporary_folder.hpp"

namespace nightwatt {
namespace {

using test::Cluster;
using test::steps;
using testing::HasSubstr;

constexpr double hour_s = 3600.0;
constexpr double kwh_j = 3.6e6;
/// What a bound gives away for rounding, of the charge and of what the prices add to it.
constexpr double margin = 5e-6;

BoundInput::Site site(const std::string& name, const std::vector<double>& g_per_kwh) {
  BoundInput::Site s;
  s.name = name;
  for (std::size_t i = 0; i < g_per_kwh.size(); ++i) {
    s.from_s.push_back(static_cast<double>(i) * hour_s);
    s.carbon_g_per_j.push_back(g_per_kwh[i] / kwh_j);
    s.cost_per_j.push_back(unknown);
  }
  s.end_s = static_cast<double>(g_per_kwh.size()) * hour_s;
  return s;
}

/// One site with so many GPUs; jobs draw 1 kW a GPU.
struct ByHand {
  explicit ByHand(const std::vector<double>& g_per_kwh, double gpus = 1.0) {
    input.sites = {site("here", g_per_kwh)};
    input.partitions = {{0, "gpus", "gpu", gpus}};
  }
  void job(double from_h, double to_h, double run_h, double gpus = 1.0) {
    input.jobs.push_back(
        {from_h * hour_s, to_h * hour_s, static_cast<std::uint32_t>(input.options.size()), 1e9, 0});
    const double energy_j = run_h * gpus * kwh_j;
    for (std::uint32_t p = 0; p < input.partitions.size(); ++p) {
      input.options.push_back({p, gpus, run_h * hour_s, energy_j, energy_j, true});
    }
  }
  [[nodiscard]] double carbon_g(const BoundOptions& options = {}) const {
    return lower_bound(input, Objective::carbon, options).value;
  }
  BoundInput input;
};

TEST(LowerBound, OneJobTakesTheCleanHour) {
  ByHand hand({400, 100});
  hand.job(0, 2, 1);
  EXPECT_NEAR(hand.carbon_g(), 100, 100 * margin);
  EXPECT_LE(hand.carbon_g(), 100);
}

TEST(LowerBound, TwoJobsCannotBothHaveTheCleanHour) {
  for (const bool interruption : {false, true}) {
    ByHand hand({400, 100});
    hand.input.freedom.interruption = interruption;
    hand.job(0, 2, 1);
    hand.job(0, 2, 1);
    EXPECT_NEAR(hand.carbon_g(), 500, 500 * margin);
    EXPECT_LE(hand.carbon_g(), 500);
  }
}

TEST(LowerBound, PricesAreFoundWithoutTheNetworkToo) {
  ByHand hand({400, 100});
  hand.input.freedom.interruption = true;
  hand.job(0, 2, 1);
  hand.job(0, 2, 1);
  for (BoundInput::Job& job : hand.input.jobs) job.booked_carbon_g = 250;
  const double none = hand.carbon_g({.flow_arcs = 0, .iterations = 0});
  EXPECT_NEAR(none, 200, 200 * margin);
  const double climbed = hand.carbon_g({.flow_arcs = 0, .iterations = 100});
  EXPECT_GT(climbed, 490);
  EXPECT_LE(climbed, 500);
}

TEST(LowerBound, PartOfAnHourAndOfTheGpus) {
  // 4 GPUs; from 0:30 on 3 GPUs for an hour: half in each, or all in the second, where 2 are free.
  ByHand hand({400, 100}, 4);
  hand.input.freedom.interruption = true;
  hand.job(1, 2, 1, 2);      // 200 g, no choice
  hand.job(0.5, 2, 0.5, 3);  // 1.5 kWh: 2 GPU-hours are free in the clean one: 150 g
  hand.job(0, 2, 1, 1);      // 0.5 GPU-hours are left there: 0.5 x 100 + 0.5 x 400
  EXPECT_NEAR(hand.carbon_g(), 200 + 150 + 250, 600 * margin);
}

TEST(LowerBound, ARunInOneGoCrossesTheDirtyHour) {
  ByHand hand({100, 400, 100});
  hand.job(0, 3, 2);
  EXPECT_NEAR(hand.carbon_g(), 500, 500 * margin);
  hand.input.freedom.interruption = true;
  EXPECT_NEAR(hand.carbon_g(), 200, 200 * margin);
}

TEST(LowerBound, StartsNeedNotBeAtFullHours) {
  ByHand hand({300, 100, 300});
  hand.job(0.25, 2.5, 1.5);
  EXPECT_NEAR(hand.carbon_g(), 100 + 150, 250 * margin);
  ByHand tight({300, 100, 300});
  tight.job(0.25, 2, 1.5);  // starts at 0:15 to 0:30
  EXPECT_NEAR(tight.carbon_g(), 100 + 150, 250 * margin);
}

TEST(LowerBound, WithoutSlackItIsTheChargeItself) {
  ByHand hand({300, 100, 200}, 10);
  hand.job(0.25, 1.75, 1.5, 4);
  EXPECT_NEAR(hand.carbon_g(), 4 * (0.75 * 300 + 0.75 * 100), 1200 * margin);
}

TEST(LowerBound, AnotherSiteIfItIsFree) {
  ByHand hand({400, 100});
  hand.input.sites.push_back(site("there", {50, 300}));
  hand.input.partitions.push_back({1, "gpus", "gpu", 1.0});
  hand.job(0, 2, 1);
  EXPECT_NEAR(hand.carbon_g(), 50, 50 * margin);
  hand.input.options[1].extra_carbon_g = 30;
  EXPECT_NEAR(hand.carbon_g(), 80, 80 * margin);
  hand.input.options[1].extra_carbon_g = 60;
  EXPECT_NEAR(hand.carbon_g(), 100, 100 * margin);
  hand.job(0, 2, 1);  // one takes 100 here, the other 110 there
  hand.input.options[3].extra_carbon_g = 60;
  EXPECT_NEAR(hand.carbon_g(), 210, 210 * margin);
}

TEST(LowerBound, NothingRunsAfterTheSignalsEnd) {
  ByHand hand({400, 300});
  hand.input.sites.push_back(site("there", {500}));
  hand.input.partitions.push_back({1, "gpus", "gpu", 1.0});
  hand.job(0, 5, 2);  // too long for the second site
  EXPECT_NEAR(hand.carbon_g(), 700, 700 * margin);
}

TEST(LowerBound, PowerThatChangedMayHaveBeenDrawnAtAnyInstant) {
  ByHand hand({300, 100, 200});
  hand.job(0, 3, 2);
  hand.input.options[0].run_s = 0;
  EXPECT_NEAR(hand.carbon_g(), 200, 200 * margin);
}

TEST(LowerBound, NegativePricesTakeTheMost) {
  ByHand hand({100, -50});
  hand.input.freedom.interruption = true;
  hand.job(0, 2, 1);
  hand.input.options[0].least_j = 0.5 * kwh_j;
  hand.input.options[0].steady = false;
  EXPECT_NEAR(hand.carbon_g(), -50, 50 * margin);
  EXPECT_LE(hand.carbon_g(), -50);
}

TEST(LowerBound, ASiteWithoutASeriesHasNone) {
  ByHand hand({400, 100});
  hand.job(0, 2, 1);
  const LowerBounds bounds = lower_bounds(hand.input);
  EXPECT_NEAR(bounds.carbon.value, 100, 1e-3);
  EXPECT_TRUE(std::isnan(bounds.cost.value));
  EXPECT_EQ(bounds.cost.method, "none: 'here' has no price");
  EXPECT_EQ(bounds.jobs, 1u);
  EXPECT_EQ(bounds.cells, 2u);
  EXPECT_EQ(bounds.freedom, "start");
}

TEST(LowerBound, WithoutJobsItIsZero) { EXPECT_EQ(ByHand({400, 100}).carbon_g(), 0.0); }

TEST(LowerBound, AnyPricesGiveABound) {
  // The best schedule is 500 g. Prices at which both hours are equally dear find it.
  ByHand hand({400, 100});
  hand.input.freedom.interruption = true;
  hand.job(0, 2, 1);
  hand.job(0, 2, 1);
  const Relaxation relaxation(hand.input, Objective::carbon, hour_s);
  ASSERT_EQ(relaxation.cells(), 2u);
  const double best = 300.0 / hour_s;  // g a GPU-second of the clean hour
  EXPECT_NEAR(relaxation.at({0, best}).bound, 500, 500 * margin);
  for (const double off : {0.0, 0.3, 0.9, 1.1, 2.0, 50.0}) {
    for (const double dirty : {0.0, 0.01, 1.0}) {
      EXPECT_LE(relaxation.at({dirty, off * best}).bound, 500) << off << ' ' << dirty;
    }
  }
}

TEST(Freedoms, AreReadAndWritten) {
  EXPECT_EQ(freedom_text({}), "start");
  EXPECT_EQ(freedom_text(freedom_of("cap,start, site")), "start, site, cap");
  EXPECT_EQ(freedom_of("interruption, device"), (Freedom{.interruption = true, .device = true}));
  EXPECT_THROW((void)freedom_of("start, wind"), InputError);
}

// ---------------------------------------------------------------- of runs

/// Two hours clean, two dirty, and again; a class that may wait four hours.
Cluster flexible(std::uint32_t nodes, const std::string& timing) {
  Cluster c(nodes, 1);
  c.setup.classes = {"fixed", "flexible"};
  c.setup.class_traits.resize(2);
  c.setup.class_traits[1].slack_s = 4 * hour_s;
  c.signals(StepSeries::constant(1.25), steps(hour_s, {500, 400, 100, 150}, Beyond::repeat),
            StepSeries::absent());
  c.policy(Question::timing, timing, {}, {{"signal", "carbon"}});
  return c;
}
void add(Cluster& c, double submit_h, double run_h, std::int16_t job_class) {
  c.job(submit_h * hour_s, run_h * hour_s, 1);
  c.setup.job_class.push_back(job_class);
}

TEST(BoundOfARun, OfItsOwnWindows) {
  Cluster c = flexible(2, "immediate");
  add(c, 0, 1, 0);
  add(c, 0, 1, 1);
  const RunResult r = c.run();
  // 0.25 kWh of IT each, 1.25 at the meter.
  EXPECT_NEAR(r.summary.jobs_carbon_g, 2 * 0.3125 * 500, 1e-9);
  const BoundInput input = bound_input(c.setup, r, {});
  EXPECT_EQ(input.jobs[0].to_s, hour_s);
  EXPECT_EQ(input.jobs[1].to_s, 5 * hour_s);
  const LowerBounds b = lower_bounds(input);
  EXPECT_NEAR(b.carbon.value, 0.3125 * (500 + 100), 1e-3);
  EXPECT_EQ(b.carbon.booked, r.summary.jobs_carbon_g);
  EXPECT_NEAR(b.carbon.gap(), 0.4, 1e-5);
}

TEST(BoundOfARun, LowestCarbonReachesItWhereThereIsRoom) {
  Cluster c = flexible(4, "lowest-carbon");
  for (int i = 0; i < 4; ++i) add(c, i, 1.5, 1);
  const RunResult r = c.run();
  const LowerBounds b = lower_bounds(bound_input(c.setup, r, freedom_of_run(c.setup, r)));
  EXPECT_EQ(b.freedom, "start");
  EXPECT_NEAR(b.carbon.value, r.summary.jobs_carbon_g, 1e-5 * b.carbon.value);
  EXPECT_LE(b.carbon.value, r.summary.jobs_carbon_g);
}

TEST(BoundOfARun, CapsAreFreeIfAPolicySetsThem) {
  Cluster c = flexible(2, "immediate");
  c.setup.devices[0].min_cap = watts(100);
  c.setup.devices[0].max_cap = watts(250);
  add(c, 0, 1, 1);
  const double fixed_200_g = [&] {
    c.policy(Question::cap, "fixed", {{"limit", 200}}, {{"outside", "error"}});
    return c.run().summary.jobs_carbon_g;
  }();
  c.policy(Question::cap, "least-energy-delay", {{"delay_exponent", 0}, {"slowdown", 10}});
  const RunResult r = c.run();
  const Freedom freedom = freedom_of_run(c.setup, r);
  EXPECT_EQ(freedom_text(freedom), "start, cap");
  const BoundInput input = bound_input(c.setup, r, freedom);
  // The policy looks at every eighth watt of the range; between them there is little to gain.
  EXPECT_LE(input.options[0].least_j, r.jobs[0].it_energy_j);
  EXPECT_GE(input.options[0].least_j, 0.99 * r.jobs[0].it_energy_j);
  EXPECT_EQ(input.options[0].run_s, hour_s);  // the shortest is without a cap
  const double bound_g = lower_bound(input, Objective::carbon).value;
  EXPECT_LE(bound_g, r.summary.jobs_carbon_g);
  EXPECT_LE(bound_g, fixed_200_g);
}

TEST(BoundOfARun, AnotherDeviceOnlyIfItIsFree) {
  Cluster c = flexible(1, "immediate");
  Device frugal = c.setup.devices[0];
  frugal.id = "frugal";
  frugal.busy = watts(100);
  c.setup.devices.push_back(frugal);
  PartitionSetup second = c.partition();
  second.name = "frugal";
  second.device = 1;
  c.setup.sites[0].partitions.push_back(second);
  add(c, 0, 1, 0);
  const RunResult r = c.run();
  ASSERT_EQ(r.jobs[0].partition, 0);
  EXPECT_EQ(freedom_text(freedom_of_run(c.setup, r)), "start, device");
  const auto carbon_g = [&](Freedom freedom) {
    return lower_bound(bound_input(c.setup, r, freedom), Objective::carbon).value;
  };
  EXPECT_NEAR(carbon_g({}), r.summary.jobs_carbon_g, 1e-3);
  EXPECT_NEAR(carbon_g({.device = true}), 0.4 * r.summary.jobs_carbon_g, 1e-3);
}

/// At home 400 g/kWh; there 100 and, in the second hour, 50. A run of an hour takes 0.25 kWh.
/// Moving its 100 GB takes 1 s and 0.36 MJ (0.1 kWh), half of it at either end.
Cluster two_sites() {
  Cluster c = flexible(1, "immediate");
  c.signals(StepSeries::constant(1.0), StepSeries::constant(400), StepSeries::constant(0.1));
  SiteSetup there = c.setup.sites[0];
  there.name = "there";
  const auto per_joule = [](double value) { return value / joules_per_kwh; };
  there.signals =
      SiteSignals(StepSeries::constant(1.0), steps(hour_s, {per_joule(100), per_joule(50)}),
                  StepSeries::constant(per_joule(0.1)));
  c.setup.sites.push_back(there);
  c.setup.network = {2, {0, 1e11, 1e11, 0}, 3600.0};
  c.setup.class_traits.at(1).data_gb = 100;
  c.policy(Question::site, "lowest-carbon", {{"max_load", 1e9}});
  return c;
}

TEST(BoundOfARun, MovingDataCountsOnBothSides) {
  Cluster c = two_sites();
  add(c, 0, 1, 1);
  const RunResult r = c.run();
  ASSERT_EQ(r.jobs[0].site, 1);
  const BoundInput input = bound_input(c.setup, r, freedom_of_run(c.setup, r));
  EXPECT_NEAR(input.jobs[0].booked_carbon_g, r.jobs[0].carbon_g + 0.05 * (400 + 100), 1e-6);
  ASSERT_EQ(input.options.size(), 2U);
  EXPECT_EQ(input.options[0].extra_carbon_g, 0.0);
  EXPECT_NEAR(input.options[1].extra_carbon_g, 0.05 * (400 + 50), 1e-9);
  const LowerBound bound = lower_bound(input, Objective::carbon);
  EXPECT_NEAR(bound.value, 0.25 * 50 + 0.05 * (400 + 50), 1e-3);
  // So much data that the job had better stay.
  c.setup.class_traits.at(1).data_gb = 1000;
  const RunResult stays = c.run();
  EXPECT_EQ(stays.jobs[0].site, 0);
  EXPECT_NEAR(
      lower_bound(bound_input(c.setup, stays, freedom_of_run(c.setup, stays)), Objective::carbon)
          .value,
      0.25 * 400, 1e-3);
}

// ---------------------------------------------------------------- of files

class BoundOfFiles : public testing::Test {
 protected:
  TimelineFile file(Cluster& c, const std::string& name) {
    RunResult r = c.run();
    carbon_g_.push_back(r.summary.jobs_carbon_g);
    r.scenario_sha256 = "x";
    write_timeline(r, folder_.path() / name);
    return read_timeline(folder_.path() / name);
  }
  test::TemporaryFolder folder_;
  std::vector<double> carbon_g_;
};

TEST_F(BoundOfFiles, TheSameAsOfTheRun) {
  Cluster c = flexible(1, "immediate");
  add(c, 0, 1, 0);
  add(c, 0, 1, 1);
  add(c, 0.5, 2, 1);
  const TimelineFile f = file(c, "a.h5");
  const TimelineFile* const one[] = {&f};
  const double of_run_g = lower_bound(bound_input(c.setup, c.run(), {}), Objective::carbon).value;
  EXPECT_EQ(lower_bound(bound_input(one, {}), Objective::carbon).value, of_run_g);
  EXPECT_LT(of_run_g, carbon_g_[0]);
}

TEST_F(BoundOfFiles, ACommonWindowAndTheLeastThatWasDrawn) {
  Cluster base = flexible(1, "immediate"), shifted = flexible(1, "lowest-carbon");
  for (Cluster* c : {&base, &shifted}) {
    for (int i = 0; i < 3; ++i) add(*c, 0, 1, 1);
  }
  shifted.setup.devices[0].busy = watts(200);
  const TimelineFile a = file(base, "a.h5"), b = file(shifted, "b.h5");
  const TimelineFile* const both[] = {&a, &b};
  const BoundInput input = bound_input(both, {});
  ASSERT_EQ(input.jobs.size(), 3u);
  for (std::size_t j = 0; j < 3; ++j) {
    const double latest_s = std::max(a.jobs_double("end_time")[j], b.jobs_double("end_time")[j]);
    EXPECT_EQ(input.jobs[j].to_s, std::max(5 * hour_s, latest_s));
    EXPECT_EQ(input.options_of(j)[0].least_j, 200 * hour_s);
    EXPECT_FALSE(input.options_of(j)[0].steady);
  }
  const double bound_g = lower_bound(input, Objective::carbon).value;
  EXPECT_LE(bound_g, carbon_g_[0]);
  EXPECT_LE(bound_g, carbon_g_[1]);
}

TEST_F(BoundOfFiles, MovingDataCountsOnBothSides) {
  Cluster home = two_sites(), there = two_sites(), light = two_sites();
  home.policy(Question::site, "home");
  light.setup.network.j_per_gb /= 10;
  for (Cluster* c : {&home, &there, &light}) add(*c, 0, 1, 1);
  const TimelineFile a = file(home, "a.h5"), b = file(there, "b.h5"), c = file(light, "c.h5");
  EXPECT_THAT(a.jobs_double("data_gb"), testing::ElementsAre(100));
  EXPECT_EQ(a.header().network_j_per_gb, 3600.0);
  const auto bound_g = [](std::initializer_list<const TimelineFile*> files) {
    const BoundInput input = bound_input(std::span(files.begin(), files.size()), {.site = true});
    EXPECT_EQ(input.options.size(), 2U);
    EXPECT_EQ(input.options[0].extra_carbon_g, 0.0);
    return std::pair(lower_bound(input, Objective::carbon).value, input.jobs[0].booked_carbon_g);
  };
  // Booked at home, and there; the bound is the same.
  const double moved_g = 0.05 * (400 + 50);
  EXPECT_NEAR(bound_g({&a, &b}).first, 0.25 * 50 + moved_g, 1e-3);
  EXPECT_NEAR(bound_g({&a, &b}).second, 0.25 * 400, 1e-6);
  EXPECT_NEAR(bound_g({&b, &a}).first, 0.25 * 50 + moved_g, 1e-3);
  EXPECT_NEAR(bound_g({&b, &a}).second, carbon_g_[1] + 0.05 * (400 + 100), 1e-6);
  // Where one of the runs moved data for less, all might have.
  EXPECT_NEAR(bound_g({&a, &b, &c}).first, 0.25 * 50 + moved_g / 10, 1e-3);
}

TEST_F(BoundOfFiles, WhatDoesNotFitTogether) {
  Cluster c = flexible(1, "immediate");
  add(c, 0, 1, 0);
  const TimelineFile a = file(c, "a.h5");
  const auto refusal = [&](const TimelineFile& other, Freedom freedom = {}) -> std::string {
    const TimelineFile* const both[] = {&a, &other};
    try {
      (void)bound_input(both, freedom);
    } catch (const InputError& error) {
      return error.what();
    }
    return "";
  };
  EXPECT_EQ(refusal(a), "");
  EXPECT_THAT(refusal(a, {.cap = true}), HasSubstr("expected start, interruption or site"));
  Cluster more = flexible(2, "immediate");
  add(more, 0, 1, 0);
  EXPECT_THAT(refusal(file(more, "b.h5")), HasSubstr("b.h5: error: bound: another partition"));
  Cluster cleaner = flexible(1, "immediate");
  cleaner.signals(StepSeries::constant(1.25), StepSeries::constant(7), StepSeries::absent());
  add(cleaner, 0, 1, 0);
  EXPECT_THAT(refusal(file(cleaner, "c.h5")), HasSubstr("c.h5: error: bound: other signals"));
  add(c, 0, 1, 0);
  EXPECT_THAT(refusal(file(c, "d.h5")), HasSubstr("d.h5: error: bound: other jobs"));
}

}  // namespace
}  // namespace nightwatt
