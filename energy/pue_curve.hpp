#pragma once

#include <cstdint>

namespace nightwatt {

/// How the PUE of a facility follows the air outside. Below `free_until_c` outside air (or the
/// towers) cools alone, above `chiller_from_c` chillers do, and in between both share the work:
///
///     PUE(t) = free_pue                                             t <= free_until
///     PUE(t) = straight line from free_pue to chiller_pue           in between
///     PUE(t) = min(chiller_pue + per_kelvin (t - chiller_from), most)   t >= chiller_from
struct PueCurve {
  /// What t is. Cooling that evaporates water follows the wet bulb, condensers in the air the dry
  /// one.
  enum class Driver : std::uint8_t { wet_bulb, dry_bulb };

  Driver driver = Driver::wet_bulb;
  double free_until_c = 0.0;
  double free_pue = 1.0;
  double chiller_from_c = 0.0;  ///< > free_until_c
  double chiller_pue = 1.0;     ///< >= free_pue
  double per_kelvin = 0.0;      ///< >= 0
  double most = 100.0;          ///< >= chiller_pue

  [[nodiscard]] double at(double celsius) const;
  friend bool operator==(const PueCurve&, const PueCurve&) = default;
};

}  // namespace nightwatt
