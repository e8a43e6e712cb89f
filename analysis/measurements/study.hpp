#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "analysis/measurements/evaluation.hpp"
#include "analysis/measurements/measured_file.hpp"
#include "energy/node_training.hpp"
#include "scenarios/catalog.hpp"
#include "scenarios/shared_terms.hpp"

/// What the program can do with each kind of measurements: predict its rows, and fit terms to them.
/// One file a kind (or a few that belong together): write `analysis/measurements/NAME.cpp` with
/// functions of these types and add them to the lists in study.cpp.
namespace nightwatt {

/// Predicts all rows of a file with the terms of the catalogue.
struct Evaluator {
  std::string_view kind;                ///< of measurement_kinds()
  std::vector<std::string> quantities;  ///< that it predicts
  Evaluation (*evaluate)(const MeasuredFile& file, Catalog& catalog) = nullptr;
};
/// @throws std::logic_error if no such kind has one
const Evaluator& evaluator_of(std::string_view kind);

/// Predictions of rows that the fit behind them has not seen.
struct CrossValidation {
  std::string file;      ///< name without folders
  std::string left_out;  ///< what whole groups of rows were left out by: "network", "GPU", ...
  std::vector<Prediction> predictions;
  std::string note = {};  ///< of the report, under the table
  /// Where an estimate with terms of this name is as good as these predictions: a band for it.
  std::string terms = {};
  std::string band = {};            ///< `left_out` of the band
  std::vector<TermData> data = {};  ///< that has the rows
};

/// What a calibration found.
struct Calibration {
  std::map<std::string, SharedTerms> shared;                         ///< by name
  std::map<std::string, std::map<std::string, FittedTerm>> devices;  ///< by id, by term
  std::map<std::string, std::set<std::uint32_t>, std::less<>> seen;  ///< rows by kind
  std::vector<CrossValidation> cross_validation;

  /// The errors that an estimate tells of itself: cross-validations that name their terms, by
  /// phase.
  [[nodiscard]] std::vector<ErrorBand> bands() const;
  /// Notes that a fit used a row.
  void saw(const MeasuredFile& file, std::size_t row);
};

/// Fits terms to the files of its kinds.
struct Fit {
  std::string_view name;                ///< of the terms
  std::vector<std::string_view> kinds;  ///< that it uses
  void (*run)(const std::vector<const MeasuredFile*>& files, Catalog& catalog,
              Calibration& out) = nullptr;
  /// Terms of a device that nobody measured, from a handful of its rows; null = not offered.
  void (*anchor)(const MeasuredFile& rows, Catalog& catalog, Calibration& out) = nullptr;
};
const std::vector<Fit>& fits();

// ---- One pair a file of this folder.

Evaluation evaluate_caps(const MeasuredFile& file, Catalog& catalog);
void calibrate_caps(const std::vector<const MeasuredFile*>& files, Catalog& catalog,
                    Calibration& out);

Evaluation evaluate_collectives(const MeasuredFile& file, Catalog& catalog);
void calibrate_collectives(const std::vector<const MeasuredFile*>& files, Catalog& catalog,
                           Calibration& out);

Evaluation evaluate_nodes(const MeasuredFile& file, Catalog& catalog);
void calibrate_nodes(const std::vector<const MeasuredFile*>& files, Catalog& catalog,
                     Calibration& out);

void anchor_eager(const MeasuredFile& rows, Catalog& catalog, Calibration& out);
Evaluation evaluate_eager(const MeasuredFile& file, Catalog& catalog);
void calibrate_eager(const std::vector<const MeasuredFile*>& files, Catalog& catalog,
                     Calibration& out);

Evaluation evaluate_node_serving(const MeasuredFile& file, Catalog& catalog);
void calibrate_node_serving(const std::vector<const MeasuredFile*>& files, Catalog& catalog,
                            Calibration& out);

Evaluation evaluate_servers(const MeasuredFile& file, Catalog& catalog);
void calibrate_servers(const std::vector<const MeasuredFile*>& files, Catalog& catalog,
                       Calibration& out);

Evaluation evaluate_published(const MeasuredFile& file, Catalog& catalog);
Evaluation evaluate_idle(const MeasuredFile& file, Catalog& catalog);

Evaluation evaluate_diffusion(const MeasuredFile& file, Catalog& catalog);
void calibrate_diffusion(const std::vector<const MeasuredFile*>& files, Catalog& catalog,
                         Calibration& out);

void anchor_serving(const MeasuredFile& rows, Catalog& catalog, Calibration& out);
Evaluation evaluate_serving(const MeasuredFile& file, Catalog& catalog);
void calibrate_serving(const std::vector<const MeasuredFile*>& files, Catalog& catalog,
                       Calibration& out);

void anchor_kernels(const MeasuredFile& rows, Catalog& catalog, Calibration& out);
Evaluation evaluate_kernels(const MeasuredFile& file, Catalog& catalog);
void calibrate_kernels(const std::vector<const MeasuredFile*>& files, Catalog& catalog,
                       Calibration& out);

Evaluation evaluate_fp32(const MeasuredFile& file, Catalog& catalog);
void calibrate_fp32(const std::vector<const MeasuredFile*>& files, Catalog& catalog,
                    Calibration& out);

void calibrate_fp32_kernels(const std::vector<const MeasuredFile*>& files, Catalog& catalog,
                            Calibration& out);

Evaluation evaluate_accelwattch(const MeasuredFile& file, Catalog& catalog);
void compare_accelwattch(const std::vector<const MeasuredFile*>& files, Catalog& catalog,
                         Calibration& out);

/// Power of training nodes, from `terms/node-power.yaml`.
NodeTrainingTerms node_training_terms(const SharedTerms& shared);

/// The words of a text between what is neither letter nor digit: of names that hold the device.
std::vector<std::string> words_of(const std::string& text);
/// The device that a word means, null = none; of several the one with the highest power, since the
/// boards of servers are the largest of their kind.
const CatalogDevice* largest_device(Catalog& catalog, const std::string& word);

/// "zeus.csv" of "data/zeus.csv"
std::string file_name(const std::string& path);
TermData term_data(const MeasuredFile& file, std::size_t rows);
/// Six significant digits: all that a fit knows, and the same text on every machine.
double rounded(double value);

}  // namespace nightwatt
