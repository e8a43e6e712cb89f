// Invariants of the job energy model on random transformers, jobs, devices and terms.
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <cmath>

#include "energy/estimate.hpp"

namespace nightwatt {
namespace {

double between(double low, double high) {
  return low + (high - low) * *rc::gen::inRange(0, 1001) / 1000.0;
}
double geometric(double low, double high) {
  return std::exp(between(std::log(low), std::log(high)));
}
double pick(std::vector<double> values) { return *rc::gen::elementOf(values); }

Device any_device() {
  Device d;
  d.id = "d";
  d.idle = watts(between(10, 80));
  d.tdp = d.max_cap = d.idle + watts(between(60, 600));
  d.min_cap = d.idle + (d.tdp - d.idle) * between(0.1, 0.5);
  d.sms = *rc::gen::inRange(10, 200);
  d.min_mhz = between(100, 400);
  d.boost_mhz = between(1000, 2500);
  d.memory_bytes_per_s = geometric(1e11, 8e12);
  d.memory_bytes = 1e15;
  d.l2_bytes = geometric(2e6, 1e8);
  const double fp32 = geometric(5e12, 1e14);
  d.peak_per_s[static_cast<std::size_t>(Precision::fp32)] = fp32;
  d.peak_per_s[static_cast<std::size_t>(Precision::bf16)] = fp32 * between(1, 16);
  d.scale_up.bytes_per_s = geometric(1e10, 9e11);
  return d;
}

Terms any_terms() {
  Terms t;
  for (std::size_t i = 0; i < fitted_term_count; ++i) {
    const TermInfo& info = term_info(static_cast<TermId>(i));
    t[static_cast<TermId>(i)] = std::exp(between(std::log(std::max(info.low, info.standard / 2)),
                                                 std::log(std::min(info.high, info.standard * 2))));
  }
  return t;
}

Model any_model() {
  TransformerLayer l;
  l.head_dim = pick({32, 64, 128});
  l.heads = pick({4, 8, 16, 32});
  l.kv_heads = l.heads / pick({1, 2, 4});
  l.hidden = l.heads * l.head_dim;
  l.width = l.hidden * 4;
  l.causal = true;
  l.gated = *rc::gen::arbitrary<bool>();
  if (*rc::gen::arbitrary<bool>()) {
    l.experts = 8;
    l.active_experts = 2;
  }
  Model m;
  m.id = "m";
  m.sequence = pick({64, 128, 512});
  m.vocabulary = 32000;
  m.stages = {{"model", false, 1, true, {{l, pick({1, 4, 24}), Rows::sequence, 1}}}};
  return m;
}

Work any_work() {
  Work w;
  w.phase = *rc::gen::element(Phase::training, Phase::inference, Phase::prefill, Phase::decode,
                              Phase::serving);
  w.stack = *rc::gen::element(Stack::eager, Stack::engine);
  w.batch = pick({8, 16, 64, 256});
  w.context = 300;
  w.prompt = pick({0, 100});
  w.output = pick({50, 1000});
  return w;
}

/// The clock is found to 1e-5 of itself.
constexpr double slack = 1e-4;

RC_GTEST_PROP(EnergyModel, PowerIsBetweenIdleAndCap, ()) {
  const Device d = any_device();
  const PreparedWork p(any_model(), any_work(), d, any_terms());
  Knobs knobs;
  knobs.cap = d.min_cap + (d.max_cap - d.min_cap) * between(0, 1);
  const Estimate e = p.at(knobs);
  RC_ASSERT(e.device_power <= knobs.cap);
  RC_ASSERT(e.device_power >= d.idle);
  RC_ASSERT(std::isfinite(to_seconds(e.iteration)));
  RC_ASSERT(to_joules(e.device_power * e.iteration) >=
            to_joules(d.idle * e.iteration) * (1 - 1e-12));
}

RC_GTEST_PROP(EnergyModel, ALowerCapNeverGivesLessTime, ()) {
  const Device d = any_device();
  const PreparedWork p(any_model(), any_work(), d, any_terms());
  Knobs low, high;
  low.cap = d.min_cap + (d.max_cap - d.min_cap) * between(0, 1);
  high.cap = low.cap + (d.max_cap - low.cap) * between(0, 1);
  RC_ASSERT(p.at(low).iteration >= p.at(high).iteration * (1 - slack));
}

RC_GTEST_PROP(EnergyModel, ALowerClockNeverGivesLessTimeOrMorePower, ()) {
  const Device d = any_device();
  const PreparedWork p(any_model(), any_work(), d, any_terms());
  Knobs low, high;
  low.clock_mhz = between(d.min_mhz, d.boost_mhz);
  high.clock_mhz = between(low.clock_mhz, d.boost_mhz);
  RC_ASSERT(p.at(low).iteration >= p.at(high).iteration * (1 - slack));
  RC_ASSERT(p.at(low).device_power <= p.at(high).device_power * (1 + slack));
}

RC_GTEST_PROP(EnergyModel, ClockAndCapTogetherAreNoFasterThanEach, ()) {
  const Device d = any_device();
  const PreparedWork p(any_model(), any_work(), d, any_terms());
  Knobs cap, clock, both;
  cap.cap = both.cap = d.min_cap + (d.max_cap - d.min_cap) * between(0, 1);
  clock.clock_mhz = both.clock_mhz = between(d.min_mhz, d.boost_mhz);
  RC_ASSERT(p.at(both).iteration >= p.at(cap).iteration * (1 - slack));
  RC_ASSERT(p.at(both).iteration >= p.at(clock).iteration * (1 - slack));
  RC_ASSERT(p.at(both).device_power <= both.cap);
}

RC_GTEST_PROP(EnergyModel, MoreBandwidthIsNeverSlower, ()) {
  Device d = any_device();
  // Of the operators: under a cap, more traffic a second also takes more power.
  const Model m = any_model();
  const Work w = any_work();
  const Terms t = any_terms();
  const auto busy = [&] {
    const PreparedWork p(m, w, d, t);
    double s = 0;
    for (std::size_t i = 0; i < p.operators().size(); ++i) {
      s += p.operators()[i].count * p.costs()[i].at(1.0);
    }
    return s;
  };
  const double before = busy();
  d.memory_bytes_per_s *= between(1, 4);
  RC_ASSERT(busy() <= before * (1 + 1e-12));
}

RC_GTEST_PROP(EnergyModel, NDevicesAreNeverFasterThanNTimes, ()) {
  Device d = any_device();
  d.max_cap = watts(1e9);  // no cap acts: a device that waits could else clock higher
  const Model m = any_model();
  Work w = any_work();
  const Terms t = any_terms();
  const double alone = to_seconds(PreparedWork(m, w, d, t).at({}).iteration);
  const auto n = static_cast<std::uint32_t>(pick({2, 4}));
  switch (*rc::gen::inRange(0, 3)) {
    case 0:
      w.parallel.data = n;
      break;
    case 1:
      w.parallel.tensor = n;
      break;
    default:
      w.parallel.pipeline = n;
      w.parallel.micro_batches = 4;
  }
  const double together = to_seconds(PreparedWork(m, w, d, t).at({}).iteration);
  RC_ASSERT(together >= alone / n * (1 - 1e-9));
}

}  // namespace
}  // namespace nightwatt
