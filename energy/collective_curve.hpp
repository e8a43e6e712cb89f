#pragma once

#include <map>

#include "energy/quantity.hpp"

namespace nightwatt {

/// Time of one collective over a number of devices of a node against its size (docs/models/
/// calibration.md): a start, the time of the moved bytes at the achieved rate, and between both a
/// bend, where the parts are too small to fill the links:
///     t = start + x + sqrt(bend * x),   x = moved bytes / (efficiency * link rate)
struct CollectiveCurve {
  double start_us = 8.0;
  double bend_us = 20.0;
  double efficiency = 0.75;  ///< above 1 where switches add up and the ring's bytes are not moved

  /// @param moved_bytes       by each device over its links, in one direction, in a ring
  /// @param link_bytes_per_s  of a device to its peers, in one direction
  [[nodiscard]] Seconds at(double moved_bytes, double link_bytes_per_s) const;
};

/// The curve for a number of devices nobody measured: each constant a power of the number, from
/// the two nearest that were (from one: the same).
/// @param curves  by number of devices, at least one
CollectiveCurve curve_for(const std::map<int, CollectiveCurve>& curves, int devices);

}  // namespace nightwatt
