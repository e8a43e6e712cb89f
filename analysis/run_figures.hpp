#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "sim/result.hpp"
#include "sim/timeline/timeline.hpp"

/// The figures of one timeline file, charged to a horizon that may lie behind the file's own end.
namespace nightwatt {

/// What a figure measures; the keys of figures carry the unit besides.
enum class Unit : std::uint8_t { joules, grams, money, watts, seconds, ratio, number, count };

/// "J", "g", "W", "s" or "1"; of money its currency, "money" where none is known.
std::string unit_name(Unit unit, const std::string& currency);

/// Sums over jobs by the day on which they were submitted: days are the units of a bootstrap.
enum class DailySum : std::uint8_t {
  it_energy,  ///< with what no job used, which varies with no job: in equal parts on all days
  facility_energy,
  carbon,
  cost,
  jobs_it_energy,  ///< what the jobs were charged while they held GPUs
  jobs_facility_energy,
  jobs_carbon,
  jobs_cost,
  wait,
  waits,  ///< jobs that started
  completion_time,
  slowdown,
  ended,  ///< jobs that ended
  deadline_misses,
  none
};
inline constexpr std::size_t daily_sum_count = static_cast<std::size_t>(DailySum::none);

/// One figure of a run. Sections group figures in tables and in JSON.
struct RunFigure {
  std::string section, key, title;
  Unit unit = Unit::number;
  double value = unknown;
  /// Where they are not `none`, the value is the sum over the days of `sum` (over that of `count`).
  DailySum sum = DailySum::none, count = DailySum::none;
};

/// The figures of all that a run did, of one of its sites, or of one class of its jobs.
struct FigureGroup {
  std::string name;
  std::uint64_t jobs = 0;         ///< whose waits, completion times and slowdowns count
  std::uint64_t warmup_jobs = 0;  ///< left out of them
  std::vector<RunFigure> figures;
  std::array<std::vector<double>, daily_sum_count> days;  ///< [days of the period]
};

/// Mean IT power of each site over the period and up to the horizon, the reference power of a
/// facility with a fixed share.
struct MeanPower {
  std::vector<double> period_w, horizon_w;
};

struct RunFigures {
  FigureGroup total;
  std::vector<FigureGroup> sites, classes;  ///< in the file's order; the jobs of no class are ""
  MeanPower mean_it;
};

struct FigureOptions {
  double horizon_s = 0.0;  ///< since the period's start, not before the file's own end
  double warmup_s = 0.0;   ///< jobs submitted before it are left out of job statistics
  double slowdown_tau_s = 10.0;
  /// Facility figures also for these shares of facility power beyond IT that do not depend on IT.
  std::vector<double> fixed_shares = {0.5};
  /// Reference power of those facilities; empty: the file's own means.
  MeanPower reference = {};
};

/// A site's totals up to a horizon: those of the file, and its static tail from there on.
/// @throws InputError if the file does not say what holds until then
SiteTotals charged_to(const TimelineFile& file, std::size_t site, double horizon_s);

/// @throws InputError as charged_to does
MeanPower mean_it_power(const TimelineFile& file, double horizon_s);

/// What the facility would have been charged with a fixed share f of its power beyond IT at a
/// reference IT power: a = 1 + (1-f)(PUE-1), b = f (PUE-1) P. The IT energy stays.
Charge at_fixed_share(const SiteTotals& totals, double share, double reference_it_w);

/// @throws InputError as charged_to does, and if the file cannot be read
RunFigures figures_of(const TimelineFile& file, const FigureOptions& options);

/// Days of 24 h from the period's start; the last one may be shorter.
std::size_t days_of(double period_s);

}  // namespace nightwatt
