#include "traces/formats/formats.hpp"

namespace nightwatt {

namespace {

void read(Input& input, WorkloadBuilder& builder) {
  Table table(input);
  RowFields row(table, builder);
  const auto submit = row.require("timestamp");
  const auto duration = row.require("duration");
  const auto gpus = row.require("num_gpus");
  const auto cluster = row.require("cluster");
  builder.diagnostics().throw_if_any();
  // Microsoft's machines stood in the US; neither the trace nor its paper names a zone.
  TraceDates dates(builder, "America/Los_Angeles");
  Rule& missing_run = builder.rule("missing_run");
  builder.times_are_unix();
  builder.note("the file has no end states, queueing times and job ids: jobs are numbered");
  while (row.next(table.header().size())) {
    if (row.empty(duration)) {
      builder.leave_out(missing_run, row.position(duration), "duration: is empty");
      continue;
    }
    Job job;
    job.row = row.line();
    job.submit_s = row.date(submit, dates);
    job.run_s = row.number(duration);
    job.gpu_milli = 1000U * static_cast<std::uint32_t>(row.whole(gpus, 0, max_gpus_per_job));
    job.queue = builder.queue(row.text(cluster));
    if (row.ok()) builder.add(job);
  }
}

}  // namespace

Format philly_csv_format() {
  return {.info = {.name = "philly-csv",
                   .summary = "Microsoft Philly 2017 in the form of the Pollux authors "
                              "(timestamp,duration,num_gpus,gpu_time,cluster)",
                   .source = "https://github.com/petuum/adaptdl, branch osdi21-artifact, "
                             "simulator/traces/philly.csv",
                   .seen_in_wild = true,
                   .rules = {rule::duplicate_rows(), rule::no_gpus(), rule::missing_run(),
                             rule::negative_duration(), rule::zero_duration(), rule::bad_row(),
                             rule::repeated_hour(), rule::missing_hour()}},
          .recognise =
              [](std::string_view head) {
                return header_has(head, ',', "timestamp,duration,num_gpus,cluster");
              },
          .read = read};
}

}  // namespace nightwatt
