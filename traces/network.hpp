#pragma once

#include <map>
#include <string>
#include <string_view>
#include <utility>

#include "traces/input.hpp"
#include "traces/job.hpp"

namespace nightwatt {

/// How fast data moves between regions, each way on its own.
struct Bandwidths {
  std::map<std::pair<std::string, std::string>, double> bytes_per_s;  ///< by (from, to)
  ReadReport report;

  /// The region of the file that a name means: the same name, or the one zone of that region
  /// ("gcp:europe-west4" for "gcp:europe-west4-a"); "" if there is none, or several zones.
  [[nodiscard]] std::string region(std::string_view name) const;
};

/// Reads measurements between cloud regions, as CSV with a header: those of Skyplane (`src_region`,
/// `dst_region`, `throughput_received` in bit/s, `success`), or `from`, `to`, `gbit_per_s`. Several
/// measurements of a pair are averaged, failed ones left out; both are counted.
/// @throws InputError with all faults of the file
Bandwidths read_bandwidths(const std::string& path, Input& input);

}  // namespace nightwatt
