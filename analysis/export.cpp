#include "analysis/export.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <string_view>
#include <system_error>
#include <utility>
#include <variant>

#include "analysis/output_text.hpp"
#include "analysis/text_file.hpp"
#include "traces/diagnostics.hpp"

namespace nightwatt {
namespace {

namespace fs = std::filesystem;

/// Words for the values of /jobs/state, as in JobState.
constexpr std::array<const char*, 4> state_words = {"completed", "killed_at_limit", "rejected",
                                                    "unfinished"};
/// ... and for those of /jobs/trace_state, as in TraceState.
constexpr std::array<const char*, 10> trace_state_words = {
    "unknown",   "completed",     "failed",    "cancelled", "timeout",
    "node_fail", "out_of_memory", "preempted", "running",   "pending"};
constexpr std::array<const char*, 2> no_yes = {"no", "yes"};

/// A folder of new files that are taken away again unless all of them were written.
class OutputFolder {
 public:
  OutputFolder(const fs::path& path, const std::function<bool()>& interrupted)
      : path_(path), interrupted_(interrupted) {
    const auto refuse = [&](const std::string& reason) {
      throw InputError(Diagnostic{{path.string(), 0, 0}, "output: " + reason});
    };
    std::error_code error;
    const fs::file_status status = fs::status(path, error);
    if (path.empty()) refuse("expected the path of a folder, got ''");
    if (fs::exists(status) && !fs::is_directory(status)) {
      refuse("expected a folder, got something else");
    }
    if (fs::exists(status)) {
      const bool is_empty = fs::is_empty(path, error);
      if (error) refuse("the folder cannot be read: " + error.message());
      if (!is_empty) refuse("the folder is not empty; nothing was written (give a new one)");
      return;
    }
    made_ = fs::create_directory(path, error);
    if (error || !made_) refuse("the folder cannot be made: " + error.message());
  }
  ~OutputFolder() {
    if (kept_) return;
    std::error_code ignored;
    for (const std::string& name : names_) fs::remove(path_ / name, ignored);
    if (made_) fs::remove(path_, ignored);
  }
  OutputFolder(const OutputFolder&) = delete;
  OutputFolder& operator=(const OutputFolder&) = delete;

  template <class Fill>
  void write(const std::string& name, Fill fill) {
    TextFile file(path_ / name, interrupted_);
    names_.push_back(name);
    fill(file);
    file.commit();
  }
  std::vector<std::string> keep() {
    kept_ = true;
    return names_;
  }

 private:
  fs::path path_;
  const std::function<bool()>& interrupted_;
  std::vector<std::string> names_;
  bool made_ = false, kept_ = false;
};

/// A column of /jobs as it is read: numbers, or indices and codes with their words.
struct Column {
  std::string name;
  bool is_float32 = false;
  std::variant<std::vector<double>, std::vector<std::int64_t>, std::vector<std::string>> values;
  bool has_words = false;  ///< the integers stand for `words`; what is not among them is empty
  std::vector<std::string> words;

  [[nodiscard]] std::string cell(std::size_t row) const {
    if (const auto* numbers = std::get_if<std::vector<double>>(&values)) {
      const double value = (*numbers)[row];
      if (std::isnan(value)) return {};
      return is_float32 ? fmt::format("{}", static_cast<float>(value)) : fmt::format("{}", value);
    }
    if (const auto* texts = std::get_if<std::vector<std::string>>(&values)) return (*texts)[row];
    const std::int64_t value = std::get<std::vector<std::int64_t>>(values)[row];
    if (!has_words) return std::to_string(value);
    const auto at = static_cast<std::size_t>(value);
    return value >= 0 && at < words.size() ? words[at] : std::string();
  }
};

/// Points in time lose their date in a CSV file and become seconds since the period's start.
std::string csv_name(const std::string& name, const std::string& units) {
  return units.starts_with("seconds since") ? name + "_s" : name;
}

Column read_column(const TimelineFile& file, const ColumnInfo& info) {
  Column column;
  column.name = csv_name(info.name, info.units);
  using Type = ColumnInfo::Type;
  if (info.type == Type::text) {
    column.values = file.jobs_text(info.name);
  } else if (info.type == Type::float64 || info.type == Type::float32) {
    column.is_float32 = info.type == Type::float32;
    column.values = file.jobs_double(info.name);
  } else {
    column.values = file.jobs_int(info.name);
    const auto stands_for = [&](const auto& words) {
      column.has_words = true;
      column.words.assign(words.begin(), words.end());
    };
    if (!info.table.empty()) stands_for(file.table(info.table));
    if (info.name == "state") stands_for(state_words);
    if (info.name == "trace_state") stands_for(trace_state_words);
    if (info.name == "deadline_missed") stands_for(no_yes);
  }
  return column;
}

void write_jobs(const TimelineFile& file, TextFile& out) {
  std::vector<Column> columns;
  std::vector<std::string> row;
  for (const ColumnInfo& info : file.job_columns()) {
    columns.push_back(read_column(file, info));
    row.push_back(columns.back().name);
  }
  out.write(csv_row(row));
  for (std::size_t job = 0; job < file.job_count(); ++job) {
    for (std::size_t c = 0; c < columns.size(); ++c) row[c] = columns[c].cell(job);
    out.write(csv_row(row));
  }
}

void write_sites(const TimelineFile& file, TextFile& out) {
  const auto columns = [](const SiteBins& bins) {
    std::vector<std::pair<std::string, const std::vector<double>*>> all = {
        {"it_power_w", &bins.it_power_w},
        {"facility_power_w", &bins.facility_power_w},
        {"pue", &bins.pue},
        {"carbon_intensity_g_per_kwh", &bins.carbon_intensity_g_per_kwh},
        {"carbon_rate_g_per_s", &bins.carbon_rate_g_per_s},
        {"price_per_kwh", &bins.price_per_kwh},
        {"gpus_busy", &bins.gpus_busy},
        {"gpus_idle", &bins.gpus_idle},
        {"gpus_asleep", &bins.gpus_asleep},
        {"jobs_running", &bins.jobs_running},
        {"jobs_queued", &bins.jobs_queued},
        {"jobs_held", &bins.jobs_held}};
    for (std::size_t t = 0; t < term_count; ++t) {
      all.emplace_back(fmt::format("{}_power_w", term_names[t]), &bins.term_power_w[t]);
    }
    return all;
  };
  std::vector<std::string> row = {"site", "time_s"};
  const SiteBins names;
  for (const auto& [name, unused] : columns(names)) row.push_back(name);
  out.write(csv_row(row));
  for (std::size_t s = 0; s < file.sites().size(); ++s) {
    const SiteBins bins = file.site_bins(s);
    const std::vector<double> time = file.site_column(s, "time");
    const auto all = columns(bins);
    for (std::size_t i = 0; i < time.size(); ++i) {
      row = {file.sites()[s].name, csv_number(time[i])};
      for (const auto& [name, values] : all) row.push_back(csv_number((*values)[i]));
      out.write(csv_row(row));
    }
  }
}

/// Name and value of each member of a charge.
std::vector<std::pair<std::string, double>> members(const Charge& charge) {
  return {{"it_energy_j", charge.it_energy_j},
          {"facility_energy_j", charge.facility_energy_j},
          {"carbon_g", charge.carbon_g},
          {"cost", charge.cost}};
}

void write_totals(const TimelineFile& file, TextFile& out) {
  out.write("site,span,key,value\n");
  for (const SiteResult& site : file.sites()) {
    const auto row = [&](const char* span, const std::string& key, double value) {
      out.write(csv_row({site.name, span, key, csv_number(value)}));
    };
    for (const auto& [span, totals] :
         {std::pair("period", &site.to_period_end), std::pair("file", &site.to_file_end)}) {
      row(span, "until_time_s", totals->until_s);
      for (const auto& [key, value] : members(totals->total)) row(span, key, value);
      for (const auto& [key, value] : members(totals->fixed)) row(span, "fixed_" + key, value);
      for (std::size_t t = 0; t < term_count; ++t) {
        row(span, fmt::format("{}_energy_j", term_names[t]), totals->term_j[t]);
      }
      row(span, "gpu_seconds_held", totals->gpu_seconds_held);
      row(span, "peak_it_power_w", totals->peak_it_w);
    }
    for (const auto& [key, value] : members(site.unattributed)) {
      row("file", "unattributed_" + key, value);
    }
    row("file", "peak_facility_power_w", site.peak_facility_w);
    row("file", "peak_window_s", site.peak_window_s);
  }
}

void write_partitions(const TimelineFile& file, TextFile& out) {
  out.write(
      "site,partition,device,unit,nodes,gpus,gpu_seconds_held,gpu_seconds_present,"
      "overhead_it_energy_j,overhead_facility_energy_j,overhead_carbon_g,overhead_cost\n");
  for (const PartitionTotals& p : file.partitions()) {
    std::vector<std::string> row = {p.site,
                                    p.name,
                                    p.device,
                                    p.counts_cores ? "core" : "gpu",
                                    std::to_string(p.nodes),
                                    std::to_string(p.gpus),
                                    csv_number(p.gpu_seconds_held),
                                    csv_number(p.gpu_seconds_present)};
    for (const auto& [key, value] : members(p.overhead)) row.push_back(csv_number(value));
    out.write(csv_row(row));
  }
}

void write_summary(const TimelineFile& file, TextFile& out) {
  out.write("class,key,value\n");
  const TimelineHeader& header = file.header();
  const Summary& summary = file.summary();
  const auto row = [&](const std::string& of, const std::string& key, const std::string& value) {
    out.write(csv_row({of, key, value}));
  };
  row("", "title", header.title);
  row("", "source", header.source);
  row("", "scenario_sha256", header.scenario_sha256);
  row("", "seed", std::to_string(header.seed));
  row("", "period_start_unix_s", std::to_string(header.period_start_unix_s));
  row("", "period_start_fraction_s", csv_number(header.period_start_fraction_s));
  row("", "period_end_s", csv_number(header.period_end_s));
  row("", "file_end_s", csv_number(header.file_end_s));
  for (const auto& [key, value] :
       members({summary.it_energy_j, summary.facility_energy_j, summary.carbon_g, summary.cost})) {
    row("", key, csv_number(value));
  }
  row("", "conservation_error", csv_number(summary.conservation_error));
  const auto statistics = [&](const std::string& of, const JobStatistics& s) {
    const auto count = [&](const char* key, std::uint64_t value) {
      row(of, key, std::to_string(value));
    };
    count("jobs_completed", s.jobs_completed);
    count("jobs_unfinished", s.jobs_unfinished);
    count("jobs_killed_at_limit", s.jobs_killed_at_limit);
    count("jobs_rejected", s.jobs_rejected);
    count("jobs_with_deadline", s.jobs_with_deadline);
    count("deadline_misses", s.deadline_misses);
    for (const auto& [key, value] :
         members({s.jobs_it_energy_j, s.jobs_facility_energy_j, s.jobs_carbon_g, s.jobs_cost})) {
      row(of, "jobs_" + key, csv_number(value));
    }
    row(of, "utilization", csv_number(s.utilization));
    row(of, "makespan_s", csv_number(s.makespan_s));
    for (const auto& [key, d] : {std::pair("wait_s", &s.wait_s), std::pair("jct_s", &s.jct_s),
                                 std::pair("bounded_slowdown", &s.bounded_slowdown)}) {
      row(of, fmt::format("mean_{}", key), csv_number(d->mean));
      row(of, fmt::format("p50_{}", key), csv_number(d->p50));
      row(of, fmt::format("p95_{}", key), csv_number(d->p95));
      row(of, fmt::format("p99_{}", key), csv_number(d->p99));
    }
  };
  statistics("", summary);
  for (const ClassStatistics& each : summary.classes) {
    statistics(each.name.empty() ? "(of no class)" : each.name, each);
  }
}

void write_events(const std::vector<Event>& events, TextFile& out) {
  out.write("time_s,job,event,reason\n");
  for (const Event& event : events) {
    const bool has_job = event.job != Event{}.job;
    out.write(csv_row({csv_number(event.time_s), has_job ? std::to_string(event.job) : "",
                       event.what, event.why}));
  }
}

void write_csv(const TimelineFile& file, OutputFolder& folder) {
  folder.write("jobs.csv", [&](TextFile& out) { write_jobs(file, out); });
  folder.write("sites.csv", [&](TextFile& out) { write_sites(file, out); });
  folder.write("totals.csv", [&](TextFile& out) { write_totals(file, out); });
  folder.write("partitions.csv", [&](TextFile& out) { write_partitions(file, out); });
  folder.write("summary.csv", [&](TextFile& out) { write_summary(file, out); });
  folder.write("inputs.csv", [&](TextFile& out) {
    out.write("role,path,format,sha256,rows_read\n");
    for (const InputFile& input : file.inputs()) {
      out.write(csv_row({input.role, input.report.path, input.report.format, input.report.sha256,
                         std::to_string(input.report.rows)}));
    }
  });
  if (const auto events = file.events(); !events.empty()) {
    folder.write("events.csv", [&](TextFile& out) { write_events(events, out); });
  }
  folder.write("scenario.yaml", [&](TextFile& out) { out.write(file.header().scenario_yaml); });
}

/// Batsim's words for how a job ended.
const char* batsim_state(JobState state, bool started) {
  switch (state) {
    case JobState::completed:
      return "COMPLETED_SUCCESSFULLY";
    case JobState::killed_at_limit:
      return "COMPLETED_WALLTIME_REACHED";
    case JobState::rejected:
      return "REJECTED";
    case JobState::unfinished:
      break;
  }
  return started ? "RUNNING" : "SUBMITTED";
}

/// Mean and maximum.
struct Extremes {
  double sum = 0.0, max = unknown;
  std::uint64_t count = 0;
  void add(double value) {
    sum += value;
    if (!(value <= max)) max = value;
    ++count;
  }
  [[nodiscard]] double mean() const {
    return count == 0 ? unknown : sum / static_cast<double>(count);
  }
};

void write_batsim(const TimelineFile& file, OutputFolder& folder) {
  const auto ids = file.jobs_text("job_id");
  const auto profiles = file.jobs_text("profile");
  const auto submit_s = file.jobs_double("submit_time");
  const auto start_s = file.jobs_double("start_time");
  const auto end_s = file.jobs_double("end_time");
  const auto gpus = file.jobs_double("gpus");
  const auto energy_j = file.jobs_double("it_energy_j");
  const auto state = file.jobs_int("state");
  Extremes waiting, turnaround, slowdown;
  double first_submit_s = unknown, last_end_s = unknown;
  folder.write("jobs.csv", [&](TextFile& out) {
    out.write(
        "job_id,workload_name,profile,submission_time,requested_number_of_resources,"
        "requested_time,success,final_state,starting_time,execution_time,finish_time,waiting_time,"
        "turnaround_time,stretch,allocated_resources,consumed_energy,metadata\n");
    for (std::size_t i = 0; i < ids.size(); ++i) {
      const bool started = !std::isnan(start_s[i]), ended = !std::isnan(end_s[i]);
      const auto how = static_cast<JobState>(state[i]);
      const double run_s = end_s[i] - start_s[i];
      const double in_system_s = end_s[i] - submit_s[i];
      const double stretch = run_s > 0.0 ? in_system_s / run_s : unknown;
      if (!(submit_s[i] >= first_submit_s)) first_submit_s = submit_s[i];
      if (ended && !(end_s[i] <= last_end_s)) last_end_s = end_s[i];
      if (started) waiting.add(start_s[i] - submit_s[i]);
      if (ended) turnaround.add(in_system_s);
      if (!std::isnan(stretch)) slowdown.add(stretch);
      out.write(csv_row({ids[i], "w0", profiles[i], csv_number(submit_s[i]), csv_number(gpus[i]),
                         "", how == JobState::completed ? "1" : "0", batsim_state(how, started),
                         csv_number(start_s[i]), csv_number(run_s), csv_number(end_s[i]),
                         csv_number(start_s[i] - submit_s[i]), csv_number(in_system_s),
                         csv_number(stretch), "", started ? csv_number(energy_j[i]) : "", ""}));
    }
  });

  // From the first submission to the last end, as Batsim counts; before and behind it power is
  // static, unless nodes sleep or jobs still run.
  double joules = 0.0, held_s = 0.0, present_s = 0.0, machines = 0.0;
  bool sleeps = false;
  for (const SiteResult& site : file.sites()) {
    const SiteTotals& totals = site.to_file_end;
    double static_w = 0.0;
    for (const double w : site.tail_term_w) static_w += w;
    sleeps = sleeps || totals.term_j[static_cast<std::size_t>(Term::asleep)] != 0.0 ||
             totals.term_j[static_cast<std::size_t>(Term::boot)] != 0.0;
    joules += totals.total.it_energy_j -
              static_w * (first_submit_s + file.header().file_end_s - last_end_s);
    held_s += totals.gpu_seconds_held;
  }
  for (const PartitionTotals& partition : file.partitions()) {
    present_s += partition.gpu_seconds_present;
    machines += static_cast<double>(partition.gpus);
  }
  const Summary& summary = file.summary();
  const std::uint64_t finished = summary.jobs_completed + summary.jobs_killed_at_limit;
  const auto known_awake = [&](double value) { return sleeps ? std::string() : csv_number(value); };
  const std::vector<std::pair<std::string, std::string>> cells = {
      {"batsim_version", file.header().source},
      {"consumed_joules", summary.jobs_unfinished > 0 ? "" : known_awake(joules)},
      {"makespan", csv_number(last_end_s)},
      {"max_slowdown", csv_number(slowdown.max)},
      {"max_turnaround_time", csv_number(turnaround.max)},
      {"max_waiting_time", csv_number(waiting.max)},
      {"mean_slowdown", csv_number(slowdown.mean())},
      {"mean_turnaround_time", csv_number(turnaround.mean())},
      {"mean_waiting_time", csv_number(waiting.mean())},
      {"nb_computing_machines", csv_number(machines)},
      {"nb_grouped_switches", known_awake(0)},
      {"nb_jobs", std::to_string(ids.size())},
      {"nb_jobs_finished", std::to_string(finished)},
      {"nb_jobs_killed", std::to_string(summary.jobs_killed_at_limit)},
      {"nb_jobs_rejected", std::to_string(summary.jobs_rejected)},
      {"nb_jobs_success", std::to_string(summary.jobs_completed)},
      {"nb_machine_switches", known_awake(0)},
      {"success_rate", ids.empty() ? ""
                                   : csv_number(static_cast<double>(summary.jobs_completed) /
                                                static_cast<double>(ids.size()))},
      {"time_computing", csv_number(held_s)},
      {"time_idle", known_awake(present_s - held_s)},
      {"time_sleeping", known_awake(0)},
      {"time_switching_off", known_awake(0)},
      {"time_switching_on", known_awake(0)},
      {"time_unavailable", "0"}};
  folder.write("schedule.csv", [&](TextFile& out) {
    std::vector<std::string> names, values;
    for (const auto& [name, value] : cells) {
      names.push_back(name);
      values.push_back(value);
    }
    out.write(csv_row(names));
    out.write(csv_row(values));
  });
}

}  // namespace

std::vector<std::string> export_timeline(const TimelineFile& file, ExportForm form,
                                         const fs::path& folder,
                                         const std::function<bool()>& interrupted) {
  OutputFolder out(folder, interrupted);
  form == ExportForm::csv ? write_csv(file, out) : write_batsim(file, out);
  return out.keep();
}

}  // namespace nightwatt
