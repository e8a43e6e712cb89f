#include <cstddef>
#include <cstdint>
#include <string_view>

#include "analysis/measurements/measured_file.hpp"
#include "traces/diagnostics.hpp"

/// Whatever the bytes: a file of measurements, or an InputError.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace nightwatt;
  Input input =
      Input::from_memory("fuzz.csv", std::string_view(reinterpret_cast<const char*>(data), size));
  try {
    const MeasuredFile file = MeasuredFile::read(input);
    for (std::size_t row = 0; row < file.rows(); ++row) (void)file.fingerprint(row);
  } catch (const InputError&) {
  }
  return 0;
}
