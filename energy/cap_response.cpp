#include "energy/cap_response.hpp"

#include <algorithm>
#include <cmath>
#include <stdexcept>

namespace nightwatt {
namespace {

double voltage(double clock, const CapTerms& terms) {
  if (clock <= terms.knee) return terms.voltage_floor;
  return terms.voltage_floor +
         (1.0 - terms.voltage_floor) * (clock - terms.knee) / (1.0 - terms.knee);
}

/// Half of the static power is leakage, which follows the voltage; the dynamic power follows clock
/// and the square of the voltage.
double busy_power_w(double clock, double busy_w, double static_w, const CapTerms& terms) {
  const double v = voltage(clock, terms);
  return static_w * (0.5 + 0.5 * v) + (busy_w - static_w) * clock * v * v;
}

/// The largest clock in [cap_lowest_clock, 1] whose power stays within the cap; the power grows
/// with the clock.
double clock_within(double cap_w, double busy_w, double static_w, const CapTerms& terms) {
  if (busy_w <= cap_w) return 1.0;
  // Up to the knee the voltage is flat and the power a line.
  const double floor = terms.voltage_floor;
  const double knee_w = busy_power_w(terms.knee, busy_w, static_w, terms);
  if (knee_w >= cap_w) {
    const double x =
        (cap_w - static_w * (0.5 + 0.5 * floor)) / ((busy_w - static_w) * floor * floor);
    return std::max(x, cap_lowest_clock);
  }
  // Above it the power is convex, so Newton's steps from 1 come down to the root without crossing.
  const double slope = (1.0 - floor) / (1.0 - terms.knee);
  double x = 1.0;
  for (int i = 0; i < 50; ++i) {
    const double v = voltage(x, terms);
    const double excess = busy_power_w(x, busy_w, static_w, terms) - cap_w;
    const double rise = 0.5 * static_w * slope + (busy_w - static_w) * v * (v + 2.0 * x * slope);
    const double next = x - excess / rise;
    if (!(next < x)) break;
    x = next;
  }
  return std::clamp(x, terms.knee, 1.0);
}

/// x moved by `shift` on the logit scale.
double shifted(double x, double shift) {
  if (shift == 0.0) return x;
  const double odds = x / (1.0 - x) * std::exp(shift);
  return odds / (1.0 + odds);
}

}  // namespace

CappedStep step_under_cap(const CapLoad& load, const CapTerms& terms, const CapDevice& device,
                          Watts cap) {
  const double cap_w = to_watts(cap);
  const double waiting_w = to_watts(device.waiting);
  if (!(cap_w > waiting_w)) {
    throw std::domain_error("a power cap has to be above the waiting power");
  }
  // A demand below the static power of a usual job cannot hold all of it.
  const double busy_w = std::max(to_watts(load.busy), waiting_w);
  const double static_w = std::min(terms.static_share * to_watts(device.tdp), busy_w);

  CappedStep step;
  step.clock = clock_within(cap_w, busy_w, static_w, terms);
  double power_w = busy_power_w(step.clock, busy_w, static_w, terms);
  double busy_s = load.busy_share * (1.0 + load.clock_share * (1.0 / step.clock - 1.0));
  if (power_w > cap_w) {
    // Works at the lowest clock for a part of the time and pauses at the waiting power: the same
    // work, with the mean at the cap.
    step.duty_cycle = true;
    busy_s *= (power_w - waiting_w) / (cap_w - waiting_w);
    power_w = cap_w;
  }
  const double waiting_s = 1.0 - load.busy_share;
  step.time = seconds(busy_s + waiting_s);
  step.energy = joules(busy_s * power_w + waiting_s * waiting_w);
  return step;
}

CapRatio ratio_at_cap(const CapLoad& load, const CapTerms& terms, const CapDevice& device,
                      Watts cap) {
  const CappedStep base = step_under_cap(load, terms, device, device.highest_cap);
  const CappedStep step = step_under_cap(load, terms, device, cap);
  return {step.time / base.time, step.energy / base.energy};
}

std::vector<CapLoad> loads_of(const std::vector<UncappedRun>& runs, const CapSharedTerms& shared,
                              const CapWorkloadTerms& own, const CapDevice& device) {
  if (runs.empty()) return {};
  const auto fastest =
      std::min_element(runs.begin(), runs.end(), [](const UncappedRun& a, const UncappedRun& b) {
        return a.time_for_same_work < b.time_for_same_work;
      });
  const auto hottest = std::max_element(
      runs.begin(), runs.end(),
      [](const UncappedRun& a, const UncappedRun& b) { return a.mean_power < b.mean_power; });
  const double waiting_w = to_watts(device.waiting);
  const double most_w = to_watts(hottest->mean_power);
  const double busy_share = shifted(shared.busy_share, own.busy_shift);
  // The mean of a run that touches the limit hides what it would draw.
  const bool at_limit = most_w > cap_limit_share * to_watts(device.highest_cap);
  const double demand = at_limit ? shared.hidden_demand * std::exp(own.demand_shift) : 1.0;

  std::vector<CapLoad> loads;
  loads.reserve(runs.size());
  for (const UncappedRun& run : runs) {
    const double mean_w = std::max(to_watts(run.mean_power), waiting_w);
    CapLoad load;
    load.busy_share = busy_share;
    if (run.batch > std::max(fastest->batch, hottest->batch) && most_w > waiting_w) {
      load.busy_share *= (mean_w - waiting_w) / (most_w - waiting_w);
      load.busy_share = std::max(load.busy_share, cap_least_share);
    }
    // Beyond the fastest batch the rate is lost to padding and not to the host.
    const double rate =
        run.batch > fastest->batch ? 1.0 : fastest->time_for_same_work / run.time_for_same_work;
    const double clock_share = shared.clock_share - shared.hidden_slope * (1.0 - rate);
    load.clock_share = shifted(std::clamp(clock_share, cap_least_share, 0.95), own.clock_shift);
    load.busy = watts((mean_w - (1.0 - load.busy_share) * waiting_w) / load.busy_share * demand);
    loads.push_back(load);
  }
  return loads;
}

}  // namespace nightwatt
