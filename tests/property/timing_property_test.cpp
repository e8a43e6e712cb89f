#include <rapidcheck.h>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <optional>

#include "policies/timing/cheapest_start.hpp"
#include "sim/outlook.hpp"
#include "tests/support/cluster.hpp"

namespace nightwatt {
namespace {

using test::Cluster;
using test::steps;

constexpr double hour_s = 3600.0;

/// Jobs of a day, half of a class that may be held for `slack_h`, under a random carbon intensity.
struct Case {
  std::vector<double> carbon;
  std::vector<std::tuple<int, int, int, bool>> jobs;  ///< submit min, run min, GPUs, flexible
  int slack_h = 0;
  std::optional<PauseCost> pausable;  ///< of the flexible jobs
  std::string must = "start";

  static Case any() {
    Case c;
    c.carbon = *rc::gen::container<std::vector<double>>(
        72, rc::gen::map(rc::gen::inRange(50, 600), [](int g) { return double(g); }));
    c.jobs = *rc::gen::resize(
        25, rc::gen::container<std::vector<std::tuple<int, int, int, bool>>>(
                rc::gen::tuple(rc::gen::inRange(0, 1440), rc::gen::inRange(1, 600),
                               rc::gen::inRange(1, 5), rc::gen::arbitrary<bool>())));
    std::sort(c.jobs.begin(), c.jobs.end());
    c.slack_h = *rc::gen::inRange(0, 30);
    return c;
  }
  [[nodiscard]] RunResult run(const char* timing, std::uint32_t nodes,
                              ForecastFrom from = ForecastFrom::perfect,
                              std::uint64_t seed = 1) const {
    Cluster cluster(nodes, 4);
    cluster.setup.period_end_s = 2 * 86400;
    cluster.setup.seed = seed;
    cluster.setup.classes = {"fixed", "flexible"};
    cluster.setup.class_traits.resize(2);
    cluster.setup.class_traits[1].slack_s = slack_h * hour_s;
    cluster.setup.class_traits[1].pausable = pausable;
    cluster.setup.forecast.from = from;
    cluster.setup.forecast.error = 0.1;
    cluster.signals(StepSeries::constant(1), steps(hour_s, carbon, Beyond::repeat),
                    StepSeries::absent());
    cluster.policy(Question::backfill, "easy");
    cluster.policy(Question::timing, timing, {{"quantile", 0.3}, {"over", 86400.0}},
                   {{"signal", "carbon"}, {"must", must}});
    for (const auto& [submit, run, gpus, flexible] : jobs) {
      cluster.job(submit * 60.0, run * 60.0, static_cast<std::uint32_t>(gpus));
      cluster.setup.job_class.push_back(flexible ? 1 : 0);
    }
    return cluster.run();
  }
};

double carbon_g(const RunResult& r) {
  double sum = 0;
  for (const JobRecord& j : r.jobs) sum += j.carbon_g;
  return sum;
}

RC_GTEST_PROP(TimingProperty, WorkIsTheSameAndOnlyFlexibleJobsAreHeld, ()) {
  const Case c = Case::any();
  const char* timing = *rc::gen::element("lowest-carbon", "threshold");
  const auto nodes = static_cast<std::uint32_t>(*rc::gen::inRange(1, 4));
  const RunResult r = c.run(timing, nodes);
  RC_ASSERT(r.summary.conservation_error <= 1e-9);
  for (std::size_t i = 0; i < r.jobs.size(); ++i) {
    const auto& [submit, run, gpus, flexible] = c.jobs[i];
    RC_ASSERT(r.jobs[i].completed_reference_s == run * 60.0);
    const double held_s = r.jobs[i].eligible_s - submit * 60.0;
    RC_ASSERT(held_s >= 0.0);
    RC_ASSERT(held_s <= (flexible ? c.slack_h * hour_s : 0.0));
  }
}

RC_GTEST_PROP(TimingProperty, PausesLoseNoWorkAndTimeAddsUp, ()) {
  Case c = Case::any();
  const auto seconds_up_to = [](int most) {
    return static_cast<double>(*rc::gen::inRange(0, most));
  };
  PauseCost cost;
  cost.restart_s = seconds_up_to(1200);
  if (*rc::gen::arbitrary<bool>()) {
    cost.checkpoint_s = seconds_up_to(1200);
    cost.checkpoint_j = cost.checkpoint_s > 0 ? seconds_up_to(1'000'000) : 0.0;
  } else {
    cost.every_s = 60.0 + seconds_up_to(7200);
  }
  c.pausable = cost;
  c.must = "run";
  const char* timing = *rc::gen::element("lowest-carbon-interruptible", "threshold");
  const auto nodes = static_cast<std::uint32_t>(*rc::gen::inRange(1, 4));
  const RunResult r = c.run(timing, nodes);
  RC_ASSERT(r.summary.conservation_error <= 1e-9);
  double paused_s = 0.0, in_bins_s = 0.0;
  for (std::size_t i = 0; i < r.jobs.size(); ++i) {
    const auto& [submit, run, gpus, flexible] = c.jobs[i];
    const JobRecord& job = r.jobs[i];
    RC_ASSERT(std::abs(job.completed_reference_s - run * 60.0) < 1e-6);
    RC_ASSERT(flexible || job.preemptions == 0);
    RC_ASSERT(std::abs(job.start_s + job.run_s + job.paused_s - job.end_s) < 1e-6);
    const double overhead_s = job.preemptions * (cost.restart_s + cost.checkpoint_s);
    if (cost.every_s == 0.0) RC_ASSERT(job.run_s <= run * 60.0 + overhead_s + 1e-6);
    RC_ASSERT(job.run_s >= run * 60.0 - 1e-6);
    paused_s += job.paused_s;
  }
  for (const double jobs : r.sites[0].bins.jobs_paused) in_bins_s += jobs * r.bin_s;
  RC_ASSERT(std::abs(paused_s - in_bins_s) <= 1e-6 + 1e-9 * paused_s);
}

RC_GTEST_PROP(TimingProperty, WithRoomForAllFreePausesAreWorthTheirWhile, ()) {
  Case c = Case::any();
  const double whole_g = carbon_g(c.run("lowest-carbon", 30));
  c.pausable = PauseCost{};
  RC_ASSERT(carbon_g(c.run("lowest-carbon-interruptible", 30)) <= whole_g * (1 + 1e-9));
}

RC_GTEST_PROP(TimingProperty, ACourseSaysWhatItsOutlookSays, ()) {
  // Hours of carbon and steps of their own of the price, which end after three days or not at all.
  SiteSetup site;
  std::vector<double> carbon = Case::any().carbon, price(50);
  for (double& value : carbon) value /= joules_per_kwh;
  for (double& value : price) value = *rc::gen::inRange(1, 100) * 1e-9;
  const Beyond beyond = *rc::gen::element(Beyond::error, Beyond::hold, Beyond::repeat);
  site.signals = SiteSignals(StepSeries::constant(1.3), steps(hour_s, carbon, beyond),
                             steps(6789.0, price, Beyond::repeat));
  const auto outlook = make_outlook(site, Forecast{}, 1, 0);
  const auto seconds = [](int least, int most) {
    return SimTime::from_seconds(*rc::gen::inRange(least, most)).ns();
  };
  const SimTime now = SimTime::from_ns(seconds(0, 250'000));
  const SimTime latest = SimTime::from_ns(now.ns() + seconds(0, 100'000));
  const std::int64_t run_ns = seconds(1, 50'000);
  const SimTime end = SimTime::from_ns(latest.ns() + run_ns);
  for (const Signal signal : {Signal::carbon, Signal::price}) {
    const Course* course = outlook->course(signal, end);
    RC_ASSERT(course != nullptr);
    const CheapestStart read =
        cheapest_start(RunOnCourse(*course, now, run_ns), now, latest, run_ns);
    const CheapestStart asked =
        cheapest_start(RunOnOutlook(*outlook, signal, now, run_ns), now, latest, run_ns);
    RC_ASSERT(std::abs(read.mean / asked.mean - 1.0) <= 1e-9);
    RC_ASSERT(std::abs(read.mean / expected_mean(*outlook, signal, now, read.start,
                                                 SimTime::from_ns(read.start.ns() + run_ns)) -
                       1.0) <= 1e-9);
  }
}

RC_GTEST_PROP(TimingProperty, WithoutSlackItIsNoShiftingAtAll, ()) {
  Case c = Case::any();
  c.slack_h = 0;
  RC_ASSERT(Cluster::starts(c.run("lowest-carbon", 2)) == Cluster::starts(c.run("immediate", 2)));
}

RC_GTEST_PROP(TimingProperty, WithRoomForAllEachJobEmitsAtMostWhatItWouldAtOnce, ()) {
  const Case c = Case::any();
  const RunResult shifted = c.run("lowest-carbon", 30), at_once = c.run("immediate", 30);
  for (std::size_t i = 0; i < shifted.jobs.size(); ++i) {
    RC_ASSERT(shifted.jobs[i].carbon_g <= at_once.jobs[i].carbon_g * (1 + 1e-9));
  }
}

RC_GTEST_PROP(TimingProperty, WithRoomForAllNoForecastBeatsTheTruth, (std::uint64_t seed)) {
  const Case c = Case::any();
  const double perfect_g = carbon_g(c.run("lowest-carbon", 30));
  for (const ForecastFrom from : {ForecastFrom::noisy, ForecastFrom::persistence}) {
    RC_ASSERT(perfect_g <= carbon_g(c.run("lowest-carbon", 30, from, seed)) * (1 + 1e-9));
  }
}

}  // namespace
}  // namespace nightwatt
