#include "tests/fuzz/read_signal.hpp"
#include "tests/fuzz/target.hpp"

// Any bytes as a series of format open-meteo: a SignalData or an InputError, nothing else.
NIGHTWATT_FUZZ_TARGET(signal_open_meteo) {
  nightwatt::SignalRequest request;
  request.format = "open-meteo";
  return nightwatt::testing::read_signal_bytes(request, bytes);
}
