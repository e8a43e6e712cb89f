#pragma once

#include "energy/quantity.hpp"

namespace nightwatt {

/// Terms of a training node's power (docs/models/calibration.md).
struct NodeTrainingTerms {
  double busy_share = 0.94;     ///< power of a device that trains, of TDP
  double waiting_share = 0.28;  ///< while it waits for other nodes, of TDP
  double supply = 0.975;        ///< DC power over AC power
  /// Loss of the busy share at each doubling of the nodes, where no run on one node tells it.
  double doubling_loss = 0.13;
};

/// What a node draws beside its devices while it trains: CPUs, memory, fans, NICs, switches on the
/// board, for one of 8 devices. Assumed: 7.0 to 7.2 kW of a node of 8 H100 near 690 W each.
inline constexpr double node_host_w_per_device = 200.0;

/// Mean DC power of a node that trains.
/// @param devices     of the node
/// @param tdp         of one device
/// @param busy        share of the time in which the devices compute, in [0, 1]
Watts training_node_power(int devices, Watts tdp, double busy, const NodeTrainingTerms& terms);

}  // namespace nightwatt
