#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <string_view>
#include <utility>

#include "analysis/calibrate.hpp"

namespace nightwatt {
namespace {

/// What was aimed at for one figure, and what is known from elsewhere.
struct Aim {
  std::string_view file, left_out, quantity;
  double at_most;  ///< MAPE, in percent
  std::string_view elsewhere;
};
constexpr std::array aims = {
    Aim{"energaizer_endtoend.csv", "model", "power", 6.0, "EnergAIzer 7.8 (A100), 8.2 (A10)"},
    Aim{"energaizer_endtoend.csv", "model", "time", 9.0, "EnergAIzer 11.6 (A100), 9.0 (A10)"},
    Aim{"energaizer_endtoend.csv", "GPU", "power", 20.0, "EnergAIzer 7 (H100)"},
    Aim{"energaizer_endtoend.csv", "GPU, but for 3 anchor rows", "power", 9.0,
        "EnergAIzer 7 (H100)"},
    Aim{"zeus_train_powercap.csv", "batch sizes", "time_at_cap", 2.5, "none published"},
    Aim{"zeus_train_powercap.csv", "batch sizes", "energy_at_cap", 3.0, "none published"},
    Aim{"zeus_train_powercap.csv", "network", "time_at_cap", 4.5, "none published"},
    Aim{"zeus_train_powercap.csv", "network", "energy_at_cap", 5.5, "none published"},
    Aim{"zeus_train_powercap.csv", "GPU", "time_at_cap", 5.0, "none published"},
    Aim{"zeus_train_powercap.csv", "GPU", "energy_at_cap", 6.0, "none published"},
    Aim{"aic_gemm_*.csv, bf16", "shape", "time", 7.0, "8 to 12"},
    Aim{"aic_gemm_*.csv, bf16", "GPU", "time", 12.0, "8 to 12"},
    Aim{"aic_gemm_*.csv, bf16", "shape", "power", 6.0, "none published"},
    Aim{"aic_attention_power.csv", "shape, prefill", "power", 12.0, "none published"},
    Aim{"aic_attention_power.csv", "shape, decode", "power", 18.0, "none published"},
    Aim{"neusight_fp32_endtoend.csv", "model", "time", 8.0, "NeuSight 9.8 to 10.7"},
    Aim{"mlenergy_v3_llm.csv", "model, dense text", "energy", 12.0, "none published"},
    Aim{"mlenergy_v3_llm.csv", "model, all text", "energy", 17.0, "none published"},
    Aim{"mlenergy_v3_llm.csv", "model, all", "energy", 21.0, "none published"},
    Aim{"mlperf_training_v4_smc_h100_power.csv", "benchmark, one node", "power", 3.0, ""},
    Aim{"mlperf_training_v4_smc_h100_power.csv", "benchmark, several nodes", "power", 6.0, ""},
    Aim{"aic_nccl_latency.csv", "message size", "time", 8.0, "9 to 18"},
    Aim{"aic_nccl_latency.csv", "number of GPUs", "time", 15.0, "9 to 18"},
};

using Group = std::vector<const Prediction*>;

/// The groups with the largest errors, at most three, of those that hold enough rows to tell.
std::string worst_groups(const Group& all) {
  std::map<std::string, Group> groups;
  for (const Prediction* p : all) groups[p->device + " " + p->model].push_back(p);
  std::vector<std::pair<double, std::string>> sorted;
  for (const auto& [name, rows] : groups) {
    const ErrorFigures f = figures_of(rows);
    sorted.emplace_back(-f.mape,
                        fmt::format("{} {:.1f} ({:+.1f})", name, 100.0 * f.mape, 100.0 * f.bias));
  }
  std::sort(sorted.begin(), sorted.end());
  std::string out;
  for (std::size_t i = 0; i < std::min<std::size_t>(3, sorted.size()); ++i) {
    out += (i == 0 ? "" : "; ") + sorted[i].second;
  }
  return out;
}

}  // namespace

std::string calibration_report(const Calibration& calibration) {
  std::string out =
      "# Validation of the energy model\n\n"
      "<!-- Written by `scripts/calibrate.sh`; do not edit. -->\n\n"
      "Each row leaves out all measurements of a group (a model, a GPU, a shape), fits the terms "
      "to the "
      "others, and predicts\nwhat was left out. Errors are percent of the measured value: MAPE is "
      "the mean "
      "of their sizes, bias the mean with sign,\np90 the size that a tenth exceed. Worst: the "
      "groups with "
      "the largest MAPE, with their bias. Rows in parentheses are\npredictions of other tools that "
      "stand "
      "in the same files, for the same rows. Forms were chosen with all rows in\nview, so that the "
      "figures "
      "are slightly optimistic; what the fits are is in [calibration](models/calibration.md).\n\n"
      "`_one_reference`: relative to the single uncapped row instead of the median of the rows in "
      "which no "
      "cap acts. \"all of it\": nothing of the file was fitted;\nthe terms are those of other "
      "files.\n";
  std::string file, notes;
  for (const CrossValidation& validation : calibration.cross_validation) {
    if (validation.file != file) {
      file = validation.file;
      out += std::exchange(notes, {});
      out += fmt::format(
          "\n## {}\n\n| left out | quantity | rows | MAPE | at most | median | p90 | bias | "
          "elsewhere | "
          "worst |\n| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: | --- | --- |\n",
          file);
    }
    std::map<std::string, Group> by_quantity;
    for (const Prediction& p : validation.predictions) by_quantity[p.quantity].push_back(&p);
    for (const auto& [quantity, rows] : by_quantity) {
      const ErrorFigures f = figures_of(rows);
      const auto aim = std::find_if(aims.begin(), aims.end(), [&, q = &quantity](const Aim& a) {
        return a.file == file && a.left_out == validation.left_out && a.quantity == *q;
      });
      std::string target = "-", elsewhere = "";
      if (aim != aims.end()) {
        const double over = 100.0 * f.mape - aim->at_most;
        target = fmt::format("{:g}{}", aim->at_most,
                             over > 0.0 ? fmt::format(", missed by {:.1f}", over) : "");
        elsewhere = aim->elsewhere;
      }
      out += fmt::format("| {} | {} | {} | {:.2f} | {} | {:.2f} | {:.2f} | {:+.2f} | {} | {} |\n",
                         validation.left_out, quantity, f.rows, 100.0 * f.mape, target,
                         100.0 * f.median, 100.0 * f.p90, 100.0 * f.bias, elsewhere,
                         worst_groups(rows));
    }
    if (!validation.note.empty()) notes += "\n" + validation.note + "\n";
  }
  return out + notes;
}

}  // namespace nightwatt
