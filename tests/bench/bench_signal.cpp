// Cost of charging an interval: the look-up of prefix integrals that accounting does at each event.
#include <benchmark/benchmark.h>

#include <vector>

#include "energy/random.hpp"
#include "energy/signal.hpp"

namespace nightwatt {
namespace {

constexpr std::int64_t hour_ns = 3'600'000'000'000;

StepSeries year_of_hours(const char* name, double low, double high) {
  std::vector<double> values(8760);
  const RandomStream draw(1, name);
  for (std::size_t i = 0; i < values.size(); ++i) {
    values[i] = low + (high - low) * draw.uniform(i);
  }
  return StepSeries::regular(SimTime(), SimTime::from_ns(hour_ns), std::move(values));
}

/// Steps of 30 to 90 minutes at odd nanoseconds.
StepSeries irregular_year(const char* name, double low, double high) {
  const RandomStream draw(1, name);
  std::vector<SimTime> times{SimTime()};
  std::vector<double> values;
  for (std::size_t i = 0; times.back().ns() < 8760 * hour_ns; ++i) {
    values.push_back(low + (high - low) * draw.uniform(i));
    times.push_back(SimTime::from_ns(
        times.back().ns() + hour_ns / 2 +
        static_cast<std::int64_t>(draw.uniform(i, 1) * static_cast<double>(hour_ns))));
  }
  return StepSeries::irregular(std::move(times), std::move(values));
}

/// Instants as a simulation meets them: ascending, with a look back to a job's start.
std::vector<SimTime> instants() {
  const RandomStream draw(2, "instants");
  std::vector<SimTime> list;
  for (std::uint64_t i = 0; i < (1U << 16); ++i) {
    const double now = static_cast<double>(i) / (1U << 16);
    const double back = i % 2 == 0 ? 0.0 : 0.01 * draw.uniform(i);
    list.push_back(SimTime::from_ns(static_cast<std::int64_t>(
        (now > back ? now - back : now) * static_cast<double>(8700 * hour_ns))));
  }
  return list;
}

/// Independent instants all over the year: the table does not stay in the cache.
std::vector<SimTime> scattered() {
  const RandomStream draw(3, "scattered");
  std::vector<SimTime> list;
  for (std::uint64_t i = 0; i < (1U << 16); ++i) {
    list.push_back(SimTime::from_ns(
        static_cast<std::int64_t>(draw.uniform(i) * static_cast<double>(8700 * hour_ns))));
  }
  return list;
}

void look_up(benchmark::State& state, const SiteSignals& signals,
             const std::vector<SimTime>& times) {
  std::size_t i = 0;
  for (auto _ : state) {
    benchmark::DoNotOptimize(signals.upto(times[i++ & 0xffff]));
  }
  state.SetItemsProcessed(static_cast<std::int64_t>(state.iterations()));
}

void upto_constant(benchmark::State& state) {
  const SiteSignals signals(StepSeries::constant(1.2), StepSeries::constant(1e-4),
                            StepSeries::constant(1e-7));
  look_up(state, signals, instants());
}
BENCHMARK(upto_constant);

void upto_grid(benchmark::State& state) {
  const SiteSignals signals(year_of_hours("pue", 1.1, 1.6), year_of_hours("carbon", 1e-5, 1e-4),
                            year_of_hours("price", 0, 1e-7));
  look_up(state, signals, instants());
}
BENCHMARK(upto_grid);

void upto_grid_scattered(benchmark::State& state) {
  const SiteSignals signals(year_of_hours("pue", 1.1, 1.6), year_of_hours("carbon", 1e-5, 1e-4),
                            year_of_hours("price", 0, 1e-7));
  look_up(state, signals, scattered());
}
BENCHMARK(upto_grid_scattered);

void upto_irregular(benchmark::State& state) {
  const SiteSignals signals(irregular_year("pue", 1.1, 1.6), irregular_year("carbon", 1e-5, 1e-4),
                            irregular_year("price", 0, 1e-7));
  look_up(state, signals, instants());
}
BENCHMARK(upto_irregular);

void upto_irregular_scattered(benchmark::State& state) {
  const SiteSignals signals(irregular_year("pue", 1.1, 1.6), irregular_year("carbon", 1e-5, 1e-4),
                            irregular_year("price", 0, 1e-7));
  look_up(state, signals, scattered());
}
BENCHMARK(upto_irregular_scattered);

}  // namespace
}  // namespace nightwatt
