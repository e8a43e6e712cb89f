#include <algorithm>
#include <memory>

#include "policies/decisions.hpp"
#include "policies/expected.hpp"

namespace nightwatt {
namespace {

/// Starts at the instant within its slack at which its run is expected to be charged least.
class Lowest final : public TimingPolicy {
 public:
  explicit Lowest(Signal signal) : signal_(signal) {}

  void see(const SitesView& view) override { sites_ = view.sites; }

  void windows(const JobView& job, std::int16_t home, SimTime now, SimTime latest,
               std::vector<Window>& out) override {
    const Outlook& outlook = *sites_[static_cast<std::size_t>(home)].outlook;
    const SimTime run = std::max(SimTime::from_seconds(job.estimate_s), SimTime::from_ns(1));
    // The mean over a run that slides over steps is piecewise linear: it is least where the run
    // begins or ends at a step, or at the end of the slack.
    SimTime best = now;
    double least = mean(outlook, now, now, run);
    const auto consider = [&](SimTime start) {
      if (start <= now || start > latest) return;
      const double value = mean(outlook, now, start, run);
      // A later start has to be worth it: rounding is not.
      if (value < least * (1 - 1e-12) || (value == least && start < best)) {
        least = value;
        best = start;
      }
    };
    const SimTime end = SimTime::from_ns(latest.ns() + run.ns());
    for (SimTime step = outlook.next_change(now); step <= end; step = outlook.next_change(step)) {
      consider(step);
      consider(SimTime::from_ns(step.ns() - run.ns()));
    }
    consider(latest);
    if (best > now) out.push_back({best, SimTime::max()});
  }

 private:
  [[nodiscard]] double mean(const Outlook& outlook, SimTime now, SimTime start, SimTime run) const {
    return expected_mean(outlook, signal_, now, start, SimTime::from_ns(start.ns() + run.ns()));
  }

  Signal signal_;
  std::vector<SiteView> sites_;
};

template <Signal signal>
std::unique_ptr<Policy> make(const ParamValues&) {
  return std::make_unique<Lowest>(signal);
}

[[maybe_unused]] const bool registered =
    register_policy({Question::timing,
                     "lowest-carbon",
                     "starts when its run is expected to emit least, within its slack",
                     "Wiesner et al. 2021, Let's Wait Awhile (Middleware), non-interruptible jobs",
                     {}},
                    make<Signal::carbon>) &&
    register_policy({Question::timing,
                     "lowest-price",
                     "starts when its run is expected to cost least, within its slack",
                     "Wiesner et al. 2021, Let's Wait Awhile (Middleware), with prices",
                     {}},
                    make<Signal::price>);

}  // namespace
}  // namespace nightwatt
