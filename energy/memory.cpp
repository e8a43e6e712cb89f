#include "energy/memory.hpp"

#include <algorithm>
#include <cmath>

#include "energy/operators.hpp"

namespace nightwatt {
namespace {

/// Bytes that one layer leaves for the backward pass, and that it has in hand while it runs.
struct LayerBytes {
  double left = 0, in_hand = 0;
};

/// @param pixels  of the job, as parts of those at which the layers are given
LayerBytes activations(const RepeatedLayer& r, const Work& work, double batch, double tokens,
                       double pixels) {
  const double scale = work.numerics.data_bytes / 2;
  const double tensor = work.parallel.tensor;
  if (const auto* t = std::get_if<TransformerLayer>(&r.layer)) {
    const double per_sequence = r.rows == Rows::fixed ? r.tokens * pixels : tokens;
    const double rows = batch * per_sequence;
    const double keys = t->window > 0 ? std::min(t->window, per_sequence) : per_sequence;
    const bool fused = work.fused_attention || work.stack == Stack::engine;
    const double pairs = fused ? 0 : 5 * t->heads / tensor * rows * keys;
    const double width = std::max({t->width * (t->gated ? 2 : 1) * std::max(1.0, t->active_experts),
                                   3 * t->hidden, t->heads * t->head_dim});
    // A tenth part of the layer's input is kept whole on each device of a tensor-parallel group.
    return {scale * ((10 + 24 / tensor) * rows * t->hidden + pairs),
            scale * (2 * rows * (t->hidden + width / tensor) + 2 * pairs / 5)};
  }
  if (const auto* c = std::get_if<ConvLayer>(&r.layer)) {
    const double positions = batch * pixels * c->out_h * c->out_w;
    const double result = positions * c->out * c->out_t;
    // The activation is applied in place, as in torchvision's networks.
    return {scale * 2 * result * (1 + (c->norm ? 1 : 0)),
            scale * 2 * (result + positions * c->in * c->stride * c->stride)};
  }
  if (const auto* d = std::get_if<DenseLayer>(&r.layer)) {
    const double rows = r.rows == Rows::sample ? batch : batch * tokens;
    const bool last = r.rows == Rows::last && work.phase != Phase::training;
    const double bytes = scale * 4 * (last ? batch : rows) * d->out / tensor;
    return {bytes, bytes};
  }
  if (const auto* s = std::get_if<StateSpaceLayer>(&r.layer)) {
    const double bytes = scale * 2 * batch * tokens * (3 * s->heads * s->head_dim) / tensor;
    return {2 * bytes, bytes};
  }
  if (const auto* n = std::get_if<RecurrentLayer>(&r.layer)) {
    const double bytes = scale * 2 * batch * tokens * n->directions * n->gates * n->hidden;
    return {2 * bytes, bytes};
  }
  return {};
}

}  // namespace

MemoryNeed memory_need(const Model& model, const Work& work) {
  const Parallelism& p = work.parallel;
  const ModelSize size = size_of(model);
  const double split = static_cast<double>(p.tensor) * p.pipeline;
  double expert_parameters = 0;
  for (const ModelStage& stage : model.stages) {
    for (const RepeatedLayer& r : stage.layers) {
      const auto* t = std::get_if<TransformerLayer>(&r.layer);
      if (t == nullptr) continue;
      expert_parameters += r.repeat * t->experts * (t->gated ? 3 : 2) * t->hidden * t->width;
    }
  }
  const double expert_split = std::max(split, static_cast<double>(p.expert) * p.pipeline);
  const double parameters =
      (size.all() - expert_parameters) / split + expert_parameters / expert_split;

  MemoryNeed need;
  need.weights = parameters * work.numerics.weight_bytes;
  const double batch = work.batch / p.data;
  const bool training = work.phase == Phase::training;
  const bool one_token = work.phase == Phase::decode || work.phase == Phase::serving;
  const double sequence = work.sequence > 0 ? work.sequence : std::max(1.0, model.sequence);
  const double tokens = one_token ? 1 : sequence;
  if (training) need.training = parameters * (work.numerics.weight_bytes + work.state_bytes);
  const auto part = [](double asked, double given) {
    return asked > 0 && given > 0 ? asked / given : 1.0;
  };
  const double pixels = part(work.height, model.height) * part(work.width, model.width) *
                        part(work.frames, model.frames);
  double left = 0, in_hand = 0;
  for (const ModelStage& stage : model.stages) {
    for (const RepeatedLayer& r : stage.layers) {
      const LayerBytes bytes =
          activations(r, work, batch * stage.passes, tokens, stage.scales ? pixels : 1.0);
      const auto* t = std::get_if<TransformerLayer>(&r.layer);
      const bool again = work.recompute && t != nullptr;
      left += r.repeat / p.pipeline *
              (again ? 2 * batch * tokens * t->hidden * work.numerics.data_bytes / 2 : bytes.left);
      in_hand = std::max(in_hand, bytes.in_hand);
    }
  }
  need.activations = training ? left : in_hand;
  if (one_token) {
    const double context = work.context > 0 ? work.context : sequence;
    need.kept = batch * work.numerics.data_bytes *
                (kept_numbers(model, context) + size.state_per_sequence) / split;
  }
  return need;
}

double largest_batch(const Model& model, Work work, double bytes) {
  const auto fits = [&](double batch) {
    work.batch = batch;
    return memory_need(model, work).all() <= bytes;
  };
  const double step = work.parallel.data;  // at least one sample on each
  if (!fits(step)) return 0;
  double low = step, high = 2 * step;
  while (fits(high) && high < 1e9) {
    low = high;
    high *= 2;
  }
  while (high - low > step) {
    const double middle = std::floor((low + high) / 2 / step) * step;
    (fits(middle) ? low : high) = middle;
  }
  return low;
}

}  // namespace nightwatt
