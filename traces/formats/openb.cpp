#include <cstdint>
#include <string_view>

#include "traces/formats/formats.hpp"
#include "traces/formats/state.hpp"

namespace nightwatt {

namespace {

void read(Input& input, WorkloadBuilder& builder) {
  Table table(input);
  RowFields row(table, builder);
  const auto name = row.require("name"), gpus = row.require("num_gpu"),
             share = row.require("gpu_milli"), submit = row.require("creation_time"),
             end = row.require("deletion_time"), start = row.require("scheduled_time");
  const auto cpu = row.find("cpu_milli"), type = row.find("gpu_spec"), qos = row.find("qos"),
             phase = row.find("pod_phase");
  Rule& missing_submit = builder.rule("missing_submit");
  Rule& missing_start = builder.rule("missing_start");
  Rule& missing_end = builder.rule("missing_end");
  Rule& unknown_state = builder.rule("unknown_state");
  builder.diagnostics().throw_if_any();
  builder.note(
      "times count from an origin that the trace does not name: workload.shift gives them a date");
  builder.note("run time = deletion - scheduled; pod_phase says nothing of it");

  while (row.next(table.header().size())) {
    if (row.empty(submit)) {
      builder.leave_out(missing_submit, row.position(submit), "creation_time: is empty");
      continue;
    }
    if (row.empty(start)) {
      builder.leave_out(missing_start, row.position(start),
                        "scheduled_time: is empty, the pod never started");
      continue;
    }
    if (row.empty(end)) {
      builder.leave_out(missing_end, row.position(end),
                        "deletion_time: is empty, the pod has no end");
      continue;
    }
    Job job;
    job.row = row.line();
    job.submit_s = row.number(submit, "seconds");
    job.start_s = row.number(start, "seconds");
    job.run_s = row.number(end, "seconds") - job.start_s;
    const std::int64_t whole_gpus = row.whole(gpus, 0, max_gpus_per_job);
    if (whole_gpus > 0) {
      const std::int64_t each = row.whole(share, 1, 1000);
      if (whole_gpus > 1 && each < 1000) row.fault(share, "1000 where num_gpu is above 1");
      job.gpu_milli = static_cast<std::uint32_t>(whole_gpus * each);
      job.gpu_type = builder.gpu_type(row.text(type));
    }
    if (cpu.known()) {
      const std::int64_t milli = row.whole(cpu, 0, max_count_per_job);
      job.cores = static_cast<std::uint32_t>((milli + 999) / 1000);
    }
    job.nodes = 1;  // a pod is never spread
    job.queue = builder.queue(row.text(qos));
    job.state = parse_state(row.text(phase));
    if (!row.ok()) continue;
    if (job.state == TraceState::unknown && !row.empty(phase)) {
      if (unknown_state.is("error")) {
        builder.leave_out(unknown_state, row.position(phase), "pod_phase: is no state of a pod");
        continue;
      }
      unknown_state.count_adjusted();
    }
    builder.add(job, row.text(name));
  }
}

bool recognise(std::string_view head) {
  return header_has(head, ',', "name,num_gpu,gpu_milli,creation_time,scheduled_time");
}

}  // namespace

Format openb_format() {
  return {{.name = "openb",
           .summary = "pods of Alibaba's GPU-sharing cluster (2023): openb_pod_list_*.csv",
           .source = "https://github.com/alibaba/clusterdata, cluster-trace-gpu-v2023",
           .seen_in_wild = true,
           .rules = {rule::bad_row(), rule::missing_submit(), rule::missing_start(),
                     rule::missing_end(), rule::negative_duration(), rule::zero_duration(),
                     rule::no_gpus(), rule::unknown_state(), rule::duplicate_ids()}},
          recognise,
          read};
}

}  // namespace nightwatt
