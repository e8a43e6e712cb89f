#include "energy/weather.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace nightwatt {

double wet_bulb_c(double dry_bulb_c, double humidity_percent) {
  if (std::isnan(dry_bulb_c) || std::isnan(humidity_percent)) {
    return std::numeric_limits<double>::quiet_NaN();
  }
  const double t = dry_bulb_c;
  const double rh = std::clamp(humidity_percent, 0.0, 100.0);
  const double wet = t * std::atan(0.151977 * std::sqrt(rh + 8.313659)) + std::atan(t + rh) -
                     std::atan(rh - 1.676331) +
                     0.00391838 * std::pow(rh, 1.5) * std::atan(0.023101 * rh) - 4.686035;
  return std::min(wet, t);
}

}  // namespace nightwatt
