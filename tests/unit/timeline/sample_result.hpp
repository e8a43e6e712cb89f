#pragma once

#include <cmath>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "sim/result.hpp"
#include "tests/support/temporary_folder.hpp"

namespace nightwatt::sample {

/// A result and the workload that it points to.
struct Sample {
  Workload workload;
  RunResult result;
};

inline constexpr double day_s = 86400.0;

/// Names that a careless program trips over.
inline const std::string odd_site = "no/rd <b>\"ü&%</b>";
inline const std::string odd_user = "=cmd|'/c' <script>äöü 漢字 😀";

inline Charge sum(const Charge& a, const Charge& b) {
  return {a.it_energy_j + b.it_energy_j, a.facility_energy_j + b.facility_energy_j,
          a.carbon_g + b.carbon_g, a.cost + b.cost};
}

inline SiteBins bins(std::size_t count, double base) {
  SiteBins bins;
  double next = base;
  for (auto* column : {&bins.it_power_w,
                       &bins.facility_power_w,
                       &bins.pue,
                       &bins.carbon_intensity_g_per_kwh,
                       &bins.carbon_rate_g_per_s,
                       &bins.price_per_kwh,
                       &bins.term_power_w[0],
                       &bins.term_power_w[1],
                       &bins.term_power_w[2],
                       &bins.term_power_w[3],
                       &bins.term_power_w[4],
                       &bins.term_power_w[5],
                       &bins.gpus_busy,
                       &bins.gpus_idle,
                       &bins.gpus_asleep,
                       &bins.jobs_running,
                       &bins.jobs_queued,
                       &bins.jobs_held,
                       &bins.jobs_paused,
                       &bins.power_budget_w}) {
    next += 1000.0;
    for (std::size_t i = 0; i < count; ++i) column->push_back(next + static_cast<double>(i));
  }
  bins.pue[0] = unknown;
  return bins;
}

/// Two sites (the second with an odd name and without carbon and price), three partitions (one of
/// them unused, one that counts cores), jobs in all states. Made by hand:
///
/// job | submit | eligible | start | end   | run  | partition | GPU-seconds | state
/// 0   | 0      | 60       | 100   | 3700  | 3600 | gpu       | 7200        | completed
/// 1   | 10     | 10       | 100   | 1900  | 1800 | gpu       | 1800        | killed_at_limit
/// 2   | 20     | -        | -     | -     | 0    | -         | 0           | rejected
/// 3   | 30     | 30       | -     | -     | 0    | gpu       | 0           | unfinished
/// 4   | 40     | 40       | 40    | 50    | 10   | cores     | 320         | completed
inline std::unique_ptr<Sample> by_hand(bool text_ids = false) {
  auto made = std::make_unique<Sample>();
  Workload& workload = made->workload;
  RunResult& result = made->result;
  result.workload = &workload;

  workload.ids_are_text = text_ids;
  workload.origin_unix_s = 1600000000;
  result.origin_offset_s = -1000.0;
  const std::int32_t user = workload.users.intern(odd_user);
  const std::int32_t other_user = workload.users.intern("anna");
  for (int i = 0; i < 5; ++i) {
    Job job;
    job.submit_s = 1000.0 + 10.0 * i;
    job.run_s = i == 0 ? 3600.0 : i == 1 ? 7200.0 : i == 2 ? unknown : 5.0;
    job.id = text_ids ? workload.text_ids.intern("jöb/" + std::to_string(i)) : 100 + i;
    job.gpu_milli = i == 0 ? 2000 : i == 3 ? 500 : 1000;
    job.user = i == 0 ? user : i == 1 ? other_user : -1;
    job.state = i == 0 ? TraceState::completed : i == 1 ? TraceState::timeout : TraceState::unknown;
    if (i == 4) {
      job.gpu_milli = 0;
      job.cores = 32;
    }
    workload.jobs.push_back(job);
    JobRecord record;
    record.job = static_cast<std::uint32_t>(i);
    result.jobs.push_back(record);
  }
  const auto run = [&](std::size_t i, JobState state, int site, int partition, double eligible,
                       double start, double end, double gpu_seconds) {
    JobRecord& r = result.jobs[i];
    r.state = state;
    r.site = static_cast<std::int16_t>(site);
    r.partition = static_cast<std::int16_t>(partition);
    r.profile = r.job_class = 0;
    r.nodes = 1;
    r.eligible_s = eligible;
    r.start_s = start;
    r.end_s = end;
    r.run_s = end - start;
    r.completed_reference_s = end - start;
    r.gpu_seconds = gpu_seconds;
  };
  const double never = unknown;
  run(0, JobState::completed, 0, 0, 60, 100, 3700, 7200);
  run(1, JobState::killed_at_limit, 0, 0, 10, 100, 1900, 1800);
  run(4, JobState::completed, 1, 2, 40, 40, 50, 320);
  result.jobs[2].state = JobState::rejected;
  JobRecord& waiting = result.jobs[3];
  waiting.site = waiting.partition = waiting.profile = 0;
  waiting.job_class = 1;
  waiting.eligible_s = 30;
  waiting.start_s = waiting.end_s = never;

  JobRecord& first = result.jobs[0];
  first.it_energy_j = 1.44e6;  // 400 W
  first.facility_energy_j = 1.8e6;
  first.carbon_g = 200.0;
  first.cost = 0.125;
  first.cap_w = 250.0;
  first.preemptions = 2;
  first.power_changed = 1;
  first.paused_s = 7.5;
  first.transfer_energy_j = 1.0;
  first.transfer_carbon_g = 2.0;
  first.transfer_cost = 3.0;
  JobRecord& killed = result.jobs[1];
  killed.it_energy_j = 3.6e5;
  killed.facility_energy_j = 4.5e5;
  killed.carbon_g = 50.0;
  killed.cost = 0.03125;
  killed.deadline_missed = 1;
  JobRecord& cores = result.jobs[4];
  cores.it_energy_j = 1000.0;
  cores.facility_energy_j = 1000.0;
  cores.carbon_g = cores.cost = unknown;

  result.title = "two sites, \"by hand\" <&>";
  result.program = "nightwatt test";
  result.scenario_yaml = "name: two sites\n# ü\n";
  result.scenario_sha256 = std::string(64, 'a');
  result.seed = -7;
  result.period_start_unix_s = 1664755200;  // 2022-10-03T00:00:00Z
  result.period_end_s = day_s;
  result.file_end_s = 2 * day_s;
  result.bin_s = 300.0;
  result.slowdown_tau_s = 12.0;
  result.warmup_s = 3600.0;
  result.conservative_depth = 77;
  result.profiles = {"zeta", "alpha"};
  result.classes = {"normal", "batch"};
  result.class_slack_s = {1800.0, 0.0};
  result.devices = {"v100", "epyc"};

  PartitionTotals gpu;
  gpu.site = "dallas";
  gpu.name = "gpu";
  gpu.device = "v100";
  gpu.nodes = 2;
  gpu.gpus = 16;
  gpu.gpu_seconds_held = 9000.0;
  gpu.gpu_seconds_present = 59200.0;
  gpu.overhead = {9.0e5, 1.125e6, 90.0, 0.75};
  gpu.tail_power_w = 150.0;
  PartitionTotals spare = gpu;
  spare.name = "spare";
  spare.gpu_seconds_held = 0.0;
  spare.overhead = {1.0e5, 1.25e5, 10.0, 0.0625};
  PartitionTotals core;
  core.site = odd_site;
  core.name = "gpu";
  core.device = "epyc";
  core.counts_cores = true;
  core.nodes = 1;
  core.gpus = 64;
  core.gpu_seconds_held = 320.0;
  core.overhead = {500.0, 500.0, unknown, unknown};
  result.partitions = {gpu, spare, core};

  SiteResult dallas;
  dallas.name = "dallas";
  dallas.timezone = "America/Chicago";
  dallas.currency = "USD";
  SiteTotals& totals = dallas.to_file_end;
  totals.until_s = result.file_end_s;
  totals.fixed = {0.0, 4.5e4, 18.0, 0.0625};
  totals.total = sum(sum(gpu.overhead, spare.overhead), totals.fixed);
  for (const JobRecord* r : {&first, &killed}) {
    totals.total = sum(totals.total, {r->it_energy_j, r->facility_energy_j, r->carbon_g, r->cost});
  }
  totals.gpu_seconds_held = 9000.0;
  for (std::size_t t = 0; t < term_count; ++t) totals.term_j[t] = 1.0 + static_cast<double>(t);
  totals.x_s = 1.5;
  totals.x_ci = 2.5;
  totals.x_price = 3.5;
  totals.it_x_j = 4.5;
  totals.it_x_ci_g = 5.5;
  totals.it_x_price = 6.5;
  totals.peak_it_w = 7.5;
  dallas.to_period_end = totals;
  dallas.to_period_end.until_s = result.period_end_s;
  dallas.to_period_end.total.cost *= 0.5;
  dallas.unattributed = spare.overhead;
  dallas.peak_facility_w = 555.0;
  dallas.peak_window_s = 900.0;
  dallas.over_budget_s = 61.0;
  dallas.over_budget_j = 62.0;
  dallas.over_budget_w = 63.0;
  dallas.bins = bins(5, 0.0);
  dallas.tail_term_w = {0.0, 10.0, 20.0, 30.0, 40.0, 50.0};
  dallas.tail = {{3700.0, 1.25, 5.0, 1.375, 400.0, 0.1}, {7200.0, 1.5, 6.0, 1.75, 300.0, 0.2}};
  dallas.tail_until_s = 9000.0;
  dallas.steps = {{0.0, 1.25, 5.0, 1.375, 500.0, 0.3},
                  {3600.0, 1.25, 5.0, 1.375, 400.0, 0.1},
                  {7200.0, 1.5, 6.0, 1.75, 300.0, 0.2}};
  dallas.steps_end_s = 9000.0;

  SiteResult nord;
  nord.name = odd_site;
  nord.timezone = "Europe/Oslo";
  nord.to_file_end.until_s = result.file_end_s;
  nord.to_file_end.total = {1500.0, 1500.0, unknown, unknown};
  nord.to_file_end.fixed = {0.0, 0.0, unknown, unknown};
  nord.to_file_end.gpu_seconds_held = 320.0;
  nord.to_period_end = nord.to_file_end;
  nord.to_period_end.until_s = result.period_end_s;
  nord.bins = bins(5, 1e6);
  result.sites = {dallas, nord};

  NodeBins nodes;
  nodes.bins = 5;
  nodes.nodes = 4;
  for (std::size_t i = 0; i < 20; ++i) {
    nodes.power_w.push_back(static_cast<float>(i) + 0.5F);
    nodes.gpus_busy.push_back(static_cast<float>(i % 8));
  }
  result.nodes["dallas"] = nodes;
  result.bounds =
      LowerBounds{"start, site", {150.0, 200.0, "simplex"}, {unknown, unknown, "no price"}, 3, 48};
  result.events = {{60.0, 0, "start", "fits"},
                   {70.0, Event{}.job, "wake", "asked for"},
                   {80.0, 1, "start", "fits"}};

  InputFile trace, carbon;
  trace.role = "workload";
  trace.report.path = "../träce.csv";
  trace.report.format = "philly-csv";
  trace.report.sha256 = std::string(64, 'b');
  trace.report.rows = 10;
  trace.report.skipped = {{"no_gpus", "skip", 3}, {"negative_duration", "skip", 1}};
  trace.report.adjusted = {{"missing_end", "now", 2}};
  trace.report.notes = {"zone assumed: America/Los_Angeles"};
  carbon.role = "carbon";
  carbon.report.path = "carbon.csv";
  carbon.report.format = "electricity-maps";
  carbon.report.sha256 = std::string(64, 'c');
  carbon.report.rows = 8760;
  result.inputs = {trace, carbon};
  result.counts = {{"overrun", "counted", 4}, {"estimate", "run time", 5}};
  result.notes = {"facility equals IT at <nord>", "two"};

  result.summary.it_energy_j = 1.0;
  result.summary.facility_energy_j = 2.0;
  result.summary.jobs_it_energy_j = 5.0;
  result.summary.jobs_facility_energy_j = 6.0;
  result.summary.jobs_carbon_g = result.summary.jobs_cost = unknown;
  result.summary.wait_s = {7.0, 6.0, 9.0, 9.5};
  result.summary.jct_s = {70.0, 60.0, 90.0, 95.0};
  result.summary.bounded_slowdown = {8.0, 1.0, 20.0, 30.0};
  result.summary.jobs_with_deadline = 3;
  result.summary.deadline_misses = 1;
  result.summary.utilization = 0.5;
  result.summary.makespan_s = 3700.0;
  result.summary.jobs_completed = 2;
  result.summary.jobs_unfinished = 1;
  result.summary.jobs_killed_at_limit = 1;
  result.summary.jobs_rejected = 1;
  result.summary.conservation_error = 1e-15;
  for (const char* name : {"normal", "batch", ""}) {
    ClassStatistics of;
    of.name = name;
    of.jobs_completed = result.summary.classes.size();
    of.jobs_it_energy_j = 0.5 + static_cast<double>(of.jobs_completed);
    of.utilization = 0.25;
    of.wait_s = {of.jobs_it_energy_j, 2.0, 3.0, 4.0};
    result.summary.classes.push_back(of);
  }
  return made;
}

/// A result of `count` jobs such as a long run gives: two partitions of one site, times in whole
/// milliseconds, waits for some, energy from power levels, every column with plausible contents.
inline std::unique_ptr<Sample> large(std::size_t count) {
  auto made = std::make_unique<Sample>();
  Workload& workload = made->workload;
  RunResult& result = made->result;
  result.workload = &workload;
  result.title = "large";
  result.program = "nightwatt test";
  result.period_start_unix_s = 1664755200;
  result.period_end_s = 1e7;
  result.file_end_s = 1.2e7;
  result.profiles = {"default"};
  result.classes = {"default"};
  result.devices = {"v100"};
  for (int i = 0; i < 500; ++i) workload.users.intern("user" + std::to_string(i));
  std::mt19937_64 random(1);
  const auto uniform = [&] { return static_cast<double>(random() >> 11) * 0x1p-53; };
  const auto whole_ms = [](double s) { return std::round(s * 1e3) / 1e3; };
  PartitionTotals partitions[2];
  Charge jobs;
  workload.jobs.reserve(count);
  result.jobs.reserve(count);
  double clock = 0.0;
  for (std::size_t i = 0; i < count; ++i) {
    clock += -std::log1p(-uniform()) * 9.0;
    Job job;
    job.submit_s = whole_ms(clock);
    job.id = static_cast<std::int64_t>(i) + 1;
    job.run_s = whole_ms(std::exp(7.0 + 1.3 * (uniform() + uniform() + uniform() - 1.5) * 2.0));
    job.gpu_milli = 1000 * (1 + static_cast<std::uint32_t>(random() % 8));
    job.user = static_cast<std::int32_t>(random() % 500);
    job.state = TraceState::completed;
    workload.jobs.push_back(job);
    JobRecord record;
    record.job = static_cast<std::uint32_t>(i);
    record.state = JobState::completed;
    record.site = record.profile = record.job_class = 0;
    record.partition = static_cast<std::int16_t>(random() % 2);
    record.nodes = 1;
    record.eligible_s = job.submit_s;
    record.start_s = uniform() < 0.6 ? job.submit_s : whole_ms(job.submit_s + uniform() * 5000);
    record.run_s = record.completed_reference_s = job.run_s;
    record.end_s = record.start_s + job.run_s;
    record.gpu_seconds = job.run_s * job.gpu_milli / 1000.0;
    record.it_energy_j = record.gpu_seconds * 190.0;
    record.facility_energy_j = record.it_energy_j * (1.2 + 0.1 * uniform());
    record.carbon_g = record.facility_energy_j * (300 + 100 * uniform()) / 3.6e6;
    record.cost = unknown;
    partitions[record.partition].gpu_seconds_held += record.gpu_seconds;
    jobs = sum(jobs, {record.it_energy_j, record.facility_energy_j, record.carbon_g, unknown});
    result.jobs.push_back(record);
  }
  SiteResult site;
  site.name = "dallas";
  site.currency = "USD";
  site.to_file_end.fixed = {0.0, 1e9, 3e5, unknown};
  site.to_file_end.total = sum(jobs, site.to_file_end.fixed);
  for (int p = 0; p < 2; ++p) {
    PartitionTotals& partition = partitions[p];
    partition.site = site.name;
    partition.name = p == 0 ? "a" : "b";
    partition.device = "v100";
    partition.overhead = {1e9, 1.25e9, 1e5, unknown};
    site.to_file_end.gpu_seconds_held += partition.gpu_seconds_held;
    site.to_file_end.total = sum(site.to_file_end.total, partition.overhead);
    result.partitions.push_back(partition);
  }
  site.unattributed = {0.0, 0.0, 0.0, unknown};
  site.bins = bins(40000, 0.0);
  result.sites.push_back(site);
  return made;
}

using test::TemporaryFolder;

inline std::string bytes_of(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

}  // namespace nightwatt::sample
