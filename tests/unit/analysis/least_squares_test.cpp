#include "analysis/least_squares.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <random>
#include <stdexcept>

namespace nightwatt {
namespace {

/// y = a exp(-b t) at t = 0, 0.1, ...
std::vector<double> decay(double a, double b, std::size_t n) {
  std::vector<double> y;
  for (std::size_t i = 0; i < n; ++i) y.push_back(a * std::exp(-0.1 * b * static_cast<double>(i)));
  return y;
}

RobustFit fit_decay(const std::vector<double>& y, double ridge) {
  return fit_robust({{.prior = 1.0, .min = 0.0, .max = 10.0, .ridge = ridge},
                     {.prior = 1.0, .min = 0.0, .max = 10.0, .ridge = ridge}},
                    y.size(), [&](std::span<const double> v, std::span<double> out) {
                      const auto model = decay(v[0], v[1], out.size());
                      for (std::size_t i = 0; i < out.size(); ++i) out[i] = model[i] - y[i];
                    });
}

TEST(RobustFit, FindsTheTruthOfExactData) {
  const RobustFit fit = fit_decay(decay(3.0, 0.7, 40), 0.0);
  EXPECT_TRUE(fit.converged);
  EXPECT_NEAR(fit.values[0], 3.0, 1e-6);
  EXPECT_NEAR(fit.values[1], 0.7, 1e-6);
  EXPECT_NEAR(fit.cost, 0.0, 1e-12);
}

TEST(RobustFit, OutliersHardlyMoveIt) {
  auto y = decay(3.0, 0.7, 40);
  for (const std::size_t i : {3u, 17u, 30u}) y[i] += 2.0;
  const RobustFit fit = fit_decay(y, 0.0);
  // Plain least squares end near a = 3.2, b = 0.55.
  EXPECT_NEAR(fit.values[0], 3.0, 0.03);
  EXPECT_NEAR(fit.values[1], 0.7, 0.03);
}

TEST(RobustFit, StaysInsideAndLeansOnItsPriors) {
  // The truth lies outside: the bound is approached, not crossed.
  const RobustFit outside = fit_decay(decay(12.0, 0.7, 40), 0.0);
  EXPECT_LE(outside.values[0], 10.0);
  EXPECT_GT(outside.values[0], 9.9);
  // Without data, or against a strong ridge, the prior stays.
  const RobustFit prior = fit_robust({{.prior = 0.3, .min = 0.0, .max = 1.0, .ridge = 1.0}}, 0,
                                     [](std::span<const double>, std::span<double>) {});
  EXPECT_NEAR(prior.values[0], 0.3, 1e-12);
  EXPECT_NEAR(fit_decay(decay(3.0, 0.7, 40), 1e4).values[0], 1.0, 0.01);
}

TEST(RobustFit, RefusesWhatCannotBeFitted) {
  const auto nothing = [](std::span<const double>, std::span<double>) {};
  EXPECT_THROW((void)fit_robust({{.prior = 2.0}}, 5, nothing), std::invalid_argument);
  EXPECT_THROW((void)fit_robust({{.prior = 0.5}}, 0, nothing), std::invalid_argument);
}

TEST(NonNegative, FindsTheTruthWhereItIsNotNegative) {
  std::mt19937_64 random(1);
  std::uniform_real_distribution<double> uniform(0.0, 1.0);
  const std::vector<double> truth = {0.0, 2.0, 0.5, 0.0, 1e-6};
  std::vector<std::vector<double>> rows;
  std::vector<double> y;
  for (int i = 0; i < 50; ++i) {
    // The last column is of another size altogether.
    std::vector<double> row = {uniform(random), uniform(random), uniform(random), uniform(random),
                               1e6 * uniform(random)};
    double sum = 0;
    for (std::size_t j = 0; j < row.size(); ++j) sum += row[j] * truth[j];
    rows.push_back(std::move(row));
    y.push_back(sum);
  }
  const auto found = fit_non_negative(rows, y);
  for (std::size_t j = 0; j < truth.size(); ++j) {
    EXPECT_NEAR(found[j], truth[j], 1e-9 * (j == 4 ? 1e-6 : 1.0) + 1e-12);
  }
}

TEST(NonNegative, ByHand) {
  // Unconstrained: c = (2, -1). With c >= 0 the second is 0 and the first (1·1 + 1·2) / 2 = 1.5
  // by the normal equation of the first column alone.
  const std::vector<std::vector<double>> rows = {{1, 1}, {1, 0}};
  const auto c = fit_non_negative(rows, {1, 2});
  EXPECT_NEAR(c[0], 1.5, 1e-12);
  EXPECT_EQ(c[1], 0.0);
  EXPECT_EQ(fit_non_negative(rows, {-1, -2}), (std::vector<double>{0.0, 0.0}));
  EXPECT_THROW((void)fit_non_negative({{1, 2}, {1}}, {1, 1}), std::invalid_argument);
  EXPECT_THROW((void)fit_non_negative({{NAN}}, {1}), std::invalid_argument);
}

TEST(NonNegative, RelativeErrorsAndRidge) {
  // One column, y = 2 x exactly: whatever the weights, the factor is 2; the ridge draws it to 1.
  const std::vector<std::vector<double>> rows = {{1}, {100}};
  EXPECT_NEAR(fit_non_negative_relative(rows, {2, 200}, {1}, 0.0)[0], 2.0, 1e-12);
  // Minimum of 2 (c/2 - 1)² + 3 (c - 1)²: c = (1 + 3) / (0.5 + 3) = 8/7.
  EXPECT_NEAR(fit_non_negative_relative(rows, {2, 200}, {1}, 3.0)[0], 8.0 / 7.0, 1e-12);
  EXPECT_THROW((void)fit_non_negative_relative({{1}}, {0}, {1}, 0.0), std::invalid_argument);
}

}  // namespace
}  // namespace nightwatt
