#include "tests/fuzz/read_workload.hpp"
#include "tests/fuzz/target.hpp"

// Any bytes as a trace of format openb: a Workload or an InputError, nothing else.
NIGHTWATT_FUZZ_TARGET(openb) {
  using namespace nightwatt::testing;
  return read_workload_bytes(
      request_of("openb", {{"no_gpus", "keep"}, {"duplicate_ids", "keep_last"}}), bytes);
}
