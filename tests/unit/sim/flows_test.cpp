// `fidelity: flows` in whole runs, by hand, on SimGrid and on the plain fluid of the test engine.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "policies/decisions.hpp"
#include "sim/engine/simgrid_engine.hpp"
#include "tests/support/cluster.hpp"

namespace nightwatt {
namespace {

using test::Cluster;
using testing::DoubleNear;
using testing::ElementsAre;

/// Jobs of several nodes go round steps: so much computing, then an exchange that takes 1 s where
/// 10 GB/s are free. A device draws 200 W, or its cap, under which computing takes twice as long.
class ExchangeModel final : public JobEnergyModel {
 public:
  OperatingPoint query(std::int32_t profile, std::int32_t device, const PlacementShape& shape,
                       float, Watts cap) const override {
    const double step_s = shape.nodes > 1
                              ? to_seconds(collective(profile, device, shape, cap)->step)
                              : 1.0 + computing(cap);
    return {.rate = (1.0 + compute_s) / step_s,
            .gpu = watts(std::min(200.0, to_watts(cap))),
            .host = Watts{}};
  }
  std::optional<CollectiveLoad> collective(std::int32_t, std::int32_t, const PlacementShape& shape,
                                           Watts cap) const override {
    if (shape.nodes < 2) return std::nullopt;
    const double nodes = shape.nodes, per_node = shape.gpu_milli / 1000.0 / nodes;
    CollectiveLoad load;
    load.step = seconds(computing(cap) + 1.0);
    load.communication = seconds(1.0);
    load.bytes = 10e9 / (2 * (nodes - 1) / nodes) / per_node;
    load.waiting = waiting;
    return load;
  }
  [[nodiscard]] double computing(Watts cap) const {
    return cap == no_cap ? compute_s : 2 * compute_s;
  }

  double compute_s = 0.0;
  Watts waiting{};
};

class CapFromSixty final : public CapPolicy {
 public:
  explicit CapFromSixty(const ParamValues&) {}
  Watts cap(const JobView&, const CapRange&, const CapEffect&, SimTime now) override {
    return now.seconds() < 60.0 ? no_cap : watts(120);
  }
  SimTime next_change(SimTime now) const override {
    return now.seconds() < 60.0 ? SimTime::from_seconds(60.0) : SimTime::max();
  }
};
[[maybe_unused]] const bool registered =
    register_policy<CapFromSixty>({Question::cap, "from-sixty", "under test", "here", {}});

struct SimGridKind {
  static std::unique_ptr<EventEngine> make() { return make_simgrid_engine(); }
};
struct TestKind {
  static std::unique_ptr<EventEngine> make() { return make_test_engine(); }
};

/// Four racks of two nodes of one GPU; 10 GB/s to each node and to each rack.
template <class Kind>
class FlowsTest : public testing::Test {
 protected:
  FlowsTest() {
    for (Device& d : cluster_.setup.devices) {
      d.min_cap = watts(100);
      d.max_cap = d.tdp = watts(250);
    }
    cluster_.partition().fabric = std::make_shared<const Fabric>(Fabric::from_numbers(
        8, {.nodes_per_rack = 2, .node_bytes_per_s = 10e9, .rack_bytes_per_s = 10e9}));
    cluster_.setup.model = model_;
    cluster_.setup.fidelity = Fidelity::flows;
  }
  /// Holds node 0, so that the jobs of two nodes after it lie across the racks: on 1 and 2, 3 and
  /// 4, ...; each shares an uplink with the next.
  void shift() { cluster_.job(0, 1000, 1); }
  RunResult run() {
    const auto engine = Kind::make();
    RunResult result = cluster_.run(*engine);
    EXPECT_LE(result.summary.conservation_error, 1e-9);
    return result;
  }
  static std::uint64_t counted(const RunResult& r, const std::string& rule) {
    const auto it = std::find_if(r.counts.begin(), r.counts.end(),
                                 [&](const RuleCount& n) { return n.rule == rule; });
    return it == r.counts.end() ? 0 : it->rows;
  }

  Cluster cluster_{8, 1};
  std::shared_ptr<ExchangeModel> model_ = std::make_shared<ExchangeModel>();
};

struct KindNames {
  template <class Kind>
  static std::string GetName(int) {
    return std::is_same_v<Kind, SimGridKind> ? "SimGrid" : "Test";
  }
};
using Kinds = testing::Types<SimGridKind, TestKind>;
TYPED_TEST_SUITE(FlowsTest, Kinds, KindNames);

// Both do nothing but exchange and share an uplink: both run at half their rate. At 120 s the
// second has done its 60 s; the first has 40 s left and the uplink to itself.
TYPED_TEST(FlowsTest, JobsOnOneUplinkSlowEachOtherUntilOneEnds) {
  this->shift();
  this->cluster_.job(0, 100, 2);
  this->cluster_.job(0, 60, 2);
  const RunResult r = this->run();
  EXPECT_THAT(Cluster::ends(r), ElementsAre(1000.0, DoubleNear(160, 1e-6), DoubleNear(120, 1e-6)));
  EXPECT_NEAR(r.jobs[1].it_energy_j, 2 * 200 * 160.0, 1e-3);
  EXPECT_EQ(r.jobs[1].completed_reference_s, 100.0);
  EXPECT_EQ(this->counted(r, "flows_slowed"), 2u);
  EXPECT_EQ(this->counted(r, "flows_off_law"), 0u);
}

// 30 s alone, then both at half their rate; the second ends at 150 s, when the first has 10 s left.
TYPED_TEST(FlowsTest, AJobThatComesLaterSlowsFromThenOn) {
  this->shift();
  this->cluster_.job(0, 100, 2);
  this->cluster_.job(30, 60, 2);
  EXPECT_THAT(Cluster::ends(this->run()),
              ElementsAre(1000.0, DoubleNear(160, 1e-6), DoubleNear(150, 1e-6)));
}

TYPED_TEST(FlowsTest, WhatWaitsDrawsWhatWaitingDraws) {
  this->model_->waiting = watts(80);
  this->shift();
  this->cluster_.job(0, 100, 2);
  this->cluster_.job(0, 60, 2);
  const RunResult r = this->run();
  // Of two seconds, one as alone and one waiting for the other job's data.
  EXPECT_NEAR(r.jobs[1].it_energy_j, 2 * (120 * 140.0 + 40 * 200.0), 1e-3);
  EXPECT_NEAR(r.jobs[2].it_energy_j, 2 * 120 * 140.0, 1e-3);
}

TYPED_TEST(FlowsTest, JobsOnOtherLinksRunAsTheLawSays) {
  this->cluster_.job(0, 100, 2);  // racks 0, 1, and 2 with 3
  this->cluster_.job(0, 60, 2);
  this->cluster_.job(0, 80, 4);
  const RunResult flows = this->run();
  EXPECT_THAT(Cluster::ends(flows), ElementsAre(100.0, 60.0, 80.0));
  EXPECT_EQ(this->counted(flows, "flows_slowed"), 0u);
}

TYPED_TEST(FlowsTest, TheLawAloneDoesNotKnowOfTheOthers) {
  this->cluster_.setup.fidelity = Fidelity::analytic;
  this->shift();
  this->cluster_.job(0, 100, 2);
  this->cluster_.job(0, 60, 2);
  EXPECT_THAT(Cluster::ends(this->run()), ElementsAre(1000.0, 100.0, 60.0));
}

// 6 s of computing and 1 s of exchange meet one time in seven (see SharedFabricTest): 7 + 1/7 s a
// step, 49 s of work in 50 s.
TYPED_TEST(FlowsTest, ComputingKeepsThemApart) {
  this->model_->compute_s = 6.0;
  this->shift();
  this->cluster_.job(0, 100, 2);
  this->cluster_.job(0, 49, 2);
  EXPECT_THAT(Cluster::ends(this->run()),
              ElementsAre(1000.0, DoubleNear(101, 1e-4), DoubleNear(50, 1e-4)));
}

// 1 s of computing and 1 s of exchange. Where one is d <= 1 s behind the other, both steps take
// 3 - d; over the seven offsets that is 3 - 24/49 = 123/49 s instead of 2. From 60 s on the cap
// doubles the computing: 2 s and 1 s; where they meet, at offsets of less than 1 s, 4 - d; over
// offsets of 0, 3/7, 6/7, 9/7, ... s that is (4 + 2 (25/7 + 22/7) + 2 * 3) / 7 = 164/49 s instead
// of 3.
TYPED_TEST(FlowsTest, ACapInMidRunChangesWhatTheyExchange) {
  this->model_->compute_s = 1.0;
  this->cluster_.policy(Question::cap, "from-sixty");
  this->shift();
  this->cluster_.job(0, 100, 2);
  this->cluster_.job(0, 100, 2);
  const RunResult r = this->run();
  const double done_s = 60.0 * 2 / (123.0 / 49);
  const double end_s = 60.0 + (100.0 - done_s) * (164.0 / 49) / 2;
  EXPECT_NEAR(r.jobs[1].end_s, end_s, 1e-3);
  EXPECT_NEAR(r.jobs[2].end_s, end_s, 1e-3);
  EXPECT_NEAR(r.jobs[1].it_energy_j, 2 * (60 * 200.0 + (end_s - 60) * 120.0), 0.5);
}

// At 120 s it has done 60 s, and is alone; 10 s later its 130 s are over.
TYPED_TEST(FlowsTest, AWallClockLimitComesAfterLessWork) {
  this->cluster_.setup.kill_at_limit = this->cluster_.setup.limits_wallclock = true;
  this->shift();
  this->cluster_.job(0, 100, 2, 130);
  this->cluster_.job(0, 60, 2, 130);
  const RunResult r = this->run();
  EXPECT_EQ(r.jobs[1].state, JobState::killed_at_limit);
  EXPECT_NEAR(r.jobs[1].end_s, 130.0, 1e-6);
  EXPECT_NEAR(r.jobs[1].completed_reference_s, 70.0, 1e-6);
  EXPECT_EQ(r.jobs[2].state, JobState::completed);
}

// The head wants all eight nodes and waits for the longest job, which the scheduler expects at
// 160 s from the start on (and not at 100 s), so that 150 s of another job fit in front of it.
TYPED_TEST(FlowsTest, TheSchedulerExpectsTheSlowerEnd) {
  this->cluster_.setup.estimate = EstimateFrom::perfect;
  this->cluster_.policy(Question::backfill, "easy");
  this->cluster_.job(0, 10, 1);
  this->cluster_.job(0, 100, 2);
  this->cluster_.job(0, 60, 2);
  this->cluster_.job(1, 10, 8);
  this->cluster_.job(2, 150, 1);
  const RunResult r = this->run();
  EXPECT_NEAR(r.jobs[3].start_s, 160.0, 1e-6);
  EXPECT_NEAR(r.jobs[4].start_s, 2.0, 1e-6);
}

// Numbered across two switches in turn: in order of number every message would cross between them.
TYPED_TEST(FlowsTest, TheRingCrossesEachUplinkOnce) {
  std::vector<FabricEdge> edges = {{"even", "odd", 10e9}};
  for (int node = 0; node < 8; ++node) {
    edges.push_back({"node" + std::to_string(node), node % 2 == 0 ? "even" : "odd", 10e9});
  }
  this->cluster_.partition().fabric = std::make_shared<const Fabric>(Fabric::from_edges(8, edges));
  this->cluster_.job(0, 100, 8);
  const RunResult r = this->run();
  EXPECT_THAT(Cluster::ends(r), ElementsAre(DoubleNear(100.0, 1e-4)));
  EXPECT_EQ(this->counted(r, "flows_off_law"), 0u);
}

// A line of nodes, one of whose links has a quarter of what the law takes for granted.
TYPED_TEST(FlowsTest, ALawThatDoesNotHoldOnTheFabricIsCounted) {
  this->cluster_.partition().fabric =
      std::make_shared<const Fabric>(Fabric::from_edges(8, {{"node0", "node1", 10e9},
                                                            {"node1", "node2", 10e9},
                                                            {"node2", "node3", 2.5e9},
                                                            {"node3", "node4", 10e9},
                                                            {"node4", "node5", 10e9},
                                                            {"node5", "node6", 10e9},
                                                            {"node6", "node7", 10e9}}));
  this->cluster_.job(0, 100, 2);
  this->cluster_.job(0, 100, 4);
  const RunResult r = this->run();
  EXPECT_THAT(Cluster::ends(r), ElementsAre(DoubleNear(100.0, 1e-4), DoubleNear(400.0, 1e-3)));
  EXPECT_EQ(this->counted(r, "flows_off_law"), 1u);
}

TYPED_TEST(FlowsTest, WithoutCollectivesNothingChangesAndTheRunSaysSo) {
  this->cluster_.setup.model = nullptr;  // made from the profiles
  this->shift();
  this->cluster_.job(0, 100, 2);
  this->cluster_.job(0, 60, 2);
  const RunResult r = this->run();
  EXPECT_THAT(Cluster::ends(r), ElementsAre(1000.0, 100.0, 60.0));
  EXPECT_THAT(r.notes, ElementsAre(testing::HasSubstr("nothing flowed")));
}

TYPED_TEST(FlowsTest, TwoRunsAreEqualToTheLastBit) {
  this->model_->compute_s = 0.3;
  this->shift();
  for (int i = 0; i < 12; ++i) this->cluster_.job(i * 7.0, 50 + 3 * i, 2 + i % 4);
  const RunResult first = this->run(), second = this->run();
  EXPECT_GE(this->counted(first, "flows_slowed"), 3u);
  EXPECT_EQ(Cluster::ends(first), Cluster::ends(second));
  for (std::size_t i = 0; i < first.jobs.size(); ++i) {
    EXPECT_EQ(first.jobs[i].it_energy_j, second.jobs[i].it_energy_j) << i;
  }
}

TEST(Flows, BothEnginesAgree) {
  const auto model = std::make_shared<ExchangeModel>();
  model->compute_s = 0.7;
  Cluster c(16, 2);
  c.partition().fabric = std::make_shared<const Fabric>(Fabric::from_numbers(
      16, {.nodes_per_rack = 3, .node_bytes_per_s = 10e9, .rack_bytes_per_s = 14e9}));
  c.setup.model = model;
  c.setup.fidelity = Fidelity::flows;
  for (int i = 0; i < 30; ++i) c.job(i * 5.0, 40 + 5 * (i % 7), 1 + i % 8);
  const std::vector<double> plain = Cluster::ends(c.run());
  const auto engine = make_simgrid_engine();
  const std::vector<double> simgrid = Cluster::ends(c.run(*engine));
  for (std::size_t i = 0; i < plain.size(); ++i) {
    EXPECT_NEAR(plain[i], simgrid[i], 1e-3 * plain[i]) << i;
  }
}

}  // namespace
}  // namespace nightwatt
