// Any bytes as the file of a study: read, or refused with InputError; so is what its values make of
// a scenario.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "scenarios/study.hpp"
#include "traces/diagnostics.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  constexpr std::string_view scenario =
      "name: base\n"
      "period: {start: 2022-10-03T00:00:00Z, end: 2022-10-04T00:00:00Z}\n"
      "sites:\n"
      "  - name: lab\n"
      "    partitions: [{name: gpu, nodes: 4, device: {idle: 50 W, busy: 250 W}}]\n"
      "workload: {synthetic: {load: 70 %}}\n";
  try {
    const nightwatt::Study study =
        nightwatt::parse_study({reinterpret_cast<const char*>(data), size}, "study.yaml");
    nightwatt::Overrides overrides = {.settings = study.set};
    for (const nightwatt::StudyAxis& axis : study.grid) {
      for (const nightwatt::Setting& setting : axis.points.back().settings) {
        overrides.settings.push_back(setting);
      }
    }
    (void)nightwatt::parse_scenario(scenario, "scenario.yaml", overrides);
  } catch (const nightwatt::InputError&) {
  }
  return 0;
}
