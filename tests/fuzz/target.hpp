#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>

/// NIGHTWATT_FUZZ_TARGET(swf) { ... } reads `bytes` as what one parser reads, and returns whether
/// they were taken. A refusal is an InputError, which it catches; it aborts where what was read
/// breaks what its type promises. libFuzzer calls the one target that it is linked with; the
/// ordinary suite links all of them and takes them from fuzz_targets().
namespace nightwatt::testing {

using FuzzTarget = bool (*)(std::string_view bytes);

/// By name, which is also that of the folder of seeds.
inline std::map<std::string, FuzzTarget>& fuzz_targets() {
  static std::map<std::string, FuzzTarget> all;
  return all;
}

}  // namespace nightwatt::testing

#ifdef NIGHTWATT_LIBFUZZER
#define NIGHTWATT_FUZZ_TARGET(name)                                                   \
  static bool name##_target(std::string_view bytes);                                  \
  extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) { \
    name##_target({reinterpret_cast<const char*>(data), size});                       \
    return 0;                                                                         \
  }                                                                                   \
  static bool name##_target(std::string_view bytes)
#else
#define NIGHTWATT_FUZZ_TARGET(name)                                            \
  static bool name##_target(std::string_view bytes);                           \
  [[maybe_unused]] static const bool name##_added =                            \
      nightwatt::testing::fuzz_targets().emplace(#name, name##_target).second; \
  static bool name##_target(std::string_view bytes)
#endif
