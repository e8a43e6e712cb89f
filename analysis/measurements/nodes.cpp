#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <set>

#include "analysis/least_squares.hpp"
#include "analysis/measurements/study.hpp"
#include "energy/node_training.hpp"

/// Power of whole nodes in training (MLPerf). The files name their device in the file's name or in
/// the feed only; run times tell how much of the time the devices of several nodes compute.
namespace nightwatt {
namespace {

struct Run {
  std::size_t row = 0;
  std::string device, benchmark;
  Watts tdp;
  bool dc = false;
  int nodes = 1, devices = 8;
  double busy = 1.0;     ///< of the time, NaN = not known
  double power_w = 0.0;  ///< of one node
};

struct Runs {
  std::vector<Run> runs;
  std::vector<NotCovered> not_covered;
};

Runs runs_of(const MeasuredFile& file, Catalog& catalog) {
  const auto& benchmark = file.text("benchmark");
  const auto& feed = file.text("feed");
  const auto& nodes = file.number("nodes");
  const auto& gpus = file.number("gpus");
  const auto& batch = file.number("global_batch_size");
  const auto& time = file.number("run_time_s");

  // Of the runs of a benchmark at one batch size the median time on one node.
  std::map<std::pair<std::string, double>, std::vector<double>> alone;
  for (std::size_t row = 0; row < file.rows(); ++row) {
    if (nodes[row] == 1.0) alone[{benchmark[row], batch[row]}].push_back(time[row]);
  }
  for (auto& [key, times] : alone) std::sort(times.begin(), times.end());

  Runs out;
  const std::vector<std::string> in_name = words_of(file_name(file.path()));
  for (std::size_t row = 0; row < file.rows(); ++row) {
    const std::vector<std::string> in_feed = words_of(feed[row]);
    const CatalogDevice* device = nullptr;
    for (const auto* list : {&in_feed, &in_name}) {
      for (const std::string& word : *list) {
        if (device == nullptr && word.size() > 1) device = largest_device(catalog, word);
      }
    }
    if (device == nullptr) {
      out.not_covered.push_back({row, feed[row], benchmark[row], "training",
                                 "neither the feed nor the file's name has a device"});
      continue;
    }
    Run run;
    run.row = row;
    run.device = device->device.id;
    run.benchmark = benchmark[row];
    run.tdp = device->device.tdp;
    run.dc = std::find(in_feed.begin(), in_feed.end(), "dc") != in_feed.end();
    run.nodes = static_cast<int>(nodes[row]);
    run.devices = static_cast<int>(gpus[row] / nodes[row]);
    run.power_w = file.number("mean_node_power_w")[row];
    if (run.nodes > 1) {
      const auto one = alone.find({benchmark[row], batch[row]});
      run.busy =
          one == alone.end()
              ? std::nan("")
              : std::min(1.0, one->second[one->second.size() / 2] / (nodes[row] * time[row]));
    }
    out.runs.push_back(run);
  }
  return out;
}

double predicted_w(const Run& run, const NodeTrainingTerms& terms) {
  const double busy = std::isnan(run.busy) ? std::pow(1.0 - terms.doubling_loss,
                                                      std::log2(static_cast<double>(run.nodes)))
                                           : run.busy;
  const double dc = to_watts(training_node_power(run.devices, run.tdp, busy, terms));
  return run.dc ? dc : dc / terms.supply;
}

NodeTrainingTerms fit(const std::vector<const Run*>& runs) {
  const NodeTrainingTerms prior;
  const auto unpack = [&](std::span<const double> v) {
    return NodeTrainingTerms{v[0], v[1], v[2], v[3]};
  };
  std::map<std::pair<std::string, int>, double> count;
  for (const Run* run : runs) ++count[{run->benchmark, run->nodes}];
  // Each benchmark counts the same, however often it was run.
  const RobustFit solved =
      fit_robust({{prior.busy_share, 0.3, 1.1, 0.01},
                  {prior.waiting_share, 0.05, 1.0, 0.01},
                  {prior.supply, 0.8, 1.0, 0.01},
                  {prior.doubling_loss, 0.0, 0.6, 0.01}},
                 2 * runs.size(), [&](std::span<const double> values, std::span<double> out) {
                   const NodeTrainingTerms terms = unpack(values);
                   for (std::size_t i = 0; i < runs.size(); ++i) {
                     const Run& run = *runs[i];
                     const double weight = std::sqrt(10.0 / count.at({run.benchmark, run.nodes}));
                     out[2 * i] = weight * std::log(predicted_w(run, terms) / run.power_w);
                     // The loss at each doubling, where a run on one node tells it.
                     out[2 * i + 1] = run.nodes == 1 || std::isnan(run.busy)
                                          ? 0.0
                                          : weight * (std::log2(static_cast<double>(run.nodes)) *
                                                          std::log(1.0 - terms.doubling_loss) -
                                                      std::log(run.busy));
                   }
                 });
  return unpack(solved.values);
}

Prediction prediction(const Run& run, const NodeTrainingTerms& terms) {
  return {run.row,
          run.device,
          fmt::format("{} on {} {}", run.benchmark, run.nodes, run.nodes == 1 ? "node" : "nodes"),
          "training",
          "power",
          predicted_w(run, terms),
          run.power_w,
          false};
}

constexpr std::array<std::pair<const char*, double NodeTrainingTerms::*>, 4> names = {
    {{"busy_share", &NodeTrainingTerms::busy_share},
     {"waiting_share", &NodeTrainingTerms::waiting_share},
     {"supply", &NodeTrainingTerms::supply},
     {"doubling_loss", &NodeTrainingTerms::doubling_loss}}};

}  // namespace

NodeTrainingTerms node_training_terms(const SharedTerms& shared) {
  NodeTrainingTerms terms;
  for (const auto& [name, member] : names) terms.*member = shared.value(name, terms.*member);
  return terms;
}

Evaluation evaluate_nodes(const MeasuredFile& file, Catalog& catalog) {
  Runs runs = runs_of(file, catalog);
  const NodeTrainingTerms terms =
      node_training_terms(shared_terms(catalog.folders(), "node-power"));
  Evaluation out;
  out.not_covered = std::move(runs.not_covered);
  for (const Run& run : runs.runs) out.predictions.push_back(prediction(run, terms));
  return out;
}

void calibrate_nodes(const std::vector<const MeasuredFile*>& files, Catalog& catalog,
                     Calibration& out) {
  std::vector<Run> runs;
  SharedTerms shared;
  shared.summary = "Power of nodes in training (docs/models/calibration.md)";
  for (const MeasuredFile* file : files) {
    const Runs of = runs_of(*file, catalog);
    for (const Run& run : of.runs) out.saw(*file, run.row);
    shared.data.push_back(term_data(*file, of.runs.size()));
    runs.insert(runs.end(), of.runs.begin(), of.runs.end());
  }
  if (runs.empty()) return;
  std::vector<const Run*> all;
  std::set<std::string> benchmarks;
  for (const Run& run : runs) {
    all.push_back(&run);
    benchmarks.insert(run.benchmark);
  }
  const NodeTrainingTerms terms = fit(all);
  for (const auto& [name, member] : names) shared.values[name] = rounded(terms.*member);
  out.shared["node-power"] = std::move(shared);

  CrossValidation one{file_name(files.front()->path()), "benchmark, one node", {}};
  CrossValidation several{one.file, "benchmark, several nodes", {}};
  for (const std::string& benchmark : benchmarks) {
    std::vector<const Run*> others;
    for (const Run& run : runs) {
      if (run.benchmark != benchmark) others.push_back(&run);
    }
    if (others.empty()) continue;
    const NodeTrainingTerms without = fit(others);
    for (const Run& run : runs) {
      if (run.benchmark != benchmark) continue;
      (run.nodes == 1 ? one : several).predictions.push_back(prediction(run, without));
    }
  }
  several.note =
      "Several nodes are no independent check: only one benchmark has such rows, so that without "
      "it "
      "the prediction is the prior, and the prior of `waiting_share` was worked out from these "
      "very "
      "runs.";
  out.cross_validation.push_back(std::move(one));
  out.cross_validation.push_back(std::move(several));
}

}  // namespace nightwatt
