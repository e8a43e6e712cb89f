#include "energy/weather.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "energy/pue_curve.hpp"

namespace nightwatt {
namespace {

TEST(WetBulb, TheExampleOfThePaper) {
  // Stull 2011, section 2: 20 °C and 50 % give 13.7 °C.
  EXPECT_NEAR(wet_bulb_c(20.0, 50.0), 13.7, 0.05);
}

TEST(WetBulb, AgreesWithThePsychrometricEquationAsThePaperSays) {
  // Sea level: e = es(Tw) - 6.6e-4 (1 + 1.15e-3 Tw) p (T - Tw), es after Bolton 1980; the fit's
  // error is -1.0 to +0.65 K over 5 to 99 %, except where it is both dry and cold; Bolton's vapour
  // pressure, made for up to 35 °C, adds 0.1 K here.
  const auto saturated_hpa = [](double c) { return 6.112 * std::exp(17.67 * c / (c + 243.5)); };
  for (double t = 0.0; t <= 45.0; t += 2.5) {
    for (double rh = 10.0; rh <= 99.0; rh += 4.45) {
      double low = t - 45.0;
      double high = t;
      for (int i = 0; i < 60; ++i) {
        const double tw = 0.5 * (low + high);
        const double e = saturated_hpa(tw) - 6.6e-4 * (1.0 + 1.15e-3 * tw) * 1013.25 * (t - tw);
        (e < rh / 100.0 * saturated_hpa(t) ? low : high) = tw;
      }
      const double error = wet_bulb_c(t, rh) - low;
      EXPECT_GT(error, -1.1) << t << " " << rh;
      EXPECT_LT(error, 0.75) << t << " " << rh;
    }
  }
}

TEST(WetBulb, LiesBelowTheDryBulb) {
  for (const double t : {-20.0, 0.0, 15.0, 40.0}) {
    double last = -1e9;
    for (double rh = 5.0; rh <= 100.0; rh += 5.0) {
      const double wet = wet_bulb_c(t, rh);
      EXPECT_LE(wet, t);
      // More humid air, warmer wet bulb: in the cold the fit turns, by less than its error.
      EXPECT_GE(wet, last - (t < 15.0 ? 1.0 : 0.0)) << t << " " << rh;
      last = wet;
    }
    EXPECT_EQ(wet_bulb_c(t, 104.0), wet_bulb_c(t, 100.0));
  }
  EXPECT_TRUE(std::isnan(wet_bulb_c(NAN, 50.0)));
  EXPECT_TRUE(std::isnan(wet_bulb_c(20.0, NAN)));
}

TEST(PueCurve, ThreeRanges) {
  const PueCurve curve{PueCurve::Driver::wet_bulb, 10.0, 1.1, 20.0, 1.3, 0.01, 1.35};
  EXPECT_EQ(curve.at(-30.0), 1.1);
  EXPECT_EQ(curve.at(10.0), 1.1);
  EXPECT_DOUBLE_EQ(curve.at(12.5), 1.15);
  EXPECT_EQ(curve.at(20.0), 1.3);
  EXPECT_DOUBLE_EQ(curve.at(23.0), 1.33);
  EXPECT_EQ(curve.at(45.0), 1.35);
}

}  // namespace
}  // namespace nightwatt
