#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include "policies/decisions.hpp"
#include "policies/local_time.hpp"

namespace nightwatt {

/// Windows that come again by the wall clock of the job's home site: nights, seasons.
class ClockWindows : public TimingPolicy {
 public:
  explicit ClockWindows(const ParamValues& values) : must_run_(values.text("must") == "run") {}

  void see(const SitesView& view) override {
    for (const SiteView& site : view.sites)
      clocks_.emplace_back(site.timezone, view.period_start_unix_s);
  }
  bool runs() const override { return must_run_; }
  void windows(const JobView& job, std::int16_t home, SimTime now, SimTime latest,
               std::vector<Window>& out) override {
    const SiteClock& clock = clocks_[static_cast<std::size_t>(home)];
    // The whole run has to lie in it, except of a job that may be paused: that uses it to its end.
    const bool whole = must_run_ && !job.pausable;
    const std::int64_t run_ns = whole ? SimTime::from_seconds(job.estimate_s).ns() : 0;
    for (std::int64_t period = period_at(clock.date(now)) - 1;; ++period) {
      const Window all = window(clock, period);
      // A zone that skipped a whole day has one night twice.
      const SimTime from = out.empty() ? all.from : std::max(all.from, out.back().to);
      const SimTime to = SimTime::from_ns(all.to.ns() - run_ns);
      if (to > now && to > from) out.push_back({from, to});
      if (all.from > latest) return;
    }
  }

  /// The parameter that says what has to lie in a window.
  static ParamInfo must(const std::string& window) {
    return {"must",
            ParamKind::text,
            "what has to lie in " + window +
                ": the start, or the run (whole, by estimate, unless the job is pausable)",
            "start",
            -1e300,
            1e300,
            {"start", "run"}};
  }

 private:
  /// Number of the day, year, ... of a date: the window that begins in it.
  virtual std::int64_t period_at(const SiteClock::Date& date) const = 0;
  virtual Window window(const SiteClock& clock, std::int64_t period) const = 0;

  bool must_run_;
  std::vector<SiteClock> clocks_;  ///< by site
};

}  // namespace nightwatt
