#include <algorithm>

#include "analysis/measurements/study.hpp"
#include "energy/power.hpp"

/// Idle power and core voltage at locked clocks: what the device's file says, or the model where it
/// says nothing.
namespace nightwatt {

Evaluation evaluate_idle(const MeasuredFile& file, Catalog& catalog) {
  Evaluation out;
  const auto& gpu = file.text("gpu");
  const auto& mhz = file.number("sm_mhz");
  const auto& mv = file.number("core_voltage_mv");
  const auto& watts = file.number("idle_power_w_at_locked_clock");
  for (std::size_t row = 0; row < file.rows(); ++row) {
    const DeviceMatch match = catalog.find_device(gpu[row], file.kind().source);
    const auto leave_out = [&](const std::string& why) {
      out.not_covered.push_back({row, gpu[row], "idle", "idle", why});
    };
    if (match.device == nullptr) {
      leave_out(match.reason);
      continue;
    }
    const Device& device = match.device->device;
    if (!(device.boost_mhz > 0)) {
      leave_out("the device's file has no clocks");
      continue;
    }
    // Of voltages the model knows ratios: to that at the file's highest clock of the device.
    std::size_t top = row;
    for (std::size_t other = 0; other < file.rows(); ++other) {
      if (gpu[other] == gpu[row] && mhz[other] > mhz[top]) top = other;
    }
    const PowerModel model(device, stack_terms(catalog.folders(), Stack::eager, device));
    const auto voltage = [&](std::size_t at) {
      return model.voltage(std::min(1.0, mhz[at] / device.boost_mhz));
    };
    // The curves of a device's file are these measurements.
    const auto add = [&](const char* quantity, double predicted, double measured, bool seen) {
      out.predictions.push_back(
          {row, device.id, "idle", "idle", quantity, predicted, measured, seen});
    };
    add("idle_power", model.idle_w(std::min(1.0, mhz[row] / device.boost_mhz)), watts[row],
        !device.idle_curve.empty());
    add("voltage_ratio", voltage(row) / voltage(top), mv[row] / mv[top], !device.voltage.empty());
  }
  return out;
}

}  // namespace nightwatt
