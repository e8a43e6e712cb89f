#include "scenarios/power_budget.hpp"

#include <algorithm>
#include <cmath>

#include <fmt/core.h>

#include "energy/facility.hpp"
#include "scenarios/units.hpp"

namespace nightwatt {
namespace {

constexpr std::int64_t day_ns = 86'400'000'000'000;

/// A limit that holds in [from, to).
struct Stretch {
  SimTime from, to;
  Watts power;
};

double to_seconds_since(const Instant& instant, double start_unix_s) {
  return static_cast<double>(instant.unix_s) - start_unix_s + instant.ns * 1e-9;
}

/// Of a site on which nothing runs.
Watts idle_power(const SiteSetup& site, const std::vector<Device>& devices) {
  Watts sum;
  for (const PartitionSetup& p : site.partitions) {
    const Watts node = p.node.host_idle + devices[static_cast<std::size_t>(p.device)].idle *
                                              static_cast<double>(p.units_per_node);
    sum += (node + p.node.loss_at(node)) * static_cast<double>(p.nodes);
  }
  return sum;
}

}  // namespace

PowerBudget power_budget(const BudgetSpec& spec, StepSeries power, const SiteClock& clock,
                         double period_start_unix_s, SimTime period_end) {
  // Runs may go on behind the period; the last limit holds for ever.
  const SimTime last = SimTime::from_ns(period_end.ns() + 366 * day_ns);
  std::vector<Stretch> all;
  for (const BudgetHours& h : spec.hours) {
    const std::int64_t over_midnight = h.to_s < h.from_s ? 1 : 0;
    for (std::int64_t day = clock.date(SimTime{}).day - 1;; ++day) {
      const SimTime from = clock.instant(day, static_cast<std::int64_t>(h.from_s));
      if (from >= last) break;
      all.push_back(
          {from, clock.instant(day + over_midnight, static_cast<std::int64_t>(h.to_s)), h.power});
    }
  }
  for (const BudgetSpan& s : spec.spans) {
    all.push_back({SimTime::from_seconds(to_seconds_since(s.from, period_start_unix_s)),
                   SimTime::from_seconds(to_seconds_since(s.to, period_start_unix_s)), s.power});
  }
  PowerBudget budget;
  budget.of_it = spec.of_it;
  std::vector<SimTime> times = {SimTime{}, last};
  for (const Stretch& s : all) {
    for (const SimTime t : {s.from, s.to}) {
      if (t > SimTime{} && t < last) times.push_back(t);
    }
  }
  if (power.beyond == Beyond::error) power.beyond = Beyond::hold;
  for (SimTime t = power.next_change(SimTime{}); t < last; t = power.next_change(t))
    times.push_back(t);
  std::sort(times.begin(), times.end());
  times.erase(std::unique(times.begin(), times.end()), times.end());
  std::vector<double> values;
  for (std::size_t i = 0; i + 1 < times.size(); ++i) values.push_back(power.at(times[i]));
  for (const Stretch& s : all) {
    auto i = static_cast<std::size_t>(std::lower_bound(times.begin(), times.end(), s.from) -
                                      times.begin());
    for (; i < values.size() && times[i] < s.to; ++i) values[i] = to_watts(s.power);
  }
  budget.watts = StepSeries::irregular(std::move(times), std::move(values), Beyond::hold);
  return budget;
}

std::string budget_fault(const SiteSetup& site, const std::vector<Device>& devices, SimTime until) {
  const PowerBudget& budget = *site.budget;
  const Watts idle = idle_power(site, devices);
  for (SimTime t; t < until;) {
    FacilityPower facility;
    SimTime next = budget.watts.next_change(t);
    if (!budget.of_it) {
      facility = facility_power(site.facility, site.signals.at(t).pue);
      next = std::min(next, site.signals.next_change(t));
    }
    const double least_w = to_watts(facility.of(idle));
    if (budget.watts.at(t) < least_w) {
      return fmt::format(
          "expected at least {}, which the site draws with nothing running {} s after the period's "
          "start, got {}",
          format_quantity(Dimension::power, std::ceil(least_w)), t.seconds(),
          format_quantity(Dimension::power, budget.watts.at(t)));
    }
    t = next;
  }
  return {};
}

}  // namespace nightwatt
