#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "sim/result.hpp"

namespace nightwatt {

/// Ends of a confidence interval; NaN where none can be given.
struct Interval {
  double low = unknown, high = unknown;
};

/// How units (days, seeds) are drawn again: in blocks of consecutive ones, so that what holds from
/// one to the next (a busy week, a weekend) stays together.
struct Resampling {
  std::size_t block = 1;          ///< units of a block, at least 1
  std::size_t resamples = 10000;  ///< of the units
  double confidence = 0.95;
  std::uint64_t seed = 1;  ///< of the draws, which are equal for all figures
};

/// How often each of `units` is drawn in one resample: moving blocks (Künsch 1989, Annals of
/// Statistics 17), laid end to end and cut at as many units as there are. Each draw is a function
/// of (seed, resample, number of the block) alone.
/// @param weights  [units], overwritten; their sum is the number of units
void draw_blocks(const Resampling& how, std::size_t resample, std::span<std::uint32_t> weights);

/// Percentile interval of `values`, a figure's value in each resample, by nearest rank. Its tails
/// are those that make the interval of a mean of `units` independent normal values as wide as
/// Student's ("expanded percentile": Hesterberg 2015, The American Statistician 69), since the
/// plain percentiles of few units are too narrow. Values that are NaN (a mean of no jobs) are left
/// out; where they are more than 5 %, there is no interval. The values are put in order.
/// @param units  that are drawn independently: units over block
Interval percentile_interval(std::vector<double>& values, double units, double confidence);

/// A figure of two runs on the same units, as sums over them: it is the sum of `base` (`other`)
/// over the sum of `base_count` (`other_count`), and just the sum where the counts are empty.
struct PairedFigure {
  std::vector<double> base, other;              ///< [units]
  std::vector<double> base_count, other_count;  ///< [units], or empty
};

struct PairedInterval {
  Interval difference;  ///< of other - base
  Interval relative;    ///< of (other - base) / base
};

/// Paired bootstrap: both runs of a figure, and all figures, see the same units in each resample.
/// Without at least two units every interval is NaN.
std::vector<PairedInterval> paired_intervals(std::span<const PairedFigure> figures,
                                             std::size_t units, const Resampling& how);

/// (other - base) / base; 0 where they are equal, NaN where base is 0 or one is not known.
double relative_difference(double base, double other);

}  // namespace nightwatt
