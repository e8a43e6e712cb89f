#pragma once

#include <cstddef>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "cli/command.hpp"
#include "cli/progress.hpp"
#include "cli/study_folder.hpp"
#include "scenarios/study.hpp"

/// A study as arrays of Slurm jobs, one task a run. Tasks write into the study's folder, which all
/// nodes have to see under the same path, as they have to see the program and the inputs.
namespace nightwatt::cli {

struct SlurmOptions {
  std::string sbatch;  ///< further options, as the user wrote them
};

/// By which a task knows that the study is still the one that was submitted.
std::string plan_of(const std::vector<StudyRun>& runs);

class SlurmJob {
 public:
  SlurmJob(std::string study_file, const std::vector<StudyRun>& runs, const StudyFolder& folder,
           const SlurmOptions& options, const Globals& globals);

  /// Submits the runs that are neither done nor in Slurm's queue since an earlier start, and waits
  /// until none of them is there any more.
  /// @return false if a signal ended the waiting; the tasks go on
  /// @throws InputError if Slurm is not there or refuses
  bool run(const std::vector<bool>& done, ProgressLine& line);

 private:
  /// An array of jobs; its tasks are numbered from `first_run` on.
  struct Array {
    std::string id;
    std::size_t first_run = 0;
  };

  void read_arrays();
  void write_arrays() const;
  void submit(const std::vector<std::size_t>& runs, std::size_t first_run);
  /// Runs whose tasks wait or run. Arrays that have left the queue are forgotten.
  std::set<std::size_t> active();
  [[nodiscard]] std::size_t largest_array() const;
  void tidy() const;

  std::string study_file_;
  const std::vector<StudyRun>& runs_;
  const StudyFolder& folder_;
  const SlurmOptions& options_;
  const Globals& globals_;
  std::string plan_;
  std::vector<Array> arrays_;
};

}  // namespace nightwatt::cli
