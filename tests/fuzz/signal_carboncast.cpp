#include "tests/fuzz/read_signal.hpp"
#include "tests/fuzz/target.hpp"

// Any bytes as a series of format carboncast: a SignalData or an InputError, nothing else.
NIGHTWATT_FUZZ_TARGET(signal_carboncast) {
  nightwatt::SignalRequest request;
  request.format = "carboncast";
  return nightwatt::testing::read_signal_bytes(request, bytes);
}
