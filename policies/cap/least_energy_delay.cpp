#include <algorithm>
#include <cmath>
#include <limits>

#include "policies/decisions.hpp"

namespace nightwatt {
namespace {

/// The limit at which energy times a power of the delay is least, for each job on its device.
class LeastEnergyDelay final : public CapPolicy {
 public:
  explicit LeastEnergyDelay(const ParamValues& values)
      : delay_exponent_(values.number("delay_exponent")), slowdown_(values.number("slowdown")) {}

  Watts cap(const JobView&, const CapRange& range, const CapEffect& effect, SimTime) override {
    if (!(range.max > Watts{})) return no_cap;
    const OperatingPoint free = effect(no_cap);
    constexpr int steps = 20;  // of the legal range: whole watts between them are not worth asking
    Watts best = no_cap;
    double least = worth(free);
    for (int i = 0; i <= steps; ++i) {
      const double w =
          to_watts(range.min) + (to_watts(range.max) - to_watts(range.min)) * i / steps;
      const Watts limit = std::clamp(watts(std::round(w)), range.min, range.max);
      const OperatingPoint point = effect(limit);
      if (point.rate * (1.0 + slowdown_) < free.rate) continue;
      if (const double value = worth(point); value < least * (1 - 1e-9)) {
        least = value;
        best = limit;
      }
    }
    return best;
  }

 private:
  /// Energy of a second of the trace's run, times its duration to the exponent.
  [[nodiscard]] double worth(const OperatingPoint& point) const {
    const double seconds = 1.0 / point.rate;
    return to_watts(point.gpu + point.host) * seconds * std::pow(seconds, delay_exponent_);
  }

  double delay_exponent_, slowdown_;
};

[[maybe_unused]] const bool registered = register_policy<LeastEnergyDelay>(
    {Question::cap,
     "least-energy-delay",
     "the limit at which a job's energy times its run time is least",
     "the energy-delay product; Zeus (You et al., NSDI 2023) weighs both in a like manner",
     {{"delay_exponent",
       ParamKind::number,
       "exponent of the run time; 0 = least energy",
       "1",
       0,
       10,
       {}},
      {"slowdown",
       ParamKind::fraction,
       "no limit that slows the job by more than this",
       "100 %",
       0,
       100,
       {}}}});

}  // namespace
}  // namespace nightwatt
