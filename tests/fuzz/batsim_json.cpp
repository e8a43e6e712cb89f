#include "tests/fuzz/read_workload.hpp"
#include "tests/fuzz/target.hpp"

// Any bytes as a trace of format batsim-json: a Workload or an InputError, nothing else.
NIGHTWATT_FUZZ_TARGET(batsim_json) {
  using namespace nightwatt::testing;
  return read_workload_bytes(request_of("batsim-json", {{"flops_per_s", "1e9"}}), bytes);
}
