#include "sim/regret.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include "sim/outlook.hpp"

namespace nightwatt {
namespace {

SimTime later(SimTime t, double seconds) {
  return SimTime::from_ns(t.ns() + std::max<std::int64_t>(SimTime::from_seconds(seconds).ns(), 1));
}

}  // namespace

Regret::Regret(const Setup& setup, SitesView sites) {
  for (std::size_t s = 0; s < setup.sites.size(); ++s) {
    const SiteSetup& site = setup.sites[s];
    outlooks_.push_back(make_outlook(site, Forecast{}, setup.seed, s));
    if (site.seen().carbon_g_per_j().is_absent()) carbon_g_ = unknown;
    if (site.seen().price_per_j().is_absent()) cost_ = unknown;
    sites.sites[s].outlook = outlooks_.back().get();
  }
  const auto make = [&](Question q, const char* usual) {
    const PolicyChoice& choice = setup.policies[static_cast<std::size_t>(q)];
    return make_policy(q, choice.name.empty() ? usual : choice.name, choice.params);
  };
  timing_.reset(static_cast<TimingPolicy*>(make(Question::timing, "immediate").release()));
  site_.reset(static_cast<SitePolicy*>(make(Question::site, "home").release()));
  timing_->see(sites);
  site_->see(sites);
}

Regret::Charged Regret::run(std::int16_t site, SimTime now, SimTime start, double run_s,
                            double energy_j) const {
  const Outlook& truth = *outlooks_[static_cast<std::size_t>(site)];
  const SimTime end = later(start, run_s);
  return {energy_j * truth.carbon_g_per_j(now, start, end),
          energy_j * truth.price_per_j(now, start, end)};
}

Regret::Charged Regret::at(const SiteCandidate& c, SimTime now) const {
  const SimTime start = c.transfer_s > 0.0 ? later(now, c.transfer_s) : now;
  Charged charged = run(c.site, now, start, c.run_s, c.energy_j);
  if (c.transfer_energy_j > 0.0) {
    for (const std::int16_t end : {c.data_site, c.site}) {
      const Outlook& truth = *outlooks_[static_cast<std::size_t>(end)];
      charged.carbon_g += 0.5 * c.transfer_energy_j * truth.grid_carbon_g_per_j(now, now, start);
      charged.cost += 0.5 * c.transfer_energy_j * truth.grid_price_per_j(now, now, start);
    }
  }
  return charged;
}

void Regret::add(const Charged& decided, const Charged& best) {
  const double carbon_g = decided.carbon_g - best.carbon_g, cost = decided.cost - best.cost;
  if (std::isnan(carbon_g) && std::isnan(cost)) ++unknown_;
  if (!std::isnan(carbon_g)) carbon_g_ += carbon_g;
  if (!std::isnan(cost)) cost_ += cost;
}

Regret::Charged Regret::through(const JobView& job, std::int16_t home, SimTime now,
                                const std::vector<Window>& windows, double power_w) const {
  Charged sum;
  double left_s = job.estimate_s;
  for (std::size_t i = 0; i < windows.size() && left_s > 0.0; ++i) {
    const SimTime from = std::max(now, windows[i].from);
    if (i > 0 && windows[i - 1].to < from) left_s += job.pause_s;
    // What the last one does not hold follows it.
    const double span_s = i + 1 == windows.size()
                              ? left_s
                              : std::min(left_s, windows[i].to.seconds() - from.seconds());
    const Charged part = run(home, now, from, span_s, power_w * span_s);
    sum.carbon_g += part.carbon_g;
    sum.cost += part.cost;
    left_s -= span_s;
  }
  return sum;
}

void Regret::timing(const JobView& job, std::int16_t home, SimTime now, SimTime latest,
                    const std::vector<Window>& decided, double power_w) {
  std::vector<Window> best;
  timing_->windows(job, home, now, latest, best);
  const bool pauses = timing_->runs() && job.pausable;
  // The part of the plan that counts: its windows, or the start in the first of them.
  const auto used = [&](std::vector<Window> windows) {
    std::erase_if(windows,
                  [&](const Window& w) { return w.to <= now || (!pauses && w.from > latest); });
    if (windows.empty()) windows.push_back({now, SimTime::max()});
    if (!pauses) windows = {{std::max(now, windows.front().from), SimTime::max()}};
    return windows;
  };
  const std::vector<Window> taken = used(decided), missed = used(std::move(best));
  if (taken == missed) return;
  add(through(job, home, now, taken, power_w), through(job, home, now, missed, power_w));
}

void Regret::site(const JobView& job, std::int16_t home,
                  const std::vector<SiteCandidate>& candidates, SimTime now, std::size_t decided) {
  const std::size_t best = site_->choose(job, home, candidates, now);
  if (best == decided) return;
  add(at(candidates[decided], now), at(candidates[best], now));
}

}  // namespace nightwatt
