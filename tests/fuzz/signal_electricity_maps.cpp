#include "tests/fuzz/read_signal.hpp"
#include "tests/fuzz/target.hpp"

// Any bytes as a series of format electricity-maps: a SignalData or an InputError, nothing else.
NIGHTWATT_FUZZ_TARGET(signal_electricity_maps) {
  nightwatt::SignalRequest request;
  request.format = "electricity-maps";
  request.column = "direct";
  return nightwatt::testing::read_signal_bytes(request, bytes);
}
