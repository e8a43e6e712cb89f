// Any bytes as a scenario file: read, or refused with InputError; what is read survives writing.
#include <cstdlib>
#include <optional>
#include <string_view>

#include "scenarios/scenario.hpp"
#include "tests/fuzz/target.hpp"
#include "traces/diagnostics.hpp"

NIGHTWATT_FUZZ_TARGET(scenario) {
  using namespace nightwatt;
  std::optional<Loaded> loaded;
  try {
    loaded = parse_scenario(bytes, "scenario.yaml");
  } catch (const InputError& error) {
    if (error.faults().empty()) std::abort();
    return false;
  }
  const Loaded again = parse_scenario(loaded->canonical_yaml, "again.yaml");
  if (!(again.scenario == loaded->scenario) || again.canonical_yaml != loaded->canonical_yaml) {
    std::abort();
  }
  return true;
}
