#pragma once

#include <cstdlib>
#include <string_view>

#include "traces/diagnostics.hpp"
#include "traces/input.hpp"
#include "traces/signals/signal_file.hpp"

namespace nightwatt::testing {

/// Reads the bytes twice, with faults gathered and mended: each time a series without a hole or an
/// InputError.
/// @return whether one of both was a series
inline bool read_signal_bytes(SignalRequest request, std::string_view bytes) {
  request.path = "fuzz";
  bool taken = false;
  for (const bool mend : {false, true}) {
    if (mend) {
      request.rules = {{"bad_row", "skip"},
                       {"order", "sort"},
                       {"duplicate_times", "mean"},
                       {"mixed_steps", "keep"},
                       {"gap", "interpolate"}};
    }
    try {
      Input input = Input::from_memory("fuzz", bytes);
      const SignalData read = read_signal(request, input);
      const StepSeries series = read.series(1640995200, 0, Beyond::repeat);
      const SignalData placed = read.over_years(1640995200.0, 1641600000.0);
      if (placed.values.empty() || !(placed.max() <= read.max())) std::abort();
      if (series.values.size() != read.values.size() || !(read.mean() <= read.max())) std::abort();
      taken = true;
    } catch (const InputError& error) {
      if (error.faults().empty()) std::abort();
    }
  }
  return taken;
}

}  // namespace nightwatt::testing
