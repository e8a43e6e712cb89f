#include "analysis/measurements/study.hpp"

#include <fmt/format.h>

#include <cstdlib>

namespace nightwatt {

const Evaluator* evaluator_of(std::string_view kind) {
  static const std::vector<std::string> caps = {
      "time_at_cap", "energy_at_cap", "time_at_cap_one_reference", "energy_at_cap_one_reference"};
  static const std::vector<std::string> all_three = {"time", "power", "energy"};
  static const std::vector<Evaluator> all = {
      {"power-caps", caps, evaluate_caps},
      {"power-caps-multi-gpu", caps, evaluate_caps},
      {"collectives", {"time"}, evaluate_collectives},
      {"node-training", {"power"}, evaluate_nodes},
      {"eager-endtoend", all_three, evaluate_eager},
      {"generation-2023", all_three, evaluate_eager},
      {"serving", all_three, evaluate_serving},
      {"serving-2024", all_three, evaluate_serving},
      {"fp32-endtoend", {"time"}, evaluate_fp32},
      {"fp32-products", {"time"}, evaluate_fp32},
      {"fp32-rows", {"time"}, evaluate_fp32},
      {"gemm-latency", {"time"}, evaluate_kernels},
      {"gemm-power", all_three, evaluate_kernels},
      {"attention-power", all_three, evaluate_kernels},
  };
  for (const Evaluator& evaluator : all) {
    if (evaluator.kind == kind) return &evaluator;
  }
  return nullptr;
}

const std::vector<Fit>& fits() {
  static const std::vector<Fit> all = {
      {"caps", {"power-caps"}, calibrate_caps},
      {"collectives", {"collectives"}, calibrate_collectives},
      {"node-power", {"node-training"}, calibrate_nodes},
      {"eager", {"eager-endtoend", "generation-2023"}, calibrate_eager, anchor_eager},
      {"eager-fp32", {"fp32-endtoend"}, calibrate_fp32},
      {"kernel-fp32", {"fp32-products", "fp32-rows"}, calibrate_fp32_kernels},
      {"engine", {"serving", "serving-2024"}, calibrate_serving, anchor_serving},
      {"accelwattch", {"kernel-power"}, compare_accelwattch},
      {"kernel",
       {"gemm-latency", "gemm-power", "attention-power"},
       calibrate_kernels,
       anchor_kernels},
  };
  return all;
}

void Calibration::saw(const MeasuredFile& file, std::size_t row) {
  seen[std::string(file.kind().name)].insert(file.fingerprint(row));
}

std::string file_name(const std::string& path) { return path.substr(path.rfind('/') + 1); }

TermData term_data(const MeasuredFile& file, std::size_t rows) {
  return {file_name(file.path()), file.sha256(), static_cast<std::int64_t>(rows)};
}

double rounded(double value) { return std::strtod(fmt::format("{:.6g}", value).c_str(), nullptr); }

}  // namespace nightwatt
