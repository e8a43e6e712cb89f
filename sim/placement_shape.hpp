#pragma once

#include <cstdint>
#include <vector>

#include "policies/node_index.hpp"
#include "sim/setup.hpp"

namespace nightwatt {

/// What the energy model is told about the GPUs that a job holds.
/// @param nodes  how many different ones are among the pieces
PlacementShape shape_of(const PartitionSetup& partition, const std::vector<Piece>& pieces,
                        std::uint64_t gpu_milli, std::uint32_t nodes);

/// The same of a job on as few nodes as hold it, next to each other.
PlacementShape compact_shape(const PartitionSetup& partition, std::uint64_t gpu_milli);

}  // namespace nightwatt
