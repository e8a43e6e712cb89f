// Any bytes as a scenario file: read, or refused with InputError; what is read survives writing.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "scenarios/scenario.hpp"
#include "traces/diagnostics.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  try {
    const nightwatt::Loaded loaded = nightwatt::parse_scenario(text, "scenario.yaml");
    const nightwatt::Loaded again = nightwatt::parse_scenario(loaded.canonical_yaml, "again.yaml");
    if (!(again.scenario == loaded.scenario) || again.canonical_yaml != loaded.canonical_yaml) {
      std::abort();
    }
  } catch (const nightwatt::InputError&) {
  }
  return 0;
}
