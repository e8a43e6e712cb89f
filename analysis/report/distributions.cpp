#include <algorithm>
#include <array>
#include <cmath>
#include <span>
#include <utility>
#include <vector>

#include "analysis/report/parts.hpp"

namespace nightwatt::report {
namespace {

/// Values by nearest rank: half of the points spread over all ranks, half over the last hundredth,
/// of which a linear spread would show nothing.
Json quantiles(const std::vector<double>& sorted, std::size_t points) {
  const std::size_t n = sorted.size();
  std::vector<std::size_t> ranks;
  if (n <= points) {
    for (std::size_t r = 1; r <= n; ++r) ranks.push_back(r);
  } else {
    const auto half = static_cast<double>(points / 2);
    for (double k = 0; k <= half; ++k) {
      ranks.push_back(static_cast<std::size_t>(std::ceil(static_cast<double>(n) * k / half)));
      const double tail = std::pow(static_cast<double>(n), -k / half);  // 1 ... 1/n
      ranks.push_back(n - static_cast<std::size_t>(static_cast<double>(n) * tail * 0.01));
    }
    for (std::size_t& rank : ranks) rank = std::clamp<std::size_t>(rank, 1, n);
    std::sort(ranks.begin(), ranks.end());
    ranks.erase(std::unique(ranks.begin(), ranks.end()), ranks.end());
  }
  std::vector<double> values, shares;
  for (const std::size_t rank : ranks) {
    values.push_back(sorted[rank - 1]);
    shares.push_back(static_cast<double>(rank) / static_cast<double>(n));
  }
  return {{"points", values.size()},
          {"value", float32_column(values)},
          {"share", float32_column(shares)}};
}

/// Counts between edges: those given, as far as the values go, and doubled ones beyond them.
Json histogram(const std::vector<double>& sorted, std::span<const double> given) {
  Json edges = {given.front()}, counts = Json::array();
  auto from = sorted.begin();
  double edge = given.front();
  for (std::size_t k = 1; from != sorted.end(); ++k) {
    edge = k < given.size() ? given[k] : 2.0 * edge;
    const auto to = std::lower_bound(from, sorted.end(), edge);
    edges.push_back(edge);
    counts.push_back(to - from);
    from = to;
  }
  return {{"edges", std::move(edges)}, {"counts", std::move(counts)}};
}

Json both(std::vector<double>&& values, std::size_t points, std::span<const double> edges) {
  std::sort(values.begin(), values.end());
  Json out = {{"count", values.size()}};
  if (values.empty()) return out;
  out["quantiles"] = quantiles(values, points);
  out["histogram"] = histogram(values, edges);
  return out;
}

}  // namespace

Json distributions(const TimelineFile& file, const JobColumns& jobs, const Budget& budget) {
  // The same jobs as in the summary: without those of the warm-up.
  std::vector<double> waits, slowdowns;
  for (std::size_t i = 0; i < jobs.size(); ++i) {
    if (jobs.submit_s[i] < file.header().warmup_s) continue;
    if (!std::isnan(jobs.wait_s[i])) waits.push_back(jobs.wait_s[i]);
    if (!std::isnan(jobs.slowdown[i])) slowdowns.push_back(jobs.slowdown[i]);
  }
  constexpr double min = 60.0, h = 3600.0, d = 86400.0;
  constexpr std::array wait_edges = {0.0,      1.0,     2.0,     5.0,     10.0,     20.0,
                                     30.0,     1 * min, 2 * min, 5 * min, 10 * min, 20 * min,
                                     30 * min, 1 * h,   2 * h,   4 * h,   8 * h,    16 * h,
                                     1 * d,    2 * d,   4 * d,   8 * d,   16 * d,   32 * d};
  // The first bin holds those that did not wait, up to rounding.
  constexpr std::array slowdown_edges = {1.0,  1.01, 1.1,  1.2,   1.5,   2.0,   3.0,   5.0,
                                         10.0, 20.0, 50.0, 100.0, 200.0, 500.0, 1000.0};
  return {{"wait_s", both(std::move(waits), budget.quantiles, wait_edges)},
          {"slowdown", both(std::move(slowdowns), budget.quantiles, slowdown_edges)}};
}

}  // namespace nightwatt::report
