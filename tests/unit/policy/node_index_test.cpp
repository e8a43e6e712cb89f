#include "policies/node_index.hpp"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <bit>
#include <memory>
#include <set>

#include "policies/decisions.hpp"

namespace nightwatt {
namespace {

TEST(TreeBitset, FirstAtOrAfter) {
  TreeBitset s(100000);
  EXPECT_EQ(s.first(), TreeBitset::none);
  for (const std::uint32_t i : {0U, 63U, 64U, 4096U, 99999U}) s.insert(i);
  EXPECT_EQ(s.first(0), 0u);
  EXPECT_EQ(s.first(1), 63u);
  EXPECT_EQ(s.first(64), 64u);
  EXPECT_EQ(s.first(65), 4096u);
  EXPECT_EQ(s.first(4097), 99999u);
  s.erase(4096);
  EXPECT_EQ(s.first(65), 99999u);
  s.erase(99999);
  EXPECT_EQ(s.first(65), TreeBitset::none);
}

TEST(Request, LaysATotalOverAsFewNodesAsHoldIt) {
  Job j;
  j.gpu_milli = 12000;
  EXPECT_EQ(Request::of(j, 8, false, false), (Request{Request::Kind::nodes, 2, 8, 4, 0}));
  j.nodes = 3;
  EXPECT_EQ(Request::of(j, 8, false, false), (Request{Request::Kind::nodes, 3, 4, 4, 0}));
  EXPECT_EQ(Request::of(j, 8, false, true), (Request{Request::Kind::any, 1, 12, 12, 0}));
  j = {};
  j.gpu_milli = 250;
  EXPECT_EQ(Request::of(j, 8, false, false), (Request{Request::Kind::shares, 1, 0, 0, 250}));
  j.gpu_milli = 1500;
  j.pieces = 3;  // three instances with half a GPU each
  EXPECT_EQ(Request::of(j, 8, false, false), (Request{Request::Kind::shares, 3, 0, 0, 500}));
  j.gpu_milli = 6000;
  EXPECT_EQ(Request::of(j, 8, false, false), (Request{Request::Kind::pieces, 3, 2, 2, 0}));
  j = {};
  j.cores = 100;
  EXPECT_EQ(Request::of(j, 64, true, false), (Request{Request::Kind::nodes, 2, 64, 36, 0}));
  EXPECT_EQ(Request::of(j, 64, false, false).total_milli(), 0u);
}

TEST(Capacity, AJobOfOneNodeNeedsOneWithRoom) {
  // Levels up to 63 are kept apart from those above.
  for (const std::uint32_t units : {1U, 8U, 62U, 63U, 64U, 65U, 128U}) {
    Capacity capacity(2, units, false);
    capacity.move_node(units, 0);
    for (std::uint32_t free = units; free > 0; --free) {
      for (std::uint32_t wanted = 1; wanted <= units; ++wanted) {
        EXPECT_EQ(capacity.fits({Request::Kind::nodes, 1, wanted, wanted, 0}), wanted <= free)
            << wanted << " of " << free << " of " << units;
      }
      capacity.move_node(free, free - 1);
    }
    EXPECT_FALSE(capacity.fits({Request::Kind::nodes, 1, 1, 1, 0}));
  }
}

TEST(Capacity, GangsNeedWholeNodes) {
  NodeIndex nodes(2, 4, false, nullptr);
  Allocation one{{0, 1, 0, 0, 0}};
  nodes.take(one);
  EXPECT_FALSE(nodes.capacity().fits({Request::Kind::nodes, 2, 4, 4, 0}));
  EXPECT_TRUE(nodes.capacity().fits({Request::Kind::nodes, 2, 4, 3, 0}));
  EXPECT_TRUE(nodes.capacity().fits({Request::Kind::any, 1, 7, 7, 0}));
  EXPECT_FALSE(nodes.capacity().fits({Request::Kind::any, 1, 8, 8, 0}));
  EXPECT_TRUE(nodes.capacity().fits({Request::Kind::pieces, 3, 2, 2, 0}));
  EXPECT_FALSE(nodes.capacity().fits({Request::Kind::pieces, 4, 2, 2, 0}));
}

TEST(NodeIndex, OverbookingIsAFault) {
  NodeIndex nodes(1, 2, true, nullptr);
  Allocation three{{0, 3, 0, 0, 0}};
  EXPECT_THROW(nodes.take(three), std::logic_error);
  Allocation share{{0, 0, 600, 0, 0}};
  nodes.take(share);
  EXPECT_THROW(nodes.take(share), std::logic_error);
  Allocation two{{0, 2, 0, 0, 0}};
  EXPECT_THROW(nodes.take(two), std::logic_error);
}

class Islands final : public Topology {
 public:
  std::uint32_t hops(std::uint32_t a, std::uint32_t b) const override {
    return a == b ? 0 : (a / 2 == b / 2 ? 2 : 4);
  }
  std::uint32_t groups() const override { return 2; }
  std::uint32_t group_of(std::uint32_t node) const override { return node / 2; }
  const std::vector<std::uint32_t>& members(std::uint32_t g) const override { return members_[g]; }
  const std::vector<std::uint32_t>& nearest_groups(std::uint32_t g) const override {
    return near_[g];
  }
  std::uint32_t gpus_per_island() const override { return 4; }

 private:
  std::vector<std::vector<std::uint32_t>> members_{{0, 1}, {2, 3}}, near_{{0, 1}, {1, 0}};
};

TEST(NodeIndex, TakesWholeIslandsFirst) {
  const Islands fabric;
  NodeIndex nodes(4, 8, false, &fabric);
  Allocation one{{0, 1, 0, 0, 0}};
  nodes.take(one);
  EXPECT_EQ(one[0].mask, 0x01u);
  Allocation four{{0, 4, 0, 0, 0}};
  nodes.take(four);
  EXPECT_EQ(four[0].mask, 0xf0u);  // the island that is whole
  Allocation two{{0, 2, 0, 0, 0}};
  nodes.take(two);
  EXPECT_EQ(two[0].mask, 0x06u);
}

Allocation place(const char* policy, const NodeIndex& nodes, const Request& request) {
  const auto p = make_policy(Question::placement, policy, {});
  Allocation out;
  static_cast<PlacementPolicy&>(*p).place(request, nodes, out);
  return out;
}

std::vector<std::pair<std::uint32_t, std::uint32_t>> units(const Allocation& a) {
  std::vector<std::pair<std::uint32_t, std::uint32_t>> out;
  for (const Piece& p : a) out.emplace_back(p.node, p.units);
  return out;
}

TEST(Placement, ByHand) {
  // Free GPUs by node: 4, 1, 3, 4.
  NodeIndex nodes(4, 4, false, nullptr);
  Allocation held{{1, 3, 0, 0, 0}, {2, 1, 0, 0, 0}};
  nodes.take(held);
  using List = std::vector<std::pair<std::uint32_t, std::uint32_t>>;
  const Request one{Request::Kind::nodes, 1, 1, 1, 0}, two{Request::Kind::nodes, 1, 2, 2, 0};
  const Request five{Request::Kind::nodes, 2, 4, 1, 0}, any5{Request::Kind::any, 1, 5, 5, 0};
  EXPECT_EQ(units(place("pack", nodes, one)), (List{{1, 1}}));
  EXPECT_EQ(units(place("pack", nodes, two)), (List{{2, 2}}));
  EXPECT_EQ(units(place("pack", nodes, five)), (List{{0, 4}, {1, 1}}));
  EXPECT_EQ(units(place("pack", nodes, any5)), (List{{1, 1}, {2, 3}, {0, 1}}));
  EXPECT_EQ(units(place("best-fit", nodes, two)), (List{{2, 2}}));
  EXPECT_EQ(units(place("spread", nodes, one)), (List{{0, 1}}));
  EXPECT_EQ(units(place("spread", nodes, any5)), (List{{0, 2}, {3, 2}, {2, 1}}));
}

TEST(Placement, TopologyStaysInTheRackThatFitsBest) {
  const Islands fabric;
  NodeIndex nodes(4, 8, false, &fabric);
  Allocation held{{2, 4, 0, 0, 0}};
  nodes.take(held);
  // Rack 1 has 12 free, rack 0 has 16: 12 GPUs on two nodes fit both; the fuller rack is left over.
  const Allocation twelve = place("topology", nodes, {Request::Kind::nodes, 2, 8, 4, 0});
  EXPECT_EQ(fabric.group_of(twelve[0].node), 1u);
  EXPECT_EQ(fabric.group_of(twelve[1].node), 1u);
  // 24 GPUs fit no rack: it starts in the one with the most free GPUs and goes to the nearest.
  const Allocation more = place("topology", nodes, {Request::Kind::nodes, 3, 8, 8, 0});
  ASSERT_EQ(more.size(), 3u);
  EXPECT_EQ(fabric.group_of(more[0].node), 0u);
}

/// Any sequence of takes and gives keeps index, capacity and GPUs consistent, whatever the policy.
RC_GTEST_PROP(Placement, NoGpuIsHeldTwice, ()) {
  const auto node_count = *rc::gen::inRange(1U, 7U);
  const auto per_node = *rc::gen::inRange(1U, 9U);
  const char* policy = *rc::gen::element("pack", "best-fit", "spread", "topology");
  NodeIndex nodes(node_count, per_node, true, nullptr);
  std::vector<std::vector<std::uint32_t>> used(node_count, std::vector<std::uint32_t>(per_node, 0));
  std::vector<Allocation> running;
  for (int step = 0; step < 60; ++step) {
    if (!running.empty() && *rc::gen::inRange(0, 3) == 0) {
      const auto at = *rc::gen::inRange<std::size_t>(0, running.size());
      for (const Piece& p : running[at]) {
        for (std::uint32_t g = 0; g < per_node; ++g) {
          if ((p.mask >> g) & 1U) used[p.node][g] -= p.units > 0 ? 1000 : p.milli;
        }
      }
      nodes.give(running[at]);
      running.erase(running.begin() + static_cast<std::ptrdiff_t>(at));
    } else {
      Job j;
      j.gpu_milli = *rc::gen::element(100U, 250U, 500U, 700U, 1000U, 2000U, 3000U, 9000U, 17000U);
      j.pieces = *rc::gen::element(1U, 1U, 2U, 3U);
      j.nodes = *rc::gen::element(0U, 0U, 2U);
      const Request r = Request::of(j, per_node, false, *rc::gen::inRange(0, 4) == 0);
      if (!nodes.capacity().fits(r)) continue;
      Allocation a = place(policy, nodes, r);
      nodes.take(a);
      std::uint64_t milli = 0;
      std::set<std::uint32_t> different;
      for (const Piece& p : a) {
        milli += p.units > 0 ? 1000ULL * p.units : p.milli;
        RC_ASSERT(static_cast<std::uint32_t>(std::popcount(p.mask)) == std::max(1U, p.units));
        for (std::uint32_t g = 0; g < per_node; ++g) {
          if ((p.mask >> g) & 1U) used[p.node][g] += p.units > 0 ? 1000 : p.milli;
          RC_ASSERT(used[p.node][g] <= 1000);
        }
        different.insert(p.node);
      }
      RC_ASSERT(milli == r.total_milli());
      if (r.kind == Request::Kind::nodes) RC_ASSERT(different.size() == r.count);
      running.push_back(std::move(a));
    }
    std::uint64_t free = 0, free_milli = 0;
    for (std::uint32_t n = 0; n < node_count; ++n) {
      std::uint32_t whole = 0;
      for (std::uint32_t g = 0; g < per_node; ++g) {
        whole += used[n][g] == 0 ? 1 : 0;
        free_milli += 1000 - used[n][g];
      }
      RC_ASSERT(nodes.free(n) == whole);
      free += whole;
    }
    RC_ASSERT(nodes.capacity().free_units() == free);
    RC_ASSERT(nodes.capacity().free_milli() == free_milli);
  }
}

TEST(NodePlan, HoldsOnlyWhatDiffers) {
  NodeIndex nodes(3, 2, true, nullptr);
  Allocation a{{0, 2, 0, 0, 0}}, b{{1, 1, 0, 0, 0}};
  nodes.take(a);
  nodes.take(b);
  NodePlan plan(nodes);
  plan.restart();
  plan.give(a);
  EXPECT_EQ(plan.capacity().free_units(), 5u);
  EXPECT_EQ(nodes.capacity().free_units(), 3u);
  Allocation c{{2, 2, 0, 0, 0}};
  plan.remember(c);
  nodes.take(c);  // a start while the plan is in use does not change the plan
  plan.take(c);
  EXPECT_EQ(plan.capacity().free_units(), 3u);
  EXPECT_TRUE(plan.capacity().fits({Request::Kind::nodes, 2, 2, 1, 0}));
  plan.restart();
  EXPECT_EQ(plan.capacity().free_units(), 1u);
}

}  // namespace
}  // namespace nightwatt
