#include "tests/fuzz/read_forecast.hpp"

// Any bytes as forecasts with their issue times: a ForecastData or an InputError, nothing else.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  nightwatt::testing::read_forecast_bytes(data, size);
  return 0;
}
