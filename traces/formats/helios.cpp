#include "traces/formats/cluster_log.hpp"

namespace nightwatt {

Format helios_format() {
  return {.info = {.name = "helios",
                   .summary = "SenseTime Helios 2020, cluster_log.csv of one of its clusters",
                   .source = "https://github.com/S-Lab-System-Group/HeliosData",
                   .rules = cluster_log_rules()},
          .recognise =
              [](std::string_view head) {
                return header_has(head, ',',
                                  "job_id,user,vc,gpu_num,cpu_num,node_num,state,submit_time,"
                                  "start_time,end_time,duration");
              },
          .read =
              [](Input& input, WorkloadBuilder& builder) {
                read_cluster_log(input, builder, {.queue_column = "vc", .note = ""});
              }};
}

}  // namespace nightwatt
