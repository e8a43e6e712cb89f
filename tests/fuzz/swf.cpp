#include "tests/fuzz/read_workload.hpp"
#include "tests/fuzz/target.hpp"

// Any bytes as a trace of format swf: a Workload or an InputError, nothing else.
NIGHTWATT_FUZZ_TARGET(swf) {
  return nightwatt::testing::read_workload_bytes(nightwatt::testing::request_of("swf"), bytes);
}
