#include "traces/formats/cluster_log.hpp"

#include <cmath>

#include "traces/formats/state.hpp"

namespace nightwatt {

namespace {

/// Words with which such a list says that a time is not known.
bool unknown_time(std::string_view text) {
  return text.empty() || text == "None" || text == "Unknown" || text == "nan" || text == "NaN" ||
         text == "NaT" || text == "null";
}

}  // namespace

void read_cluster_log(Input& input, WorkloadBuilder& builder, const ClusterLogForm& form) {
  Table table(input);
  RowFields row(table, builder);
  const auto id = row.require("job_id");
  const auto user = row.require("user");
  const auto gpus = row.require("gpu_num");
  const auto cores = row.require("cpu_num");
  const auto nodes = row.require("node_num");
  const auto state = row.require("state");
  const auto submit = row.require("submit_time");
  const auto start = row.require("start_time");
  const auto end = row.require("end_time");
  const auto duration = row.require("duration");
  const auto queue = row.require(form.queue_column);
  builder.diagnostics().throw_if_any();
  TraceDates dates(builder);
  Rule& missing_submit = builder.rule("missing_submit");
  Rule& missing_start = builder.rule("missing_start");
  Rule& missing_end = builder.rule("missing_end");
  Rule& unknown_state = builder.rule("unknown_state");
  builder.times_are_unix();
  if (!form.note.empty()) builder.note(std::string(form.note));
  const auto count = [&](const RowFields::Column& column, std::int64_t most) {
    return unknown_time(row.text(column)) ? std::uint32_t{0}
                                          : static_cast<std::uint32_t>(row.whole(column, 0, most));
  };
  const auto time = [&](const RowFields::Column& column) {
    return unknown_time(row.text(column)) ? unknown : row.date(column, dates);
  };
  while (row.next(table.header().size())) {
    if (unknown_time(row.text(submit))) {
      builder.leave_out(missing_submit, row.position(submit), "submit_time: is unknown");
      continue;
    }
    Job job;
    job.row = row.line();
    job.submit_s = row.date(submit, dates);
    job.start_s = time(start);
    const double end_s = time(end);
    // The duration is measured, the difference of two local times may be an hour off.
    job.run_s = unknown_time(row.text(duration)) ? end_s - job.start_s : row.number(duration);
    job.gpu_milli = 1000U * count(gpus, max_gpus_per_job);
    job.cores = count(cores, max_count_per_job);
    job.nodes = count(nodes, max_count_per_job);
    job.state = parse_state(row.text(state));
    if (!row.ok()) continue;
    if (std::isnan(job.run_s)) {
      if (std::isnan(job.start_s)) {
        builder.leave_out(missing_start, row.position(start), "start_time: the job never started");
      } else {
        builder.leave_out(missing_end, row.position(end), "end_time: the job has no end");
      }
      continue;
    }
    if (job.state == TraceState::unknown && !row.empty(state)) {
      if (unknown_state.is("error")) {
        builder.leave_out(unknown_state, row.position(state), "state: is no state of a job");
        continue;
      }
      unknown_state.count_adjusted();
    }
    job.user = builder.user(row.text(user));
    job.queue = builder.queue(row.text(queue));
    builder.add(job, row.text(id));
  }
}

std::vector<RuleInfo> cluster_log_rules() {
  return {rule::no_gpus(),       rule::missing_submit(),    rule::missing_start(),
          rule::missing_end(),   rule::negative_duration(), rule::zero_duration(),
          rule::unknown_state(), rule::duplicate_ids(),     rule::bad_row(),
          rule::repeated_hour(), rule::missing_hour()};
}

}  // namespace nightwatt
