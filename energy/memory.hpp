#pragma once

#include "energy/workload.hpp"

namespace nightwatt {

/// Bytes that a job keeps in the memory of each of its devices.
struct MemoryNeed {
  double weights = 0;
  double training = 0;     ///< gradients and optimizer states
  double activations = 0;  ///< kept for the backward pass, or of the largest layer
  double kept = 0;         ///< keys, values and states of the sequences in flight
  [[nodiscard]] double all() const { return weights + training + activations + kept; }
};

/// Share of a device's memory that a job can have: contexts, libraries and fragments take the rest
/// (vLLM's default gpu_memory_utilization).
inline constexpr double usable_memory = 0.90;

/// Activations of a transformer layer: 34 bytes a token and hidden channel at two bytes an element,
/// and 5 bytes a head and pair of tokens where attention is not fused (Korthikanti et al. 2022,
/// arXiv 2205.05198, equation 1); 2 bytes a token and channel with recomputation. Of convolutions:
/// their result, before and after its norm; the activation is applied in place. What is kept of
/// pictures grows with the pixels of the job.
MemoryNeed memory_need(const Model& model, const Work& work);

/// The largest batch whose need is at most `bytes`; 0 if not even one sample fits.
double largest_batch(const Model& model, Work work, double bytes);

}  // namespace nightwatt
