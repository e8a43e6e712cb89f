#pragma once

#include <limits>
#include <map>
#include <optional>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "energy/cap_response.hpp"
#include "energy/device.hpp"

namespace nightwatt {

/// Fitted terms of a device's answer to power caps.
struct DeviceCapTerms {
  CapSharedTerms shared;
  CapTerms device;
};

/// Where the run times of a trace were observed.
struct ReferenceRun {
  Device device;
  DeviceCapTerms caps;
  Watts cap = watts(std::numeric_limits<double>::infinity());  ///< that held there
  std::uint32_t devices_per_node = 8;
  double fabric_bytes_per_s = 0.0;  ///< of a node; 0 = not known
  double island_bytes_per_s = 0.0;  ///< between two devices of a node; 0 = the device's links
};

/// How many times faster `to` runs kernels of which nothing is known than `from`: the geometric
/// mean of the ratios of FP32 peak and memory bandwidth. docs/models/jobs.md has its error.
/// None where a figure is missing.
std::optional<double> device_speed(const Device& from, const Device& to);

/// By profile and id of the device.
using MeasuredSpeeds = std::map<std::pair<std::int32_t, std::string>, double>;

/// For jobs of which only the utilization is known. Without a cap, or under one that the job does
/// not reach, power is linear in utilization, P = idle + u (busy - idle), and the rate is 1. Under
/// a cap below that, time and energy answer as docs/models/caps.md says, with P as the uncapped
/// mean power of the job. The host draws its active power for each GPU held, whatever the rest.
/// On another device than the reference the share u of the time shrinks or grows by device_speed,
/// the share 1-u, in which the device waits, stays; a device that has no figures to compare is as
/// fast. Where a profile's speed there was measured, that is the rate, and the share stays u.
class UtilizationModel final : public JobEnergyModel {
 public:
  /// @param caps  by device; empty = the standard terms for all
  /// @param references  that profiles name by index
  /// @param speeds  by profile and id of the device: measured rates, the reference's being 1
  /// @throws std::invalid_argument unless 0 <= idle <= busy, utilizations are within 0 to 1,
  ///   references are among those given, and there is one node power (and cap terms, if any) a
  ///   device
  UtilizationModel(std::vector<Device> devices, std::vector<NodePower> nodes_by_device,
                   std::vector<Profile> profiles, std::vector<DeviceCapTerms> caps = {},
                   std::vector<ReferenceRun> references = {}, MeasuredSpeeds speeds = {});
  /// Answers for a profile's own utilization are kept. One thread at a time.
  /// @throws std::out_of_range for an unknown index, std::domain_error for a utilization outside
  ///   0 to 1 or a cap outside the device's range
  [[nodiscard]] OperatingPoint query(std::int32_t profile, std::int32_t device,
                                     const PlacementShape& shape, float utilization,
                                     Watts cap) const override;

 private:
  [[nodiscard]] OperatingPoint relative(std::int32_t profile, std::size_t device,
                                        double utilization, Watts cap) const;
  [[nodiscard]] OperatingPoint answer(std::size_t device, double utilization, Watts cap) const;

  std::vector<Device> devices_;
  std::vector<NodePower> nodes_;
  std::vector<Profile> profiles_;
  std::vector<DeviceCapTerms> caps_;
  std::vector<ReferenceRun> references_;
  MeasuredSpeeds speeds_;
  using Question = std::tuple<std::int32_t, std::int32_t, Watts>;  ///< profile, device, cap
  mutable std::map<Question, OperatingPoint> known_;
};

}  // namespace nightwatt
