#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace nightwatt {

/// What tells which jobs of a trace a row is about.
enum class ReferenceBy : std::uint8_t {
  format,    ///< all jobs of the format
  cluster,   ///< the name of a cluster in the file's path
  gpu_type,  ///< the GPU type that the trace gives to the job
};

/// The device on which jobs of a public trace ran, so that their run times are those of it.
struct ReferenceDevice {
  std::string_view format;
  ReferenceBy by;
  std::string_view key;     ///< cluster or GPU type; "" for all jobs of the format
  std::string_view device;  ///< id in the catalogue
  bool assumed;             ///< the source does not say so in as many words
  std::string_view source;
};

/// The built-in table, row by row as in reference_devices.cpp.
std::span<const ReferenceDevice> reference_devices();

/// @param path  of the trace, as the user wrote it
/// @param gpu_type  of the job; "" = none, or alternatives joined by '|', of which none is known to
///   be the one that was taken
/// @return nullptr where nothing is known
const ReferenceDevice* find_reference_device(std::string_view format, std::string_view path,
                                             std::string_view gpu_type);

}  // namespace nightwatt
