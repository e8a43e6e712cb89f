#include "energy/roofline.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <stdexcept>

namespace nightwatt {
namespace {

struct Tile {
  double m, n;
  double efficiency;  ///< of the units' rate: small tiles reuse less of what they load
};
double tile_efficiency(double m, double n) { return std::min(1.0, std::sqrt(m * n) / 128.0); }
const std::array<Tile, 10>& tiles() {
  static const std::array<Tile, 10> all = [] {
    std::array<Tile, 10> t{{{256, 128, 0},
                            {128, 256, 0},
                            {128, 128, 0},
                            {256, 64, 0},
                            {64, 256, 0},
                            {128, 64, 0},
                            {64, 128, 0},
                            {64, 64, 0},
                            {32, 64, 0},
                            {16, 64, 0}}};
    for (Tile& tile : t) tile.efficiency = tile_efficiency(tile.m, tile.n);
    return t;
  }();
  return all;
}

/// Larger exponent: the sharper bound. Both are of the fits in docs/models/energy-model.md.
double norm4(double a, double b) { return std::sqrt(std::sqrt(a * a * a * a + b * b * b * b)); }
double norm3(double a, double b) { return std::cbrt(a * a * a + b * b * b); }

}  // namespace

bool on_tensor_units(Precision path) {
  return path != Precision::fp32 && path != Precision::fp32_matrix && path != Precision::fp64;
}

TiledTime tiled_time(double m, double n, double k, double products, double sms, double rate,
                     double fill_s) {
  const double per_sm = rate / sms;
  TiledTime best{std::numeric_limits<double>::infinity(), 1};
  for (const Tile& tile : tiles()) {
    const double blocks = std::ceil(m / tile.m) * std::ceil(n / tile.n) * products;
    const double block_s = 2 * tile.m * tile.n * k / (tile.efficiency * per_sm);
    if (blocks * block_s / sms >= best.seconds) continue;  // no split can be better
    for (double split = 1; split <= 16; split *= 2) {
      if (split > 1 && k / split < 256) break;
      const double time = std::ceil(blocks * split / sms) * (block_s / split + fill_s);
      if (time < best.seconds) best = {time, blocks * split};
      if (blocks * split >= 8 * sms) break;  // the tail no longer matters
    }
  }
  return best;
}

Rates::Rates(const Device& device, const Terms& t)
    : terms(t),
      boost_mhz(device.boost_mhz),
      min_mhz(device.min_mhz > 0 ? device.min_mhz : 0.15 * device.boost_mhz),
      sms(device.sms),
      l2_bytes(device.l2_bytes),
      bandwidth(t[TermId::bandwidth] * device.memory_bytes_per_s),
      peak(device.peak_per_s) {
  if (!(boost_mhz > 0 && sms > 0 && device.memory_bytes_per_s > 0)) {
    throw std::invalid_argument(device.id + " has no clock, units or memory bandwidth to model");
  }
  feed = t[TermId::feed] * sms * boost_mhz * 1e6;
}

Precision Rates::path(Precision wanted) const {
  const auto has = [&](Precision p) { return peak[static_cast<std::size_t>(p)] > 0; };
  if (has(wanted)) return wanted;
  switch (wanted) {
    case Precision::fp8:
    case Precision::int8:
    case Precision::bf16:
      if (has(Precision::bf16)) return Precision::bf16;
      if (has(Precision::fp16)) return Precision::fp16;
      return Precision::fp32;
    case Precision::fp16:
      return has(Precision::bf16) ? Precision::bf16 : Precision::fp32;
    default:
      return Precision::fp32;
  }
}

Precision Rates::path(const Operator& op) const {
  const Precision p = path(op.path);
  const bool product =
      op.kind == OperatorKind::product || op.kind == OperatorKind::batched_product ||
      op.kind == OperatorKind::expert_product || op.kind == OperatorKind::convolution;
  const auto matrix = static_cast<std::size_t>(Precision::fp32_matrix);
  return product && p == Precision::fp32 && peak[matrix] > 0 ? Precision::fp32_matrix : p;
}

double OperatorCost::at(double x) const {
  return norm4(compute_s / x, norm3(memory_s, feed_s / x)) + launch_s;
}

OperatorCost cost_of(const Operator& op, const Rates& r) {
  const Terms& t = r.terms;
  const Precision path = r.path(op);
  const double peak = r.peak[static_cast<std::size_t>(path)];
  const bool tensor = on_tensor_units(path);
  double efficiency = tensor ? t[TermId::tensor_gemm] : t[TermId::vector_gemm];
  double bandwidth = r.bandwidth, feed = r.feed;

  OperatorCost cost;
  cost.launch_s = op.kernels * t[TermId::launch_us] * 1e-6;
  switch (op.kind) {
    case OperatorKind::expert_product: {
      const bool narrow = op.path == Precision::fp8 || op.path == Precision::int8;
      const double share = t[TermId::mixture] * (narrow ? t[TermId::narrow_mixture] : 1.0);
      efficiency *= share;
      bandwidth *= share;
      break;
    }
    case OperatorKind::batched_product:
      efficiency *= t[TermId::batched_gemm];
      break;
    case OperatorKind::convolution:
      efficiency *= t[TermId::convolution];
      break;
    case OperatorKind::fused_attention:
      efficiency = tensor ? t[TermId::fused_attention] : efficiency;
      break;
    case OperatorKind::decode_attention:
      bandwidth *= t[TermId::decode_attention] / t[TermId::bandwidth];
      efficiency = tensor ? t[TermId::fused_attention] : efficiency;
      break;
    case OperatorKind::score_stream:
      feed *= t[TermId::score_feed];
      break;
    case OperatorKind::layout:
      bandwidth *= t[TermId::layout];
      feed *= t[TermId::layout];
      break;
    case OperatorKind::depthwise:
    case OperatorKind::product:
    case OperatorKind::stream:
      break;
  }
  switch (op.kind) {
    case OperatorKind::product:
    case OperatorKind::batched_product:
    case OperatorKind::expert_product:
    case OperatorKind::convolution: {
      const TiledTime tiled = tiled_time(op.m, op.n, op.k, op.products, r.sms, peak * efficiency,
                                         t[TermId::fill_us] * 1e-6);
      cost.compute_s = tiled.seconds;
      // Few blocks cannot keep the memory busy.
      bandwidth *= std::min(1.0, 2 * tiled.blocks / r.sms);
      break;
    }
    case OperatorKind::fused_attention:
    case OperatorKind::decode_attention:
      cost.compute_s = op.flops / (peak * efficiency);
      break;
    case OperatorKind::depthwise:
      // No tiles, no reuse: each tap is an instruction and a load of its own.
      cost.compute_s = op.flops / 2 * (0.5 + 0.25 * op.element_bytes) /
                       (t[TermId::depthwise] * r.sms * r.boost_mhz * 1e6);
      break;
    default:
      cost.compute_s = op.flops / r.peak[static_cast<std::size_t>(Precision::fp32)];
  }
  // What the cache does not hold goes to memory; all goes through the cache.
  const double fill = op.working_set / (t[TermId::cache_share] * std::max(r.l2_bytes, 1.0));
  const double miss = 1.0 - 1.0 / (1.0 + fill * fill * fill);
  cost.memory_bytes = op.cold_bytes + miss * op.data_bytes;
  cost.memory_s = (cost.memory_bytes + miss * op.stall_bytes) / bandwidth;
  cost.feed_s = (op.bytes() + op.stall_bytes) / feed;
  return cost;
}

}  // namespace nightwatt
