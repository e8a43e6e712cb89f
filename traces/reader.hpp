#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "traces/job.hpp"

namespace nightwatt {

/// Which column of a CSV holds what, for format `csv`. Values are column names (or "#3" for the
/// third column of a file without header).
struct ColumnMap {
  std::map<std::string, std::string>
      columns;  ///< field (submit, start, end, run, limit, deadline, gpus, ...) -> column
  std::string time_unit = "s";           ///< of submit, start, end, deadline where they are numbers
  std::string duration_unit = "s";       ///< of run and limit
  std::string time_form = "auto";        ///< epoch | date | relative | auto
  std::string deadline_from = "origin";  ///< origin | submit
  std::string delimiter = ",";
  bool header = true;
};

/// What to read, and how rows that could be read in two ways are decided.
struct ReadRequest {
  std::string path;           ///< as the user wrote it, for messages and /inputs
  std::string resolved_path;  ///< where to open it; `path` if empty
  std::string tasks_path;     ///< PAI: the task table beside the job table
  std::string resolved_tasks_path;
  std::string format = "auto";
  std::string zone;  ///< IANA zone of dates that name none; "" = not given
  ColumnMap columns;
  std::map<std::string, std::string> rules;  ///< rule -> choice; unknown names are errors
};

/// Reads a whole trace. Plain, .gz, .zst and .bz2 are recognised by content.
/// @throws InputError with all faults of the file (positions from 1).
Workload read_workload(const ReadRequest& request);

class Input;
/// The same from an input that is already open (for example from memory); its paths are only names.
Workload read_workload(const ReadRequest& request, Input& input);

/// One choice of a rule.
struct RuleInfo {
  std::string name;                  ///< "no_gpus"
  std::string summary;               ///< "a job that asks for no GPU"
  std::vector<std::string> choices;  ///< the first is the default; "NUMBER" = any number above 0
};

struct FormatInfo {
  std::string name;  ///< "swf", "philly-csv", ...
  std::string summary;
  std::string source;         ///< where the format is defined
  bool seen_in_wild = false;  ///< read from a real file in the tests
  std::vector<RuleInfo> rules;
};

/// All workload formats, sorted by name.
std::vector<FormatInfo> workload_formats();

}  // namespace nightwatt
