#pragma once

#include "energy/device.hpp"
#include "energy/terms.hpp"

namespace nightwatt {

/// Power of a device by module, at any clock. Static and idle from the device's file, dynamic
/// parts from the terms.
class PowerModel {
 public:
  PowerModel() = default;
  PowerModel(const Device& device, const Terms& terms);

  /// What a device does in a second, on average. Rates are shares of the device's peaks.
  struct Activity {
    double busy = 0;       ///< share of the time in which a kernel runs
    double tensor = 0;     ///< of the peak rate of the units used
    double vector = 0;     ///< of the FP32 peak
    double cache = 0;      ///< bytes through the L2, of the DRAM bandwidth
    double dram = 0;       ///< bytes, of the DRAM bandwidth
    double attention = 0;  ///< bytes of keys and values, of the DRAM bandwidth
    double waiting = 0;    ///< share of the time spent waiting for other devices
  };
  /// Voltage at clock x (of the highest) over voltage at the highest.
  [[nodiscard]] double voltage(double x) const;
  [[nodiscard]] double idle_w(double x) const;
  [[nodiscard]] double watts(const Activity& activity, double x) const;

 private:
  const Device* device_ = nullptr;
  Terms terms_;
  double span_ = 0;  ///< TDP - idle at the highest clock
};

}  // namespace nightwatt
