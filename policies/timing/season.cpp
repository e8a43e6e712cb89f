#include "policies/decisions.hpp"
#include "policies/local_time.hpp"

namespace nightwatt {
namespace {

/// Starts only in some months, on the calendar of the job's home site.
class Season final : public TimingPolicy {
 public:
  explicit Season(const ParamValues& values)
      : first_(static_cast<int>(values.number("first"))),
        last_(static_cast<int>(values.number("last"))),
        must_run_(values.text("must") == "run") {}

  void see(const SitesView& view) override {
    for (const SiteView& site : view.sites) {
      clocks_.emplace_back(site.timezone, view.period_start_unix_s);
    }
  }
  bool runs() const override { return must_run_; }
  void windows(const JobView& job, std::int16_t home, SimTime now, SimTime latest,
               std::vector<Window>& out) override {
    const SiteClock& clock = clocks_[static_cast<std::size_t>(home)];
    const int months = last_ >= first_ ? last_ - first_ + 1 : last_ + 12 - first_ + 1;
    for (int year = clock.date(now).year - 1;; ++year) {
      const SimTime from = clock.instant(first_of_month(year, first_), 0);
      const bool whole = must_run_ && !job.pausable;
      const SimTime to =
          SimTime::from_ns(clock.instant(first_of_month(year, first_ + months), 0).ns() -
                           SimTime::from_seconds(whole ? job.estimate_s : 0.0).ns());
      if (to > now && to > from) out.push_back({from, to});
      if (from > latest) return;
    }
  }

 private:
  int first_, last_;
  bool must_run_;
  std::vector<SiteClock> clocks_;  ///< by site
};

[[maybe_unused]] const bool registered = register_policy<Season>(
    {Question::timing,
     "season",
     "starts in some months only, on the calendar of its home site",
     "McDonald et al. 2022, Great Power, Great Responsibility (NAACL Findings): long jobs moved to "
     "the winter",
     {{"first", ParamKind::integer, "first month, 1 to 12", "11", 1, 12, {}},
      {"last",
       ParamKind::integer,
       "last month, in the next year if before the first",
       "2",
       1,
       12,
       {}},
      {"must",
       ParamKind::text,
       "what has to lie in the months: the start, or the run (whole, by estimate, unless the job "
       "is "
       "pausable)",
       "start",
       -1e300,
       1e300,
       {"start", "run"}}}});

}  // namespace
}  // namespace nightwatt
