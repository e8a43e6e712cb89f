#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "sim/result.hpp"
#include "sim/setup.hpp"
#include "sim/timeline/timeline.hpp"

namespace nightwatt {

/// What a schedule may choose beside the start of each job. A run is compared only with a bound
/// that has at least its freedoms.
struct Freedom {
  bool interruption = false;  ///< jobs may pause and go on, in their partition
  bool site = false;
  bool device = false;
  bool cap = false;
  friend bool operator==(const Freedom&, const Freedom&) = default;
};
/// "start, interruption, site"
std::string freedom_text(Freedom freedom);
/// Reads what freedom_text writes; `start` may be left out.
/// @throws InputError for a word that is none of them
Freedom freedom_of(std::string_view text);
/// The least that this run had: interruption if a job was interrupted, site or cap if a policy
/// chose one, device if the sites in question have several.
Freedom freedom_of_run(const Setup& setup, const RunResult& result);

enum class Objective : std::uint8_t { carbon, cost };

/// Jobs, capacity and signals of a bound.
struct BoundInput {
  /// What a joule of IT energy is charged, as a step function; NaN throughout = no such series.
  struct Site {
    std::string name;
    std::vector<double> from_s;  ///< starts of the steps, ascending, the first at 0
    std::vector<double> carbon_g_per_j, cost_per_j;
    double end_s = 0.0;  ///< nothing runs after it
  };
  struct Partition {
    std::size_t site = 0;
    std::string name, device;
    double gpus = 0.0;
  };
  /// One way to run a job: without a pause of its own making it holds so many GPUs for so long.
  struct Option {
    std::uint32_t partition = 0;
    double gpus = 0.0;
    double run_s = 0.0;  ///< the shortest; 0 = its energy may fall on any instant
    double least_j = 0.0, most_j = 0.0;
    bool steady = true;                             ///< it draws least_j = most_j evenly over run_s
    double extra_carbon_g = 0.0, extra_cost = 0.0;  ///< for going there (data to move)
  };
  struct Job {
    double from_s = 0.0, to_s = 0.0;                  ///< may run in between
    std::uint32_t options = 0;                        ///< its first; the next job's first ends them
    double booked_carbon_g = 0.0, booked_cost = 0.0;  ///< moving its data included, where free
  };
  Freedom freedom;
  std::vector<Site> sites;
  std::vector<Partition> partitions;
  std::vector<Job> jobs;
  std::vector<Option> options;

  [[nodiscard]] std::span<const Option> options_of(std::size_t job) const {
    const std::size_t from = jobs[job].options;
    const std::size_t to = job + 1 < jobs.size() ? jobs[job + 1].options : options.size();
    return std::span(options).subspan(from, to - from);
  }
};

/// The jobs of a run with all that the scenario knows: what each would draw in another partition or
/// under another cap, and what moving its data there takes at least.
BoundInput bound_input(const Setup& setup, const RunResult& result, Freedom freedom);

/// The same jobs in one or more files, with a common window: to the latest of its ends in them. A
/// job draws the least that it drew in any of them, so that the operating points that occur there
/// are free too. With `site` it may go to all partitions with a device that it ran on, and pays
/// the least that any of the files would charge for moving its data there.
/// @param files  of equal work: the same jobs in each
/// @throws InputError if jobs, partitions or signals differ, if a file is older than the steps of
///   its signals, or for the freedoms device and cap, of which files know nothing
BoundInput bound_input(std::span<const TimelineFile* const> files, Freedom freedom);

struct BoundOptions {
  double cell_s = 3600.0;             ///< in which capacity is counted
  std::size_t flow_arcs = 1'000'000;  ///< at most, for the network simplex; 0 = without it
  std::uint32_t iterations = 30;      ///< of the subgradient method after it
};

/// Least carbon (cost) that the jobs can be charged in any schedule with the freedoms of the input;
/// proof in docs/models/bounds.md. NaN, with a method that says why, where a site that they may use
/// has no such series.
LowerBound lower_bound(const BoundInput& input, Objective objective,
                       const BoundOptions& options = {});

/// Both objectives.
LowerBounds lower_bounds(const BoundInput& input, const BoundOptions& options = {});

}  // namespace nightwatt
