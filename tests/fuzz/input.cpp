#include "tests/fuzz/read_workload.hpp"
#include "tests/fuzz/target.hpp"

// Any bytes as a file: compression, archives and lines, and the recognition of formats.
NIGHTWATT_FUZZ_TARGET(input) {
  return nightwatt::testing::read_workload_bytes(nightwatt::testing::request_of("auto"), bytes);
}
