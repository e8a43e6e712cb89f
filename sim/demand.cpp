#include "sim/demand.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <vector>

#include "traces/diagnostics.hpp"
#include "traces/reader.hpp"

namespace nightwatt {

bool accepts(const Setup& setup, std::int16_t partition, const Capacity& empty, const Job& job,
             const Request& request) {
  if (request.total_milli() == 0 && (job.gpu_milli != 0 || job.cores != 0)) return false;
  if (job.gpu_type >= 0 && !setup.partitions_of_gpu_type.empty()) {
    const auto& allowed = setup.partitions_of_gpu_type[static_cast<std::size_t>(job.gpu_type)];
    if (!allowed.empty() && std::find(allowed.begin(), allowed.end(), partition) == allowed.end()) {
      return false;
    }
  }
  if (job.queue >= 0 && !setup.partition_of_queue.empty()) {
    const std::int16_t named = setup.partition_of_queue[static_cast<std::size_t>(job.queue)];
    if (named >= 0 && named != partition) return false;
  }
  return empty.fits(request);
}

std::string cap_fault(const Device& device, Watts cap) {
  if (!(device.max_cap > Watts{}))
    return fmt::format("expected none: {} has no range of power limits", device.id);
  if (cap >= device.min_cap && cap <= device.max_cap) return {};
  return fmt::format("expected {} to {} W, the range of {}, got {} W", to_watts(device.min_cap),
                     to_watts(device.max_cap), device.id, to_watts(cap));
}

namespace {

/// Whether the trace's format has the rule that leaves them out.
bool may_skip_those_without_gpus(const Workload& workload) {
  if (workload.reports.empty()) return false;
  for (const FormatInfo& format : workload_formats()) {
    if (format.name != workload.reports.front().format) continue;
    return std::ranges::any_of(format.rules,
                               [](const RuleInfo& rule) { return rule.name == "no_gpus"; });
  }
  return false;
}

}  // namespace

void check_demand(const Setup& setup) {
  if (setup.oversized == Oversized::reject) return;
  struct Empty {
    const PartitionSetup* setup;
    Capacity capacity;
  };
  std::vector<Empty> partitions;
  for (const SiteSetup& site : setup.sites) {
    for (const PartitionSetup& p : site.partitions) {
      partitions.push_back({&p, Capacity(p.nodes, p.units_per_node, true)});
    }
  }
  const Workload& w = *setup.workload;
  const std::string file = w.reports.empty() ? std::string() : w.reports.front().path;
  Diagnostics faults;
  std::uint64_t too_big = 0;
  for (const Job& job : w.jobs) {
    const double submit_s = job.submit_s + setup.origin_offset_s;
    if (submit_s < 0.0 || submit_s >= setup.period_end_s) continue;
    bool fits = false;
    for (std::size_t p = 0; p < partitions.size() && !fits; ++p) {
      const PartitionSetup& partition = *partitions[p].setup;
      fits = accepts(setup, static_cast<std::int16_t>(p), partitions[p].capacity, job,
                     Request::of(job, partition.units_per_node, partition.counts_cores,
                                 setup.shape == Shape::any));
    }
    if (fits || ++too_big > 10) continue;
    faults.error(
        {file, job.row, 0},
        fmt::format("job {}: asks for {} GPUs and {} cores on {} nodes{}, more than any "
                    "partition has; workload.oversized: reject leaves such jobs out{}",
                    w.id_text(job), job.gpu_milli / 1000.0, job.cores, job.nodes,
                    job.gpu_type >= 0 ? fmt::format(" of type {}", w.gpu_types[job.gpu_type]) : "",
                    job.gpu_milli == 0 && may_skip_those_without_gpus(w)
                        ? ", workload.rules: {no_gpus: skip} those without GPUs"
                        : ""));
  }
  if (too_big > 10)
    faults.error({}, fmt::format("{} further jobs do not fit either", too_big - 10));
  faults.throw_if_any();
}

}  // namespace nightwatt
