#include "analysis/measurements/study.hpp"

#include <fmt/format.h>

#include <cctype>
#include <cstdlib>
#include <stdexcept>

namespace nightwatt {

const Evaluator& evaluator_of(std::string_view kind) {
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
      {"diffusion", all_three, evaluate_diffusion},
      {"diffusion-2024", all_three, evaluate_diffusion},
      {"node-serving-offline", all_three, evaluate_node_serving},
      {"node-serving-online", all_three, evaluate_node_serving},
      {"node-serving-rate", {"power"}, evaluate_node_serving},
      {"node-training-stats", {"power"}, evaluate_node_serving},
      {"server-inference", {"power", "throughput_at_cap"}, evaluate_servers},
      {"published-points", {"time", "energy", "power"}, evaluate_published},
      {"voltage-idle", {"idle_power", "voltage_ratio"}, evaluate_idle},
      {"fp32-endtoend", {"time"}, evaluate_fp32},
      {"fp32-products", {"time"}, evaluate_fp32},
      {"fp32-rows", {"time"}, evaluate_fp32},
      {"gemm-latency", {"time"}, evaluate_kernels},
      {"gemm-power", all_three, evaluate_kernels},
      {"attention-power", all_three, evaluate_kernels},
      {"kernel-power", {"power"}, evaluate_accelwattch},
  };
  for (const Evaluator& evaluator : all) {
    if (evaluator.kind == kind) return evaluator;
  }
  throw std::logic_error(fmt::format("no evaluator of kind {}", kind));
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
      {"diffusion", {"diffusion", "diffusion-2024"}, calibrate_diffusion},
      {"node-serving",
       {"node-serving-offline", "node-serving-online", "node-serving-rate", "node-training-stats"},
       calibrate_node_serving},
      {"server-power", {"server-inference"}, calibrate_servers},
      {"accelwattch", {"kernel-power"}, compare_accelwattch},
      {"kernel",
       {"gemm-latency", "gemm-power", "attention-power"},
       calibrate_kernels,
       anchor_kernels},
  };
  return all;
}

std::vector<ErrorBand> Calibration::bands() const {
  std::vector<ErrorBand> out;
  for (const CrossValidation& validation : cross_validation) {
    if (validation.terms.empty()) continue;
    std::map<std::string, std::map<std::string, std::vector<const Prediction*>>> phases;
    std::map<std::string, std::set<std::string>> devices_of;
    for (const Prediction& p : validation.predictions) {
      phases[p.phase][p.quantity].push_back(&p);
      devices_of[p.phase].insert(p.device);
    }
    for (const auto& [phase, quantities] : phases) {
      const auto& of = devices_of[phase];
      ErrorBand band{validation.terms,       phase,           validation.band,
                     {of.begin(), of.end()}, validation.data, {}};
      for (const auto& [quantity, predictions] : quantities) {
        const ErrorFigures f = figures_of(predictions);
        band.errors.push_back({quantity, rounded(f.mape), rounded(f.p90), rounded(f.bias),
                               static_cast<std::int64_t>(f.rows)});
      }
      out.push_back(std::move(band));
    }
  }
  return out;
}

void Calibration::saw(const MeasuredFile& file, std::size_t row) {
  seen[std::string(file.kind().name)].insert(file.fingerprint(row));
}

std::vector<std::string> words_of(const std::string& text) {
  std::vector<std::string> out(1);
  for (const char c : text) {
    if (std::isalnum(static_cast<unsigned char>(c)) != 0) {
      out.back() += c;
    } else if (!out.back().empty()) {
      out.emplace_back();
    }
  }
  return out;
}

const CatalogDevice* largest_device(Catalog& catalog, const std::string& word) {
  const CatalogDevice* best = nullptr;
  for (const std::string& id : catalog.ids_of(word)) {
    const CatalogDevice& device = catalog.device(id);
    if (device.device.tdp <= watts(0)) continue;
    if (best == nullptr || device.device.tdp > best->device.tdp) best = &device;
  }
  return best;
}

std::string file_name(const std::string& path) { return path.substr(path.rfind('/') + 1); }

TermData term_data(const MeasuredFile& file, std::size_t rows) {
  return {file_name(file.path()), file.sha256(), static_cast<std::int64_t>(rows)};
}

double rounded(double value) { return std::strtod(fmt::format("{:.6g}", value).c_str(), nullptr); }

}  // namespace nightwatt
