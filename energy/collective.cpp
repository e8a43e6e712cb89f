#include "energy/collective.hpp"

#include <algorithm>
#include <cmath>

namespace nightwatt {
namespace {

/// Passes of the ring: an all-reduce goes round twice.
double ring_s(Collective kind, double bytes, double devices, double rate, double start_s,
              double hop_s) {
  if (devices <= 1) return 0;
  const double rounds = kind == Collective::all_reduce ? 2 : 1;
  if (kind == Collective::point) return start_s + hop_s + bytes / rate;
  const double moved = rounds * (devices - 1) / devices * bytes / rate;
  // Small parts do not fill the links: between latency and rate both are felt.
  const double latency = start_s + rounds * (devices - 1) * hop_s;
  return latency + moved + 0.5 * std::sqrt(latency * moved);
}

}  // namespace

double collective_s(Collective kind, double bytes, double devices, double per_node,
                    const Device& device, const Terms& terms, const Network& network) {
  if (devices <= 1 || bytes <= 0) return 0;
  const double start_s = terms[TermId::collective_us] * 1e-6;
  const double hop_s = device.scale_up.latency ? to_seconds(*device.scale_up.latency) : 1e-6;
  double inside = network.node_bytes_per_s > 0       ? network.node_bytes_per_s
                  : device.scale_up.bytes_per_s > 0  ? device.scale_up.bytes_per_s
                  : device.host_link.bytes_per_s > 0 ? device.host_link.bytes_per_s
                                                     : 12e9;
  inside *= terms[TermId::link];
  const double local = std::min(devices, std::max(1.0, per_node));
  const double nodes = std::ceil(devices / local);
  if (nodes <= 1) return ring_s(kind, bytes, devices, inside, start_s, hop_s);
  const double outside =
      terms[TermId::link] * (network.fabric_bytes_per_s > 0 ? network.fabric_bytes_per_s : 12.5e9);
  const double latency = network.fabric_latency_s;
  if (kind != Collective::all_reduce) {
    // The part that leaves the node dominates; what stays goes beside it.
    return std::max(ring_s(kind, bytes / nodes, local, inside, start_s, hop_s),
                    ring_s(kind, bytes * local / local, nodes, outside, start_s, latency));
  }
  return ring_s(Collective::reduce_scatter, bytes, local, inside, start_s, hop_s) +
         ring_s(Collective::all_reduce, bytes / local, nodes, outside, start_s, latency) +
         ring_s(Collective::all_gather, bytes, local, inside, start_s, hop_s);
}

}  // namespace nightwatt
