#pragma once

#include <cstdint>
#include <vector>

#include "traces/job.hpp"

namespace nightwatt {

/// Jobs as a directed graph (Boost.Graph inside): each job points to those that it waits for. Time
/// and space are linear in jobs plus dependencies.

/// All jobs (indices into Workload::jobs), each after every job that it waits for. The same
/// workload has always the same order.
/// @throws InputError if jobs wait for each other in a ring: one diagnostic for each set of jobs
/// that are entangled, with one ring by job ids ("a -> b -> c -> a", each waits for the next) and
/// the file and line of its first job.
std::vector<std::uint32_t> dependency_order(const Workload& workload);

/// The same check without the order.
void check_dependencies(const Workload& workload);

}  // namespace nightwatt
