#pragma once

#include <map>
#include <tuple>
#include <vector>

#include "energy/cap_response.hpp"
#include "energy/device.hpp"

namespace nightwatt {

/// Fitted terms of a device's answer to power caps.
struct DeviceCapTerms {
  CapSharedTerms shared;
  CapTerms device;
};

/// For jobs of which only the utilization is known. Without a cap, or under one that the job does
/// not reach, power is linear in utilization, P = idle + u (busy - idle), and the rate is 1. Under
/// a cap below that, time and energy answer as docs/models/caps.md says, with P as the uncapped
/// mean power of the job. The host draws its active power for each GPU held, whatever the rest.
class UtilizationModel final : public JobEnergyModel {
 public:
  /// @param caps  by device; empty = the standard terms for all
  /// @throws std::invalid_argument unless 0 <= idle <= busy, utilizations are within 0 to 1 and
  ///   there is one node power (and cap terms, if any) a device
  UtilizationModel(std::vector<Device> devices, std::vector<NodePower> nodes_by_device,
                   std::vector<Profile> profiles, std::vector<DeviceCapTerms> caps = {});
  /// Answers for a profile's own utilization are kept. One thread at a time.
  /// @throws std::out_of_range for an unknown index, std::domain_error for a utilization outside
  ///   0 to 1 or a cap outside the device's range
  [[nodiscard]] OperatingPoint query(std::int32_t profile, std::int32_t device,
                                     const PlacementShape& shape, float utilization,
                                     Watts cap) const override;

 private:
  [[nodiscard]] OperatingPoint answer(std::size_t device, double utilization, Watts cap) const;

  std::vector<Device> devices_;
  std::vector<NodePower> nodes_;
  std::vector<Profile> profiles_;
  std::vector<DeviceCapTerms> caps_;
  using Question = std::tuple<std::int32_t, std::int32_t, Watts>;  ///< profile, device, cap
  mutable std::map<Question, OperatingPoint> known_;
};

}  // namespace nightwatt
