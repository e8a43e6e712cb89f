#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <algorithm>

#include "energy/cap_response.hpp"

namespace nightwatt {
namespace {

double between(double low, double high) {
  return low + (high - low) * (*rc::gen::inRange(0, 100001)) / 100000.0;
}

struct Case {
  CapTerms terms;
  CapDevice device;
  CapLoad load;
};
Case any_case() {
  Case c;
  c.terms = {between(0.5, 0.999), between(0.1, 0.95), between(0.05, 0.6)};
  const double tdp = between(50, 1200);
  c.device = {watts(tdp), watts(tdp), watts(between(0.05, 0.3) * tdp)};
  c.load = {between(0.05, 1), between(0, 1), watts(between(0.05, 2.0) * tdp)};
  return c;
}

RC_GTEST_PROP(CapResponse, ALowerCapNeverGivesLessTime, ()) {
  const Case c = any_case();
  const double waiting = to_watts(c.device.waiting), top = to_watts(c.device.highest_cap);
  double a = between(1.02 * waiting, top), b = between(1.02 * waiting, top);
  if (a > b) std::swap(a, b);
  const CapRatio low = ratio_at_cap(c.load, c.terms, c.device, watts(a));
  const CapRatio high = ratio_at_cap(c.load, c.terms, c.device, watts(b));
  RC_ASSERT(low.time >= high.time * (1 - 1e-12));
  RC_ASSERT(low.time >= 1 - 1e-12);
}

RC_GTEST_PROP(CapResponse, ThePowerStaysBetweenWaitingAndCap, ()) {
  const Case c = any_case();
  const double waiting = to_watts(c.device.waiting);
  const double cap = between(1.02 * waiting, to_watts(c.device.highest_cap));
  const CappedStep step = step_under_cap(c.load, c.terms, c.device, watts(cap));
  const double mean = to_watts(step.energy / step.time);
  RC_ASSERT(mean <= cap * (1 + 1e-9));
  RC_ASSERT(mean >= waiting * (1 - 1e-9));
  RC_ASSERT(step.clock >= cap_lowest_clock && step.clock <= 1.0);
}

}  // namespace
}  // namespace nightwatt
