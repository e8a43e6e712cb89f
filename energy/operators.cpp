#include "energy/operators.hpp"

#include <algorithm>
#include <cmath>
#include <stdexcept>

namespace nightwatt {
namespace {

template <class... F>
struct Overload : F... {
  using F::operator()...;
};
template <class... F>
Overload(F...) -> Overload<F...>;

double attention_width(const TransformerLayer& l) { return l.heads * l.head_dim; }
double key_width(const TransformerLayer& l) { return l.kv_heads * l.head_dim; }

/// Numbers kept of a token in a layer: keys and values, or the latent that stands for them.
double kept_width(const TransformerLayer& l) {
  if (l.heads == 0 || !l.causal) return 0;
  return l.latent > 0 ? l.latent : 2 * key_width(l);
}

double attention_parameters(const TransformerLayer& l) {
  if (l.heads == 0) return 0;
  const double q = attention_width(l);
  // With a latent: down to it and up to all heads, keys and values.
  const double kv = l.latent > 0 ? l.latent * (l.hidden + 2 * q) : 2 * l.hidden * key_width(l);
  double out = 2 * l.hidden * q + kv;
  if (l.cross_tokens > 0) {
    const double width = l.cross_width > 0 ? l.cross_width : l.hidden;
    out += 2 * l.hidden * q + 2 * width * key_width(l);
  }
  return out;
}

double matrices(const TransformerLayer& l) { return l.gated ? 3 : 2; }

double feed_forward_parameters(const TransformerLayer& l, double experts) {
  const double shared = matrices(l) * l.hidden * l.shared_width;
  if (l.experts == 0) return matrices(l) * l.hidden * l.width + shared;
  return experts * matrices(l) * l.hidden * l.width + shared + l.hidden * l.experts;
}

double state_width(const StateSpaceLayer& l) { return l.heads * l.head_dim; }
double state_projection(const StateSpaceLayer& l) {
  return 2 * state_width(l) + 2 * l.groups * l.state + l.heads;
}

double parameters_of(const Layer& layer, bool active_only) {
  return std::visit(Overload{
                        [&](const TransformerLayer& l) {
                          const double all = attention_parameters(l) +
                                             feed_forward_parameters(
                                                 l, active_only ? l.active_experts : l.experts);
                          return active_only ? all : all / l.shared_weights;
                        },
                        [](const StateSpaceLayer& l) {
                          return l.hidden * (state_projection(l) + state_width(l));
                        },
                        [](const ConvLayer& l) {
                          return l.in / l.groups * l.out * l.kernel_h * l.kernel_w * l.kernel_t;
                        },
                        [](const RecurrentLayer& l) {
                          return l.directions * l.gates * l.hidden * (l.input + l.hidden);
                        },
                        [](const DenseLayer& l) { return l.in * l.out; },
                        [](const EmbeddingLayer&) { return 0.0; },
                    },
                    layer);
}

/// Appends the operators of layers, forward.
class Builder {
 public:
  Builder(const Model& model, const Work& work, double routing, std::vector<Operator>& out)
      : work_(work), num_(work.numerics), routing_(routing), out_(out) {
    const Parallelism& p = work.parallel;
    tensor_ = p.tensor;
    expert_ = p.expert;
    batch_ = work.batch / p.data;
    sequence_ = work.sequence > 0 ? work.sequence : model.sequence;
    const auto ratio = [](double asked, double given) {
      return asked > 0 && given > 0 ? asked / given : 1.0;
    };
    frames_ = ratio(work.frames, model.frames);
    high_ = ratio(work.height, model.height);
    wide_ = ratio(work.width, model.width);
    steps_ = work.steps > 0 ? work.steps : model.steps;
    switch (work.phase) {
      case Phase::decode:
        tokens_ = 1;
        context_ = work.context > 0 ? work.context : sequence_;
        decoding_ = true;
        break;
      case Phase::serving:
        decoding_ = true;
        context_ = work.context;
        tokens_ = 1;
        break;
      default:
        tokens_ = context_ = sequence_;
    }
  }

  /// From here on: steps of an engine that happen `share` of the time, with that many prompts.
  void step(double share, double prompts) {
    share_ = share;
    prompts_ = prompts;
  }

  void stage(const ModelStage& stage) {
    const double batch = batch_;
    batch_ *= stage.passes;
    const double repeats = stage.per_step ? steps_ : 1.0;
    scale_ = stage.scales;
    split_ = stage.per_step ? work_.parallel.sequence : 1;
    for (const RepeatedLayer& repeated : stage.layers) {
      if (repeated.rows == Rows::last && !work_.with_head) continue;
      repeat_ = share_ * repeated.repeat * repeats / work_.parallel.pipeline;
      switch (repeated.rows) {
        case Rows::sequence:
          row_tokens_ = tokens_;
          break;
        case Rows::sample:
          row_tokens_ = 1;
          break;
        case Rows::last:
          row_tokens_ =
              work_.phase == Phase::training || work_.phase == Phase::inference ? tokens_ : 1;
          break;
        case Rows::fixed:
          row_tokens_ = repeated.tokens * (scale_ ? high_ * wide_ * frames_ : 1.0);
          break;
      }
      fixed_ = repeated.rows == Rows::fixed;
      rows_ = batch_ * row_tokens_ / split_;
      if (repeated.rows == Rows::sequence) rows_ += prompts_ * work_.prompt;
      if (repeated.rows == Rows::last) rows_ += prompts_;
      std::visit([this](const auto& layer) { add(layer); }, repeated.layer);
    }
    batch_ = batch;
  }

 private:
  [[nodiscard]] bool eager() const { return work_.stack != Stack::engine; }

  Operator& push(const char* name, OperatorKind kind) {
    Operator op;
    op.name = name;
    op.kind = kind;
    op.path = num_.math;
    op.count = repeat_;
    out_.push_back(op);
    return out_.back();
  }

  void stream(const char* name, double elements, double bytes_each, double flops_each = 1,
              double kernels = 1) {
    Operator& op = push(name, OperatorKind::stream);
    op.path = Precision::fp32;
    op.kernels = op.calls = kernels;
    op.data_bytes = elements * bytes_each;
    // One kernel's share: what it leaves may still be there for the next.
    op.working_set = op.data_bytes / kernels;
    op.flops = elements * flops_each * kernels;
  }

  void layout(const char* name, double elements, double kernels) {
    Operator& op = push(name, OperatorKind::layout);
    op.path = Precision::fp32;
    op.kernels = op.calls = kernels;
    // Elements move one by one: narrow ones take as long as wide ones.
    op.data_bytes = elements * 2 * std::max(4.0, num_.data_bytes);
    op.working_set = op.data_bytes / kernels;
  }

  /// Training has new weights at each iteration; inference keeps those that were cast.
  void cast_weights(double weights, double kernels) {
    if (work_.phase != Phase::training) return;
    Operator& cast = push("cast of weights", OperatorKind::stream);
    cast.path = Precision::fp32;
    cast.kernels = cast.calls = kernels;
    cast.cold_bytes = weights * (4 + num_.weight_bytes);
  }

  /// rows x k by k x n, with weights.
  void product(const char* name, double rows, double n, double k, bool cast_input) {
    if (num_.casts) {
      if (cast_input) stream("cast", rows * k, num_.stream_bytes + num_.data_bytes);
      cast_weights(n * k, 2);  // and of the bias
    }
    Operator& op = push(name, OperatorKind::product);
    op.m = rows;
    op.n = n;
    op.k = k;
    op.flops = 2 * rows * n * k;
    op.cold_bytes = n * k * num_.weight_bytes;
    op.data_bytes = rows * (n + k) * num_.data_bytes;
    op.working_set = op.data_bytes;
  }

  void residual_and_norm(double rows, double width) {
    const double s = num_.stream_bytes;
    if (eager()) {
      stream("residual", rows * width, num_.data_bytes + 2 * s);
      stream("norm", rows * width, 2 * s, 6);
    } else {
      stream("residual and norm", rows * width, 4 * s, 7);
    }
  }

  /// Scores, soft-max and context of `queries` on `keys` tokens of each sequence.
  void attention(const TransformerLayer& l, double queries, double keys, bool causal) {
    // Devices that share tokens swap them for heads.
    const double heads = l.heads / tensor_ / split_;
    const double d = num_.data_bytes;
    const double pairs = batch_ * heads * queries * keys;
    if (!eager() || work_.fused_attention) {
      Operator& op = push("attention", OperatorKind::fused_attention);
      op.flops = 4 * pairs * l.head_dim * (causal ? 0.5 : 1.0);
      op.m = queries;
      op.n = keys;
      op.k = l.head_dim;
      op.products = batch_ * heads;
      op.data_bytes = batch_ * l.head_dim * d *
                      (2 * heads * queries + 2 * l.kv_heads / tensor_ / split_ * keys);
      op.working_set = op.data_bytes;
      if (split_ > 1 && queries == keys) op.swapped_bytes = op.data_bytes;
      return;
    }
    layout("heads", batch_ * l.head_dim * heads * (queries + 2 * keys), 3);
    const auto product = [&](const char* name, double n, double k) {
      Operator& op = push(name, OperatorKind::batched_product);
      op.m = queries;
      op.n = n;
      op.k = k;
      op.products = batch_ * heads;
      op.flops = 2 * pairs * l.head_dim;
      op.data_bytes = batch_ * heads * d * (queries * keys + l.head_dim * (queries + keys));
      op.working_set = op.data_bytes;
    };
    product("scores", keys, l.head_dim);
    score_passes(l.scores, pairs);
    product("context", l.head_dim, keys);
    layout("heads back", batch_ * l.head_dim * heads * queries, 1);
  }

  /// Bytes of an element of the scores, pass by pass. With casts, a 4-byte mask or soft-max widens
  /// to 4 bytes, and the second product narrows again.
  void score_passes(ScorePasses kind, double pairs) {
    const double d = num_.data_bytes, s = num_.stream_bytes;
    const double narrow = s > d ? s + d : 0;
    double bytes = 0, kernels = 3;
    switch (kind) {
      case ScorePasses::scale_mask:
        bytes = 6 * d;
        break;
      case ScorePasses::scale_where:
        bytes = 2 * d + (2 * d + 1) + (d + s) + narrow;
        break;
      case ScorePasses::mask_clamp:
        bytes = (d + s) + 2 * s + 2 * s + narrow;
        break;
      case ScorePasses::plain:
        bytes = 2 * d;
        kernels = 1;
        break;
    }
    if (narrow > 0 && kind != ScorePasses::scale_mask) kernels += 1;
    Operator& op = push("score passes", OperatorKind::score_stream);
    op.path = Precision::fp32;
    op.kernels = op.calls = kernels;
    op.data_bytes = pairs * bytes;
    op.working_set = op.data_bytes / kernels;
    op.flops = pairs * (4 + kernels);  // soft-max 5, each other pass 1
  }

  /// Each pass of a framework that fuses nothing reads and writes its tensors whole; norms and
  /// rotations widen to four bytes on the way (diffusers).
  void unfused_passes(const TransformerLayer& l, double rows, double q, double kv) {
    if (!eager()) return;
    const double d = num_.data_bytes, wide = 4;
    if (l.modulated) stream("modulation", rows * l.hidden, 2 * 6 * d, 2 * 3, 2 * 3);
    if (l.qk_norm) {
      // Widen, square, mean, scale, narrow, weigh.
      stream("norm of queries and keys", rows * (q + kv), 6 * d + 6 * wide, 6, 6);
    }
    if (l.rotary) {
      // Swap halves; widen, times cosine; widen, times sine; add, narrow.
      stream("rotation", rows * (q + kv), 7 * d + 9 * wide, 6, 8);
    }
  }

  void decode_attention(const TransformerLayer& l, double context) {
    const double seen = l.window > 0 ? std::min(l.window, context) : context;
    const double heads = l.heads / tensor_;
    Operator& op = push("attention", OperatorKind::decode_attention);
    op.kernels = 2;  // the second adds up the parts
    // A latent is read once for all heads of the device; so are keys of fewer heads than devices.
    const double width =
        l.latent > 0 ? l.latent : std::max(2 * key_width(l) / tensor_, 2 * l.head_dim);
    op.flops = (l.latent > 0 ? 2 * batch_ * heads * seen * 2 * l.latent
                             : 4 * batch_ * heads * l.head_dim * seen);
    op.cold_bytes = batch_ * seen * width * num_.data_bytes;
    op.data_bytes = 2 * batch_ * heads * l.head_dim * num_.data_bytes;
    op.working_set = op.data_bytes;
  }

  void add(const TransformerLayer& l) {
    const bool decodes = decoding_ && !fixed_;
    // What sees tokens on both sides is an encoder: it runs once, on the prompt.
    const bool encoder = decodes && l.heads > 0 && !l.causal;
    const double rows = encoder ? prompts_ * work_.prompt : rows_;
    if (rows == 0) return;
    const double per_sequence = row_tokens_;
    if (l.heads > 0) {
      const double q = attention_width(l) / tensor_;
      const double kv = std::max(key_width(l) / tensor_, l.head_dim);
      if (l.latent > 0) {
        product("query", rows, q, l.hidden, true);
        product("latent", rows, l.latent, l.hidden, false);
        product("key and value", rows, 2 * q, l.latent, false);
      } else if (l.fused_qkv || !eager()) {
        product("query, key, value", rows, q + 2 * kv, l.hidden, true);
      } else {
        product("query", rows, q, l.hidden, true);
        product("key", rows, kv, l.hidden, true);
        product("value", rows, kv, l.hidden, true);
      }
      unfused_passes(l, rows, q, kv);
      if (decodes) {
        if (!encoder) decode_attention(l, context_);
        if (prompts_ > 0) {
          const double batch = batch_;
          batch_ = prompts_;
          const double keys = l.window > 0 ? std::min(l.window, work_.prompt) : work_.prompt;
          attention(l, work_.prompt, keys, l.causal && keys == work_.prompt);
          batch_ = batch;
        }
      } else {
        const double keys = l.window > 0 ? std::min(l.window, per_sequence) : per_sequence;
        attention(l, per_sequence, keys, l.causal && keys == per_sequence);
      }
      product("output", rows, l.hidden, q, false);
      residual_and_norm(rows, l.hidden);
      if (l.cross_tokens > 0) {
        const double width = l.cross_width > 0 ? l.cross_width : l.hidden;
        product("cross query", rows, q, l.hidden, true);
        // Kept from the first token on.
        const double fresh = decodes ? prompts_ : batch_;
        if (fresh > 0) product("cross key and value", fresh * l.cross_tokens, 2 * kv, width, false);
        if (decodes) {
          decode_attention(l, l.cross_tokens);
        } else {
          attention(l, per_sequence, l.cross_tokens, false);
        }
        product("cross output", rows, l.hidden, q, false);
        residual_and_norm(rows, l.hidden);
      }
    }
    if (l.width > 0) feed_forward(l, rows);
  }

  void feed_forward(const TransformerLayer& l, double rows) {
    const bool dense = l.experts == 0;
    const double width = (dense ? l.width : l.shared_width) / tensor_;
    if (width > 0) {
      if (l.gated && eager()) {
        product("gate", rows, width, l.hidden, true);
        product("up", rows, width, l.hidden, true);
      } else {
        product("up", rows, (l.gated ? 2 : 1) * width, l.hidden, true);
      }
      activate(l, rows * width);
      product("down", rows, l.hidden, width, false);
    }
    if (!dense) experts(l, rows);
    residual_and_norm(rows, l.hidden);
  }

  void activate(const TransformerLayer& l, double elements) {
    const double d = num_.data_bytes;
    if (l.activation == Activation::gelu_unfused && eager()) {
      // cube, times, plus, times, tanh, plus 1, half, times: 18 tensors read or written, of which
      // the caches serve a third (measured: A10 and A100 alike, bf16 and fp32).
      stream("gelu", elements, 12 * d, 1, 8);
      return;
    }
    if (l.gated) {
      // silu (or gelu), then times; an engine does both at once.
      stream("gate", elements, (eager() ? 5 : 3) * d, 4, eager() ? 2 : 1);
    } else {
      stream("activation", elements, 2 * d, 4);
    }
  }

  void experts(const TransformerLayer& l, double rows) {
    product("router", rows, l.experts, l.hidden, false);
    // Experts are split over the job's devices either whole or by width; each device holds the
    // same share. The expected number of experts that are chosen by at least one token:
    const double owned = l.experts / expert_;
    const double used = owned * (1 - std::pow(1 - l.active_experts / l.experts, routing_ * rows));
    const double width = expert_ > 1 ? l.width : l.width / tensor_;
    const double routed = rows * l.active_experts / expert_;
    const auto product = [&](const char* name, double n, double k) {
      Operator& op = push(name, OperatorKind::expert_product);
      op.products = std::max(1.0, used);
      op.m = routed / op.products;
      op.n = n;
      op.k = k;
      op.flops = 2 * routed * n * k;
      op.cold_bytes = op.products * n * k * num_.weight_bytes;
      op.data_bytes = routed * (n + k) * num_.data_bytes;
      op.working_set = op.data_bytes;
    };
    product("experts up", (l.gated ? 2 : 1) * width, l.hidden);
    activate(l, routed * width);
    product("experts down", l.hidden, width);
    stream("experts together", routed * l.hidden, 2 * num_.data_bytes, 2, 3);
  }

  void add(const StateSpaceLayer& l) {
    const double inner = state_width(l) / tensor_;
    product("state in", rows_, state_projection(l) / tensor_, l.hidden, true);
    Operator& op = push("state scan", OperatorKind::stream);
    op.path = Precision::fp32;
    op.kernels = op.calls = 2;
    const double state = inner * l.state;
    op.flops = rows_ * state * 6;
    // Decoding reads and writes the state of each sequence; a prompt keeps it on the chip.
    op.cold_bytes = decoding_ ? 2 * batch_ * state * num_.data_bytes : 0;
    op.data_bytes = rows_ * (2 * inner + 2 * l.groups * l.state) * num_.data_bytes;
    op.working_set = op.data_bytes;
    product("state out", rows_, l.hidden, inner, false);
    residual_and_norm(rows_, l.hidden);
  }

  void add(const ConvLayer& l) {
    const double positions =
        batch_ * l.out_h * l.out_w * l.out_t * (scale_ ? high_ * wide_ * frames_ : 1.0) / split_;
    const double d = num_.data_bytes;
    const double result = positions * l.out, input = positions * l.in * l.stride * l.stride;
    const double weights = parameters_of(Layer(l), false);
    if (num_.casts) cast_weights(weights, 1);
    const bool depthwise = l.groups > 1 && l.groups == l.in && l.groups == l.out;
    const bool matrix_units = num_.math != Precision::fp32 && num_.math != Precision::fp64;
    if (matrix_units && !depthwise && eager()) {
      layout("layout", input + result, 2);
      out_.back().calls = 0;  // the library does it inside the convolution
    }
    Operator& op =
        push("convolution", depthwise ? OperatorKind::depthwise : OperatorKind::convolution);
    if (depthwise) op.path = Precision::fp32;
    op.element_bytes = d;
    op.m = positions;
    op.n = l.out / l.groups;
    op.k = l.in / l.groups * l.kernel_h * l.kernel_w * l.kernel_t;
    op.products = l.groups;
    op.flops = 2 * positions * l.out * op.k;
    op.cold_bytes = weights * num_.weight_bytes;
    op.data_bytes = (input + result) * d;
    op.working_set = op.data_bytes;
    if (l.norm) stream("norm", result, 2 * d, 2);
    if (l.active) stream("activation", result, 2 * d);
    if (l.added) stream("shortcut", result, 3 * d);
  }

  void add(const RecurrentLayer& l) {
    const double wide = l.gates * l.hidden;
    product("recurrent input", rows_, l.directions * wide, l.input, true);
    const double repeat = repeat_;
    repeat_ *= row_tokens_;
    Operator& op = push("recurrent step", OperatorKind::product);
    op.m = batch_;
    op.n = wide;
    op.k = l.hidden;
    op.products = l.directions;
    op.flops = 2 * batch_ * wide * l.hidden * l.directions;
    // The weights of a step are those of the step before.
    op.data_bytes = l.directions * (wide * l.hidden * num_.weight_bytes +
                                    batch_ * (2 * wide + l.hidden) * num_.data_bytes);
    op.working_set = op.data_bytes;
    repeat_ = repeat;
  }

  void add(const DenseLayer& l) {
    product("dense", rows_, l.out / tensor_, l.in, true);
    if (l.active) stream("activation", rows_ * l.out / tensor_, 2 * num_.data_bytes);
  }

  void add(const EmbeddingLayer& l) {
    Operator& op = push("embedding", OperatorKind::stream);
    op.path = Precision::fp32;
    const double numbers = rows_ * l.lookups * l.width / tensor_;
    op.cold_bytes = numbers * num_.stream_bytes;
    op.data_bytes = numbers * num_.stream_bytes;
    op.working_set = op.data_bytes;
    op.flops = l.lookups > 1 ? numbers : 0;
  }

  const Work& work_;
  const Numerics& num_;
  const double routing_;
  std::vector<Operator>& out_;
  double tensor_ = 1, expert_ = 1, batch_ = 1, sequence_ = 0, frames_ = 1, high_ = 1, wide_ = 1,
         steps_ = 1;
  double tokens_ = 1, context_ = 0, share_ = 1, prompts_ = 0;
  bool decoding_ = false;
  // Of the layer at hand.
  double repeat_ = 1, row_tokens_ = 1, rows_ = 1, split_ = 1;
  bool scale_ = true, fixed_ = false;
};

/// Backward: a product has two (by inputs and by weights); all else moves and computes twice the
/// bytes of its forward pass.
void add_backward(std::vector<Operator>& ops, bool recompute) {
  const std::size_t forward = ops.size();
  for (std::size_t i = 0; i < forward; ++i) {
    if (recompute) ops[i].count *= 2;
    Operator op = ops[i];
    if (recompute) op.count /= 2;
    switch (op.kind) {
      case OperatorKind::product:
      case OperatorKind::batched_product:
      case OperatorKind::expert_product:
      case OperatorKind::convolution: {
        Operator inputs = op, weights = op;
        inputs.n = op.k;
        inputs.k = op.n;
        weights.m = op.n;
        weights.n = op.k;
        weights.k = op.m;
        ops.push_back(inputs);
        ops.push_back(weights);
        break;
      }
      default:
        op.flops *= 2;
        op.data_bytes *= 2;
        op.cold_bytes *= 2;
        op.kernels *= 2;
        op.calls *= 2;
        ops.push_back(op);
    }
  }
}

}  // namespace

PromptSteps prompt_steps(const Work& work) {
  if (work.phase != Phase::serving || !(work.prompt > 0) || !(work.output > 0)) return {};
  const double arrivals = work.batch / work.parallel.data / work.output;
  return {std::min(1.0, arrivals), std::max(1.0, arrivals)};
}

Numerics numerics_of(Precision math, const Model& model, Phase phase, Stack stack) {
  Numerics n;
  n.math = math;
  if (math == Precision::fp32 || math == Precision::tf32) {
    n.weight_bytes = n.data_bytes = n.stream_bytes = 4;
    return n;
  }
  if (stack == Stack::engine) {
    // Published weights may be narrower than what the units compute in.
    n.weight_bytes = math == Precision::fp8 || math == Precision::int8
                         ? 1
                         : std::min(2.0, model.weight_bits / 8);
    return n;
  }
  // Mixed precision: the residual stream and what normalises it stay in four bytes.
  if (phase == Phase::training) {
    n.stream_bytes = 4;
    n.casts = true;
  }
  return n;
}

Precision usual_precision(const Device& device) {
  return device.peak(Precision::bf16) > 0   ? Precision::bf16
         : device.peak(Precision::fp16) > 0 ? Precision::fp16
                                            : Precision::fp32;
}

std::string_view phase_name(Phase phase) {
  constexpr std::string_view names[] = {"training", "inference", "prefill", "decode", "serving"};
  return names[static_cast<std::size_t>(phase)];
}

ModelSize size_of(const Model& model) {
  ModelSize size;
  for (const ModelStage& stage : model.stages) {
    for (const RepeatedLayer& r : stage.layers) {
      if (const auto* e = std::get_if<EmbeddingLayer>(&r.layer)) {
        size.embedding_parameters += r.repeat * e->table * e->width;
        continue;
      }
      size.parameters += r.repeat * parameters_of(r.layer, false);
      size.active_parameters += r.repeat * parameters_of(r.layer, true);
      if (const auto* t = std::get_if<TransformerLayer>(&r.layer)) {
        size.layers += r.repeat;
        size.widest = std::max(size.widest, t->hidden);
        size.kept_per_token += r.repeat * kept_width(*t);
      } else if (const auto* s = std::get_if<StateSpaceLayer>(&r.layer)) {
        size.layers += r.repeat;
        size.widest = std::max(size.widest, s->hidden);
        size.state_per_sequence += r.repeat * state_width(*s) * s->state;
      } else if (!std::holds_alternative<DenseLayer>(r.layer)) {
        size.layers += r.repeat;
      }
    }
  }
  size.parameters += model.extra_parameters;
  return size;
}

double kept_numbers(const Model& model, double context) {
  double numbers = 0;
  for (const ModelStage& stage : model.stages) {
    for (const RepeatedLayer& r : stage.layers) {
      const auto* t = std::get_if<TransformerLayer>(&r.layer);
      if (t == nullptr || r.rows == Rows::fixed) continue;
      numbers +=
          r.repeat * kept_width(*t) * (t->window > 0 ? std::min(t->window, context) : context);
    }
  }
  return numbers;
}

std::vector<Operator> operators_of(const Model& model, const Work& work, double routing) {
  std::vector<Operator> ops;
  ops.reserve(64);
  Builder builder(model, work, routing, ops);
  const auto run = [&] {
    for (const ModelStage& stage : model.stages) builder.stage(stage);
  };
  if (work.phase == Phase::serving) {
    const PromptSteps steps = prompt_steps(work);
    if (steps.share < 1) {
      builder.step(1 - steps.share, 0);
      run();
    }
    if (steps.share > 0) {
      builder.step(steps.share, steps.prompts);
      run();
    }
  } else {
    run();
  }
  if (ops.empty()) throw std::invalid_argument(model.id + " has no layers");
  if (work.phase == Phase::training) {
    add_backward(ops, work.recompute);
    const Parallelism& p = work.parallel;
    Operator op;
    op.name = "optimizer";
    op.path = Precision::fp32;
    op.cold_bytes = work.optimizer_bytes * size_of(model).all() / p.tensor / p.pipeline;
    op.flops = op.cold_bytes / 2;
    ops.push_back(op);
  }
  return ops;
}

}  // namespace nightwatt
