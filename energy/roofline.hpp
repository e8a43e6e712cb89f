#pragma once

#include <vector>

#include "energy/operators.hpp"

namespace nightwatt {

/// What the model needs of a device, with its correction terms worked in. Rates are at the highest
/// clock; energies at the highest voltage.
struct Rates {
  Rates() = default;
  /// @throws std::invalid_argument if the device has no bandwidth, units or clocks
  Rates(const Device& device, const Terms& terms);

  Terms terms;
  double boost_mhz = 0, min_mhz = 0;
  double sms = 0;
  double l2_bytes = 0;
  double bandwidth = 0;                        ///< B/s, achieved on large data
  double feed = 0;                             ///< B/s, from the L2 to all SMs
  std::array<double, precision_count> peak{};  ///< by Precision; 0 = no such units

  /// The units that stand in for others on this device: BF16 falls back to FP16, FP16 to FP32, ...
  [[nodiscard]] Precision path(Precision wanted) const;
  /// The same for an operator: products in FP32 use matrix units that can.
  [[nodiscard]] Precision path(const Operator& op) const;
};

/// True for the low precisions, whose units the terms `tensor_gemm` and `tensor` are about.
bool on_tensor_units(Precision path);

/// An operator's cost on a device, in parts that follow the clock differently.
struct OperatorCost {
  double compute_s = 0;  ///< at the highest clock; grows as the clock falls
  double feed_s = 0;     ///< the same
  double memory_s = 0;   ///< whatever the clock
  double launch_s = 0;
  double memory_bytes = 0;  ///< that reach DRAM
  friend bool operator==(const OperatorCost&, const OperatorCost&) = default;

  /// Time of one run at clock x (of the highest).
  [[nodiscard]] double at(double x) const;
};
OperatorCost cost_of(const Operator& op, const Rates& rates);

/// Time of `products` matrix products at a rate (operations a second of all SMs together): whole
/// tiles in whole waves, over the tile shape and the split of k that take least.
struct TiledTime {
  double seconds;
  double blocks;  ///< of the tile shape that was chosen
};
/// @param fill_s  of a wave, before its units are busy
TiledTime tiled_time(double m, double n, double k, double products, double sms, double rate,
                     double fill_s);

}  // namespace nightwatt
