#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <vector>

#include "traces/job.hpp"

namespace nightwatt {

enum class TraceForm : std::uint8_t { swf, csv, batsim_json };

/// By the name's ending: .swf, .csv or .json. @throws InputError for another one.
TraceForm trace_form(const std::filesystem::path& path);

/// Writes a workload for other tools. Times are seconds since the workload's origin in SWF (whose
/// header names it) and in Batsim's JSON, and Unix seconds in CSV where the trace has dates.
/// The file appears under its name when it is complete.
///
/// SWF and Batsim count processors, here whole GPUs (cores where no job asks for a GPU); Batsim
/// gets a delay profile for each run time.
/// @return what the form cannot hold, with the number of jobs concerned
/// @param interrupted  asked between blocks of rows; true stops the writing. May be empty.
/// @throws InputError if the file cannot be written, WriteInterrupted if asked to stop
std::vector<RuleCount> write_trace(const Workload& workload, TraceForm form,
                                   const std::filesystem::path& path,
                                   const std::function<bool()>& interrupted = {});

}  // namespace nightwatt
