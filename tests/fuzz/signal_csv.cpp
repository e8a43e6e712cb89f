#include "tests/fuzz/read_signal.hpp"
#include "tests/fuzz/target.hpp"

// Any bytes as a series of format csv: a SignalData or an InputError, nothing else.
NIGHTWATT_FUZZ_TARGET(signal_csv) {
  nightwatt::SignalRequest request;
  request.format = "csv";
  request.unit = "USD/MWh";
  request.zone = "America/Chicago";
  return nightwatt::testing::read_signal_bytes(request, bytes);
}
