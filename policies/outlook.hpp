#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "energy/quantity.hpp"

namespace nightwatt {

/// What a policy that follows a signal weighs.
enum class Signal : unsigned char { carbon, price };

/// A signal that is known in advance, step by step.
struct Course {
  struct Step {
    SimTime from;
    double value;  ///< up to the next step's start
  };
  std::vector<Step> steps;  ///< the last one only ends the one before it
  SimTime known_until;
};

/// What is expected of a site's signals. Policies see this, accounting the truth.
class Outlook {
 public:
  virtual ~Outlook() = default;
  /// Mean over [from, to) of the carbon that a joule of IT work is charged with, PUE included, as
  /// expected at `now`; NaN where nothing is known (no series, or beyond its end).
  /// now <= from < to.
  [[nodiscard]] virtual double carbon_g_per_j(SimTime now, SimTime from, SimTime to) const = 0;
  /// The same of the price, in the site's money.
  [[nodiscard]] virtual double price_per_j(SimTime now, SimTime from, SimTime to) const = 0;
  /// The same of a joule at the meter, without PUE: what moving data is charged with.
  [[nodiscard]] virtual double grid_carbon_g_per_j(SimTime now, SimTime from, SimTime to) const = 0;
  [[nodiscard]] virtual double grid_price_per_j(SimTime now, SimTime from, SimTime to) const = 0;
  /// First instant after t at which one of them may change; SimTime::max() if none.
  [[nodiscard]] virtual SimTime next_change(SimTime t) const = 0;
  /// How often it was asked beyond the reach of its forecasts.
  [[nodiscard]] virtual std::uint64_t beyond_reach() const { return 0; }
  /// The same means as steps that reach at least from the period's start to behind `until`, where
  /// they are the same at every `now`; else null. Plans that look at many steps read them here.
  [[nodiscard]] virtual const Course* course(Signal /*signal*/, SimTime /*until*/) const {
    return nullptr;
  }
};

/// A site as policies see it beside its queues.
struct SiteView {
  std::string name, timezone;
  const Outlook* outlook = nullptr;
};

/// All sites, in the scenario's order, and where second 0 lies.
struct SitesView {
  std::vector<SiteView> sites;
  double period_start_unix_s = 0.0;
};

}  // namespace nightwatt
