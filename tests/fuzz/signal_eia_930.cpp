#include "tests/fuzz/read_signal.hpp"
#include "tests/fuzz/target.hpp"

// Any bytes as a series of format eia-930: a SignalData or an InputError, nothing else.
NIGHTWATT_FUZZ_TARGET(signal_eia_930) {
  nightwatt::SignalRequest request;
  request.format = "eia-930";
  return nightwatt::testing::read_signal_bytes(request, bytes);
}
