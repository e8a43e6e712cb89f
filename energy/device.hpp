#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "energy/quantity.hpp"

namespace nightwatt {

enum class DeviceKind : std::uint8_t { gpu, tpu, asic, cpu, cpu_core };

/// What peak rates are told apart by. fp16 and bf16 are those of the matrix units (tensor cores)
/// where there are any; fp32_matrix is AMD's fp32 on matrix units; all without sparsity.
enum class Precision : std::uint8_t { fp64, fp32, fp32_matrix, tf32, fp16, bf16, fp8, int8 };
inline constexpr std::size_t precision_count = 8;
/// "fp64", ..., "int8"
std::string_view precision_name(Precision precision);

struct VoltagePoint {
  double clock_mhz = 0.0;
  double volts = 0.0;
};

struct IdlePoint {
  double clock_mhz = 0.0;  ///< at which the device is held
  Watts power;
};

/// One direction of one device's links together.
struct Link {
  double bytes_per_s = 0.0;        ///< 0 = there is none
  std::optional<Seconds> latency;  ///< of a small message; none = not known
};

/// A fitted correction of the model: dimensionless, or with its unit in its name.
struct FittedTerm {
  double value = 0.0;
  std::string data;  ///< the measurements it was fitted to
  friend bool operator==(const FittedTerm&, const FittedTerm&) = default;
};

/// A name that traces and measurements give to a device.
struct Alias {
  std::string name;
  std::string source;  ///< who means this device by it ("zeus"); "" = anybody
  friend bool operator==(const Alias&, const Alias&) = default;
};

/// An accelerator (or a CPU, or a core of it for partitions that count cores): what a scheduler
/// hands out as one. Of a board that shows itself as several, each is a device, and all figures
/// are those of one. A figure that is 0 (a curve that is empty) is not there or not known.
/// One catalogue file each in energy/catalog/devices; docs/models/devices.md explains the columns.
struct Device {
  std::string id;  ///< "v100-pcie-32gb"
  std::string summary;
  Watts idle;              ///< held by nobody, or held and not working
  Watts busy;              ///< at utilization 1
  Watts min_cap, max_cap;  ///< legal range of the power cap; both 0 = cannot be capped
  std::vector<Alias> aliases;
  std::string source;
  bool assumed = false;  ///< a figure without a published source

  DeviceKind kind = DeviceKind::gpu;
  std::string vendor, architecture;
  int year = 0;
  int units_per_board = 1;
  Watts tdp;
  std::array<double, precision_count> peak_per_s{};  ///< operations at boost_mhz, by Precision
  double memory_bytes = 0.0, memory_bytes_per_s = 0.0, l2_bytes = 0.0;
  int sms = 0;  ///< streaming multiprocessors, compute units, cores
  double min_mhz = 0.0, base_mhz = 0.0, boost_mhz = 0.0, memory_mhz = 0.0;
  std::vector<VoltagePoint> voltage;  ///< clocks ascending, voltages never falling
  std::vector<IdlePoint> idle_curve;  ///< clocks ascending, with a context open
  Link scale_up;                      ///< to its peers in the node (NVLink, Infinity Fabric)
  Link host_link;                     ///< PCIe
  std::map<std::string, FittedTerm, std::less<>> terms;

  [[nodiscard]] double peak(Precision precision) const {
    return peak_per_s[static_cast<std::size_t>(precision)];
  }
  /// Linear between the points, flat beyond them; none without a curve.
  [[nodiscard]] std::optional<double> volts_at(double clock_mhz) const;
  /// The same of the idle power; `idle` without a curve.
  [[nodiscard]] Watts idle_at(double clock_mhz) const;
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
  std::uint32_t max_hops = 0;     ///< between any two of its nodes, in the fabric graph
  double fabric_bytes_per_s = 0;  ///< narrowest of its nodes' widest paths; 0 = not known
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

/// A message of a ring between nodes, alone on its path.
struct RingMessage {
  Seconds start;          ///< before its first byte moves
  double efficiency = 1;  ///< share of the links' rate that it reaches from then on
};

/// What a job of several devices exchanges in each of its steps.
struct CollectiveLoad {
  Seconds step;           ///< of one iteration alone on the fabric, communication included
  Seconds communication;  ///< of it, between nodes, by the analytic law (hidden or not)
  Seconds hidden;         ///< of `communication`, what runs beside the computing
  double bytes = 0;       ///< all-reduced between nodes in each step, by each device
  RingMessage message{};  ///< of the ring between the nodes (energy/collective.hpp)
  Watts waiting{};        ///< of a device that waits for the others; 0 = as the operating point
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
  /// What the job exchanges between its nodes; none for a job that is alone on its node, or of
  /// which nothing is known.
  [[nodiscard]] virtual std::optional<CollectiveLoad> collective(std::int32_t /*profile*/,
                                                                 std::int32_t /*device*/,
                                                                 const PlacementShape& /*shape*/,
                                                                 Watts /*cap*/) const {
    return std::nullopt;
  }
};

}  // namespace nightwatt
