#include "tests/fuzz/read_signal.hpp"
#include "tests/fuzz/target.hpp"

// Any bytes as a series whose format is recognised: a SignalData or an InputError, nothing else.
NIGHTWATT_FUZZ_TARGET(signal_auto) { return nightwatt::testing::read_signal_bytes({}, bytes); }
