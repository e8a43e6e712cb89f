#include "sim/demand_charge.hpp"

#include <algorithm>

namespace nightwatt {

void MonthPeaks::add(SimTime start, double mean_w) {
  if (charge_ == nullptr) return;
  while (month_ + 1 < charge_->months.size() && charge_->months[month_ + 1] <= start) ++month_;
  if (peaks_w_.size() <= month_) peaks_w_.resize(month_ + 1, 0.0);
  peaks_w_[month_] = std::max(peaks_w_[month_], mean_w);
}

std::vector<MonthDemand> MonthPeaks::until(SimTime until) const {
  std::vector<MonthDemand> months;
  if (charge_ == nullptr) return months;
  for (std::size_t m = 0; m + 1 < charge_->months.size(); ++m) {
    const SimTime start = charge_->months[m], end = charge_->months[m + 1];
    if (start >= until) break;
    const SimTime from = std::max(start, SimTime{}), to = std::min(end, until);
    const double part =
        static_cast<double>(to.ns() - from.ns()) / static_cast<double>(end.ns() - start.ns());
    MonthDemand month;
    month.start_s = start.seconds();
    month.peak_w = m < peaks_w_.size() ? peaks_w_[m] : 0.0;
    month.share = charge_->by_time ? part : 1.0;
    month.cost = month.peak_w / 1000.0 * charge_->per_kw * month.share;
    months.push_back(month);
  }
  return months;
}

}  // namespace nightwatt
