// Throughput of the readers of Batsim and Philly JSON, PAI and openb, each on about 50 MB in memory
// (PAI's task table in a file), from bytes to sorted jobs, SHA-256 included. bytes_per_second is of
// text.

#include <fmt/format.h>

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string>

#include "tests/bench/reader_bench.hpp"

namespace nightwatt::bench {
namespace {

void batsim_json(benchmark::State& state) {
  Random random;
  std::string text = "{\"nb_res\": 8192,\n\"jobs\": [\n", profiles;
  for (std::uint64_t i = 1; text.size() < text_bytes; ++i) {
    text +=
        fmt::format("{}{{\"id\":{},\"subtime\":{},\"walltime\":{},\"res\":{},\"profile\":\"d{}\"}}",
                    i > 1 ? ",\n" : "", i, i * 20, 60 + random.below(80'000), 1 + random.below(8),
                    10 + random.below(80'000));
  }
  for (int seconds = 0; seconds < 80'010; ++seconds) {
    profiles += fmt::format("{}\"d{}\":{{\"type\":\"delay\",\"delay\":{}}}",
                            seconds > 0 ? ",\n" : "", seconds, seconds);
  }
  text += "],\n\"profiles\": {\n" + profiles + "\n}}\n";
  ReadRequest request;
  request.format = "batsim-json";
  read(state, text, request);
}
BENCHMARK(batsim_json)->Unit(benchmark::kMillisecond);

void philly_json(benchmark::State& state) {
  Random random;
  const auto date = [](std::uint64_t second) {  // within 2017, months of 28 days
    const std::uint64_t day = second / 86'400;
    return fmt::format("2017-{:02}-{:02} {:02}:{:02}:{:02}", 1 + day / 28 % 12, 1 + day % 28,
                       second / 3600 % 24, second / 60 % 60, second % 60);
  };
  std::string text = "[";
  for (std::uint64_t i = 1; text.size() < text_bytes; ++i) {
    const std::uint64_t submit = i * 60;
    text += fmt::format(
        "{}\n  {{\n    \"status\": \"Pass\",\n    \"vc\": \"{:06x}\",\n    \"jobid\": "
        "\"application_1506638472019_{}\",\n    \"attempts\": [\n      {{\n        \"start_time\": "
        "\"{}\",\n        \"end_time\": \"{}\",\n        \"detail\": [\n          {{\n            "
        "\"ip\": \"m{}\",\n            \"gpus\": [",
        i > 1 ? "," : "", random.below(14) * 7919, i, date(submit + 30), date(submit + 3630),
        random.below(500));
    const std::uint64_t gpus = 1 + random.below(4);
    for (std::uint64_t gpu = 0; gpu < gpus; ++gpu) {
      text += fmt::format("{}\n              \"gpu{}\"", gpu > 0 ? "," : "", gpu);
    }
    text += fmt::format(
        "\n            ]\n          }}\n        ]\n      }}\n    ],\n    \"submitted_time\": "
        "\"{}\",\n    \"user\": \"{:06x}\"\n  }}",
        date(submit), random.below(300) * 7919);
  }
  text += "\n]\n";
  ReadRequest request;
  request.format = "philly-json";
  request.zone = "America/Los_Angeles";
  read(state, text, request);
}
BENCHMARK(philly_json)->Unit(benchmark::kMillisecond);

void openb(benchmark::State& state) {
  Random random;
  std::string text =
      "name,cpu_milli,memory_mib,num_gpu,gpu_milli,gpu_spec,qos,pod_phase,creation_time,"
      "deletion_time,scheduled_time\n";
  for (std::uint64_t i = 0; text.size() < text_bytes; ++i) {
    const std::uint64_t submit = i * 20;
    text += fmt::format("openb-pod-{:07},{},{},1,{},,LS,Running,{},{},{}\n", i,
                        1000 * (1 + random.below(12)), 16'384, 1 + random.below(1000), submit,
                        submit + 100 + random.below(80'000), submit + random.below(100));
  }
  ReadRequest request;
  request.format = "openb";
  read(state, text, request);
}
BENCHMARK(openb)->Unit(benchmark::kMillisecond);

/// Half of the text is the job table, half the task table; bytes of both count.
void pai(benchmark::State& state) {
  Random random;
  std::string jobs, tasks;
  for (std::uint64_t i = 1; jobs.size() + tasks.size() < text_bytes; ++i) {
    const std::uint64_t submit = 1'000'000 + i * 5;
    const std::uint64_t end = submit + 60 + random.below(40'000);
    jobs += fmt::format("{:024x},{:060x},{:012x},Terminated,{}.0,{}.0\n", i * 0x9E3779B97F4A7C15, i,
                        random.below(1300), submit, end);
    tasks += fmt::format("{:024x},worker,{}.0,Terminated,{}.0,{}.0,600.0,29.296875,{}.0,P100\n",
                         i * 0x9E3779B97F4A7C15, 1 + random.below(4), submit + 10, end,
                         25 * (1 + random.below(4)));
  }
  const std::string path = std::filesystem::temp_directory_path() / "nightwatt_bench_pai.csv";
  std::ofstream(path, std::ios::binary) << tasks;
  ReadRequest request;
  request.format = "pai";
  request.tasks_path = path;
  read(state, jobs, request);
  state.SetBytesProcessed(
      static_cast<std::int64_t>(state.iterations() * (jobs.size() + tasks.size())));
  std::filesystem::remove(path);
}
BENCHMARK(pai)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace nightwatt::bench
