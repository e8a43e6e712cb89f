#include "analysis/run_model.hpp"

#include <algorithm>

#include "scenarios/assemble.hpp"
#include "scenarios/model_catalog.hpp"
#include "scenarios/shared_terms.hpp"

namespace nightwatt {
namespace {

std::uint32_t devices_per_node(const PartitionSpec& partition) {
  return static_cast<std::uint32_t>(std::max<std::int64_t>(1, partition.gpus_per_node.value_or(1)));
}

}  // namespace

RunPartitions::RunPartitions(const TimelineFile& file, const Scenario& scenario)
    : sites_(file.table("site")), names_(file.table("partition")) {
  for (const SiteSpec& site : scenario.sites) {
    for (const PartitionSpec& p : site.partitions) by_name_[{site.name, p.name}] = &p;
  }
}

const PartitionSpec* RunPartitions::of(std::int64_t site, std::int64_t partition) {
  const auto [at, fresh] = known_.emplace(std::pair(site, partition), nullptr);
  if (fresh) {
    const auto found = by_name_.find({sites_.at(static_cast<std::size_t>(site)),
                                      names_.at(static_cast<std::size_t>(partition))});
    if (found != by_name_.end()) at->second = found->second;
  }
  return at->second;
}

bool same_as_in_run(const TimelineFile& file, const CatalogDevice& entry) {
  return std::any_of(file.inputs().begin(), file.inputs().end(), [&](const InputFile& input) {
    return input.report.path == entry.file && input.report.sha256 == entry.sha256;
  });
}

const ProfileSpec* profile_of(const Scenario& scenario, const std::string& name) {
  for (const ProfileSpec& profile : scenario.workload.profiles) {
    if (profile.name == name) return &profile;
  }
  return nullptr;
}

std::optional<double> utilization_at(const Device& device, Watts uncapped) {
  if (!(device.busy > device.idle)) return std::nullopt;
  return std::clamp((uncapped - device.idle) / (device.busy - device.idle), 0.0, 1.0);
}

std::shared_ptr<const JobEnergyModel> model_of_kind(const PartitionSpec& partition,
                                                    const Device& device,
                                                    const DeviceCapTerms& caps,
                                                    const ProfileSpec* profile,
                                                    double utilization) {
  NodePower node;
  node.host_active_per_gpu = partition.host.active_per_gpu;
  const std::string name = profile == nullptr ? "" : profile->name;
  if (profile == nullptr || profile->model.empty()) {
    return std::make_shared<UtilizationModel>(std::vector{device}, std::vector{node},
                                              std::vector{Profile{name, utilization, -1, -1}},
                                              std::vector{caps});
  }
  const DescribedWork work = described_work(*profile, model_catalog().model(profile->model).model);
  ReferenceRun reference;
  reference.device = device;
  reference.caps = caps;
  reference.devices_per_node = devices_per_node(partition);
  const auto terms_of = [](Stack stack, const Device& of) {
    return stack_terms(catalog().folders(), stack, of);
  };
  return std::make_shared<WorkModel>(std::vector{device}, std::vector{node},
                                     std::vector{Profile{name, 1.0, 0, 0}}, std::vector{work},
                                     std::vector{reference}, terms_of, std::vector{caps});
}

PlacementShape compact_shape(const PartitionSpec& partition, std::uint32_t devices) {
  const std::uint32_t per_node = devices_per_node(partition);
  PlacementShape shape;
  shape.gpu_milli = 1000 * devices;
  shape.nodes = (devices + per_node - 1) / per_node;
  return shape;
}

}  // namespace nightwatt
