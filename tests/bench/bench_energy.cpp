// Cold estimates of the job energy model: operators built, costed, and the clock found.
#include <benchmark/benchmark.h>

#include "energy/estimate.hpp"

namespace nightwatt {
namespace {

Device a100() {
  Device d;
  d.id = "a100";
  d.idle = watts(45);
  d.tdp = d.max_cap = watts(250);
  d.min_cap = watts(100);
  d.sms = 108;
  d.min_mhz = 210;
  d.boost_mhz = 1410;
  d.memory_bytes_per_s = 1555e9;
  d.l2_bytes = 40e6;
  d.peak_per_s[static_cast<std::size_t>(Precision::fp32)] = 19.5e12;
  d.peak_per_s[static_cast<std::size_t>(Precision::bf16)] = 312e12;
  d.scale_up.bytes_per_s = 300e9;
  return d;
}

Model layers48() {
  TransformerLayer l;
  l.hidden = 5120;
  l.heads = l.kv_heads = 40;
  l.head_dim = 128;
  l.width = 20480;
  l.causal = true;
  Model m;
  m.id = "48 layers";
  m.sequence = 1024;
  m.vocabulary = 50000;
  m.stages = {{"model", false, 1, true, {{l, 48, Rows::sequence, 1}}}};
  return m;
}

void estimate(benchmark::State& state, Phase phase, double cap_w) {
  const Device device = a100();
  const Model model = layers48();
  const Terms terms;
  Work work;
  work.phase = phase;
  work.stack = phase == Phase::serving ? Stack::engine : Stack::eager;
  work.batch = 8;
  work.context = 1000;
  work.prompt = 500;
  work.output = 500;
  Knobs knobs;
  if (cap_w > 0) knobs.cap = watts(cap_w);
  for (auto _ : state) {
    const PreparedWork prepared(model, work, device, terms);
    benchmark::DoNotOptimize(prepared.at(knobs));
  }
}

BENCHMARK_CAPTURE(estimate, inference_uncapped, Phase::inference, 0);
BENCHMARK_CAPTURE(estimate, inference_capped, Phase::inference, 150);
BENCHMARK_CAPTURE(estimate, training_capped, Phase::training, 150);
BENCHMARK_CAPTURE(estimate, serving_capped, Phase::serving, 150);

}  // namespace
}  // namespace nightwatt
