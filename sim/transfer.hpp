#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "energy/signal.hpp"

namespace nightwatt {

/// How data moves between sites. Where it is not given, jobs move at no cost.
struct SiteNetwork {
  std::size_t sites = 0;
  std::vector<double> bytes_per_s;  ///< [from * sites + to]; empty = not given
  double j_per_gb = 0.0;            ///< energy of moving 1e9 bytes, all equipment on the way

  [[nodiscard]] bool given() const { return !bytes_per_s.empty(); }
  [[nodiscard]] double seconds(std::int16_t from, std::int16_t to, double gb) const {
    return gb * 1e9 /
           bytes_per_s[static_cast<std::size_t>(from) * sites + static_cast<std::size_t>(to)];
  }
};

/// What moving data costs. NaN where an end has no such series.
struct TransferCharge {
  double energy_j = 0.0, carbon_g = 0.0, cost = 0.0;
};

/// Constant power over [from, to), half of it drawn at either end. The network is no part of the
/// facilities: their PUE does not count.
TransferCharge charge_transfer(double power_w, const SiteSignals& origin,
                               const SiteSignals& destination, SimTime from, SimTime to);

}  // namespace nightwatt
