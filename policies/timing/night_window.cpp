#include <stdexcept>

#include "policies/decisions.hpp"
#include "policies/local_time.hpp"

namespace nightwatt {
namespace {

/// Starts only between two times of the day, on the wall clock of the job's home site.
class NightWindow final : public TimingPolicy {
 public:
  explicit NightWindow(const ParamValues& values)
      : from_s_(static_cast<std::int64_t>(values.number("from"))),
        to_s_(static_cast<std::int64_t>(values.number("to"))),
        must_run_(values.text("must") == "run") {
    if (from_s_ == to_s_) throw std::invalid_argument("expected 'from' and 'to' to differ");
  }

  void see(const SitesView& view) override {
    for (const SiteView& site : view.sites) {
      clocks_.emplace_back(site.timezone, view.period_start_unix_s);
    }
  }
  bool runs() const override { return must_run_; }
  void windows(const JobView& job, std::int16_t home, SimTime now, SimTime latest,
               std::vector<Window>& out) override {
    const SiteClock& clock = clocks_[static_cast<std::size_t>(home)];
    // One that may be paused uses the night to its end.
    const bool whole = must_run_ && !job.pausable;
    const SimTime estimate = SimTime::from_seconds(whole ? job.estimate_s : 0.0);
    const std::int64_t over_midnight = to_s_ <= from_s_ ? 1 : 0;
    for (std::int64_t day = clock.date(now).day - 1;; ++day) {
      const SimTime from = clock.instant(day, from_s_);
      const SimTime to =
          SimTime::from_ns(clock.instant(day + over_midnight, to_s_).ns() - estimate.ns());
      if (to > now && to > from) out.push_back({from, to});
      if (from > latest) return;
    }
  }

 private:
  std::int64_t from_s_, to_s_;
  bool must_run_;
  std::vector<SiteClock> clocks_;  ///< by site
};

[[maybe_unused]] const bool registered = register_policy<NightWindow>(
    {Question::timing,
     "night-window",
     "starts (or runs) between two times of the day on the wall clock of its home site",
     "McDonald et al. 2022, Great Power, Great Responsibility (NAACL Findings): jobs moved to the "
     "night",
     {{"from", ParamKind::time_of_day, "first time of the day", "21:00", 0, 86400, {}},
      {"to",
       ParamKind::time_of_day,
       "end, on the next day if not after `from`",
       "06:00",
       0,
       86400,
       {}},
      {"must",
       ParamKind::text,
       "what has to lie in the window: the start, or the run (whole, by estimate, unless the job "
       "is "
       "pausable)",
       "start",
       -1e300,
       1e300,
       {"start", "run"}}}});

}  // namespace
}  // namespace nightwatt
