#include "tests/fuzz/read_workload.hpp"

// Any bytes as a file: compression, archives and lines, and the recognition of formats.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  nightwatt::testing::read_bytes(nightwatt::testing::request_of("auto"), data, size);
  return 0;
}
