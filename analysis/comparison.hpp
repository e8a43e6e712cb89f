#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "analysis/run_figures.hpp"
#include "analysis/statistics.hpp"

/// Runs of the same work side by side: what another policy, cap, site or hour changed.
namespace nightwatt {

/// Completed reference GPU-seconds that differ by less (relative) are the same: they are sums of
/// the same terms in another order.
inline constexpr double same_work_tolerance = 1e-9;

struct CompareOptions {
  /// Show differences of runs that did not do the same work, too.
  bool allow_unequal = false;
  /// Unix time to which every run is charged; left out: the latest end of all files.
  std::optional<double> horizon_unix_s = {};
  Resampling resampling = {};
  /// The share of the possible saving is computed for at most so many jobs; 0 = never.
  std::size_t bound_jobs = 200'000;
  /// What the files are called [files]; empty: by the titles of their scenarios.
  std::vector<std::string> titles = {};
};

/// Runs of one scenario that differ in nothing but their seed (as a rule one), in order of it.
struct Variant {
  std::string title;
  std::vector<std::string> files;
  std::vector<std::int64_t> seeds;
};

/// One figure of BASE and of another run; means over the seeds where there are several.
struct FigureDifference {
  std::string section, key, title;
  Unit unit = Unit::number;
  double base = unknown, other = unknown;
  Interval difference_95, relative_95;  ///< NaN where there is none

  [[nodiscard]] double difference() const { return other - base; }
  [[nodiscard]] double relative() const { return relative_difference(base, other); }
};

/// The differences of all, of a site, or of a class of jobs ("" = those of none).
struct GroupDifference {
  std::string name;
  std::uint64_t jobs = 0;         ///< of BASE, whose waits, completion times and slowdowns count
  std::uint64_t warmup_jobs = 0;  ///< of BASE, left out of them
  std::vector<FigureDifference> figures;

  /// Null if there is none.
  [[nodiscard]] const FigureDifference* find(std::string_view section, std::string_view key) const;
};

/// Whether two runs did the same work: the same jobs, each with the same completed reference
/// GPU-seconds.
struct SameWork {
  std::uint64_t jobs = 0;        ///< in both, summed over the seeds
  std::uint64_t only_base = 0;   ///< jobs that the other run does not have
  std::uint64_t only_other = 0;  ///< jobs that BASE does not have
  std::uint64_t unequal = 0;     ///< in both, but with other completed reference GPU-seconds
  double base_gpu_s = 0.0, other_gpu_s = 0.0;  ///< completed reference GPU-seconds
  std::string example;                         ///< the first job that differs, and how

  [[nodiscard]] bool equal() const { return only_base + only_other + unequal == 0; }
  /// "equal: 46,063 jobs, ..." or what is not.
  [[nodiscard]] std::string text() const;
};

/// Where the intervals come from.
struct Variation {
  enum class Source : std::uint8_t { none, days, seeds };
  Source source = Source::none;
  std::size_t units = 0;  ///< days or seeds
  std::size_t block = 1;  ///< units of a block

  [[nodiscard]] const char* name() const;
};

/// (BASE - run) / (BASE - bound), on the same jobs and window.
struct ReachedShare {
  std::optional<double> carbon, cost;
  double bound_carbon_g = unknown, bound_cost = unknown;
  std::string freedoms;  ///< of the bound: what it was allowed to change
};

struct RunDifference {
  Variant run;
  /// Keys of the scenario that differ: "policies.cap: none -> {fixed: {limit: 150 W}}".
  std::vector<std::string> changes;
  SameWork work;
  Variation variation;
  GroupDifference total;
  std::vector<GroupDifference> sites, classes;
  std::optional<ReachedShare> reached;  ///< where a bound is known
};

struct Comparison {
  Variant base;
  std::vector<RunDifference> runs;  ///< in the order in which they were named
  std::int64_t period_start_unix_s = 0;
  double period_end_s = 0.0, horizon_s = 0.0;  ///< since the period's start
  double warmup_s = 0.0, slowdown_tau_s = 0.0;
  std::string currency;
  std::vector<double> fixed_shares;  ///< beside the runs' own
  std::vector<std::string> notes;    ///< what a reader of the tables should know
};

/// Compares the first run with each of the others. Runs of one scenario with different seeds are
/// one variant, paired by seed; a file whose scenario and seed were already named begins another.
/// @throws InputError if a file cannot be read, if the runs do not belong together (period, sites,
///   currency, trace, seeds), if the horizon cannot be charged, and, unless that is allowed, if
///   the runs did not do the same work.
Comparison compare_runs(const std::vector<std::filesystem::path>& files,
                        const CompareOptions& options = {});

/// For people: tables of at most 100 columns.
std::string comparison_table(const Comparison& comparison);
/// The same tables in Markdown.
std::string comparison_markdown(const Comparison& comparison);
/// One row a figure, units in a column of their own; numbers read back as the same doubles, what is
/// not known is empty.
std::string comparison_csv(const Comparison& comparison);
/// Units in the keys; what is not known is null.
std::string comparison_json(const Comparison& comparison);

}  // namespace nightwatt
