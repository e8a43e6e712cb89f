#include "sim/demand_charge.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "tests/support/cluster.hpp"

namespace nightwatt {
namespace {

using test::Cluster;
using test::steps;

SimTime at(double seconds) { return SimTime::from_seconds(seconds); }
constexpr double day_s = 86400.0;

TEST(MonthPeaks, AWindowIsOfTheMonthInWhichItBegins) {
  const DemandCharge charge{10.0, true, {at(-10 * day_s), at(20 * day_s), at(50 * day_s)}};
  MonthPeaks peaks(charge);
  peaks.add(at(0), 2000.0);
  peaks.add(at(20 * day_s - 1), 3000.0);
  peaks.add(at(20 * day_s), 1000.0);
  const auto months = peaks.until(at(35 * day_s));
  ASSERT_EQ(months.size(), 2U);
  // 20 of 30 days of the first month, 15 of 30 of the second.
  EXPECT_EQ(months[0].peak_w, 3000.0);
  EXPECT_DOUBLE_EQ(months[0].share, 2.0 / 3.0);
  EXPECT_DOUBLE_EQ(months[0].cost, 3.0 * 10.0 * 2.0 / 3.0);
  EXPECT_EQ(months[1].start_s, 20 * day_s);
  EXPECT_DOUBLE_EQ(months[1].cost, 1.0 * 10.0 * 0.5);
  EXPECT_EQ(peaks.until(at(20 * day_s)).size(), 1U);
}

TEST(MonthPeaks, WholeMonthsAreNotShared) {
  const DemandCharge charge{10.0, false, {at(-10 * day_s), at(20 * day_s), at(50 * day_s)}};
  MonthPeaks peaks(charge);
  peaks.add(at(0), 2000.0);
  EXPECT_DOUBLE_EQ(peaks.until(at(1 * day_s))[0].cost, 20.0);
}

/// One GPU, 50 W idle and 250 W busy, PUE 2: facility power is 100 W or 500 W.
Cluster charged(double days) {
  Cluster c(1, 1);
  c.setup.period_end_s = days * day_s;
  c.setup.sites[0].signals =
      SiteSignals(StepSeries::constant(2), StepSeries::constant(100 / joules_per_kwh),
                  StepSeries::constant(0.1 / joules_per_kwh));
  // The first month has 30 days, of which the period sees the last two; then comes one of 31.
  c.setup.sites[0].demand =
      DemandCharge{{15.0, true}, {at(-28 * day_s), at(2 * day_s), at(33 * day_s)}};
  return c;
}

TEST(DemandCharge, TwoMonthsWithKnownPeaks) {
  Cluster c = charged(4);
  // 5 min of 500 W in a window of 15 min: (5 x 500 + 10 x 100) / 15 = 233.3 W.
  c.job(3600, 300, 1);
  // A window that is full: 500 W in the second month.
  c.job(3 * day_s, 1800, 1);
  const RunResult r = c.run();
  const SiteTotals& total = r.sites[0].to_file_end;
  const double first = 0.7 / 3 * 15 * 2 / 30, second = 0.5 * 15 * 2 / 31;
  EXPECT_NEAR(total.demand_charge_cost, first + second, 1e-12);
  ASSERT_EQ(r.sites[0].demand.size(), 2U);
  EXPECT_NEAR(r.sites[0].demand[0].cost, first, 1e-12);
  EXPECT_NEAR(r.sites[0].demand[1].peak_w, 500.0, 1e-9);
  const double energy_kwh = total.total.facility_energy_j / joules_per_kwh;
  EXPECT_NEAR(total.total.cost, energy_kwh * 0.1 + first + second, 1e-9);
  // It is of the site, not of its jobs.
  EXPECT_NEAR(r.summary.jobs_cost, 2 * 0.25 * 2100 / 3600 * 0.1, 1e-12);
  EXPECT_NEAR(r.summary.demand_charge_cost, first + second, 1e-12);
  EXPECT_NEAR(r.summary.cost, total.total.cost, 1e-12);
  EXPECT_LE(r.summary.conservation_error, 1e-9);
}

TEST(DemandCharge, ThePeriodHasItsOwn) {
  Cluster c = charged(1);
  c.job(0.9 * day_s, 0.2 * day_s, 1);  // runs over the period's end
  const RunResult r = c.run();
  EXPECT_NEAR(r.sites[0].to_period_end.demand_charge_cost, 0.5 * 15 * 1 / 30, 1e-12);
  EXPECT_NEAR(r.sites[0].to_file_end.demand_charge_cost, 0.5 * 15 * 1.1 / 30, 1e-12);
}

TEST(Water, FollowsTheItEnergy) {
  // 2 L/kWh in the first hour, 5 L/kWh after it. IT: 250 W for the two hours of the job, then 50 W.
  Cluster c(1, 1);
  c.setup.period_end_s = 3 * 3600.0;
  c.setup.sites[0].signals =
      SiteSignals(StepSeries::constant(1.5), StepSeries::absent(), StepSeries::absent());
  c.setup.sites[0].water = SiteSignals(StepSeries::constant(1),
                                       steps(3600.0, {2.0 / joules_per_kwh, 5.0 / joules_per_kwh}),
                                       StepSeries::absent());
  c.job(0, 2 * 3600.0, 1);
  const RunResult r = c.run();
  ASSERT_EQ(r.jobs_water_l.size(), 1U);
  EXPECT_NEAR(r.jobs_water_l[0], 0.25 * 2 + 0.25 * 5, 1e-12);
  EXPECT_NEAR(r.sites[0].to_file_end.water_l, 0.25 * 2 + 0.25 * 5 + 0.05 * 5, 1e-12);
  EXPECT_NEAR(r.summary.water_l, 2.0, 1e-12);
  EXPECT_NEAR(r.summary.jobs_water_l, 1.75, 1e-12);
}

TEST(Water, IsNotThereWithoutAFigure) {
  Cluster c(1, 1);
  c.job(0, 100, 1);
  const RunResult r = c.run();
  EXPECT_TRUE(r.jobs_water_l.empty());
  EXPECT_FALSE(r.has(&Summary::water_l));
  EXPECT_FALSE(r.has(&Summary::embodied_carbon_g));
  EXPECT_TRUE(std::isnan(r.sites[0].to_file_end.water_l));
}

TEST(Embodied, IsSpreadByTheHoursHeld) {
  // Four GPUs of 350.64 kg in four years of 8,766 h: 10 g an hour each.
  Cluster c(1, 4);
  c.partition().embodied_g_per_unit_s = 350.64e3 / (4 * 8766 * 3600.0);
  c.setup.period_end_s = 5 * 3600.0;
  c.job(0, 2 * 3600.0, 3);
  const RunResult r = c.run();
  EXPECT_NEAR(r.embodied_carbon_g(r.jobs[0]), 60.0, 1e-9);
  EXPECT_NEAR(r.summary.jobs_embodied_carbon_g, 60.0, 1e-9);
  EXPECT_NEAR(r.summary.embodied_carbon_g, 200.0, 1e-9);
  EXPECT_TRUE(std::isnan(r.summary.carbon_g)) << "never part of the carbon of the energy";
}

TEST(CarbonSeries, PoliciesSeeTheOneAndTheOtherIsCharged) {
  // Marginal is low at 03:00, average at 05:00.
  const auto with = [](bool swapped) {
    Cluster c(1, 1);
    const auto series = [](std::size_t low) {
      std::vector<double> values(24, 400.0 / joules_per_kwh);
      values[low] = 100.0 / joules_per_kwh;
      return steps(3600.0, values);
    };
    c.setup.sites[0].signals =
        SiteSignals(StepSeries::constant(1), series(swapped ? 3 : 5), StepSeries::absent());
    c.setup.sites[0].decide =
        SiteSignals(StepSeries::constant(1), series(swapped ? 5 : 3), StepSeries::absent());
    c.setup.classes = {"flexible"};
    c.setup.class_traits.resize(1);
    c.setup.class_traits[0].slack_s = 12 * 3600.0;
    c.setup.job_class = {0};
    c.policy(Question::timing, "lowest-carbon");
    c.job(0, 3600, 1);
    return c.run();
  };
  const RunResult r = with(false), other = with(true);
  EXPECT_EQ(r.jobs[0].start_s, 3 * 3600.0);
  EXPECT_NEAR(r.jobs[0].carbon_g, 0.25 * 400, 1e-9);
  EXPECT_EQ(other.jobs[0].start_s, 5 * 3600.0);
  EXPECT_NEAR(other.jobs[0].carbon_g, 0.25 * 400, 1e-9);
}

}  // namespace
}  // namespace nightwatt
