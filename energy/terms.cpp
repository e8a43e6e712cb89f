#include "energy/terms.hpp"

namespace nightwatt {
namespace {

constexpr std::array<std::string_view, static_cast<std::size_t>(Stack::count)> stack_names = {
    "kernel", "eager", "engine"};

// In the order of the enum. The standard values are those of docs/models/energy-model.md.
constexpr std::array<TermInfo, fitted_term_count> infos = {{
    {"tensor_gemm", "1", 0.2, 1.1, 0.80, "matrix products, share of the tensor peak"},
    {"vector_gemm", "1", 0.2, 1.1, 0.84, "matrix products, share of the FP32 peak"},
    {"batched_gemm", "1", 0.2, 1.5, 0.75, "products of unfused attention, against plain ones"},
    {"convolution", "1", 0.1, 2.0, 1.2, "convolutions, against plain products"},
    {"fused_attention", "1", 0.1, 1.1, 0.50, "fused prompt attention, share of the tensor peak"},
    {"decode_attention", "1", 0.1, 1.2, 0.80, "one-query attention, share of DRAM bandwidth"},
    {"mixture", "1", 0.1, 1.2, 0.70, "expert products, against plain ones"},
    {"narrow_mixture", "1", 0.1, 1.2, 0.60, "the same in 8 bits, on top"},
    {"routing", "1", 0.1, 1.0, 0.70, "tokens that choose experts independently, share of all"},
    {"bandwidth", "1", 0.3, 1.0, 0.85, "share of DRAM bandwidth on large data"},
    {"cache_share", "1", 0.1, 2.0, 0.57, "share of the L2 whose data are half from memory"},
    {"feed", "B/clock", 5.0, 64.0, 18.0, "L2 bytes a clock and SM"},
    {"score_feed", "1", 0.3, 3.0, 1.0, "feed in passes over attention scores, against the plain"},
    {"layout", "1", 0.1, 3.0, 1.3, "bandwidth of layout changes, against plain streams"},
    {"depthwise", "taps/clock", 0.2, 60.0, 2.2, "depth-wise convolutions: taps a clock and SM"},
    {"launch_us", "us", 0.5, 20.0, 5.0, "start and drain of a kernel"},
    {"fill_us", "us", 0.01, 10.0, 2.0, "until a wave of tiles keeps its units busy"},
    {"host_us", "us", 0.1, 100.0, 22.0, "host work a kernel"},
    {"step_us", "us", 0.1, 1e5, 1.0, "host work an iteration"},
    {"layer_us", "us", 0.1, 500.0, 1.0, "gaps of a layer"},
    {"prompt_us", "us", 0.1, 2000.0, 100.0, "on top, where a step takes in a prompt"},
    {"state_us", "us", 0.1, 5000.0, 1000.0, "on top, of a state-space layer"},
    {"mixture_us", "us", 0.1, 500.0, 45.0, "routing of an expert layer"},
    {"sequence_us", "us", 0.1, 2000.0, 20.0, "host work a sequence in flight"},
    {"sample_us", "us", 0.001, 5.0, 0.15, "sampling, per sequence and 1000 vocabulary entries"},
    {"collective_us", "us", 0.5, 200.0, 8.0, "start of a collective within a node"},
    {"link", "1", 0.1, 1.2, 0.75, "share of the link rate in collectives"},
    {"overlap", "1", 0.01, 1.0, 0.80, "share of the backward pass that hides gradients"},
    {"active", "10 W/(TFLOP/s)", 0.001, 0.6, 0.05, "while a kernel runs, with the clock alone"},
    {"clock", "10 W/(TFLOP/s)", 0.001, 1.5, 0.45, "while a kernel runs, with clock and voltage"},
    {"tensor", "1", 0.001, 4.0, 0.75, "tensor units at their peak BF16 rate"},
    {"vector", "1", 0.001, 4.0, 0.85, "FP32 units at their peak rate"},
    {"cache", "1", 0.001, 3.0, 0.12, "L2 and fabric at the rate of the DRAM bandwidth"},
    {"dram", "1", 0.001, 3.0, 0.35, "DRAM at its bandwidth"},
    {"attention", "1", 0.001, 3.0, 0.30, "keys and values in decode, on top of `dram`"},
    {"waiting", "1", 0.001, 1.0, 0.18, "while waiting for other devices"},
    {"voltage_floor", "1", 0.4, 1.0, 0.78, "lowest voltage / voltage at the highest clock"},
    {"voltage_knee", "1", 0.05, 0.95, 0.70, "highest clock with that voltage / highest clock"},
    {"settle", "1", 0.85, 1.0, 0.98, "mean power under an acting cap / the cap"},
    {"meter_ms", "ms", 0.001, 10.0, 0.001, "iteration that a lagging meter reads at 63 %"},
    {"meter_start", "1", 0.1, 1.0, 0.5, "what a lagging meter starts from, share of TDP"},
}};

}  // namespace

std::string_view stack_name(Stack stack) { return stack_names[static_cast<std::size_t>(stack)]; }

std::optional<Stack> stack_by_name(std::string_view name) {
  for (std::size_t i = 0; i < stack_names.size(); ++i) {
    if (stack_names[i] == name) return static_cast<Stack>(i);
  }
  return std::nullopt;
}

const TermInfo& term_info(TermId term) { return infos[static_cast<std::size_t>(term)]; }

std::optional<TermId> term_by_name(std::string_view name) {
  for (std::size_t i = 0; i < infos.size(); ++i) {
    if (infos[i].name == name) return static_cast<TermId>(i);
  }
  return std::nullopt;
}

Terms::Terms() {
  for (std::size_t i = 0; i < infos.size(); ++i) values_[i] = infos[i].standard;
}

void TermOverrides::apply_to(Terms& terms) const {
  for (std::size_t i = 0; i < values_.size(); ++i) {
    if (values_[i]) terms[static_cast<TermId>(i)] = *values_[i];
  }
}

}  // namespace nightwatt
