#include "sim/fabric.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <random>
#include <stdexcept>

namespace nightwatt {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

constexpr double inf = std::numeric_limits<double>::infinity();

/// 5 nodes in racks of 2, 2 racks a spine: racks {0,1} {2,3} under one spine, {4} under another.
FabricNumbers small_numbers() {
  FabricNumbers numbers;
  numbers.gpus_per_island = 4;
  numbers.nodes_per_rack = 2;
  numbers.racks_per_spine = 2;
  numbers.island_bytes_per_s = 300e9;
  numbers.node_bytes_per_s = 50e9;
  numbers.rack_bytes_per_s = 40e9;
  numbers.core_bytes_per_s = 30e9;
  return numbers;
}

template <class F>
std::string message_of(F&& build) {
  try {
    build();
  } catch (const std::invalid_argument& fault) {
    return fault.what();
  }
  return "no fault";
}

TEST(Fabric, RacksAndSpinesFromNumbers) {
  const Fabric fabric = Fabric::from_numbers(5, small_numbers());
  EXPECT_EQ(fabric.nodes(), 5u);
  EXPECT_EQ(fabric.hops(0, 0), 0u);
  EXPECT_EQ(fabric.hops(0, 1), 2u);  // node, rack, node
  EXPECT_EQ(fabric.hops(1, 2), 4u);  // node, rack, spine, rack, node
  EXPECT_EQ(fabric.hops(3, 4), 5u);  // node, rack, spine, spine, rack, node
  EXPECT_EQ(fabric.hops(4, 0), 5u);
  EXPECT_EQ(fabric.widest_bytes_per_s(2, 2), inf);
  EXPECT_EQ(fabric.widest_bytes_per_s(0, 1), 50e9);
  EXPECT_EQ(fabric.widest_bytes_per_s(1, 2), 40e9);
  EXPECT_EQ(fabric.widest_bytes_per_s(4, 0), 30e9);
  EXPECT_EQ(fabric.groups(), 3u);
  EXPECT_THAT(fabric.members(0), ElementsAre(0, 1));
  EXPECT_THAT(fabric.members(1), ElementsAre(2, 3));
  EXPECT_THAT(fabric.members(2), ElementsAre(4));
  EXPECT_EQ(fabric.group_of(3), 1u);
  EXPECT_THAT(fabric.nearest_groups(0), ElementsAre(0, 1, 2));
  EXPECT_THAT(fabric.nearest_groups(1), ElementsAre(1, 0, 2));
  EXPECT_THAT(fabric.nearest_groups(2), ElementsAre(2, 0, 1));
}

TEST(Fabric, MaxHopsOfAJob) {
  const Fabric fabric = Fabric::from_numbers(5, small_numbers());
  EXPECT_EQ(fabric.max_hops({}), 0u);
  EXPECT_EQ(fabric.max_hops({3}), 0u);
  EXPECT_EQ(fabric.max_hops({3, 3}), 0u);
  EXPECT_EQ(fabric.max_hops({0, 1}), 2u);
  EXPECT_EQ(fabric.max_hops({0, 1, 3}), 4u);
  EXPECT_EQ(fabric.max_hops({4, 0, 1, 2}), 5u);
  // Two leaves of a star of nodes are further from each other than from its middle.
  const Fabric star = Fabric::from_edges(3, {{"node0", "node1", 1.0}, {"node0", "node2", 1.0}});
  EXPECT_EQ(star.max_hops({0, 1}), 1u);
  EXPECT_EQ(star.max_hops({0, 1, 2}), 2u);
}

TEST(Fabric, IslandsInsideANode) {
  const Fabric fabric = Fabric::from_numbers(5, small_numbers());
  EXPECT_EQ(fabric.gpus_per_island(), 4u);
  EXPECT_EQ(fabric.island_bytes_per_s(), 300e9);
  EXPECT_EQ(fabric.hops_in_node(2, 2), 0u);
  EXPECT_EQ(fabric.hops_in_node(0, 3), 1u);
  EXPECT_EQ(fabric.hops_in_node(3, 4), 2u);
  FabricNumbers whole = small_numbers();
  whole.gpus_per_island = 0;
  EXPECT_EQ(Fabric::from_numbers(1, whole).hops_in_node(0, 7), 1u);
}

TEST(Fabric, OneRackAndOneNode) {
  FabricNumbers numbers;
  numbers.node_bytes_per_s = 10.0;
  const Fabric rack = Fabric::from_numbers(4, numbers);
  EXPECT_EQ(rack.groups(), 1u);
  EXPECT_EQ(rack.hops(0, 3), 2u);
  EXPECT_EQ(rack.widest_bytes_per_s(0, 3), 10.0);
  EXPECT_THAT(rack.nearest_groups(0), ElementsAre(0));

  const Fabric alone = Fabric::from_numbers(1, FabricNumbers{});
  EXPECT_EQ(alone.groups(), 1u);
  EXPECT_EQ(alone.hops(0, 0), 0u);
  EXPECT_THAT(alone.nearest_groups(0), ElementsAre(0));
  EXPECT_EQ(Fabric::from_edges(1, {}).groups(), 1u);
}

TEST(Fabric, TwoRacksFromAnEdgeList) {
  // Written in no order; groups are numbered by their lowest node all the same.
  const Fabric fabric = Fabric::from_edges(4, {{"leaf-b", "node0", 25.0},
                                               {"leaf-a", "leaf-b", 100.0},
                                               {"node1", "leaf-a", 25.0},
                                               {"node2", "leaf-b", 10.0},
                                               {"node3", "leaf-a", 25.0}});
  EXPECT_EQ(fabric.groups(), 2u);
  EXPECT_THAT(fabric.members(0), ElementsAre(0, 2));
  EXPECT_THAT(fabric.members(1), ElementsAre(1, 3));
  EXPECT_EQ(fabric.hops(0, 2), 2u);
  EXPECT_EQ(fabric.hops(0, 1), 3u);
  EXPECT_EQ(fabric.widest_bytes_per_s(0, 1), 25.0);
  EXPECT_EQ(fabric.widest_bytes_per_s(2, 1), 10.0);  // its own thin link
}

TEST(Fabric, FatTree) {
  // k = 4 (Al-Fares 2008): 4 pods of 2 edge and 2 aggregation switches, 4 core switches, 16 nodes.
  std::vector<FabricEdge> edges;
  const auto name = [](const char* kind, int pod, int i) {
    return kind + std::to_string(pod) + "." + std::to_string(i);
  };
  for (int pod = 0; pod < 4; ++pod) {
    for (int edge = 0; edge < 2; ++edge) {
      for (int host = 0; host < 2; ++host) {
        edges.push_back(
            {"node" + std::to_string(4 * pod + 2 * edge + host), name("edge", pod, edge), 1.0});
      }
      for (int aggregation = 0; aggregation < 2; ++aggregation) {
        edges.push_back({name("edge", pod, edge), name("aggr", pod, aggregation), 2.0});
      }
    }
    for (int aggregation = 0; aggregation < 2; ++aggregation) {
      for (int core = 0; core < 2; ++core) {
        edges.push_back({name("aggr", pod, aggregation), name("core", aggregation, core), 3.0});
      }
    }
  }
  ASSERT_EQ(edges.size(), 48u);
  const Fabric fabric = Fabric::from_edges(16, edges);
  EXPECT_EQ(fabric.groups(), 8u);
  EXPECT_EQ(fabric.hops(0, 1), 2u);
  EXPECT_EQ(fabric.hops(0, 2), 4u);
  EXPECT_EQ(fabric.hops(0, 4), 6u);
  EXPECT_EQ(fabric.hops(15, 0), 6u);
  EXPECT_EQ(fabric.widest_bytes_per_s(0, 15), 1.0);
  EXPECT_THAT(fabric.nearest_groups(3), ElementsAre(3, 2, 0, 1, 4, 5, 6, 7));
}

TEST(Fabric, RingOfNodes) {
  std::vector<FabricEdge> edges;
  for (int i = 0; i < 6; ++i) {
    edges.push_back(
        {"node" + std::to_string(i), "node" + std::to_string((i + 1) % 6), i == 0 ? 1.0 : 5.0});
  }
  const Fabric fabric = Fabric::from_edges(6, edges);
  EXPECT_EQ(fabric.groups(), 6u);
  EXPECT_EQ(fabric.hops(0, 1), 1u);
  EXPECT_EQ(fabric.hops(0, 3), 3u);
  EXPECT_EQ(fabric.hops(0, 5), 1u);
  EXPECT_EQ(fabric.widest_bytes_per_s(0, 1), 5.0);  // the long way round avoids the thin link
  EXPECT_THAT(fabric.nearest_groups(0), ElementsAre(0, 1, 5, 2, 4, 3));
}

TEST(Fabric, NodesWithTheSameNeighboursAreAGroup) {
  // In a ring of four, opposite nodes have the same two neighbours, two hops apart.
  const Fabric ring = Fabric::from_edges(4, {{"node0", "node1", 1.0},
                                             {"node1", "node2", 1.0},
                                             {"node2", "node3", 1.0},
                                             {"node3", "node0", 1.0}});
  EXPECT_EQ(ring.groups(), 2u);
  EXPECT_THAT(ring.members(0), ElementsAre(0, 2));
  EXPECT_EQ(ring.hops(0, 2), 2u);
  EXPECT_EQ(ring.hops(0, 1), 1u);
  // Two rails: both nodes on both switches; a node on one of them only is another group.
  const Fabric rails = Fabric::from_edges(3, {{"node0", "rail0", 1.0},
                                              {"node0", "rail1", 4.0},
                                              {"node1", "rail1", 4.0},
                                              {"node1", "rail0", 1.0},
                                              {"node2", "rail0", 1.0}});
  EXPECT_EQ(rails.groups(), 2u);
  EXPECT_EQ(rails.widest_bytes_per_s(0, 1), 4.0);
  EXPECT_EQ(rails.hops(0, 2), 2u);
}

TEST(Fabric, TheWidestPathIsNotTheShortest) {
  const Fabric fabric = Fabric::from_edges(2, {{"node0", "a", 200.0},
                                               {"node1", "b", 200.0},
                                               {"a", "b", 10.0},
                                               {"a", "c", 100.0},
                                               {"c", "b", 100.0}});
  EXPECT_EQ(fabric.hops(0, 1), 3u);
  EXPECT_EQ(fabric.widest_bytes_per_s(0, 1), 100.0);
}

TEST(Fabric, EqualHopsAreOrderedByWidth) {
  const Fabric fabric = Fabric::from_edges(3, {{"node0", "a", 100.0},
                                               {"node1", "b", 100.0},
                                               {"node2", "c", 100.0},
                                               {"a", "b", 10.0},
                                               {"a", "c", 20.0}});
  EXPECT_THAT(fabric.nearest_groups(0), ElementsAre(0, 2, 1));
}

TEST(Fabric, ParallelLinksStaySingle) {
  const Fabric fabric = Fabric::from_edges(
      2, {{"node0", "a", 10.0}, {"node0", "a", 30.0}, {"node1", "a", 20.0}, {"a", "node1", 25.0}});
  EXPECT_EQ(fabric.groups(), 1u);
  EXPECT_EQ(fabric.hops(0, 1), 2u);
  EXPECT_EQ(fabric.widest_bytes_per_s(0, 1), 25.0);
}

TEST(Fabric, FaultsNameTheNodeOrTheLink) {
  const auto edges = [](std::uint32_t nodes, std::vector<FabricEdge> list) {
    return message_of([&] { Fabric::from_edges(nodes, list); });
  };
  EXPECT_EQ(edges(2, {{"node0", "a", 1.0}}), "node1 has no link");
  EXPECT_EQ(edges(3, {{"node0", "a", 1.0}, {"node1", "b", 1.0}, {"node2", "a", 1.0}}),
            "node1 cannot be reached from node0");
  EXPECT_EQ(edges(2, {{"node0", "a", 1.0}, {"node2", "a", 1.0}}),
            "link 2 (node2 - a): there is no node2, the last is node1");
  EXPECT_EQ(edges(2, {{"node99999999999", "a", 1.0}}),
            "link 1 (node99999999999 - a): there is no node99999999999, the last is node1");
  EXPECT_EQ(edges(2, {{"a", "a", 1.0}}), "link 1 (a - a): both ends are the same");
  EXPECT_EQ(edges(2, {{"node0", "", 1.0}}), "link 1 (node0 - ): an end has no name");
  EXPECT_EQ(edges(2, {{"node0", "a", 0.0}}),
            "link 1 (node0 - a): expected a bandwidth above 0, got 0");
  EXPECT_THAT(edges(2, {{"node0", "a", inf}}), HasSubstr("above 0, got inf"));
  EXPECT_THAT(edges(0, {}), HasSubstr("at least one node"));
  // A name with a leading zero is a switch, so the node itself is missed.
  EXPECT_EQ(edges(2, {{"node0", "a", 1.0}, {"node01", "a", 1.0}}), "node1 has no link");

  const auto numbers = [](std::uint32_t nodes, FabricNumbers n) {
    return message_of([&] { Fabric::from_numbers(nodes, n); });
  };
  FabricNumbers n = small_numbers();
  n.core_bytes_per_s = 0.0;
  EXPECT_EQ(numbers(5, n),
            "core_bytes_per_s: expected a bandwidth above 0, got 0: there are 2 spines");
  EXPECT_EQ(numbers(4, n), "no fault");  // one spine
  n.rack_bytes_per_s = -1.0;
  EXPECT_EQ(numbers(4, n),
            "rack_bytes_per_s: expected a bandwidth above 0, got -1: there are 2 racks");
  EXPECT_EQ(numbers(2, n), "no fault");  // one rack
  EXPECT_THAT(numbers(2, FabricNumbers{}), HasSubstr("node_bytes_per_s: expected"));
  n = small_numbers();
  n.nodes_per_rack = n.racks_per_spine = 1;
  EXPECT_THAT(numbers(1'000'000, n), HasSubstr("1000000 racks make 1000000 spines"));
  EXPECT_THAT(numbers(0, n), HasSubstr("at least one node"));
}

TEST(Fabric, RandomGraphsAgreeWithFloydAndWarshall) {
  std::mt19937_64 random(1);
  for (int round = 0; round < 60; ++round) {
    const std::size_t nodes = 1 + random() % 12, switches = 1 + random() % 6;
    const std::size_t size = nodes + switches;
    const auto name = [&](std::size_t v) {
      return v < nodes ? "node" + std::to_string(v) : "s" + std::to_string(v - nodes);
    };
    std::vector<std::vector<double>> width(size, std::vector<double>(size, 0.0));
    std::vector<std::vector<std::uint32_t>> hops(size, std::vector<std::uint32_t>(size, 1000));
    std::vector<FabricEdge> edges;
    const auto link = [&](std::size_t a, std::size_t b) {
      const double bytes_per_s = 1.0 + static_cast<double>(random() % 8);
      edges.push_back({name(a), name(b), bytes_per_s});
      width[a][b] = width[b][a] = std::max(width[a][b], bytes_per_s);
      hops[a][b] = hops[b][a] = 1;
    };
    // A random tree over all, so that it hangs together, and some links more.
    for (std::size_t v = nodes; v-- > 0;) link(v, nodes + random() % switches);
    for (std::size_t v = nodes + 1; v < size; ++v) link(v, nodes + random() % (v - nodes));
    for (std::uint64_t i = random() % 6; i-- > 0;) {
      const std::size_t a = random() % size, b = random() % size;
      if (a != b) link(a, b);
    }
    for (std::size_t v = 0; v < size; ++v) {
      hops[v][v] = 0;
      width[v][v] = inf;
    }
    for (std::size_t k = 0; k < size; ++k) {
      for (std::size_t a = 0; a < size; ++a) {
        for (std::size_t b = 0; b < size; ++b) {
          hops[a][b] = std::min(hops[a][b], hops[a][k] + hops[k][b]);
          width[a][b] = std::max(width[a][b], std::min(width[a][k], width[k][b]));
        }
      }
    }
    const Fabric fabric = Fabric::from_edges(static_cast<std::uint32_t>(nodes), edges);
    for (std::uint32_t a = 0; a < nodes; ++a) {
      for (std::uint32_t b = 0; b < nodes; ++b) {
        ASSERT_EQ(fabric.hops(a, b), hops[a][b]) << round << ": " << a << ", " << b;
        ASSERT_EQ(fabric.widest_bytes_per_s(a, b), width[a][b]) << round << ": " << a << ", " << b;
      }
    }
    for (std::uint32_t g = 0; g < fabric.groups(); ++g) {
      const std::vector<std::uint32_t>& order = fabric.nearest_groups(g);
      ASSERT_EQ(order.size(), fabric.groups());
      ASSERT_EQ(order.front(), g);
      const std::uint32_t from = fabric.members(g).front();
      for (std::size_t i = 1; i < order.size(); ++i) {
        const std::uint32_t a = fabric.members(order[i - 1]).front();
        const std::uint32_t b = fabric.members(order[i]).front();
        ASSERT_TRUE(hops[from][a] < hops[from][b] ||
                    (hops[from][a] == hops[from][b] &&
                     (width[from][a] > width[from][b] ||
                      (width[from][a] == width[from][b] && order[i - 1] < order[i]))));
      }
    }
  }
}

TEST(Fabric, AHundredThousandNodes) {
  FabricNumbers numbers = small_numbers();
  numbers.nodes_per_rack = 50;
  numbers.racks_per_spine = 40;
  const Fabric fabric = Fabric::from_numbers(100'000, numbers);
  EXPECT_EQ(fabric.groups(), 2000u);
  EXPECT_EQ(fabric.hops(0, 49), 2u);
  EXPECT_EQ(fabric.hops(0, 50), 4u);
  EXPECT_EQ(fabric.hops(0, 99'999), 5u);
  EXPECT_EQ(fabric.widest_bytes_per_s(0, 99'999), 30e9);
  EXPECT_EQ(fabric.nearest_groups(1999)[0], 1999u);
  EXPECT_EQ(fabric.nearest_groups(1999)[1], 1960u);
  EXPECT_EQ(fabric.nearest_groups(1999)[40], 0u);
}

}  // namespace
}  // namespace nightwatt
