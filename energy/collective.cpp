#include "energy/collective.hpp"

#include <algorithm>
#include <cmath>

#include "energy/collective_curve.hpp"

namespace nightwatt {
namespace {

/// Round a ring; an all-reduce goes round twice.
double ring_s(Collective kind, double bytes, double devices, double link_bytes_per_s,
              const Terms& terms, double hop_s) {
  if (devices <= 1) return 0;
  CollectiveCurve curve;
  curve.efficiency = terms[TermId::link];
  if (kind == Collective::point) {
    curve.start_us = terms[TermId::collective_us] + hop_s * 1e6;
    return to_seconds(curve.at(bytes, link_bytes_per_s));
  }
  const double rounds = kind == Collective::all_reduce ? 2 : 1;
  curve.start_us = terms[TermId::collective_us] + rounds * (devices - 1) * hop_s * 1e6;
  return to_seconds(curve.at(rounds * (devices - 1) / devices * bytes, link_bytes_per_s));
}

/// A 100 Gb/s NIC a device where nothing is known.
double between_nodes(const Network& network) {
  return network.fabric_bytes_per_s > 0 ? network.fabric_bytes_per_s : 12.5e9;
}

}  // namespace

double collective_s(Collective kind, double bytes, double devices, double per_node,
                    const Device& device, const Terms& terms, const Network& network) {
  if (devices <= 1 || bytes <= 0) return 0;
  const double hop_s = device.scale_up.latency ? to_seconds(*device.scale_up.latency) : 1e-6;
  // PCIe 3.0 x16 where nothing is known.
  const double inside = network.node_bytes_per_s > 0       ? network.node_bytes_per_s
                        : device.scale_up.bytes_per_s > 0  ? device.scale_up.bytes_per_s
                        : device.host_link.bytes_per_s > 0 ? device.host_link.bytes_per_s
                                                           : 15.75e9;
  const double local = std::min(devices, std::max(1.0, per_node));
  const double nodes = std::ceil(devices / local);
  if (nodes <= 1) return ring_s(kind, bytes, devices, inside, terms, hop_s);
  const double outside = between_nodes(network);
  const double latency_s = network.fabric_latency_s;
  if (kind != Collective::all_reduce) {
    // What leaves the node and what stays go beside each other.
    return std::max(ring_s(kind, bytes, local, inside, terms, hop_s),
                    ring_s(kind, bytes, nodes, outside, terms, latency_s));
  }
  return ring_s(Collective::reduce_scatter, bytes, local, inside, terms, hop_s) +
         ring_s(Collective::all_reduce, bytes / local, nodes, outside, terms, latency_s) +
         ring_s(Collective::all_gather, bytes, local, inside, terms, hop_s);
}

RingMessage ring_message(double bytes, double nodes, const Terms& terms, const Network& network) {
  const double messages = 2 * (nodes - 1);
  const double start_s = terms[TermId::collective_us] * 1e-6 + messages * network.fabric_latency_s;
  const double total_s = ring_s(Collective::all_reduce, bytes, nodes, between_nodes(network), terms,
                                network.fabric_latency_s);
  const double wire_s = messages / nodes * bytes / between_nodes(network);
  return {seconds(start_s / messages), wire_s / (total_s - start_s)};
}

}  // namespace nightwatt
