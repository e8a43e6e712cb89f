#include <cstdlib>
#include <string_view>

#include "tests/fuzz/target.hpp"
#include "traces/diagnostics.hpp"
#include "traces/network.hpp"

// Any bytes as bandwidths between regions: positive ones, or an InputError, nothing else.
NIGHTWATT_FUZZ_TARGET(network) {
  try {
    nightwatt::Input input = nightwatt::Input::from_memory("fuzz", bytes);
    for (const auto& [pair, width] : nightwatt::read_bandwidths("fuzz", input).bytes_per_s) {
      if (!(width > 0.0) || pair.first.empty() || pair.second.empty()) std::abort();
    }
    return true;
  } catch (const nightwatt::InputError& error) {
    if (error.faults().empty()) std::abort();
  }
  return false;
}
