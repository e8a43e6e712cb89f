#pragma once

#include <cstdint>
#include <vector>

namespace nightwatt {

/// What placement asks of a partition's network. `sim/fabric` answers it from a graph.
class Topology {
 public:
  virtual ~Topology() = default;
  /// Links on the shortest path between two nodes; 0 for the same node.
  [[nodiscard]] virtual std::uint32_t hops(std::uint32_t a, std::uint32_t b) const = 0;
  /// Leaf groups: the nodes behind one first switch, numbered from 0.
  [[nodiscard]] virtual std::uint32_t groups() const = 0;
  [[nodiscard]] virtual std::uint32_t group_of(std::uint32_t node) const = 0;
  /// Nodes of a group, ascending.
  [[nodiscard]] virtual const std::vector<std::uint32_t>& members(std::uint32_t group) const = 0;
  /// All groups by distance from `group`, itself first: fewer hops, then wider, then number.
  [[nodiscard]] virtual const std::vector<std::uint32_t>& nearest_groups(
      std::uint32_t group) const = 0;
  /// GPUs of one NVLink island; 0 = the whole node.
  [[nodiscard]] virtual std::uint32_t gpus_per_island() const = 0;
};

}  // namespace nightwatt
