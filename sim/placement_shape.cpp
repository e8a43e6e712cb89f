#include "sim/placement_shape.hpp"

#include <algorithm>

namespace nightwatt {
namespace {

PlacementShape on_nodes(const PartitionSetup& partition, std::uint64_t gpu_milli,
                        std::uint32_t nodes) {
  PlacementShape shape;
  shape.gpu_milli = static_cast<std::uint32_t>(gpu_milli);
  shape.nodes = std::max(1U, nodes);
  if (partition.fabric) shape.island_bytes_per_s = partition.fabric->island_bytes_per_s();
  if (shape.nodes > 1) shape.fabric_bytes_per_s = partition.nic_bytes_per_s;
  return shape;
}

/// A ring through all nodes is as narrow as its narrowest link.
void connect(PlacementShape& shape, const Fabric& fabric, std::uint32_t a, std::uint32_t b) {
  shape.max_hops = std::max(shape.max_hops, fabric.hops(a, b));
  const double widest = fabric.widest_bytes_per_s(a, b);
  double& narrowest = shape.fabric_bytes_per_s;
  narrowest = narrowest > 0.0 ? std::min(narrowest, widest) : widest;
}

}  // namespace

PlacementShape shape_of(const PartitionSetup& partition, const std::vector<Piece>& pieces,
                        std::uint64_t gpu_milli, std::uint32_t nodes) {
  PlacementShape shape = on_nodes(partition, gpu_milli, nodes);
  if (partition.fabric && nodes > 1) {
    // As seen from the first node; in a tree the others are no farther from each other than twice
    // as far, and no link is left out.
    const std::uint32_t first = pieces.front().node;
    for (const Piece& piece : pieces) {
      if (piece.node != first) connect(shape, *partition.fabric, first, piece.node);
    }
  }
  return shape;
}

PlacementShape compact_shape(const PartitionSetup& partition, std::uint64_t gpu_milli) {
  const std::uint64_t per_node = std::uint64_t{1000} * partition.units_per_node;
  const auto nodes = static_cast<std::uint32_t>((gpu_milli + per_node - 1) / per_node);
  PlacementShape shape = on_nodes(partition, gpu_milli, nodes);
  if (partition.fabric && nodes > 1 && partition.nodes > 1) connect(shape, *partition.fabric, 0, 1);
  return shape;
}

}  // namespace nightwatt
