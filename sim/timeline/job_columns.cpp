#include "sim/timeline/job_columns.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <numeric>
#include <stdexcept>
#include <type_traits>

#include "sim/timeline/hdf5_handle.hpp"
#include "sim/timeline/schema.hpp"

namespace nightwatt::timeline {

namespace {

using Type = ColumnInfo::Type;

template <class T>
constexpr Type type_of() {
  if constexpr (std::is_same_v<T, double>) return Type::float64;
  if constexpr (std::is_same_v<T, float>) return Type::float32;
  if constexpr (std::is_same_v<T, std::int64_t>) return Type::int64;
  if constexpr (std::is_same_v<T, std::int32_t>) return Type::int32;
  return Type::int8;
}

/// A column from a rule without captures: one tight loop a column and no call a value.
template <class T, class Rule>
constexpr JobColumn column(const char* name, const char* units, const char* long_name, Rule,
                           const char* table = "", const char* flags = "") {
  return {name,
          type_of<T>(),
          units,
          long_name,
          table,
          flags,
          [](std::span<const JobRow> rows, void* out) {
            T* values = static_cast<T*>(out);
            for (std::size_t i = 0; i < rows.size(); ++i) {
              values[i] = static_cast<T>(Rule{}(rows[i]));
              if constexpr (std::is_floating_point_v<T>) {
                // One pattern of bits for "not a number", whatever operation gave it.
                if (std::isnan(values[i])) values[i] = std::numeric_limits<T>::quiet_NaN();
              }
            }
          }};
}

using R = const JobRow&;

constexpr std::array columns = {
    column<std::int64_t>("job_id", "1", "id in the trace", [](R r) { return r.job->id; }),
    column<double>("submit_time", unit_time, "submitted", [](R r) { return r.submit_s; }),
    column<double>("eligible_time", unit_time,
                   "released by dependencies and timing, its data at the site",
                   [](R r) { return r.record->eligible_s; }),
    column<double>("start_time", unit_time, "first start", [](R r) { return r.record->start_s; }),
    column<double>("end_time", unit_time, "end", [](R r) { return r.record->end_s; }),
    column<double>("wait_s", "s", "start minus submission",
                   [](R r) { return r.record->start_s - r.submit_s; }),
    column<double>("slack_s", "s", "how long the job's class allows it to be held",
                   [](R r) { return r.slack_s; }),
    column<double>("held_s", "s", "part of wait_s before release",
                   [](R r) { return r.record->eligible_s - r.submit_s; }),
    column<double>("queue_s", "s", "part of wait_s in the queue",
                   [](R r) { return r.record->start_s - r.record->eligible_s; }),
    column<double>("run_s", "s", "time executing, pauses excluded",
                   [](R r) { return r.record->run_s; }),
    column<double>("reference_run_s", "s", "run time on the reference device without a cap",
                   [](R r) { return r.job->run_s; }),
    column<double>("completed_reference_s", "s", "reference run time completed, lost work excluded",
                   [](R r) { return r.record->completed_reference_s; }),
    column<float>("bounded_slowdown", "1",
                  "max(1, (end - submission) / max(reference_run_s, tau_s))",
                  [](R r) {
                    const double jct = r.record->end_s - r.submit_s;
                    const double slowdown = jct / std::max(r.job->run_s, r.tau_s);  // NaN stays NaN
                    return slowdown < 1.0 ? 1.0 : slowdown;
                  }),
    column<double>("gpus", "1", "GPUs (or cores) asked for, in all", [](R r) { return r.gpus; }),
    column<double>("gpu_seconds", "s", "GPU-seconds held",
                   [](R r) { return r.record->gpu_seconds; }),
    column<std::int32_t>("nodes", "1", "nodes held", [](R r) { return r.record->nodes; }),
    column<std::int32_t>(
        "site", "1", "site", [](R r) { return r.site; }, "site"),
    column<std::int32_t>(
        "home_site", "1", "site where its data are when it is submitted",
        [](R r) { return r.home_site; }, "site"),
    column<std::int32_t>(
        "partition", "1", "partition of the site", [](R r) { return r.partition; }, "partition"),
    column<std::int32_t>(
        "device", "1", "device of the partition", [](R r) { return r.device; }, "device"),
    column<std::int32_t>(
        "profile", "1", "workload profile", [](R r) { return r.profile; }, "profile"),
    column<std::int32_t>(
        "class", "1", "job class", [](R r) { return r.job_class; }, "class"),
    column<std::int32_t>(
        "user", "1", "user in the trace", [](R r) { return r.user; }, "user"),
    column<std::int8_t>(
        "state", "1", "how the job ended in the simulation",
        [](R r) { return static_cast<int>(r.record->state); }, "",
        "completed killed_at_limit rejected unfinished"),
    column<std::int8_t>(
        "trace_state", "1", "how the job ended in the trace",
        [](R r) { return static_cast<int>(r.job->state); }, "",
        "unknown completed failed cancelled timeout node_fail out_of_memory preempted running "
        "pending"),
    column<float>("cap_w", "W", "power cap of a GPU, time mean",
                  [](R r) { return r.record->cap_w; }),
    column<float>("mean_power_w", "W", "it_energy_j over run_s",
                  [](R r) {
                    return r.record->run_s > 0.0 ? r.record->it_energy_j / r.record->run_s
                                                 : unknown;
                  }),
    column<std::int8_t>(
        "power_changed", "1", "whether its power changed while it ran",
        [](R r) { return r.record->power_changed; }, "", "no yes"),
    column<double>("it_energy_j", "J", "IT energy", [](R r) { return r.record->it_energy_j; }),
    column<double>("facility_energy_j", "J", "facility energy",
                   [](R r) { return r.record->facility_energy_j; }),
    column<double>("carbon_g", "g", "CO2 equivalent", [](R r) { return r.record->carbon_g; }),
    column<double>("cost", unit_money, "cost of energy", [](R r) { return r.record->cost; }),
    column<double>("it_energy_full_j", "J",
                   "IT energy with its share of the partition's idle and fixed draw",
                   [](R r) { return r.full.it_energy_j; }),
    column<double>("facility_energy_full_j", "J",
                   "facility energy with its share of the partition's and the site's fixed draw",
                   [](R r) { return r.full.facility_energy_j; }),
    column<double>("carbon_full_g", "g",
                   "CO2 equivalent with its share of the partition's and the site's fixed draw",
                   [](R r) { return r.full.carbon_g; }),
    column<double>("cost_full", unit_money,
                   "cost of energy with its share of the partition's and the site's fixed draw",
                   [](R r) { return r.full.cost; }),
    column<double>("transfer_s", "s", "part of wait_s in which the job's data were moved",
                   [](R r) { return r.record->transfer_s; }),
    column<double>("transfer_energy_j", "J", "energy of moving the job's data",
                   [](R r) { return r.record->transfer_energy_j; }),
    column<double>("transfer_carbon_g", "g", "CO2 equivalent of moving the job's data",
                   [](R r) { return r.record->transfer_carbon_g; }),
    column<double>("transfer_cost", unit_money, "cost of moving the job's data",
                   [](R r) { return r.record->transfer_cost; }),
    column<std::int32_t>("preemptions", "1", "times the job was suspended",
                         [](R r) { return r.record->preemptions; }),
    column<double>("paused_s", "s", "time suspended", [](R r) { return r.record->paused_s; }),
    column<std::int8_t>(
        "deadline_missed", "1", "whether the job ended after its deadline",
        [](R r) { return r.record->deadline_missed; }, "", "no yes"),
};

constexpr JobColumn data_column =
    column<double>("data_gb", "1e9 byte", "data that have to be where the job runs",
                   [](R r) { return r.data_gb; });
constexpr JobColumn water_column = column<double>(
    "water_l", "L", "water used on site for its IT energy", [](R r) { return r.water_l; });
constexpr JobColumn embodied_column = column<double>(
    "embodied_carbon_g", "g",
    "CO2 equivalent of making the hardware, by GPU-seconds held; no part of carbon_g",
    [](R r) { return r.embodied_carbon_g; });

void add(Charge& sum, const Charge& more, double factor) {
  for (const auto& field : charge_fields) sum.*field.value += more.*field.value * factor;
}

double inverse_or_zero(double value) { return value > 0.0 ? 1.0 / value : 0.0; }

}  // namespace

TextTable::TextTable(const std::vector<std::string>& from) {
  texts.reserve(from.size());
  for (const std::string& text : from) texts.push_back(printable_utf8(text));
  std::vector<std::size_t> order(from.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::sort(order.begin(), order.end(),
            [&](std::size_t a, std::size_t b) { return texts[a] < texts[b]; });
  index_of.resize(from.size());
  std::vector<std::string> sorted;
  for (const std::size_t i : order) {
    if (sorted.empty() || sorted.back() != texts[i]) sorted.push_back(texts[i]);
    index_of[i] = static_cast<std::int32_t>(sorted.size() - 1);
  }
  texts = std::move(sorted);
}

TextTables::TextTables(const RunResult& result)
    : profile(result.profiles), job_class(result.classes) {
  std::vector<std::string> sites, partitions, devices = result.devices, events, reasons;
  for (const SiteResult& each : result.sites) sites.push_back(each.name);
  for (const PartitionTotals& each : result.partitions) {
    partitions.push_back(each.name);
    devices.push_back(each.device);
  }
  for (const Event& each : result.events) {
    events.push_back(each.what);
    reasons.push_back(each.why);
  }
  site = TextTable(sites);
  partition = TextTable(partitions);
  device = TextTable(devices);
  event = TextTable(events);
  reason = TextTable(reasons);
  if (result.workload != nullptr) {
    const auto users = result.workload->users.texts();
    user = TextTable(std::vector<std::string>(users.begin(), users.end()));
  }
  for (std::size_t i = 0; i < result.partitions.size(); ++i) {
    device_of_partition.push_back(device.index_of[result.devices.size() + i]);
  }
}

JobRows::JobRows(const RunResult& result, const TextTables& tables)
    : result_(result), tables_(tables) {
  if (result.workload == nullptr && !result.jobs.empty()) {
    throw std::logic_error("timeline: a result with jobs but without their workload");
  }
  for (const PartitionTotals& partition : result.partitions) {
    const auto site = std::find_if(result.sites.begin(), result.sites.end(),
                                   [&](const SiteResult& s) { return s.name == partition.site; });
    if (site == result.sites.end()) {
      throw std::logic_error("timeline: partition '" + partition.name + "' is of no site");
    }
    Share share;
    add(share.per_gpu_second, partition.overhead, inverse_or_zero(partition.gpu_seconds_held));
    add(share.per_gpu_second, site->to_file_end.fixed,
        inverse_or_zero(site->to_file_end.gpu_seconds_held));
    shares_.push_back(share);
  }
}

void JobRows::make(std::size_t first, std::span<JobRow> rows) const {
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const JobRecord& record = result_.jobs[first + i];
    const Job& job = result_.workload->jobs[record.job];
    JobRow& row = rows[i];
    row.job = &job;
    row.record = &record;
    row.submit_s = result_.submit_s(record);
    row.slack_s = result_.slack_s(record);
    if (!result_.jobs_water_l.empty()) row.water_l = result_.jobs_water_l[first + i];
    row.embodied_carbon_g = result_.embodied_carbon_g(record);
    row.data_gb = result_.data_gb(record);
    row.tau_s = result_.slowdown_tau_s;
    row.site = tables_.site[record.site];
    row.home_site = tables_.site[record.home_site];
    row.partition = tables_.partition[record.partition];
    row.profile = tables_.profile[record.profile];
    row.job_class = tables_.job_class[record.job_class];
    row.user = tables_.user[job.user];
    row.full = {record.it_energy_j, record.facility_energy_j, record.carbon_g, record.cost};
    bool counts_cores = job.gpu_milli == 0;
    row.device = -1;
    if (record.partition >= 0) {
      const auto partition = static_cast<std::size_t>(record.partition);
      row.device = tables_.device_of_partition[partition];
      counts_cores = result_.partitions[partition].counts_cores;
      add(row.full, shares_[partition].per_gpu_second, record.gpu_seconds);
    }
    row.gpus = counts_cores ? job.cores : job.gpu_milli / 1000.0;
  }
}

std::vector<JobColumn> job_columns(const RunResult& result) {
  const bool text_ids = result.workload != nullptr && result.workload->ids_are_text;
  std::vector<JobColumn> all(columns.begin() + (text_ids ? 1 : 0), columns.end());
  if (!result.class_data_gb.empty()) all.push_back(data_column);
  if (!result.jobs_water_l.empty()) all.push_back(water_column);
  if (result.has_embodied()) all.push_back(embodied_column);
  return all;
}

std::size_t size_of(ColumnInfo::Type type) {
  switch (type) {
    case Type::float64:
    case Type::int64:
      return 8;
    case Type::float32:
    case Type::int32:
      return 4;
    case Type::int8:
      return 1;
    case Type::text:
      break;
  }
  throw std::logic_error("timeline: text has no fixed size");
}

}  // namespace nightwatt::timeline
