#pragma once

#include <filesystem>

/// HDF5 notices that a file is cut short, but bytes changed in the middle can mislead it (1.10 may
/// loop for ever). So a checksum of all bytes stands behind the end of the HDF5 file proper, where
/// HDF5 and netCDF do not look; a program that changes the file with HDF5 removes it. Private to
/// this folder.
namespace nightwatt::timeline {

enum class Checksum { absent, matches, differs };

/// @throws std::system_error if the file cannot be read or written
void append_checksum(const std::filesystem::path& path);
/// @throws std::system_error if the file cannot be read
Checksum verify_checksum(const std::filesystem::path& path);

}  // namespace nightwatt::timeline
