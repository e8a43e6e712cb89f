#include <cmath>

#include "analysis/measurements/operator_study.hpp"

/// Matrix products and attention in loops, as micro-benchmarks of serving libraries measure them
/// (aiconfigurator).
namespace nightwatt {
namespace {

/// Power averages samples of 100 ms: below this latency the windows are short and the launches
/// between the kernels dominate.
constexpr double least_power_s = 1e-4;

/// What starting and ending a sequence's block costs, in tokens of reading: with 128 tokens a
/// sequence the H200 reads at 0.56 of its best rate, with 256 at 0.74, with 512 at 0.88 (rows above
/// 1 GB of aic_attention_power.csv).
constexpr double block_tokens = 100.0;

/// One product of m x k by k x n.
Operator product(double m, double n, double k, Precision path, double bytes) {
  Operator op;
  op.name = "product";
  op.kind = OperatorKind::product;
  op.path = path;
  op.m = m;
  op.n = n;
  op.k = k;
  op.flops = 2.0 * m * n * k;
  op.cold_bytes = bytes * n * k;
  // The result is written in 2 B whatever the inputs are.
  op.data_bytes = bytes * m * k + 2.0 * m * n;
  op.working_set = op.data_bytes;
  return op;
}

/// Fused attention over `batch` sequences: each query sees the keys before it.
Operator attention(bool prompt, double batch, double queries, double kept, double heads,
                   double kv_heads, double width) {
  Operator op;
  op.name = "attention";
  op.kind = prompt ? OperatorKind::fused_attention : OperatorKind::decode_attention;
  const double keys = kept + queries + (prompt ? 0.0 : block_tokens);
  // Causal: the new queries see half of one another.
  const double pairs = queries * (kept + (queries + 1.0) / 2.0);
  op.flops = 4.0 * batch * heads * pairs * width;
  // A loop finds the keys and values of its last turn in the cache, if they fit.
  op.data_bytes = 2.0 * 2.0 * batch * width * (kv_heads * keys + heads * queries);
  op.working_set = op.data_bytes;
  return op;
}

/// The two phases run different kernels.
std::string attention_terms(const std::string& phase) { return "attention-" + phase; }

/// Shapes that are left out together: a fifth of all pairs of the two numbers.
std::string fold(double a, double b) {
  // Knuth's multiplicative hash, so that neighbours do not share a fold.
  const auto mixed = (static_cast<std::uint64_t>(a) * 31 + static_cast<std::uint64_t>(b)) *
                     std::uint64_t{2654435761};
  return "fold " + std::to_string((mixed >> 16) % 5);
}

OperatorCases cases_of(const MeasuredFile& file, Catalog& catalog) {
  OperatorCases out;
  const bool of_attention = file.kind().name == "attention-power";
  const bool powered = of_attention || file.kind().name == "gemm-power";
  for (std::size_t row = 0; row < file.rows(); ++row) {
    const std::string& gpu = file.text("gpu")[row];
    const std::string& what = file.text(of_attention ? "phase" : "dtype")[row];
    const std::string name = of_attention ? "attention" : "gemm " + what;
    const auto leave_out = [&](const std::string& why) {
      out.not_covered.push_back({row, gpu, name, of_attention ? what : "kernel", why});
    };
    const DeviceMatch match = catalog.find_device(gpu, file.kind().source);
    if (match.device == nullptr) {
      leave_out(match.reason);
      continue;
    }
    OperatorCase c;
    c.row = row;
    c.device = &match.device->device;
    c.model = name;
    c.phase = "kernel";
    c.stack = Stack::kernel;
    const auto number = [&](const char* column) { return file.number(column)[row]; };
    if (of_attention) {
      if (what != "context" && what != "generation") {
        leave_out("phase " + what + " is not known");
        continue;
      }
      c.phase = what == "context" ? "prefill" : "decode";
      c.operators = {attention(what == "context", number("batch"), number("query_len"),
                               number("kv_len_before_step"), number("num_heads"),
                               number("num_kv_heads"), number("head_dim"))};
    } else if (what == "bfloat16" || what == "float16") {
      c.operators = {product(number("m"), number("n"), number("k"), Precision::bf16, 2.0)};
    } else if (what == "fp8" || what == "fp8_block" || what == "float8_e4m3fn") {
      c.operators = {product(number("m"), number("n"), number("k"), Precision::fp8, 1.0)};
    } else {
      leave_out("type " + what + " is not known");
      continue;
    }
    c.group = of_attention
                  ? fold(number("batch"), number("query_len") + number("kv_len_before_step"))
                  : fold(number("n"), number("k"));
    c.time_s = number("latency_ms") * 1e-3;
    if (powered) {
      c.knobs.cap = watts(std::min(number("power_limit_w"), to_watts(c.device->max_cap)));
      if (c.time_s >= least_power_s) c.power_w = number("mean_gpu_power_w");
    }
    out.cases.push_back(std::move(c));
  }
  return out;
}

OperatorFitPlan product_plan() {
  using enum TermId;
  OperatorFitPlan p;
  p.time = {tensor_gemm, bandwidth, launch_us, feed, cache_share};
  p.power = {active, clock, tensor, cache, dram, settle};
  p.ridge = 0.01;
  p.rounds = 3;
  const std::pair<TermId, double> priors[] = {
      {tensor_gemm, 0.8}, {bandwidth, 0.85}, {launch_us, 4.0}, {active, 0.05}, {clock, 0.3},
      {tensor, 0.6},      {cache, 0.1},      {dram, 0.3},      {feed, 40.0}};
  for (const auto& [id, value] : priors) p.prior[id] = value;
  return p;
}

OperatorFitPlan attention_plan() {
  using enum TermId;
  OperatorFitPlan p = product_plan();
  p.time = {fused_attention, decode_attention, bandwidth, launch_us, feed, cache_share};
  p.power = {active, clock, tensor, cache, dram, attention, settle};
  return p;
}

}  // namespace

Evaluation evaluate_kernels(const MeasuredFile& file, Catalog& catalog) {
  OperatorCases all = cases_of(file, catalog);
  if (file.kind().name != "attention-power") {
    return evaluate_cases(std::move(all), catalog, "kernel");
  }
  Evaluation out;
  out.not_covered = std::move(all.not_covered);
  for (const char* phase : {"prefill", "decode"}) {
    OperatorCases part;
    for (const OperatorCase& c : all.cases) {
      if (c.phase == phase) part.cases.push_back(c);
    }
    Evaluation of = evaluate_cases(std::move(part), catalog, attention_terms(phase));
    std::move(of.predictions.begin(), of.predictions.end(), std::back_inserter(out.predictions));
  }
  return out;
}

void calibrate_kernels(const std::vector<const MeasuredFile*>& files, Catalog& catalog,
                       Calibration& out) {
  std::vector<OperatorCase> products, attentions;
  std::vector<TermData> of_products, of_attentions;
  for (const MeasuredFile* file : files) {
    std::size_t used = 0;
    const bool is_attention = file->kind().name == "attention-power";
    for (OperatorCase& c : cases_of(*file, catalog).cases) {
      // Block-scaled FP8 kernels have a floor of their own that the terms do not know.
      if (!is_attention && c.model != "gemm bfloat16") continue;
      ++used;
      out.saw(*file, c.row);
      (is_attention ? attentions : products).push_back(std::move(c));
    }
    if (used > 0) {
      (is_attention ? of_attentions : of_products).push_back(term_data(*file, used));
    }
  }
  if (!products.empty()) {
    calibrate_cases(products, product_plan(), "kernel", "Matrix products in a loop",
                    std::move(of_products), out);
    const std::string name = "aic_gemm_*.csv, bf16";
    out.cross_validation.push_back(
        {name, "shape", cross_validate_cases(products, product_plan(), false)});
    out.cross_validation.push_back(
        {name, "GPU", cross_validate_cases(products, product_plan(), true)});
  }
  for (const std::string phase : {"prefill", "decode"}) {
    std::vector<OperatorCase> cases;
    for (const OperatorCase& c : attentions) {
      if (c.phase == phase) cases.push_back(c);
    }
    if (cases.empty()) continue;
    calibrate_cases(cases, attention_plan(), attention_terms(phase),
                    "Attention in a loop, " + phase, of_attentions, out);
    out.cross_validation.push_back({"aic_attention_power.csv", "shape, " + phase,
                                    cross_validate_cases(cases, attention_plan(), false)});
  }
}

void anchor_kernels(const MeasuredFile& rows, Catalog& catalog, Calibration& out) {
  if (rows.kind().name == "attention-power") {
    throw InputError("anchor: rows of attention are not taken; give rows of matrix products");
  }
  const OperatorCases of = cases_of(rows, catalog);
  for (const OperatorCase& c : of.cases) out.saw(rows, c.row);
  anchor_cases(of.cases, product_plan(), "kernel", term_data(rows, of.cases.size()), catalog, out);
}

}  // namespace nightwatt
