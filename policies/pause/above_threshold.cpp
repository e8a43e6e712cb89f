#include "policies/decisions.hpp"
#include "policies/high_hours.hpp"

namespace nightwatt {
namespace {

/// Suspends jobs while carbon or price is high: among the highest expected in the time ahead.
class AboveThreshold final : public PausePolicy {
 public:
  explicit AboveThreshold(const ParamValues& values)
      : high_(values), longest_(SimTime::from_seconds(values.number("longest"))) {}

  void see(const SitesView& view) override { high_.see(view); }
  bool suspends(std::int16_t site, SimTime now) override { return high_.at(site, now); }
  SimTime next_change(SimTime now) const override { return high_.next_change(now); }
  SimTime longest() const override { return longest_; }

 private:
  HighHours high_;
  SimTime longest_;
};

[[maybe_unused]] const bool registered = register_policy<AboveThreshold>(
    {Question::pause,
     "above-threshold",
     "jobs are suspended while carbon or price is among the highest expected in the time ahead",
     "the pause-and-resume threshold of Wiesner et al. 2021 (Middleware)",
     {HighHours::signal(),
      HighHours::share(),
      HighHours::over(),
      {"longest",
       ParamKind::seconds,
       "how long a job is suspended at most, in all its pauses",
       "24 h",
       1,
       366 * 86400.0,
       {}}}});

}  // namespace
}  // namespace nightwatt
