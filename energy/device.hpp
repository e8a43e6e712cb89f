#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "energy/quantity.hpp"

namespace nightwatt {

/// An accelerator (or a CPU core, for partitions that count cores) as the accounting sees it.
/// One catalogue file each in energy/catalog/devices; see docs/models for the columns.
struct Device {
  std::string id;  ///< "v100-pcie-32gb"
  std::string summary;
  Watts idle;              ///< held by nobody, or held and not working
  Watts busy;              ///< at utilization 1
  Watts min_cap, max_cap;  ///< legal range of the power cap; both 0 = cannot be capped
  std::vector<std::string> aliases;
  std::string source;
  bool assumed = false;  ///< a figure without a published source
};

/// A point of a supply's loss curve: watts drawn from the mains above the watts delivered.
struct LossPoint {
  Watts load;
  Watts loss;
};

/// What a node draws beside its devices.
struct NodePower {
  Watts host_idle;            ///< CPUs, memory, fans at idle, NIC
  Watts host_active_per_gpu;  ///< above host_idle, for each GPU held
  /// Supply (and fan) loss against load, piecewise linear, loads ascending; empty = none.
  std::vector<LossPoint> loss;

  /// Loss at a load: the first point's below the first, the last segment continued above the last.
  [[nodiscard]] Watts loss_at(Watts load) const;
  /// @throws std::invalid_argument for negative powers, loads that do not ascend, or a loss that
  ///   falls with load in its last segment
  void check() const;
};

/// What a job makes of a device. Part of a job class or of the scenario's defaults.
struct Profile {
  std::string name;
  double utilization = 1.0;  ///< of the device while the job runs, 0..1
};

/// How a job's GPUs are spread.
struct PlacementShape {
  std::uint32_t gpu_milli = 0;  ///< in all, 1/1000 GPU
  std::uint32_t nodes = 1;
  std::uint32_t max_hops = 0;  ///< between any two of its nodes, in the fabric graph
};

/// What limits a job at its operating point.
enum class Limit : std::uint8_t { none, compute, memory, communication, host, cap, duty_cycle };

/// Rate and power of a job on a device, while it runs.
struct OperatingPoint {
  double rate =
      1.0;     ///< reference seconds done in a second, relative to the trace's device uncapped
  Watts gpu;   ///< of one whole GPU, the idle floor included
  Watts host;  ///< above host idle, for each whole GPU held
  double clock = 1.0;  ///< of the highest
  Limit limit = Limit::none;
};

/// Answers how fast a job runs and what it draws. Pure: the same question has the same answer.
class JobEnergyModel {
 public:
  virtual ~JobEnergyModel() = default;
  /// @param profile      index into the simulation's profiles
  /// @param device       index into the simulation's devices
  /// @param utilization  measured by the trace, NaN = take the profile's
  /// @param cap          for each GPU; infinite = none
  [[nodiscard]] virtual OperatingPoint query(std::int32_t profile, std::int32_t device,
                                             const PlacementShape& shape, float utilization,
                                             Watts cap) const = 0;
};

/// Power linear in utilization between idle and busy, rate always 1: P = idle + u (busy - idle).
/// The host draws its active power for each GPU held, whatever the utilization. Knows no caps.
class UtilizationModel final : public JobEnergyModel {
 public:
  /// @throws std::invalid_argument unless 0 <= idle <= busy, utilizations are within 0 to 1 and
  ///   there is one node power a device
  UtilizationModel(std::vector<Device> devices, std::vector<NodePower> nodes_by_device,
                   std::vector<Profile> profiles);
  /// @throws std::out_of_range for an unknown index, std::domain_error for a utilization outside
  ///   0 to 1 or a cap below the power
  [[nodiscard]] OperatingPoint query(std::int32_t profile, std::int32_t device,
                                     const PlacementShape& shape, float utilization,
                                     Watts cap) const override;

 private:
  std::vector<Device> devices_;
  std::vector<NodePower> nodes_;
  std::vector<Profile> profiles_;
};

}  // namespace nightwatt
