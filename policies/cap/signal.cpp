#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include "policies/decisions.hpp"
#include "policies/expected.hpp"

namespace nightwatt {
namespace {

/// A low limit while carbon or price is high, as expected over the time ahead.
class SignalCap final : public CapPolicy {
 public:
  explicit SignalCap(const ParamValues& values)
      : signal_(values.text("signal") == "carbon" ? Signal::carbon : Signal::price),
        low_(watts(values.number("limit"))),
        share_(values.number("share")),
        over_(SimTime::from_seconds(values.number("over"))),
        clamps_(values.text("outside") == "clamp") {}

  void see(const SitesView& view) override {
    sites_ = view.sites;
    states_.resize(sites_.size());
  }
  Watts cap(const JobView&, const CapRange& range, const CapEffect&, SimTime now) override {
    return is_high(static_cast<std::size_t>(range.site), now) ? low_ : no_cap;
  }
  bool clamps() const override { return clamps_; }
  std::vector<Watts> limits() const override { return {low_}; }
  SimTime next_change(SimTime now) const override {
    SimTime next = SimTime::max();
    for (const SiteView& site : sites_) next = std::min(next, site.outlook->next_change(now));
    return next;
  }

 private:
  struct State {
    SimTime until = SimTime::from_ns(-1);  ///< the answer holds before it
    bool high = false;
  };

  /// Whether now is among the highest share of the time ahead. Asked once a step.
  bool is_high(std::size_t site, SimTime now) {
    State& state = states_[site];
    if (now < state.until) return state.high;
    const Outlook& outlook = *sites_[site].outlook;
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

  Signal signal_;
  Watts low_;
  double share_;
  SimTime over_;
  bool clamps_;
  std::vector<SiteView> sites_;
  std::vector<State> states_;
};

[[maybe_unused]] const bool registered = register_policy<SignalCap>(
    {Question::cap,
     "signal",
     "a power limit while carbon or price is among the highest expected in the time ahead",
     "definition",
     {{"limit", ParamKind::watts, "power limit of a GPU in those hours", "", 1, 1e5, {}},
      {"signal", ParamKind::text, "what is compared", "carbon", -1e300, 1e300, {"carbon", "price"}},
      {"share",
       ParamKind::fraction,
       "share of the time ahead that counts as high",
       "30 %",
       0,
       1,
       {}},
      {"over", ParamKind::seconds, "how far ahead is looked", "24 h", 1, 366 * 86400.0, {}},
      {"outside",
       ParamKind::text,
       "what to do where the limit is outside a device's legal range",
       "error",
       -1e300,
       1e300,
       {"error", "clamp"}}}});

}  // namespace
}  // namespace nightwatt
