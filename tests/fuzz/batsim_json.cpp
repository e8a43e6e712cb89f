#include "tests/fuzz/read_workload.hpp"

// Any bytes as a trace of format batsim-json: a Workload or an InputError, nothing else.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace nightwatt::testing;
  read_bytes(request_of("batsim-json", {{"flops_per_s", "1e9"}}), data, size);
  return 0;
}
