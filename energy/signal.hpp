#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "energy/quantity.hpp"

namespace nightwatt {

/// What a series means outside its own span.
enum class Beyond : unsigned char {
  error,   ///< asking is the user's fault: the series is too short
  hold,    ///< first or last value
  repeat,  ///< the series starts again (whole span as the cycle)
};

/// A step function of time: value i holds on [start + i*step, start + (i+1)*step), or on
/// [times[i], times[i+1]) for irregular series. Values are in base units (see quantity.hpp).
struct StepSeries {
  SimTime start;  ///< of value 0, seconds since the period's start (may be negative)
  SimTime step;   ///< > 0 for a regular series, 0 for an irregular one
  std::vector<SimTime>
      times;  ///< irregular: starts of the steps, strictly ascending, and one more, the end
  std::vector<double> values;
  Beyond beyond = Beyond::error;

  static StepSeries constant(double value);
  [[nodiscard]] bool is_constant() const;
  /// @throws std::out_of_range outside the span if beyond is error
  [[nodiscard]] double at(SimTime t) const;
  /// First instant after t at which the value may change; SimTime::max() if none.
  [[nodiscard]] SimTime next_change(SimTime t) const;
  [[nodiscard]] SimTime end() const;
};

/// Running integrals of a site's signals from the period's start, in base units. Differences of
/// two of them charge an interval of constant power exactly.
struct ChargeIntegrals {
  double t_s = 0.0;      ///< ∫ 1 dt
  double x_s = 0.0;      ///< ∫ (PUE-1) dt
  double ci = 0.0;       ///< ∫ CI dt            [s gCO2e/J]
  double x_ci = 0.0;     ///< ∫ (PUE-1) CI dt
  double price = 0.0;    ///< ∫ price dt         [s money/J]
  double x_price = 0.0;  ///< ∫ (PUE-1) price dt

  friend ChargeIntegrals operator-(const ChargeIntegrals& a, const ChargeIntegrals& b) {
    return {a.t_s - b.t_s,   a.x_s - b.x_s,     a.ci - b.ci,
            a.x_ci - b.x_ci, a.price - b.price, a.x_price - b.x_price};
  }
};

/// The three signals of a site merged into one step function with prefix integrals.
/// A missing carbon or price series is NaN throughout (and so is everything charged with it).
class SiteSignals {
 public:
  SiteSignals()
      : SiteSignals(StepSeries::constant(1.0), StepSeries::constant(0.0 / 0.0),
                    StepSeries::constant(0.0 / 0.0)) {}
  /// @throws std::invalid_argument if a PUE is below 1.
  SiteSignals(StepSeries pue, StepSeries carbon_g_per_j, StepSeries price_per_j);

  struct Values {
    double pue, carbon_g_per_j, price_per_j;
  };
  [[nodiscard]] Values at(SimTime t) const;
  /// O(1) where all series share a regular grid (constants fit any grid), else O(log n).
  /// t >= 0. @throws std::out_of_range beyond the end of a series that must not be extended; the
  /// message names the series.
  [[nodiscard]] ChargeIntegrals upto(SimTime t) const;
  /// First instant after t at which any of the three changes; SimTime::max() if none.
  [[nodiscard]] SimTime next_change(SimTime t) const;
  /// Where the shortest series that must not be extended ends; SimTime::max() if none.
  [[nodiscard]] SimTime end() const;

 private:
  StepSeries pue_, carbon_, price_;
  SimTime grid_start_, grid_step_;       ///< step 0: irregular
  std::vector<SimTime> times_;           ///< starts of the merged steps (irregular only)
  std::vector<Values> values_;           ///< of the merged steps
  std::vector<ChargeIntegrals> prefix_;  ///< up to the start of each merged step
};

/// Facility power is a(t)·P_IT + b(t) with a = 1 + (1-f)(PUE-1) and b = f·(PUE-1)·P_reference.
struct Facility {
  double fixed_share = 0.0;  ///< f in [0, 1]
  Watts reference_it;        ///< P_reference, used where f > 0
};

}  // namespace nightwatt
