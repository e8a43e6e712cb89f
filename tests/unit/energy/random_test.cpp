#include "energy/random.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <set>
#include <vector>

namespace nightwatt {
namespace {

using Block = std::array<std::uint32_t, 4>;

// Known answers of Random123 (kat_vectors, philox4x32, 10 rounds).
static_assert(philox({0, 0, 0, 0}, {0, 0}) ==
              Block{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8});
static_assert(philox({0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff}, {0xffffffff, 0xffffffff}) ==
              Block{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd});
static_assert(philox({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0}) ==
              Block{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1});

TEST(NormalQuantile, KnownValues) {
  // NIST/SEMATECH e-Handbook and Wichura 1988 (the last two).
  EXPECT_EQ(normal_quantile(0.5), 0.0);
  EXPECT_NEAR(normal_quantile(0.975), 1.959963984540054, 1e-15);
  EXPECT_NEAR(normal_quantile(0.25), -0.6744897501960817, 1e-15);
  EXPECT_NEAR(normal_quantile(0.001), -3.090232306167814, 2e-15);
  EXPECT_NEAR(normal_quantile(1e-20), -9.262340089798408, 1e-14);
}

TEST(NormalQuantile, UndoesTheDistributionFunction) {
  // An error of x by d changes p by about x^2 d, relative to both; d is a few 1e-16.
  for (double x = -8.0; x <= 8.0; x += 0.01) {
    const double p = normal_probability(x);
    if (p <= 0.0 || p >= 1.0) continue;
    const double back = normal_probability(normal_quantile(p));
    EXPECT_NEAR(back / p, 1.0, 1e-15 * (2 + x * x)) << x;
  }
}

TEST(RandomStream, DependsOnAllFourAndOnNothingElse) {
  const RandomStream draw(1, "run");
  EXPECT_EQ(draw.bits(7, 3), RandomStream(1, "run").bits(7, 3));
  std::set<std::uint64_t> seen;
  for (const std::uint64_t seed : {0U, 1U, 2U}) {
    for (const char* name : {"", "run", "runs", "arrival"}) {
      const RandomStream stream(seed, name);
      for (std::uint64_t index = 0; index < 50; ++index) {
        for (std::uint64_t counter = 0; counter < 10; ++counter) {
          seen.insert(stream.bits(index, counter));
        }
      }
    }
  }
  EXPECT_EQ(seen.size(), 3U * 4 * 50 * 10);
}

TEST(RandomStream, StaysTheSameOverTime) {
  // Written down once: a change here changes the results of every seeded scenario.
  const RandomStream draw(1, "run");
  EXPECT_EQ(draw.bits(0), 0x6da8d51c8bcf9e17U);
  EXPECT_EQ(draw.bits(1, 2), 0x320860dcd1fdcd45U);
}

TEST(RandomStream, MomentsAndRanges) {
  const RandomStream draw(42, "moments");
  constexpr int n = 200'000;
  double u = 0, u2 = 0, z = 0, z2 = 0, z3 = 0, z4 = 0, e = 0, e2 = 0;
  std::vector<int> faces(6);
  for (std::uint64_t i = 0; i < n; ++i) {
    const double a = draw.uniform(i), b = draw.normal(i, 1), c = draw.exponential(i, 2);
    ASSERT_TRUE(a >= 0 && a < 1 && c > 0 && std::isfinite(b) && std::isfinite(c));
    u += a, u2 += a * a, z += b, z2 += b * b, z3 += b * b * b, z4 += b * b * b * b;
    e += c, e2 += c * c;
    ++faces[draw.below(6, i, 3)];
  }
  // Five standard errors each: variances of u, u^2, z, z^2, z^3, z^4, e, e^2 are known.
  const double se = 5.0 / std::sqrt(n);
  EXPECT_NEAR(u / n, 1.0 / 2, se * std::sqrt(1.0 / 12));
  EXPECT_NEAR(u2 / n, 1.0 / 3, se * std::sqrt(4.0 / 45));
  EXPECT_NEAR(z / n, 0.0, se);
  EXPECT_NEAR(z2 / n, 1.0, se * std::sqrt(2.0));
  EXPECT_NEAR(z3 / n, 0.0, se * std::sqrt(15.0));
  EXPECT_NEAR(z4 / n, 3.0, se * std::sqrt(96.0));
  EXPECT_NEAR(e / n, 1.0, se);
  EXPECT_NEAR(e2 / n, 2.0, se * std::sqrt(20.0));
  double chi2 = 0;
  for (const int face : faces) chi2 += (face - n / 6.0) * (face - n / 6.0) / (n / 6.0);
  EXPECT_LT(chi2, 20.5);  // chi-squared with 5 degrees of freedom: 99.9 %
}

TEST(RandomStream, NeighboursAreNotCorrelated) {
  const RandomStream draw(7, "lag");
  constexpr int n = 100'000;
  double by_index = 0, by_counter = 0;
  for (std::uint64_t i = 0; i < n; ++i) {
    by_index += (draw.uniform(i) - 0.5) * (draw.uniform(i + 1) - 0.5);
    by_counter += (draw.uniform(i, 0) - 0.5) * (draw.uniform(i, 1) - 0.5);
  }
  const double limit = 5.0 / std::sqrt(n) / 12;  // five standard errors
  EXPECT_NEAR(by_index / n, 0.0, limit);
  EXPECT_NEAR(by_counter / n, 0.0, limit);
}

}  // namespace
}  // namespace nightwatt
