#pragma once

#include <vector>

#include "energy/workload.hpp"

namespace nightwatt {

enum class OperatorKind : std::uint8_t {
  product,          ///< matrix product with weights
  batched_product,  ///< products of activations (unfused attention)
  expert_product,   ///< products with the weights of the experts that were chosen
  convolution,
  fused_attention,   ///< scores, soft-max and context of a prompt in one kernel
  decode_attention,  ///< the same for one query a sequence
  stream,            ///< normalisation, element-wise, casts, optimizer: bytes in, bytes out
  score_stream,      ///< the same over attention scores
  layout,            ///< changes of the order of a tensor
  depthwise,         ///< convolution of each channel alone
};

/// One operator of one device, with its arithmetic and its traffic, each time that it runs.
struct Operator {
  const char* name = "";
  OperatorKind kind = OperatorKind::stream;
  Precision path = Precision::bf16;  ///< units that do its arithmetic
  double count = 1;                  ///< times an iteration
  double kernels = 1;                ///< launches each time
  double calls = 1;                  ///< of the framework, each with host work of its own
  /// Of products: `products` of m x k by k x n.
  double m = 0, n = 0, k = 0, products = 1;
  double element_bytes = 0;  ///< of a depth-wise convolution's numbers
  double flops = 0;          ///< multiplications and additions; FP32 units in streams
  double cold_bytes = 0;     ///< that always come from memory: weights, keys and values
  double data_bytes = 0;     ///< activations read and written; may be in the cache
  double working_set = 0;    ///< bytes of the tensors behind data_bytes
  double stall_bytes = 0;    ///< takes the time of so many data_bytes more, and moves nothing
  double swapped_bytes = 0;  ///< of the device, exchanged with those that share its tokens

  [[nodiscard]] double bytes() const { return cold_bytes + data_bytes; }
};

/// What a model weighs, whatever the job.
struct ModelSize {
  double parameters = 0;  ///< without embeddings that are only looked up
  double embedding_parameters = 0;
  double active_parameters = 0;   ///< that one token meets in products
  double layers = 0;              ///< transformer, state-space, convolution, recurrent
  double widest = 0;              ///< hidden width of the widest transformer layer
  double kept_per_token = 0;      ///< numbers of keys and values a token, windows aside
  double state_per_sequence = 0;  ///< numbers of state-space layers a sequence
  [[nodiscard]] double all() const { return parameters + embedding_parameters; }
};
ModelSize size_of(const Model& model);

/// The operators of one iteration on one of the job's devices (its share of the work), in the
/// order in which they run, equal layers merged. Serving: one step of the engine, with the prompts
/// that a steady state mixes into it.
/// @param routing  of a mixture: tokens whose choice of experts is independent, as a share of all
/// @throws std::invalid_argument if the model has no layers
std::vector<Operator> operators_of(const Model& model, const Work& work, double routing = 1.0);

/// Prompts among the steps of a serving engine in its steady state: each sequence that ends makes
/// room for one.
struct PromptSteps {
  double share = 0;    ///< of the steps that have a prompt
  double prompts = 0;  ///< in such a step
};
PromptSteps prompt_steps(const Work& work);

/// Keys and values of all sequences that a decode step reads, in numbers (not bytes).
double kept_numbers(const Model& model, double context);

}  // namespace nightwatt
