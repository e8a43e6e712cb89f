#include "traces/formats/cluster_log.hpp"

namespace nightwatt {

Format acme_format() {
  return {.info = {.name = "acme",
                   .summary = "Shanghai AI Laboratory Acme 2023, job list of Seren or Kalos",
                   .source = "https://github.com/InternLM/AcmeTrace",
                   .rules = cluster_log_rules()},
          .recognise =
              [](std::string_view head) {
                return header_has(head, ',',
                                  "job_id,user,node_num,gpu_num,cpu_num,type,state,submit_time,"
                                  "start_time,end_time,duration,gpu_time");
              },
          .read =
              [](Input& input, WorkloadBuilder& builder) {
                read_cluster_log(input, builder,
                                 {.queue_column = "type",
                                  .note = "the kind of work (column type) stands as the job's "
                                          "queue: the trace names no queues"});
              }};
}

}  // namespace nightwatt
