#include "analysis/statistics.hpp"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <cmath>
#include <numeric>

#include "energy/random.hpp"

namespace nightwatt {
namespace {

TEST(DrawBlocks, EachResampleHasAsManyUnits) {
  for (const std::size_t block : {1, 3, 7, 100}) {
    std::vector<std::uint32_t> weights(30);
    for (std::size_t r = 0; r < 50; ++r) {
      draw_blocks({.block = block}, r, weights);
      EXPECT_EQ(std::accumulate(weights.begin(), weights.end(), 0U), 30U);
    }
  }
}

TEST(DrawBlocks, UnitsOfABlockStayTogether) {
  // 4 units in blocks of 2 start at 0, 1 or 2. Two blocks: unit 1 is drawn with a start at 0 or 1,
  // unit 0 with one at 0 only, so never more often than unit 1; likewise 3 and 2.
  std::vector<std::uint32_t> weights(4);
  bool outer_differs = false;
  for (std::size_t r = 0; r < 200; ++r) {
    draw_blocks({.block = 2}, r, weights);
    EXPECT_LE(weights[0], weights[1]);
    EXPECT_LE(weights[3], weights[2]);
    outer_differs = outer_differs || weights[0] != weights[3];
  }
  EXPECT_TRUE(outer_differs);
}

TEST(DrawBlocks, DependsOnSeedAndResampleOnly) {
  std::vector<std::uint32_t> a(20), b(20);
  draw_blocks({.seed = 5}, 3, a);
  draw_blocks({.seed = 5}, 3, b);
  EXPECT_EQ(a, b);
  draw_blocks({.seed = 5}, 4, b);
  EXPECT_NE(a, b);
  draw_blocks({.seed = 6}, 3, b);
  EXPECT_NE(a, b);
}

TEST(PercentileInterval, TwoUnitsSpanAllResamples) {
  // Student's t with one degree of freedom is so wide that the expanded tails are empty.
  std::vector<double> values = {3, 1, 2};
  const Interval interval = percentile_interval(values, 2, 0.95);
  EXPECT_EQ(interval.low, 1);
  EXPECT_EQ(interval.high, 3);
}

TEST(PercentileInterval, ManyUnitsCutTheirTails) {
  // t(9999) is close to normal: tails of 2.5 % of 1..1000 leave out 24 or 25 values at each end.
  std::vector<double> values(1000);
  std::iota(values.begin(), values.end(), 1.0);
  const Interval interval = percentile_interval(values, 10000, 0.95);
  EXPECT_NEAR(interval.low, 25.5, 0.6);
  EXPECT_NEAR(interval.high, 975.5, 0.6);
}

TEST(PercentileInterval, TenUnits) {
  // t(9) = 2.262157 at 97.5 %, times sqrt(10/9) = 2.384528; the normal tail there is 0.008551.
  std::vector<double> values(10000);
  std::iota(values.begin(), values.end(), 0.0);
  const Interval interval = percentile_interval(values, 10, 0.95);
  EXPECT_EQ(interval.low, 85);
  EXPECT_EQ(interval.high, 9999 - 85);
}

TEST(PercentileInterval, NothingFromUnknownValues) {
  std::vector<double> values = {1, unknown, 2};  // a third is not defined
  EXPECT_TRUE(std::isnan(percentile_interval(values, 10, 0.95).low));
  values = {};
  EXPECT_TRUE(std::isnan(percentile_interval(values, 10, 0.95).low));
}

TEST(PercentileInterval, AFewUnknownValuesAreLeftOut) {
  std::vector<double> values(99, 7.0);
  values.push_back(unknown);
  EXPECT_EQ(percentile_interval(values, 10, 0.95).low, 7.0);
}

TEST(PairedIntervals, EqualRunsDifferByExactlyNothing) {
  const PairedFigure figure = {{1.1, 2.2, 3.3}, {1.1, 2.2, 3.3}, {}, {}};
  const auto intervals = paired_intervals(std::vector{figure}, 3, {.resamples = 100});
  EXPECT_EQ(intervals[0].difference.low, 0);
  EXPECT_EQ(intervals[0].difference.high, 0);
  EXPECT_EQ(intervals[0].relative.low, 0);
  EXPECT_EQ(intervals[0].relative.high, 0);
}

TEST(PairedIntervals, TwoUnitsByHand) {
  // Resamples are {a, a}, {a, b}, {b, b}. As sums, differences are 2, 5 and 8; relative to sums of
  // BASE of 20, 30 and 40: 0.1, 1/6, 0.2. As means over counts of 1 and 3 jobs (BASE 10, 30/4 and
  // 20/3; the other 11, 35/4 and 24/3): 1, 1.25 and 4/3.
  const PairedFigure sums = {{10, 20}, {11, 24}, {}, {}};
  const PairedFigure means = {{10, 20}, {11, 24}, {1, 3}, {1, 3}};
  const auto intervals = paired_intervals(std::vector{sums, means}, 2, {.resamples = 100});
  EXPECT_DOUBLE_EQ(intervals[0].difference.low, 2);
  EXPECT_DOUBLE_EQ(intervals[0].difference.high, 8);
  EXPECT_DOUBLE_EQ(intervals[0].relative.low, 0.1);
  EXPECT_DOUBLE_EQ(intervals[0].relative.high, 0.2);
  EXPECT_DOUBLE_EQ(intervals[1].difference.low, 1);
  EXPECT_DOUBLE_EQ(intervals[1].difference.high, 24.0 / 3 - 20.0 / 3);
}

TEST(PairedIntervals, PairingTakesOutWhatBothShare) {
  // Days differ a hundredfold, but each day's difference is 1.
  PairedFigure figure;
  for (int day = 0; day < 30; ++day) {
    figure.base.push_back(day % 2 == 0 ? 1.0 : 100.0);
    figure.other.push_back(figure.base.back() + 1.0);
  }
  const auto intervals = paired_intervals(std::vector{figure}, 30, {.resamples = 500});
  EXPECT_NEAR(intervals[0].difference.low, 30, 1e-9);
  EXPECT_NEAR(intervals[0].difference.high, 30, 1e-9);
}

TEST(PairedIntervals, OneUnitGivesNone) {
  const auto intervals = paired_intervals(std::vector<PairedFigure>{{{1}, {2}, {}, {}}}, 1, {});
  EXPECT_TRUE(std::isnan(intervals[0].difference.low));
}

/// How many of `trials` intervals of the mean of `units` values hold the true mean.
template <class Draw>
double coverage(std::size_t units, std::size_t block, std::size_t trials, Draw value) {
  std::size_t held = 0;
  for (std::size_t trial = 0; trial < trials; ++trial) {
    PairedFigure figure;
    figure.base.assign(units, 0.0);
    for (std::size_t i = 0; i < units; ++i) figure.other.push_back(value(trial, i));
    figure.base_count.assign(units, 1.0);
    figure.other_count = figure.base_count;
    const auto interval =
        paired_intervals(std::vector{figure}, units, {.block = block, .resamples = 1000})[0]
            .difference;
    if (interval.low <= 0.0 && 0.0 <= interval.high) ++held;
  }
  return static_cast<double>(held) / static_cast<double>(trials);
}

// Of 600 trials at 95 % the share that holds has a standard deviation of 0.9 points.
TEST(Coverage, OfIndependentDaysIsNear95) {
  const RandomStream random(1, "coverage");
  for (const std::size_t units : {7, 28}) {
    const double share = coverage(units, 1, 600, [&](std::size_t trial, std::size_t i) {
      return random.normal(trial, units * 1000 + i);
    });
    EXPECT_GE(share, 0.92) << units;
    EXPECT_LE(share, 0.98) << units;
  }
}

TEST(Coverage, OfDaysThatHangTogetherNeedsBlocks) {
  // Weeks of equal days: blocks of a week see how they vary, single days believe in seven times as
  // much data.
  const RandomStream random(2, "coverage");
  const auto weekly = [&](std::size_t trial, std::size_t i) { return random.normal(trial, i / 7); };
  EXPECT_GE(coverage(84, 7, 300, weekly), 0.85);
  EXPECT_LE(coverage(84, 1, 300, weekly), 0.70);
}

TEST(RelativeDifference, OfNothing) {
  EXPECT_EQ(relative_difference(0, 0), 0);
  EXPECT_TRUE(std::isnan(relative_difference(0, 1)));
  EXPECT_TRUE(std::isnan(relative_difference(unknown, 1)));
  EXPECT_EQ(relative_difference(-4, -2), -0.5);
}

RC_GTEST_PROP(PairedIntervals, HoldTheDifferenceOfTheWhole, ()) {
  const auto units = *rc::gen::inRange<std::size_t>(5, 40);
  PairedFigure figure;
  double difference = 0.0;
  for (std::size_t i = 0; i < units; ++i) {
    figure.base.push_back(*rc::gen::inRange(1, 1000));
    figure.other.push_back(*rc::gen::inRange(1, 1000));
    difference += figure.other.back() - figure.base.back();
  }
  const auto interval =
      paired_intervals(std::vector{figure}, units, {.resamples = 400})[0].difference;
  RC_ASSERT(interval.low <= difference + 1e-9);
  RC_ASSERT(interval.high >= difference - 1e-9);
}

}  // namespace
}  // namespace nightwatt
