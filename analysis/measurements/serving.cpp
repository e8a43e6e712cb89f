#include <cmath>

#include "analysis/measurements/operator_study.hpp"

/// LLM serving in steady state (ML.ENERGY).
namespace nightwatt {
namespace {

/// Tokens that a network makes of an image of usual size; 0 = not one of the networks of 2024.
double image_tokens(const std::string& model) {
  if (model.starts_with("llava-1.5")) return 576;      // 24 x 24 patches of 336 x 336 pixels
  if (model.starts_with("llava-next")) return 2880;    // four tiles and the whole
  if (model.starts_with("phi-3-vision")) return 1921;  // 640 x 480 in 4 x 3 crops and the whole
  if (model.starts_with("chameleon")) return 1024;
  return 0;
}

/// Prompt tokens a request. Assumed: the files do not say. Chats are those of ShareGPT, code of
/// 2024 is that of EvalPlus, whose questions are as short.
double prompt_tokens(const std::string& task, const std::string& model) {
  const double chat = 150;
  if (task == "gpqa") return 300;
  if (task == "mllm_text_generation/chat") {
    const double image = image_tokens(model);
    return image > 0 ? image + 50 : 1200;
  }
  if (task == "sourcegraph-fim") return 900;
  if (task == "image-chat") return 1200;
  if (task == "video-chat") return 4000;
  return chat;
}

OperatorCases cases_of(const MeasuredFile& file, Catalog& catalog) {
  OperatorCases out;
  const bool of_2024 = file.kind().name == "serving-2024";
  for (std::size_t row = 0; row < file.rows(); ++row) {
    const std::string& gpu = file.text("gpu")[row];
    const std::string& name = file.text("model_id")[row];
    const std::string& task = file.text("task")[row];
    const auto leave_out = [&](const std::string& why) {
      out.not_covered.push_back({row, gpu, name, "serving", why});
    };
    const NamedJob named = find_named(catalog, file.kind().source, gpu, {name});
    if (!named.missing.empty()) {
      leave_out(named.missing);
      continue;
    }
    const CatalogModel* model = named.model;
    const std::string weights = of_2024 ? "bfloat16" : file.text("weight_precision")[row];
    OperatorCase c;
    Numerics& n = c.work.numerics;
    if (weights == "bfloat16") {
      n.weight_bytes = 2.0;
    } else if (weights == "fp8") {
      n.weight_bytes = 1.0;
      n.math = Precision::fp8;
    } else if (weights == "mxfp4") {
      n.weight_bytes = 0.56;  // 4.25 bits in the experts, 16 in the rest
    } else {
      leave_out("weight precision " + weights + " is not known");
      continue;
    }
    c.row = row;
    c.device = named.device;
    c.model = model->model.id;
    // The same network in another precision is not another model.
    c.group = c.model.ends_with("-fp8") ? c.model.substr(0, c.model.size() - 4) : c.model;
    c.phase = "serving";
    c.network = &model->model;
    c.stack = c.work.stack = Stack::engine;
    c.work.phase = Phase::serving;
    c.work.batch = file.number("avg_batch_size")[row];
    c.work.prompt = prompt_tokens(task, c.model);
    c.work.output = file.number("avg_output_len_tokens")[row];
    c.work.context = c.work.prompt + c.work.output / 2.0;
    c.work.fused_attention = true;
    c.devices = file.number("num_gpus")[row];
    // Tensors are spread over all devices; experts as the file says.
    c.work.parallel.tensor = static_cast<std::uint32_t>(c.devices);
    if (!of_2024) {
      c.work.parallel.expert = static_cast<std::uint32_t>(file.number("expert_parallel")[row]);
    }
    c.time_s = c.work.batch / file.number("output_tokens_per_s")[row];
    c.power_w = of_2024 ? file.number("derived_avg_power_per_gpu_w")[row]
                        : file.number("avg_total_gpu_power_w")[row] / c.devices;
    out.cases.push_back(std::move(c));
  }
  return out;
}

OperatorFitPlan plan() {
  using enum TermId;
  OperatorFitPlan p;
  p.time = {tensor_gemm,
            fused_attention,
            decode_attention,
            mixture,
            narrow_mixture,
            routing,
            bandwidth,
            launch_us,
            step_us,
            layer_us,
            prompt_us,
            state_us,
            mixture_us,
            sequence_us,
            sample_us,
            collective_us,
            link};
  p.power = {active, clock, tensor, cache, dram, attention, waiting};
  p.ridge = 0.01;
  p.outlier_scale = 0.15;
  // Where a serving engine starts from: captured graphs have short launches and gaps.
  const std::pair<TermId, double> priors[] = {{tensor_gemm, 0.75},
                                              {fused_attention, 0.4},
                                              {decode_attention, 0.75},
                                              {bandwidth, 0.9},
                                              {launch_us, 2.0},
                                              {step_us, 1500.0},
                                              {layer_us, 25.0},
                                              {mixture_us, 45.0},
                                              {sample_us, 0.15},
                                              {collective_us, 12.0},
                                              {link, 0.6},
                                              {mixture, 0.6},
                                              {active, 0.08},
                                              {clock, 0.3},
                                              {tensor, 0.7},
                                              {cache, 0.1},
                                              {dram, 0.3},
                                              {attention, 0.3},
                                              {waiting, 0.2}};
  for (const auto& [id, value] : priors) p.prior[id] = value;
  return p;
}

/// Engines of 2024 did their host work (scheduling, sampling, turning tokens to text) between the
/// steps: each sequence costs the same on every device and with every network. What the devices do
/// is that of today's engines.
OperatorFitPlan plan_2024(Terms today) {
  using enum TermId;
  today[sequence_us] = 400.0;
  today[waiting] = 0.2;
  return plan_of_another_time(plan(), today,
                              {step_us, layer_us, prompt_us, sequence_us, collective_us},
                              {active, clock, waiting});
}

bool is_text(const MeasuredFile& file, std::size_t row) {
  const std::string& task = file.text("task")[row];
  return task != "image-chat" && task != "video-chat";
}

void calibrate_today(const std::vector<OperatorCase>& dense, const std::vector<OperatorCase>& text,
                     const std::vector<OperatorCase>& all, std::vector<TermData> data,
                     Calibration& out) {
  calibrate_cases(all, plan(), "engine", "Serving engines", data, out);
  const std::string name = out.shared.at("engine").data.front().file;
  const std::pair<const char*, const std::vector<OperatorCase>*> sets[] = {
      {"model, dense text", &dense}, {"model, all text", &text}, {"model, all", &all}};
  for (const auto& [label, cases] : sets) {
    const bool whole = cases == &all;  // what the terms are fitted to
    out.cross_validation.push_back({name, label, cross_validate_cases(*cases, plan(), false), "",
                                    whole ? "engine" : "", "model", data});
  }
}

}  // namespace

Evaluation evaluate_serving(const MeasuredFile& file, Catalog& catalog) {
  return evaluate_cases(cases_of(file, catalog), catalog,
                        file.kind().name == "serving-2024" ? "engine-2024" : "engine");
}

void calibrate_serving(const std::vector<const MeasuredFile*>& files, Catalog& catalog,
                       Calibration& out) {
  std::vector<OperatorCase> dense, text, all, of_2024;
  std::vector<TermData> data, data_2024;
  for (const MeasuredFile* file : files) {
    const bool old = file->kind().name == "serving-2024";
    OperatorCases of = cases_of(*file, catalog);
    (old ? data_2024 : data).push_back(term_data(*file, of.cases.size()));
    for (OperatorCase& c : of.cases) {
      out.saw(*file, c.row);
      if (old) {
        of_2024.push_back(std::move(c));
        continue;
      }
      if (is_text(*file, c.row)) {
        text.push_back(c);
        if (file->text("architecture")[c.row].starts_with("Dense")) dense.push_back(c);
      }
      all.push_back(std::move(c));
    }
  }
  if (!all.empty()) calibrate_today(dense, text, all, std::move(data), out);
  calibrate_another_time(of_2024, plan_2024(unseen_terms("engine", catalog, out)), "engine-2024",
                         "Serving engines of 2024", std::move(data_2024), out);
}

void anchor_serving(const MeasuredFile& rows, Catalog& catalog, Calibration& out) {
  const OperatorCases of = cases_of(rows, catalog);
  for (const OperatorCase& c : of.cases) out.saw(rows, c.row);
  const bool old = rows.kind().name == "serving-2024";
  anchor_cases(of.cases, old ? plan_2024({}) : plan(), old ? "engine-2024" : "engine",
               term_data(rows, of.cases.size()), catalog, out);
}

}  // namespace nightwatt
