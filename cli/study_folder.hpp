#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "scenarios/study.hpp"

/// The folder of a study: `study.h5`, the timelines in `runs`, what failed runs said in `failed`.
namespace nightwatt::cli {

class StudyFolder {
 public:
  /// Makes the folder, or takes one that an earlier start of a study left.
  /// @throws InputError if it holds something else, cannot be written, or is in use
  explicit StudyFolder(std::filesystem::path path);
  ~StudyFolder();
  StudyFolder(const StudyFolder&) = delete;
  StudyFolder& operator=(const StudyFolder&) = delete;

  [[nodiscard]] const std::filesystem::path& path() const { return path_; }
  [[nodiscard]] std::filesystem::path index() const { return path_ / "study.h5"; }

  /// Which runs are done [runs]. Their timelines are opened and compared with what the runs are
  /// now.
  /// @throws InputError if `runs` holds a timeline that is none of these runs, or was made from
  ///   other inputs or by another version; nothing is removed
  [[nodiscard]] std::vector<bool> finished(const std::vector<StudyRun>& runs) const;
  /// Removes what a run that was killed left half written. Only where none is under way.
  void remove_leftovers() const;
  /// Of a process that runs one of the runs: the folder stays in use until its parent ends.
  void forget_lock();

 private:
  std::filesystem::path path_;
  int lock_ = -1;
};

/// Paths of a run, relative to the study's folder.
std::filesystem::path timeline_of(const StudyRun& run);
std::filesystem::path messages_of(const StudyRun& run);

/// Runs one run of a study into its folder. What it says goes to `messages_of` the run, which stays
/// only if it fails. For a process of its own.
/// @param progress  told the share that is done, in [0, 1]; may be empty
/// @return exit status
int run_of_study(const StudyRun& run, const std::filesystem::path& folder,
                 const std::function<void(double)>& progress);

/// What a run that failed left of it.
struct Failure {
  std::string reason;  ///< the first line that it said; "" = nothing
  int status = 0;      ///< exit status; 0 = it did not get so far as to say
};
Failure failure_of(const StudyRun& run, const std::filesystem::path& folder);

}  // namespace nightwatt::cli
