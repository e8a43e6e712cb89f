#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "analysis/measurements/study.hpp"
#include "energy/cap_response.hpp"
#include "scenarios/catalog.hpp"
#include "scenarios/shared_terms.hpp"

/// Files of power caps: what a job does without a cap is known of it, its capped rows are
/// predicted.
namespace nightwatt {

/// One row of a job: how long the same work takes, and what it draws, at a cap.
struct CapRow {
  std::size_t row = 0;
  double cap_w = 0.0, time = 0.0, power_w = 0.0, energy = 0.0;
};

/// One job at all its caps.
struct CapJob {
  double batch = 0.0;
  std::vector<CapRow> rows;
  /// At no cap: the row at the device's highest cap, and the medians over that row and all whose
  /// cap is so far above the mean power that nothing acts.
  CapRow uncapped, reference;
};

/// The jobs of one workload on one device, which differ in their batch sizes only.
struct CapGroup {
  std::string device_name;                 ///< in the file
  std::string network;                     ///< left out as a whole in cross-validation
  std::string workload;                    ///< network, data set and optimizer
  const CatalogDevice* catalog = nullptr;  ///< null = not covered
  CapDevice device;
  double lowest_cap_w = 0.0;  ///< of the device in the file
  std::vector<CapJob> jobs;

  /// Of terms: "v100-pcie-32gb/bert_base_uncased/squad/adamw".
  [[nodiscard]] std::string key() const;
  /// Its demand meets some cap of the file; others say little about the response.
  [[nodiscard]] bool meets_a_cap() const;
};

struct CapFile {
  const MeasuredFile* file = nullptr;
  std::vector<CapGroup> groups;
  std::vector<NotCovered> not_covered;
};
/// Sorts the rows of a file of kind power-caps or power-caps-multi-gpu into jobs.
CapFile cap_file(const MeasuredFile& file, Catalog& catalog);

/// All terms of the cap response.
struct CapFit {
  CapSharedTerms shared;
  CapTerms unseen;  ///< of devices without terms: the medians over those with
  std::map<std::string, CapTerms> devices;            ///< by id
  std::map<std::string, CapWorkloadTerms> workloads;  ///< by CapGroup::key
};
CapFit cap_fit_of(const SharedTerms& terms);
/// Inverse of cap_fit_of; summary and data are left to the caller.
SharedTerms terms_of(const CapFit& fit);

/// A row of a job takes part in a fit, or is asked about.
using CapFilter = std::function<bool(const CapGroup&, const CapJob&)>;

struct CapFitOptions {
  bool workload_terms = true;  ///< fit CapWorkloadTerms too
  CapFilter use;               ///< all jobs if empty
};
CapFit fit_caps(const std::vector<CapGroup>& groups, const CapFitOptions& options);

enum class CapReference { median, uncapped_row };
/// Rows of a job that are predicted: those below the highest cap.
inline bool capped(const CapJob& job, const CapRow& row) { return row.cap_w < job.uncapped.cap_w; }

/// Predicts the capped rows of the jobs that `ask` takes (all if empty): quantities `time_at_cap`
/// and `energy_at_cap`, relative to uncapped.
std::vector<Prediction> predict_caps(const std::vector<CapGroup>& groups, const CapFit& fit,
                                     CapReference reference, const CapFilter& ask = {});

/// Leaves out batch sizes (a fifth of them, five times), whole networks and whole GPUs.
std::vector<CrossValidation> cross_validate_caps(const std::vector<CapGroup>& groups,
                                                 CapReference reference);

}  // namespace nightwatt
