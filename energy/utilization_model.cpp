#include "energy/utilization_model.hpp"

#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <string>
#include <utility>

namespace nightwatt {
namespace {

bool is_capped(Watts cap) { return !std::isinf(to_watts(cap)); }

/// What a device makes of a job that draws that mean power without a cap.
/// @throws std::domain_error for a cap outside the device's range
OperatingPoint capped(const Device& card, const DeviceCapTerms& terms, double u, Watts power,
                      Watts cap) {
  OperatingPoint point;
  point.gpu = power;
  if (!is_capped(cap)) return point;
  if (!(card.max_cap > Watts{}) || cap < card.min_cap || cap > card.max_cap) {
    throw std::domain_error(card.id + ": a cap outside the device's range");
  }
  if (u == 0.0 || cap == card.max_cap) return point;

  const CapDevice board{card.tdp > Watts{} ? card.tdp : card.busy, card.max_cap, card.idle};
  CapLoad load = loads_of({{1.0, 1.0, point.gpu}}, terms.shared, {}, board).front();
  const CappedStep uncapped = step_under_cap(load, terms.device, board, card.max_cap);
  if (uncapped.energy / uncapped.time < point.gpu) {
    // Busy for too short a time for so high a mean: the least share that gives it at the limit.
    load.busy_share = std::min(1.0, (point.gpu - card.idle) / (card.max_cap - card.idle));
  }
  const CapRatio ratio = ratio_at_cap(load, terms.device, board, cap);
  const CappedStep step = step_under_cap(load, terms.device, board, cap);
  point.rate = 1.0 / ratio.time;
  point.gpu = std::min(cap, point.gpu * (ratio.energy / ratio.time));
  point.clock = step.clock;
  point.limit = step.duty_cycle ? Limit::duty_cycle : step.clock < 1.0 ? Limit::cap : Limit::none;
  return point;
}

Watts mean_power(const Device& card, double u) { return card.idle + u * (card.busy - card.idle); }

}  // namespace

std::optional<double> device_speed(const Device& from, const Device& to) {
  const double peak = to.peak(Precision::fp32) / from.peak(Precision::fp32);
  const double bandwidth = to.memory_bytes_per_s / from.memory_bytes_per_s;
  const double speed = std::sqrt(peak * bandwidth);
  if (!(speed > 0.0) || std::isinf(speed)) return std::nullopt;
  return speed;
}

UtilizationModel::UtilizationModel(std::vector<Device> devices,
                                   std::vector<NodePower> nodes_by_device,
                                   std::vector<Profile> profiles, std::vector<DeviceCapTerms> caps,
                                   std::vector<ReferenceRun> references, MeasuredSpeeds speeds)
    : devices_(std::move(devices)),
      nodes_(std::move(nodes_by_device)),
      profiles_(std::move(profiles)),
      caps_(std::move(caps)),
      references_(std::move(references)),
      speeds_(std::move(speeds)) {
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
    if (profile.reference >= static_cast<std::int32_t>(references_.size())) {
      throw std::invalid_argument(profile.name + ": no such reference");
    }
  }
}

OperatingPoint UtilizationModel::query(std::int32_t profile, std::int32_t device,
                                       const PlacementShape& /*shape*/, float utilization,
                                       Watts cap) const {
  const auto d = static_cast<std::size_t>(device);
  if (!std::isnan(utilization)) {
    return relative(profile, d, static_cast<double>(utilization), cap);
  }
  const Question question{profile, device, cap};
  if (const auto known = known_.find(question); known != known_.end()) return known->second;
  const double u = profiles_.at(static_cast<std::size_t>(profile)).utilization;
  return known_.emplace(question, relative(profile, d, u, cap)).first->second;
}

OperatingPoint UtilizationModel::relative(std::int32_t profile, std::size_t d, double u,
                                          Watts cap) const {
  const std::int32_t reference = profiles_.at(static_cast<std::size_t>(profile)).reference;
  if (reference < 0) return answer(d, u, cap);
  const ReferenceRun& from = references_[static_cast<std::size_t>(reference)];
  double time = 1.0;  // of a second of the reference without a cap
  double share = u;
  if (const auto known = speeds_.find({profile, devices_.at(d).id}); known != speeds_.end()) {
    time = 1.0 / known->second;
  } else if (from.device.id != devices_[d].id) {
    const double speed = device_speed(from.device, devices_[d]).value_or(1.0);
    time = u / speed + (1.0 - u);
    share = u / speed / time;
  }
  OperatingPoint point = answer(d, share, cap);
  point.rate /= time;
  if (is_capped(from.cap)) {
    point.rate /= capped(from.device, from.caps, u, mean_power(from.device, u), from.cap).rate;
  }
  return point;
}

OperatingPoint UtilizationModel::answer(std::size_t d, double u, Watts cap) const {
  const Device& card = devices_.at(d);
  if (!(u >= 0.0 && u <= 1.0)) {
    throw std::domain_error("a job's utilization is not within 0 to 1");
  }
  OperatingPoint point = capped(card, caps_[d], u, mean_power(card, u), cap);
  point.host = nodes_[d].host_active_per_gpu;
  return point;
}

}  // namespace nightwatt
