#pragma once

#include <cstdint>
#include <string>

#include "policies/node_index.hpp"
#include "sim/setup.hpp"

namespace nightwatt {

/// Whether a partition takes a job at all: the right unit, an allowed GPU type, the partition that
/// the job's queue names, and room while the partition is empty.
/// @param partition  index over all sites, in order
/// @param empty      the partition's capacity with nothing on it
/// @param request    the job's demand laid over that partition
bool accepts(const Setup& setup, std::int16_t partition, const Capacity& empty, const Job& job,
             const Request& request);

/// What is wrong with a power limit of a device: "expected 100 to 250 W, ..."; empty = it is legal.
std::string cap_fault(const Device& device, Watts cap);

/// Finds jobs of the period that no partition can ever hold.
/// @throws InputError naming up to ten of them, unless the setup rejects such jobs
void check_demand(const Setup& setup);

}  // namespace nightwatt
