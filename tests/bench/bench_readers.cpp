// Throughput of the line-based workload readers, each on about 50 MB in memory, from bytes to
// sorted jobs (SHA-256 included). bytes_per_second is of text.

#include <array>
#include <cstdint>
#include <cstdio>
#include <string>

#include "tests/bench/reader_bench.hpp"

namespace nightwatt::bench {
namespace {

/// "2020-MM-DD HH:MM:SS", `second` seconds after 2020-01-01 (within the year).
std::string date_text(std::uint64_t second, char separator = ' ') {
  static constexpr std::array<unsigned, 12> days = {31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  std::uint64_t day = second / 86'400 % 366;
  unsigned month = 0;
  while (day >= days[month]) day -= days[month++];
  const std::uint64_t clock = second % 86'400;
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "2020-%02u-%02u%c%02u:%02u:%02u", month + 1,
                static_cast<unsigned>(day) + 1, separator, static_cast<unsigned>(clock / 3600),
                static_cast<unsigned>(clock / 60 % 60), static_cast<unsigned>(clock % 60));
  return text.data();
}

std::string num(std::uint64_t value) { return std::to_string(value); }

template <typename Row>
std::string repeat(std::string text, Row row) {
  Random random;
  for (std::uint64_t i = 1; text.size() < text_bytes; ++i) text += row(random, i);
  return text;
}

std::string swf() {
  return repeat("; UnixStartTime: 1577836800\n", [](Random& random, std::uint64_t i) {
    const std::string n = num(1 + random.below(8));
    const std::string run = num(10 + random.below(80'000));
    return num(i) + " " + num(i * 20) + " -1 " + run + " " + n + " -1 -1 " + n + " " + run +
           "0 -1 1 " + num(random.below(500)) + " 1 1 " + num(random.below(8)) + " 1 -1 -1\n";
  });
}

std::string philly() {
  return repeat("timestamp,duration,num_gpus,gpu_time,cluster\n",
                [](Random& random, std::uint64_t i) {
                  const std::uint64_t run = 10 + random.below(80'000);
                  const std::uint64_t n = 1 + random.below(8);
                  return date_text(i * 20) + "," + num(run) + ".0," + num(n) + "," + num(run * n) +
                         ".0," + num(103'959 + random.below(13)) + "\n";
                });
}

std::string helios() {
  return repeat(
      "job_id,user,vc,gpu_num,cpu_num,node_num,state,submit_time,start_time,end_time,duration,"
      "queue\n",
      [](Random& random, std::uint64_t i) {
        const std::uint64_t run = 10 + random.below(80'000);
        const std::uint64_t wait = random.below(600);
        return num(i) + ",u" + num(random.below(800)) + ",vc" + num(random.below(30)) + "," +
               num(1 + random.below(8)) + "," + num(4 + random.below(60)) + ",1,COMPLETED," +
               date_text(i * 20) + "," + date_text(i * 20 + wait) + "," +
               date_text(i * 20 + wait + run) + "," + num(run) + "," + num(wait) + "\n";
      });
}

std::string sacct() {
  return repeat(
      "JobID|JobIDRaw|JobName|User|UID|Account|Partition|QOS|State|ExitCode|Submit|Eligible|Start|"
      "End|Elapsed|ElapsedRaw|Timelimit|TimelimitRaw|NNodes|NCPUS|ReqMem|AllocTRES|ReqTRES|NodeList"
      "\n",
      [](Random& random, std::uint64_t i) {
        const std::uint64_t run = 10 + random.below(80'000);
        const std::string gpus = num(1 + random.below(8));
        const std::string tres = "billing=64,cpu=64,gres/gpu=" + gpus + ",mem=500G,node=1";
        return num(i) + "|" + num(i) + "|train.sh|user" + num(random.below(800)) +
               "|1001|lab|gpu|normal|COMPLETED|0:0|" + date_text(i * 20, 'T') + "|" +
               date_text(i * 20, 'T') + "|" + date_text(i * 20 + 60, 'T') + "|" +
               date_text(i * 20 + 60 + run, 'T') + "|10:00:00|" + num(run) +
               "|1-00:00:00|1440|1|64|500G|" + tres + "|" + tres + "|node" +
               num(random.below(400)) + "\n";
      });
}

ReadRequest request_for(const char* format) {
  ReadRequest request;
  request.format = format;
  request.zone = "Asia/Shanghai";
  return request;
}

void read_swf(benchmark::State& state) { read(state, swf(), request_for("swf")); }
void read_philly_csv(benchmark::State& state) { read(state, philly(), request_for("philly-csv")); }
void read_helios(benchmark::State& state) { read(state, helios(), request_for("helios")); }
void read_sacct(benchmark::State& state) { read(state, sacct(), request_for("sacct")); }

/// The generic CSV on the columns of Helios.
void read_csv(benchmark::State& state) {
  ReadRequest request = request_for("csv");
  request.columns.columns = {
      {"id", "job_id"},          {"user", "user"},        {"queue", "vc"},
      {"gpus", "gpu_num"},       {"cores", "cpu_num"},    {"state", "state"},
      {"submit", "submit_time"}, {"start", "start_time"}, {"run", "duration"}};
  read(state, helios(), request);
}

BENCHMARK(read_swf)->Unit(benchmark::kMillisecond);
BENCHMARK(read_philly_csv)->Unit(benchmark::kMillisecond);
BENCHMARK(read_helios)->Unit(benchmark::kMillisecond);
BENCHMARK(read_sacct)->Unit(benchmark::kMillisecond);
BENCHMARK(read_csv)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace nightwatt::bench
