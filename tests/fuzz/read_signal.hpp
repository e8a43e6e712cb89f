#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "traces/diagnostics.hpp"
#include "traces/input.hpp"
#include "traces/signals/signal_file.hpp"

namespace nightwatt::testing {

/// Reads the bytes twice, with faults gathered and mended: each time a series without a hole or an
/// InputError.
inline void read_signal_bytes(SignalRequest request, const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  request.path = "fuzz";
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
    } catch (const InputError& error) {
      if (error.faults().empty()) std::abort();
    }
  }
}

}  // namespace nightwatt::testing
