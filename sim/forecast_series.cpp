#include "sim/forecast_series.hpp"

#include <algorithm>

namespace nightwatt {

const ForecastSeries::Issue* ForecastSeries::newest(SimTime now) const {
  const auto after = std::upper_bound(issues.begin(), issues.end(), now,
                                      [](SimTime t, const Issue& issue) { return t < issue.at; });
  return after == issues.begin() ? nullptr : &*std::prev(after);
}

ForecastSeries::Span ForecastSeries::at(const Issue& issue, SimTime t) const {
  const auto after = std::upper_bound(issue.times.begin(), issue.times.end(), t);
  const SimTime next = after == issue.times.end() ? SimTime::max() : *after;
  if (after == issue.times.begin()) return {false, 0.0, next};
  const auto i = static_cast<std::size_t>(after - issue.times.begin()) - 1;
  const SimTime end = std::min(next, SimTime::from_ns(issue.times[i].ns() + step.ns()));
  if (t >= end) return {false, 0.0, next};
  return {true, issue.values[i], end};
}

SimTime ForecastSeries::next_change(SimTime t) const {
  // Targets of all issues lie on one grid as a rule: that of the newest one is taken.
  const Issue* issue = newest(t);
  if (issue == nullptr) issue = &issues.front();
  const SimTime first = issue->times.front();
  if (t < first) return first;
  if (t.ns() >= issue->times.back().ns() + step.ns()) return SimTime::max();
  const std::int64_t steps = (t.ns() - first.ns()) / step.ns() + 1;
  return SimTime::from_ns(first.ns() + steps * step.ns());
}

}  // namespace nightwatt
