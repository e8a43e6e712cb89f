#include "energy/estimate.hpp"

#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <string>
#include <utility>

namespace nightwatt {
namespace {

std::string number(double value) {
  std::string text = std::to_string(value);
  text.erase(text.find_last_not_of('0') + 1);
  if (text.back() == '.') text.pop_back();
  return text;
}

/// Sharp maximum of what the device and what the host need for the same iteration.
double norm6(double a, double b) {
  const double a3 = a * a * a, b3 = b * b * b;
  return std::cbrt(std::sqrt(a3 * a3 + b3 * b3));
}

bool same_cost(const Operator& a, const Operator& b) {
  return a.kind == b.kind && a.path == b.path && a.kernels == b.kernels && a.m == b.m &&
         a.n == b.n && a.k == b.k && a.products == b.products && a.flops == b.flops &&
         a.cold_bytes == b.cold_bytes && a.data_bytes == b.data_bytes &&
         a.working_set == b.working_set && a.stall_bytes == b.stall_bytes &&
         a.element_bytes == b.element_bytes;
}

}  // namespace

void check_knobs(const Device& device, const Knobs& knobs) {
  const double cap = to_watts(knobs.cap);
  if (!std::isinf(cap)) {
    if (!(device.max_cap > Watts{})) {
      throw std::domain_error(device.id + " cannot be capped");
    }
    if (!(knobs.cap >= device.min_cap && knobs.cap <= device.max_cap)) {
      throw std::domain_error("a cap of " + number(cap) + " W is not legal on " + device.id +
                              ": its range is " + number(to_watts(device.min_cap)) + " to " +
                              number(to_watts(device.max_cap)) + " W");
    }
  }
  if (knobs.clock_mhz != 0 &&
      !(knobs.clock_mhz >= device.min_mhz && knobs.clock_mhz <= device.boost_mhz)) {
    throw std::domain_error("a clock of " + number(knobs.clock_mhz) + " MHz is not legal on " +
                            device.id + ": its range is " + number(device.min_mhz) + " to " +
                            number(device.boost_mhz) + " MHz");
  }
}

void PreparedWork::cost_operators() {
  costs_.reserve(operators_.size());
  const double bandwidth = device_->memory_bytes_per_s;
  for (std::size_t i = 0; i < operators_.size(); ++i) {
    const Operator& op = operators_[i];
    // Queries, keys and values, or a product and one of its gradients, often cost the same.
    const std::size_t nearby = std::min<std::size_t>(i, 6);
    std::size_t back = 1;
    while (back <= nearby && !same_cost(op, operators_[i - back])) ++back;
    const OperatorCost cost = back <= nearby ? costs_[i - back] : cost_of(op, rates_);
    costs_.push_back(cost);
    const auto same = std::find_if(steps_.begin(), steps_.end(),
                                   [&](const Step& step) { return step.cost == cost; });
    if (same == steps_.end()) {
      steps_.push_back({cost, op.count});
    } else {
      same->count += op.count;
    }
    const Precision path = rates_.path(op);
    (on_tensor_units(path) ? tensor_s_ : vector_s_) +=
        op.count * op.flops / rates_.peak[static_cast<std::size_t>(path)];
    cache_s_ += op.count * op.bytes() / bandwidth;
    dram_s_ += op.count * cost.memory_bytes / bandwidth;
    if (op.kind == OperatorKind::decode_attention) {
      attention_s_ += op.count * op.cold_bytes / bandwidth;
    }
  }
}

PreparedWork::PreparedWork(std::vector<Operator> operators, const Device& device,
                           const Terms& terms, Stack stack)
    : operators_(std::move(operators)),
      rates_(device, terms),
      power_(device, terms),
      device_(&device) {
  cost_operators();
  if (stack != Stack::eager) return;
  for (const Operator& op : operators_) {
    host_s_ += op.count * op.calls * terms[TermId::host_us] * 1e-6;
  }
}

PreparedWork::PreparedWork(const Model& model, const Work& work, const Device& device,
                           const Terms& terms, const Network& network)
    : operators_(operators_of(model, work, terms[TermId::routing])),
      rates_(device, terms),
      power_(device, terms),
      device_(&device) {
  cost_operators();
  const Parallelism& p = work.parallel;
  double calls = 0, forward_s = 0, expert_layers = 0, state_layers = 0, layers = 0;
  for (std::size_t i = 0; i < operators_.size(); ++i) {
    calls += operators_[i].count * operators_[i].calls;
    forward_s += operators_[i].count * costs_[i].at(1.0);
  }
  if (p.devices() > 1) {
    // Smaller parts may fit the cache where the whole did not. Devices of a job are not credited
    // with that: it is lost to what they exchange.
    Work whole = work;
    whole.parallel = {};
    double alone_s = 0;
    for (const Operator& op : operators_of(model, whole, terms[TermId::routing])) {
      alone_s += op.count * cost_of(op, rates_).at(1.0);
    }
    shared_ = std::max(1.0, alone_s / p.devices() / forward_s);
  }
  const ModelSize size = size_of(model);
  for (const ModelStage& stage : model.stages) {
    for (const RepeatedLayer& r : stage.layers) {
      const auto* t = std::get_if<TransformerLayer>(&r.layer);
      const bool state = std::holds_alternative<StateSpaceLayer>(r.layer);
      layers += t != nullptr || state ? r.repeat : 0;
      state_layers += state ? r.repeat : 0;
      expert_layers += t != nullptr && t->experts > 0 ? r.repeat : 0;
    }
  }
  if (work.stack == Stack::eager) host_s_ = calls * terms[TermId::host_us] * 1e-6;
  if (work.stack != Stack::kernel) wait_s_ += terms[TermId::step_us] * 1e-6;
  if (work.stack == Stack::engine) {
    const double prompts = prompt_steps(work).share;
    gap_s_ += 1e-6 *
              (terms[TermId::layer_us] * layers + terms[TermId::mixture_us] * expert_layers) /
              p.pipeline;
    wait_s_ +=
        1e-6 *
        (prompts * (terms[TermId::prompt_us] * layers + terms[TermId::state_us] * state_layers) /
             p.pipeline +
         work.batch / p.data *
             (terms[TermId::sequence_us] + terms[TermId::sample_us] * model.vocabulary / 1000));
  }
  if (work.phase == Phase::serving || work.phase == Phase::training) {
    wait_s_ += 1e-6 * model.host_us * work.batch / p.data;
  }

  // Communication.
  const double tokens = work.phase == Phase::decode ? 1
                        : work.phase == Phase::serving
                            ? 1 + (work.output > 0 ? work.prompt / work.output : 0.0)
                            : (work.sequence > 0 ? work.sequence : std::max(1.0, model.sequence));
  const double activations = work.batch / p.data * tokens * size.widest * work.numerics.data_bytes;
  const double passes = work.phase == Phase::training ? 2 : 1;
  if (p.tensor > 1) {
    exposed_s_ += passes * 2 * layers / p.pipeline *
                  collective_s(Collective::all_reduce, activations, p.tensor, p.devices_per_node,
                               device, terms, network);
    link_bytes_ += passes * 2 * layers / p.pipeline * 2 * activations;
  }
  // Where the experts are spread over the same devices as the tensors, the all-reduce of the layer
  // gathers what they made.
  if (p.expert > 1 && p.tensor == 1) {
    const double each = passes * 2 * expert_layers / p.pipeline;
    exposed_s_ += each * collective_s(Collective::all_to_all, activations, p.expert,
                                      p.devices_per_node, device, terms, network);
    link_bytes_ += each * activations;
  }
  for (const Operator& op : operators_) {
    if (op.swapped_bytes == 0) continue;
    // Queries, keys and values to the heads, and their result back.
    exposed_s_ += op.count * 4 *
                  collective_s(Collective::all_to_all, op.swapped_bytes / 4, p.sequence,
                               p.devices_per_node, device, terms, network);
    link_bytes_ += op.count * op.swapped_bytes;
  }
  if (p.pipeline > 1) {
    const double micro = std::max(1u, p.micro_batches);
    bubble_ = 1 + (p.pipeline - 1) / micro;
    exposed_s_ += passes * (p.pipeline - 1) *
                  collective_s(Collective::point, activations / micro, 2, p.devices_per_node,
                               device, terms, network);
    link_bytes_ += passes * activations;
  }
  if (p.data > 1 && work.phase == Phase::training) {
    const double gradients =
        size.all() / p.tensor / p.pipeline * std::max(2.0, work.numerics.weight_bytes);
    const double local =
        std::min<double>(p.data, std::max(1.0, p.devices_per_node / double(p.tensor)));
    const double reduce =
        collective_s(Collective::all_reduce, gradients, p.data, local, device, terms, network);
    const double cover = terms[TermId::overlap] * forward_s * 2 / 3;
    exposed_s_ += std::max(0.0, reduce - cover);
    if (const double nodes = std::ceil(p.data / local); nodes > 1) {
      Exchange& exchange = between_nodes_;
      exchange.bytes = gradients / local;
      exchange.all_s =
          collective_s(Collective::all_reduce, exchange.bytes, nodes, 1, device, terms, network);
      exchange.message = ring_message(exchange.bytes, nodes, terms, network);
      exchange.hidden_s = std::max(0.0, cover - (reduce - exchange.all_s));
    }
    link_bytes_ += 2 * gradients;
  }
}

Watts PreparedWork::waiting_power() const {
  PowerModel::Activity activity{};
  activity.waiting = 1;
  return watts(power_.watts(activity, 1.0));
}

PreparedWork::Point PreparedWork::run(double x) const {
  Point point{};
  for (const Step& step : steps_) point.kernel_s += step.count * step.cost.at(x);
  point.kernel_s *= shared_;
  const double together = host_s_ > 0 ? norm6(point.kernel_s, host_s_) : point.kernel_s;
  point.total_s = (together + gap_s_) * bubble_ + wait_s_ + exposed_s_;
  point.busy_s = point.kernel_s + gap_s_;
  PowerModel::Activity& a = point.activity;
  const double t = point.total_s;
  a.busy = point.busy_s / t;
  a.tensor = tensor_s_ / t;
  a.vector = vector_s_ / t;
  a.cache = cache_s_ / t;
  a.dram = dram_s_ / t;
  a.attention = attention_s_ / t;
  a.waiting = ((together + gap_s_) * (bubble_ - 1) + wait_s_ + exposed_s_) / t;
  point.watts = power_.watts(a, x);
  return point;
}

Estimate PreparedWork::at(const Knobs& knobs) const {
  const double lowest = std::min(1.0, rates_.min_mhz / rates_.boost_mhz);
  const double locked = knobs.clock_mhz > 0 ? knobs.clock_mhz / rates_.boost_mhz : 1.0;
  double cap = to_watts(knobs.cap);
  const double limit = to_watts(device_->max_cap > Watts{} ? device_->max_cap : device_->tdp);
  if (limit > 0) cap = std::min(cap, limit);
  if (knobs.brief) cap = std::numeric_limits<double>::infinity();
  const double target = cap * rates_.terms[TermId::settle];

  double x = locked;
  Point point = run(x);
  double stretch = 1;
  bool capped = false;
  if (point.watts > target) {
    capped = true;
    double low = std::min(lowest, locked), high = x;
    const Point slowest = run(low);
    if (slowest.watts > target) {
      // Let run for a part of the time, at the lowest clock.
      x = low;
      point = slowest;
      const double idle = power_.idle_w(low);
      stretch = target > idle ? (slowest.watts - idle) / (target - idle)
                              : std::numeric_limits<double>::infinity();
    } else {
      // Power rises with the clock: false position, the end that stays counted half (Illinois).
      // The answer is the last clock within the cap.
      double below = slowest.watts - target, above = point.watts - target;
      point = slowest;
      x = low;
      int side = 0;
      for (int i = 0; i < 60 && high - low > 1e-5 * low; ++i) {
        const double middle = std::clamp(low - below * (high - low) / (above - below),
                                         low + 1e-3 * (high - low), high - 1e-3 * (high - low));
        const Point there = run(middle);
        if (there.watts <= target) {
          low = x = middle;
          point = there;
          if (target - there.watts < 1e-7 * target) break;
          below = there.watts - target;
          if (side == -1) above /= 2;
          side = -1;
        } else {
          high = middle;
          above = there.watts - target;
          if (side == 1) below /= 2;
          side = 1;
        }
      }
    }
  }

  Estimate e;
  e.iteration = seconds(point.total_s * stretch);
  e.device_power = watts(stretch > 1 ? target : point.watts);
  e.clock_mhz = x * rates_.boost_mhz;
  e.duty = 1 / stretch;
  e.device_time = seconds(point.busy_s);
  e.communication = seconds(exposed_s_);
  TimeShares& s = e.shares;
  for (std::size_t i = 0; i < operators_.size(); ++i) {
    const OperatorCost& c = costs_[i];
    const double time = shared_ * operators_[i].count * (c.at(x) - c.launch_s);
    (c.compute_s / x > std::max(c.memory_s, c.feed_s / x) ? s.compute : s.memory) += time;
    s.launch += shared_ * operators_[i].count * c.launch_s;
  }
  s.communication = exposed_s_;
  s.bubble = (point.total_s - exposed_s_ - wait_s_) * (1 - 1 / bubble_);
  s.host = point.total_s - point.kernel_s - exposed_s_ - s.bubble;
  for (double* part : {&s.compute, &s.memory, &s.communication, &s.host, &s.bubble, &s.launch}) {
    *part /= point.total_s;
  }
  const auto most = std::max({s.compute, s.memory, s.communication + s.bubble, s.host + s.launch});
  e.limit = stretch > 1                          ? Limit::duty_cycle
            : capped                             ? Limit::cap
            : most == s.compute                  ? Limit::compute
            : most == s.memory                   ? Limit::memory
            : most == s.communication + s.bubble ? Limit::communication
                                                 : Limit::host;
  const PowerModel::Activity& a = point.activity;
  e.use = {a.tensor / stretch, a.vector / stretch, a.cache / stretch, a.dram / stretch, 0.0,
           a.busy / stretch};
  if (device_->scale_up.bytes_per_s > 0) {
    e.use.link = link_bytes_ / to_seconds(e.iteration) / device_->scale_up.bytes_per_s;
  }
  return e;
}

}  // namespace nightwatt
