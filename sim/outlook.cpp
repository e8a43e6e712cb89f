#include "sim/outlook.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <string>
#include <utility>
#include <vector>

#include "energy/random.hpp"
#include "policies/expected.hpp"

namespace nightwatt {
namespace {

constexpr std::int64_t hour_ns = 3'600'000'000'000;
constexpr std::int64_t day_ns = 24 * hour_ns;

/// What a joule of IT work is charged with over a span, times its seconds; and a joule at the
/// meter.
struct Sums {
  double t_s = 0.0, carbon = 0.0, price = 0.0, grid_carbon = 0.0, grid_price = 0.0;
  void add(const Sums& other, double factor = 1.0) {
    t_s += other.t_s;
    carbon += factor * other.carbon;
    price += factor * other.price;
    grid_carbon += factor * other.grid_carbon;
    grid_price += factor * other.grid_price;
  }
};

/// What really comes, to the end of the series; others expect something else of it.
class TrueOutlook : public Outlook {
 public:
  explicit TrueOutlook(const SiteSetup& site)
      : signals_(site.seen()), load_share_(1.0 - site.facility.fixed_share) {}

  double carbon_g_per_j(SimTime now, SimTime from, SimTime to) const override {
    const Sums sum = expected(now, from, to);
    return sum.carbon / sum.t_s;
  }
  double price_per_j(SimTime now, SimTime from, SimTime to) const override {
    const Sums sum = expected(now, from, to);
    return sum.price / sum.t_s;
  }
  double grid_carbon_g_per_j(SimTime now, SimTime from, SimTime to) const override {
    const Sums sum = expected(now, from, to);
    return sum.grid_carbon / sum.t_s;
  }
  double grid_price_per_j(SimTime now, SimTime from, SimTime to) const override {
    const Sums sum = expected(now, from, to);
    return sum.grid_price / sum.t_s;
  }
  SimTime next_change(SimTime t) const override {
    return t < signals_.end() ? signals_.next_change(t) : SimTime::max();
  }

 protected:
  [[nodiscard]] virtual Sums expected(SimTime /*now*/, SimTime from, SimTime to) const {
    return truth(from, to);
  }
  /// Up to the end of the series; nothing, and so NaN as a mean, beyond it.
  [[nodiscard]] Sums truth(SimTime from, SimTime to) const {
    to = std::min(to, signals_.end());
    if (from >= to) return {};
    const ChargeIntegrals sum = signals_.between(from, to);
    return {sum.t_s, sum.ci + load_share_ * sum.x_ci, sum.price + load_share_ * sum.x_price, sum.ci,
            sum.price};
  }
  /// Seconds, and seconds times what PUE makes of a joule, within the series.
  [[nodiscard]] std::pair<double, double> seconds(SimTime from, SimTime to) const {
    const ChargeIntegrals sum = signals_.between(from, to);
    return {sum.t_s, sum.t_s + load_share_ * sum.x_s};
  }
  [[nodiscard]] SimTime end() const { return signals_.end(); }

 private:
  const SiteSignals& signals_;
  double load_share_;
};

/// Everything is known in advance.
class PerfectOutlook final : public TrueOutlook {
 public:
  using TrueOutlook::TrueOutlook;

  const Course* course(Signal signal, SimTime until) const override {
    Course& course = courses_[static_cast<std::size_t>(signal)];
    std::vector<Course::Step>& steps = course.steps;
    course.known_until = end();
    if (steps.empty()) steps.push_back({SimTime{}, unknown});
    while (steps.back().from <= until) {
      const SimTime from = steps.back().from, to = next_change(from);
      steps.back().value = expected_mean(*this, signal, from, from, to);
      steps.push_back({to, unknown});
    }
    return &course;
  }

 private:
  mutable std::array<Course, 2> courses_;  ///< by signal, as far as they were asked for
};

/// The last 24 hours come again, day after day; before second 0 its values held.
class PersistentOutlook : public TrueOutlook {
 public:
  using TrueOutlook::TrueOutlook;

 protected:
  [[nodiscard]] Sums expected(SimTime now, SimTime from, SimTime to) const override {
    Sums sum;
    for (std::int64_t at = from.ns(); at < to.ns();) {
      const std::int64_t days = (at - now.ns()) / day_ns + 1;
      const std::int64_t end = std::min<std::int64_t>(to.ns(), now.ns() + days * day_ns);
      const std::int64_t shift = days * day_ns;
      if (const std::int64_t early = std::min(end, shift); at < early) {
        const Sums first = truth(SimTime{}, SimTime::from_ns(1'000'000'000));
        const double span_s = static_cast<double>(early - at) * 1e-9;
        sum.add({span_s, first.carbon * span_s, first.price * span_s, first.grid_carbon * span_s,
                 first.grid_price * span_s});
        at = early;
      } else {
        sum.add(truth(SimTime::from_ns(at - shift), SimTime::from_ns(end - shift)));
        at = end;
      }
    }
    return sum;
  }
};

/// The newest forecast that was made by then; beyond its reach, and for a signal without forecasts,
/// the last 24 hours come again. The PUE ahead is known.
class FiledOutlook final : public PersistentOutlook {
 public:
  explicit FiledOutlook(const SiteSetup& site)
      : PersistentOutlook(site), carbon_(site.carbon_forecast), price_(site.price_forecast) {}

  SimTime next_change(SimTime t) const override {
    SimTime next = PersistentOutlook::next_change(t);
    for (const auto* forecast : {carbon_.get(), price_.get()}) {
      if (forecast != nullptr) next = std::min(next, forecast->next_change(t));
    }
    return next;
  }
  std::uint64_t beyond_reach() const override { return beyond_reach_; }

 private:
  [[nodiscard]] Sums expected(SimTime now, SimTime from, SimTime to) const override {
    to = std::min(to, end());
    if (from >= to) return {};
    Sums sum;
    add(carbon_.get(), &Sums::carbon, &Sums::grid_carbon, now, from, to, sum);
    add(price_.get(), &Sums::price, &Sums::grid_price, now, from, to, sum);
    sum.t_s = static_cast<double>(to.ns() - from.ns()) * 1e-9;
    return sum;
  }
  /// One signal, with PUE and without.
  void add(const ForecastSeries* forecast, double Sums::*charged, double Sums::*grid, SimTime now,
           SimTime from, SimTime to, Sums& sum) const {
    const ForecastSeries::Issue* issue = forecast == nullptr ? nullptr : forecast->newest(now);
    bool beyond = false;
    for (SimTime at = from; at < to;) {
      const ForecastSeries::Span span =
          issue == nullptr ? ForecastSeries::Span{false, 0.0, to} : forecast->at(*issue, at);
      const SimTime end = std::min(span.end, to);
      if (span.known) {
        const auto [t_s, charged_s] = seconds(at, end);
        sum.*charged += span.value * charged_s;
        sum.*grid += span.value * t_s;
      } else {
        const Sums again = PersistentOutlook::expected(now, at, end);
        sum.*charged += again.*charged;
        sum.*grid += again.*grid;
        beyond = forecast != nullptr;
      }
      at = end;
    }
    if (beyond) ++beyond_reach_;
  }

  std::shared_ptr<const ForecastSeries> carbon_, price_;
  mutable std::uint64_t beyond_reach_ = 0;
};

/// The truth with an error that is the same whenever it is asked for, and smaller the nearer it is.
class NoisyOutlook final : public TrueOutlook {
 public:
  NoisyOutlook(const SiteSetup& site, const Forecast& forecast, std::uint64_t seed,
               std::size_t index)
      : TrueOutlook(site),
        forecast_(forecast),
        draws_(seed, "forecast " + std::to_string(index)),
        kept_(std::exp(-3600.0 / forecast.correlation_s)) {}

 private:
  [[nodiscard]] Sums expected(SimTime now, SimTime from, SimTime to) const override {
    Sums sum;
    for (std::int64_t at = from.ns(); at < to.ns();) {
      const std::int64_t hour = at / hour_ns;
      const std::int64_t end = std::min<std::int64_t>(to.ns(), (hour + 1) * hour_ns);
      // The error of an hour is that of its middle; what has begun is known.
      const double lead_h =
          std::max(0.0, static_cast<double>(hour * hour_ns + hour_ns / 2 - now.ns()) / hour_ns);
      const bool begun = hour * hour_ns <= now.ns();
      const double sigma = begun ? 0.0 : forecast_.error * std::pow(lead_h, forecast_.growth);
      sum.add(truth(SimTime::from_ns(at), SimTime::from_ns(end)),
              std::exp(sigma * error_of(static_cast<std::size_t>(hour))));
      at = end;
    }
    return sum;
  }
  /// Standard normal, correlated from hour to hour (an autoregression of first order).
  [[nodiscard]] double error_of(std::size_t hour) const {
    while (errors_.size() <= hour) {
      const double draw = draws_.normal(errors_.size());
      errors_.push_back(
          errors_.empty() ? draw : kept_ * errors_.back() + std::sqrt(1.0 - kept_ * kept_) * draw);
    }
    return errors_[hour];
  }

  Forecast forecast_;
  RandomStream draws_;
  double kept_;  ///< correlation of neighbouring hours
  mutable std::vector<double> errors_;
};

}  // namespace

std::unique_ptr<Outlook> make_outlook(const SiteSetup& site, const Forecast& forecast,
                                      std::uint64_t seed, std::size_t index) {
  switch (forecast.from) {
    case ForecastFrom::persistence:
      return std::make_unique<PersistentOutlook>(site);
    case ForecastFrom::noisy:
      return std::make_unique<NoisyOutlook>(site, forecast, seed, index);
    case ForecastFrom::file:
      return std::make_unique<FiledOutlook>(site);
    case ForecastFrom::perfect:
      break;
  }
  return std::make_unique<PerfectOutlook>(site);
}

}  // namespace nightwatt
