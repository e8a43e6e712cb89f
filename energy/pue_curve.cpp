#include "energy/pue_curve.hpp"

#include <algorithm>

namespace nightwatt {

double PueCurve::at(double celsius) const {
  if (celsius <= free_until_c) return free_pue;
  if (celsius >= chiller_from_c) {
    return std::min(chiller_pue + per_kelvin * (celsius - chiller_from_c), most);
  }
  const double share = (celsius - free_until_c) / (chiller_from_c - free_until_c);
  return free_pue + share * (chiller_pue - free_pue);
}

}  // namespace nightwatt
