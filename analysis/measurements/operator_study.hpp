#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "analysis/measurements/study.hpp"
#include "energy/estimate.hpp"
#include "scenarios/model_catalog.hpp"

/// What all kinds share whose rows are predicted by the operator model: rows become cases, terms of
/// a stack are fitted by device, and whole models or devices are left out.
namespace nightwatt {

/// One row: a model's iteration, or operators in a loop.
struct OperatorCase {
  std::size_t row = 0;
  const Device* device = nullptr;
  std::string model, phase;        ///< as reported
  std::string group;               ///< left out together: the model, whatever its precision
  const Model* network = nullptr;  ///< null = `operators` in a loop
  Work work;
  std::vector<Operator> operators;
  Stack stack = Stack::kernel;
  Knobs knobs;                ///< as they were set
  double measured_mhz = 0.0;  ///< 0 = not known; a fit looks at this clock
  double devices = 1.0;
  double time_s = 0.0;
  double power_w = 0.0;   ///< of one device; 0 = not measured
  bool fit_power = true;  ///< false where a limit acted that the fit could not see through
};

struct OperatorCases {
  std::vector<OperatorCase> cases;
  std::vector<NotCovered> not_covered;
};

/// Terms by device; a device without its own has the geometric mean of the others'.
class DeviceTerms {
 public:
  std::map<std::string, Terms> devices;
  Terms unseen;
  [[nodiscard]] const Terms& of(const Device& device) const {
    const auto found = devices.find(device.id);
    return found == devices.end() ? unseen : found->second;
  }
};

/// Quantities `time`, `power` and `energy` of the cases that `ask` takes.
std::vector<Prediction> predict_cases(const std::vector<OperatorCase>& cases,
                                      const std::function<const Terms&(const OperatorCase&)>& terms,
                                      const std::function<bool(const OperatorCase&)>& ask = {});

struct OperatorFitPlan {
  Terms prior;
  std::vector<TermId> time, power;
  /// Of `time`: terms that have one value on all devices.
  std::vector<TermId> shared;
  /// Not fitted: written as in the prior, beside the others.
  std::vector<TermId> kept = {};
  /// Times that time and power are fitted in turn: more than once where a cap acts, since the clock
  /// then depends on the power.
  int rounds = 1;
  double ridge = 0.02;  ///< of a factor e away from the prior, times sqrt(rows)
  double outlier_scale = 0.1;
};
/// The same software of another time: `time` and `power` are fitted again from `today`, the other
/// terms of `plan` are kept as they are there.
OperatorFitPlan plan_of_another_time(const OperatorFitPlan& plan, const Terms& today,
                                     std::vector<TermId> time, std::vector<TermId> power);
/// Fits the rows of such files, and cross-validates them by model and by device.
void calibrate_another_time(const std::vector<OperatorCase>& cases, const OperatorFitPlan& plan,
                            const std::string& name, const std::string& summary,
                            std::vector<TermData> data, Calibration& out);
/// `name` as it was fitted just now, else as in the catalogue, for a device without own terms.
Terms unseen_terms(const std::string& name, const Catalog& catalog, const Calibration& out);

/// Time terms first, at the clocks that were measured; then power terms.
DeviceTerms fit_cases(const std::vector<OperatorCase>& cases, const OperatorFitPlan& plan,
                      const std::function<bool(const OperatorCase&)>& use = {});

/// Predictions of each group (of each device, if `devices`) by terms that have not seen it.
std::vector<Prediction> cross_validate_cases(const std::vector<OperatorCase>& cases,
                                             const OperatorFitPlan& plan, bool devices);

/// The same for devices, each with the help of a few of its own rows (which are not asked about),
/// spread evenly over the models: mean over several draws.
std::vector<Prediction> cross_validate_anchored(const std::vector<OperatorCase>& cases,
                                                const OperatorFitPlan& plan, std::size_t rows);

/// As in `terms/STACK.yaml`: the fitted terms of the plan for unseen and for each device.
SharedTerms terms_of(const DeviceTerms& fitted, const OperatorFitPlan& plan);

/// The device and the network that a row names.
struct NamedJob {
  const Device* device = nullptr;
  const CatalogModel* model = nullptr;
  std::string missing;  ///< what the catalogue does not have; empty = both are there
};
/// @param source        who names the device (MeasurementKind::source)
/// @param model_names   the first that the catalogue has is taken; empty ones are passed over
NamedJob find_named(Catalog& catalog, std::string_view source, const std::string& device,
                    const std::vector<std::string>& model_names);

/// The models of a catalogue's folders.
ModelCatalog& models_of(const Catalog& catalog);
/// True if the operator model has what it needs of a device: clock, units and memory bandwidth.
bool can_be_modelled(const Device& device);

/// Predicts with the terms of the catalogue's `terms/NAME.yaml`.
Evaluation evaluate_cases(OperatorCases cases, const Catalog& catalog, const std::string& name);

/// Fits the cases of one kind of files and hands over their terms and provenance.
DeviceTerms calibrate_cases(const std::vector<OperatorCase>& cases, const OperatorFitPlan& plan,
                            const std::string& name, const std::string& summary,
                            std::vector<TermData> data, Calibration& out);

/// Terms of a device that nobody has measured, from a handful of its rows: the rates of `unseen`
/// are scaled by one factor and the powers by another.
Terms anchored(const std::vector<const OperatorCase*>& rows, const Terms& unseen,
               const OperatorFitPlan& plan);

/// Adds terms of the devices of a few rows to those of `name`, from `anchored`.
/// @throws InputError if there are no terms to scale
void anchor_cases(const std::vector<OperatorCase>& cases, const OperatorFitPlan& plan,
                  const std::string& name, TermData data, const Catalog& catalog, Calibration& out);

}  // namespace nightwatt
