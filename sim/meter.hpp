#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "energy/quantity.hpp"
#include "energy/signal.hpp"
#include "sim/result.hpp"

namespace nightwatt {

/// Watts as integer nanowatts, so that sums do not depend on their order and what is taken away
/// again leaves exactly nothing (9.2 GW fit).
using NanoWatts = std::int64_t;
inline NanoWatts to_nanowatts(Watts p) { return std::llround(to_watts(p) * 1e9); }
inline double to_watts(NanoWatts p) { return static_cast<double>(p) * 1e-9; }

/// What a joule of IT energy is charged, integrated from the period's start: facility seconds,
/// carbon and money a watt of constant IT power has cost so far.
struct ChargeRates {
  double facility_extra_s = 0.0;  ///< ∫ (a-1) dt
  double carbon = 0.0;            ///< ∫ a CI dt
  double price = 0.0;             ///< ∫ a price dt
  double water = 0.0;             ///< ∫ WUE dt; 0 where the site has none
};

/// Adds up the power of one site exactly: totals, bins and peaks. Power, GPU and job counts are
/// levels that change at instants; a change costs the same whatever the interval that it closes.
class SiteMeter {
 public:
  /// The first six are the terms of IT power in nW (order of Term); then GPUs in 1/1000, then jobs.
  enum Column : std::size_t {
    gpus_busy = term_count,
    gpus_idle,
    gpus_asleep,
    jobs_running,
    jobs_queued,
    jobs_held,
    jobs_paused,
    columns
  };

  /// @param demand, water  null where the site has none; outlive the meter, as `signals`
  SiteMeter(const SiteSignals& signals, const Facility& facility, SimTime bin, SimTime peak_window,
            SimTime period_end, const DemandCharge* demand = nullptr,
            const SiteSignals* water = nullptr);

  /// Goes to an instant: charges all levels up to it. Must be called before the first change of an
  /// instant; t never goes back.
  void advance(SimTime t);
  void change(std::size_t column, std::int64_t delta) { pending_[column] += delta; }
  void change(Term term, NanoWatts delta) { pending_[static_cast<std::size_t>(term)] += delta; }

  [[nodiscard]] SimTime now() const { return now_; }
  /// Charges up to the present instant.
  [[nodiscard]] const ChargeRates& rates() const { return rates_; }
  [[nodiscard]] std::int64_t level(std::size_t column) const {
    return level_[column] + pending_[column];
  }

  /// Goes to the file's end and fills totals, bins and peaks.
  void finish(SimTime file_end, SiteResult& out);
  /// Σ bin·dt of IT [J], facility [J] and carbon [g], for the check against the totals.
  struct BinSums {
    double it_j = 0.0, facility_j = 0.0, carbon_g = 0.0;
  };
  [[nodiscard]] const BinSums& bin_sums() const { return bin_sums_; }

 private:
  __extension__ typedef __int128 Wide;  // nW·ns of a year of 9 GW need 88 bits
  struct Bin {
    std::array<std::int64_t, columns>
        step{};                          ///< change of level that holds from this bin's start on
    std::array<Wide, columns> inside{};  ///< level · ns that changes inside this bin add to it
    double facility_inside = 0.0;        ///< the same with a(t) as a factor [W s]
    double carbon_inside = 0.0;          ///< and with a(t)·CI(t) [g]
  };
  struct Totals {
    std::array<Wide, columns> level_ns{};
    double it_x = 0.0, it_ci = 0.0, it_x_ci = 0.0, it_price = 0.0, it_x_price = 0.0, water = 0.0;
  };

  void flush();
  void integrate(SimTime to, const ChargeIntegrals& there);
  void peaks(SimTime to, double it_w);
  [[nodiscard]] SiteTotals totals(SimTime until, const ChargeIntegrals& there) const;
  /// Months up to the present instant; the window that is not over counts with what it has.
  [[nodiscard]] std::vector<MonthDemand> demand() const;
  [[nodiscard]] std::int64_t it_level() const;
  [[nodiscard]] ChargeRates rates_of(const ChargeIntegrals& i) const;

  const SiteSignals& signals_;
  const SiteSignals* water_;
  double water_here_ = 0.0;  ///< ∫ WUE dt up to now
  MonthPeaks months_;
  double fixed_share_, reference_it_w_;
  SimTime bin_, window_, period_end_;
  SimTime now_;
  ChargeIntegrals here_;
  ChargeRates rates_;
  std::array<std::int64_t, columns> level_{}, pending_{};
  Totals sum_;
  SiteTotals to_period_end_;
  bool past_period_end_ = false;
  std::vector<Bin> bins_;
  std::int64_t cached_bin_ = -1;
  ChargeIntegrals cached_bin_end_;
  double peak_it_w_ = 0.0, peak_facility_w_ = 0.0, window_j_ = 0.0;
  SimTime window_end_;
  BinSums bin_sums_;
};

}  // namespace nightwatt
