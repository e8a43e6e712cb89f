// Any bytes as a scenario file that is put together with the files it names, for which there are
// the seeds of the other targets: ready to run, or an InputError, nothing else.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "scenarios/assemble.hpp"
#include "tests/fuzz/target.hpp"
#include "traces/diagnostics.hpp"

namespace {

/// What is large because it says so is slow and no fault: smaller instead.
void make_small(nightwatt::Scenario& scenario) {
  constexpr std::int64_t month_s = 31 * 86400;
  scenario.period.end.unix_s =
      std::min(scenario.period.end.unix_s, scenario.period.start.unix_s + month_s);
  if (auto& drawn = scenario.workload.synthetic) {
    drawn->load.reset();
    drawn->jobs_per_hour = 5.0;
  }
  for (auto& site : scenario.sites) {
    for (auto& partition : site.partitions) {
      partition.nodes = std::min<std::int64_t>(partition.nodes, 64);
    }
  }
}

}  // namespace

NIGHTWATT_FUZZ_TARGET(assemble) {
  using namespace nightwatt;
  try {
    Loaded loaded = parse_scenario(bytes, NIGHTWATT_SOURCE_DIR "/tests/fuzz/corpus/scenario.yaml");
    make_small(loaded.scenario);
    (void)assemble(loaded);
    return true;
  } catch (const InputError& error) {
    if (error.faults().empty()) std::abort();
  }
  return false;
}
