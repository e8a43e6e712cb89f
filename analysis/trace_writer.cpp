#include "analysis/trace_writer.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "analysis/text_file.hpp"
#include "analysis/trace_info.hpp"
#include "traces/diagnostics.hpp"
#include "traces/formats/swf_writer.hpp"

namespace nightwatt {
namespace {

/// What the form cannot hold, in the order in which it was met first.
class Losses {
 public:
  void add(const char* rule, const char* choice, std::uint64_t jobs = 1) {
    for (RuleCount& count : counts) {
      if (count.rule == rule) {
        count.rows += jobs;
        return;
      }
    }
    if (jobs > 0) counts.push_back({rule, choice, jobs});
  }
  std::vector<RuleCount> counts;
};

std::optional<std::uint64_t> whole_number(std::string_view text) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return number;
}

/// SWF names users and queues by number: their own where all are numbers, else from 1 in the
/// table's order.
std::vector<std::uint64_t> swf_numbers(const StringTable& table) {
  std::vector<std::uint64_t> numbers;
  for (const std::string_view name : table.texts()) {
    const auto number = whole_number(name);
    if (!number) break;
    numbers.push_back(*number);
  }
  if (numbers.size() < table.size()) {
    numbers.clear();
    for (std::size_t i = 0; i < table.size(); ++i) numbers.push_back(i + 1);
  }
  return numbers;
}

/// Processors as SWF and Batsim count them.
class Processors {
 public:
  explicit Processors(const Workload& workload)
      : gpus_(std::any_of(workload.jobs.begin(), workload.jobs.end(),
                          [](const Job& job) { return job.gpu_milli > 0; })) {}

  std::uint64_t of(const Job& job, Losses& losses) const {
    if (!gpus_) return job.cores;
    if (job.gpu_milli % 1000 != 0) losses.add("fraction_of_gpu", "rounded up to whole GPUs");
    return (job.gpu_milli + 999) / 1000;
  }

 private:
  bool gpus_;
};

void write_swf(const Workload& workload, TextFile& file, Losses& losses) {
  const Processors processors(workload);
  const auto users = swf_numbers(workload.users), queues = swf_numbers(workload.queues);
  const bool own_ids =
      !workload.ids_are_text &&
      (workload.jobs.empty() || std::all_of(workload.jobs.begin(), workload.jobs.end(),
                                            [](const Job& job) { return job.id >= 0; }));
  if (!own_ids) losses.add("job_id", "numbered from 1", workload.jobs.size());
  const auto id = [&](std::size_t job) {
    return own_ids ? workload.jobs[job].id : static_cast<std::int64_t>(job) + 1;
  };

  std::uint64_t most = 0;
  Losses once;
  for (const Job& job : workload.jobs) most = std::max(most, processors.of(job, once));
  SwfHeader header;
  header.jobs = workload.jobs.size();
  header.unix_start_s = workload.origin_unix_s;
  header.note = fmt::format("largest job: {} processors", most);
  file.print("{}", swf_header(header));

  std::size_t dependency = 0;
  std::string line;
  for (std::size_t i = 0; i < workload.jobs.size(); ++i) {
    const Job& job = workload.jobs[i];
    SwfRow row = swf_row(job);
    row.id = id(i);
    row.processors = static_cast<std::int64_t>(processors.of(job, losses));
    if (job.user >= 0) row.user = static_cast<std::int64_t>(users[job.user]);
    if (job.queue >= 0) row.queue = static_cast<std::int64_t>(queues[job.queue]);
    while (dependency < workload.dependencies.size() &&
           workload.dependencies[dependency].job == i) {
      const Dependency& on = workload.dependencies[dependency++];
      if (row.preceding != -1) {
        losses.add("dependencies", "only the first of a job is kept");
        continue;
      }
      row.preceding = id(on.on);
      row.think_s = on.think_s;
    }
    line.clear();
    append_swf(row, line);
    file.print("{}", line);
  }
}

/// Quoted where the text would end the cell.
std::string csv_cell(std::string_view text) {
  if (text.find_first_of(",\"\r\n") == std::string_view::npos) return std::string(text);
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"') out += '"';
    out += c;
  }
  return out + '"';
}

std::string csv_number(double number) {
  return std::isnan(number) ? "" : fmt::format("{}", number);
}

void write_csv(const Workload& workload, TextFile& file, Losses& losses) {
  const double origin = static_cast<double>(workload.origin_unix_s.value_or(0));
  const auto name = [](const StringTable& table, std::int32_t index) {
    return index < 0 ? std::string() : csv_cell(table[index]);
  };
  file.print("job_id,submit,start,run,limit,deadline,gpus,nodes,cores,gpu_type,user,queue,state\n");
  for (const Job& job : workload.jobs) {
    file.print("{},{},{},{},{},{},{},{},{},{},{},{},{}\n", csv_cell(workload.id_text(job)),
               job.submit_s + origin, csv_number(job.start_s + origin), csv_number(job.run_s),
               csv_number(job.limit_s), csv_number(job.deadline_s + origin), job.gpu_milli / 1000.0,
               job.nodes, job.cores, name(workload.gpu_types, job.gpu_type),
               name(workload.users, job.user), name(workload.queues, job.queue),
               job.state == TraceState::unknown ? "" : trace_state_name(job.state));
  }
  losses.add("dependencies", "left out", workload.dependencies.size());
}

void write_batsim(const Workload& workload, TextFile& file, Losses& losses) {
  const Processors processors(workload);
  // Batsim's clock starts at 0.
  const double origin = workload.jobs.empty() ? 0.0 : std::min(0.0, workload.jobs.front().submit_s);
  std::uint64_t most = 1;
  std::map<double, std::size_t> profiles;
  Losses once;
  for (const Job& job : workload.jobs) {
    if (std::isnan(job.run_s)) continue;
    most = std::max(most, processors.of(job, once));
    profiles.emplace(job.run_s, profiles.size());
  }
  file.print("{{\n\"nb_res\": {},\n\"jobs\": [", most);
  const char* separator = "\n";
  for (const Job& job : workload.jobs) {
    if (std::isnan(job.run_s)) {
      losses.add("no_run_time", "left out");
      continue;
    }
    const auto procs = processors.of(job, losses);
    if (procs == 0) {
      losses.add("no_processors", "left out");
      continue;
    }
    file.print("{}{{\"id\": {}, \"subtime\": {}, ", separator,
               nlohmann::json(workload.id_text(job))
                   .dump(-1, ' ', false, nlohmann::json::error_handler_t::replace),
               job.submit_s - origin);
    if (!std::isnan(job.limit_s)) file.print("\"walltime\": {}, ", job.limit_s);
    file.print("\"res\": {}, \"profile\": \"run{}\"}}", procs, profiles.at(job.run_s));
    separator = ",\n";
  }
  file.print("\n],\n\"profiles\": {{");
  separator = "\n";
  for (const auto& [run_s, number] : profiles) {
    file.print("{}\"run{}\": {{\"type\": \"delay\", \"delay\": {}}}", separator, number, run_s);
    separator = ",\n";
  }
  file.print("\n}}\n}}\n");
  losses.add("dependencies", "left out", workload.dependencies.size());
}

}  // namespace

TraceForm trace_form(const std::filesystem::path& path) {
  const std::string ending = path.extension().string();
  if (ending == ".swf") return TraceForm::swf;
  if (ending == ".csv") return TraceForm::csv;
  if (ending == ".json") return TraceForm::batsim_json;
  throw InputError("output: expected a name that ends in .swf, .csv or .json (Batsim), got " +
                   quote(path.string()));
}

std::vector<RuleCount> write_trace(const Workload& workload, TraceForm form,
                                   const std::filesystem::path& path,
                                   const std::function<bool()>& interrupted) {
  TextFile file(path, interrupted);
  Losses losses;
  switch (form) {
    case TraceForm::swf:
      write_swf(workload, file, losses);
      break;
    case TraceForm::csv:
      write_csv(workload, file, losses);
      break;
    case TraceForm::batsim_json:
      write_batsim(workload, file, losses);
      break;
  }
  file.commit();
  return losses.counts;
}

}  // namespace nightwatt
