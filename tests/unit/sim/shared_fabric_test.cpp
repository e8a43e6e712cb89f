// Rings on a network, by hand, on SimGrid and on the plain fluid of the test engine.
#include "sim/shared_fabric.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <vector>

#include "sim/engine/simgrid_engine.hpp"
#include "sim/engine/test_engine.hpp"

namespace nightwatt {
namespace {

using testing::ElementsAre;

/// Two racks of four nodes at 10 GB/s, each with one uplink to the spine.
Fabric two_racks(double uplink_bytes_per_s) {
  return Fabric::from_numbers(
      8, {.nodes_per_rack = 4, .node_bytes_per_s = 10e9, .rack_bytes_per_s = uplink_bytes_per_s});
}

CollectiveLoad load(double step_s, double communication_s, double hidden_s, double bytes,
                    RingMessage message = {}) {
  return {seconds(step_s), seconds(communication_s), seconds(hidden_s), bytes, message};
}

/// A job that does nothing but exchange: two nodes, one device each, 10 GB. Alone at 10 GB/s its
/// two messages of 5 GB take 1 s.
RingJob exchange(std::uint32_t a, std::uint32_t b) {
  return ring_job(load(1, 1, 0, 10e9), {a, b}, 1);
}

/// The same after `compute_s` of computing, the last `hidden_s` of them beside it.
RingJob with_computing(std::uint32_t a, std::uint32_t b, double compute_s, double hidden_s = 0) {
  return ring_job(load(compute_s + 1 - hidden_s, 1, hidden_s, 10e9), {a, b}, 1);
}

struct SimGridKind {
  static std::unique_ptr<EventEngine> make() { return make_simgrid_engine(); }
};
struct TestKind {
  static std::unique_ptr<EventEngine> make() { return make_test_engine(); }
};

template <class Kind>
class SharedFabricTest : public testing::Test {
 protected:
  /// What `renew` says of each job: its step.
  std::map<std::uint32_t, double> renewed(SharedFabric& fabric) {
    std::map<std::uint32_t, double> steps_s;
    for (const SharedFabric::Change& change : fabric.renew()) steps_s[change.job] = change.step_s;
    return steps_s;
  }
  std::unique_ptr<EventEngine> engine_ = Kind::make();
};

struct KindNames {
  template <class Kind>
  static std::string GetName(int) {
    return std::is_same_v<Kind, SimGridKind> ? "SimGrid" : "Test";
  }
};
using Kinds = testing::Types<SimGridKind, TestKind>;
TYPED_TEST_SUITE(SharedFabricTest, Kinds, KindNames);

using Steps = std::map<std::uint32_t, double>;
auto near(const Steps& expected) {
  std::vector<testing::Matcher<std::pair<const std::uint32_t, double>>> all;
  for (const auto& [job, step_s] : expected)
    all.push_back(testing::Pair(job, testing::DoubleNear(step_s, 2e-5 * step_s)));
  return testing::ElementsAreArray(all);
}

TYPED_TEST(SharedFabricTest, ARingOfFourTakesSixMessages) {
  SharedFabric fabric(two_racks(10e9), *this->engine_);
  // 8 GB in chunks of 2 GB: six times 1 ms + 0.2 s, 0.5 s of computing before.
  fabric.enter(3, ring_job(load(1.706, 1.206, 0, 8e9, {seconds(1e-3), 1.0}), {0, 1, 2, 3}, 1));
  EXPECT_THAT(this->renewed(fabric), near({{3, 1.706}}));
  // Eight devices a node are eight rings on the node's link; of its rate they reach 80 %.
  fabric.enter(3, ring_job(load(2, 0, 0, 8e8, {seconds(0), 0.8}), {0, 1, 2, 3}, 8));
  EXPECT_THAT(this->renewed(fabric), near({{3, 2.0 + 6 * 0.16 / 0.8}}));
}

// Beside others the 14 messages of eight nodes are bundled to eight, which takes as long.
TYPED_TEST(SharedFabricTest, BundlesTakeAsLongAsTheirMessages) {
  const auto network = this->engine_->make_network(flow_graph(two_racks(10e9)));
  const RingJob job =
      ring_job(load(0.3, 0, 0, 8e9, {seconds(1e-3), 0.9}), {0, 1, 2, 3, 4, 5, 6, 7}, 1);
  EXPECT_EQ(job.messages, 14u);
  const double alone_s = step_time_s(*network, job);
  EXPECT_NEAR(alone_s, 0.3 + 14 * (1e-3 + 0.1 / 0.9), 2e-5);
  EXPECT_NEAR(step_times_s(*network, {job}, {alone_s}).front(), alone_s, 2e-5);
}

TYPED_TEST(SharedFabricTest, WhatGoesBesideTheComputingCostsNothingUntilItIsLonger) {
  SharedFabric fabric(two_racks(10e9), *this->engine_);
  fabric.enter(0, with_computing(0, 1, 3.0, 1.0));
  EXPECT_THAT(this->renewed(fabric), near({{0, 3.0}}));
  fabric.enter(0, with_computing(0, 1, 3.0, 0.4));
  EXPECT_THAT(this->renewed(fabric), near({{0, 3.6}}));
}

// Both rings need all of the uplink in both directions: each has half of it, always.
TYPED_TEST(SharedFabricTest, TwoRingsOnOneUplinkTakeTwiceAsLong) {
  SharedFabric fabric(two_racks(10e9), *this->engine_);
  fabric.enter(0, exchange(0, 4));
  EXPECT_THAT(this->renewed(fabric), near({{0, 1.0}}));
  fabric.enter(1, exchange(1, 5));
  EXPECT_THAT(this->renewed(fabric), near({{0, 2.0}, {1, 2.0}}));
  EXPECT_TRUE(fabric.renew().empty());
  fabric.leave(0);
  EXPECT_THAT(this->renewed(fabric), near({{1, 1.0}}));
}

// The uplink has 15 GB/s for two rings of 10: 7.5 each, so a step takes 4/3 s.
TYPED_TEST(SharedFabricTest, AWiderUplinkSlowsThemLess) {
  SharedFabric fabric(two_racks(15e9), *this->engine_);
  fabric.enter(0, exchange(0, 4));
  fabric.enter(1, exchange(1, 5));
  EXPECT_THAT(this->renewed(fabric), near({{0, 4.0 / 3.0}, {1, 4.0 / 3.0}}));
}

TYPED_TEST(SharedFabricTest, RingsOnOtherLinksAreLeftAlone) {
  SharedFabric fabric(two_racks(10e9), *this->engine_);
  fabric.enter(0, exchange(0, 1));
  fabric.enter(1, exchange(2, 3));
  fabric.enter(2, exchange(4, 5));
  EXPECT_THAT(this->renewed(fabric), near({{0, 1.0}, {1, 1.0}, {2, 1.0}}));
  fabric.enter(3, exchange(6, 7));  // nobody meets it
  EXPECT_THAT(this->renewed(fabric), near({{3, 1.0}}));
  // A link that has room for both is no place to meet either.
  SharedFabric wide(two_racks(20e9), *this->engine_);
  wide.enter(0, exchange(0, 4));
  wide.enter(1, exchange(1, 5));
  EXPECT_THAT(this->renewed(wide), near({{0, 1.0}, {1, 1.0}}));
}

// Steps of 7 s: 6 s of computing, 1 s of exchange. The second job lies 0, 1, ... 6 s behind. At 0 s
// the two exchanges go together and both take 2 s; at the other six they do not meet at all. The
// mean is 7 + 1/7.
TYPED_TEST(SharedFabricTest, StepsMeetAsOftenAsTheyAreLong) {
  SharedFabric fabric(two_racks(10e9), *this->engine_);
  fabric.enter(0, with_computing(0, 4, 6.0));
  fabric.enter(1, with_computing(1, 5, 6.0));
  EXPECT_THAT(this->renewed(fabric), near({{0, 7.0 + 1.0 / 7.0}, {1, 7.0 + 1.0 / 7.0}}));
}

// Steps of 1.4 s, 0.4 s of them computing. If one exchange begins d <= 0.4 s after the other, that
// one sends d s alone, both share until it ends at 2 - d, and the later one ends at 2: both take
// 2 - d, compute for 0.4 s, and meet again in the same way. From d = 0.4 s on somebody is sending
// at any time, and the uplink's 2 s of work are a step. The second job lies 0, 0.2, ... 1.2 s
// behind (so the first 0.4 and 0.2 s at the last two): 2.4, 2.2, 2, 2, 2, 2, 2.2.
TYPED_TEST(SharedFabricTest, ExchangesThatOverlapInPart) {
  SharedFabric fabric(two_racks(10e9), *this->engine_);
  fabric.enter(0, with_computing(0, 4, 0.4));
  fabric.enter(1, with_computing(1, 5, 0.4));
  EXPECT_THAT(this->renewed(fabric), near({{0, 14.8 / 7}, {1, 14.8 / 7}}));
}

// The first and the last have no link in common, but the one between them meets both.
TYPED_TEST(SharedFabricTest, AChainOfMeetingsIsOneCompany) {
  const Fabric fabric = Fabric::from_numbers(
      16, {.nodes_per_rack = 4, .node_bytes_per_s = 10e9, .rack_bytes_per_s = 10e9});
  SharedFabric shared(fabric, *this->engine_);
  shared.enter(0, exchange(0, 4));   // racks 0 and 1
  shared.enter(2, exchange(9, 12));  // racks 2 and 3
  EXPECT_THAT(this->renewed(shared), near({{0, 1.0}, {2, 1.0}}));
  shared.enter(1, exchange(5, 8));  // racks 1 and 2
  EXPECT_THAT(this->renewed(shared), near({{0, 2.0}, {1, 2.0}, {2, 2.0}}));
  shared.leave(1);
  EXPECT_THAT(this->renewed(shared), near({{0, 1.0}, {2, 1.0}}));
}

TYPED_TEST(SharedFabricTest, AStrangerIsNotMissed) {
  SharedFabric fabric(two_racks(10e9), *this->engine_);
  fabric.leave(7);
  EXPECT_TRUE(fabric.renew().empty());
}

TEST(FlowGraph, RoutesAreShortestPathsByDirection) {
  const FlowGraph graph = flow_graph(two_racks(10e9));
  EXPECT_EQ(graph.nodes, 8u);
  ASSERT_EQ(graph.link_bytes_per_s.size(), 10u);  // eight nodes, two racks
  EXPECT_TRUE(graph.routes[0].empty());
  EXPECT_THAT(graph.routes[0 * 8 + 1], ElementsAre(0, 3));           // up link 0, down link 1
  EXPECT_THAT(graph.routes[1 * 8 + 0], ElementsAre(2, 1));           // and back
  EXPECT_THAT(graph.routes[0 * 8 + 5], ElementsAre(0, 16, 19, 11));  // over both racks' uplinks
}

// Four nodes on two leaves under four spines: what goes to node d goes over spine d mod 4.
TEST(FlowGraph, EqualPathsAreSpreadByDestination) {
  std::vector<FabricEdge> edges;
  for (const int node : {0, 1, 2, 3}) {
    edges.push_back({"node" + std::to_string(node), node < 2 ? "leaf0" : "leaf1", 10e9});
  }
  for (const char* leaf : {"leaf0", "leaf1"}) {
    for (const char* spine : {"s0", "s1", "s2", "s3"}) edges.push_back({leaf, spine, 10e9});
  }
  const Fabric fabric = Fabric::from_edges(4, edges);
  const FlowGraph graph = flow_graph(fabric);
  for (std::uint32_t from = 0; from < 4; ++from) {
    for (std::uint32_t to = 0; to < 4; ++to) {
      EXPECT_EQ(graph.routes[from * 4 + to].size(), fabric.hops(from, to));
    }
  }
  EXPECT_THAT(graph.routes[0 * 4 + 2], ElementsAre(0, 2 * (4 + 2), 2 * (8 + 2) + 1, 5));
  EXPECT_THAT(graph.routes[1 * 4 + 3], ElementsAre(2, 2 * (4 + 3), 2 * (8 + 3) + 1, 7));
}

}  // namespace
}  // namespace nightwatt
