#pragma once

#include <cstdint>
#include <vector>

#include "energy/device.hpp"
#include "sim/engine/flow_network.hpp"
#include "sim/fabric.hpp"

namespace nightwatt {

/// A job that goes round and round its steps: it computes, and a ring all-reduce goes between its
/// nodes, each of which sends 2 (n - 1) messages to the next, all nodes at the same time.
struct RingJob {
  std::vector<std::uint32_t> nodes;  ///< in the order of the ring, at least two
  std::uint32_t messages = 0;        ///< that each node sends in a step
  double message_bytes = 0.0;        ///< on the links, those that its efficiency wastes included
  double message_start_s = 0.0;
  double compute_s = 0.0;  ///< of a step, without communication
  double beside_s = 0.0;   ///< the last part of compute_s, beside which the messages go
};

/// @param nodes     each once; the ring goes in their order
/// @param per_node  devices of the job on a node, as a mean
RingJob ring_job(const CollectiveLoad& load, std::vector<std::uint32_t> nodes, double per_node);

/// Shortest paths between all pairs of nodes, as Fabric::hops counts them. Of several next links
/// on a shortest path, the one with the number (destination mod how many there are): each
/// destination has its own tree, and the trees are spread over the links.
FlowGraph flow_graph(const Fabric& fabric);

/// How long a step takes a job that has the network to itself, to six digits: SimGrid's clock goes
/// on over all that a process does, and how late it is must not show in the result.
double step_time_s(FlowNetwork& network, const RingJob& job);

/// The same of each of these jobs while all of them go round: the mean over some whole steps, and
/// over seven ways in which the steps of one job may lie against those of the others. Messages of
/// large rings are bundled.
/// @param alone_s  step_time_s of each
std::vector<double> step_times_s(FlowNetwork& network, std::vector<RingJob> jobs,
                                 const std::vector<double>& alone_s);

}  // namespace nightwatt
