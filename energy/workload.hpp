#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "energy/device.hpp"
#include "energy/terms.hpp"

namespace nightwatt {

enum class Activation : std::uint8_t {
  relu,
  gelu,          ///< one kernel
  gelu_unfused,  ///< the tanh form written out in eight operators (GPT-2 in PyTorch)
  silu,
};

/// How a framework without fused attention treats the scores between the two products.
enum class ScorePasses : std::uint8_t {
  scale_mask,   ///< divide, add a mask, soft-max (BERT)
  scale_where,  ///< divide, select by a mask, soft-max (GPT-2)
  mask_clamp,   ///< queries scaled before; add a mask, clamp, soft-max (OPT)
  plain,        ///< soft-max alone, scaled inside the product
};

/// A transformer layer: attention and feed-forward, either of which may be missing.
struct TransformerLayer {
  double hidden = 0;
  double heads = 0, kv_heads = 0, head_dim = 0;  ///< heads 0 = no attention
  double latent = 0;  ///< width of what is kept of a token if it is not keys and values (MLA)
  bool causal = false;
  double window = 0;        ///< tokens that a query sees; 0 = all before it (all, if not causal)
  double cross_tokens = 0;  ///< a second attention over that many tokens of another sequence
  double cross_width = 0;   ///< their width; 0 = hidden
  ScorePasses scores = ScorePasses::plain;
  bool fused_qkv = false;  ///< one product for queries, keys and values
  // What frameworks do in kernels of their own, and engines inside others.
  bool modulated = false;  ///< both halves scaled, shifted and gated by a condition (adaLN)
  bool qk_norm = false;    ///< queries and keys are normalised
  bool rotary = false;     ///< queries and keys are rotated by their position

  double width = 0;  ///< of the feed-forward; 0 = none
  bool gated = false;
  Activation activation = Activation::gelu;
  double experts = 0, active_experts = 0;  ///< 0 = dense; `width` is then an expert's
  double shared_width = 0;                 ///< of the expert that every token passes
  double shared_weights = 1;  ///< layers that share one set of weights (ALBERT); else 1
  friend bool operator==(const TransformerLayer&, const TransformerLayer&) = default;
};

/// A state-space layer (Mamba 2): projections around a scan whose state is kept per sequence.
struct StateSpaceLayer {
  double hidden = 0, heads = 0, head_dim = 0, state = 0, groups = 1;
  friend bool operator==(const StateSpaceLayer&, const StateSpaceLayer&) = default;
};

/// A convolution with what usually follows it.
struct ConvLayer {
  double in = 0, out = 0;  ///< channels
  double kernel_h = 1, kernel_w = 1, kernel_t = 1;
  double out_h = 0, out_w = 0, out_t = 1;  ///< positions of the result
  double stride = 1;                       ///< in both directions
  double groups = 1;
  bool norm = true;    ///< a batch (or group) norm after it
  bool active = true;  ///< an activation after that
  bool added = false;  ///< the sum with a shortcut after that
  friend bool operator==(const ConvLayer&, const ConvLayer&) = default;
};

/// Recurrent layers: one product a step of the sequence, one step after another.
struct RecurrentLayer {
  double input = 0, hidden = 0, gates = 4;  ///< LSTM 4, GRU 3, plain 1
  double directions = 1;
  friend bool operator==(const RecurrentLayer&, const RecurrentLayer&) = default;
};

/// A fully connected layer on every row (token, or sample).
struct DenseLayer {
  double in = 0, out = 0;
  bool active = true;
  friend bool operator==(const DenseLayer&, const DenseLayer&) = default;
};

/// Rows looked up in a table of `table` x `width`.
struct EmbeddingLayer {
  double table = 0, width = 0, lookups = 1;  ///< rows of the table; read a token or sample
  friend bool operator==(const EmbeddingLayer&, const EmbeddingLayer&) = default;
};

using Layer = std::variant<TransformerLayer, StateSpaceLayer, ConvLayer, RecurrentLayer, DenseLayer,
                           EmbeddingLayer>;

/// What a layer is counted over.
enum class Rows : std::uint8_t {
  sequence,  ///< batch x tokens of the job
  sample,    ///< batch
  fixed,     ///< batch x `tokens` (patches of an image, latents of a picture)
  last,      ///< one token a sequence when generating, all in training (the head of a model)
};

struct RepeatedLayer {
  Layer layer;
  double repeat = 1;
  Rows rows = Rows::sequence;
  double tokens = 1;  ///< of Rows::fixed, at the model's own resolution
  friend bool operator==(const RepeatedLayer&, const RepeatedLayer&) = default;
};

/// Layers that run one after another, `steps` times in one iteration.
struct ModelStage {
  std::string name;
  bool per_step = false;  ///< once a denoising step, else once an iteration
  double passes = 1;      ///< samples for each of the batch (2 with guidance)
  bool scales = true;     ///< its tokens and positions grow with resolution and frames
  std::vector<RepeatedLayer> layers;
  friend bool operator==(const ModelStage&, const ModelStage&) = default;
};

/// A neural network by its layer dimensions. One file each in energy/catalog/models.
struct Model {
  std::string id;  ///< "bert-large"
  std::string summary, family;
  std::vector<ModelStage> stages;
  double vocabulary = 0;                     ///< 0 = no text
  double sequence = 0;                       ///< usual length; 0 = not a sequence model
  double max_sequence = 0;                   ///< 0 = not limited
  double height = 0, width = 0, frames = 1;  ///< at which the layers are given
  double steps = 1;                          ///< denoising steps unless the job says otherwise
  double parameters_given = 0;               ///< stated by the source; 0 = not
  double extra_parameters = 0;  ///< held in memory and not among the layers (a vision encoder)
  double weight_bits = 16;      ///< as published (FP8: 8, MXFP4: 4.25)
  double host_us = 0;  ///< host work a sample that no device hides (decoding, augmentation)
};

enum class Phase : std::uint8_t { training, inference, prefill, decode, serving };
std::string_view phase_name(Phase phase);
/// Whether an iteration of the phase makes tokens, one a sequence.
inline bool generates_text(Phase phase) {
  return phase == Phase::decode || phase == Phase::serving;
}

/// Number formats of a job: what the matrix units see, and how weights are kept.
struct Numerics {
  Precision math = Precision::bf16;  ///< of products and convolutions
  double weight_bytes = 2;           ///< a parameter where it is read by a product
  double data_bytes = 2;             ///< an element between operators
  double stream_bytes = 2;           ///< an element of the residual stream, norms and soft-max
  bool casts = false;  ///< inputs of products are narrowed by kernels (automatic mixed precision)
};

/// How numbers are usually kept where only the precision of the arithmetic is told.
Numerics numerics_of(Precision math, const Model& model, Phase phase, Stack stack);
/// BF16 where the device has it, else FP16, else FP32.
Precision usual_precision(const Device& device);

/// How a job is spread over devices; the product (without `expert`) is their number.
struct Parallelism {
  std::uint32_t data = 1, tensor = 1, pipeline = 1, expert = 1;
  std::uint32_t micro_batches = 1;  ///< of a pipeline
  std::uint32_t devices_per_node = 8;
  /// Devices that share the tokens of each sample in denoising steps (Ulysses, ring attention);
  /// what comes before and after the steps each does for itself.
  std::uint32_t sequence = 1;
  [[nodiscard]] std::uint32_t devices() const { return data * tensor * pipeline * sequence; }
};

/// Tokens of a served request where nobody says: of the order of chats.
inline constexpr double usual_prompt = 512, usual_output = 256;

/// One job: a model in a phase. Counts are of the whole job, whatever its parallelism.
struct Work {
  Phase phase = Phase::inference;
  Stack stack = Stack::eager;
  Numerics numerics;
  double batch = 1;     ///< samples an iteration (serving: sequences in flight)
  double sequence = 0;  ///< tokens a sample; 0 = the model's
  double context = 0;   ///< decode, serving: tokens kept of a sequence, as a mean
  double prompt = 0;    ///< serving: prompt tokens a request
  double output = 0;    ///< serving: tokens generated a request
  double height = 0, width = 0, frames = 0, steps = 0;  ///< 0 = the model's
  bool fused_attention = false;
  bool with_head = true;        ///< the language-model head runs
  bool recompute = false;       ///< training: activations are computed again
  double optimizer_bytes = 28;  ///< training: bytes moved a parameter (Adam: 28)
  double state_bytes = 12;      ///< training: kept a parameter beside weight and gradient
  Parallelism parallel;
};

}  // namespace nightwatt
