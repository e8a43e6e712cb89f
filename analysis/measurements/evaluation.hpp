#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "analysis/measurements/measured_file.hpp"

/// Predictions beside measurements, and their errors.
namespace nightwatt {

/// A measured value and what the model says of it.
struct Prediction {
  std::size_t row = 0;  ///< of the file
  std::string device, model, phase;
  std::string quantity;  ///< "time", "power", "energy", "time_at_cap", ...
  double predicted = 0.0, measured = 0.0;
  bool seen = false;  ///< by the fit of the terms in use
};

/// A row that the catalogue or the model does not know.
struct NotCovered {
  std::size_t row = 0;
  std::string device, model, phase;  ///< as the file names them
  std::string why;
};

/// Two readings of one row are not told apart, so one row may give several predictions.
struct Evaluation {
  std::vector<Prediction> predictions;
  std::vector<NotCovered> not_covered;
};

/// Errors of one quantity, all as ratios to the measured value; NaN without rows.
struct ErrorFigures {
  std::size_t rows = 0, seen = 0, not_covered = 0;
  double mape = 0.0, median = 0.0, p90 = 0.0;
  double bias = 0.0;  ///< mean of (predicted - measured) / measured
};
struct ErrorRow {
  std::string file, device, model, phase, quantity;
  ErrorFigures errors;
};

/// @param predictions  of one quantity
ErrorFigures figures_of(const std::vector<const Prediction*>& predictions);
/// Sorted by quantity, device, model and phase; before each quantity one row with device and model
/// "*". Rows that are not covered stand under each quantity that the kind of file has.
std::vector<ErrorRow> error_rows(const std::string& file, const Evaluation& evaluation,
                                 const std::vector<std::string>& quantities);

}  // namespace nightwatt
