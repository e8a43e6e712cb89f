#include "policies/timing/clock_windows.hpp"

namespace nightwatt {
namespace {

/// Starts only in some months, on the calendar of the job's home site.
class Season final : public ClockWindows {
 public:
  explicit Season(const ParamValues& values)
      : ClockWindows(values),
        first_(static_cast<int>(values.number("first"))),
        last_(static_cast<int>(values.number("last"))) {}

 private:
  /// One season each year.
  std::int64_t period_at(const SiteClock::Date& date) const override { return date.year; }
  Window window(const SiteClock& clock, std::int64_t year) const override {
    const int months = last_ >= first_ ? last_ - first_ + 1 : last_ + 12 - first_ + 1;
    const auto begin_of = [&](int month) {
      return clock.instant(first_of_month(static_cast<int>(year), month), 0);
    };
    return {begin_of(first_), begin_of(first_ + months)};
  }

  int first_, last_;
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
      ClockWindows::must("the months")}});

}  // namespace
}  // namespace nightwatt
