#include <algorithm>
#include <cmath>

#include "policies/decisions.hpp"
#include "policies/expected.hpp"

namespace nightwatt {
namespace {

/// Starts, or runs, while carbon or price is expected to be among the lowest of the time ahead.
class Threshold final : public TimingPolicy {
 public:
  explicit Threshold(const ParamValues& values)
      : signal_(values.text("signal") == "carbon" ? Signal::carbon : Signal::price),
        quantile_(values.number("quantile")),
        over_(SimTime::from_seconds(values.number("over"))),
        must_run_(values.text("must") == "run") {}

  void see(const SitesView& view) override { sites_ = view.sites; }
  bool runs() const override { return must_run_; }

  void windows(const JobView&, std::int16_t home, SimTime now, SimTime latest,
               std::vector<Window>& out) override {
    const Outlook& outlook = *sites_[static_cast<std::size_t>(home)].outlook;
    // The least value under which the signal lies for that share of the time ahead.
    steps_.clear();
    const SimTime end = SimTime::from_ns(now.ns() + over_.ns());
    for (SimTime from = now; from < end;) {
      const SimTime to = std::min(outlook.next_change(from), end);
      if (const double v = expected_mean(outlook, signal_, now, from, to); !std::isnan(v)) {
        steps_.emplace_back(v, to.ns() - from.ns());
      }
      from = to;
    }
    if (steps_.empty()) return;
    std::sort(steps_.begin(), steps_.end());
    double all_ns = 0.0;
    for (const auto& [v, ns] : steps_) all_ns += static_cast<double>(ns);
    double limit = steps_.back().first, sum_ns = 0.0;
    for (const auto& [v, ns] : steps_) {
      sum_ns += static_cast<double>(ns);
      if (sum_ns >= quantile_ * all_ns) {
        limit = v;
        break;
      }
    }
    for (SimTime from = now; from <= latest;) {
      const SimTime to = outlook.next_change(from);
      // Means of equal steps may differ in their last digits.
      if (expected_mean(outlook, signal_, now, from, to) <= limit * (1 + 1e-9)) {
        if (!out.empty() && out.back().to == from) {
          out.back().to = to;
        } else {
          out.push_back({from, to});
        }
      }
      if (to == SimTime::max()) return;
      from = to;
    }
  }

 private:
  Signal signal_;
  double quantile_;
  SimTime over_;
  bool must_run_;
  std::vector<SiteView> sites_;
  std::vector<std::pair<double, std::int64_t>> steps_;
};

[[maybe_unused]] const bool registered = register_policy<Threshold>(
    {Question::timing,
     "threshold",
     "starts (or runs) while carbon or price is among the lowest expected in the time ahead",
     "the pause-and-resume threshold of Wiesner et al. 2021 (Middleware)",
     {{"signal", ParamKind::text, "what is compared", "carbon", -1e300, 1e300, {"carbon", "price"}},
      {"quantile",
       ParamKind::fraction,
       "share of the time ahead that counts as low",
       "30 %",
       0,
       1,
       {}},
      {"over", ParamKind::seconds, "how far ahead is looked", "24 h", 1, 366 * 86400.0, {}},
      {"must",
       ParamKind::text,
       "what has to lie in that time: the start, or the run of jobs that are pausable",
       "start",
       -1e300,
       1e300,
       {"start", "run"}}}});

}  // namespace
}  // namespace nightwatt
