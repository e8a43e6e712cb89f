#include <cmath>
#include <vector>

#include "policies/decisions.hpp"

namespace nightwatt {
namespace {

/// Users who used least come first. Usage is held GPU-seconds that decay with a half-life, running
/// jobs included, integrated exactly between events: du/dt = gpus - u ln2 / half_life.
class FairShare final : public OrderPolicy {
 public:
  explicit FairShare(const ParamValues& values)
      : rate_per_s_(std::log(2.0) / values.number("half_life")),
        refresh_(seconds(values.number("refresh"))) {}

  double key(const JobView& job, SimTime now) override { return at(user(job), now).usage; }
  Seconds refresh() const override { return refresh_; }
  void on_start(const JobView& job, SimTime now) override { at(user(job), now).gpus += job.units; }
  void on_end(const JobView& job, SimTime now) override { at(user(job), now).gpus -= job.units; }

 private:
  struct Usage {
    double usage = 0.0;  ///< decayed GPU-seconds up to `since`
    double gpus = 0.0;   ///< held now
    SimTime since;
  };

  /// Jobs without a user share one account.
  static std::size_t user(const JobView& job) { return static_cast<std::size_t>(job.job.user + 1); }

  Usage& at(std::size_t user, SimTime now) {
    if (user >= users_.size()) users_.resize(user + 1);
    Usage& u = users_[user];
    const double dt = now.seconds() - u.since.seconds();
    if (dt > 0.0) {
      const double kept = std::exp(-rate_per_s_ * dt);
      u.usage = u.usage * kept + u.gpus * (1.0 - kept) / rate_per_s_;
      u.since = now;
    }
    return u;
  }

  double rate_per_s_;
  Seconds refresh_;
  std::vector<Usage> users_;
};

[[maybe_unused]] const bool registered =
    register_policy<FairShare>({Question::order,
                                "fair-share",
                                "users with the least decayed usage first",
                                "Slurm multifactor priority plug-in, documentation "
                                "(PriorityDecayHalfLife 7 days, PriorityCalcPeriod 5 min)",
                                {{"half_life",
                                  ParamKind::seconds,
                                  "time in which usage decays to one half",
                                  "7 days",
                                  1.0,
                                  1e12,
                                  {}},
                                 {"refresh",
                                  ParamKind::seconds,
                                  "how often the order of the queue is renewed",
                                  "5 min",
                                  1.0,
                                  1e12,
                                  {}}}});

}  // namespace
}  // namespace nightwatt
