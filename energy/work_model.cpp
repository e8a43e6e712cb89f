#include "energy/work_model.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <numeric>
#include <stdexcept>
#include <utility>

namespace nightwatt {
namespace {

constexpr Watts no_cap = Watts::from_base(std::numeric_limits<double>::infinity());

/// A message between nodes of one rack takes this long (Network's own value); each further hop adds
/// a switch: 0.5 us, a usual figure of Ethernet switches that forward before the frame has ended
/// (assumed).
Seconds fabric_latency(std::uint32_t hops) {
  return seconds(Network{}.fabric_latency_s + 0.5e-6 * (hops > 2 ? hops - 2 : 0));
}

std::uint32_t ceil_div(std::uint32_t a, std::uint32_t b) { return (a + b - 1) / b; }

}  // namespace

Work spread_over(const DescribedWork& described, const Device& device, std::uint32_t devices,
                 std::uint32_t compact_per_node, std::uint32_t per_node) {
  Work work = described.work;
  const Precision math = described.precision.value_or(usual_precision(device));
  work.numerics = numerics_of(math, *described.model, work.phase, work.stack);
  work.batch = described.work.batch * devices;
  const Parallelism& wanted = described.work.parallel;
  Parallelism& p = work.parallel;
  const bool by_rule = wanted.data == 0 && wanted.tensor == 0 && wanted.pipeline == 0;
  // As far as the number of devices lets it: the largest part of what is wanted that divides it.
  std::uint32_t tensor = wanted.tensor;
  if (by_rule && generates_text(work.phase)) {
    // The weights of one replica are shared out over a node, and nodes follow one another.
    tensor = std::min(devices, compact_per_node);
  }
  p.tensor = std::gcd(std::max(1U, tensor), devices);
  const std::uint32_t rest = devices / p.tensor;
  p.pipeline =
      by_rule && generates_text(work.phase) ? rest : std::gcd(std::max(1U, wanted.pipeline), rest);
  p.data = rest / p.pipeline;
  p.expert = std::gcd(std::max(1U, wanted.expert), devices);
  p.micro_batches = wanted.micro_batches > 0        ? wanted.micro_batches
                    : work.phase == Phase::training ? 4 * p.pipeline
                                                    : 1;
  p.devices_per_node = per_node;
  return work;
}

WorkModel::WorkModel(std::vector<Device> devices, std::vector<NodePower> nodes_by_device,
                     std::vector<Profile> profiles, std::vector<DescribedWork> works,
                     std::vector<ReferenceRun> references, const TermsOf& terms_of,
                     std::vector<DeviceCapTerms> caps, MeasuredSpeeds speeds)
    : others_(devices, nodes_by_device, profiles, std::move(caps), references, std::move(speeds)),
      devices_(std::move(devices)),
      nodes_(std::move(nodes_by_device)),
      profiles_(std::move(profiles)),
      works_(std::move(works)),
      references_(std::move(references)),
      terms_(static_cast<std::size_t>(Stack::count)) {
  for (const Profile& profile : profiles_) {
    if (profile.work < 0) continue;
    if (profile.work >= static_cast<std::int32_t>(works_.size()) || profile.reference < 0) {
      throw std::invalid_argument(profile.name + ": no such work, or no reference");
    }
    const DescribedWork& described = works_[static_cast<std::size_t>(profile.work)];
    if (described.model == nullptr) throw std::invalid_argument(profile.name + ": no model");
    std::vector<Terms>& terms = terms_[static_cast<std::size_t>(described.work.stack)];
    if (!terms.empty()) continue;
    for (const Device& device : devices_) terms.push_back(terms_of(described.work.stack, device));
    for (const ReferenceRun& reference : references_)
      terms.push_back(terms_of(described.work.stack, reference.device));
  }
}

std::size_t WorkModel::Hash::operator()(const Question& q) const {
  const auto mix = [](std::uint64_t h, std::uint64_t v) {
    h = (h ^ v) * 0x9E3779B97F4A7C15ULL;
    return h ^ (h >> 32);
  };
  std::uint64_t h = (static_cast<std::uint64_t>(static_cast<std::uint32_t>(q.profile)) << 32) ^
                    static_cast<std::uint32_t>(q.device);
  h = mix(h, (static_cast<std::uint64_t>(q.devices) << 32) ^ q.nodes);
  h = mix(h, q.hops);
  h = mix(h, std::bit_cast<std::uint64_t>(q.fabric_bytes_per_s));
  h = mix(h, std::bit_cast<std::uint64_t>(q.island_bytes_per_s));
  return mix(h, std::bit_cast<std::uint64_t>(q.cap_w));
}

WorkModel::Question WorkModel::question(std::int32_t profile, std::int32_t device,
                                        const PlacementShape& shape, Watts cap) const {
  const std::uint32_t devices = std::max(1U, ceil_div(shape.gpu_milli, 1000));
  const std::uint32_t nodes = std::clamp(shape.nodes, 1U, devices);
  const bool crosses = nodes > 1;
  return {profile,
          device,
          devices,
          nodes,
          crosses ? shape.max_hops : 0,
          crosses ? shape.fabric_bytes_per_s : 0.0,
          devices > nodes ? shape.island_bytes_per_s : 0.0,
          to_watts(cap)};
}

const PreparedWork& WorkModel::prepared(Question q) const {
  q.cap_w = 0;
  if (const auto known = prepared_.find(q); known != prepared_.end()) return known->second;
  const Profile& profile = profiles_[static_cast<std::size_t>(q.profile)];
  const DescribedWork& described = works_[static_cast<std::size_t>(profile.work)];
  const ReferenceRun& reference = references_[static_cast<std::size_t>(profile.reference)];
  const bool here = q.device >= 0;
  const std::size_t index = here ? static_cast<std::size_t>(q.device)
                                 : devices_.size() + static_cast<std::size_t>(-1 - q.device);
  const Device& device = here ? devices_.at(index) : reference.device;
  const std::uint32_t compact_nodes = ceil_div(q.devices, reference.devices_per_node);
  const std::uint32_t per_node = ceil_div(q.devices, q.nodes);
  const Work work =
      spread_over(described, device, q.devices, ceil_div(q.devices, compact_nodes), per_node);
  Network network;
  network.node_bytes_per_s = q.island_bytes_per_s;
  network.fabric_bytes_per_s = q.fabric_bytes_per_s / per_node;
  network.fabric_latency_s = to_seconds(fabric_latency(q.hops));
  const Terms& terms = terms_[static_cast<std::size_t>(described.work.stack)][index];
  return prepared_
      .emplace(std::piecewise_construct, std::forward_as_tuple(q),
               std::forward_as_tuple(*described.model, work, device, terms, network))
      .first->second;
}

double WorkModel::reference_s(std::int32_t profile, std::uint32_t devices) const {
  const std::int32_t index = profiles_[static_cast<std::size_t>(profile)].reference;
  const ReferenceRun& reference = references_[static_cast<std::size_t>(index)];
  PlacementShape shape;
  shape.gpu_milli = devices * 1000;
  shape.nodes = ceil_div(devices, reference.devices_per_node);
  shape.fabric_bytes_per_s = reference.fabric_bytes_per_s;
  shape.island_bytes_per_s = reference.island_bytes_per_s;
  Knobs knobs;
  knobs.cap = reference.cap;
  return to_seconds(prepared(question(profile, -1 - index, shape, no_cap)).at(knobs).iteration);
}

OperatingPoint WorkModel::query(std::int32_t profile, std::int32_t device,
                                const PlacementShape& shape, float utilization, Watts cap) const {
  if (profiles_.at(static_cast<std::size_t>(profile)).work < 0) {
    return others_.query(profile, device, shape, utilization, cap);
  }
  const Question q = question(profile, device, shape, cap);
  if (const auto known = known_.find(q); known != known_.end()) return known->second;
  const Device& card = devices_.at(static_cast<std::size_t>(device));
  Knobs knobs;
  knobs.cap = cap;
  check_knobs(card, knobs);
  const Estimate estimate = prepared(q).at(knobs);
  OperatingPoint point;
  point.rate = reference_s(profile, q.devices) / to_seconds(estimate.iteration);
  point.gpu = std::max(card.idle, estimate.device_power);
  point.host = nodes_[static_cast<std::size_t>(device)].host_active_per_gpu;
  point.clock = card.boost_mhz > 0 ? estimate.clock_mhz / card.boost_mhz : 1.0;
  point.limit = estimate.limit;
  return known_.emplace(q, point).first->second;
}

std::optional<CollectiveLoad> WorkModel::collective(std::int32_t profile, std::int32_t device,
                                                    const PlacementShape& shape, Watts cap) const {
  if (profiles_.at(static_cast<std::size_t>(profile)).work < 0) return std::nullopt;
  const Question q = question(profile, device, shape, cap);
  const PreparedWork& work = prepared(q);
  const PreparedWork::Exchange& exchange = work.between_nodes();
  if (exchange.bytes <= 0) return std::nullopt;
  Knobs knobs;
  knobs.cap = cap;
  CollectiveLoad load;
  load.step = work.at(knobs).iteration;
  load.communication = seconds(exchange.all_s);
  load.hidden = seconds(exchange.hidden_s);
  load.bytes = exchange.bytes;
  load.message = exchange.message;
  load.waiting = work.waiting_power();
  return load;
}

}  // namespace nightwatt
