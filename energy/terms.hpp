#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace nightwatt {

/// Software through which a job reaches the device: each has correction terms of its own.
enum class Stack : std::uint8_t {
  kernel,  ///< one library kernel in a loop: what a micro-benchmark measures
  eager,   ///< a framework that launches each operator from Python (PyTorch eager)
  engine,  ///< a serving engine: fused attention, captured graphs, continuous batching
  count
};
std::string_view stack_name(Stack stack);
std::optional<Stack> stack_by_name(std::string_view name);

/// Correction terms: everything in the energy model that is fitted to measurements. All else comes
/// from data sheets and layer dimensions. Energies are shares of (TDP - idle), so that a device
/// nobody has measured takes the shared value as it stands.
enum class TermId : std::uint8_t {
  // Share of the peak rate that large operators reach.
  tensor_gemm,       ///< matrix products on tensor units
  vector_gemm,       ///< matrix products on FP32 units
  batched_gemm,      ///< products inside unfused attention, against the two above
  convolution,       ///< against the first two
  fused_attention,   ///< prompt attention in one kernel, against tensor units
  decode_attention,  ///< one-query attention, against memory bandwidth
  mixture,           ///< expert products, against the two first and against bandwidth
  narrow_mixture,    ///< the same in 8 bits, on top
  routing,           ///< tokens whose choice of experts is independent, share of all
  // Memory.
  bandwidth,    ///< achieved share of DRAM bandwidth on data far larger than the L2
  cache_share,  ///< data of this share of the L2 are half from memory
  feed,         ///< bytes a clock that an SM takes from the L2
  score_feed,   ///< the same in passes over attention scores, against `feed`
  layout,       ///< bandwidth of layout changes, against `bandwidth`
  depthwise,    ///< taps a clock and SM of depth-wise convolutions
  // Latencies.
  launch_us,      ///< start and drain of a kernel on the device
  fill_us,        ///< until a wave of tiles keeps its units busy
  host_us,        ///< host work for a kernel, hidden while the device is busier
  step_us,        ///< host work for an iteration, never hidden
  layer_us,       ///< gaps and small kernels of a layer that are not listed as operators
  prompt_us,      ///< the same on top, in steps of an engine that take in a prompt
  state_us,       ///< the same of a state-space layer, on top
  mixture_us,     ///< routing of an expert layer
  sequence_us,    ///< host work of an engine, per sequence in flight
  sample_us,      ///< sampling, per sequence and 1000 vocabulary entries
  collective_us,  ///< start of a collective between devices of a node
  link,           ///< achieved share of the link rate in collectives
  overlap,        ///< share of the backward pass that hides gradient exchange
  // Power: `active` and `clock` in 10 W for a TFLOP/s of FP32, the others shares of (TDP - idle).
  active,     ///< while any kernel runs, with the clock alone
  clock,      ///< while any kernel runs, with the clock and the voltage squared
  tensor,     ///< tensor units at their peak BF16 rate
  vector,     ///< FP32 units at their peak rate
  cache,      ///< L2 and fabric at the rate of the DRAM bandwidth
  dram,       ///< DRAM at its bandwidth
  attention,  ///< reading keys and values in decode, on top of `dram`, at DRAM bandwidth
  waiting,    ///< while waiting for other devices
  // V(f), where the device has no measured curve.
  voltage_floor,  ///< lowest voltage / voltage at the highest clock
  voltage_knee,   ///< highest clock / top clock at which the floor holds
  settle,         ///< mean power under a cap / the cap, where it acts
  // Of the meter that measured, not of the device.
  meter_ms,     ///< an iteration so long is read at 63 % of the way from `meter_start`
  meter_start,  ///< what the meter still shows of before, share of TDP
  count
};
inline constexpr std::size_t fitted_term_count = static_cast<std::size_t>(TermId::count);

/// What a term is, for readers of files, fits and documents.
struct TermInfo {
  std::string_view name;  ///< as in files: "tensor_gemm"
  std::string_view unit;  ///< "1", "us", "B/clock"
  double low, high;       ///< a fit stays within; all are positive
  double standard;        ///< where no file says otherwise
  std::string_view summary;
};
const TermInfo& term_info(TermId term);
std::optional<TermId> term_by_name(std::string_view name);

/// A value for each term. Plain data: a fit moves the values and asks the model again.
class Terms {
 public:
  Terms();  ///< the standard values
  double& operator[](TermId term) { return values_[static_cast<std::size_t>(term)]; }
  double operator[](TermId term) const { return values_[static_cast<std::size_t>(term)]; }
  friend bool operator==(const Terms&, const Terms&) = default;

 private:
  std::array<double, fitted_term_count> values_;
};

/// Values that a file names; the others are left as they were.
class TermOverrides {
 public:
  void set(TermId term, double value) { values_[static_cast<std::size_t>(term)] = value; }
  [[nodiscard]] std::optional<double> get(TermId term) const {
    return values_[static_cast<std::size_t>(term)];
  }
  void apply_to(Terms& terms) const;

 private:
  std::array<std::optional<double>, fitted_term_count> values_;
};

}  // namespace nightwatt
