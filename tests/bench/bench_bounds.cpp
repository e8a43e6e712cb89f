// The lower bound of jobs that may wait a day and go to any of four sites: 1 to 8 GPUs, run time
// log-normal (median 1,200 s, sigma 1.3), load 0.8 of 4 x 512 GPUs, hourly carbon intensity.
#include <benchmark/benchmark.h>
#include <sys/resource.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <numbers>

#include "analysis/bounds/lower_bound.hpp"
#include "energy/random.hpp"

namespace {

using namespace nightwatt;

constexpr double day_s = 86400.0, hour_s = 3600.0, kwh_j = 3.6e6;

BoundInput synthetic(std::uint64_t jobs) {
  const RandomStream draw(1, "bench_bounds");
  std::uint64_t next = 0;
  const auto normal = [&] { return draw.normal(next++); };
  const auto uniform = [&] { return draw.uniform_open(next++); };
  BoundInput input;
  input.freedom.interruption = input.freedom.site = true;
  constexpr double sites = 4, gpus_a_site = 512, load = 0.8;
  const double mean_gpu_s = 4.5 * 1200.0 * std::exp(0.5 * 1.3 * 1.3);
  const double jobs_a_second = load * sites * gpus_a_site / mean_gpu_s;
  double submit_s = 0.0, last_s = 0.0;
  for (std::uint64_t j = 0; j < jobs; ++j) {
    submit_s -= std::log(uniform()) / jobs_a_second;
    const double run_s = std::clamp(1200.0 * std::exp(1.3 * normal()), 10.0, day_s);
    const double gpus = 1.0 + std::floor(8.0 * uniform());
    const double energy_j = run_s * gpus * (200.0 + 25.0 * normal());
    input.jobs.push_back({submit_s, submit_s + day_s + run_s,
                          static_cast<std::uint32_t>(input.options.size()),
                          energy_j * 400.0 / kwh_j, 0.0});
    for (std::uint32_t p = 0; p < 4; ++p) {
      input.options.push_back({p, gpus, run_s, energy_j, energy_j, true});
    }
    last_s = std::max(last_s, input.jobs.back().to_s);
  }
  for (std::size_t s = 0; s < 4; ++s) {
    BoundInput::Site site;
    site.name = std::to_string(s);
    for (double t = 0.0; t < last_s; t += hour_s) {
      const double of_day = std::cos(2 * std::numbers::pi * (t / day_s + 0.25 * double(s)));
      const double g_per_kwh = std::max(20.0, 350.0 + 120.0 * of_day + 60.0 * normal());
      site.from_s.push_back(t);
      site.carbon_g_per_j.push_back(g_per_kwh / kwh_j);
      site.cost_per_j.push_back(unknown);
    }
    site.end_s = last_s;
    input.sites.push_back(site);
    input.partitions.push_back({s, "gpus", "gpu", gpus_a_site});
  }
  return input;
}

void lower_bound_of(benchmark::State& state) {
  const BoundInput input = synthetic(static_cast<std::uint64_t>(state.range(0)));
  BoundOptions options;
  options.flow_arcs = static_cast<std::size_t>(state.range(1));
  options.iterations = static_cast<std::uint32_t>(state.range(2));
  LowerBound bound;
  for (auto _ : state) bound = lower_bound(input, Objective::carbon, options);
  const double alone_g =
      lower_bound(input, Objective::carbon, {.flow_arcs = 0, .iterations = 0}).value;
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  state.counters["bound_g"] = bound.value;
  state.counters["above_no_capacity"] = bound.value / alone_g - 1.0;
  state.counters["peak_rss_mib"] = static_cast<double>(usage.ru_maxrss) / 1024.0;
  state.SetLabel(bound.method);
}
// Jobs, arcs of the network at most (0 = without it), subgradient steps.
BENCHMARK(lower_bound_of)
    ->Unit(benchmark::kSecond)
    ->Iterations(1)
    ->Args({10'000, 1'000'000, 0})
    ->Args({10'000, 1'000'000, 30})
    ->Args({10'000, 0, 30})
    ->Args({10'000, 0, 300})
    ->Args({100'000, 1'000'000, 0})
    ->Args({100'000, 1'000'000, 30})
    ->Args({100'000, 0, 30})
    ->Args({1'000'000, 1'000'000, 0})
    ->Args({1'000'000, 1'000'000, 30});

}  // namespace
