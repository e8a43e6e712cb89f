// Any bytes as a CSV file of a series: read, or refused with InputError; nothing else.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "traces/diagnostics.hpp"
#include "traces/input.hpp"
#include "traces/signals/signal_file.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  nightwatt::SignalRequest request;
  request.path = "signal";
  request.format = "csv";
  request.unit = "USD/MWh";
  request.zone = "America/Chicago";
  // Both ways through faults: gathered, and mended.
  for (const bool mend : {false, true}) {
    if (mend) {
      request.rules = {{"bad_row", "skip"}, {"duplicate_times", "mean"}, {"gap", "interpolate"}};
    }
    try {
      auto input =
          nightwatt::Input::from_memory("signal", {reinterpret_cast<const char*>(data), size});
      const nightwatt::SignalData read = nightwatt::read_signal(request, input);
      const auto series = read.series(1640995200, 0, nightwatt::Beyond::repeat);
      // What was read covers its span without a hole.
      if (series.values.size() != read.values.size() || !(read.mean() <= read.max())) std::abort();
    } catch (const nightwatt::InputError&) {
    }
  }
  return 0;
}
