#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "policies/topology.hpp"

namespace nightwatt {

/// A fabric from a few numbers: islands of GPUs inside a node, nodes in racks, racks under a spine.
struct FabricNumbers {
  std::uint32_t gpus_per_island = 0;  ///< NVLink island; 0 = the whole node
  std::uint32_t nodes_per_rack = 0;   ///< 0 = all in one rack
  std::uint32_t racks_per_spine = 0;  ///< 0 = all under one spine
  double island_bytes_per_s = 0.0;    ///< one direction, between two GPUs of an island
  double node_bytes_per_s = 0.0;      ///< node to rack switch
  double rack_bytes_per_s = 0.0;      ///< rack switch to spine
  double core_bytes_per_s = 0.0;      ///< spine to spine
};

/// One link of an edge list. Nodes are named "node0", "node1", ...; every other name is a switch.
struct FabricEdge {
  std::string from, to;
  double bytes_per_s = 0.0;
};

/// The network of a partition as a graph (Boost.Graph inside), with what placement asks of it.
///
/// Links carry both directions at their bandwidth; several links between the same two ends stay
/// single links. A path may lead through nodes as well as switches (rings and meshes of nodes).
/// A leaf group holds the nodes whose links lead to the same neighbours, so distances are found
/// once a group, when they are first asked for, and remembered. Not for use from several threads.
class Fabric final : public Topology {
 public:
  /// Nodes below rack switches below spine switches, every two spines joined by a link. A level
  /// that is there must have a bandwidth; no spine is there for a single rack.
  /// @throws std::invalid_argument that names the number at fault.
  static Fabric from_numbers(std::uint32_t nodes, const FabricNumbers& numbers);
  /// @throws std::invalid_argument if a node is missing or not connected, or a link is wrong; the
  /// message names the node or the link (counted from 1).
  static Fabric from_edges(std::uint32_t nodes, const std::vector<FabricEdge>& edges);
  ~Fabric() override;
  Fabric(Fabric&&) noexcept;
  Fabric& operator=(Fabric&&) noexcept;

  [[nodiscard]] std::uint32_t nodes() const;
  /// A link between two vertices: the nodes by their numbers, after them the switches.
  struct Link {
    std::uint32_t from = 0, to = 0;
    double bytes_per_s = 0.0;
  };
  [[nodiscard]] const std::vector<Link>& links() const;
  /// Links on the shortest path between two nodes; 0 for the same node.
  [[nodiscard]] std::uint32_t hops(std::uint32_t a, std::uint32_t b) const override;
  /// The longest of the shortest paths between any two of these nodes.
  [[nodiscard]] std::uint32_t max_hops(const std::vector<std::uint32_t>& nodes) const;
  /// Bandwidth of the widest path (largest smallest link); infinite for the same node.
  [[nodiscard]] double widest_bytes_per_s(std::uint32_t a, std::uint32_t b) const;
  /// Leaf groups (nodes behind the same first switch), numbered from 0 in order of their lowest
  /// node.
  [[nodiscard]] std::uint32_t groups() const override;
  [[nodiscard]] std::uint32_t group_of(std::uint32_t node) const override;
  [[nodiscard]] const std::vector<std::uint32_t>& members(std::uint32_t group) const override;
  /// All groups ordered by distance from `group` (itself first): fewer hops, then wider, then
  /// number. Distance and width are those between the lowest nodes.
  [[nodiscard]] const std::vector<std::uint32_t>& nearest_groups(
      std::uint32_t group) const override;

  /// GPUs of one NVLink island; 0 = the whole node. GPUs of a node are numbered island by island.
  [[nodiscard]] std::uint32_t gpus_per_island() const override;
  /// Between two GPUs of an island, one direction; 0 = not given.
  [[nodiscard]] double island_bytes_per_s() const;
  /// Hops between two GPUs of one node: 0 for the same, 1 in an island, 2 between islands (through
  /// the host).
  [[nodiscard]] std::uint32_t hops_in_node(std::uint32_t gpu_a, std::uint32_t gpu_b) const;

 private:
  Fabric();
  struct Graph;
  std::unique_ptr<Graph> graph_;
};

}  // namespace nightwatt
