#include "energy/collective_curve.hpp"

#include <cmath>
#include <iterator>
#include <stdexcept>

namespace nightwatt {

Seconds CollectiveCurve::at(double moved_bytes, double link_bytes_per_s) const {
  const double moved_us = moved_bytes / (efficiency * link_bytes_per_s) * 1e6;
  return seconds((start_us + moved_us + std::sqrt(bend_us * moved_us)) * 1e-6);
}

CollectiveCurve curve_for(const std::map<int, CollectiveCurve>& curves, int devices) {
  if (curves.empty()) throw std::invalid_argument("no collective was measured");
  const auto exact = curves.find(devices);
  if (exact != curves.end()) return exact->second;
  if (curves.size() == 1) return curves.begin()->second;
  auto above = curves.upper_bound(devices);
  if (above == curves.end()) --above;
  if (above == curves.begin()) ++above;
  const auto below = std::prev(above);
  const double part = std::log(static_cast<double>(devices) / below->first) /
                      std::log(static_cast<double>(above->first) / below->first);
  const auto between = [&](double a, double b) { return a * std::pow(b / a, part); };
  const CollectiveCurve &a = below->second, &b = above->second;
  return {between(a.start_us, b.start_us), between(a.bend_us, b.bend_us),
          between(a.efficiency, b.efficiency)};
}

}  // namespace nightwatt
