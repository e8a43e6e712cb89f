#include "analysis/least_squares.hpp"

#include <Eigen/Dense>
#include <algorithm>
#include <cmath>
#include <limits>
#include <stdexcept>
#include <unsupported/Eigen/NonLinearOptimization>
#include <unsupported/Eigen/NumericalDiff>

namespace nightwatt {
namespace {

using Eigen::Index;
using Eigen::MatrixXd;
using Eigen::VectorXd;

/// An open interval as a line: positions are what Levenberg-Marquardt moves.
double to_line(double value, const FitParameter& p) {
  const double part = (value - p.min) / (p.max - p.min);
  return std::log(part / (1.0 - part));
}
double from_line(double position, const FitParameter& p) {
  // In both tails the part that is small is computed without cancellation.
  const double small = 1.0 / (1.0 + std::exp(std::abs(position)));
  const double part = position < 0.0 ? small : 1.0 - small;
  return p.min + (p.max - p.min) * part;
}

/// The residual whose square is the soft-L1 loss 2 s² (sqrt(1 + (r/s)²) - 1), with the sign of r.
double soft(double r, double scale) {
  const double z = r / scale;
  // sqrt(1 + z²) - 1 without cancellation for small z.
  const double loss = 2.0 * z * z / (std::sqrt(1.0 + z * z) + 1.0);
  return std::copysign(scale * std::sqrt(loss), r);
}

struct Problem {
  using Scalar = double;
  enum { InputsAtCompileTime = Eigen::Dynamic, ValuesAtCompileTime = Eigen::Dynamic };
  using InputType = VectorXd;
  using ValueType = VectorXd;
  using JacobianType = MatrixXd;

  const std::vector<FitParameter>& parameters;
  std::size_t count;
  const Residuals& residuals;
  double scale;
  VectorXd start;

  [[nodiscard]] int inputs() const { return static_cast<int>(parameters.size()); }
  [[nodiscard]] int values() const { return static_cast<int>(count + parameters.size()); }

  [[nodiscard]] std::vector<double> at(const VectorXd& positions) const {
    std::vector<double> values(parameters.size());
    for (std::size_t i = 0; i < values.size(); ++i) {
      values[i] = from_line(positions[static_cast<Index>(i)], parameters[i]);
    }
    return values;
  }

  int operator()(const VectorXd& positions, VectorXd& out) const {
    residuals(at(positions), {out.data(), count});
    for (std::size_t i = 0; i < count; ++i) {
      double& r = out[static_cast<Index>(i)];
      r = soft(r, scale);
    }
    for (std::size_t i = 0; i < parameters.size(); ++i) {
      const auto k = static_cast<Index>(i);
      out[static_cast<Index>(count) + k] = parameters[i].ridge * (positions[k] - start[k]);
    }
    return 0;
  }
};

}  // namespace

RobustFit fit_robust(const std::vector<FitParameter>& parameters, std::size_t count,
                     const Residuals& residuals, const RobustOptions& options) {
  VectorXd positions(static_cast<Index>(parameters.size()));
  std::size_t free = 0;
  for (std::size_t i = 0; i < parameters.size(); ++i) {
    const FitParameter& p = parameters[i];
    if (!(p.min < p.prior && p.prior < p.max)) {
      throw std::invalid_argument("a prior lies outside its interval");
    }
    if (p.ridge == 0.0) ++free;
    positions[static_cast<Index>(i)] = to_line(p.prior, p);
  }
  if (count < free) throw std::invalid_argument("fewer measurements than parameters");

  const Problem problem{parameters, count, residuals, options.outlier_scale, positions};
  // Differences of 1e-5 on the inner scale: the clock is found to the last bit only.
  Eigen::NumericalDiff<Problem, Eigen::Central> with_jacobian(problem, 1e-10);
  Eigen::LevenbergMarquardt<decltype(with_jacobian)> solver(with_jacobian);
  solver.parameters.maxfev = options.max_evaluations;
  solver.parameters.ftol = 1e-10;
  solver.parameters.xtol = 1e-10;
  const auto status = solver.minimize(positions);

  RobustFit fit;
  fit.values = problem.at(positions);
  VectorXd last(problem.values());
  problem(positions, last);
  fit.cost = last.squaredNorm();
  fit.converged = status > 0 && status != Eigen::LevenbergMarquardtSpace::TooManyFunctionEvaluation;
  return fit;
}

std::vector<double> fit_non_negative(const std::vector<std::vector<double>>& rows,
                                     const std::vector<double>& y) {
  const std::size_t columns = rows.empty() ? 0 : rows.front().size();
  if (rows.size() != y.size()) throw std::invalid_argument("one value a row");
  MatrixXd a(static_cast<Index>(rows.size()), static_cast<Index>(columns));
  VectorXd b(static_cast<Index>(rows.size()));
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (rows[i].size() != columns) throw std::invalid_argument("rows of different lengths");
    for (std::size_t j = 0; j < columns; ++j) {
      a(static_cast<Index>(i), static_cast<Index>(j)) = rows[i][j];
    }
    b[static_cast<Index>(i)] = y[i];
  }
  if (!a.allFinite() || !b.allFinite()) throw std::invalid_argument("a number is not finite");

  // Columns of very different size (seconds beside watts) are brought to one.
  VectorXd size = a.colwise().norm();
  for (Index j = 0; j < size.size(); ++j) {
    if (size[j] == 0.0) size[j] = 1.0;
    a.col(j) /= size[j];
  }

  const auto n = static_cast<Index>(columns);
  VectorXd x = VectorXd::Zero(n);
  std::vector<bool> active(columns, false);  // may differ from 0
  const double tolerance = 1e-12 * std::max(1.0, b.norm());
  const auto solve = [&] {
    std::vector<Index> used;
    for (Index j = 0; j < n; ++j) {
      if (active[static_cast<std::size_t>(j)]) used.push_back(j);
    }
    MatrixXd part(a.rows(), static_cast<Index>(used.size()));
    for (std::size_t k = 0; k < used.size(); ++k) part.col(static_cast<Index>(k)) = a.col(used[k]);
    const VectorXd solution = part.colPivHouseholderQr().solve(b);
    VectorXd full = VectorXd::Zero(n);
    for (std::size_t k = 0; k < used.size(); ++k) full[used[k]] = solution[static_cast<Index>(k)];
    return full;
  };
  for (std::size_t round = 0; round < 3 * columns + 1; ++round) {
    const VectorXd gain = a.transpose() * (b - a * x);
    Index best = -1;
    for (Index j = 0; j < n; ++j) {
      if (!active[static_cast<std::size_t>(j)] && gain[j] > tolerance &&
          (best < 0 || gain[j] > gain[best])) {
        best = j;
      }
    }
    if (best < 0) break;
    active[static_cast<std::size_t>(best)] = true;
    for (;;) {
      const VectorXd trial = solve();
      // Go towards the trial as far as nothing turns negative, and let go of what would.
      double step = 1.0;
      for (Index j = 0; j < n; ++j) {
        if (active[static_cast<std::size_t>(j)] && trial[j] <= 0.0) {
          step = std::min(step, x[j] / (x[j] - trial[j]));
        }
      }
      if (step >= 1.0) {
        x = trial;
        break;
      }
      x += step * (trial - x);
      for (Index j = 0; j < n; ++j) {
        if (active[static_cast<std::size_t>(j)] && trial[j] <= 0.0 && x[j] <= 1e-14) {
          active[static_cast<std::size_t>(j)] = false;
          x[j] = 0.0;
        }
      }
    }
  }
  std::vector<double> out(columns);
  for (Index j = 0; j < n; ++j) out[static_cast<std::size_t>(j)] = x[j] / size[j];
  return out;
}

std::vector<double> fit_non_negative_relative(std::vector<std::vector<double>> rows,
                                              const std::vector<double>& y,
                                              const std::vector<double>& priors, double mu) {
  std::vector<double> right;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (!(y.at(i) > 0.0)) throw std::invalid_argument("a relative error needs values above 0");
    for (double& cell : rows[i]) cell /= y[i];
    right.push_back(1.0);
  }
  for (std::size_t j = 0; j < priors.size(); ++j) {
    if (priors[j] == 0.0) continue;
    std::vector<double> row(priors.size(), 0.0);
    row[j] = std::sqrt(mu) / priors[j];
    rows.push_back(std::move(row));
    right.push_back(std::sqrt(mu));
  }
  return fit_non_negative(rows, right);
}

}  // namespace nightwatt
