#include "analysis/report/decimate.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace nightwatt::report {

std::vector<std::uint32_t> extremes(std::span<const double> values, std::size_t most) {
  std::vector<std::uint32_t> kept;
  if (values.size() <= most) {
    kept.resize(values.size());
    std::iota(kept.begin(), kept.end(), 0U);
    return kept;
  }
  const std::size_t buckets = (most - 2) / 2;
  const auto keep = [&](std::size_t index) {
    if (kept.empty() || kept.back() < index) kept.push_back(static_cast<std::uint32_t>(index));
  };
  keep(0);
  for (std::size_t b = 0; b < buckets; ++b) {
    const std::size_t from = values.size() * b / buckets;
    const std::size_t to = values.size() * (b + 1) / buckets;
    std::size_t least = from, largest = from;
    for (std::size_t i = from; i < to; ++i) {
      if (std::isnan(values[i])) continue;
      if (!(values[i] >= values[least])) least = i;
      if (!(values[i] <= values[largest])) largest = i;
    }
    keep(std::min(least, largest));
    keep(std::max(least, largest));
  }
  keep(values.size() - 1);
  return kept;
}

}  // namespace nightwatt::report
