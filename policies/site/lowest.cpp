#include <algorithm>
#include <memory>

#include "policies/expected.hpp"
#include "policies/site/choosers.hpp"

namespace nightwatt {
namespace {

enum class Over { now, run };

/// Where the job is expected to be charged least; sites with too much work are left out as long
/// as there are others.
class Lowest final : public SitePolicy {
 public:
  Lowest(const ParamValues& values, Signal signal, Over over)
      : signal_(signal), over_(over), max_load_s_(values.number("max_load")) {}

  void see(const SitesView& view) override { sites_ = view.sites; }
  bool weighs_costs() const override { return true; }

  std::size_t choose(const JobView&, std::int16_t, const std::vector<SiteCandidate>& candidates,
                     SimTime now) override {
    const bool all_full = std::all_of(candidates.begin(), candidates.end(),
                                      [&](const auto& c) { return c.load_s > max_load_s_; });
    if (all_full) {
      return least(candidates, [](const SiteCandidate& c) { return c.load_s; });
    }
    return least(candidates, [&](const SiteCandidate& c) {
      if (c.load_s > max_load_s_) return std::numeric_limits<double>::quiet_NaN();
      const Outlook& outlook = at(c.site);
      const SimTime run = at_least_a_moment(c.run_s), moved = at_least_a_moment(c.transfer_s);
      const bool over_now = over_ == Over::now;
      const SimTime start = over_now || c.transfer_s == 0.0 ? now : later(now, moved);
      const SimTime end =
          over_now ? std::min(outlook.next_change(now), later(now, run)) : later(start, run);
      double worth = expected_mean(outlook, signal_, now, start, end) * c.energy_j;
      if (c.transfer_energy_j > 0.0) {
        for (const std::int16_t site : {c.data_site, c.site}) {
          const SimTime arrival =
              over_now ? std::min(at(site).next_change(now), later(now, moved)) : later(now, moved);
          worth +=
              0.5 * c.transfer_energy_j * expected_grid_mean(at(site), signal_, now, now, arrival);
        }
      }
      return worth;
    });
  }

 private:
  [[nodiscard]] const Outlook& at(std::int16_t site) const {
    return *sites_[static_cast<std::size_t>(site)].outlook;
  }
  static SimTime at_least_a_moment(double seconds) {
    return std::max(SimTime::from_seconds(seconds), SimTime::from_ns(1));
  }
  static SimTime later(SimTime t, SimTime by) { return SimTime::from_ns(t.ns() + by.ns()); }

  Signal signal_;
  Over over_;
  double max_load_s_;
  std::vector<SiteView> sites_;
};

template <Signal signal, Over over>
std::unique_ptr<Policy> make(const ParamValues& values) {
  return std::make_unique<Lowest>(values, signal, over);
}

const std::vector<ParamInfo> params = {
    {"max_load",
     ParamKind::seconds,
     "partitions with more work (GPU-seconds waiting and running, per GPU) are left out",
     "7 days",
     0,
     366 * 86400.0,
     {}}};

[[maybe_unused]] const bool registered =
    register_policy({Question::site, "lowest-carbon-now",
                     "goes where its energy emits least at the intensity of this moment",
                     "Google, Patterson et al. 2022, The Carbon Footprint of Machine Learning "
                     "Training Will Plateau, Then Shrink (IEEE Computer): the factor map",
                     params},
                    make<Signal::carbon, Over::now>) &&
    register_policy({Question::site, "lowest-carbon",
                     "goes where it is expected to emit least over its run, started now",
                     "as lowest-carbon-now, over the run", params},
                    make<Signal::carbon, Over::run>) &&
    register_policy({Question::site, "cheapest",
                     "goes where it is expected to cost least over its run, started now",
                     "as lowest-carbon, with prices", params},
                    make<Signal::price, Over::run>);

}  // namespace
}  // namespace nightwatt
