#pragma once

#include <benchmark/benchmark.h>

#include <cstddef>
#include <cstdint>
#include <string>

#include "traces/input.hpp"
#include "traces/reader.hpp"

/// What the benchmarks of the workload readers share.
namespace nightwatt::bench {

constexpr std::size_t text_bytes = 50'000'000;

/// Numbers that look random and are the same everywhere.
class Random {
 public:
  std::uint64_t below(std::uint64_t limit) {
    state_ = state_ * 6364136223846793005ULL + 1442695040888963407ULL;
    return (state_ >> 33) % limit;
  }

 private:
  std::uint64_t state_ = 1;
};

/// From bytes in memory to sorted jobs.
inline void read(benchmark::State& state, const std::string& text, ReadRequest request) {
  request.path = "bench";
  std::size_t jobs = 0;
  for (auto _ : state) {
    Input input = Input::from_memory(request.path, text);
    jobs = read_workload(request, input).jobs.size();
    benchmark::DoNotOptimize(jobs);
  }
  state.counters["jobs"] = static_cast<double>(jobs);
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(text.size()));
}

}  // namespace nightwatt::bench
