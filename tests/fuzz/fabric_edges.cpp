// Any bytes as the links of a partition: a fabric, or an InputError, nothing else.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "scenarios/assemble.hpp"
#include "tests/fuzz/target.hpp"
#include "tests/support/temporary_folder.hpp"
#include "traces/diagnostics.hpp"

NIGHTWATT_FUZZ_TARGET(fabric_edges) {
  using namespace nightwatt;
  static const test::TemporaryFolder folder;
  static const Loaded loaded = parse_scenario(
      "name: n\n"
      "period: {start: 2022-10-03T00:00:00Z, end: 2022-10-03T01:00:00Z}\n"
      "sites:\n"
      "  - name: lab\n"
      "    partitions:\n"
      "      - {name: gpu, nodes: 4, gpus_per_node: 1, device: {idle: 50 W, busy: 250 W},\n"
      "         fabric: {edges: links.csv}}\n"
      "workload: {synthetic: {jobs_per_hour: 1}}\n",
      (folder.path() / "scenario.yaml").string());
  (void)folder.file("links.csv", bytes);
  try {
    const Assembled assembled = assemble(loaded);
    const Fabric& fabric = *assembled.setup.sites.at(0).partitions.at(0).fabric;
    for (std::uint32_t node = 1; node < 4; ++node) {
      if (fabric.hops(0, node) < 1 || !(fabric.widest_bytes_per_s(0, node) > 0.0)) std::abort();
    }
    return true;
  } catch (const InputError& error) {
    if (error.faults().empty()) std::abort();
  }
  return false;
}
