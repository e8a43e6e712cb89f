#include "energy/signal.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <functional>
#include <numeric>
#include <stdexcept>
#include <string>
#include <utility>

namespace nightwatt {
namespace {

constexpr std::int64_t never_ns = std::numeric_limits<std::int64_t>::max();
constexpr std::int64_t ns_per_s = 1'000'000'000;
/// Instants further away than this (146 years) are refused, so that sums of two of them fit.
constexpr std::int64_t furthest_ns = never_ns / 2;
/// Unfolded cycles take at most this many steps (64 MiB, 119 years of hours).
constexpr std::size_t max_cells = std::size_t{1} << 20;
/// A common grid may have this many times the steps that the series have together.
constexpr double grid_blow_up = 16.0;

/// Divides, since a whole number of seconds must come out whole.
double to_s(std::int64_t ns) { return static_cast<double>(ns) / 1e9; }

/// Seconds without needless digits, for messages.
std::string seconds_text(std::int64_t ns) {
  std::array<char, 32> buffer;
  const auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), to_s(ns));
  return std::string(buffer.data(), end.ptr) + " s";
}

std::int64_t floor_div(std::int64_t a, std::int64_t b) { return a / b - (a % b < 0 ? 1 : 0); }
std::int64_t floor_mod(std::int64_t a, std::int64_t b) { return a - floor_div(a, b) * b; }

/// Index of the step that holds `t_ns`, which lies in the series' own span.
std::size_t step_at(const StepSeries& series, std::int64_t t_ns) {
  if (series.step.ns() > 0) {
    return static_cast<std::size_t>((t_ns - series.start.ns()) / series.step.ns());
  }
  const auto after =
      std::upper_bound(series.times.begin(), series.times.end(), SimTime::from_ns(t_ns));
  return static_cast<std::size_t>(after - series.times.begin()) - 1;
}

/// Start of step i; i = number of values gives the end.
std::int64_t step_start_ns(const StepSeries& series, std::size_t i) {
  if (series.step.ns() > 0) {
    return series.start.ns() + static_cast<std::int64_t>(i) * series.step.ns();
  }
  return series.times[i].ns();
}

/// A running sum that keeps what rounding takes away (Neumaier 1974).
class CompensatedSum {
 public:
  void add(double term) {
    const double next = sum_ + term;
    // The smaller of the two lost digits; with infinities or NaN the correction is NaN, as the sum.
    lost_ += std::abs(sum_) >= std::abs(term) ? (sum_ - next) + term : (term - next) + sum_;
    sum_ = next;
  }
  [[nodiscard]] double value() const { return sum_ + lost_; }

 private:
  double sum_ = 0.0;
  double lost_ = 0.0;
};

struct Sums {
  CompensatedSum x_s, ci, x_ci, price, x_price;

  void add(const SiteSignals::Values& values, double span_s) {
    const double x = values.pue - 1.0;
    x_s.add(x * span_s);
    ci.add(values.carbon_g_per_j * span_s);
    x_ci.add(x * values.carbon_g_per_j * span_s);
    price.add(values.price_per_j * span_s);
    x_price.add(x * values.price_per_j * span_s);
  }
};

}  // namespace

StepSeries StepSeries::constant(double value) {
  StepSeries series;
  series.values = {value};
  series.beyond = Beyond::hold;
  return series;
}

StepSeries StepSeries::regular(SimTime start, SimTime step, std::vector<double> values,
                               Beyond beyond) {
  StepSeries series{start, step, {}, std::move(values), beyond};
  if (step.ns() <= 0) throw std::invalid_argument("the step of a regular series is not positive");
  series.check();
  return series;
}

StepSeries StepSeries::irregular(std::vector<SimTime> times, std::vector<double> values,
                                 Beyond beyond) {
  StepSeries series;
  if (!times.empty()) series.start = times.front();
  series.times = std::move(times);
  series.values = std::move(values);
  series.beyond = beyond;
  if (series.times.size() != series.values.size() + 1) {
    throw std::invalid_argument("an irregular series needs one more time than values");
  }
  series.check();
  return series;
}

void StepSeries::check() const {
  if (values.empty()) throw std::invalid_argument("the series has no values");
  if (!is_absent()) {
    for (std::size_t i = 0; i < values.size(); ++i) {
      if (!std::isfinite(values[i])) {
        throw std::invalid_argument("value " + std::to_string(i + 1) +
                                    " of the series is not a finite number");
      }
    }
  }
  if (is_constant() && step.ns() == 0 && times.empty()) return;
  const auto too_far = [](std::int64_t ns) { return ns > furthest_ns || ns < -furthest_ns; };
  if (step.ns() > 0) {
    if (!times.empty()) throw std::invalid_argument("a regular series has no list of times");
    const auto steps = static_cast<std::int64_t>(values.size());
    if (too_far(start.ns()) || step.ns() > (furthest_ns - start.ns()) / steps) {
      throw std::invalid_argument("the series reaches further than 146 years");
    }
    return;
  }
  if (step.ns() < 0) throw std::invalid_argument("the step of the series is negative");
  if (times.size() != values.size() + 1) {
    throw std::invalid_argument("an irregular series needs one more time than values");
  }
  if (std::adjacent_find(times.begin(), times.end(), std::greater_equal<>{}) != times.end()) {
    throw std::invalid_argument("the times of the series do not ascend");
  }
  if (too_far(times.front().ns()) || too_far(times.back().ns())) {
    throw std::invalid_argument("the series reaches further than 146 years");
  }
}

SimTime StepSeries::begin() const {
  if (is_constant()) return SimTime::from_ns(std::numeric_limits<std::int64_t>::min());
  return SimTime::from_ns(step_start_ns(*this, 0));
}

SimTime StepSeries::end() const {
  if (is_constant()) return SimTime::max();
  return SimTime::from_ns(step_start_ns(*this, values.size()));
}

double StepSeries::at(SimTime t) const {
  if (is_constant()) return values.front();
  const std::int64_t from = begin().ns();
  const std::int64_t to = end().ns();
  std::int64_t asked = t.ns();
  if (asked < from || asked >= to) {
    switch (beyond) {
      case Beyond::error:
        throw std::out_of_range("the series covers " + seconds_text(from) + " to " +
                                seconds_text(to) + " after the period's start, and " +
                                seconds_text(asked) + " was asked for");
      case Beyond::hold:
        return asked < from ? values.front() : values.back();
      case Beyond::repeat:
        asked = from + floor_mod(asked - from, to - from);
    }
  }
  return values[step_at(*this, asked)];
}

SimTime StepSeries::next_change(SimTime t) const {
  if (is_constant()) return SimTime::max();
  const std::int64_t from = begin().ns();
  const std::int64_t to = end().ns();
  std::int64_t asked = t.ns();
  std::int64_t cycles_ns = 0;
  if (beyond == Beyond::repeat) {
    if (asked > never_ns - (to - from)) return SimTime::max();
    cycles_ns = floor_div(asked - from, to - from) * (to - from);
    asked -= cycles_ns;
  } else {
    // Value 0 holds before its step, too: the first change is where step 1 begins.
    if (asked < from)
      return SimTime::from_ns(beyond == Beyond::hold ? step_start_ns(*this, 1) : from);
    if (asked >= step_start_ns(*this, values.size() - 1)) return SimTime::max();
  }
  return SimTime::from_ns(cycles_ns + step_start_ns(*this, step_at(*this, asked) + 1));
}

SiteSignals::SiteSignals(StepSeries pue, StepSeries carbon_g_per_j, StepSeries price_per_j)
    : pue_(std::move(pue)), carbon_(std::move(carbon_g_per_j)), price_(std::move(price_per_j)) {
  for (const auto& [name, series] : named()) {
    try {
      series->check();
    } catch (const std::invalid_argument& fault) {
      throw std::invalid_argument(std::string(name) + ": " + fault.what());
    }
    if (series->beyond == Beyond::error && (series->begin().ns() > 0 || series->end().ns() <= 0)) {
      throw std::out_of_range(
          std::string(name) + ": the series covers " + seconds_text(series->begin().ns()) + " to " +
          seconds_text(series->end().ns()) + " after the period's start, but not the start itself");
    }
  }
  const auto low = std::find_if(pue_.values.begin(), pue_.values.end(),
                                [](double value) { return !(value >= 1.0); });
  if (low != pue_.values.end()) {
    throw std::invalid_argument(
        "pue: value " + std::to_string(low - pue_.values.begin() + 1) +
        " of the series is below 1 (facility energy cannot be less than IT energy)");
  }
  lay_out();
}

void SiteSignals::lay_out() {
  // Where steps can begin: multiples of `common` away from `origin`.
  std::int64_t common = 0;
  std::int64_t origin = 0;
  bool any = false;
  const auto boundary = [&](std::int64_t ns) {
    if (!any) origin = ns;
    any = true;
    common = std::gcd(common, ns - origin);
  };
  end_ns_ = never_ns;
  std::int64_t last_hold = 0;  // from here on the held series do not change
  std::int64_t cycle = 1;      // least common multiple of the cycles; 0 = too long
  bool repeats = false;
  for (const StepSeries* series : {&pue_, &carbon_, &price_}) {
    if (series->is_constant()) continue;
    const std::int64_t from = series->begin().ns();
    const std::int64_t to = series->end().ns();
    boundary(from);
    boundary(to);
    if (series->step.ns() > 0) {
      boundary(from + series->step.ns());
    } else {
      for (const SimTime t : series->times) boundary(t.ns());
    }
    if (series->beyond == Beyond::error) end_ns_ = std::min(end_ns_, to);
    if (series->beyond == Beyond::hold) {
      last_hold = std::max(last_hold, step_start_ns(*series, series->values.size() - 1));
    }
    if (series->beyond == Beyond::repeat) {
      repeats = true;
      const std::int64_t part = (to - from) / std::gcd(cycle, to - from);
      cycle = cycle > 0 && part <= furthest_ns / cycle ? cycle * part : 0;
    }
  }

  if (end_ns_ != never_ns) {
    table_end_ns_ = end_ns_;
    tail_ = Tail::none;
  } else if (!repeats) {
    table_end_ns_ = last_hold + 1;  // so that the step that goes on is in the table
    tail_ = Tail::hold;
  } else {
    const bool fits = cycle > 0 && last_hold <= furthest_ns - cycle;
    table_end_ns_ = fits ? last_hold + cycle : furthest_ns;
    tail_ = fits ? Tail::cycle : Tail::sum;
    cycle_start_ns_ = last_hold;
  }

  // Steps on [0, table end): what the series have themselves always fits, unfolded cycles may not.
  double expected = 1.0;
  std::size_t given = 1;
  for (const StepSeries* series : {&pue_, &carbon_, &price_}) {
    if (series->is_constant()) continue;
    given += series->values.size();
    const double per_ns = static_cast<double>(series->values.size()) /
                          static_cast<double>(series->end().ns() - series->begin().ns());
    const double covered =
        series->beyond == Beyond::repeat
            ? static_cast<double>(table_end_ns_)
            : static_cast<double>(std::clamp<std::int64_t>(series->end().ns(), 0, table_end_ns_));
    expected += per_ns * covered + 1.0;
  }
  const double limit = static_cast<double>(std::max(max_cells, 2 * given));
  if (expected > limit) {
    table_end_ns_ = std::max<std::int64_t>(
        static_cast<std::int64_t>(static_cast<double>(table_end_ns_) * (limit / expected)), 1);
    tail_ = Tail::sum;
    expected = limit;
  }

  if (!any) {
    lay_grid(ns_per_s, 0);  // one step of any length: the values are constant
  } else {
    const double grid_steps =
        static_cast<double>(table_end_ns_) / static_cast<double>(common) + 1.0;
    if (grid_steps <= grid_blow_up * expected &&
        grid_steps <= std::max(static_cast<double>(max_cells), 2.0 * expected)) {
      lay_grid(common, origin);
    } else {
      lay_irregular(static_cast<std::size_t>(expected));
    }
  }
  fill_prefix();
  if (tail_ == Tail::hold) table_end_ns_ = never_ns;
}

void SiteSignals::lay_grid(std::int64_t step_ns, std::int64_t origin_ns) {
  grid_step_ns_ = step_ns;
  grid_start_ns_ = -floor_mod(-origin_ns, step_ns);
  cells_per_ns_ = 1.0 / static_cast<double>(step_ns);
  const std::int64_t count = (table_end_ns_ - grid_start_ns_ + step_ns - 1) / step_ns;
  cells_.reserve(static_cast<std::size_t>(count));
  for (std::int64_t i = 0; i < count; ++i) {
    cells_.push_back({0, 0, 0, 0, 0, read(SimTime::from_ns(grid_start_ns_ + i * step_ns))});
  }
}

void SiteSignals::lay_irregular(std::size_t expected_steps) {
  cells_.reserve(expected_steps);
  starts_ns_.reserve(expected_steps);
  for (std::int64_t t = 0; t < table_end_ns_; t = next_step(SimTime::from_ns(t)).ns()) {
    starts_ns_.push_back(t);
    cells_.push_back({0, 0, 0, 0, 0, read(SimTime::from_ns(t))});
  }
  // As many stretches as steps: then a stretch holds one step on average.
  const auto stretches = static_cast<std::int64_t>(cells_.size());
  stretch_ns_ = table_end_ns_ / stretches + 1;
  first_of_stretch_.resize(cells_.size() + 1);
  std::size_t cell = 0;
  for (std::size_t i = 0; i < first_of_stretch_.size(); ++i) {
    const std::int64_t begins = static_cast<std::int64_t>(i) * stretch_ns_;
    while (cell + 1 < cells_.size() && starts_ns_[cell + 1] <= begins) ++cell;
    first_of_stretch_[i] = static_cast<std::uint32_t>(cell);
  }
}

void SiteSignals::fill_prefix() {
  Sums sums;
  for (std::size_t i = 0; i < cells_.size(); ++i) {
    Cell& cell = cells_[i];
    cell.x_s = sums.x_s.value();
    cell.ci = sums.ci.value();
    cell.x_ci = sums.x_ci.value();
    cell.price = sums.price.value();
    cell.x_price = sums.x_price.value();
    if (i + 1 < cells_.size()) {
      sums.add(cell.values, to_s(cell_start_ns(i + 1) - cell_start_ns(i)));
    }
  }
  if (tail_ == Tail::cycle) cycle_total_ = in_table(table_end_ns_) - in_table(cycle_start_ns_);
}

std::int64_t SiteSignals::cell_start_ns(std::size_t i) const {
  if (grid_step_ns_ == 0) return starts_ns_[i];
  // A first step that begins before the period counts from the period's start.
  return i == 0 ? 0 : grid_start_ns_ + static_cast<std::int64_t>(i) * grid_step_ns_;
}

SiteSignals::Values SiteSignals::read(SimTime t) const {
  return {pue_.at(t), carbon_.at(t), price_.at(t)};
}

std::array<std::pair<const char*, const StepSeries*>, 3> SiteSignals::named() const {
  return {{{"pue", &pue_}, {"carbon", &carbon_}, {"price", &price_}}};
}

SimTime SiteSignals::next_step(SimTime t) const {
  return std::min({pue_.next_change(t), carbon_.next_change(t), price_.next_change(t)});
}

SimTime SiteSignals::next_change(SimTime t) const {
  const SimTime next = next_step(t);
  return next < end() ? next : SimTime::max();
}

/// The cell of an instant: the last one for all that lies beyond its start.
SiteSignals::Spot SiteSignals::find(std::int64_t t_ns) const {
  if (grid_step_ns_ > 0) {
    // Unsigned, since t may be the last instant there is and the grid may begin before 0.
    const auto since =
        static_cast<std::uint64_t>(t_ns) - static_cast<std::uint64_t>(grid_start_ns_);
    const auto step = static_cast<std::uint64_t>(grid_step_ns_);
    const std::uint64_t last = cells_.size() - 1;
    // A multiplication instead of a division; rounding may miss the step by one.
    auto i = static_cast<std::uint64_t>(static_cast<double>(since) * cells_per_ns_);
    if (i > last) i = last;
    if (i * step > since) {
      --i;
    } else if (i < last && since - i * step >= step) {
      ++i;
    }
    return {&cells_[i], i == 0 ? t_ns : static_cast<std::int64_t>(since - i * step)};
  }
  const auto stretch =
      std::min(static_cast<std::size_t>(t_ns / stretch_ns_), first_of_stretch_.size() - 1);
  const auto first = starts_ns_.begin() + first_of_stretch_[stretch];
  const auto last = stretch + 1 < first_of_stretch_.size()
                        ? starts_ns_.begin() + first_of_stretch_[stretch + 1] + 1
                        : starts_ns_.end();
  const auto i =
      static_cast<std::size_t>(std::upper_bound(first, last, t_ns) - starts_ns_.begin()) - 1;
  return {&cells_[i], t_ns - starts_ns_[i]};
}

ChargeIntegrals SiteSignals::in_table(std::int64_t t_ns) const {
  const Spot spot = find(t_ns);
  const Cell& cell = *spot.cell;
  const double since_s = to_s(spot.since_ns);
  const double x = cell.values.pue - 1.0;
  const double ci = cell.values.carbon_g_per_j;
  const double price = cell.values.price_per_j;
  return {to_s(t_ns),
          cell.x_s + x * since_s,
          cell.ci + ci * since_s,
          cell.x_ci + x * ci * since_s,
          cell.price + price * since_s,
          cell.x_price + x * price * since_s};
}

ChargeIntegrals SiteSignals::upto(SimTime t) const {
  // Negative instants become huge, so that one comparison sends both ends the slow way.
  if (static_cast<std::uint64_t>(t.ns()) < static_cast<std::uint64_t>(table_end_ns_)) [[likely]] {
    return in_table(t.ns());
  }
  return after_table(t.ns());
}

ChargeIntegrals SiteSignals::after_table(std::int64_t t_ns) const {
  if (t_ns < 0) throw std::logic_error("signals were asked for an instant before the period");
  if (t_ns > end_ns_) refuse(t_ns);
  if (tail_ == Tail::none || tail_ == Tail::hold) return in_table(t_ns);
  if (tail_ == Tail::cycle) {
    const std::int64_t length = table_end_ns_ - cycle_start_ns_;
    const std::int64_t cycles = (t_ns - cycle_start_ns_) / length;
    const ChargeIntegrals rest = in_table(t_ns - cycles * length);
    const auto n = static_cast<double>(cycles);
    return {to_s(t_ns),
            rest.x_s + n * cycle_total_.x_s,
            rest.ci + n * cycle_total_.ci,
            rest.x_ci + n * cycle_total_.x_ci,
            rest.price + n * cycle_total_.price,
            rest.x_price + n * cycle_total_.x_price};
  }
  const ChargeIntegrals stored = in_table(table_end_ns_);
  Sums sums;
  for (std::int64_t from = table_end_ns_; from < t_ns;) {
    const std::int64_t to = std::min<std::int64_t>(next_step(SimTime::from_ns(from)).ns(), t_ns);
    sums.add(read(SimTime::from_ns(from)), to_s(to - from));
    from = to;
  }
  return {to_s(t_ns),
          stored.x_s + sums.x_s.value(),
          stored.ci + sums.ci.value(),
          stored.x_ci + sums.x_ci.value(),
          stored.price + sums.price.value(),
          stored.x_price + sums.x_price.value()};
}

ChargeIntegrals SiteSignals::between(SimTime from, SimTime to) const {
  if (static_cast<std::uint64_t>(to.ns()) < static_cast<std::uint64_t>(table_end_ns_) &&
      from.ns() >= 0 && from <= to) {
    const Spot a = find(from.ns());
    const Spot b = find(to.ns());
    if (a.cell == b.cell) {
      const double span_s = to_s(to.ns() - from.ns());
      const double x = a.cell->values.pue - 1.0;
      const double ci = a.cell->values.carbon_g_per_j;
      const double price = a.cell->values.price_per_j;
      return {span_s, x * span_s, ci * span_s, x * ci * span_s, price * span_s, x * price * span_s};
    }
  }
  ChargeIntegrals charge = upto(to) - upto(from);
  charge.t_s = to_s(to.ns() - from.ns());
  return charge;
}

SiteSignals::Values SiteSignals::at(SimTime t) const {
  const std::int64_t t_ns = t.ns();
  if (t_ns < 0) throw std::logic_error("signals were asked for an instant before the period");
  if (t_ns >= end_ns_ && end_ns_ != never_ns) refuse(t_ns);
  if (t_ns < table_end_ns_ || tail_ == Tail::hold) return find(t_ns).cell->values;
  return read(t);
}

void SiteSignals::refuse(std::int64_t t_ns) const {
  for (const auto& [name, series] : named()) {
    if (series->beyond == Beyond::error && series->end().ns() == end_ns_) {
      throw std::out_of_range(std::string(name) + ": the series ends " + seconds_text(end_ns_) +
                              " after the period's start, and " + seconds_text(t_ns) +
                              " was asked for (a longer file is needed, or 'beyond: hold' or "
                              "'beyond: repeat')");
    }
  }
  throw std::out_of_range("signals end before the instant that was asked for");
}

}  // namespace nightwatt
