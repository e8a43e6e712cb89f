// How long writing the timeline file takes, and how large it gets: all columns of /jobs and a
// site with 40,000 bins, without the time of the disk (fsync is in the real time only).

#include <benchmark/benchmark.h>

#include <cstdint>
#include <filesystem>
#include <numeric>

#include "sim/timeline/timeline.hpp"
#include "tests/unit/timeline/sample_result.hpp"

namespace {

using namespace nightwatt;

/// @param range  jobs, deflate level
void write(benchmark::State& state) {
  const auto made = sample::large(static_cast<std::size_t>(state.range(0)));
  const sample::TemporaryFolder folder(std::filesystem::temp_directory_path());
  const auto path = folder.path() / "out.h5";
  for (auto _ : state) {
    write_timeline(made->result, path, {.compression = static_cast<int>(state.range(1))});
  }
  state.SetItemsProcessed(state.iterations() * state.range(0));
  state.counters["file_MB"] = static_cast<double>(std::filesystem::file_size(path)) / 1e6;
}
BENCHMARK(write)
    ->Args({1'000'000, 0})
    ->Args({1'000'000, 1})
    ->Args({1'000'000, 6})
    ->Args({100'000, 1})
    ->Args({10'000, 1})
    ->Args({0, 1})
    ->Unit(benchmark::kMillisecond);

/// One column of a file, as `compare` reads it.
void read_column(benchmark::State& state) {
  const auto made = sample::large(static_cast<std::size_t>(state.range(0)));
  const sample::TemporaryFolder folder(std::filesystem::temp_directory_path());
  write_timeline(made->result, folder.path() / "out.h5");
  for (auto _ : state) {
    const TimelineFile file = read_timeline(folder.path() / "out.h5");
    const auto column = file.jobs_double("it_energy_full_j");
    benchmark::DoNotOptimize(std::accumulate(column.begin(), column.end(), 0.0));
  }
  state.SetItemsProcessed(state.iterations() * state.range(0));
}
BENCHMARK(read_column)->Arg(1'000'000)->Unit(benchmark::kMillisecond);

}  // namespace
