#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "sim/timeline/timeline.hpp"

/// A timeline file for programs that do not read HDF5.
namespace nightwatt {

enum class ExportForm : std::uint8_t {
  csv,    ///< one CSV file a group
  batsim  ///< jobs.csv and schedule.csv with Batsim's columns
};

/// Writes the files into a folder that does not exist yet or is empty. When something fails, or
/// `interrupted` is true (asked between blocks of rows), nothing is left there.
/// @return  names of the files, in the order in which they were written
/// @throws InputError if the folder holds something or cannot be written, WriteInterrupted
std::vector<std::string> export_timeline(const TimelineFile& file, ExportForm form,
                                         const std::filesystem::path& folder,
                                         const std::function<bool()>& interrupted = {});

}  // namespace nightwatt
