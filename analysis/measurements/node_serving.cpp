#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cmath>
#include <functional>
#include <limits>
#include <map>
#include <queue>

#include "analysis/least_squares.hpp"
#include "analysis/measurements/operator_study.hpp"
#include "energy/node_training.hpp"

/// One node that serves a language model, and nodes that train (NLR): power is that of the devices
/// and the CPUs, as the CPUs report it. Device, their number and model stand in the file's name
/// only ("h100x4_llama70b").
namespace nightwatt {
namespace {

constexpr std::string_view terms_file = "node-serving";

/// InstructCoder requests: means of the files that say it, without a limit that cuts answers off.
/// The others do not say which requests they sent.
constexpr double usual_prompt = 173, usual_output = 191;
/// Sequences that the engine takes in at a time: the files show over 650 in flight as a mean.
constexpr double most_in_flight = 1024;
/// Of a row: some seconds of work.
constexpr double most_tokens = 5e7;
/// CPUs for a device: to start from.
constexpr double cpu_w_per_device = 100;

struct Named {
  const Device* device = nullptr;
  const Model* model = nullptr;
  std::uint32_t devices = 1;
  std::string missing;
};

/// "llama70b" is the newest model of the catalogue that begins with "llama" and ends with "-70b".
std::string model_id(const std::string& word, const std::vector<std::string>& folders) {
  const auto digit =
      std::find_if(word.begin(), word.end(), [](unsigned char c) { return std::isdigit(c) != 0; });
  if (digit == word.begin() || digit == word.end()) return {};
  const std::string family(word.begin(), digit), size = "-" + std::string(digit, word.end());
  std::string found;
  for (const auto& [id, path] : catalog_files(folders, "models")) {
    if (id.starts_with(family) && id.ends_with(size)) found = id;
  }
  return found;
}

/// What the words of a file's name say. "h100x4": four of them.
Named named_in(const std::string& path, Catalog& catalog) {
  Named named;
  for (const std::string& word : words_of(file_name(path))) {
    std::string device = word;
    std::uint32_t count = 1;
    const std::size_t times = word.rfind('x');
    if (times != std::string::npos) {
      const char* const end = word.data() + word.size();
      const auto read = std::from_chars(word.data() + times + 1, end, count);
      const bool counted = read.ec == std::errc() && read.ptr == end && count >= 1 && count <= 64;
      if (counted) device.resize(times);
      if (!counted) count = 1;
    }
    const CatalogDevice* found = device.size() > 1 ? largest_device(catalog, device) : nullptr;
    if (named.device == nullptr && found != nullptr) {
      named.device = &found->device;
      named.devices = count;
    }
    const std::string model = model_id(word, catalog.folders());
    if (named.model == nullptr && !model.empty()) {
      named.model = &models_of(catalog).model(model).model;
    }
  }
  if (named.device == nullptr) named.missing = "the file's name has no device";
  return named;
}

/// A step of the engine against the sequences in flight, for requests of one shape.
class Engine {
 public:
  Engine(const Named& named, const Terms& terms, double prompt, double output) {
    Work work;
    work.phase = Phase::serving;
    work.stack = Stack::engine;
    work.fused_attention = true;
    // The runs repeat the same prompts, and the engine keeps what it made of them: with 1,000 of
    // them at once the first tokens come within 0.3 s.
    work.prompt = 0;
    work.output = output;
    work.context = prompt + output / 2;
    work.parallel.tensor = named.devices;
    for (double batch = 1; batch <= most_in_flight; batch *= 2) {
      work.batch = batch;
      const Estimate e = PreparedWork(*named.model, work, *named.device, terms).at({});
      points_.push_back({to_seconds(e.iteration), to_watts(e.device_power)});
    }
  }
  struct Step {
    double seconds, device_w;
  };
  [[nodiscard]] Step at(double batch) const {
    const double where = std::log2(std::clamp(batch, 1.0, most_in_flight));
    const auto below = std::min(static_cast<std::size_t>(where), points_.size() - 2);
    const double share = std::exp2(where - static_cast<double>(below)) - 1;  // linear in the batch
    const auto between = [&](double Step::*value) {
      const double low = points_[below].*value;
      return low + share * (points_[below + 1].*value - low);
    };
    return {between(&Step::seconds), between(&Step::device_w)};
  }

 private:
  std::vector<Step> points_;  ///< at 1, 2, 4, ... sequences
};

struct Served {
  double seconds = 0, token_s = 0;  ///< of all, and between tokens
  double tokens = 0, device_w = 0;  ///< made, and mean power of a device
};

/// Lengths of answers: exponential, cut off at a limit (0: none).
class Lengths {
 public:
  /// @param mean  before answers are cut off
  Lengths(double mean, double limit) : mean_(mean), limit_(limit) {}
  /// Such that the mean after the cut is the one that was measured.
  static Lengths measured(double mean, double limit) {
    double low = mean, high = 100 * mean;
    for (int i = 0; i < 50; ++i) {
      const double middle = std::sqrt(low * high);
      (Lengths(middle, limit).mean() < mean ? low : high) = middle;
    }
    return {low, limit};
  }
  /// All of them are as long as the limit lets them be.
  static Lengths full(double limit) { return {std::numeric_limits<double>::infinity(), limit}; }
  [[nodiscard]] double mean() const {
    if (std::isinf(mean_)) return limit_;
    return limit_ > 0 ? mean_ * (1 - std::exp(-limit_ / mean_)) : mean_;
  }
  /// Of the n-th answer. The golden ratio spreads them evenly, whatever their number.
  [[nodiscard]] double of(double n) const {
    const double golden = 0.6180339887498949;
    const double length = -mean_ * std::log(1 - std::fmod((n + 0.5) * golden, 1.0));
    return std::max(1.0, std::ceil(limit_ > 0 ? std::min(length, limit_) : length));
  }

 private:
  double mean_, limit_;
};

/// Requests that come at a steady rate (0: all at once), step by step.
Served serve(const Engine& engine, const Device& device, double requests, const Lengths& lengths,
             double rate) {
  Served out;
  // Tokens that the engine has made when each sequence ends, the first on top.
  std::priority_queue<double, std::vector<double>, std::greater<>> ends;
  double tokens = 0, made = 0, arrived = 0, joules = 0, sequence_s = 0;
  while (arrived < requests || !ends.empty()) {
    const double due = rate > 0 ? std::floor(out.seconds * rate) + 1 : requests;
    while (arrived < std::min(due, requests) && static_cast<double>(ends.size()) < most_in_flight) {
      const double length = lengths.of(arrived);
      ends.push(made + length);
      tokens += length;
      ++arrived;
    }
    if (ends.empty()) {
      const double next = arrived / rate;
      joules += to_watts(device.idle) * (next - out.seconds);
      out.seconds = next;
      continue;
    }
    const auto batch = static_cast<double>(ends.size());
    const Engine::Step step = engine.at(batch);
    out.seconds += step.seconds;
    joules += step.device_w * step.seconds;
    sequence_s += batch * step.seconds;
    ++made;
    while (!ends.empty() && ends.top() <= made) ends.pop();
  }
  out.token_s = sequence_s / tokens;
  out.tokens = tokens;
  out.device_w = joules / out.seconds;
  return out;
}

/// A row: what its devices draw as the model has it, and what was measured.
struct NodeRow {
  std::size_t row = 0;
  std::string phase, model;
  double device_w = 0, devices = 0;
  double time_s = 0,
         tokens = 1;  ///< predicted; `tokens`, in `span_s`, are what energy is counted by
  double span_s = 0;
  double power_w = 0, measured_time_s = 0, measured_energy_j = 0;  ///< 0 = not measured
};

struct NodeRows {
  std::string device;
  std::vector<NodeRow> rows;
  std::vector<NotCovered> not_covered;
};

NodeRows all_missing(const MeasuredFile& file, const std::string& phase, const std::string& why) {
  NodeRows out;
  for (std::size_t row = 0; row < file.rows(); ++row) {
    out.not_covered.push_back({row, "not named", "not named", phase, why});
  }
  return out;
}

NodeRows serving_rows(const MeasuredFile& file, Catalog& catalog, const SharedTerms* engine_terms) {
  Named named = named_in(file.path(), catalog);
  if (named.missing.empty() && named.model == nullptr) {
    named.missing = "the file's name has no model";
  }
  if (named.missing.empty() && !can_be_modelled(*named.device)) {
    named.missing = "the catalogue has no clock, units or memory bandwidth of the device";
  }
  if (!named.missing.empty()) return all_missing(file, "serving", named.missing);
  const Terms terms = engine_terms != nullptr
                          ? terms_from(*engine_terms, "engine", *named.device)
                          : stack_terms(catalog.folders(), Stack::engine, *named.device);
  NodeRows out;
  out.device = named.device->id;
  std::map<std::pair<double, double>, Engine> engines;
  const std::string_view kind = file.kind().name;
  for (std::size_t row = 0; row < file.rows(); ++row) {
    const auto number = [&](const char* column) { return file.number(column)[row]; };
    double prompt = usual_prompt, rate = 0, requests = 0;
    Lengths lengths(usual_output, 0);
    if (kind == "node-serving-offline") {
      requests = number("batch_size_requests");
      // Benchmarks of batches let no sequence end early.
      lengths = Lengths::full(number("max_output_tokens"));
    } else {
      rate = number("request_rate_per_s");
      requests = std::max(1.0, rate * number("duration_s"));
    }
    if (kind == "node-serving-online") {
      requests = number("num_prompts");
      prompt = std::round(number("total_input_tokens") / requests);
      lengths = Lengths::measured(number("total_output_tokens") / requests,
                                  number("requested_output_len"));
    }
    if (requests * lengths.mean() > most_tokens) {
      out.not_covered.push_back({row, named.device->id, named.model->id, "serving",
                                 "more tokens than are followed one by one"});
      continue;
    }
    const double output = std::round(lengths.mean());
    const auto engine = engines.try_emplace({prompt, output}, named, terms, prompt, output).first;
    const Served served = serve(engine->second, *named.device, requests, lengths, rate);
    NodeRow r;
    r.row = row;
    r.phase = "serving";
    r.model = named.model->id;
    r.device_w = served.device_w;
    r.devices = named.devices;
    r.span_s = served.seconds;
    if (kind == "node-serving-offline") {
      r.time_s = served.seconds;
      r.measured_time_s = number("elapsed_s_mean");
      r.measured_energy_j = number("energy_j_mean");
      r.power_w = number("node_gpu4_plus_cpu_power_w_mean");
    } else {
      r.power_w = number("node_gpu4_plus_cpu_power_w");
    }
    if (kind == "node-serving-online") {
      r.time_s = served.token_s;
      r.measured_time_s = number("mean_tpot_ms") * 1e-3;
      r.measured_energy_j = number("energy_per_output_token_j_derived");
      r.tokens = served.tokens;
    }
    out.rows.push_back(r);
  }
  return out;
}

/// Rows of training name no device but in the file's name; power is that of one device with its
/// share of the CPUs.
NodeRows training_rows(const MeasuredFile& file, Catalog& catalog, const NodeTrainingTerms& terms) {
  const Named named = named_in(file.path(), catalog);
  if (!named.missing.empty()) return all_missing(file, "training", named.missing);
  const auto& workload = file.text("workload");
  const auto& nodes = file.number("nodes");
  const auto& time = file.number("duration_s_one_run");
  NodeRows out;
  out.device = named.device->id;
  for (std::size_t row = 0; row < file.rows(); ++row) {
    // The fewest nodes of the workload are as busy as any; from there the run times tell.
    std::size_t fewest = row;
    for (std::size_t other = 0; other < file.rows(); ++other) {
      if (workload[other] == workload[row] && nodes[other] < nodes[fewest]) fewest = other;
    }
    const double busy = std::pow(1 - terms.doubling_loss, std::log2(nodes[fewest])) *
                        std::min(1.0, nodes[fewest] * time[fewest] / (nodes[row] * time[row]));
    NodeRow r;
    r.row = row;
    r.phase = "training";
    r.model = fmt::format("{} on {} nodes", workload[row], nodes[row]);
    r.device_w =
        to_watts(named.device->tdp) * (busy * terms.busy_share + (1 - busy) * terms.waiting_share);
    r.devices = 1;
    r.power_w = file.number("mean_power_per_gpu_incl_cpu_share_w")[row];
    out.rows.push_back(r);
  }
  return out;
}

std::vector<Prediction> predictions(const NodeRows& rows, double cpu_w) {
  std::vector<Prediction> out;
  for (const NodeRow& r : rows.rows) {
    const double power = r.devices * (r.device_w + cpu_w);
    const auto add = [&](const char* quantity, double predicted, double measured) {
      out.push_back({r.row, rows.device, r.model, r.phase, quantity, predicted, measured, false});
    };
    if (r.measured_time_s > 0) add("time", r.time_s, r.measured_time_s);
    add("power", power, r.power_w);
    if (r.measured_energy_j > 0) add("energy", power * r.span_s / r.tokens, r.measured_energy_j);
  }
  return out;
}

double fit_cpu(const std::vector<const NodeRows*>& files) {
  std::size_t count = 0;
  for (const NodeRows* file : files) count += file->rows.size();
  const RobustFit fit =
      fit_robust({{cpu_w_per_device, 10, 400, 0.001}}, count,
                 [&](std::span<const double> values, std::span<double> out) {
                   std::size_t at = 0;
                   for (const NodeRows* file : files) {
                     for (const NodeRow& r : file->rows) {
                       out[at++] = std::log(r.devices * (r.device_w + values[0]) / r.power_w);
                     }
                   }
                 });
  return fit.values[0];
}

bool trains(const MeasuredFile& file) { return file.kind().name == "node-training-stats"; }

NodeRows rows_of(const MeasuredFile& file, Catalog& catalog, const SharedTerms* engine,
                 const SharedTerms* training) {
  if (!trains(file)) return serving_rows(file, catalog, engine);
  return training_rows(
      file, catalog,
      node_training_terms(training != nullptr ? *training
                                              : shared_terms(catalog.folders(), "node-power")));
}

}  // namespace

Evaluation evaluate_node_serving(const MeasuredFile& file, Catalog& catalog) {
  NodeRows rows = rows_of(file, catalog, nullptr, nullptr);
  const double cpu_w = shared_terms(catalog.folders(), std::string(terms_file))
                           .value("cpu_w_per_device", cpu_w_per_device);
  return {predictions(rows, cpu_w), std::move(rows.not_covered)};
}

void calibrate_node_serving(const std::vector<const MeasuredFile*>& files, Catalog& catalog,
                            Calibration& out) {
  const auto fitted = [&](const char* name) {
    const auto found = out.shared.find(name);
    return found == out.shared.end() ? nullptr : &found->second;
  };
  std::vector<NodeRows> all;
  SharedTerms shared;
  shared.summary = "CPUs of a node that serves or trains (docs/models/calibration.md)";
  for (const MeasuredFile* file : files) {
    all.push_back(rows_of(*file, catalog, fitted("engine"), fitted("node-power")));
    for (const NodeRow& r : all.back().rows) out.saw(*file, r.row);
    shared.data.push_back(term_data(*file, all.back().rows.size()));
  }
  std::vector<const NodeRows*> used;
  for (const NodeRows& rows : all) {
    if (!rows.rows.empty()) used.push_back(&rows);
  }
  if (used.empty()) return;
  shared.values["cpu_w_per_device"] = rounded(fit_cpu(used));
  out.shared[std::string(terms_file)] = std::move(shared);
  for (std::size_t i = 0; i < all.size(); ++i) {
    std::vector<const NodeRows*> others;
    for (const NodeRows* rows : used) {
      if (rows != &all[i]) others.push_back(rows);
    }
    if (others.empty() || all[i].rows.empty()) continue;
    out.cross_validation.push_back(
        {file_name(files[i]->path()), "the file", predictions(all[i], fit_cpu(others))});
  }
}

}  // namespace nightwatt
