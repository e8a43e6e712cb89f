#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "policies/decisions.hpp"
#include "sim/setup.hpp"

namespace nightwatt {

/// How much more decisions by a forecast are charged, by the truth, than those that the same
/// policies would have made at the same moments with perfect knowledge. Queues are left out: a job
/// is taken to start as soon as it may.
class Regret {
 public:
  /// Policies of its own that see the truth.
  Regret(const Setup& setup, SitesView sites);

  /// A job at home at `home` was given these windows (ascending; none = at once). One that is
  /// paused between them runs through them; its pauses are taken as work of their length.
  void timing(const JobView& job, std::int16_t home, SimTime now, SimTime latest,
              const std::vector<Window>& decided, double power_w);
  void site(const JobView& job, std::int16_t home, const std::vector<SiteCandidate>& candidates,
            SimTime now, std::size_t decided);

  /// NaN where a site has no such series.
  [[nodiscard]] double carbon_g() const { return carbon_g_; }
  [[nodiscard]] double cost() const { return cost_; }
  /// That could not be weighed: nothing is known of the time that they need.
  [[nodiscard]] std::uint64_t unknown_decisions() const { return unknown_; }

 private:
  struct Charged {
    double carbon_g = 0.0, cost = 0.0;
  };
  [[nodiscard]] Charged run(std::int16_t site, SimTime now, SimTime start, double run_s,
                            double energy_j) const;
  [[nodiscard]] Charged through(const JobView& job, std::int16_t home, SimTime now,
                                const std::vector<Window>& windows, double power_w) const;
  [[nodiscard]] Charged at(const SiteCandidate& candidate, SimTime now) const;
  void add(const Charged& decided, const Charged& best);

  std::vector<std::unique_ptr<Outlook>> outlooks_;
  std::unique_ptr<TimingPolicy> timing_;
  std::unique_ptr<SitePolicy> site_;
  double carbon_g_ = 0.0, cost_ = 0.0;
  std::uint64_t unknown_ = 0;
};

}  // namespace nightwatt
