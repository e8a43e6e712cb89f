#include <cstddef>
#include <cstdlib>
#include <string_view>

#include "tests/fuzz/target.hpp"
#include "traces/diagnostics.hpp"
#include "traces/input.hpp"
#include "traces/signals/forecast_file.hpp"

// Any bytes as forecasts with their issue times: issues in order, each with ascending times, or an
// InputError, nothing else.
NIGHTWATT_FUZZ_TARGET(forecast) {
  using namespace nightwatt;
  ForecastRequest request;
  request.path = "fuzz";
  request.unit = "gCO2e/kWh";
  request.zone = "America/Chicago";
  try {
    Input input = Input::from_memory("fuzz", bytes);
    const ForecastData read = read_forecasts(request, input);
    if (read.issues.empty() || !(read.step_s >= 1.0)) std::abort();
    double before_s = -1e300;
    for (const ForecastIssue& issue : read.issues) {
      if (!(issue.issued_unix_s > before_s) || issue.values.empty()) std::abort();
      if (issue.values.size() != issue.times_unix_s.size()) std::abort();
      for (std::size_t i = 1; i < issue.times_unix_s.size(); ++i) {
        if (!(issue.times_unix_s[i] > issue.times_unix_s[i - 1])) std::abort();
      }
      before_s = issue.issued_unix_s;
    }
    return true;
  } catch (const InputError& error) {
    if (error.faults().empty()) std::abort();
  }
  return false;
}
