#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "energy/utilization_model.hpp"
#include "policies/decisions.hpp"
#include "tests/support/cluster.hpp"
#include "traces/diagnostics.hpp"

namespace nightwatt {
namespace {

using test::Cluster;

/// 250 W until 50 s, then 120 W, from 100 s on no cap.
class SteppedCap final : public CapPolicy {
 public:
  explicit SteppedCap(const ParamValues&) {}
  Watts cap(const JobView&, const CapRange& range, const CapEffect&, SimTime now) override {
    if (now.seconds() < 50.0) return range.max;
    return now.seconds() < 100.0 ? watts(120) : nightwatt::no_cap;
  }
  SimTime next_change(SimTime now) const override {
    for (const double at : {50.0, 100.0}) {
      if (now.seconds() < at) return SimTime::from_seconds(at);
    }
    return SimTime::max();
  }
};
[[maybe_unused]] const bool registered =
    register_policy<SteppedCap>({Question::cap, "stepped", "under test", "here", {}});

Cluster capped(std::uint32_t nodes, std::uint32_t gpus) {
  Cluster c(nodes, gpus);
  for (Device& d : c.setup.devices) {
    d.min_cap = watts(100);
    d.max_cap = d.tdp = watts(250);
  }
  return c;
}

OperatingPoint at(const Cluster& c, Watts cap) {
  const UtilizationModel model(c.setup.devices, std::vector<NodePower>(1), c.setup.profiles);
  return model.query(0, 0, {1000, 1, 0}, std::numeric_limits<float>::quiet_NaN(), cap);
}

TEST(Cap, AFixedCapStretchesAJobAndHoldsItsPower) {
  Cluster c = capped(1, 2);
  c.policy(Question::cap, "fixed", {{"limit", 150.0}}, {{"outside", "error"}});
  c.job(0, 100, 2);
  const RunResult r = c.run();
  const OperatingPoint point = at(c, watts(150));
  ASSERT_LT(point.rate, 0.95);
  EXPECT_NEAR(r.jobs[0].run_s, 100.0 / point.rate, 1e-6);
  EXPECT_NEAR(r.jobs[0].it_energy_j, 2 * to_watts(point.gpu) * 100.0 / point.rate, 1e-3);
  EXPECT_EQ(r.jobs[0].completed_reference_s, 100.0);
  EXPECT_NEAR(r.jobs[0].cap_w, 150.0, 1e-9);
  EXPECT_LE(r.summary.conservation_error, 1e-9);
}

TEST(Cap, WithoutOneTheColumnIsEmpty) {
  Cluster c = capped(1, 1);
  c.job(0, 100, 1);
  EXPECT_TRUE(std::isnan(c.run().jobs[0].cap_w));
}

TEST(Cap, EstimatesAndLimitsStretchToo) {
  for (const char* backfill : {"easy", "conservative"}) {
    Cluster c = capped(1, 2);
    c.policy(Question::backfill, backfill);
    c.policy(Question::cap, "fixed", {{"limit", 150.0}}, {{"outside", "error"}});
    c.job(0, 100, 1);  // until 100 / rate
    c.job(1, 10, 2);   // waits for it
    c.job(2, 95, 1);   // 95 / rate + 2 s: ends before the head's start only by stretched estimates
    const RunResult r = c.run();
    EXPECT_EQ(r.jobs[2].start_s, 2.0) << backfill;
    EXPECT_NEAR(r.jobs[1].start_s, 100.0 / at(c, watts(150)).rate, 1e-6) << backfill;
  }
}

TEST(Cap, LimitsOnTheWallClockKillSlowedJobs) {
  for (const bool wallclock : {false, true}) {
    Cluster c = capped(1, 1);
    c.setup.kill_at_limit = true;
    c.setup.limits_wallclock = wallclock;
    c.policy(Question::cap, "fixed", {{"limit", 150.0}}, {{"outside", "error"}});
    c.job(0, 100, 1, 101);
    const RunResult r = c.run();
    EXPECT_EQ(r.jobs[0].state, wallclock ? JobState::killed_at_limit : JobState::completed);
    if (wallclock) {
      EXPECT_NEAR(r.jobs[0].run_s, 101.0, 1e-6);
    }
  }
}

TEST(Cap, AChangeInMidRunRetimesTheJob) {
  for (const char* backfill : {"none", "easy", "conservative"}) {
    Cluster c = capped(1, 2);
    c.policy(Question::backfill, backfill);
    c.policy(Question::cap, "stepped");
    c.job(0, 100, 2);
    c.job(1, 10, 2);
    const RunResult r = c.run();
    const OperatingPoint slow = at(c, watts(120)), full = at(c, nightwatt::no_cap);
    const double done_s = 50.0 + 50.0 * slow.rate;
    EXPECT_NEAR(r.jobs[0].end_s, 100.0 + (100.0 - done_s), 1e-6) << backfill;
    EXPECT_NEAR(r.jobs[1].start_s, r.jobs[0].end_s, 1e-9) << backfill;
    EXPECT_NEAR(r.jobs[0].it_energy_j,
                2 * (50.0 * to_watts(full.gpu) + 50.0 * to_watts(slow.gpu) +
                     (100.0 - done_s) * to_watts(full.gpu)),
                1e-3);
    const double run_s = r.jobs[0].run_s;
    EXPECT_NEAR(r.jobs[0].cap_w, (250.0 * (run_s - 50.0) + 120.0 * 50.0) / run_s, 1e-6);
    EXPECT_LE(r.summary.conservation_error, 1e-9);
  }
}

TEST(Cap, AWallClockLimitHoldsThroughAChange) {
  Cluster c = capped(1, 1);
  c.setup.kill_at_limit = c.setup.limits_wallclock = true;
  c.policy(Question::cap, "stepped");
  c.job(0, 100, 1, 101);
  const RunResult r = c.run();
  EXPECT_EQ(r.jobs[0].state, JobState::killed_at_limit);
  EXPECT_NEAR(r.jobs[0].end_s, 101.0, 1e-6);
  EXPECT_NEAR(r.jobs[0].completed_reference_s, 51.0 + 50.0 * at(c, watts(120)).rate, 1e-6);
}

TEST(Cap, OutsideTheRangeIsAnErrorOrTheNearestLimit) {
  Cluster c = capped(1, 1);
  c.job(0, 100, 1);
  c.policy(Question::cap, "fixed", {{"limit", 90.0}}, {{"outside", "error"}});
  try {
    c.run();
    FAIL() << "accepted 90 W";
  } catch (const InputError& e) {
    EXPECT_THAT(e.what(), testing::HasSubstr("expected 100 to 250 W, the range of gpu, got 90 W"));
  }
  c.policy(Question::cap, "fixed", {{"limit", 90.0}}, {{"outside", "clamp"}});
  const RunResult r = c.run();
  EXPECT_NEAR(r.jobs[0].cap_w, 100.0, 1e-9);
  const auto clamped = std::find_if(r.counts.begin(), r.counts.end(),
                                    [](const RuleCount& n) { return n.rule == "cap_clamped"; });
  ASSERT_NE(clamped, r.counts.end());
  EXPECT_EQ(clamped->rows, 1u);
}

}  // namespace
}  // namespace nightwatt
