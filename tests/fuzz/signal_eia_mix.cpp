#include "tests/fuzz/read_signal.hpp"

// Any bytes as a series of format eia-mix: a SignalData or an InputError, nothing else.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  nightwatt::SignalRequest request;
  request.format = "eia-mix";
  nightwatt::testing::read_signal_bytes(request, data, size);
  return 0;
}
