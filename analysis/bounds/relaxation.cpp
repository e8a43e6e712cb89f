#include "analysis/bounds/relaxation.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <stdexcept>

namespace nightwatt {
namespace {

/// Of the magnitudes in L. Sums of doubles are within 1e-12 of them here, what a simulation booked
/// is within 1e-9 of the exact charge (its conservation error), and energies and run times that
/// differ by less than 1e-7 are taken as equal (bound_input.cpp).
constexpr double rounding_margin = 2e-7;

/// An interval of the clock may be shorter than the run that filled it by as much.
constexpr double clock_tolerance_s = 1e-6;

}  // namespace

/// What a job does at given prices.
struct Relaxation::Choice {
  double value = std::numeric_limits<double>::infinity();
  double priced = 0.0;                                ///< part of value that is for GPU-seconds
  std::vector<std::pair<std::size_t, double>> usage;  ///< cell, GPU-seconds
};

struct Relaxation::Scratch {
  struct Piece {
    double rate;  ///< charge and price of a second of running
    double length_s;
    double price;
    std::size_t cell;
  };
  std::vector<Piece> pieces;
  std::vector<double> paid;  ///< ∫ price dt up to each cell's start; as `price`, one more a row
};

std::size_t Relaxation::Series::piece(double t) const {
  const auto after = std::upper_bound(time_s.begin(), time_s.end() - 1, t);
  return after == time_s.begin() ? 0 : static_cast<std::size_t>(after - time_s.begin()) - 1;
}

Relaxation::Relaxation(const BoundInput& input, Objective objective, double cell_s)
    : input_(input), objective_(objective), cell_s_(cell_s) {
  double horizon_s = cell_s;
  for (const BoundInput::Job& job : input.jobs) horizon_s = std::max(horizon_s, job.to_s);
  cells_per_partition_ = static_cast<std::size_t>(std::ceil(horizon_s / cell_s));
  for (const BoundInput::Site& site : input.sites) {
    const auto& weights = objective == Objective::carbon ? site.carbon_g_per_j : site.cost_per_j;
    Series series;
    const double end_s = std::min(site.end_s, horizon_s);
    std::size_t step = 0, cell = 0;
    for (double t = 0.0; t < end_s;) {
      series.time_s.push_back(t);
      series.weight.push_back(weights.at(step));
      series.cell.push_back(static_cast<std::uint32_t>(cell));
      const double next_step = step + 1 < site.from_s.size() ? site.from_s[step + 1] : site.end_s;
      const double next_cell = static_cast<double>(cell + 1) * cell_s;
      t = std::min(next_step, next_cell);
      if (t == next_cell) ++cell;
      if (t == next_step) ++step;
    }
    series.time_s.push_back(end_s);
    series.integral.assign(series.time_s.size(), 0.0);
    for (std::size_t i = 0; i < series.weight.size(); ++i) {
      series.integral[i + 1] =
          series.integral[i] + series.weight[i] * (series.time_s[i + 1] - series.time_s[i]);
    }
    series_.push_back(std::move(series));
  }
  for (const BoundInput::Partition& partition : input.partitions) {
    capacity_.insert(capacity_.end(), cells_per_partition_, partition.gpus * cell_s);
  }
}

double Relaxation::mean_weight(std::size_t site, std::size_t hour) const {
  const Series& s = series_[site];
  const double from = static_cast<double>(hour) * cell_s_;
  const double to = std::min(from + cell_s_, s.time_s.back());
  if (s.weight.empty() || to <= from) return unknown;
  const auto upto = [&](double t) {
    const std::size_t i = std::min(s.piece(t), s.weight.size() - 1);
    return s.integral[i] + s.weight[i] * (t - s.time_s[i]);
  };
  return (upto(to) - upto(from)) / (to - from);
}

void Relaxation::at_one_instant(const BoundInput::Option& option, double from_s, double to_s,
                                Choice& out) const {
  const Series& s = series_[input_.partitions[option.partition].site];
  out.value = std::numeric_limits<double>::infinity();
  out.priced = 0.0;
  out.usage.clear();
  for (std::size_t i = s.piece(from_s); i < s.weight.size(); ++i) {
    if (s.time_s[i] > to_s) break;
    const double w = s.weight[i];
    out.value = std::min(out.value, w * (w >= 0.0 ? option.least_j : option.most_j));
  }
}

void Relaxation::interruptible(const BoundInput::Option& option, double from_s, double to_s,
                               const std::vector<double>& price, Scratch& scratch,
                               Choice& out) const {
  const Series& s = series_[input_.partitions[option.partition].site];
  const std::size_t first_cell = option.partition * cells_per_partition_;
  const double run_s = std::min(option.run_s, to_s - from_s);
  const double least_w = option.least_j / run_s, most_w = option.most_j / run_s;
  auto& pieces = scratch.pieces;
  pieces.clear();
  for (std::size_t i = s.piece(from_s); i < s.weight.size() && s.time_s[i] < to_s; ++i) {
    const double length = std::min(s.time_s[i + 1], to_s) - std::max(s.time_s[i], from_s);
    if (!(length > 0.0)) continue;
    const std::size_t cell = first_cell + s.cell[i];
    const double w = s.weight[i];
    const double for_gpus = option.gpus * price[cell];
    pieces.push_back({w * (w >= 0.0 ? least_w : most_w) + for_gpus, length, for_gpus, cell});
  }
  // The cheapest pieces first, until the run is through.
  const auto dearer = [](const Scratch::Piece& a, const Scratch::Piece& b) {
    return a.rate > b.rate;
  };
  std::make_heap(pieces.begin(), pieces.end(), dearer);
  out.value = out.priced = 0.0;
  out.usage.clear();
  for (double left_s = run_s; left_s > 0.0 && !pieces.empty(); pieces.pop_back()) {
    std::pop_heap(pieces.begin(), pieces.end(), dearer);
    const Scratch::Piece& piece = pieces.back();
    const double taken = std::min(left_s, piece.length_s);
    out.value += taken * piece.rate;
    out.priced += taken * piece.price;
    out.usage.emplace_back(piece.cell, taken * option.gpus);
    left_s -= taken;
  }
}

void Relaxation::in_one_go(const BoundInput::Option& option, double from_s, double to_s,
                           const std::vector<double>& price, Scratch& scratch, Choice& out) const {
  const Series& s = series_[input_.partitions[option.partition].site];
  const std::size_t row = option.partition * cells_per_partition_;
  const double* paid = scratch.paid.data() + row + option.partition;
  const double run_s = std::min(option.run_s, to_s - from_s);
  const double power = option.least_j / run_s;
  const std::size_t last = s.weight.size() - 1;
  const auto upto = [&](double t, std::size_t i, double& priced) {
    const double since = t - static_cast<double>(s.cell[i]) * cell_s_;
    priced = option.gpus * (paid[s.cell[i]] + price[row + s.cell[i]] * since);
    return power * (s.integral[i] + s.weight[i] * (t - s.time_s[i])) + priced;
  };
  // The charge is linear in the start between the instants at which the start or the end meets a
  // step: the least is at one of them.
  double best_s = from_s;
  out.value = std::numeric_limits<double>::infinity();
  const auto look = [&](double start, std::size_t i, std::size_t k) {
    double priced_before = 0.0, priced = 0.0;
    const double before = upto(start, i, priced_before);
    const double value = upto(start + run_s, k, priced) - before;
    if (value >= out.value) return;
    out.value = value;
    out.priced = priced - priced_before;
    best_s = start;
  };
  const double latest_s = std::max(from_s, to_s - run_s);
  std::size_t i = s.piece(from_s), k = std::min(s.piece(from_s + run_s), last);
  look(from_s, i, k);
  while (true) {  // both ends go right together, from step to step of either
    const double by_start = i < last ? s.time_s[i + 1] : latest_s;
    const double by_end = k < last ? s.time_s[k + 1] - run_s : latest_s;
    const double start = std::min(by_start, by_end);
    if (!(start < latest_s)) break;
    if (by_start == start && i < last) ++i;
    if (by_end == start && k < last) ++k;
    look(start, i, k);
  }
  look(latest_s, i, k);

  out.usage.clear();
  const double end_s = best_s + run_s;
  for (auto cell = static_cast<std::size_t>(best_s / cell_s_); cell < cells_per_partition_;
       ++cell) {
    const double from = std::max(best_s, static_cast<double>(cell) * cell_s_);
    const double to = std::min(end_s, static_cast<double>(cell + 1) * cell_s_);
    if (to <= from) break;
    out.usage.emplace_back(row + cell, option.gpus * (to - from));
  }
}

Relaxation::Value Relaxation::at(const std::vector<double>& price) const {
  Scratch scratch;
  scratch.paid.reserve(price.size() + input_.partitions.size());
  for (std::size_t p = 0; p < input_.partitions.size(); ++p) {
    double paid = 0.0;
    scratch.paid.push_back(paid);
    for (std::size_t c = 0; c < cells_per_partition_; ++c) {
      paid += price[p * cells_per_partition_ + c] * cell_s_;
      scratch.paid.push_back(paid);
    }
  }
  Value result;
  result.usage.assign(capacity_.size(), 0.0);
  long double sum = 0.0L, magnitude = 0.0L;
  Choice choice, best;
  for (std::size_t j = 0; j < input_.jobs.size(); ++j) {
    const BoundInput::Job& job = input_.jobs[j];
    best.value = std::numeric_limits<double>::infinity();
    bool any = false;
    const std::span options = input_.options_of(j);
    const auto take = [&](double extra) {
      choice.value += extra;
      if (choice.value < best.value) std::swap(choice, best);
    };
    for (const BoundInput::Option& option : options) {
      const Series& series = series_[input_.partitions[option.partition].site];
      const double to_s = std::min(job.to_s, series.time_s.back());
      if (to_s - job.from_s < option.run_s - clock_tolerance_s || to_s < job.from_s) continue;
      any = true;
      if (!(option.run_s > 0.0) || !(to_s > job.from_s)) {
        at_one_instant(option, job.from_s, to_s, choice);
      } else if (option.steady && !input_.freedom.interruption) {
        in_one_go(option, job.from_s, to_s, price, scratch, choice);
      } else {
        interruptible(option, job.from_s, to_s, price, scratch, choice);
      }
      take(objective_ == Objective::carbon ? option.extra_carbon_g : option.extra_cost);
    }
    // No room for its run before the signals end, which a run that was simulated has: whatever it
    // does, it is charged no less than this.
    for (std::size_t o = 0; !any && o < options.size(); ++o) {
      at_one_instant(options[o], job.from_s, job.to_s, choice);
      take(objective_ == Objective::carbon ? options[o].extra_carbon_g : options[o].extra_cost);
    }
    if (!std::isfinite(best.value)) {
      throw std::logic_error("bounds: a job without a way to run");
    }
    sum += best.value;
    magnitude += std::abs(best.value - best.priced) + best.priced;
    for (const auto& [cell, gpu_s] : best.usage) result.usage[cell] += gpu_s;
  }
  for (std::size_t c = 0; c < capacity_.size(); ++c) {
    sum -= static_cast<long double>(price[c]) * capacity_[c];
    magnitude += static_cast<long double>(price[c]) * capacity_[c];
  }
  result.bound = static_cast<double>(sum - rounding_margin * magnitude);
  return result;
}

}  // namespace nightwatt
