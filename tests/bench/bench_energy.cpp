// The job energy model. Cold: operators built, costed, and the clock found. Asked again: what a
// simulation does at each start of a job.
#include <benchmark/benchmark.h>

#include <limits>

#include "energy/estimate.hpp"
#include "energy/utilization_model.hpp"
#include "energy/work_model.hpp"

namespace nightwatt {
namespace {

Device a100() {
  Device d;
  d.id = "a100";
  d.idle = watts(45);
  d.busy = d.tdp = d.max_cap = watts(250);
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

/// The question of the simulation: a job's rate and power on a device under a cap.
void query(benchmark::State& state, bool memoised) {
  const std::vector<Device> devices = {a100(), a100()};
  const UtilizationModel model(devices, {{}, {}}, {{"busy", 1.0}, {"half", 0.5}});
  const PlacementShape shape;
  // What a trace measures is answered anew each time; a profile's answer is kept.
  const float utilization = memoised ? std::numeric_limits<float>::quiet_NaN() : 0.7F;
  std::int32_t turn = 0;
  for (auto _ : state) {
    turn = (turn + 1) % 8;
    benchmark::DoNotOptimize(
        model.query(turn & 1, (turn >> 1) & 1, shape, utilization, watts(turn < 4 ? 150 : 200)));
  }
}

/// The same of jobs that a model describes, asked before: eight shapes and caps in turn.
void query_described(benchmark::State& state) {
  DescribedWork described;
  described.model = std::make_shared<const Model>(layers48());
  described.work.phase = Phase::training;
  described.work.batch = 4;
  described.work.parallel = {0, 0, 0, 0, 0, 0};
  ReferenceRun reference;
  reference.device = a100();
  const WorkModel model({a100()}, {{}}, {{"train", 1.0, 0, 0}}, {described}, {reference},
                        [](Stack, const Device&) { return Terms{}; });
  std::uint32_t turn = 0;
  for (auto _ : state) {
    turn = (turn + 1) % 8;
    PlacementShape shape;
    shape.gpu_milli = 1000U << (turn & 3U);
    benchmark::DoNotOptimize(model.query(0, 0, shape, std::numeric_limits<float>::quiet_NaN(),
                                         watts(turn < 4 ? 150 : 200)));
  }
}

/// Another clock or cap of a job that is prepared: a step of a sweep.
void other_cap(benchmark::State& state) {
  const Device device = a100();
  const Terms terms;
  Work work;
  work.phase = Phase::inference;
  work.stack = Stack::eager;
  work.batch = 8;
  const PreparedWork prepared(layers48(), work, device, terms);
  double cap = 100;
  for (auto _ : state) {
    cap = cap < 249 ? cap + 1 : 100;
    benchmark::DoNotOptimize(prepared.at({.cap = watts(cap)}));
  }
}

BENCHMARK_CAPTURE(query, memoised, true);
BENCHMARK_CAPTURE(query, cold, false);
BENCHMARK(query_described);
BENCHMARK(other_cap);
BENCHMARK_CAPTURE(estimate, inference_uncapped, Phase::inference, 0);
BENCHMARK_CAPTURE(estimate, inference_capped, Phase::inference, 150);
BENCHMARK_CAPTURE(estimate, training_capped, Phase::training, 150);
BENCHMARK_CAPTURE(estimate, serving_capped, Phase::serving, 150);

}  // namespace
}  // namespace nightwatt
