#pragma once

#include <algorithm>
#include <limits>

#include "policies/expected.hpp"

namespace nightwatt {

/// Where a run is expected to be charged least, and its mean there.
struct CheapestStart {
  SimTime start;
  double mean;
};

/// The step of a course that holds `t`. O(log of its steps).
inline const Course::Step* step_at(const Course& course, SimTime t) {
  const auto after = std::upper_bound(
      course.steps.begin(), course.steps.end(), t,
      [](SimTime instant, const Course::Step& step) { return instant < step.from; });
  return &*after - 1;
}

/// Means over a run that is moved along a course, each step of which is looked at once.
class RunOnCourse {
 public:
  /// The course reaches behind the last end that is asked for.
  RunOnCourse(const Course& course, SimTime now, std::int64_t run_ns)
      : next_(step_at(course, now)),
        from_start_{next_, next_},
        to_end_{next_, next_},
        run_ns_(run_ns),
        known_until_(course.known_until) {}

  /// Mean over the run that begins at `start`; `start` does not descend from call to call.
  double from_start(SimTime start) {
    return from_start_.mean(start, SimTime::from_ns(start.ns() + run_ns_), known_until_);
  }
  /// Mean over the run that ends at `end`; `end` does not descend from call to call.
  double to_end(SimTime end) {
    return to_end_.mean(SimTime::from_ns(end.ns() - run_ns_), end, known_until_);
  }
  /// First step after t; t does not descend from call to call, and begins with `now`.
  SimTime next_change(SimTime t) {
    while (next_->from <= t) ++next_;
    return next_->from;
  }

 private:
  /// Integrates from the step of `now` on up to instants that do not descend.
  struct Integral {
    const Course::Step* step;
    double before = 0.0;  ///< up to the step's start

    double upto(SimTime t) const {
      return before + step->value * static_cast<double>(t.ns() - step->from.ns()) * 1e-9;
    }
    void next() {
      before = upto(step[1].from);
      ++step;
    }
  };
  struct Span {
    Span(const Course::Step* a, const Course::Step* b) : first{a}, last{b} {}
    Integral first, last;

    double mean(SimTime from, SimTime to, SimTime known_until) {
      to = std::min(to, known_until);
      if (from >= to) return std::numeric_limits<double>::quiet_NaN();
      while (first.step[1].from <= from) first.next();
      while (last.step[1].from < to) last.next();
      // Within one step there is nothing to round.
      if (first.step == last.step) return first.step->value;
      return (last.upto(to) - first.upto(from)) / (static_cast<double>(to.ns() - from.ns()) * 1e-9);
    }
  };

  const Course::Step* next_;
  Span from_start_, to_end_;
  std::int64_t run_ns_;
  SimTime known_until_;
};

/// The same, each mean asked of the outlook.
class RunOnOutlook {
 public:
  RunOnOutlook(const Outlook& outlook, Signal signal, SimTime now, std::int64_t run_ns)
      : outlook_(outlook), signal_(signal), now_(now), run_ns_(run_ns) {}

  double from_start(SimTime start) const {
    return expected_mean(outlook_, signal_, now_, start, SimTime::from_ns(start.ns() + run_ns_));
  }
  double to_end(SimTime end) const {
    return expected_mean(outlook_, signal_, now_, SimTime::from_ns(end.ns() - run_ns_), end);
  }
  SimTime next_change(SimTime t) const { return outlook_.next_change(t); }

 private:
  const Outlook& outlook_;
  Signal signal_;
  SimTime now_;
  std::int64_t run_ns_;
};

template <class Run>
CheapestStart cheapest_start(Run run, SimTime now, SimTime latest, std::int64_t run_ns) {
  // The mean over a run that slides over steps is piecewise linear: it is least where the run
  // begins or ends at a step, or at the end of the slack.
  CheapestStart best{now, run.from_start(now)};
  const auto consider = [&](SimTime start, double mean) {
    // A later start has to be worth it: rounding is not.
    if (mean < best.mean * (1 - 1e-12) || (mean == best.mean && start < best.start))
      best = {start, mean};
  };
  const SimTime end = SimTime::from_ns(latest.ns() + run_ns);
  for (SimTime step = run.next_change(now); step <= end; step = run.next_change(step)) {
    if (step <= latest) consider(step, run.from_start(step));
    const SimTime start = SimTime::from_ns(step.ns() - run_ns);
    if (start > now) consider(start, run.to_end(step));
  }
  if (latest > now) consider(latest, run.from_start(latest));
  return best;
}

/// The start in [now, latest] with the least expected mean over a run of `run_ns` > 0; now, where
/// no later one is lower. O(steps of the signals in between).
inline CheapestStart cheapest_start(const Outlook& outlook, Signal signal, SimTime now,
                                    SimTime latest, std::int64_t run_ns) {
  const SimTime end = SimTime::from_ns(latest.ns() + run_ns);
  if (const Course* course = outlook.course(signal, end))
    return cheapest_start(RunOnCourse(*course, now, run_ns), now, latest, run_ns);
  return cheapest_start(RunOnOutlook(outlook, signal, now, run_ns), now, latest, run_ns);
}

}  // namespace nightwatt
