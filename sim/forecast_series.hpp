#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "energy/quantity.hpp"

namespace nightwatt {

/// Forecasts of a signal in base units on the simulation's clock, each with the instant at which it
/// was made.
struct ForecastSeries {
  struct Issue {
    SimTime at;
    std::vector<SimTime> times;  ///< ascending
    std::vector<double> values;  ///< each holds from its time on for `step`
  };
  std::vector<Issue> issues;  ///< by `at`
  SimTime step;

  /// The newest that was made at `now` or before; null if none was.
  [[nodiscard]] const Issue* newest(SimTime now) const;
  /// What an issue says from an instant on, and until when; without a value where it says nothing.
  struct Span {
    bool known = false;
    double value = 0.0;
    SimTime end;
  };
  [[nodiscard]] Span at(const Issue& issue, SimTime t) const;
  /// First instant after t at which some issue may change; SimTime::max() if none.
  [[nodiscard]] SimTime next_change(SimTime t) const;
};

}  // namespace nightwatt
