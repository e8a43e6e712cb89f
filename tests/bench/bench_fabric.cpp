// Building a fabric of 100,000 nodes in 2,000 racks, and asking it everything that placement may.
#include <benchmark/benchmark.h>

#include "sim/fabric.hpp"

namespace nightwatt {
namespace {

Fabric make(std::uint32_t nodes) {
  FabricNumbers numbers;
  numbers.nodes_per_rack = 50;
  numbers.racks_per_spine = 40;
  numbers.node_bytes_per_s = 50e9;
  numbers.rack_bytes_per_s = 40e9;
  numbers.core_bytes_per_s = 30e9;
  return Fabric::from_numbers(nodes, numbers);
}

void build(benchmark::State& state) {
  const auto nodes = static_cast<std::uint32_t>(state.range(0));
  for (auto _ : state) benchmark::DoNotOptimize(make(nodes).groups());
}
BENCHMARK(build)->Arg(1'000)->Arg(10'000)->Arg(100'000)->Unit(benchmark::kMillisecond);

/// The order of all groups from every group: racks times racks.
void all_nearest_groups(benchmark::State& state) {
  const auto nodes = static_cast<std::uint32_t>(state.range(0));
  for (auto _ : state) {
    state.PauseTiming();
    const Fabric fabric = make(nodes);
    state.ResumeTiming();
    for (std::uint32_t group = 0; group < fabric.groups(); ++group) {
      benchmark::DoNotOptimize(fabric.nearest_groups(group).data());
    }
  }
}
BENCHMARK(all_nearest_groups)->Arg(1'000)->Arg(100'000)->Unit(benchmark::kMillisecond);

void widest(benchmark::State& state) {
  const Fabric fabric = make(100'000);
  std::uint32_t a = 0;
  for (auto _ : state) {
    a = (a + 7919) % 100'000;
    benchmark::DoNotOptimize(fabric.widest_bytes_per_s(a, 99'999 - a));
  }
}
BENCHMARK(widest);

}  // namespace
}  // namespace nightwatt
