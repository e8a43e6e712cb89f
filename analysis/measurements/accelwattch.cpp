#include "analysis/measurements/study.hpp"

/// Kernel power with AccelWattch's predictions. The rows carry names of kernels only, so that this
/// program cannot predict them; what AccelWattch reaches stands in the report for comparison.
namespace nightwatt {

Evaluation evaluate_accelwattch(const MeasuredFile& file, Catalog&) {
  Evaluation out;
  for (std::size_t row = 0; row < file.rows(); ++row) {
    out.not_covered.push_back({row, file.text("gpu")[row], file.text("kernel")[row], "kernel",
                               "the file has names of kernels, and the model needs their sizes"});
  }
  return out;
}

void compare_accelwattch(const std::vector<const MeasuredFile*>& files, Catalog&,
                         Calibration& out) {
  for (const MeasuredFile* file : files) {
    std::map<std::string, std::vector<Prediction>> by_variant;
    for (std::size_t row = 0; row < file->rows(); ++row) {
      const std::string& variant = file->text("accelwattch_variant")[row];
      by_variant[variant].push_back({row, file->text("gpu")[row], file->text("suite")[row],
                                     "kernel", "power",
                                     file->number("accelwattch_predicted_power_w")[row],
                                     file->number("measured_power_w")[row], false});
    }
    for (auto& [variant, predictions] : by_variant) {
      out.cross_validation.push_back({file_name(file->path()),
                                      "(prediction of AccelWattch, " + variant + ")",
                                      std::move(predictions)});
    }
  }
}

}  // namespace nightwatt
