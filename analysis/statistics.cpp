#include "analysis/statistics.hpp"

#include <algorithm>
#include <boost/math/distributions/students_t.hpp>
#include <cmath>
#include <cstddef>
#include <string_view>

#include "energy/random.hpp"

namespace nightwatt {
namespace {

constexpr std::string_view stream_name = "bootstrap";

/// A figure that is not defined in more than the rest of the resamples gets no interval.
constexpr double least_defined = 0.95;

/// Sums of a figure in one resample.
struct Level {
  double base = 0.0, other = 0.0;
};

Level level_of(const PairedFigure& figure, std::span<const std::uint32_t> weights) {
  const auto sum = [&](const std::vector<double>& values) {
    double total = 0.0;
    for (std::size_t i = 0; i < weights.size(); ++i) total += weights[i] * values[i];
    return total;
  };
  Level level = {sum(figure.base), sum(figure.other)};
  if (!figure.base_count.empty()) {
    level.base /= sum(figure.base_count);
    level.other /= sum(figure.other_count);
  }
  return level;
}

}  // namespace

void draw_blocks(const Resampling& how, std::size_t resample, std::span<std::uint32_t> weights) {
  const std::size_t units = weights.size();
  const std::size_t block = std::min(how.block, units);
  const RandomStream draws(how.seed, stream_name);
  std::fill(weights.begin(), weights.end(), 0U);
  std::size_t number = 0;
  for (std::size_t drawn = 0; drawn < units; drawn += block, ++number) {
    const std::size_t first = draws.below(units - block + 1, resample, number);
    const std::size_t length = std::min(block, units - drawn);
    for (std::size_t i = first; i < first + length; ++i) ++weights[i];
  }
}

Interval percentile_interval(std::vector<double>& values, double units, double confidence) {
  const std::size_t resamples = values.size();
  std::erase_if(values, [](double value) { return std::isnan(value); });
  const auto least = static_cast<double>(resamples) * least_defined;
  if (values.empty() || units < 2.0 || static_cast<double>(values.size()) < least) return {};
  const double tail = 0.5 * (1.0 - confidence);
  const boost::math::students_t student(units - 1.0);
  const double t = boost::math::quantile(boost::math::complement(student, tail));
  const double expanded = normal_probability(-t * std::sqrt(units / (units - 1.0)));
  std::sort(values.begin(), values.end());
  const auto last = static_cast<double>(values.size() - 1);
  const double rank = std::min(std::floor(expanded * static_cast<double>(values.size())), last);
  const auto at = static_cast<std::size_t>(rank);
  return {values[at], values[values.size() - 1 - at]};
}

std::vector<PairedInterval> paired_intervals(std::span<const PairedFigure> figures,
                                             std::size_t units, const Resampling& how) {
  std::vector<PairedInterval> intervals(figures.size());
  if (units < 2) return intervals;
  std::vector<std::vector<double>> differences(figures.size()), relatives(figures.size());
  std::vector<std::uint32_t> weights(units);
  for (std::size_t r = 0; r < how.resamples; ++r) {
    draw_blocks(how, r, weights);
    for (std::size_t f = 0; f < figures.size(); ++f) {
      const Level level = level_of(figures[f], weights);
      differences[f].push_back(level.other - level.base);
      // Nothing against nothing is no equality of two runs, but a resample without such jobs.
      const bool nothing = level.base == 0.0 && level.other == 0.0;
      relatives[f].push_back(nothing ? unknown : relative_difference(level.base, level.other));
    }
  }
  const double independent =
      static_cast<double>(units) / static_cast<double>(std::min(how.block, units));
  for (std::size_t f = 0; f < figures.size(); ++f) {
    intervals[f].difference = percentile_interval(differences[f], independent, how.confidence);
    intervals[f].relative = percentile_interval(relatives[f], independent, how.confidence);
  }
  return intervals;
}

double relative_difference(double base, double other) {
  const double difference = other - base;
  return difference == 0.0 ? 0.0 : base == 0.0 ? unknown : difference / base;
}

}  // namespace nightwatt
