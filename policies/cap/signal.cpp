#include "policies/cap/outside.hpp"
#include "policies/decisions.hpp"
#include "policies/high_hours.hpp"

namespace nightwatt {
namespace {

/// A low limit while carbon or price is high, as expected over the time ahead.
class SignalCap final : public CapPolicy {
 public:
  explicit SignalCap(const ParamValues& values)
      : high_(values), low_(watts(values.number("limit"))), clamps_(clamps_outside(values)) {}

  void see(const SitesView& view) override { high_.see(view); }
  Watts cap(const JobView&, const CapRange& range, const CapEffect&, SimTime now) override {
    return high_.at(range.site, now) ? low_ : no_cap;
  }
  bool clamps() const override { return clamps_; }
  std::vector<Watts> limits() const override { return {low_}; }
  SimTime next_change(SimTime now) const override { return high_.next_change(now); }

 private:
  HighHours high_;
  Watts low_;
  bool clamps_;
};

[[maybe_unused]] const bool registered = register_policy<SignalCap>(
    {Question::cap,
     "signal",
     "a power limit while carbon or price is among the highest expected in the time ahead",
     "definition",
     {{"limit", ParamKind::watts, "power limit of a GPU in those hours", "", 1, 1e5, {}},
      HighHours::signal(),
      HighHours::share(),
      HighHours::over(),
      outside_range()}});

}  // namespace
}  // namespace nightwatt
