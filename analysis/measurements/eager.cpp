#include <cmath>

#include "analysis/measurements/operator_study.hpp"

/// PyTorch inference at locked clocks (EnergAIzer's measurements).
namespace nightwatt {
namespace {

/// Half of a bf16 row's bytes are not bf16: autocast keeps weights, residual stream, norms and
/// soft-max in FP32; convolutional networks run in bf16 throughout, and their FP32 rows on TF32.
Numerics numerics(bool mixed, bool convolutional) {
  Numerics n;
  n.math = mixed ? Precision::bf16 : convolutional ? Precision::tf32 : Precision::fp32;
  n.weight_bytes = n.data_bytes = mixed ? 2 : 4;
  n.stream_bytes = mixed && convolutional ? 2 : 4;
  n.casts = mixed;
  return n;
}

bool is_convolutional(const Model& model) {
  for (const ModelStage& stage : model.stages) {
    for (const RepeatedLayer& layer : stage.layers) {
      if (std::holds_alternative<ConvLayer>(layer.layer)) return true;
    }
  }
  return false;
}

OperatorCases cases_of(const MeasuredFile& file, Catalog& catalog) {
  OperatorCases out;
  for (std::size_t row = 0; row < file.rows(); ++row) {
    const std::string& gpu = file.text("gpu")[row];
    const std::string& name = file.text("model")[row];
    const std::string& config = file.text("config")[row];
    const std::string& precision = file.text("precision")[row];
    const std::string& mode = file.text("mode")[row];
    const auto leave_out = [&](const std::string& why) {
      out.not_covered.push_back({row, gpu, name, mode, why});
    };
    // "bert" with "large" is bert-large; "opt" with "opt-1p3b" is opt-1p3b.
    const NamedJob named =
        find_named(catalog, file.kind().source, gpu, {name + "-" + config, config, name});
    if (!named.missing.empty()) {
      leave_out(named.missing);
      continue;
    }
    const CatalogModel* model = named.model;
    if (precision != "bf16" && precision != "fp32") {
      leave_out("precision " + precision + " is not known");
      continue;
    }
    OperatorCase c;
    c.row = row;
    c.device = named.device;
    c.model = c.group = model->model.id;
    const bool convolutional = is_convolutional(model->model);
    c.phase = convolutional ? "inference" : "prefill";
    c.network = &model->model;
    c.stack = c.work.stack = Stack::eager;
    c.work.phase = convolutional ? Phase::inference : Phase::prefill;
    c.work.numerics = numerics(precision == "bf16", convolutional);
    c.work.batch = file.number("batch")[row];
    const double sequence = file.number("seq_len")[row];
    c.work.sequence = std::isnan(sequence) ? 0.0 : sequence;
    c.work.fused_attention = false;  // `default` measures like `eager`
    c.work.with_head = false;        // base models
    const double locked = file.number("locked_sm_mhz")[row];
    const double measured = file.number("measured_sm_mhz")[row];
    c.knobs.clock_mhz = std::min(locked, c.device->boost_mhz);
    c.measured_mhz = std::min(measured, c.device->boost_mhz);
    c.fit_power = measured > locked - 1.0;  // else the power limit acted
    c.time_s = file.number("time_ms_per_iter")[row] * 1e-3;
    c.power_w = file.number("avg_gpu_power_w")[row];
    out.cases.push_back(std::move(c));
  }
  return out;
}

/// Generation at batch 1 in PyTorch (ML.ENERGY, 2023): FP16 weights, one token an iteration.
OperatorCases generation_cases(const MeasuredFile& file, Catalog& catalog) {
  constexpr double prompt = 100.0;  // assumed: the file does not say
  OperatorCases out;
  for (std::size_t row = 0; row < file.rows(); ++row) {
    const std::string& gpu = file.text("gpu")[row];
    const std::string& name = file.text("model_id")[row];
    const NamedJob named = find_named(catalog, file.kind().source, gpu, {name});
    if (!named.missing.empty()) {
      out.not_covered.push_back({row, gpu, name, "decode", named.missing});
      continue;
    }
    const CatalogModel* model = named.model;
    OperatorCase c;
    c.row = row;
    c.device = named.device;
    c.model = c.group = model->model.id;
    c.phase = "decode";
    c.network = &model->model;
    c.stack = c.work.stack = Stack::eager;
    c.work.phase = Phase::decode;
    c.work.numerics.math = Precision::fp16;
    c.work.batch = file.number("batch_size")[row];
    c.work.context = prompt + file.number("response_len_tokens")[row] / 2.0;
    c.time_s = c.work.batch / file.number("tokens_per_s")[row];
    c.power_w = file.number("derived_avg_power_w")[row];
    out.cases.push_back(std::move(c));
  }
  return out;
}

OperatorFitPlan plan() {
  using enum TermId;
  OperatorFitPlan p;
  p.time = {tensor_gemm, vector_gemm, batched_gemm, convolution, bandwidth, cache_share, feed,
            score_feed,  layout,      depthwise,    launch_us,   fill_us,   host_us};
  p.power = {active, clock, tensor, vector, cache, dram};
  return p;
}

/// Generation by the libraries of 2023: many more calls a layer than the operators stand for
/// (rotary positions, norms, masks and kept keys in kernels of their own), all of it host work.
OperatorFitPlan plan_2023(const Terms& today) {
  using enum TermId;
  return plan_of_another_time(plan(), today, {host_us, launch_us, bandwidth},
                              {active, clock, dram});
}

}  // namespace

Evaluation evaluate_eager(const MeasuredFile& file, Catalog& catalog) {
  const bool generation = file.kind().name == "generation-2023";
  return generation ? evaluate_cases(generation_cases(file, catalog), catalog, "eager-2023")
                    : evaluate_cases(cases_of(file, catalog), catalog, "eager");
}

void calibrate_eager(const std::vector<const MeasuredFile*>& files, Catalog& catalog,
                     Calibration& out) {
  std::vector<OperatorCase> cases, generations;
  std::vector<TermData> data, of_generations;
  for (const MeasuredFile* file : files) {
    const bool generation = file->kind().name == "generation-2023";
    OperatorCases of = generation ? generation_cases(*file, catalog) : cases_of(*file, catalog);
    for (const OperatorCase& c : of.cases) out.saw(*file, c.row);
    (generation ? of_generations : data).push_back(term_data(*file, of.cases.size()));
    std::move(of.cases.begin(), of.cases.end(),
              std::back_inserter(generation ? generations : cases));
  }
  if (!cases.empty()) {
    calibrate_cases(cases, plan(), "eager", "PyTorch eager", data, out);
    const std::string name = data.front().file;
    out.cross_validation.push_back(
        {name, "model", cross_validate_cases(cases, plan(), false), "", "eager", "model", data});
    out.cross_validation.push_back(
        {name, "GPU", cross_validate_cases(cases, plan(), true), "", "eager", "GPU", data});
    out.cross_validation.push_back(
        {name, "GPU, but for 3 anchor rows", cross_validate_anchored(cases, plan(), 3)});
  }
  calibrate_another_time(generations, plan_2023(unseen_terms("eager", catalog, out)), "eager-2023",
                         "PyTorch eager, generation in 2023", std::move(of_generations), out);
}

void anchor_eager(const MeasuredFile& rows, Catalog& catalog, Calibration& out) {
  const bool generation = rows.kind().name == "generation-2023";
  const OperatorCases of = generation ? generation_cases(rows, catalog) : cases_of(rows, catalog);
  for (const OperatorCase& c : of.cases) out.saw(rows, c.row);
  anchor_cases(of.cases, generation ? plan_2023({}) : plan(), generation ? "eager-2023" : "eager",
               term_data(rows, of.cases.size()), catalog, out);
}

}  // namespace nightwatt
