#pragma once

#include <cstdint>
#include <string>

#include "sim/result.hpp"

namespace nightwatt {

/// What the run cost the machine it ran on; not part of the timeline file.
struct RunCost {
  double wall_s = 0.0;
  std::uint64_t jobs = 0;  ///< simulated
  std::uint64_t peak_rss_bytes = 0;
};

/// The summary for people: a page of at most 100 columns that ends with a line feed. It names the
/// sites whose carbon, price or PUE is not known, and everything that was counted or assumed.
std::string summary_table(const RunResult& result, const RunCost& cost);

/// The summary for programs: one JSON object with the keys that docs/index.md lists, units in the
/// names. Numbers read back as the same doubles; NaN is null.
std::string summary_json(const RunResult& result, const RunCost& cost);

}  // namespace nightwatt
