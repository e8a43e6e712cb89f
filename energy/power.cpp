#include "energy/power.hpp"

#include <algorithm>

namespace nightwatt {

namespace {

/// What `active` and `clock` are shares of. The clock drives lanes: on an A10, an A100 and an H100
/// it takes 3 to 6 W for each TFLOP/s of FP32, while its share of TDP differs threefold.
double lane_watts(const Device& device, double span) {
  const double fp32 = device.peak(Precision::fp32);
  return fp32 > 0 ? 10.0 * fp32 / 1e12 : span;
}

}  // namespace

PowerModel::PowerModel(const Device& device, const Terms& terms)
    : device_(&device), terms_(terms), span_(to_watts(device.tdp) - to_watts(device.idle)) {}

double PowerModel::voltage(double x) const {
  if (const auto volts = device_->volts_at(x * device_->boost_mhz)) {
    return *volts / *device_->volts_at(device_->boost_mhz);
  }
  const double knee = terms_[TermId::voltage_knee], floor = terms_[TermId::voltage_floor];
  return x <= knee ? floor : floor + (1 - floor) * std::min(1.0, (x - knee) / (1 - knee));
}

double PowerModel::idle_w(double x) const {
  return to_watts(device_->idle_at(x * device_->boost_mhz));
}

double PowerModel::watts(const Activity& a, double x) const {
  const Terms& t = terms_;
  const double v = voltage(x), v2 = v * v;
  // Each part grows with the clock, so that a cap has one clock that answers it.
  const double dynamic =
      (t[TermId::tensor] * a.tensor + t[TermId::vector] * a.vector + t[TermId::cache] * a.cache) *
          v2 +
      t[TermId::dram] * a.dram + t[TermId::attention] * a.attention +
      t[TermId::waiting] * a.waiting * x * v2;
  const double lanes = a.busy * x * (t[TermId::active] + t[TermId::clock] * v2);
  return idle_w(x) + lane_watts(*device_, span_) * lanes + span_ * dynamic;
}

}  // namespace nightwatt
