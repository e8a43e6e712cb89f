#include "tests/fuzz/read_signal.hpp"
#include "tests/fuzz/target.hpp"

// Any bytes as a series of format neso: a SignalData or an InputError, nothing else.
NIGHTWATT_FUZZ_TARGET(signal_neso) {
  nightwatt::SignalRequest request;
  request.format = "neso";
  return nightwatt::testing::read_signal_bytes(request, bytes);
}
