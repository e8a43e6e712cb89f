#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "analysis/bounds/lower_bound.hpp"

namespace nightwatt {

/// The Lagrangian relaxation of the capacity: with a price on each GPU-second of a cell (partition
/// x hour) jobs no longer hinder each other, and each takes its own cheapest way.
///
///   L(price) = Σ_job min over its options and times of [charge + Σ price · GPU-seconds used]
///              - Σ_cell price · capacity
///
/// For every price >= 0 this is at most the charge of any schedule that keeps to the windows, the
/// freedoms and the capacity (weak duality): such a schedule uses no more than the capacity, so
/// its priced charge is at most its charge, and each job's part is at least that job's minimum.
/// The value can so be checked without trust in whatever found the prices.
class Relaxation {
 public:
  /// The input outlives it. All sites that an option names have the series.
  Relaxation(const BoundInput& input, Objective objective, double cell_s);

  [[nodiscard]] std::size_t cells() const { return capacity_.size(); }
  [[nodiscard]] std::size_t cells_of_partition() const { return cells_per_partition_; }
  [[nodiscard]] double cell_s() const { return cell_s_; }
  /// GPU-seconds of each cell; [partition * cells_of_partition() + hour].
  [[nodiscard]] const std::vector<double>& capacity() const { return capacity_; }
  /// Mean charge of a joule in an hour of a site.
  [[nodiscard]] double mean_weight(std::size_t site, std::size_t hour) const;

  struct Value {
    double bound = 0.0;         ///< L, less what rounding can have added
    std::vector<double> usage;  ///< GPU-seconds by cell of the jobs' choices
  };
  /// @param price  by cell, none negative
  [[nodiscard]] Value at(const std::vector<double>& price) const;

 private:
  /// Signals of a site, cut at the cells too.
  struct Series {
    std::vector<double> time_s;    ///< starts of the pieces, and the end
    std::vector<double> weight;    ///< charge per joule
    std::vector<double> integral;  ///< ∫ weight dt up to each start
    std::vector<std::uint32_t> cell;
    [[nodiscard]] std::size_t piece(double t) const;
  };
  struct Choice;
  struct Scratch;
  void interruptible(const BoundInput::Option& option, double from_s, double to_s,
                     const std::vector<double>& price, Scratch& scratch, Choice& out) const;
  void in_one_go(const BoundInput::Option& option, double from_s, double to_s,
                 const std::vector<double>& price, Scratch& scratch, Choice& out) const;
  void at_one_instant(const BoundInput::Option& option, double from_s, double to_s,
                      Choice& out) const;

  const BoundInput& input_;
  Objective objective_;
  double cell_s_;
  std::size_t cells_per_partition_ = 0;
  std::vector<Series> series_;  ///< by site
  std::vector<double> capacity_;
};

/// Prices of the cells from a min-cost flow of classes of jobs (LEMON's network simplex), for
/// Relaxation::at. Jobs with like windows and power are one class; classes are made coarser until
/// the network has no more arcs than allowed.
struct FlowPrices {
  std::vector<double> price;
  std::size_t classes = 0, arcs = 0;
};
FlowPrices flow_prices(const BoundInput& input, Objective objective, const Relaxation& relaxation,
                       std::size_t most_arcs);

}  // namespace nightwatt
