#include "tests/fuzz/read_signal.hpp"
#include "tests/fuzz/target.hpp"

// Any bytes as a series of format puewue: a SignalData or an InputError, nothing else.
NIGHTWATT_FUZZ_TARGET(signal_puewue) {
  nightwatt::SignalRequest request;
  request.format = "puewue";
  return nightwatt::testing::read_signal_bytes(request, bytes);
}
