// Any bytes as the file of a study: read, or refused with InputError; so is what its values make of
// a scenario.
#include <cstdlib>
#include <string_view>

#include "scenarios/study.hpp"
#include "tests/fuzz/target.hpp"
#include "traces/diagnostics.hpp"

NIGHTWATT_FUZZ_TARGET(study) {
  constexpr std::string_view scenario =
      "name: base\n"
      "period: {start: 2022-10-03T00:00:00Z, end: 2022-10-04T00:00:00Z}\n"
      "sites:\n"
      "  - name: lab\n"
      "    partitions: [{name: gpu, nodes: 4, gpus_per_node: 8, device: {idle: 50 W, busy: 250 "
      "W}}]\n"
      "workload: {synthetic: {load: 70 %}}\n";
  try {
    const nightwatt::Study study = nightwatt::parse_study(bytes, "study.yaml");
    nightwatt::Overrides overrides = {.settings = study.set};
    for (const nightwatt::StudyAxis& axis : study.grid) {
      for (const nightwatt::Setting& setting : axis.points.back().settings) {
        overrides.settings.push_back(setting);
      }
    }
    (void)nightwatt::parse_scenario(scenario, "scenario.yaml", overrides);
    return true;
  } catch (const nightwatt::InputError& error) {
    if (error.faults().empty()) std::abort();
  }
  return false;
}
