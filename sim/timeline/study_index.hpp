#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

/// The index of a study: which run is where, and each figure of all runs as one array.
namespace nightwatt {

/// Layout of the file (attribute `study_schema_version`).
inline constexpr std::int32_t study_schema_version = 1;

/// What a study varies, and the labels of its values.
struct IndexAxis {
  std::string name;  ///< as the study calls it: a key of the scenario, or a name
  std::vector<std::string> labels;
};

/// One figure of all runs.
struct IndexMetric {
  std::string name;   ///< as in `run --json` and `compare --json`: "carbon_g"
  std::string units;  ///< "g"
  std::string long_name;
  std::vector<double> values;  ///< [runs]; NaN where a run failed or has no such figure
};

/// Runs are in order of the axes (the last one fastest), and of the seeds within them.
struct StudyIndex {
  std::string title, program;
  std::string study_yaml;     ///< the study's file as it was
  std::string scenario_yaml;  ///< of the first run, with all defaults filled in
  std::string horizon;        ///< to which energy is charged, in words
  std::vector<IndexAxis> axes;
  std::vector<std::int64_t> seeds;
  std::vector<std::string> files;   ///< [runs], relative to the index; "" = failed
  std::vector<std::string> sha256;  ///< [runs] of the canonical scenarios
  std::vector<IndexMetric> metrics;

  [[nodiscard]] std::size_t points() const;
  [[nodiscard]] std::size_t runs() const { return points() * seeds.size(); }
  /// Null if there is none of that name.
  [[nodiscard]] const IndexMetric* find(std::string_view name) const;
  /// The values of a point: "150 W, texas"
  [[nodiscard]] std::string title_of(std::size_t point) const;
  /// Which value of each axis a point has.
  [[nodiscard]] std::vector<std::size_t> coordinates(std::size_t point) const;
};

/// Writes it beside `path` and renames it; equal indices give equal bytes. @throws InputError
void write_study_index(const StudyIndex& index, const std::filesystem::path& path);

/// Whether a file says of itself that it is the index of a study; false if it cannot be read.
bool is_study_index(const std::filesystem::path& path);

/// @throws InputError if it cannot be read, is no index of a study, is damaged, or has another
///   schema
StudyIndex read_study_index(const std::filesystem::path& path);

}  // namespace nightwatt
