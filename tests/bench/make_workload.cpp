// Writes the workload of the benchmarks as SWF (SyntheticOptions::benchmark).
//
//     make_workload JOBS NODES GPUS_PER_NODE SEED OUTPUT.swf [LOAD]
#include <charconv>
#include <cstdint>
#include <cstdio>
#include <fstream>
#include <string>
#include <string_view>

#include "traces/formats/swf_writer.hpp"
#include "traces/synthetic.hpp"

namespace {

template <class Number>
bool parse(std::string_view text, Number least, Number& number) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() && end == text.data() + text.size() && number >= least;
}

}  // namespace

int main(int argc, char** argv) {
  using namespace nightwatt;
  std::uint64_t jobs = 0, seed = 0;
  std::uint32_t nodes = 0, gpus_per_node = 0;
  double load = 0.8;
  if (argc < 6 || argc > 7 || !parse<std::uint64_t>(argv[1], 1, jobs) ||
      !parse<std::uint32_t>(argv[2], 1, nodes) ||
      !parse<std::uint32_t>(argv[3], 1, gpus_per_node) || !parse<std::uint64_t>(argv[4], 0, seed) ||
      (argc == 7 && !parse<double>(argv[6], 1e-9, load))) {
    std::fprintf(stderr, "usage: %s JOBS NODES GPUS_PER_NODE SEED OUTPUT.swf [LOAD]\n", argv[0]);
    return 2;
  }
  std::ofstream file(argv[5], std::ios::binary);
  SwfHeader header;
  header.computer = "synthetic";
  header.jobs = jobs;
  header.nodes = nodes;
  header.processors = std::uint64_t{nodes} * gpus_per_node;
  header.note = "made by make_workload, seed " + std::to_string(seed);
  std::string text = swf_header(header);
  SyntheticJobs draw(SyntheticOptions::benchmark(seed, nodes, gpus_per_node, load));
  for (std::uint64_t i = 0; i < jobs; ++i) {
    const Job job = draw.next();
    SwfRow row = swf_row(job);
    row.processors = job.gpu_milli / 1000;
    append_swf(row, text);
    if (text.size() < std::size_t{1} << 20 && i + 1 < jobs) continue;
    file << text;
    text.clear();
  }
  if (!file.flush()) {
    std::fprintf(stderr, "%s: cannot be written\n", argv[5]);
    return 1;
  }
  return 0;
}
