#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <unordered_map>
#include <vector>

#include "energy/device.hpp"
#include "energy/estimate.hpp"
#include "energy/terms.hpp"
#include "energy/utilization_model.hpp"
#include "energy/workload.hpp"

namespace nightwatt {

/// A job described by its model instead of a utilization, whatever number of devices it has.
struct DescribedWork {
  std::shared_ptr<const Model> model;
  /// Of one device: `batch` is a device's share. `numerics` is not used. 0 in `parallel` = by rule
  /// (spread_over).
  Work work;
  std::optional<Precision> precision;  ///< none = the usual one of each device
};

/// What a description comes to on so many devices of this kind.
/// @param compact_per_node  devices of a node where the job fills as few nodes as it can: what its
///   parallelism is cut to, wherever it runs then
/// @param per_node  devices of the job on each node where it runs
Work spread_over(const DescribedWork& described, const Device& device, std::uint32_t devices,
                 std::uint32_t compact_per_node, std::uint32_t per_node);

/// For jobs that a model and a phase describe; the others go to the model for utilizations.
///
/// Rate = time of an iteration on the reference (its cap, as few nodes as hold the job) over the
/// time here, with the same batch and parallelism: so a spread placement, a cap and another device
/// all act. The device's power is the mean over the iteration. Of a share of a GPU, rate and power
/// are those of the whole one.
class WorkModel final : public JobEnergyModel {
 public:
  using TermsOf = std::function<Terms(Stack, const Device&)>;

  /// @param profiles  each with a reference where it has described work
  /// @throws std::invalid_argument as UtilizationModel; for work without a reference or without a
  ///   model; for a device without the figures of a roofline
  WorkModel(std::vector<Device> devices, std::vector<NodePower> nodes_by_device,
            std::vector<Profile> profiles, std::vector<DescribedWork> works,
            std::vector<ReferenceRun> references, const TermsOf& terms_of,
            std::vector<DeviceCapTerms> caps = {}, MeasuredSpeeds speeds = {});
  WorkModel(const WorkModel&) = delete;
  WorkModel& operator=(const WorkModel&) = delete;

  /// Answers are kept. One thread at a time.
  /// @throws as UtilizationModel::query
  [[nodiscard]] OperatingPoint query(std::int32_t profile, std::int32_t device,
                                     const PlacementShape& shape, float utilization,
                                     Watts cap) const override;
  [[nodiscard]] std::optional<CollectiveLoad> collective(std::int32_t profile, std::int32_t device,
                                                         const PlacementShape& shape,
                                                         Watts cap) const override;

 private:
  /// What an answer depends on.
  struct Question {
    std::int32_t profile = 0;
    std::int32_t device = 0;  ///< of a reference: -1 - its index
    std::uint32_t devices = 1, nodes = 1, hops = 0;
    double fabric_bytes_per_s = 0, island_bytes_per_s = 0;
    double cap_w = 0;  ///< 0 of what is prepared for all caps
    friend bool operator==(const Question&, const Question&) = default;
  };
  struct Hash {
    std::size_t operator()(const Question& question) const;
  };
  [[nodiscard]] Question question(std::int32_t profile, std::int32_t device,
                                  const PlacementShape& shape, Watts cap) const;
  [[nodiscard]] const PreparedWork& prepared(Question question) const;
  [[nodiscard]] double reference_s(std::int32_t profile, std::uint32_t devices) const;

  UtilizationModel others_;
  std::vector<Device> devices_;
  std::vector<NodePower> nodes_;
  std::vector<Profile> profiles_;
  std::vector<DescribedWork> works_;
  std::vector<ReferenceRun> references_;
  std::vector<std::vector<Terms>> terms_;  ///< by stack and device, references behind the devices
  mutable std::unordered_map<Question, PreparedWork, Hash> prepared_;
  mutable std::unordered_map<Question, OperatingPoint, Hash> known_;
};

}  // namespace nightwatt
