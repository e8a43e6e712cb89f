#include "energy/node_training.hpp"

namespace nightwatt {

Watts training_node_power(int devices, Watts tdp, double busy, const NodeTrainingTerms& terms) {
  const Watts device = tdp * (busy * terms.busy_share + (1.0 - busy) * terms.waiting_share);
  return devices * (watts(node_host_w_per_device) + device);
}

}  // namespace nightwatt
