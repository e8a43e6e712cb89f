#pragma once

#include <string>
#include <vector>

#include "analysis/measurements/study.hpp"

namespace nightwatt {

/// What `nightwatt validate` finds in one file.
struct FileValidation {
  MeasuredFile file;
  std::vector<ErrorRow> errors;
  std::vector<Prediction> predictions;
  std::vector<NotCovered> not_covered;
};

/// Predicts every row of a file with the terms of the catalogue.
/// @throws InputError for a file that cannot be read as measurements
FileValidation validate_file(const std::string& path, Catalog& catalog);

/// A page for people: errors by quantity, device, model and phase, and what is not covered and why.
std::string validation_table(const std::vector<FileValidation>& files);
/// The same as a JSON list of rows (docs/index.md has the keys).
std::string validation_json(const std::vector<FileValidation>& files);
/// Each prediction beside its measurement, as CSV.
std::string predictions_csv(const std::vector<FileValidation>& files);

}  // namespace nightwatt
