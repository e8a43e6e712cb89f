#include <charconv>
#include <cmath>
#include <system_error>

#include "analysis/measurements/operator_study.hpp"

/// FP32 latency of whole models and of operators (NeuSight's measurements).
namespace nightwatt {
namespace {

/// "dp4", "tp4", "pp4_1": kind, devices and micro-batches; false for anything else.
bool read_parallelism(const std::string& option, Parallelism& out) {
  if (option.size() < 3 || option[1] != 'p') return false;
  const char* const end = option.data() + option.size();
  std::uint32_t devices = 0, micro_batches = 1;
  auto read = std::from_chars(option.data() + 2, end, devices);
  if (read.ec == std::errc() && read.ptr != end && *read.ptr == '_') {
    read = std::from_chars(read.ptr + 1, end, micro_batches);
  }
  if (read.ec != std::errc() || read.ptr != end || devices < 1 || micro_batches < 1) return false;
  switch (option[0]) {
    case 'd':
      out.data = devices;
      return true;
    case 't':
      out.tensor = devices;
      return true;
    case 'p':
      out.pipeline = devices;
      out.micro_batches = micro_batches;
      return true;
    default:
      return false;
  }
}

OperatorCases cases_of(const MeasuredFile& file, Catalog& catalog) {
  OperatorCases out;
  for (std::size_t row = 0; row < file.rows(); ++row) {
    const std::string& gpu = file.text("gpu")[row];
    const std::string& name = file.text("model")[row];
    const std::string& mode = file.text("mode")[row];
    const std::string& option = file.text("option")[row];
    const auto leave_out = [&](const std::string& why) {
      out.not_covered.push_back({row, gpu, name, mode, why});
    };
    const NamedJob named = find_named(catalog, file.kind().source, gpu, {name});
    if (!named.missing.empty()) {
      leave_out(named.missing);
      continue;
    }
    const CatalogModel* model = named.model;
    OperatorCase c;
    c.row = row;
    c.device = named.device;
    c.model = c.group = model->model.id;
    c.network = &model->model;
    c.stack = c.work.stack = Stack::eager;
    if (mode == "train") {
      c.work.phase = Phase::training;
      c.phase = "training";
      // Forward and backward pass; the optimizer is not part of the time.
      c.work.optimizer_bytes = 0.0;
    } else if (mode == "inf") {
      c.work.phase = Phase::prefill;
      c.phase = "prefill";
    } else {
      leave_out("mode " + mode + " is not known");
      continue;
    }
    if (option == "fusion") {
      c.work.fused_attention = true;
    } else if (!option.empty() && !read_parallelism(option, c.work.parallel)) {
      leave_out("option " + option + " is not known");
      continue;
    }
    c.work.parallel.devices_per_node = 8;
    c.devices = c.work.parallel.devices();
    Numerics& n = c.work.numerics;
    n.math = Precision::fp32;
    n.weight_bytes = n.data_bytes = n.stream_bytes = 4;
    c.work.batch = file.number("batch")[row];
    c.work.sequence = file.number("seq_len")[row];
    c.time_s = file.number("measured_latency_ms")[row] * 1e-3;
    out.cases.push_back(std::move(c));
  }
  return out;
}

/// Linear layers, batched products, soft-max and layer norm alone.
OperatorCases operator_cases(const MeasuredFile& file, Catalog& catalog) {
  OperatorCases out;
  const bool of_rows = file.kind().name == "fp32-rows";
  for (std::size_t row = 0; row < file.rows(); ++row) {
    const std::string& gpu = file.text("gpu")[row];
    const std::string& what = file.text("op")[row];
    const DeviceMatch match = catalog.find_device(gpu, file.kind().source);
    const bool known =
        of_rows ? what == "ln" || what == "softmax" : what == "linear" || what == "bmm";
    if (match.device == nullptr || !known) {
      out.not_covered.push_back(
          {row, gpu, what, "kernel",
           match.device == nullptr ? match.reason : "the operator is not known"});
      continue;
    }
    const auto number = [&](const char* column) { return file.number(column)[row]; };
    Operator op;
    op.path = Precision::fp32;
    if (of_rows) {
      // Read once, written once.
      op.kind = OperatorKind::stream;
      op.data_bytes = 2.0 * 4.0 * number("rows_B") * number("width_H");
    } else {
      const double b = number("B");
      op.kind = what == "bmm" ? OperatorKind::batched_product : OperatorKind::product;
      op.products = b;
      op.m = number("M");
      op.n = number("N");
      op.k = number("K");
      op.flops = 2.0 * b * op.m * op.n * op.k;
      op.data_bytes = 4.0 * b * (op.m * op.k + op.n * op.k + op.m * op.n);
    }
    op.working_set = op.data_bytes;
    OperatorCase c;
    c.row = row;
    c.device = &match.device->device;
    c.model = c.group = what;
    c.phase = "kernel";
    c.operators = {op};
    c.time_s = number("latency_ms") * 1e-3;
    out.cases.push_back(std::move(c));
  }
  return out;
}

OperatorFitPlan plan() {
  using enum TermId;
  OperatorFitPlan p;
  // Ten rows a device: two terms of its own, the others shared.
  p.shared = {batched_gemm, feed, score_feed, launch_us};
  p.time = p.shared;
  p.time.insert(p.time.end(), {vector_gemm, bandwidth});
  p.prior[feed] = 30.0;
  return p;
}

OperatorFitPlan kernel_plan() {
  using enum TermId;
  OperatorFitPlan p;
  p.time = {vector_gemm, batched_gemm, bandwidth, launch_us, feed, cache_share};
  p.prior[feed] = 30.0;
  return p;
}

}  // namespace

Evaluation evaluate_fp32(const MeasuredFile& file, Catalog& catalog) {
  if (file.kind().name == "fp32-endtoend") {
    return evaluate_cases(cases_of(file, catalog), catalog, "eager-fp32");
  }
  return evaluate_cases(operator_cases(file, catalog), catalog, "kernel-fp32");
}

void calibrate_fp32(const std::vector<const MeasuredFile*>& files, Catalog& catalog,
                    Calibration& out) {
  std::vector<OperatorCase> cases;
  std::vector<TermData> data;
  for (const MeasuredFile* file : files) {
    OperatorCases of = cases_of(*file, catalog);
    for (const OperatorCase& c : of.cases) out.saw(*file, c.row);
    data.push_back(term_data(*file, of.cases.size()));
    // The tools' own predictions of the same rows, for the comparison.
    const std::pair<const char*, const char*> tools[] = {{"NeuSight", "neusight_pred_ms"},
                                                         {"plain roofline", "roofline_pred_ms"},
                                                         {"Habitat", "habitat_pred_ms"},
                                                         {"Li et al.", "li_micro_pred_ms"}};
    for (const auto& [tool, column] : tools) {
      CrossValidation theirs{
          file_name(file->path()), std::string("(prediction of ") + tool + ")", {}};
      for (const OperatorCase& c : of.cases) {
        const double ms = file->number(column)[c.row];
        if (std::isnan(ms)) continue;
        theirs.predictions.push_back(
            {c.row, c.device->id, c.model, c.phase, "time", ms * 1e-3, c.time_s, false});
      }
      out.cross_validation.push_back(std::move(theirs));
    }
    std::move(of.cases.begin(), of.cases.end(), std::back_inserter(cases));
  }
  if (cases.empty()) return;
  calibrate_cases(cases, plan(), "eager-fp32", "PyTorch eager in FP32", std::move(data), out);
  const std::string name = file_name(files.front()->path());
  out.cross_validation.push_back({name, "model", cross_validate_cases(cases, plan(), false)});
  out.cross_validation.push_back({name, "GPU", cross_validate_cases(cases, plan(), true)});
}

void calibrate_fp32_kernels(const std::vector<const MeasuredFile*>& files, Catalog& catalog,
                            Calibration& out) {
  // Every seventh row of each file: shapes lie on a grid, and neighbours say the same.
  constexpr std::size_t stride = 7;
  std::vector<OperatorCase> fitted, asked;
  std::vector<TermData> data;
  for (const MeasuredFile* file : files) {
    std::size_t used = 0;
    for (OperatorCase& c : operator_cases(*file, catalog).cases) {
      if (c.row % stride != 0) {
        asked.push_back(std::move(c));
        continue;
      }
      out.saw(*file, c.row);
      ++used;
      fitted.push_back(std::move(c));
    }
    data.push_back(term_data(*file, used));
  }
  if (fitted.empty()) return;
  const DeviceTerms terms = calibrate_cases(fitted, kernel_plan(), "kernel-fp32",
                                            "FP32 operators in a loop", std::move(data), out);
  const std::string name = "neusight_fp32_{linear,bmm,softmax_ln}.csv";
  out.cross_validation.push_back(
      {name, "six rows of seven", predict_cases(asked, [&](const OperatorCase& c) -> const Terms& {
         return terms.of(*c.device);
       })});
  out.cross_validation.push_back({name, "GPU", cross_validate_cases(fitted, kernel_plan(), true)});
}

}  // namespace nightwatt
