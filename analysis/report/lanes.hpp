#pragma once

#include <cstdint>
#include <span>
#include <vector>

/// Jobs drawn one above the other. Private to this folder.
namespace nightwatt::report {

struct LaneJob {
  double start_s = 0.0, end_s = 0.0;
  std::uint32_t gpu_milli = 0;  ///< 1/1000 GPU
};

/// A part of a job's rectangle: [from, to) in 1/1000 GPU, counted from below.
struct LanePart {
  std::uint32_t job = 0;  ///< index into the jobs
  std::uint64_t from = 0, to = 0;
};

/// First fit: in order of start each job takes the lowest free lanes, in as many parts as it needs,
/// and frees them at its end (before what starts at that instant). Lanes are not nodes: which GPUs
/// a job held is not in the file. No two parts overlap in time and lanes.
/// @param jobs  in any order; those of no length or no GPU get no part
std::vector<LanePart> pack_lanes(std::span<const LaneJob> jobs);

}  // namespace nightwatt::report
