#include <cstddef>
#include <cstdlib>
#include <string_view>

#include "analysis/measurements/measured_file.hpp"
#include "analysis/measurements/study.hpp"
#include "tests/fuzz/target.hpp"
#include "traces/diagnostics.hpp"

// Any bytes as a file of measurements, and what the model says of its rows: predictions, or an
// InputError, nothing else.
NIGHTWATT_FUZZ_TARGET(measurements) {
  using namespace nightwatt;
  static Catalog catalog({NIGHTWATT_SOURCE_DIR "/energy/catalog"});
  // Some kinds take the device and the model from the file's name.
  Input input = Input::from_memory("h100x4_llama70b.csv", bytes);
  try {
    const MeasuredFile file = MeasuredFile::read(input);
    for (std::size_t row = 0; row < file.rows(); ++row) (void)file.fingerprint(row);
    (void)evaluator_of(file.kind().name).evaluate(file, catalog);
    return true;
  } catch (const InputError& error) {
    if (error.faults().empty()) std::abort();
  }
  return false;
}
