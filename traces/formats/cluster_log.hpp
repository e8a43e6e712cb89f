#pragma once

#include <string_view>

#include "traces/formats/formats.hpp"

namespace nightwatt {

/// What differs between the job lists of Helios and Acme, which come from one Slurm tool.
struct ClusterLogForm {
  std::string_view queue_column;  ///< what becomes the job's queue
  std::string_view note;          ///< said of it; "" = nothing
};

/// Reads a job list with the columns job_id, user, gpu_num, cpu_num, node_num, state, submit_time,
/// start_time, end_time, duration and the queue column.
void read_cluster_log(Input& input, WorkloadBuilder& builder, const ClusterLogForm& form);

/// The rules of such a format.
std::vector<RuleInfo> cluster_log_rules();

}  // namespace nightwatt
