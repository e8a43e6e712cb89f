#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "scenarios/study.hpp"
#include "sim/timeline/study_index.hpp"

/// What the runs of a study come to.
namespace nightwatt {

/// Does pieces of work 0 to `count` - 1, in any order and maybe in other processes.
/// @return [count] what each came to
using Spread = std::function<std::vector<std::string>(
    std::size_t count, const std::function<std::string(std::size_t)>& work)>;

/// The index of a study, its figures read from the timelines of its runs. Energy is charged to one
/// horizon, the latest end of all runs, where all have the same period and their signals reach it;
/// else each run to its own end.
/// @param files  [runs] paths of the timelines, relative to `folder`; "" = there is none
/// @param interrupted  asked before each timeline; true stops with WriteInterrupted. May be empty
/// @param spread  who reads the figures of each timeline; empty: this process, one by one
/// @throws InputError if a timeline cannot be read
StudyIndex study_figures(const Study& study, const std::vector<StudyRun>& runs,
                         const std::vector<std::string>& files, const std::filesystem::path& folder,
                         const std::function<bool()>& interrupted = {}, const Spread& spread = {});

/// How much the values of one axis move a figure.
struct AxisEffect {
  std::vector<double> means;  ///< [labels] over all runs that have that value
  /// Share of the variance over all runs that the axis explains on its own (first-order share of a
  /// full factorial design); NaN if nothing varies.
  double share = 0.0;
};

/// What moves a figure over a grid of which no run is missing.
struct Sensitivity {
  std::vector<AxisEffect> axes;
  double mean = 0.0;          ///< over all runs
  double interactions = 0.0;  ///< share of the variance: combinations of axes, beyond each alone
  double seeds = 0.0;         ///< share of the variance: seeds within a combination
};

/// Splits the variance of a figure over a full grid: the sum of squares of each axis' means, of the
/// points' means beyond them, and of the seeds within points, over that of all runs.
/// All NaN where a run has no such figure.
Sensitivity sensitivity(const StudyIndex& index, const IndexMetric& metric);

/// Mean over the seeds of a figure at a point; NaN if a run failed.
double mean_at(const StudyIndex& index, const IndexMetric& metric, std::size_t point);

/// Of each point the first one whose runs did the same work, by the completed reference GPU-seconds
/// (metric `reference_gpu_s`): only against that one are differences savings.
std::vector<std::size_t> bases(const StudyIndex& index);

/// The points that a page draws: the first, those that are best in energy, carbon, cost and waiting
/// among those of the same work, then the others of these in order, at most `most`.
std::vector<std::size_t> telling_points(const StudyIndex& index, std::size_t most);

/// For people: a row a combination, means over the seeds, and the differences from the first of the
/// same work.
std::string study_table(const StudyIndex& index);

/// The timelines of a study, for `compare` and `report`: the base's first. Seeds that are missing
/// at one point are left out of all, so that the runs stay paired.
struct StudyFiles {
  std::vector<std::filesystem::path> files;
  std::vector<std::string> titles;  ///< [files]: what is varied: "150 W, texas"
  std::vector<std::size_t> points;  ///< [files]
  std::size_t left_out = 0;         ///< runs that did not fail but have no partners
  bool same_work = true;            ///< of all of them
};
/// @param where  "AXIS=LABEL": only points with these values
/// @throws InputError if no seed is complete, or for an axis or label that the study does not have
StudyFiles study_files(const StudyIndex& index, const std::filesystem::path& path,
                       const std::vector<std::string>& where = {});

}  // namespace nightwatt
