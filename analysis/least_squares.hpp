#pragma once

#include <cstddef>
#include <functional>
#include <span>
#include <vector>

/// The two fits that the calibration needs, on Eigen. Deterministic: the same numbers give the same
/// terms.
namespace nightwatt {

/// A parameter of a robust fit. It is searched for between min and max, from `prior`, towards
/// which a weak ridge draws it.
struct FitParameter {
  double prior = 0.0;
  double min = 0.0, max = 1.0;
  /// Residual of being one `scale` away from the prior (on the inner scale, where the interval is
  /// mapped to the whole line), in the units of the other residuals; 0 = no ridge.
  double ridge = 0.0;
};

struct RobustOptions {
  /// Residuals much larger than this count linearly, not squared (soft-L1).
  double outlier_scale = 0.03;
  int max_evaluations = 4000;  ///< of the residuals
};

struct RobustFit {
  std::vector<double> values;  ///< one a parameter
  double cost = 0.0;           ///< the sum that was made small
  bool converged = false;
};

/// Writes the residuals for given parameters, always the same number of them.
using Residuals = std::function<void(std::span<const double> values, std::span<double> residuals)>;

/// Robust non-linear least squares: Levenberg-Marquardt on soft-L1 residuals, with a weak ridge.
/// @param count  of residuals
/// @throws std::invalid_argument for a prior outside its interval, or fewer rows than parameters
///   without a ridge on them
RobustFit fit_robust(const std::vector<FitParameter>& parameters, std::size_t count,
                     const Residuals& residuals, const RobustOptions& options = {});

/// Coefficients c >= 0 that make |A c - y| least (Lawson and Hanson 1974, algorithm NNLS).
/// @param rows  of A, all of the same length
/// @throws std::invalid_argument for rows of different lengths or a number that is not finite
std::vector<double> fit_non_negative(const std::vector<std::vector<double>>& rows,
                                     const std::vector<double>& y);

/// The same on relative errors with a weak ridge: rows divided by y, and sqrt(mu)/prior rows below
/// (a prior of 0 has none). All y > 0.
std::vector<double> fit_non_negative_relative(std::vector<std::vector<double>> rows,
                                              const std::vector<double>& y,
                                              const std::vector<double>& priors, double mu);

}  // namespace nightwatt
