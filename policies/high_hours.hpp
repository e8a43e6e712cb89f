#pragma once

#include <algorithm>
#include <cmath>
#include <vector>

#include "policies/expected.hpp"
#include "policies/registry.hpp"

namespace nightwatt {

/// Whether carbon or price is, at a site, among the highest expected in the time ahead. Asked once
/// a step of the signals; what policies that act in those hours share.
class HighHours {
 public:
  /// @param values  of signal(), share() and over()
  explicit HighHours(const ParamValues& values)
      : signal_(values.text("signal") == "carbon" ? Signal::carbon : Signal::price),
        share_(values.number("share")),
        over_(SimTime::from_seconds(values.number("over"))) {}

  static ParamInfo signal() {
    return {"signal", ParamKind::text, "what is compared", "carbon",
            -1e300,   1e300,           {"carbon", "price"}};
  }
  static ParamInfo share() {
    return {
        "share", ParamKind::fraction, "share of the time ahead that counts as high", "30 %", 0, 1,
        {}};
  }
  static ParamInfo over() {
    return {"over", ParamKind::seconds, "how far ahead is looked", "24 h", 1, 366 * 86400.0, {}};
  }

  void see(const SitesView& view) {
    sites_ = view.sites;
    states_.resize(sites_.size());
  }
  [[nodiscard]] SimTime next_change(SimTime now) const {
    SimTime next = SimTime::max();
    for (const SiteView& site : sites_) next = std::min(next, site.outlook->next_change(now));
    return next;
  }
  bool at(std::int16_t site, SimTime now) {
    State& state = states_[static_cast<std::size_t>(site)];
    if (now < state.until) return state.high;
    const Outlook& outlook = *sites_[static_cast<std::size_t>(site)].outlook;
    const double here = expected_mean(outlook, signal_, now, now, outlook.next_change(now));
    double as_high_ns = 0.0, all_ns = 0.0;
    const SimTime end = SimTime::from_ns(now.ns() + over_.ns());
    for (SimTime from = now; from < end;) {
      const SimTime to = std::min(outlook.next_change(from), end);
      const auto ns = static_cast<double>(to.ns() - from.ns());
      // Means of equal steps may differ in their last digits.
      if (expected_mean(outlook, signal_, now, from, to) >= here * (1 - 1e-9)) as_high_ns += ns;
      all_ns += ns;
      from = to;
    }
    state.high = !std::isnan(here) && all_ns > 0.0 && as_high_ns <= share_ * all_ns;
    state.until = outlook.next_change(now);
    return state.high;
  }

 private:
  struct State {
    SimTime until = SimTime::from_ns(-1);  ///< the answer holds before it
    bool high = false;
  };
  Signal signal_;
  double share_;
  SimTime over_;
  std::vector<SiteView> sites_;
  std::vector<State> states_;
};

}  // namespace nightwatt
