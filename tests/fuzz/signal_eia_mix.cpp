#include "tests/fuzz/read_signal.hpp"
#include "tests/fuzz/target.hpp"

// Any bytes as a series of format eia-mix: a SignalData or an InputError, nothing else.
NIGHTWATT_FUZZ_TARGET(signal_eia_mix) {
  nightwatt::SignalRequest request;
  request.format = "eia-mix";
  return nightwatt::testing::read_signal_bytes(request, bytes);
}
