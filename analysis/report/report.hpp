#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "analysis/comparison.hpp"
#include "sim/timeline/study_index.hpp"
#include "sim/timeline/timeline.hpp"

namespace nightwatt {

/// One figure of two runs, as the report's table of differences shows it.
struct ReportDifference {
  std::string metric, unit;
  double base = unknown, other = unknown;  ///< in `unit`
  /// Interval of other - base, in `unit`; NaN = none is known.
  double low = unknown, high = unknown;
};

/// A run against the first one.
struct ReportComparison {
  std::size_t run = 1;                ///< index into the files
  std::vector<std::string> warnings;  ///< whole sentences, read before the rows
  bool equal_work = true;             ///< else both runs' figures are shown, but no difference
  std::string interval;               ///< what the intervals are, in words; "" = there are none
  std::vector<ReportDifference> rows;
};

/// Plain differences of what the files hold in /summary, each file to its own end.
/// @throws InputError if a file cannot be read
std::vector<ReportComparison> summary_differences(const std::vector<TimelineFile>& files);

/// The differences that `compare` tells, with its intervals, all charged to one horizon.
/// @param files  those that were compared, in any order
std::vector<ReportComparison> report_differences(const Comparison& comparison,
                                                 const std::vector<TimelineFile>& files);

/// Whether this program was built with the report's page (NIGHTWATT_REPORT).
bool report_is_built();

/// The study that runs are of.
struct ReportStudy {
  StudyIndex index;
  std::vector<std::string> titles;  ///< [files]: what the runs are called
};

/// One page (HTML) with all pictures of these runs, that needs nothing else to be seen.
/// docs/report.md says what each picture means.
/// @param files  one or more
/// @param study  null if they are of none
/// @throws InputError if a file cannot be read, std::logic_error unless report_is_built()
std::string report_page(const std::vector<TimelineFile>& files,
                        const std::vector<ReportComparison>& comparisons,
                        const ReportStudy* study = nullptr);

/// Writes the page beside `path` and renames it; an older file stays as it was on any failure.
/// @throws InputError if it cannot be written
void write_report(const std::string& page, const std::filesystem::path& path);

}  // namespace nightwatt
