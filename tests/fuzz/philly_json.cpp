#include "tests/fuzz/read_workload.hpp"
#include "tests/fuzz/target.hpp"

// Any bytes as a trace of format philly-json: a Workload or an InputError, nothing else.
NIGHTWATT_FUZZ_TARGET(philly_json) {
  using namespace nightwatt::testing;
  return read_workload_bytes(
      request_of("philly-json", {{"missing_end", "next"}, {"negative_duration", "zero"}}), bytes);
}
