#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "energy/utilization_model.hpp"
#include "energy/work_model.hpp"
#include "scenarios/catalog.hpp"
#include "scenarios/scenario.hpp"
#include "sim/timeline/timeline.hpp"

/// The energy model of a run, built again from what its timeline says: the scenario, and the
/// catalogue as it is now.
namespace nightwatt {

/// The scenario's partition of a job, by the job's columns `site` and `partition`.
class RunPartitions {
 public:
  RunPartitions(const TimelineFile& file, const Scenario& scenario);
  /// Null if the scenario has none of that name.
  const PartitionSpec* of(std::int64_t site, std::int64_t partition);

 private:
  const std::vector<std::string>&sites_, &names_;
  std::map<std::pair<std::string, std::string>, const PartitionSpec*> by_name_;
  std::map<std::pair<std::int64_t, std::int64_t>, const PartitionSpec*> known_;
};

/// The catalogue's file is the one that the run read.
bool same_as_in_run(const TimelineFile& file, const CatalogDevice& entry);

/// Null where the scenario gives no profile of that name.
const ProfileSpec* profile_of(const Scenario& scenario, const std::string& name);

/// Of jobs known by a utilization: that at which the device's mean power is what they drew without
/// a cap; none for a device whose power is the same at all of them.
std::optional<double> utilization_at(const Device& device, Watts uncapped);

/// For one device (index 0) and one kind of job (profile 0), which run where they were observed.
/// @param profile  may be null
/// @param utilization  of jobs that no model describes
/// @throws std::invalid_argument for a device without the figures of a roofline, InputError for a
///   model that the catalogue does not have
std::shared_ptr<const JobEnergyModel> model_of_kind(const PartitionSpec& partition,
                                                    const Device& device,
                                                    const DeviceCapTerms& caps,
                                                    const ProfileSpec* profile, double utilization);

/// Of so many devices on as few nodes of the partition as hold them.
PlacementShape compact_shape(const PartitionSpec& partition, std::uint32_t devices);

}  // namespace nightwatt
