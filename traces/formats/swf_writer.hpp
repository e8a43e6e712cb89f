#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "traces/job.hpp"

namespace nightwatt {

/// Field 11 of SWF 2.2: 1 completed, 0 failed, 5 cancelled (also at its limit), -1 unknown.
int swf_status(TraceState state);

/// What stands above the jobs of an SWF file; what is 0 or empty is left out.
struct SwfHeader {
  std::string computer, note;
  std::uint64_t jobs = 0;
  std::uint64_t nodes = 0;
  std::uint64_t processors = 0;
  std::optional<std::int64_t> unix_start_s;
};

/// The fields of a job that SWF knows and we have; -1 and NaN are written as -1, "not known".
struct SwfRow {
  std::int64_t id = 0;
  double submit_s = 0.0;  ///< since the header's start
  double wait_s = unknown, run_s = unknown, limit_s = unknown;
  std::int64_t processors = 0;
  int status = -1;
  std::int64_t user = -1, queue = -1;
  std::int64_t preceding = -1;  ///< id of a job that must have ended
  double think_s = unknown;     ///< after which this one was submitted
};

/// Times and state of a job as they are; processors, user, queue and dependency are the caller's.
SwfRow swf_row(const Job& job);

/// Text of a file in the Standard Workload Format 2.2: the comment lines above the jobs, and one
/// line a job. Source: Feitelson, "The Standard Workload Format", version 2.2.
std::string swf_header(const SwfHeader& header);
void append_swf(const SwfRow& row, std::string& text);

}  // namespace nightwatt
