#include "tests/fuzz/read_workload.hpp"

// Any bytes as a trace of format philly-csv: a Workload or an InputError, nothing else.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  nightwatt::testing::read_bytes(nightwatt::testing::request_of("philly-csv"), data, size);
  return 0;
}
