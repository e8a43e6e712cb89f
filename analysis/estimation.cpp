#include "analysis/estimation.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string_view>
#include <utility>

#include "analysis/text.hpp"
#include "energy/work_check.hpp"
#include "scenarios/catalog.hpp"
#include "scenarios/model_catalog.hpp"
#include "scenarios/node_catalog.hpp"
#include "scenarios/shared_terms.hpp"
#include "traces/diagnostics.hpp"

namespace nightwatt {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::array phases = {Phase::training, Phase::inference, Phase::prefill, Phase::decode,
                               Phase::serving};
constexpr std::array precisions = {Precision::fp32, Precision::tf32, Precision::fp16,
                                   Precision::bf16, Precision::fp8,  Precision::int8};

/// The value whose name it is. @throws InputError "did you mean"
template <class Values, class Name>
auto named(const char* option, const std::string& text, const Values& values, Name name) {
  std::vector<std::string_view> names;
  for (const auto value : values) {
    if (name(value) == text) return value;
    names.push_back(name(value));
  }
  throw InputError(fmt::format("{}: expected one of {}, got {}{}", option, fmt::join(names, ", "),
                               quote(text), did_you_mean(text, names)));
}

std::string limit_name(Limit limit) {
  constexpr std::array<const char*, 7> names = {"none", "compute", "memory",    "communication",
                                                "host", "cap",     "duty_cycle"};
  return names.at(static_cast<std::size_t>(limit));
}

void check_parallelism(const EstimateRequest& r) {
  const std::uint32_t product = r.data * r.tensor * r.pipeline;
  if (product != r.gpus) {
    throw InputError(
        fmt::format("--gpus: expected data x tensor x pipeline = {} x {} x {} = {} devices, got {}",
                    r.data, r.tensor, r.pipeline, product, r.gpus));
  }
  if (r.expert > r.gpus || r.gpus % std::max(1u, r.expert) != 0) {
    throw InputError(
        fmt::format("--expert: expected a divisor of {} devices, got {}", r.gpus, r.expert));
  }
  if (r.batch < r.data) {
    throw InputError(
        fmt::format("--batch: expected at least one sample a data-parallel replica ({}), got {}",
                    r.data, number_text(r.batch)));
  }
}

/// Fills in what was left open.
void complete(EstimateRequest& r, const Model& model, Phase phase) {
  const bool generates = phase == Phase::decode || phase == Phase::serving;
  const std::uint32_t per_node = (r.gpus + r.nodes - 1) / r.nodes;
  if (r.data == 0 && r.tensor == 0 && r.pipeline == 0) {
    // Generating shares the weights of one replica out; all else replicates.
    if (generates) {
      r.tensor = per_node;
      r.pipeline = std::max(1u, r.gpus / per_node);
      r.data = 1;
    } else {
      r.data = r.gpus;
    }
  }
  r.data = std::max(1u, r.data);
  r.tensor = std::max(1u, r.tensor);
  r.pipeline = std::max(1u, r.pipeline);
  r.expert = std::max(1u, r.expert);
  if (r.micro_batches == 0) r.micro_batches = phase == Phase::training ? 4 * r.pipeline : 1;
  if (r.sequence == 0) r.sequence = model.sequence;
  if (phase == Phase::serving) {
    if (r.prompt == 0) r.prompt = usual_prompt;
    if (r.output == 0) r.output = usual_output;
    if (r.context == 0) r.context = r.prompt + r.output / 2;
  }
  if (phase == Phase::decode && r.context == 0) r.context = r.sequence;
  if (r.height == 0) r.height = model.height;
  if (r.width == 0) r.width = model.width;
  if (r.frames == 0) r.frames = model.frames;
  if (r.steps == 0) r.steps = model.steps;
}

std::string gigabytes(double bytes) { return fmt::format("{:.1f} GB", bytes / 1e9); }

/// @throws InputError that says by how much the job does not fit, and what would
void check_memory(const EstimateAnswer& answer, const Model& model, const Device& device) {
  const double usable = usable_memory * device.memory_bytes;
  const double need = answer.memory.all();
  if (device.memory_bytes == 0 || need <= usable) return;
  const MemoryNeed& m = answer.memory;
  std::vector<std::string> ways;
  const double batch = largest_batch(model, answer.work, usable);
  if (batch >= 1) ways.push_back(fmt::format("--batch {:.0f}", batch));
  Work work = answer.work;
  if (work.phase == Phase::training && !work.recompute) {
    work.recompute = true;
    if (memory_need(model, work).all() <= usable) ways.emplace_back("--recompute");
    work.recompute = false;
  }
  if (size_of(model).widest > 0) {
    for (std::uint32_t tensor = 2 * work.parallel.tensor; tensor <= 64; tensor *= 2) {
      work.parallel.tensor = tensor;
      if (memory_need(model, work).all() > usable) continue;
      ways.push_back(fmt::format("--gpus {0} --tensor {1}",
                                 answer.work.parallel.data * answer.work.parallel.pipeline * tensor,
                                 tensor));
      break;
    }
  }
  throw InputError(fmt::format(
      "the job does not fit: it needs {} on each {}, which has {} to give ({} of it), {} too much\n"
      "  weights {}, gradients and optimizer {}, activations {}, keys and values {}\n"
      "  {}{}",
      gigabytes(need), device.id, gigabytes(usable), percent_text(usable_memory),
      gigabytes(need - usable), gigabytes(m.weights), gigabytes(m.training),
      gigabytes(m.activations), gigabytes(m.kept),
      ways.empty() ? "no batch and no number of devices up to 64 would do" : "would fit: ",
      fmt::join(ways, ", or ")));
}

/// A node's power at the mains with its devices at that power, the others it has idle.
double node_power_w(const CatalogNode& node, const Device& device, std::uint32_t used,
                    Watts device_power) {
  const NodePower power = node.power(device.tdp > Watts{} ? device.tdp : device.busy);
  const int spare = std::max(0, node.devices - static_cast<int>(used));
  const Watts load = power.host_idle + power.host_active_per_gpu * used + device_power * used +
                     device.idle * spare;
  return to_watts(load + power.loss_at(load));
}

bool has(const std::vector<std::string>& list, const std::string& text) {
  return std::find(list.begin(), list.end(), text) != list.end();
}

/// The node that was named; else the one that the device's file names; else the generic one.
CatalogNode node_for(const std::string& name, const CatalogDevice& device, std::uint32_t gpus) {
  if (!name.empty() || !device.node.empty()) {
    return node_catalog().node(name.empty() ? device.node : name);
  }
  const std::vector<std::string> ids = node_catalog().ids();
  CatalogNode generic;
  if (has(ids, "generic-4gpu")) generic = node_catalog().node("generic-4gpu");
  generic.devices = static_cast<int>(std::min(8u, std::max(4u, gpus)));
  return generic;
}

/// The file of terms that a job is estimated with. Denoising networks of convolutions were measured
/// in 2024 only, transformers since then.
std::string terms_name(const Model& model, Stack stack) {
  const auto denoises = std::find_if(model.stages.begin(), model.stages.end(),
                                     [](const ModelStage& stage) { return stage.per_step; });
  if (stack != Stack::eager || denoises == model.stages.end()) {
    return std::string(stack_name(stack));
  }
  const bool convolves =
      std::any_of(denoises->layers.begin(), denoises->layers.end(), [](const RepeatedLayer& layer) {
        const auto* conv = std::get_if<ConvLayer>(&layer.layer);
        return conv != nullptr && conv->groups == 1;
      });
  return convolves ? "diffusion-2024" : "diffusion";
}

/// What is known of the errors of such estimates: on this device if it was measured, else what
/// leaving a device out costs.
std::optional<ErrorBand> error_band(const std::vector<std::string>& folders,
                                    const std::string& terms, Phase phase, const Model& model,
                                    const std::string& device) {
  // One pass over tokens is a prefill, whether or not text follows.
  const bool tokens = phase == Phase::inference && model.vocabulary > 0;
  const std::string_view wanted = phase_name(tokens ? Phase::prefill : phase);
  std::optional<ErrorBand> best;
  int best_rank = 0;
  for (ErrorBand& band : error_bands(folders)) {
    if (band.terms != terms || band.phase != wanted) continue;
    const bool gpu = band.left_out == "GPU";
    const int rank = gpu != has(band.devices, device) ? 3 : band.left_out == "model" ? 1 : 2;
    if (rank <= best_rank) continue;
    best_rank = rank;
    best = std::move(band);
  }
  return best;
}

}  // namespace

double carbon_g(const EstimateRequest& request, const EstimatePoint& point) {
  return point.node_energy_j / joules_per_kwh * request.pue * request.carbon_g_per_kwh.value_or(0);
}

EstimateAnswer estimate_job(const EstimateRequest& request, bool sweep_caps) {
  ModelCatalog models;
  EstimateAnswer answer;
  EstimateRequest r = request;
  const CatalogModel& entry = models.model(r.model);
  const Model& model = entry.model;
  const CatalogDevice& device_entry = catalog().device(r.device);
  const Device& device = device_entry.device;
  const Phase phase = named("--phase", r.phase, phases, [](Phase p) { return phase_name(p); });
  const bool generates = phase == Phase::decode || phase == Phase::serving;
  if (const std::string fault = phase_fault(model, phase); !fault.empty()) {
    throw InputError("--phase: " + fault);
  }
  if (r.software.empty()) r.software = generates ? "engine" : "eager";
  const Stack stack = named("--software", r.software, std::array{Stack::eager, Stack::engine},
                            [](Stack s) { return stack_name(s); });
  if (r.precision.empty()) {
    r.precision = precision_name(usual_precision(device));
  }
  const Precision math =
      named("--precision", r.precision, precisions, [](Precision p) { return precision_name(p); });
  if (const std::string fault = precision_fault(device, math); !fault.empty()) {
    throw InputError("--precision: " + fault);
  }
  if (model.max_sequence > 0 &&
      std::max({r.sequence, r.context, r.prompt + r.output}) > model.max_sequence) {
    throw InputError(
        fmt::format("--seq: {} takes up to {} tokens", model.id, number_text(model.max_sequence)));
  }
  const CatalogNode node = node_for(r.node, device_entry, r.gpus);
  const auto per_node = static_cast<std::uint32_t>(std::max(1, node.devices));
  if (r.nodes == 0) r.nodes = (r.gpus + per_node - 1) / per_node;
  const std::uint32_t used = (r.gpus + r.nodes - 1) / r.nodes;
  if (used > per_node) {
    throw InputError(fmt::format("--nodes: {} devices do not fit {} x {} ({} each)", r.gpus,
                                 r.nodes, node.id, per_node));
  }
  complete(r, model, phase);
  check_parallelism(r);

  Work& work = answer.work;
  work.phase = phase;
  work.stack = stack;
  work.numerics = numerics_of(math, model, phase, stack);
  work.batch = r.batch;
  work.sequence = r.sequence;
  work.context = r.context;
  work.prompt = r.prompt;
  work.output = r.output;
  work.height = r.height;
  work.width = r.width;
  work.frames = r.frames;
  work.steps = r.steps;
  const std::string terms = terms_name(model, stack);
  work.fused_attention = r.fused_attention || terms.starts_with("diffusion");
  work.recompute = r.recompute;
  work.parallel = {r.data, r.tensor, r.pipeline, r.expert, r.micro_batches, used};
  answer.memory = memory_need(model, work);
  answer.memory_bytes = device.memory_bytes;
  check_memory(answer, model, device);

  answer.knobs.clock_mhz = r.clock_mhz;
  if (r.power_cap_w) answer.knobs.cap = watts(*r.power_cap_w);
  Network network;
  if (node.nics > 0) network.fabric_bytes_per_s = node.nics * node.nic_bytes_per_s / used;
  std::optional<PreparedWork> prepared;
  try {
    check_knobs(device, answer.knobs);
    prepared.emplace(model, work, device, terms_for(catalog().folders(), terms, device), network);
  } catch (const std::logic_error& fault) {  // domain_error, invalid_argument
    throw InputError(fault.what());
  }

  const auto point = [&](const Knobs& knobs) {
    EstimatePoint p;
    p.cap_w = to_watts(knobs.cap);
    p.estimate = prepared->at(knobs);
    p.node_power_w = node_power_w(node, device, used, p.estimate.device_power);
    p.energy_j = to_joules(p.estimate.device_power * p.estimate.iteration) * r.gpus;
    p.node_energy_j = p.node_power_w * r.nodes * to_seconds(p.estimate.iteration);
    return p;
  };
  answer.point = point(answer.knobs);
  if (sweep_caps) {
    const double low = to_watts(device.min_cap), high = to_watts(device.max_cap);
    if (!(high > low)) throw InputError(device.id + " cannot be capped");
    constexpr int points = 20;
    for (int i = 0; i <= points; ++i) {
      Knobs knobs = answer.knobs;
      knobs.cap = watts(std::round(low + (high - low) * i / points));
      answer.sweep.push_back(point(knobs));
    }
    const auto least = [&](auto value) {
      const auto it = std::min_element(
          answer.sweep.begin(), answer.sweep.end(),
          [&](const EstimatePoint& a, const EstimatePoint& b) { return value(a) < value(b); });
      return static_cast<std::size_t>(it - answer.sweep.begin());
    };
    answer.least_energy = least([](const EstimatePoint& p) { return p.energy_j; });
    answer.least_energy_delay =
        least([](const EstimatePoint& p) { return p.energy_j * to_seconds(p.estimate.iteration); });
  }

  answer.model_id = model.id;
  answer.model_summary = model.summary;
  answer.device_id = device.id;
  answer.node_id = node.id;
  answer.samples = phase == Phase::serving ? r.batch / r.output : r.batch;
  if (model.vocabulary > 0 && model.sequence > 0) {
    answer.tokens = generates ? r.batch : r.batch * r.sequence;
  }
  if (phase == Phase::decode) answer.samples = 0;
  if (r.iterations > 0) answer.iterations = r.iterations;
  if (r.tokens > 0) {
    if (answer.tokens == 0) throw InputError("--tokens: " + model.id + " has no tokens");
    answer.iterations = r.tokens / answer.tokens;
  }
  if (r.requests > 0) {
    if (answer.samples == 0) throw InputError("--requests: decoding has tokens, not requests");
    answer.iterations = r.requests / answer.samples;
  }
  answer.band = error_band(catalog().folders(), terms, phase, model, device.id);
  answer.request = std::move(r);
  return answer;
}

namespace {

/// Of an iteration it is often less than a gram.
std::string carbon_amount(double g) {
  return g < 1e-3   ? fmt::format("{:.4g} ug", g * 1e6)
         : g < 1    ? fmt::format("{:.4g} mg", g * 1e3)
         : g < 1000 ? fmt::format("{:.4g} g", g)
                    : carbon_text(grams_co2e(g));
}

std::string band_text(const EstimateAnswer& a) {
  if (!a.band) {
    return fmt::format("not known: nobody measured {} of such a model with {} software",
                       a.request.phase, a.request.software);
  }
  std::vector<std::string> errors, files;
  for (const BandError& e : a.band->errors) {
    errors.push_back(fmt::format("{} {}", e.quantity, percent_text(e.mean)));
  }
  for (const TermData& data : a.band->data) files.push_back(data.file);
  return fmt::format("{} ({}; {} left out of the fit{})", fmt::join(errors, ", "),
                     fmt::join(files, ", "), a.band->left_out,
                     has(a.band->devices, a.device_id) ? "" : "; this GPU was not measured");
}

}  // namespace

std::string estimate_table(const EstimateAnswer& a) {
  using Align = TextTable::Align;
  const EstimatePoint& p = a.point;
  const Estimate& e = p.estimate;
  const double s = to_seconds(e.iteration);
  const auto time = [](double seconds) {
    return seconds < 1e-3 ? fmt::format("{:.1f} us", seconds * 1e6)
           : seconds < 1  ? fmt::format("{:.4g} ms", seconds * 1e3)
                          : fmt::format("{:.4g} s", seconds);
  };
  const auto energy = [](double joules) {
    return joules < 1000 ? fmt::format("{:.4g} J", joules) : energy_text(nightwatt::joules(joules));
  };
  TextTable table({Align::left, Align::left});
  table.row({"model", fmt::format("{} ({})", a.model_id, printable(a.model_summary))});
  table.row(
      {"job", fmt::format("{}, batch {}{}, {}, {}", a.request.phase, number_text(a.request.batch),
                          a.request.sequence > 0 && a.tokens > 0
                              ? fmt::format(" x {} tokens", number_text(a.request.sequence))
                              : "",
                          a.request.precision, a.request.software)});
  table.row({"devices", fmt::format("{} x {} in {} x {} (data {}, tensor {}, pipeline {})",
                                    a.request.gpus, a.device_id, a.request.nodes, a.node_id,
                                    a.request.data, a.request.tensor, a.request.pipeline)});
  table.row({"iteration", time(s)});
  if (a.samples > 0) table.row({"samples", number_text(a.samples / s) + " /s"});
  if (a.tokens > 0) table.row({"tokens", number_text(a.tokens / s) + " /s"});
  table.row({"device power", power_text(e.device_power)});
  table.row({"node power", power_text(watts(p.node_power_w)) + " at the mains"});
  table.row({"energy an iteration", fmt::format("{} in devices, {} at the mains",
                                                energy(p.energy_j), energy(p.node_energy_j))});
  if (a.tokens > 0) table.row({"energy a token", energy(p.energy_j / a.tokens)});
  if (a.samples > 0) table.row({"energy a sample", energy(p.energy_j / a.samples)});
  if (a.iterations > 0) {
    table.row(
        {"whole job", fmt::format("{} in {} iterations, {} in devices, {} at the mains",
                                  span_text(seconds(s * a.iterations)), number_text(a.iterations),
                                  energy_text(joules(p.energy_j * a.iterations)),
                                  energy_text(joules(p.node_energy_j * a.iterations)))});
  }
  if (a.request.carbon_g_per_kwh) {
    const double g = carbon_g(a.request, p);
    std::string text = carbon_amount(g) + " CO2e an iteration";
    if (a.tokens > 0) text += fmt::format(", {} a token", carbon_amount(g / a.tokens));
    if (a.iterations > 0)
      text += fmt::format(", {} the whole job", carbon_amount(g * a.iterations));
    table.row({"carbon",
               fmt::format("{} ({} gCO2e/kWh, PUE {})", text,
                           number_text(*a.request.carbon_g_per_kwh), number_text(a.request.pue))});
  }
  table.row({"clock",
             fmt::format(
                 "{:.0f} MHz{}", e.clock_mhz,
                 e.duty < 1 ? fmt::format(", let run {} of the time", percent_text(e.duty)) : "")});
  table.row({"limited by", limit_name(e.limit)});
  table.row(
      {"busy with",
       fmt::format("compute {}, memory {}, communication {}, waiting {}, starting {}, host {}",
                   percent_text(e.shares.compute), percent_text(e.shares.memory),
                   percent_text(e.shares.communication), percent_text(e.shares.bubble),
                   percent_text(e.shares.launch), percent_text(e.shares.host))});
  table.row({"use of peak", fmt::format("tensor {}, vector {}, DRAM {}, link {}",
                                        percent_text(e.use.tensor), percent_text(e.use.vector),
                                        percent_text(e.use.dram), percent_text(e.use.link))});
  table.row({"memory", fmt::format("{} of {} a device", gigabytes(a.memory.all()),
                                   gigabytes(a.memory_bytes))});
  table.row({"mean error", band_text(a)});
  std::string out = table.text();
  if (!a.sweep.empty()) {
    TextTable caps(
        {Align::right, Align::right, Align::right, Align::right, Align::right, Align::left});
    caps.row({"cap", "iteration", "power", "energy", "clock", ""});
    for (std::size_t i = 0; i < a.sweep.size(); ++i) {
      const EstimatePoint& q = a.sweep[i];
      std::string note = q.estimate.limit == Limit::duty_cycle ? "duty cycle" : "";
      if (i == a.least_energy) note += note.empty() ? "least energy" : ", least energy";
      if (i == a.least_energy_delay) {
        note += note.empty() ? "least energy-delay" : ", least energy-delay";
      }
      caps.row({power_text(watts(q.cap_w)), time(to_seconds(q.estimate.iteration)),
                power_text(q.estimate.device_power), energy(q.energy_j),
                fmt::format("{:.0f} MHz", q.estimate.clock_mhz), note});
    }
    out += "\n" + caps.text();
  }
  return out;
}

namespace {

Json point_json(const EstimateAnswer& a, const EstimatePoint& p) {
  const Estimate& e = p.estimate;
  const double s = to_seconds(e.iteration);
  const auto per = [](double value, double count) {
    return count > 0 ? Json(value / count) : Json();
  };
  const auto rate = [&](double count) { return count > 0 ? Json(count / s) : Json(); };
  Json json;
  json["power_cap_w"] = std::isinf(p.cap_w) ? Json() : Json(p.cap_w);
  json["iteration_s"] = s;
  json["samples_per_s"] = rate(a.samples);
  json["tokens_per_s"] = rate(a.tokens);
  json["device_power_w"] = to_watts(e.device_power);
  json["node_power_w"] = p.node_power_w;
  json["energy_j"] = p.energy_j;
  json["node_energy_j"] = p.node_energy_j;
  json["energy_per_token_j"] = per(p.energy_j, a.tokens);
  json["energy_per_sample_j"] = per(p.energy_j, a.samples);
  if (a.request.carbon_g_per_kwh) json["carbon_g"] = carbon_g(a.request, p);
  json["clock_mhz"] = e.clock_mhz;
  json["duty"] = e.duty;
  json["limit"] = limit_name(e.limit);
  json["time_shares"] = {{"compute", e.shares.compute},
                         {"memory", e.shares.memory},
                         {"communication", e.shares.communication},
                         {"bubble", e.shares.bubble},
                         {"launch", e.shares.launch},
                         {"host", e.shares.host}};
  json["utilization"] = {{"busy", e.use.busy},   {"tensor", e.use.tensor}, {"vector", e.use.vector},
                         {"cache", e.use.cache}, {"dram", e.use.dram},     {"link", e.use.link}};
  return json;
}

Json band_json(const EstimateAnswer& a) {
  if (!a.band) return {};
  Json json = {{"phase", a.band->phase},
               {"left_out", a.band->left_out},
               {"device_measured", has(a.band->devices, a.device_id)},
               {"files", Json::array()}};
  for (const TermData& data : a.band->data) json["files"].push_back(data.file);
  for (const BandError& e : a.band->errors) {
    json[e.quantity] = {{"mean", e.mean}, {"p90", e.p90}, {"bias", e.bias}, {"rows", e.rows}};
  }
  return json;
}

}  // namespace

std::string estimate_json(const EstimateAnswer& a) {
  const EstimateRequest& r = a.request;
  Json json;
  json["model"] = a.model_id;
  json["device"] = a.device_id;
  json["node"] = a.node_id;
  json["phase"] = r.phase;
  json["software"] = r.software;
  json["precision"] = r.precision;
  json["gpus"] = r.gpus;
  json["nodes"] = r.nodes;
  json["parallelism"] = {{"data", r.data},
                         {"tensor", r.tensor},
                         {"pipeline", r.pipeline},
                         {"expert", r.expert},
                         {"micro_batches", r.micro_batches}};
  if (r.carbon_g_per_kwh) {
    json["carbon_g_per_kwh"] = *r.carbon_g_per_kwh;
    json["pue"] = r.pue;
  }
  json["batch"] = r.batch;
  json["sequence"] = r.sequence > 0 ? Json(r.sequence) : Json();
  json.update(point_json(a, a.point));
  json["memory_bytes"] = {{"needed", a.memory.all()},      {"weights", a.memory.weights},
                          {"training", a.memory.training}, {"activations", a.memory.activations},
                          {"kept", a.memory.kept},         {"device", a.memory_bytes}};
  if (a.iterations > 0) {
    const double s = to_seconds(a.point.estimate.iteration);
    json["job"] = {{"iterations", a.iterations},
                   {"time_s", s * a.iterations},
                   {"energy_j", a.point.energy_j * a.iterations},
                   {"node_energy_j", a.point.node_energy_j * a.iterations}};
    if (r.carbon_g_per_kwh) json["job"]["carbon_g"] = carbon_g(r, a.point) * a.iterations;
  }
  json["error"] = band_json(a);
  if (!a.sweep.empty()) {
    json["sweep"] = Json::array();
    for (const EstimatePoint& p : a.sweep) json["sweep"].push_back(point_json(a, p));
    json["least_energy_cap_w"] = a.sweep[a.least_energy].cap_w;
    json["least_energy_delay_cap_w"] = a.sweep[a.least_energy_delay].cap_w;
  }
  return json.dump(2) + "\n";
}

}  // namespace nightwatt
