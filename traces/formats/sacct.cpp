#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

#include "traces/formats/formats.hpp"
#include "traces/formats/state.hpp"

namespace nightwatt {

namespace {

bool is_unknown(std::string_view text) {
  return text.empty() || text == "Unknown" || text == "None" || text == "N/A";
}

/// Slurm's spans: [DD-[HH:]]MM:SS[.mmm], also "DD-HH", "DD-HH:MM". None where it is something else.
std::optional<double> parse_span(std::string_view text) {
  double days = 0;
  const std::size_t dash = text.find('-');
  if (dash != std::string_view::npos) {
    const auto whole = parse_whole(text.substr(0, dash));
    if (!whole || *whole < 0) return {};
    days = static_cast<double>(*whole);
    text.remove_prefix(dash + 1);
  }
  std::array<double, 3> parts{};
  std::size_t count = 0;
  while (true) {
    const std::size_t end = std::min(text.find(':'), text.size());
    const auto part = parse_number(text.substr(0, end));
    if (!part || *part < 0 || count == parts.size()) return {};
    parts[count++] = *part;
    if (end == text.size()) break;
    text.remove_prefix(end + 1);
  }
  // Behind days the first part is hours; without days the last part is seconds.
  if (dash == std::string_view::npos) {
    if (count == 1) return {};
    if (count == 2) return parts[0] * 60 + parts[1];
  }
  return days * 86'400 + parts[0] * 3600 + parts[1] * 60 + parts[2];
}

/// What AllocTRES or ReqTRES says of processors, nodes and GPUs.
struct Tres {
  std::optional<std::int64_t> cpu, node, gpu, typed_gpus;
  std::string gpu_type;
  bool good = true;
};

Tres parse_tres(std::string_view text) {
  Tres tres;
  std::vector<std::string_view> types;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find(','), text.size());
    const std::string_view entry = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    const std::size_t equals = std::min(entry.find('='), entry.size());
    const std::string_view key = entry.substr(0, equals);
    const bool typed = key.starts_with("gres/gpu:");
    if (key != "cpu" && key != "node" && key != "gres/gpu" && !typed) continue;
    const auto count = parse_whole(entry.substr(std::min(equals + 1, entry.size())));
    if (!count || *count < 0 || *count > max_count_per_job) {
      tres.good = false;
    } else if (key == "cpu") {
      tres.cpu = count;
    } else if (key == "node") {
      tres.node = count;
    } else if (key == "gres/gpu") {
      tres.gpu = count;
    } else {
      tres.typed_gpus = tres.typed_gpus.value_or(0) + *count;
      types.push_back(key.substr(9));
    }
  }
  std::sort(types.begin(), types.end());
  types.erase(std::unique(types.begin(), types.end()), types.end());
  for (const std::string_view type : types) {
    if (!tres.gpu_type.empty()) tres.gpu_type += '|';
    tres.gpu_type += type;
  }
  return tres;
}

class SacctReader {
 public:
  SacctReader(Input& input, WorkloadBuilder& builder)
      : builder_(builder),
        table_(input, {.delimiter = '|', .quotes = false}),
        row_(table_, builder),
        dates_(builder) {}

  void read() {
    // The id as users write it; the raw one where the export has no other.
    const RowFields::Column id = first_of({"JobID", "JobIDRaw"});
    submit_ = row_.require("Submit");
    start_ = row_.find("Start");
    end_ = row_.find("End");
    state_ = row_.find("State");
    elapsed_ = row_.find("Elapsed");
    elapsed_raw_ = row_.find("ElapsedRaw");
    timelimit_ = row_.find("Timelimit");
    timelimit_raw_ = row_.find("TimelimitRaw");
    tres_ = those_of({"AllocTRES", "ReqTRES"});
    cpus_ = those_of({"AllocCPUS", "NCPUS", "ReqCPUS"});
    nodes_ = those_of({"AllocNodes", "NNodes", "ReqNodes"});
    const RowFields::Column user = first_of({"User", "UID"});
    const RowFields::Column partition = row_.find("Partition");
    if (!id.known()) {
      builder_.diagnostics().error({builder_.request().path, 1, 0},
                                   "JobID: the header has neither JobID nor JobIDRaw");
    }
    if (!elapsed_.known() && !elapsed_raw_.known() && !(start_.known() && end_.known())) {
      builder_.diagnostics().error(
          {builder_.request().path, 1, 0},
          "Elapsed: the header has neither Elapsed nor ElapsedRaw nor both Start and End");
    }
    builder_.diagnostics().throw_if_any();
    Rule& steps = builder_.rule("steps");
    Rule& missing_submit = builder_.rule("missing_submit");
    Rule& unknown_state = builder_.rule("unknown_state");
    builder_.times_are_unix();
    while (row_.next(table_.header().size())) {
      if (row_.text(id).find('.') != std::string_view::npos) {
        builder_.leave_out(steps, row_.position(id), "JobID: this is a step of a job, not a job");
        continue;
      }
      if (is_unknown(row_.text(submit_))) {
        builder_.leave_out(missing_submit, row_.position(submit_), "Submit: is unknown");
        continue;
      }
      Job job;
      job.row = row_.line();
      job.state = state_.known() ? parse_state(row_.text(state_)) : TraceState::unknown;
      job.submit_s = time(submit_);
      job.start_s = time(start_);
      set_resources(job);
      job.limit_s = limit();
      if (!set_run(job) || !row_.ok()) continue;
      if (job.state == TraceState::unknown && state_.known() && !row_.empty(state_)) {
        if (unknown_state.is("error")) {
          builder_.leave_out(unknown_state, row_.position(state_), "State: is no state of a job");
          continue;
        }
        unknown_state.count_adjusted();
      }
      if (user.known()) job.user = builder_.user(row_.text(user));
      if (partition.known()) job.queue = builder_.queue(row_.text(partition));
      builder_.add(job, row_.text(id));
    }
  }

 private:
  RowFields::Column first_of(std::initializer_list<std::string_view> names) const {
    const auto columns = those_of(names);
    return columns.empty() ? RowFields::Column() : columns.front();
  }

  /// Unix seconds, NaN where it is unknown. SLURM_TIME_FORMAT=%s writes plain Unix seconds.
  double time(const RowFields::Column& column) {
    if (!column.known() || is_unknown(row_.text(column))) return unknown;
    if (const auto seconds = parse_whole(row_.text(column))) return static_cast<double>(*seconds);
    return row_.date(column, dates_);
  }

  double span(const RowFields::Column& column) {
    if (const auto seconds = parse_span(row_.text(column))) return *seconds;
    row_.fault(column, "a span such as '1-02:03:04'");
    return unknown;
  }

  double limit() {
    const auto none = [](std::string_view text) {
      return is_unknown(text) || text == "UNLIMITED" || text == "Partition_Limit" ||
             text == "INVALID";
    };
    double limit_s = unknown;
    if (timelimit_raw_.known() && !none(row_.text(timelimit_raw_))) {
      limit_s = 60 * row_.number(timelimit_raw_, "minutes");
    } else if (timelimit_.known() && !none(row_.text(timelimit_))) {
      limit_s = span(timelimit_);
    }
    return limit_s > 0 ? limit_s : unknown;
  }

  /// Sets the run time. @return false where the row is left out
  bool set_run(Job& job) {
    const double end_s = time(end_);
    double elapsed_s = unknown;
    if (elapsed_raw_.known() && !is_unknown(row_.text(elapsed_raw_))) {
      elapsed_s = row_.number(elapsed_raw_, "seconds");
    } else if (elapsed_.known() && !is_unknown(row_.text(elapsed_))) {
      elapsed_s = span(elapsed_);
    } else {
      elapsed_s = end_s - job.start_s;
    }
    if (!row_.ok()) return false;
    // A job that was cancelled while it waited has no start, or (older Slurm) its end as start.
    const bool never_started =
        start_.known() ? std::isnan(job.start_s) : job.state == TraceState::pending;
    if (never_started || job.state == TraceState::pending) {
      Rule& rule = builder_.rule("missing_start");
      builder_.leave_out(rule, row_.position(start_), "Start: the job never started");
      return false;
    }
    if (end_.known() ? std::isnan(end_s) : job.state == TraceState::running) {
      Rule& rule = builder_.rule("missing_end");
      if (!rule.is("elapsed") || std::isnan(elapsed_s)) {
        builder_.leave_out(rule, row_.position(end_), "End: the job has not ended");
        return false;
      }
      rule.count_adjusted();
    }
    if (std::isnan(elapsed_s)) {
      builder_.leave_out(builder_.rule("missing_end"), row_.position(elapsed_),
                         "Elapsed: is unknown");
      return false;
    }
    job.run_s = elapsed_s;
    return true;
  }

  void set_resources(Job& job) {
    Tres tres;
    // What was allocated, else (a job that never got anything) what was asked for.
    for (const RowFields::Column& column : tres_) {
      if (row_.empty(column)) continue;
      tres = parse_tres(row_.text(column));
      // The plain entry counts all GPUs; typed ones stand beside it or alone.
      const std::int64_t gpus = tres.gpu.value_or(tres.typed_gpus.value_or(0));
      if (!tres.good || gpus > max_gpus_per_job) {
        row_.fault(column, "entries such as 'cpu=8' and 'gres/gpu=2'");
        break;
      }
      job.gpu_milli = 1000U * static_cast<std::uint32_t>(gpus);
      if (gpus > 0) job.gpu_type = builder_.gpu_type(tres.gpu_type);
      break;
    }
    job.cores = count(cpus_, tres.cpu);
    job.nodes = count(nodes_, tres.node);
  }

  /// The first of the columns with a value above 0, else `other`, else 0.
  std::uint32_t count(const std::vector<RowFields::Column>& columns,
                      std::optional<std::int64_t> other) {
    for (const RowFields::Column& column : columns) {
      if (is_unknown(row_.text(column))) continue;
      const std::int64_t value = row_.whole(column, 0, max_count_per_job);
      if (value > 0) return static_cast<std::uint32_t>(value);
    }
    return static_cast<std::uint32_t>(other.value_or(0));
  }

  /// Those of the columns that the export has.
  std::vector<RowFields::Column> those_of(std::initializer_list<std::string_view> names) const {
    std::vector<RowFields::Column> columns;
    for (const std::string_view name : names) {
      if (RowFields::Column column = row_.find(name); column.known()) columns.push_back(column);
    }
    return columns;
  }

  WorkloadBuilder& builder_;
  Table table_;
  RowFields row_;
  TraceDates dates_;
  RowFields::Column submit_, start_, end_, state_, elapsed_, elapsed_raw_, timelimit_,
      timelimit_raw_;
  std::vector<RowFields::Column> tres_, cpus_, nodes_;
};

bool recognise(std::string_view head) {
  return header_has(head, '|', "Submit") &&
         (header_has(head, '|', "JobID") || header_has(head, '|', "JobIDRaw"));
}

}  // namespace

Format sacct_format() {
  return {
      .info = {.name = "sacct",
               .summary = "Slurm accounting, sacct -X -P (columns separated by '|', any order)",
               .source = "https://slurm.schedmd.com/sacct.html",
               .rules = {rule::no_gpus("keep"),
                         {"steps", "steps of a job (123.batch, 123.0)", {"skip", "error"}},
                         rule::missing_submit(),
                         rule::missing_start(),
                         {"missing_end",
                          "a job that has not ended; elapsed takes the time it has run so far",
                          {"skip", "elapsed", "error"}},
                         rule::negative_duration(),
                         rule::zero_duration(),
                         rule::over_limit(),
                         rule::unknown_state(),
                         rule::duplicate_ids(),
                         rule::bad_row(),
                         rule::repeated_hour(),
                         rule::missing_hour()}},
      .recognise = recognise,
      .read = [](Input& input, WorkloadBuilder& builder) { SacctReader(input, builder).read(); }};
}

}  // namespace nightwatt
