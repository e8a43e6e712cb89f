#include "tests/fuzz/read_workload.hpp"

// Any bytes as a trace of format openb: a Workload or an InputError, nothing else.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace nightwatt::testing;
  read_bytes(request_of("openb", {{"no_gpus", "keep"}, {"duplicate_ids", "keep_last"}}), data,
             size);
  return 0;
}
