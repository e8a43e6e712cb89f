#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <string_view>

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
/// A block takes its keys in tiles of so many tokens: fewer take as long.
constexpr double tile_tokens = 128.0;

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
  const double keys = kept + queries;
  // Causal: the new queries see half of one another.
  const double pairs = queries * (kept + (queries + 1.0) / 2.0);
  op.flops = 4.0 * batch * heads * pairs * width;
  // A loop finds the keys and values of its last turn in the cache, if they fit.
  op.data_bytes = 2.0 * 2.0 * batch * width * (kv_heads * keys + heads * queries);
  if (!prompt) {
    const double stalled = block_tokens + std::max(0.0, tile_tokens - keys);
    op.stall_bytes = 2.0 * 2.0 * batch * width * kv_heads * stalled;
  }
  // Blocks are kept apart: short sequences spread over as much as those that fill theirs.
  op.working_set = op.data_bytes + op.stall_bytes;
  return op;
}

/// Products with a scale for each block of numbers: the scales are applied between the steps over
/// k, and a call takes the host longer than a small product the device.
constexpr std::string_view block_scaled = "gemm fp8_block";
constexpr const char* block_terms = "kernel-fp8-block";

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
      if (what == "fp8_block") c.stack = Stack::eager;
    } else {
      leave_out("type " + what + " is not known");
      continue;
    }
    c.group = of_attention
                  ? fold(number("batch"), number("query_len") + number("kv_len_before_step"))
                  : fold(number("n"), number("k"));
    c.time_s = number("latency_ms") * 1e-3;
    // Without a meter a few runs do, and are over before the board's limit acts: A100 and H100
    // reach 0.95 and 0.88 of their peak in such rows, the H200 0.70 of its in rows that last for a
    // meter.
    c.knobs.brief = !powered;
    if (powered) {
      // A device without a legal range has no limit but its power.
      if (c.device->max_cap > c.device->min_cap) {
        c.knobs.cap =
            std::clamp(watts(number("power_limit_w")), c.device->min_cap, c.device->max_cap);
      }
      if (c.time_s >= least_power_s) c.power_w = number("mean_gpu_power_w");
    }
    out.cases.push_back(std::move(c));
  }
  return out;
}

OperatorFitPlan product_plan() {
  using enum TermId;
  OperatorFitPlan p;
  p.time = {tensor_gemm, bandwidth, launch_us, fill_us, feed, cache_share};
  p.power = {active, clock, tensor, cache, dram, settle};
  p.ridge = 0.01;
  p.rounds = 3;
  // Of power: geometric means over A10, A100 (`eager`) and H100 (`engine`).
  const std::pair<TermId, double> priors[] = {
      {tensor_gemm, 0.85}, {bandwidth, 0.85}, {launch_us, 4.0}, {active, 0.058}, {clock, 0.43},
      {tensor, 1.07},      {cache, 0.10},     {dram, 0.21},     {feed, 40.0}};
  for (const auto& [id, value] : priors) p.prior[id] = value;
  return p;
}

OperatorFitPlan block_plan() {
  OperatorFitPlan p = product_plan();
  p.time.push_back(TermId::host_us);
  p.prior[TermId::host_us] = 45.0;
  p.prior[TermId::tensor_gemm] = 0.6;
  return p;
}

OperatorFitPlan attention_plan(bool prompt) {
  using enum TermId;
  OperatorFitPlan p = product_plan();
  p.time = {fused_attention, decode_attention, bandwidth, launch_us, feed, cache_share};
  p.power = {active, clock, tensor, cache, dram, attention, settle};
  if (!prompt) {
    // At the bandwidth of memory an H200 shows 370 W where a run takes 0.13 ms and 620 W where it
    // takes 1 ms; next to no bytes show 460 and 300 W. Prompts show nothing like it.
    p.power.insert(p.power.end(), {meter_ms, meter_start});
    p.prior[meter_ms] = 0.3;
  }
  return p;
}

/// How well rows tell one another's power that ask the same of the device: equal FLOPs, bytes and
/// times within 5 %. Empty without such rows.
std::string noise_note(const std::vector<OperatorCase>& cases) {
  const auto close = [](double a, double b) { return std::abs(a / b - 1) < 0.05; };
  double sum = 0;
  std::size_t rows = 0;
  for (const OperatorCase& c : cases) {
    if (c.power_w <= 0) continue;
    const Operator& op = c.operators.front();
    std::vector<double> twins;
    for (const OperatorCase& other : cases) {
      const Operator& its = other.operators.front();
      if (&other != &c && other.power_w > 0 && other.device == c.device && its.flops == op.flops &&
          close(its.data_bytes, op.data_bytes) && close(other.time_s, c.time_s)) {
        twins.push_back(other.power_w);
      }
    }
    if (twins.empty()) continue;
    const auto middle = twins.begin() + static_cast<std::ptrdiff_t>(twins.size() / 2);
    std::nth_element(twins.begin(), middle, twins.end());
    sum += std::abs(*middle / c.power_w - 1);
    ++rows;
  }
  if (rows == 0) return {};
  return fmt::format(
      "The measured {} power scatters: of {} rows that have a twin (equal FLOPs, bytes and time "
      "within 5 %) the twins' median misses the power by {:.1f} %. A model that knew the true "
      "mean of each shape would still miss by 0.7 (one twin) to 1 (many) times as much.",
      cases.front().phase, rows, 100 * sum / static_cast<double>(rows));
}

/// The file of terms that predicts a case.
std::string terms_of_case(const OperatorCase& c) {
  if (c.model == "attention") return attention_terms(c.phase);
  return c.model == block_scaled ? block_terms : "kernel";
}

}  // namespace

Evaluation evaluate_kernels(const MeasuredFile& file, Catalog& catalog) {
  OperatorCases all = cases_of(file, catalog);
  Evaluation out;
  out.not_covered = std::move(all.not_covered);
  std::map<std::string, OperatorCases> by_terms;
  for (OperatorCase& c : all.cases) by_terms[terms_of_case(c)].cases.push_back(std::move(c));
  for (auto& [terms, part] : by_terms) {
    Evaluation of = evaluate_cases(std::move(part), catalog, terms);
    std::move(of.predictions.begin(), of.predictions.end(), std::back_inserter(out.predictions));
    std::move(of.not_covered.begin(), of.not_covered.end(), std::back_inserter(out.not_covered));
  }
  return out;
}

void calibrate_kernels(const std::vector<const MeasuredFile*>& files, Catalog& catalog,
                       Calibration& out) {
  struct Part {
    std::vector<OperatorCase> cases;
    std::vector<TermData> data;
  };
  std::map<std::string, Part> parts;
  for (const MeasuredFile* file : files) {
    std::map<std::string, std::size_t> used;
    for (OperatorCase& c : cases_of(*file, catalog).cases) {
      // The kernels of plain FP8 are not those of BF16, and have too few rows for terms.
      if (c.model != "attention" && c.model != "gemm bfloat16" && c.model != block_scaled) continue;
      const std::string terms = terms_of_case(c);
      ++used[terms];
      out.saw(*file, c.row);
      parts[terms].cases.push_back(std::move(c));
    }
    for (const auto& [terms, rows] : used) parts[terms].data.push_back(term_data(*file, rows));
  }
  const auto run = [&](const std::string& terms, const OperatorFitPlan& plan,
                       const std::string& summary, const std::string& title,
                       const std::string& label) {
    const auto part = parts.find(terms);
    if (part == parts.end()) return;
    const std::vector<OperatorCase>& cases = part->second.cases;
    calibrate_cases(cases, plan, terms, summary, part->second.data, out);
    const bool of_attention = cases.front().model == "attention";
    out.cross_validation.push_back({title, label, cross_validate_cases(cases, plan, false),
                                    of_attention ? noise_note(cases) : ""});
    std::vector<Prediction> others = cross_validate_cases(cases, plan, true);
    if (!others.empty()) out.cross_validation.push_back({title, "GPU", std::move(others)});
  };
  run("kernel", product_plan(), "Matrix products in a loop", "aic_gemm_*.csv, bf16", "shape");
  run(block_terms, block_plan(), "Block-scaled FP8 products in a loop", "aic_gemm_*.csv, fp8_block",
      "shape");
  for (const std::string phase : {"prefill", "decode"}) {
    run(attention_terms(phase), attention_plan(phase == "prefill"), "Attention in a loop, " + phase,
        "aic_attention_power.csv", "shape, " + phase);
  }
}

void anchor_kernels(const MeasuredFile& rows, Catalog& catalog, Calibration& out) {
  if (rows.kind().name == "attention-power") {
    throw InputError("anchor: rows of attention are not taken; give rows of matrix products");
  }
  OperatorCases of = cases_of(rows, catalog);
  std::erase_if(of.cases, [](const OperatorCase& c) { return terms_of_case(c) != "kernel"; });
  for (const OperatorCase& c : of.cases) out.saw(rows, c.row);
  anchor_cases(of.cases, product_plan(), "kernel", term_data(rows, of.cases.size()), catalog, out);
}

}  // namespace nightwatt
