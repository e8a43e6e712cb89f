#include "sim/forecast_series.hpp"

#include <gtest/gtest.h>

#include <memory>

#include "sim/outlook.hpp"
#include "tests/support/cluster.hpp"

namespace nightwatt {
namespace {

using test::Cluster;
using test::steps;

constexpr double hour_s = 3600.0;
SimTime hour(double h) { return SimTime::from_seconds(h * hour_s); }

/// Made at 00:00 for 01:00 to 04:00 and at 02:00 for 02:00 to 04:00, in g/kWh.
std::shared_ptr<const ForecastSeries> two_issues() {
  auto series = std::make_shared<ForecastSeries>();
  series->step = hour(1);
  series->issues.push_back({hour(0), {hour(1), hour(2), hour(3)}, {100.0, 200.0, 300.0}});
  series->issues.push_back({hour(2), {hour(2), hour(3)}, {250.0, 50.0}});
  for (auto& issue : series->issues) {
    for (double& v : issue.values) v /= joules_per_kwh;
  }
  return series;
}
SiteSetup site_with(std::shared_ptr<const ForecastSeries> series) {
  SiteSetup site;
  site.signals = SiteSignals(StepSeries::constant(1.5),
                             steps(hour_s, std::vector<double>(72, 400.0 / joules_per_kwh)),
                             StepSeries::absent());
  site.carbon_forecast = std::move(series);
  return site;
}

TEST(FiledForecast, TheNewestIssueThatWasMadeAnswers) {
  const SiteSetup site = site_with(two_issues());
  Forecast forecast;
  forecast.from = ForecastFrom::file;
  const auto outlook = make_outlook(site, forecast, 1, 0);
  const auto grid = [&](double now, double from, double to) {
    return outlook->grid_carbon_g_per_j(hour(now), hour(from), hour(to)) * joules_per_kwh;
  };
  EXPECT_NEAR(grid(0, 1, 2), 100.0, 1e-9);
  EXPECT_NEAR(grid(0, 1, 4), 200.0, 1e-9);
  EXPECT_NEAR(grid(1.9, 3, 4), 300.0, 1e-9);
  EXPECT_NEAR(grid(2, 3, 4), 50.0, 1e-9) << "the second was made now";
  EXPECT_NEAR(grid(2, 2.5, 3.5), 150.0, 1e-9);
  EXPECT_EQ(outlook->beyond_reach(), 0U);
  // PUE counts in what a joule of IT is charged with.
  EXPECT_NEAR(outlook->carbon_g_per_j(hour(2), hour(3), hour(4)) * joules_per_kwh, 75.0, 1e-9);
  // Half an hour beyond the reach: the last 24 hours, here 400 g/kWh.
  EXPECT_NEAR(grid(2, 3.5, 4.5), 225.0, 1e-9);
  EXPECT_EQ(outlook->beyond_reach(), 1U);
  EXPECT_NEAR(grid(2, 8, 9), 400.0, 1e-9);
  EXPECT_EQ(outlook->beyond_reach(), 2U);
}

TEST(FiledForecast, BeforeTheFirstIssueTheLastDayComesAgain) {
  auto late = std::make_shared<ForecastSeries>(*two_issues());
  late->issues.erase(late->issues.begin());
  const SiteSetup site = site_with(late);
  Forecast forecast;
  forecast.from = ForecastFrom::file;
  const auto outlook = make_outlook(site, forecast, 1, 0);
  EXPECT_NEAR(outlook->grid_carbon_g_per_j(hour(1), hour(2), hour(3)) * joules_per_kwh, 400.0,
              1e-9);
  EXPECT_EQ(outlook->beyond_reach(), 1U);
}

/// A job of an hour with five hours of slack under lowest-carbon; the forecast says 02:00 (100
/// g/kWh), the truth is 500, and 200 at 04:00.
Cluster misled(ForecastFrom from) {
  Cluster c(1, 1);
  c.setup.classes = {"flexible"};
  c.setup.class_traits.resize(1);
  c.setup.class_traits[0].slack_s = 5 * hour_s;
  c.setup.job_class = {0};
  std::vector<double> truth(48, 500.0);
  truth[4] = 200.0;
  c.signals(StepSeries::constant(1.2), steps(hour_s, truth), steps(hour_s, {0.1}));
  auto series = std::make_shared<ForecastSeries>();
  series->step = hour(1);
  ForecastSeries::Issue issue;
  issue.at = hour(0);
  for (int h = 0; h < 12; ++h) {
    issue.times.push_back(hour(h));
    issue.values.push_back((h == 2 ? 100.0 : 450.0) / joules_per_kwh);
  }
  series->issues.push_back(issue);
  c.setup.sites[0].carbon_forecast = series;
  c.setup.forecast.from = from;
  c.policy(Question::timing, "lowest-carbon");
  c.job(0, hour_s, 1);
  return c;
}

TEST(Regret, IsWhatTheTruthChargesMore) {
  const RunResult r = misled(ForecastFrom::file).run();
  EXPECT_EQ(r.jobs[0].start_s, 2 * hour_s);
  // 250 W for an hour at PUE 1.2: 0.3 kWh at 500 instead of 200 g/kWh.
  EXPECT_NEAR(r.summary.regret_carbon_g, 0.3 * (500 - 200), 1e-9);
  EXPECT_NEAR(r.summary.regret_cost, 0.0, 1e-12);
  EXPECT_TRUE(r.has(&Summary::regret_carbon_g));
}

TEST(Regret, PerfectKnowledgeHasNone) {
  const RunResult r = misled(ForecastFrom::perfect).run();
  EXPECT_EQ(r.jobs[0].start_s, 4 * hour_s);
  EXPECT_FALSE(r.has(&Summary::regret_carbon_g));
}

TEST(Regret, OfAnInterruptiblePlanIsThatOfItsHours) {
  // Two hours of work. By the forecast 01:00 and 03:00 (100 g/kWh, else 450), by the truth 03:00
  // and 04:00 (200, else 500). A restart of 6 min has its time at the end of the hour before.
  Cluster c = misled(ForecastFrom::file);
  c.setup.class_traits[0].pausable = PauseCost{};
  c.setup.class_traits[0].pausable->restart_s = 360;
  auto series = std::make_shared<ForecastSeries>(*c.setup.sites[0].carbon_forecast);
  for (std::size_t h = 0; h < 12; ++h)
    series->issues[0].values[h] = (h == 1 || h == 3 ? 100.0 : 450.0) / joules_per_kwh;
  c.setup.sites[0].carbon_forecast = series;
  std::vector<double> truth(48, 500.0);
  truth[3] = truth[4] = 200.0;
  c.signals(StepSeries::constant(1.2), steps(hour_s, truth), steps(hour_s, {0.1}));
  c.policy(Question::timing, "lowest-carbon-interruptible");
  c.workload.jobs.clear();
  c.job(0, 2 * hour_s, 1);
  const RunResult r = c.run();
  EXPECT_EQ(r.jobs[0].start_s, 0.9 * hour_s);
  EXPECT_EQ(r.jobs[0].preemptions, 1U);
  EXPECT_EQ(r.jobs[0].end_s, 4 * hour_s);
  // 0.3 kWh an hour: 1.1 h at 500 and one at 200 g/kWh, instead of both at 200 in one go.
  EXPECT_NEAR(r.summary.regret_carbon_g, 0.3 * (1.1 * 500 + 200 - 2 * 200), 1e-9);
  EXPECT_NEAR(r.summary.regret_cost, 0.3 * 0.1 * 0.1, 1e-12);
}

TEST(Regret, OfAJobThatMayNotBePausedIsThatOfItsStart) {
  Cluster c = misled(ForecastFrom::file);
  c.policy(Question::timing, "lowest-carbon-interruptible");
  const RunResult r = c.run();
  EXPECT_NEAR(r.summary.regret_carbon_g, 0.3 * (500 - 200), 1e-9);
}

TEST(Regret, OfASiteIncludesTheTransfer) {
  // By the forecast there emits 100 g/kWh, by the truth 900; here 500, both known.
  Cluster c(1, 1);
  SiteSetup there = c.setup.sites[0];
  there.name = "there";
  c.setup.sites.push_back(there);
  const auto constant = [](double g_per_kwh) {
    return SiteSignals(StepSeries::constant(1), StepSeries::constant(g_per_kwh / joules_per_kwh),
                       StepSeries::absent());
  };
  c.setup.sites[0].signals = constant(500);
  c.setup.sites[1].signals = constant(900);
  auto series = std::make_shared<ForecastSeries>();
  series->step = hour(48);
  series->issues.push_back({hour(0), {hour(0)}, {100.0 / joules_per_kwh}});
  c.setup.sites[1].carbon_forecast = series;
  c.setup.forecast.from = ForecastFrom::file;
  c.setup.network = {2, {0.0, 1e9, 1e9, 0.0}, 0.01 * joules_per_kwh};
  c.setup.classes = {"all"};
  c.setup.class_traits.resize(1);
  c.setup.class_traits[0].data_gb = 10.0;
  c.setup.job_class = {0};
  c.policy(Question::site, "lowest-carbon", {{"max_load", 7 * 86400.0}});
  c.job(0, 4 * hour_s, 1);
  const RunResult r = c.run();
  EXPECT_EQ(r.jobs[0].site, 1);
  // 1 kWh at 900 instead of 500, and 0.1 kWh of moving at the mean of both.
  EXPECT_NEAR(r.summary.regret_carbon_g, 400.0 + 0.05 * 500 + 0.05 * 900, 1e-9);
}

}  // namespace
}  // namespace nightwatt
