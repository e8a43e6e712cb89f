#include "energy/device.hpp"

#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <utility>

namespace nightwatt {
namespace {

/// Linear between points with ascending clocks, flat beyond them. At least one point.
template <class Point, class Value>
auto interpolated(const std::vector<Point>& points, double clock_mhz, Value Point::*value) {
  const auto above =
      std::lower_bound(points.begin(), points.end(), clock_mhz,
                       [](const Point& point, double mhz) { return point.clock_mhz < mhz; });
  if (above == points.begin()) return points.front().*value;
  if (above == points.end()) return points.back().*value;
  const Point& a = *(above - 1);
  const Point& b = *above;
  return a.*value +
         (b.*value - a.*value) * ((clock_mhz - a.clock_mhz) / (b.clock_mhz - a.clock_mhz));
}

}  // namespace

std::string_view precision_name(Precision precision) {
  constexpr std::array<std::string_view, precision_count> names = {
      "fp64", "fp32", "fp32_matrix", "tf32", "fp16", "bf16", "fp8", "int8"};
  return names.at(static_cast<std::size_t>(precision));
}

std::optional<double> Device::volts_at(double clock_mhz) const {
  if (voltage.empty()) return std::nullopt;
  return interpolated(voltage, clock_mhz, &VoltagePoint::volts);
}

Watts Device::idle_at(double clock_mhz) const {
  return idle_curve.empty() ? idle : interpolated(idle_curve, clock_mhz, &IdlePoint::power);
}

Watts NodePower::loss_at(Watts load) const {
  if (loss.empty()) return {};
  if (loss.size() == 1 || load <= loss.front().load) return loss.front().loss;
  // The first point at or above the load; beyond the last one its segment goes on.
  auto above = std::lower_bound(loss.begin() + 1, loss.end() - 1, load,
                                [](const LossPoint& point, Watts w) { return point.load < w; });
  const LossPoint& a = *(above - 1);
  const LossPoint& b = *above;
  return a.loss + (b.loss - a.loss) * ((load - a.load) / (b.load - a.load));
}

void NodePower::check() const {
  const auto needs = [](bool ok, const char* what) {
    if (!ok) throw std::invalid_argument(what);
  };
  needs(host_idle >= Watts{}, "host idle power is negative");
  needs(host_active_per_gpu >= Watts{}, "host power per GPU is negative");
  for (std::size_t i = 0; i < loss.size(); ++i) {
    needs(loss[i].load >= Watts{} && loss[i].loss >= Watts{}, "a point of the loss is negative");
    needs(i == 0 || loss[i - 1].load < loss[i].load, "the loads of the loss do not ascend");
  }
  needs(loss.size() < 2 || loss[loss.size() - 2].loss <= loss.back().loss,
        "the last segment of the loss falls, so that it would become a gain beyond");
}

}  // namespace nightwatt
