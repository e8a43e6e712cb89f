#pragma once

#include <cstdint>

#include "energy/device.hpp"
#include "energy/terms.hpp"

namespace nightwatt {

/// What connects the devices of a job, as one device sees it. 0 = take the device's own links.
struct Network {
  double node_bytes_per_s = 0;      ///< a direction, to its peers in the node
  double fabric_bytes_per_s = 0;    ///< a direction, to other nodes (its share of the NICs)
  double fabric_latency_s = 10e-6;  ///< of a message between nodes, hops included
};

enum class Collective : std::uint8_t { all_reduce, all_gather, reduce_scatter, all_to_all, point };

/// Time of a collective over `devices`, `per_node` of them in each node: a ring inside the node;
/// with several nodes a ring inside each, one between them on a node's share, and back.
/// @param bytes  held by each device before an all-reduce or reduce-scatter, after an all-gather
double collective_s(Collective kind, double bytes, double devices, double per_node,
                    const Device& device, const Terms& terms, const Network& network);

/// The messages of the ring between the nodes, so that 2 (nodes - 1) of them one after another take
/// what the law gives an all-reduce there.
/// @param bytes  all-reduced between the nodes by each device, above 0
/// @param nodes  at least 2
RingMessage ring_message(double bytes, double nodes, const Terms& terms, const Network& network);

}  // namespace nightwatt
