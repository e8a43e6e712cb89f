#include <stdexcept>

#include "policies/timing/clock_windows.hpp"

namespace nightwatt {
namespace {

/// Starts only between two times of the day, on the wall clock of the job's home site.
class NightWindow final : public ClockWindows {
 public:
  explicit NightWindow(const ParamValues& values)
      : ClockWindows(values),
        from_s_(static_cast<std::int64_t>(values.number("from"))),
        to_s_(static_cast<std::int64_t>(values.number("to"))) {
    if (from_s_ == to_s_) throw std::invalid_argument("expected 'from' and 'to' to differ");
  }

 private:
  /// One night each day.
  std::int64_t period_at(const SiteClock::Date& date) const override { return date.day; }
  Window window(const SiteClock& clock, std::int64_t day) const override {
    const std::int64_t over_midnight = to_s_ <= from_s_ ? 1 : 0;
    return {clock.instant(day, from_s_), clock.instant(day + over_midnight, to_s_)};
  }

  std::int64_t from_s_, to_s_;
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
      ClockWindows::must("the window")}});

}  // namespace
}  // namespace nightwatt
