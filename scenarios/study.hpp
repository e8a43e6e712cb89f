#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "scenarios/scenario.hpp"

/// Many runs of one scenario: a grid of what is changed, each with the same seeds.
namespace nightwatt {

/// Equal in what they set, wherever they stand.
inline bool operator==(const Setting& a, const Setting& b) {
  return a.path == b.path && flow_text(a.value) == flow_text(b.value);
}

/// One of the values that an axis takes.
struct StudyPoint {
  std::string label;  ///< the value on one line, or the name of the variant
  std::vector<Setting> settings;
  friend bool operator==(const StudyPoint&, const StudyPoint&) = default;
};

/// What is varied: one key of the scenario, or several at once under a name.
struct StudyAxis {
  std::string name;  ///< the key ("policies.cap"), or what the file calls the variants
  std::vector<StudyPoint> points;
  friend bool operator==(const StudyAxis&, const StudyAxis&) = default;
};

struct Study {
  std::string path;      ///< of the study's file, as given
  std::string name;      ///< title
  std::string scenario;  ///< path, relative to the study's file
  std::vector<Setting> set;
  std::vector<StudyAxis> grid;
  std::vector<std::uint64_t> seeds;  ///< empty in a file that gives none: that of the scenario
};

/// One run of a study.
struct StudyRun {
  std::vector<std::size_t> point;  ///< of each axis
  std::uint64_t seed = 0;
  Loaded loaded;
  /// Of its file, without ".h5": labels, seed and the start of the hash of the canonical scenario,
  /// so that a file of this name is this run.
  std::string name;

  /// "policies.cap = 150 W, seed 3"
  [[nodiscard]] std::string title(const Study& study) const;
};

/// More runs than this are a mistake.
inline constexpr std::size_t max_study_runs = 100'000;

/// Reads and checks the file of a study, not yet its scenario.
/// @throws InputError with all faults
Study load_study(const std::string& path);
/// The same from memory; `path` stands in messages.
Study parse_study(std::string_view text, const std::string& path);

/// All runs: the first axis varies slowest, the seeds fastest, so that the first run is the base of
/// every comparison. Each run's scenario is checked on its own, as load_scenario does. Fills in the
/// study's seeds where it has none.
/// @throws InputError with all faults, those of the study's values at their place in its file
std::vector<StudyRun> study_runs(Study& study);

/// JSON Schema (draft 2020-12) of the file of a study, for editors.
std::string study_schema();

}  // namespace nightwatt
