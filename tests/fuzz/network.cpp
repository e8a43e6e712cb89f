#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "traces/diagnostics.hpp"
#include "traces/network.hpp"

// Any bytes as bandwidths between regions: positive ones, or an InputError, nothing else.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  try {
    nightwatt::Input input = nightwatt::Input::from_memory("fuzz", bytes);
    for (const auto& [pair, width] : nightwatt::read_bandwidths("fuzz", input).bytes_per_s) {
      if (!(width > 0.0) || pair.first.empty() || pair.second.empty()) std::abort();
    }
  } catch (const nightwatt::InputError& error) {
    if (error.faults().empty()) std::abort();
  }
  return 0;
}
