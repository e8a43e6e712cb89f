#pragma once

#include "energy/signal.hpp"

namespace nightwatt {

/// Facility power at an instant: a·P_IT + b.
struct FacilityPower {
  double a = 1.0;
  Watts b;

  [[nodiscard]] Watts of(Watts it) const { return it * a + b; }
  /// The IT power at which the facility draws so much; below 0 where b alone is more.
  [[nodiscard]] Watts it_at(Watts facility) const { return (facility - b) / a; }
};

inline FacilityPower facility_power(const Facility& facility, double pue) {
  const double overhead = pue - 1.0;
  if (!(facility.fixed_share > 0.0)) return {1.0 + overhead, Watts{}};
  return {1.0 + (1.0 - facility.fixed_share) * overhead,
          facility.reference_it * (facility.fixed_share * overhead)};
}

}  // namespace nightwatt
