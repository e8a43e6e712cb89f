#include <cmath>

#include "analysis/measurements/operator_study.hpp"

/// Diffusion of images and videos in PyTorch (ML.ENERGY): 16 bits throughout, fused attention.
namespace nightwatt {
namespace {

OperatorCases cases_of(const MeasuredFile& file, Catalog& catalog) {
  OperatorCases out;
  const bool of_2024 = file.kind().name == "diffusion-2024";
  for (std::size_t row = 0; row < file.rows(); ++row) {
    const std::string& gpu = file.text("gpu")[row];
    const std::string& name = file.text("model_id")[row];
    const auto number = [&](const char* column) { return file.number(column)[row]; };
    const auto leave_out = [&](const std::string& why) {
      out.not_covered.push_back({row, gpu, name, "inference", why});
    };
    const NamedJob named = find_named(catalog, file.kind().source, gpu, {name});
    if (!named.missing.empty()) {
      leave_out(named.missing);
      continue;
    }
    OperatorCase c;
    c.row = row;
    c.device = named.device;
    c.model = c.group = named.model->model.id;
    c.phase = "inference";
    c.network = &named.model->model;
    c.stack = c.work.stack = Stack::eager;
    c.work.phase = Phase::inference;
    c.work.numerics.math = of_2024 ? Precision::fp16 : Precision::bf16;
    c.work.fused_attention = true;
    c.work.batch = number("batch_size");
    c.work.frames = number("num_frames");
    if (of_2024) {
      c.work.steps = number("denoising_steps");
      c.power_w = number("derived_avg_power_w");
    } else {
      if (file.text("weight_precision")[row] != "bfloat16") {
        leave_out("weight precision " + file.text("weight_precision")[row] + " is not known");
        continue;
      }
      c.work.steps = number("inference_steps");
      c.work.height = number("height_px");
      c.work.width = number("width_px");
      c.devices = number("num_gpus");
      if (number("ulysses_degree") * number("ring_degree") != c.devices) {
        leave_out("ulysses_degree x ring_degree is not num_gpus");
        continue;
      }
      c.work.parallel.sequence = static_cast<std::uint32_t>(c.devices);
      c.power_w = number("avg_total_gpu_power_w") / c.devices;
    }
    c.time_s = number("batch_latency_s");
    out.cases.push_back(std::move(c));
  }
  return out;
}

/// Of today's rows a third says what all say: they differ in batch and number of devices.
constexpr std::size_t every = 3;

OperatorFitPlan plan() {
  using enum TermId;
  OperatorFitPlan p;
  p.time = {tensor_gemm, convolution, fused_attention, bandwidth, host_us, link, collective_us};
  p.power = {clock, tensor, dram, waiting};
  // Transformers in 16 bits reach 20 to 40 % of the peak as a whole.
  p.prior[tensor_gemm] = 0.5;
  p.prior[fused_attention] = 0.4;
  p.prior[convolution] = 0.5;
  return p;
}

}  // namespace

Evaluation evaluate_diffusion(const MeasuredFile& file, Catalog& catalog) {
  return evaluate_cases(cases_of(file, catalog), catalog,
                        file.kind().name == "diffusion-2024" ? "diffusion-2024" : "diffusion");
}

void calibrate_diffusion(const std::vector<const MeasuredFile*>& files, Catalog& catalog,
                         Calibration& out) {
  struct Part {
    std::vector<OperatorCase> cases;
    std::vector<TermData> data;
  };
  Part today, of_2024;
  for (const MeasuredFile* file : files) {
    const bool old = file->kind().name == "diffusion-2024";
    Part& part = old ? of_2024 : today;
    OperatorCases of = cases_of(*file, catalog);
    std::size_t used = 0;
    for (std::size_t i = 0; i < of.cases.size(); i += old ? 1 : every, ++used) {
      out.saw(*file, of.cases[i].row);
      part.cases.push_back(std::move(of.cases[i]));
    }
    part.data.push_back(term_data(*file, used));
  }
  const auto run = [&](const Part& part, const char* name, const char* summary) {
    if (part.cases.empty()) return;
    calibrate_cases(part.cases, plan(), name, summary, part.data, out);
    const auto validate = [&](bool devices) {
      const char* left_out = devices ? "GPU" : "model";
      std::vector<Prediction> predictions = cross_validate_cases(part.cases, plan(), devices);
      if (predictions.empty()) return;
      out.cross_validation.push_back({part.data.front().file, left_out, std::move(predictions), "",
                                      name, left_out, part.data});
    };
    validate(false);
    validate(true);
  };
  run(of_2024, "diffusion-2024", "Diffusion in PyTorch, 2024");
  run(today, "diffusion", "Diffusion in PyTorch");
}

}  // namespace nightwatt
