#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <string>

#include "energy/random.hpp"
#include "policies/registry.hpp"
#include "tests/support/cluster.hpp"

namespace nightwatt {
namespace {

using test::Cluster;
using test::steps;

/// What every policy must keep, run with every registered one: two sites, jobs of all kinds that a
/// policy may treat differently, under EASY unless the policy is a backfill policy itself.
class Conformance : public testing::TestWithParam<PolicyInfo> {
 protected:
  /// The middle of its bounds, where a parameter has no default and any value must do.
  static double any_number(const ParamInfo& p) {
    const double low = std::max(p.min, 0.0), high = std::min(p.max, 1e4);
    return p.kind == ParamKind::fraction ? 0.3
                                         : std::round((low + std::min(high, low + 400.0)) / 2);
  }

  static Cluster make(const PolicyInfo& policy, std::uint64_t seed) {
    Cluster c(6, 4);
    for (Device& d : c.setup.devices) {
      d.min_cap = watts(100);
      d.max_cap = d.tdp = watts(250);
    }
    c.partition().node.host_idle = watts(100);
    SiteSetup there = c.setup.sites[0];
    there.name = "there";
    there.timezone = "Asia/Tokyo";
    there.partitions[0].nodes = 4;
    c.setup.sites.push_back(there);
    c.setup.period_end_s = 3 * 86400.0;
    c.setup.seed = seed;
    RandomStream random(seed, "conformance");
    std::uint64_t draws = 0;
    const auto draw = [&](double low, double high) {
      return low + (high - low) * random.uniform(draws++);
    };
    for (SiteSetup& site : c.setup.sites) {
      std::vector<double> carbon, price, pue;
      for (int h = 0; h < 24 * 10; ++h) {
        carbon.push_back(draw(50, 700) / joules_per_kwh);
        price.push_back(draw(0.02, 0.3) / joules_per_kwh);
        pue.push_back(draw(1.05, 1.6));
      }
      site.signals = SiteSignals(steps(3600, pue), steps(3600, carbon), steps(3600, price));
      if (policy.question == Question::cap && policy.name == "budget")
        site.budget = PowerBudget{steps(7200, {9000, 7000, 8000}, Beyond::repeat), false};
    }
    c.setup.classes = {"plain", "flexible", "pausable", "both"};
    c.setup.class_traits.resize(4);
    c.setup.class_traits[1].slack_s = c.setup.class_traits[3].slack_s = 10 * 3600.0;
    c.setup.class_traits[2].pausable = PauseCost{60, 1e4, 120, 2e4, 0};
    c.setup.class_traits[3].pausable = PauseCost{0, 0, 90, 0, 1200};
    c.setup.class_traits[1].cap = watts(180);
    c.policy(Question::backfill, "easy");
    double submit_s = 0.0;
    for (int i = 0; i < 120; ++i) {
      submit_s = std::floor(submit_s + draw(0, 2400));
      Job& job =
          c.job(submit_s, std::floor(draw(1, 20000)), static_cast<std::uint32_t>(draw(1, 9)));
      if (draw(0, 1) < 0.5) job.limit_s = job.run_s * draw(1, 3);
      if (draw(0, 1) < 0.2) job.deadline_s = submit_s + job.run_s + draw(0, 50000);
      job.start_s = submit_s + draw(0, 3000);
      c.setup.job_class.push_back(static_cast<std::int16_t>(draw(0, 4)));
      c.setup.job_site.push_back(static_cast<std::int16_t>(draw(0, 2)));
    }
    std::vector<std::pair<std::string, double>> numbers;
    std::vector<std::pair<std::string, std::string>> texts;
    for (const ParamInfo& p : policy.params) {
      if (p.kind == ParamKind::text) {
        texts.emplace_back(p.name, p.choices.empty() ? p.default_text : p.choices.back());
      } else if (p.name == "limit") {
        numbers.emplace_back(p.name, 150.0);
      } else if (p.name == "from") {
        numbers.emplace_back(p.name, 21 * 3600.0);
      } else if (p.name == "first") {
        numbers.emplace_back(p.name, 1.0);
      } else if (p.name != "depth" && p.name != "refresh" && p.name != "half_life") {
        numbers.emplace_back(p.name, any_number(p));
      }
    }
    c.policy(policy.question, policy.name, numbers, texts);
    return c;
  }
};

TEST_P(Conformance, NoPolicyChangesTheWorkOrLosesEnergy) {
  Cluster c = make(GetParam(), 1);
  const RunResult r = c.run();
  EXPECT_LE(r.summary.conservation_error, 1e-9);
  EXPECT_EQ(r.summary.jobs_completed, c.workload.jobs.size());
  for (const JobRecord& record : r.jobs) {
    const Job& job = c.workload.jobs[record.job];
    EXPECT_NEAR(record.completed_reference_s, job.run_s, 1e-6) << job.id;
    EXPECT_GE(record.eligible_s, job.submit_s) << job.id;
    EXPECT_GE(record.start_s, record.eligible_s) << job.id;
    EXPECT_NEAR(record.start_s + record.run_s + record.paused_s, record.end_s, 1e-6) << job.id;
    // A job that may not be held or paused is not.
    const ClassTraits& traits =
        c.setup.class_traits[static_cast<std::size_t>(c.setup.job_class[record.job])];
    if (!traits.pausable) {
      EXPECT_EQ(record.preemptions, 0) << job.id;
    }
    if (!traits.pausable && traits.slack_s == 0.0) {
      EXPECT_EQ(record.eligible_s, job.submit_s) << job.id;
    }
  }
}

TEST_P(Conformance, NothingIsOverbooked) {
  Cluster c = make(GetParam(), 2);
  c.setup.bin_s = 60.0;
  const RunResult r = c.run();
  const double gpus[] = {6 * 4, 4 * 4};
  for (std::size_t s = 0; s < r.sites.size(); ++s) {
    const SiteBins& bins = r.sites[s].bins;
    for (std::size_t i = 0; i < bins.gpus_busy.size(); ++i) {
      EXPECT_LE(bins.gpus_busy[i], gpus[s] + 1e-9);
      EXPECT_GE(bins.gpus_idle[i], -1e-9);
      EXPECT_GE(bins.gpus_asleep[i], -1e-9);
    }
  }
}

TEST_P(Conformance, TheSameInputGivesTheSameResult) {
  const RunResult a = make(GetParam(), 3).run(), b = make(GetParam(), 3).run();
  ASSERT_EQ(a.jobs.size(), b.jobs.size());
  for (std::size_t i = 0; i < a.jobs.size(); ++i) {
    EXPECT_EQ(a.jobs[i].start_s, b.jobs[i].start_s);
    EXPECT_EQ(a.jobs[i].end_s, b.jobs[i].end_s);
    EXPECT_EQ(a.jobs[i].it_energy_j, b.jobs[i].it_energy_j);
    EXPECT_EQ(a.jobs[i].partition, b.jobs[i].partition);
  }
}

TEST_P(Conformance, ItSaysWhatItIs) {
  const PolicyInfo& policy = GetParam();
  EXPECT_FALSE(policy.summary.empty());
  EXPECT_FALSE(policy.source.empty());
  for (const ParamInfo& p : policy.params) EXPECT_FALSE(p.summary.empty()) << p.name;
}

INSTANTIATE_TEST_SUITE_P(AllPolicies, Conformance, testing::ValuesIn(list_policies()),
                         [](const auto& each) {
                           std::string name = std::string(question_name(each.param.question)) +
                                              "_" + each.param.name;
                           std::replace(name.begin(), name.end(), '-', '_');
                           return name;
                         });

}  // namespace
}  // namespace nightwatt
