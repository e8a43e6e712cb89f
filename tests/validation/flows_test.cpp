// The analytic law of all-reduce (energy/collective.hpp) against its messages as SimGrid
// communications on an idle fabric.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <string>

#include "energy/collective.hpp"
#include "sim/engine/simgrid_engine.hpp"
#include "sim/ring_steps.hpp"

namespace nightwatt {
namespace {

constexpr double node_bytes_per_s = 50e9;  // 400 Gb/s a node

/// One switch; racks of eight with full uplinks; racks of eight with uplinks of a quarter of a
/// node's rate.
Fabric fabric_of(const std::string& name, std::uint32_t nodes) {
  FabricNumbers numbers{.nodes_per_rack = name == "switch" ? 0U : 8U,
                        .node_bytes_per_s = node_bytes_per_s,
                        .rack_bytes_per_s = node_bytes_per_s};
  if (name == "narrow") numbers.rack_bytes_per_s /= 4;
  return Fabric::from_numbers(nodes, numbers);
}

/// Time of an all-reduce of so many bytes on all devices: inside the nodes by the law, between them
/// as flows.
double flows_s(EventEngine& engine, const Fabric& fabric, double bytes, double per_node,
               const Device& device, const Terms& terms, const Network& network) {
  const double inside_s =
      collective_s(Collective::reduce_scatter, bytes, per_node, per_node, device, terms, network) +
      collective_s(Collective::all_gather, bytes, per_node, per_node, device, terms, network);
  std::vector<std::uint32_t> nodes(fabric.nodes());
  for (std::uint32_t i = 0; i < nodes.size(); ++i) nodes[i] = i;
  CollectiveLoad load;
  load.step = seconds(inside_s);
  load.bytes = bytes / per_node;
  load.message = ring_message(load.bytes, fabric.nodes(), terms, network);
  const auto flows = engine.make_network(flow_graph(fabric));
  return step_time_s(*flows, ring_job(load, nodes, per_node));
}

TEST(Flows, AgreeWithTheLawOnAnIdleFabric) {
  const auto engine = make_simgrid_engine();
  const Device device;
  const Terms terms;
  std::map<std::string, double> worst;
  for (const std::string name : {"switch", "racks", "narrow"}) {
    for (const double per_node : {1.0, 8.0}) {
      for (const std::uint32_t nodes : {2U, 3U, 4U, 8U, 16U, 32U, 64U}) {
        const Fabric fabric = fabric_of(name, nodes);
        Network network;
        network.node_bytes_per_s = 300e9;
        network.fabric_bytes_per_s = fabric.widest_bytes_per_s(0, nodes - 1) / per_node;
        for (const double bytes : {1e5, 1e6, 1e7, 1e8, 1e9, 1e10}) {
          const double law_s = collective_s(Collective::all_reduce, bytes, nodes * per_node,
                                            per_node, device, terms, network);
          const double ratio =
              flows_s(*engine, fabric, bytes, per_node, device, terms, network) / law_s;
          EXPECT_NEAR(ratio, 1.0, 0.05)
              << name << ", " << nodes << " nodes of " << per_node << ", " << bytes << " B";
          double& most = worst[name + (per_node > 1 ? " hierarchical" : " ring")];
          most = std::max(most, std::abs(ratio - 1.0));
        }
      }
    }
  }
  for (const auto& [name, error] : worst) {
    RecordProperty(name, std::to_string(error));
    EXPECT_LT(error, 1e-4) << name << ": docs/validation.md says less";
  }
}

// 2 (n - 1) (a + S / (n B)), the textbook form: without the terms that the law has from
// measurements.
TEST(Flows, AgreeWithTheTextbookRing) {
  const auto engine = make_simgrid_engine();
  for (const std::uint32_t nodes : {2U, 5U, 16U, 64U}) {
    const auto network = engine->make_network(flow_graph(fabric_of("racks", nodes)));
    std::vector<std::uint32_t> ring(nodes);
    for (std::uint32_t i = 0; i < nodes; ++i) ring[i] = i;
    for (const double bytes : {1e6, 1e9}) {
      CollectiveLoad load;
      load.bytes = bytes;
      load.message.start = seconds(10e-6);
      const double expected_s = 2.0 * (nodes - 1) * (10e-6 + bytes / nodes / node_bytes_per_s);
      EXPECT_NEAR(step_time_s(*network, ring_job(load, ring, 1)) / expected_s, 1.0, 1e-4);
    }
  }
}

}  // namespace
}  // namespace nightwatt
