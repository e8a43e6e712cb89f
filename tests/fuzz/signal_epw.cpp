#include "tests/fuzz/read_signal.hpp"
#include "tests/fuzz/target.hpp"

// Any bytes as a series of format epw: a SignalData or an InputError, nothing else.
NIGHTWATT_FUZZ_TARGET(signal_epw) {
  nightwatt::SignalRequest request;
  request.format = "epw";
  return nightwatt::testing::read_signal_bytes(request, bytes);
}
