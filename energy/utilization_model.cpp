#include "energy/utilization_model.hpp"

#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <string>
#include <utility>

namespace nightwatt {

UtilizationModel::UtilizationModel(std::vector<Device> devices,
                                   std::vector<NodePower> nodes_by_device,
                                   std::vector<Profile> profiles, std::vector<DeviceCapTerms> caps)
    : devices_(std::move(devices)),
      nodes_(std::move(nodes_by_device)),
      profiles_(std::move(profiles)),
      caps_(std::move(caps)) {
  if (nodes_.size() != devices_.size()) {
    throw std::invalid_argument("a device needs one node power each");
  }
  if (caps_.empty()) caps_.resize(devices_.size());
  if (caps_.size() != devices_.size()) {
    throw std::invalid_argument("a device needs cap terms each, or none does");
  }
  for (const Device& device : devices_) {
    if (!(device.idle >= Watts{} && device.busy >= device.idle)) {
      throw std::invalid_argument(device.id + ": 0 <= idle <= busy does not hold");
    }
  }
  for (const NodePower& node : nodes_) node.check();
  for (const Profile& profile : profiles_) {
    if (!(profile.utilization >= 0.0 && profile.utilization <= 1.0)) {
      throw std::invalid_argument(profile.name + ": the utilization is not within 0 to 1");
    }
  }
}

OperatingPoint UtilizationModel::query(std::int32_t profile, std::int32_t device,
                                       const PlacementShape& /*shape*/, float utilization,
                                       Watts cap) const {
  const auto d = static_cast<std::size_t>(device);
  if (!std::isnan(utilization)) return answer(d, static_cast<double>(utilization), cap);
  const Question question{profile, device, cap};
  if (const auto known = known_.find(question); known != known_.end()) return known->second;
  const double u = profiles_.at(static_cast<std::size_t>(profile)).utilization;
  return known_.emplace(question, answer(d, u, cap)).first->second;
}

OperatingPoint UtilizationModel::answer(std::size_t d, double u, Watts cap) const {
  const Device& card = devices_.at(d);
  if (!(u >= 0.0 && u <= 1.0)) {
    throw std::domain_error("a job's utilization is not within 0 to 1");
  }
  OperatingPoint point;
  point.gpu = card.idle + u * (card.busy - card.idle);
  point.host = nodes_[d].host_active_per_gpu;
  if (std::isinf(to_watts(cap))) return point;
  if (!(card.max_cap > Watts{}) || cap < card.min_cap || cap > card.max_cap) {
    throw std::domain_error(card.id + ": a cap outside the device's range");
  }
  if (u == 0.0 || cap == card.max_cap) return point;

  const CapDevice board{card.tdp > Watts{} ? card.tdp : card.busy, card.max_cap, card.idle};
  const CapTerms& terms = caps_[d].device;
  CapLoad load = loads_of({{1.0, 1.0, point.gpu}}, caps_[d].shared, {}, board).front();
  const CappedStep uncapped = step_under_cap(load, terms, board, card.max_cap);
  if (uncapped.energy / uncapped.time < point.gpu) {
    // Busy for too short a time for so high a mean: the least share that gives it at the limit.
    load.busy_share = std::min(1.0, (point.gpu - card.idle) / (card.max_cap - card.idle));
  }
  const CapRatio ratio = ratio_at_cap(load, terms, board, cap);
  const CappedStep step = step_under_cap(load, terms, board, cap);
  point.rate = 1.0 / ratio.time;
  point.gpu = std::min(cap, point.gpu * (ratio.energy / ratio.time));
  point.clock = step.clock;
  point.limit = step.duty_cycle ? Limit::duty_cycle : step.clock < 1.0 ? Limit::cap : Limit::none;
  return point;
}

}  // namespace nightwatt
