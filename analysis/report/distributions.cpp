#include <algorithm>
#include <cmath>
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

/// Counts between edges that grow by equal factors; what is below the first edge is in the first
/// bin, [0, edge). Edges go as far as the values.
Json histogram(const std::vector<double>& sorted, double first_edge, int bins_a_decade) {
  Json edges = Json::array(), counts = Json::array();
  auto from = sorted.begin();
  edges.push_back(0.0);
  for (int k = 0; from != sorted.end(); ++k) {
    const double edge = first_edge * std::pow(10.0, static_cast<double>(k) / bins_a_decade);
    const auto to = std::lower_bound(from, sorted.end(), edge);
    edges.push_back(edge);
    counts.push_back(to - from);
    from = to;
  }
  return {{"edges", edges}, {"counts", counts}};
}

Json both(std::vector<double>&& values, std::size_t points, double first_edge, int bins_a_decade) {
  std::sort(values.begin(), values.end());
  Json out = {{"count", values.size()}};
  if (values.empty()) return out;
  out["quantiles"] = quantiles(values, points);
  out["histogram"] = histogram(values, first_edge, bins_a_decade);
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
  constexpr double one_second = 1.0, a_little_over_none = 1.01;
  return {{"wait_s", both(std::move(waits), budget.quantiles, one_second, 4)},
          {"slowdown", both(std::move(slowdowns), budget.quantiles, a_little_over_none, 8)}};
}

}  // namespace nightwatt::report
