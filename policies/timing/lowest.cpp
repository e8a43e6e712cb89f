#include <algorithm>
#include <memory>

#include "policies/decisions.hpp"
#include "policies/timing/cheapest_start.hpp"

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
    const std::int64_t run_ns =
        std::max<std::int64_t>(1, SimTime::from_seconds(job.estimate_s).ns());
    const SimTime best = cheapest_start(outlook, signal_, now, latest, run_ns).start;
    if (best > now) out.push_back({best, SimTime::max()});
  }

 private:
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
