#include "energy/collective_curve.hpp"

#include <gtest/gtest.h>

#include <stdexcept>

namespace nightwatt {
namespace {

TEST(CollectiveCurve, ByHand) {
  // 100 MB at 0.5 of 100 GB/s are 2000 us; the bend adds sqrt(20 · 2000) = 200 us.
  const CollectiveCurve curve{.start_us = 10, .bend_us = 20, .efficiency = 0.5};
  EXPECT_NEAR(to_seconds(curve.at(100e6, 100e9)), 2210e-6, 1e-15);
  EXPECT_NEAR(to_seconds(curve.at(0, 100e9)), 10e-6, 1e-18);
}

TEST(CollectiveCurve, BetweenAndBeyondTheMeasuredNumbers) {
  const std::map<int, CollectiveCurve> curves = {{2, {4, 16, 0.5}}, {8, {16, 4, 0.8}}};
  EXPECT_EQ(curve_for(curves, 8).start_us, 16);
  // Half way between 2 and 8 on the logarithmic scale, and one half of the way beyond.
  EXPECT_NEAR(curve_for(curves, 4).start_us, 8, 1e-12);
  EXPECT_NEAR(curve_for(curves, 4).bend_us, 8, 1e-12);
  EXPECT_NEAR(curve_for(curves, 16).start_us, 32, 1e-12);
  EXPECT_NEAR(curve_for(curves, 16).bend_us, 2, 1e-12);
  EXPECT_EQ(curve_for({{4, {7, 8, 0.6}}}, 64).start_us, 7);
  EXPECT_THROW((void)curve_for({}, 2), std::invalid_argument);
}

}  // namespace
}  // namespace nightwatt
