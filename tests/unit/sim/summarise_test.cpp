#include "sim/summarise.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "tests/support/cluster.hpp"

namespace nightwatt {
namespace {

using test::Cluster;
using testing::ElementsAre;

std::vector<double> values(const Distribution& d) { return {d.mean, d.p50, d.p95, d.p99}; }

TEST(Summarise, QuantilesAreByNearestRank) {
  // One GPU, twenty jobs of 1 s at once: waits 0, 1, ..., 19 s, done after 1, 2, ..., 20 s. Ranks
  // of 20 values: p50 the 10th, p95 the 19th, p99 the 20th (19.8 rounded up).
  Cluster c(1, 1);
  for (int i = 0; i < 20; ++i) c.job(0, 1, 1);
  const RunResult r = c.run();
  EXPECT_THAT(values(r.summary.wait_s), ElementsAre(9.5, 9, 18, 19));
  EXPECT_THAT(values(r.summary.jct_s), ElementsAre(10.5, 10, 19, 20));
  // Over tau = 10 s: ten of 1, then 1.1, ..., 2.0.
  EXPECT_DOUBLE_EQ(r.summary.bounded_slowdown.mean, (10 + 15.5) / 20);
  EXPECT_DOUBLE_EQ(r.summary.bounded_slowdown.p50, 1.0);
  EXPECT_DOUBLE_EQ(r.summary.bounded_slowdown.p95, 1.9);
  EXPECT_DOUBLE_EQ(r.summary.bounded_slowdown.p99, 2.0);
}

TEST(Summarise, OneValueIsAllItsQuantiles) {
  Cluster c(1, 1);
  c.job(0, 7, 1);
  EXPECT_THAT(values(c.run().summary.jct_s), ElementsAre(7, 7, 7, 7));
}

TEST(Summarise, EachClassByItself) {
  // Two GPUs of 250 W. "wide" takes both: 0 to 100 s, then 200 to 300 s behind two jobs of one GPU
  // that run from 100 to 200 s: one of "narrow", one of no class.
  Cluster c(1, 2);
  c.setup.classes = {"wide", "narrow", "unused"};
  c.job(0, 100, 2);
  c.job(10, 100, 1).deadline_s = 150;
  c.job(20, 100, 1);
  c.job(30, 100, 2).deadline_s = 300;
  c.setup.job_class = {0, 1, -1, 0};
  c.setup.job_profile = {0, 0, 0, 0};
  const RunResult r = c.run();
  const Summary& s = r.summary;
  ASSERT_EQ(s.classes.size(), 4u);

  const ClassStatistics& wide = s.classes[0];
  EXPECT_EQ(wide.name, "wide");
  EXPECT_EQ(wide.jobs_completed, 2u);
  EXPECT_THAT(values(wide.wait_s), ElementsAre(85, 0, 170, 170));
  EXPECT_THAT(values(wide.jct_s), ElementsAre(185, 100, 270, 270));
  EXPECT_DOUBLE_EQ(wide.jobs_it_energy_j, 2 * 250 * 200.0);
  EXPECT_DOUBLE_EQ(wide.utilization, 400.0 / 600);
  EXPECT_DOUBLE_EQ(wide.makespan_s, 300);
  EXPECT_EQ(wide.jobs_with_deadline, 1u);
  EXPECT_EQ(wide.deadline_misses, 0u);

  const ClassStatistics& narrow = s.classes[1];
  EXPECT_THAT(values(narrow.wait_s), ElementsAre(90, 90, 90, 90));
  EXPECT_DOUBLE_EQ(narrow.makespan_s, 190);
  EXPECT_EQ(narrow.deadline_misses, 1u);

  EXPECT_EQ(s.classes[2].name, "unused");
  EXPECT_EQ(s.classes[2].jobs_completed, 0u);
  EXPECT_TRUE(std::isnan(s.classes[2].wait_s.p95));
  EXPECT_TRUE(std::isnan(s.classes[2].makespan_s));

  EXPECT_EQ(s.classes[3].name, "");
  EXPECT_EQ(s.classes[3].jobs_completed, 1u);

  // Together they are all jobs.
  double energy_j = 0.0, utilization = 0.0;
  for (const ClassStatistics& each : s.classes) {
    energy_j += each.jobs_it_energy_j;
    utilization += each.utilization;
  }
  EXPECT_DOUBLE_EQ(energy_j, s.jobs_it_energy_j);
  EXPECT_DOUBLE_EQ(utilization, s.utilization);
  EXPECT_EQ(s.jobs_with_deadline, 2u);
  EXPECT_EQ(s.deadline_misses, 1u);
}

TEST(Summarise, WarmUpAndJobsThatNeverRanAreLeftOut) {
  // The second job waits 50 s, the third starts before the period's end but does not end, the
  // fourth never starts.
  Cluster c(1, 1);
  c.setup.period_end_s = 400;
  c.setup.drain = false;
  c.setup.warmup_s = 20;
  c.job(0, 100, 1);
  c.job(50, 100, 1);
  c.job(300, 500, 1);
  c.job(310, 10, 1);
  const RunResult r = c.run();
  EXPECT_THAT(values(r.summary.wait_s), ElementsAre(25, 0, 50, 50));
  EXPECT_THAT(values(r.summary.jct_s), ElementsAre(150, 150, 150, 150));
  EXPECT_EQ(r.summary.jobs_unfinished, 2u);
  EXPECT_TRUE(r.summary.classes.empty());
}

}  // namespace
}  // namespace nightwatt
