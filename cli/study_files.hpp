#pragma once

#include <optional>
#include <string>
#include <vector>

#include "sim/timeline/study_index.hpp"

namespace nightwatt::cli {

/// Files that the user named, with the index of a study replaced by the timelines of its runs.
struct NamedFiles {
  std::vector<std::string> files;
  std::vector<std::string> titles;  ///< [files]; empty if no study was named
  std::vector<std::size_t> points;  ///< [files]; of the study
  std::optional<StudyIndex> study;
  bool same_work = true;  ///< of the study's runs
};

/// Says on stderr which runs of a study are left out, since their partners failed.
/// @param where  "AXIS=LABEL": only runs with these values
/// @throws InputError if a study cannot be read, or is named beside other files
NamedFiles with_runs_of_study(const std::vector<std::string>& files,
                              const std::vector<std::string>& where = {});

}  // namespace nightwatt::cli
