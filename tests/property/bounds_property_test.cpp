#include <rapidcheck.h>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <limits>
#include <tuple>
#include <vector>

#include "analysis/bounds/lower_bound.hpp"
#include "analysis/bounds/relaxation.hpp"
#include "tests/support/cluster.hpp"

namespace nightwatt {
namespace {

using test::Cluster;
using test::steps;

constexpr double hour_s = 3600.0;

/// A few jobs of whole hours on one or two partitions, each at a site of its own.
struct Puzzle {
  struct Job {
    int from_h, run_h, slack_h, gpus;
  };
  std::vector<std::vector<int>> g_per_kj;  ///< by site and hour
  std::vector<int> gpus;                   ///< by site
  std::vector<Job> jobs;

  static Puzzle any(bool one_site) {
    Puzzle p;
    const int sites = one_site ? 1 : *rc::gen::inRange(1, 3);
    for (int s = 0; s < sites; ++s) {
      p.g_per_kj.push_back(*rc::gen::container<std::vector<int>>(12, rc::gen::inRange(0, 100)));
      p.gpus.push_back(*rc::gen::inRange(2, 4));
    }
    const int count = *rc::gen::inRange(1, 5);
    for (int j = 0; j < count; ++j) {
      p.jobs.push_back({*rc::gen::inRange(0, 4), *rc::gen::inRange(1, 4), *rc::gen::inRange(0, 5),
                        *rc::gen::inRange(1, 3)});
    }
    return p;
  }

  [[nodiscard]] BoundInput input(bool interruption) const {
    BoundInput in;
    in.freedom.interruption = interruption;
    in.freedom.site = true;
    for (std::size_t s = 0; s < gpus.size(); ++s) {
      BoundInput::Site site;
      site.name = std::to_string(s);
      for (std::size_t h = 0; h < 12; ++h) {
        site.from_s.push_back(static_cast<double>(h) * hour_s);
        site.carbon_g_per_j.push_back(g_per_kj[s][h] * 1e-3);
        site.cost_per_j.push_back(unknown);
      }
      site.end_s = 12 * hour_s;
      in.sites.push_back(site);
      in.partitions.push_back({s, "gpus", "gpu", static_cast<double>(gpus[s])});
    }
    for (const Job& job : jobs) {
      in.jobs.push_back({job.from_h * hour_s, (job.from_h + job.run_h + job.slack_h) * hour_s,
                         static_cast<std::uint32_t>(in.options.size()), 1e6, 0.0});
      for (std::uint32_t s = 0; s < gpus.size(); ++s) {
        const double energy_j = job.run_h * job.gpus * 1000.0;  // 1 kJ a GPU and hour
        in.options.push_back(
            {s, static_cast<double>(job.gpus), job.run_h * hour_s, energy_j, energy_j, true});
      }
    }
    return in;
  }

  /// The least carbon of all schedules with starts at full hours, each job in one go; infinite if
  /// there is none.
  [[nodiscard]] double best_g() const {
    std::vector<std::vector<int>> used(gpus.size(), std::vector<int>(12, 0));
    return best_from(0, used);
  }

 private:
  [[nodiscard]] double best_from(std::size_t j, std::vector<std::vector<int>>& used) const {
    if (j == jobs.size()) return 0.0;
    const Job& job = jobs[j];
    double best = std::numeric_limits<double>::infinity();
    for (std::size_t s = 0; s < gpus.size(); ++s) {
      for (int start = job.from_h; start <= job.from_h + job.slack_h; ++start) {
        double own = 0.0;
        bool fits = true;
        for (int h = start; h < start + job.run_h; ++h) {
          const auto hour = static_cast<std::size_t>(h);
          fits = fits && used[s][hour] + job.gpus <= gpus[s];
          own += g_per_kj[s][hour] * job.gpus;
        }
        if (!fits) continue;
        for (int h = start; h < start + job.run_h; ++h)
          used[s][static_cast<std::size_t>(h)] += job.gpus;
        best = std::min(best, own + best_from(j + 1, used));
        for (int h = start; h < start + job.run_h; ++h)
          used[s][static_cast<std::size_t>(h)] -= job.gpus;
      }
    }
    return best;
  }
};

RC_GTEST_PROP(BoundProperty, NoScheduleIsBelowIt, ()) {
  const Puzzle p = Puzzle::any(false);
  const double best_g = p.best_g();
  RC_PRE(std::isfinite(best_g));
  const double in_one_go = lower_bound(p.input(false), Objective::carbon).value;
  const double interruptible = lower_bound(p.input(true), Objective::carbon).value;
  RC_ASSERT(in_one_go <= best_g);
  RC_ASSERT(interruptible <= best_g);
  // Classes as coarse as they get.
  const BoundOptions coarse{.flow_arcs = 1, .iterations = 0};
  RC_ASSERT(lower_bound(p.input(true), Objective::carbon, coarse).value <= best_g);
}

RC_GTEST_PROP(BoundProperty, NoPricesPutItAboveASchedule, ()) {
  const Puzzle p = Puzzle::any(false);
  const double best_g = p.best_g();
  RC_PRE(std::isfinite(best_g));
  for (const bool interruption : {false, true}) {
    const BoundInput input = p.input(interruption);
    const Relaxation relaxation(input, Objective::carbon, hour_s);
    const auto tenths = *rc::gen::container<std::vector<int>>(
        relaxation.cells(),
        rc::gen::weightedOneOf<int>({{3, rc::gen::just(0)}, {2, rc::gen::inRange(0, 1000)}}));
    std::vector<double> price;
    for (const int t : tenths) price.push_back(t * 0.1 / hour_s);
    RC_ASSERT(relaxation.at(price).bound <= best_g);
  }
}

/// With room for all and one choice a job, each is on its own: nothing is given away.
RC_GTEST_PROP(BoundProperty, WithRoomForAllItIsReached, ()) {
  Puzzle p = Puzzle::any(true);
  p.gpus = {100};
  const double bound_g = lower_bound(p.input(false), Objective::carbon).value;
  RC_ASSERT(bound_g <= p.best_g());
  RC_ASSERT(bound_g >= p.best_g() * (1 - 1e-6) - 1e-9);
}

/// The network's prices are those of the best fractional schedule: with jobs of one GPU that may
/// pause it is whole, and found.
RC_GTEST_PROP(BoundProperty, UnitJobsOfAnHourAreSolved, ()) {
  Puzzle p = Puzzle::any(false);
  for (Puzzle::Job& job : p.jobs) job = {job.from_h, 1, job.slack_h, 1};
  const double best_g = p.best_g();
  RC_PRE(std::isfinite(best_g));
  const double bound_g = lower_bound(p.input(true), Objective::carbon, {.iterations = 0}).value;
  RC_ASSERT(bound_g <= best_g);
  RC_ASSERT(bound_g >= best_g * (1 - 1e-5) - 1e-3);
}

RC_GTEST_PROP(BoundProperty, NoTimingPolicyIsBelowIt, ()) {
  const auto carbon = *rc::gen::container<std::vector<double>>(
      48, rc::gen::map(rc::gen::inRange(50, 600), [](int g) { return double(g); }));
  auto jobs =
      *rc::gen::resize(25, rc::gen::container<std::vector<std::tuple<int, int, int, bool>>>(
                               rc::gen::tuple(rc::gen::inRange(0, 1440), rc::gen::inRange(1, 600),
                                              rc::gen::inRange(1, 5), rc::gen::arbitrary<bool>())));
  std::sort(jobs.begin(), jobs.end());
  const auto nodes = static_cast<std::uint32_t>(*rc::gen::inRange(1, 8));
  const int slack_h = *rc::gen::inRange(0, 30);
  const int step_min = *rc::gen::element(60, 15, 37);
  for (const char* timing : {"immediate", "lowest-carbon", "threshold"}) {
    Cluster c(nodes, 4);
    c.setup.period_end_s = 2 * 86400;
    c.setup.classes = {"fixed", "flexible"};
    c.setup.class_traits.resize(2);
    c.setup.class_traits[1].slack_s = slack_h * hour_s;
    c.signals(StepSeries::constant(1.2), steps(step_min * 60.0, carbon, Beyond::repeat),
              steps(hour_s, {-30, 40, 100, 20, 60}, Beyond::repeat));
    c.policy(Question::backfill, "easy");
    c.policy(Question::timing, timing, {{"quantile", 0.3}, {"over", 86400.0}},
             {{"signal", "carbon"}});
    for (const auto& [submit, run, gpus, flexible] : jobs) {
      c.job(submit * 60.0, run * 60.0, static_cast<std::uint32_t>(gpus));
      c.setup.job_class.push_back(flexible ? 1 : 0);
    }
    const RunResult r = c.run();
    double carbon_g = 0.0, cost = 0.0;
    for (const JobRecord& j : r.jobs) {
      carbon_g += j.carbon_g;
      cost += j.cost;
    }
    for (const bool interruption : {false, true}) {
      const LowerBounds b =
          lower_bounds(bound_input(c.setup, r, {.interruption = interruption}), {.iterations = 5});
      RC_ASSERT(b.carbon.value <= carbon_g);
      RC_ASSERT(b.cost.value <= cost);
      if (slack_h == 0 && nodes == 7 && jobs.size() < 7) {  // nobody waits
        RC_ASSERT(b.carbon.value >= carbon_g * (1 - 1e-6));
      }
    }
  }
}

}  // namespace
}  // namespace nightwatt
