#pragma once

#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <utility>
#include <vector>

#include "energy/quantity.hpp"

namespace nightwatt {

/// What a series means outside its own span.
enum class Beyond : unsigned char {
  error,   ///< asking is the user's fault: the series is too short
  hold,    ///< first or last value
  repeat,  ///< the series starts again (whole span as the cycle), in both directions
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

  /// The same value at every instant.
  static StepSeries constant(double value);
  /// A series that is not there: NaN at every instant.
  static StepSeries absent() { return constant(std::numeric_limits<double>::quiet_NaN()); }
  /// Equal steps from `start` on. @throws std::invalid_argument as check() does
  static StepSeries regular(SimTime start, SimTime step, std::vector<double> values,
                            Beyond beyond = Beyond::error);
  /// Steps between `times` (one more than values). @throws std::invalid_argument as check() does
  static StepSeries irregular(std::vector<SimTime> times, std::vector<double> values,
                              Beyond beyond = Beyond::error);

  /// One value that holds at every instant; constants fit any grid.
  [[nodiscard]] bool is_constant() const { return values.size() == 1 && beyond != Beyond::error; }
  [[nodiscard]] bool is_absent() const { return is_constant() && std::isnan(values.front()); }
  /// @throws std::out_of_range outside the span if beyond is error
  [[nodiscard]] double at(SimTime t) const;
  /// First instant after t at which the value may change; SimTime::max() if none.
  [[nodiscard]] SimTime next_change(SimTime t) const;
  /// Where the first step begins and the last one ends, whatever `beyond` says; SimTime::max() as
  /// the end of a constant.
  [[nodiscard]] SimTime begin() const;
  [[nodiscard]] SimTime end() const;
  /// @throws std::invalid_argument if it has no value, a value that is not finite (a constant NaN
  ///   is allowed: the series is absent), times that do not ascend or do not fit the values, or a
  ///   span beyond the range of SimTime.
  void check() const;
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
      : SiteSignals(StepSeries::constant(1.0), StepSeries::absent(), StepSeries::absent()) {}
  /// @throws std::invalid_argument if a PUE is below 1 or a series is malformed (StepSeries::check)
  /// @throws std::out_of_range if a series that must not be extended does not cover the period's
  ///   start. Messages begin with the name of the series: pue, carbon or price.
  SiteSignals(StepSeries pue, StepSeries carbon_g_per_j, StepSeries price_per_j);

  struct Values {
    double pue, carbon_g_per_j, price_per_j;
  };
  /// t >= 0. @throws std::out_of_range at or beyond end()
  [[nodiscard]] Values at(SimTime t) const;
  /// O(1) where all series share a regular grid (constants fit any grid) or their union is one that
  /// is not much finer; else a search among the steps of a short stretch.
  /// All members are 0 at t = 0; those of an absent series are NaN at every t.
  /// t >= 0, else std::logic_error. @throws std::out_of_range beyond the end of a series that must
  /// not be extended; the message names the series, its end and the instant.
  [[nodiscard]] ChargeIntegrals upto(SimTime t) const;
  /// upto(to) - upto(from) without the cancellation of two long sums where both lie in one step.
  /// 0 <= from <= to.
  [[nodiscard]] ChargeIntegrals between(SimTime from, SimTime to) const;
  /// First instant after t at which any of the three changes; SimTime::max() if none.
  [[nodiscard]] SimTime next_change(SimTime t) const;
  /// Where the shortest series that must not be extended ends; SimTime::max() if none.
  [[nodiscard]] SimTime end() const { return SimTime::from_ns(end_ns_); }

  /// Whether look-ups compute their step (true) or search it, and how many steps are stored.
  [[nodiscard]] bool on_grid() const { return grid_step_ns_ > 0; }
  [[nodiscard]] std::size_t steps() const { return cells_.size(); }

  [[nodiscard]] const StepSeries& pue() const { return pue_; }
  [[nodiscard]] const StepSeries& carbon_g_per_j() const { return carbon_; }
  [[nodiscard]] const StepSeries& price_per_j() const { return price_; }

 private:
  /// What the table says about instants after its own end.
  enum class Tail : unsigned char {
    none,   ///< nothing: it reaches end()
    hold,   ///< the last step goes on
    cycle,  ///< all that follows cycle_start_ns_ comes again
    sum,    ///< the cycles are too long to store: the rest is summed step by step
  };
  /// A merged step: integrals up to its start, and the values on it. One cache line.
  struct alignas(64) Cell {
    double x_s, ci, x_ci, price, x_price;
    Values values;
  };
  struct Spot {
    const Cell* cell;
    std::int64_t since_ns;  ///< from the cell's start, or the period's in the first cell
  };

  void lay_out();
  void lay_grid(std::int64_t step_ns, std::int64_t origin_ns);
  void lay_irregular(std::size_t expected_steps);
  void fill_prefix();
  [[nodiscard]] std::array<std::pair<const char*, const StepSeries*>, 3> named() const;
  [[nodiscard]] Values read(SimTime t) const;
  [[nodiscard]] SimTime next_step(SimTime t) const;
  [[nodiscard]] Spot find(std::int64_t t_ns) const;
  [[nodiscard]] std::int64_t cell_start_ns(std::size_t i) const;
  [[nodiscard]] ChargeIntegrals in_table(std::int64_t t_ns) const;
  [[nodiscard]] ChargeIntegrals after_table(std::int64_t t_ns) const;
  [[noreturn]] void refuse(std::int64_t t_ns) const;

  StepSeries pue_, carbon_, price_;
  std::vector<Cell> cells_;
  std::int64_t table_end_ns_ = 0;  ///< look-ups below it (any, for Tail::hold) need only the table
  std::int64_t end_ns_ = 0;
  // On a grid:
  std::int64_t grid_start_ns_ = 0;  ///< <= 0
  std::int64_t grid_step_ns_ = 0;   ///< 0: irregular
  double cells_per_ns_ = 0.0;
  // Irregular: starts of the cells (the first is 0), and the first cell of each of the equal
  // stretches into which the table is cut, so that a search looks at a few steps only.
  std::vector<std::int64_t> starts_ns_;
  std::vector<std::uint32_t> first_of_stretch_;
  std::int64_t stretch_ns_ = 1;
  // After the table:
  Tail tail_ = Tail::none;
  std::int64_t cycle_start_ns_ = 0;
  ChargeIntegrals cycle_total_;
};

/// Facility power is a(t)·P_IT + b(t) with a = 1 + (1-f)(PUE-1) and b = f·(PUE-1)·P_reference.
struct Facility {
  double fixed_share = 0.0;  ///< f in [0, 1]
  Watts reference_it;        ///< P_reference, used where f > 0
};

}  // namespace nightwatt
