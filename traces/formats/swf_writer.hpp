#pragma once

#include <cstdint>
#include <optional>
#include <ostream>
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

/// Writes jobs in the Standard Workload Format 2.2, one after the other, so that a workload need
/// not be in memory. Processors are GPUs (rounded up to whole ones), or the cores of a job that
/// asks for no GPU; times count from the header's start; users and queues are numbered from 1.
/// Source: Feitelson, "The Standard Workload Format", version 2.2.
class SwfWriter {
 public:
  SwfWriter(std::ostream& out, const SwfHeader& header);
  void add(const Job& job);
  /// Hands all to the stream. @return whether the stream took it
  bool finish();

 private:
  void number(double value);  ///< NaN: -1
  void number(std::int64_t value);

  std::ostream& out_;
  std::string buffer_;
};

}  // namespace nightwatt
