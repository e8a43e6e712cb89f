#pragma once

#include <cstddef>
#include <vector>

#include "energy/quantity.hpp"

namespace nightwatt {

/// What a month's largest mean facility power over a peak window costs.
struct DemandRate {
  double per_kw = 0.0;  ///< in the site's money, for a whole month
  bool by_time = true;  ///< a month that is charged in part costs that share of it
};

struct DemandCharge : DemandRate {
  std::vector<SimTime> months;  ///< starts of calendar months of the site's clock, ascending; the
                                ///< first is not after second 0, the last after all that is charged
};

/// A month of it.
struct MonthDemand {
  double start_s = 0.0;  ///< of the calendar month
  double peak_w = 0.0;   ///< largest mean facility power of a window that begins in it
  double share = 0.0;    ///< of the month that is charged
  double cost = 0.0;
};

/// The largest window of each month, as windows close one after the other.
class MonthPeaks {
 public:
  MonthPeaks() = default;
  explicit MonthPeaks(const DemandCharge& charge) : charge_(&charge) {}

  /// A window that began at `start`; starts never go back.
  void add(SimTime start, double mean_w);
  /// The months from second 0 to `until`; empty without a demand charge.
  [[nodiscard]] std::vector<MonthDemand> until(SimTime until) const;

 private:
  const DemandCharge* charge_ = nullptr;
  std::vector<double> peaks_w_;
  std::size_t month_ = 0;
};

}  // namespace nightwatt
