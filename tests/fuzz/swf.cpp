#include "tests/fuzz/read_workload.hpp"

// Any bytes as a trace of format swf: a Workload or an InputError, nothing else.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  nightwatt::testing::read_bytes(nightwatt::testing::request_of("swf"), data, size);
  return 0;
}
