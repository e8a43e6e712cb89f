#pragma once

#include <cstddef>
#include <vector>

#include "policies/decisions.hpp"

namespace nightwatt {

/// The candidate with the least of what `worth` says; equal ones by less load, then in the
/// scenario's order. NaN counts as more than anything.
template <class Worth>
std::size_t least(const std::vector<SiteCandidate>& candidates, Worth worth) {
  std::size_t best = 0;
  double best_worth = 0.0;
  bool any = false;
  for (std::size_t i = 0; i < candidates.size(); ++i) {
    const double w = worth(candidates[i]);
    if (!(w == w)) continue;
    if (!any || w < best_worth ||
        (w == best_worth && candidates[i].load_s < candidates[best].load_s)) {
      best = i;
      best_worth = w;
      any = true;
    }
  }
  return best;
}

}  // namespace nightwatt
