#include "sim/meter.hpp"

#include <algorithm>
#include <cmath>

namespace nightwatt {
namespace {

constexpr double ns = 1e-9;

}  // namespace

SiteMeter::SiteMeter(const SiteSignals& signals, const Facility& facility, SimTime bin,
                     SimTime peak_window, SimTime period_end, const DemandCharge* demand,
                     const SiteSignals* water)
    : signals_(signals),
      water_(water),
      months_(demand == nullptr ? MonthPeaks() : MonthPeaks(*demand)),
      fixed_share_(facility.fixed_share),
      reference_it_w_(to_watts(facility.reference_it)),
      bin_(bin),
      window_(peak_window),
      period_end_(period_end),
      window_end_(peak_window) {}

std::int64_t SiteMeter::it_level() const {
  std::int64_t sum = 0;
  for (std::size_t term = 0; term < term_count; ++term) sum += level_[term];
  return sum;
}

ChargeRates SiteMeter::rates_of(const ChargeIntegrals& i) const {
  const double share = 1.0 - fixed_share_;
  return {share * i.x_s, i.ci + share * i.x_ci, i.price + share * i.x_price, water_here_};
}

void SiteMeter::advance(SimTime t) {
  if (t <= now_) return;
  flush();
  if (!past_period_end_ && t >= period_end_) {
    past_period_end_ = true;
    integrate(period_end_, signals_.upto(period_end_));
    to_period_end_ = totals(period_end_, here_);
  }
  integrate(t, signals_.upto(t));
  rates_ = rates_of(here_);
}

void SiteMeter::flush() {
  bool power_changed = false;
  NanoWatts it_change = 0;
  const auto bin = static_cast<std::size_t>(now_.ns() / bin_.ns());
  if (bins_.size() < bin + 2) bins_.resize(bin + 2);
  const std::int64_t left_ns = static_cast<std::int64_t>(bin + 1) * bin_.ns() - now_.ns();
  for (std::size_t c = 0; c < columns; ++c) {
    const std::int64_t delta = pending_[c];
    if (delta == 0) continue;
    pending_[c] = 0;
    level_[c] += delta;
    bins_[bin].inside[c] += static_cast<Wide>(delta) * left_ns;
    bins_[bin + 1].step[c] += delta;
    if (c < term_count) {
      power_changed = true;
      it_change += delta;
    }
  }
  if (!power_changed) return;
  peak_it_w_ = std::max(peak_it_w_, to_watts(it_level()));
  if (it_change == 0) return;
  if (cached_bin_ != static_cast<std::int64_t>(bin)) {
    cached_bin_ = static_cast<std::int64_t>(bin);
    const SimTime bin_end = SimTime::from_ns(static_cast<std::int64_t>(bin + 1) * bin_.ns());
    // A signal may end inside this bin; then nothing is charged behind its end either.
    cached_bin_end_ = signals_.upto(std::min(bin_end, signals_.end()));
  }
  const ChargeIntegrals d = cached_bin_end_ - here_;
  const double share = 1.0 - fixed_share_;
  bins_[bin].facility_inside += to_watts(it_change) * (d.t_s + share * d.x_s);
  bins_[bin].carbon_inside += to_watts(it_change) * (d.ci + share * d.x_ci);
}

void SiteMeter::integrate(SimTime to, const ChargeIntegrals& there) {
  if (to <= now_) return;
  const std::int64_t dt_ns = to.ns() - now_.ns();
  for (std::size_t c = 0; c < columns; ++c)
    sum_.level_ns[c] += static_cast<Wide>(level_[c]) * dt_ns;
  const double it_w = to_watts(it_level());
  const ChargeIntegrals d = there - here_;
  sum_.it_x += it_w * d.x_s;
  sum_.it_ci += it_w * d.ci;
  sum_.it_x_ci += it_w * d.x_ci;
  sum_.it_price += it_w * d.price;
  sum_.it_x_price += it_w * d.x_price;
  if (water_ != nullptr) {
    const double there_l = water_->upto(to).ci;
    sum_.water += it_w * (there_l - water_here_);
    water_here_ = there_l;
  }
  peaks(to, it_w);
  now_ = to;
  here_ = there;
}

void SiteMeter::peaks(SimTime to, double it_w) {
  ChargeIntegrals from = here_;
  const auto charge = [&](const ChargeIntegrals& until) {
    const ChargeIntegrals d = until - from;
    window_j_ +=
        it_w * (d.t_s + (1.0 - fixed_share_) * d.x_s) + fixed_share_ * reference_it_w_ * d.x_s;
    from = until;
  };
  while (window_end_ <= to) {
    charge(signals_.upto(window_end_));
    peak_facility_w_ = std::max(peak_facility_w_, window_j_ / window_.seconds());
    months_.add(SimTime::from_ns(window_end_.ns() - window_.ns()), window_j_ / window_.seconds());
    window_j_ = 0.0;
    window_end_ = SimTime::from_ns(window_end_.ns() + window_.ns());
  }
  if (to.ns() > window_end_.ns() - window_.ns()) charge(signals_.upto(to));
}

std::vector<MonthDemand> SiteMeter::demand() const {
  MonthPeaks months = months_;
  if (window_j_ > 0.0) {
    months.add(SimTime::from_ns(window_end_.ns() - window_.ns()), window_j_ / window_.seconds());
  }
  return months.until(now_);
}

SiteTotals SiteMeter::totals(SimTime until, const ChargeIntegrals& there) const {
  SiteTotals t;
  t.until_s = until.seconds();
  Wide it = 0;
  for (std::size_t term = 0; term < term_count; ++term) {
    it += sum_.level_ns[term];
    t.term_j[term] = static_cast<double>(sum_.level_ns[term]) * 1e-18;
  }
  const double share = 1.0 - fixed_share_;
  // With no fixed share nothing fixed is charged, whatever the series.
  const double fixed_w = fixed_share_ * reference_it_w_;
  const auto fixed = [fixed_w](double integral) {
    return fixed_w == 0.0 ? 0.0 : fixed_w * integral;
  };
  t.fixed = {0.0, fixed(there.x_s), fixed(there.x_ci), fixed(there.x_price)};
  t.total.it_energy_j = static_cast<double>(it) * 1e-18;
  t.total.facility_energy_j = t.total.it_energy_j + share * sum_.it_x + t.fixed.facility_energy_j;
  t.total.carbon_g = sum_.it_ci + share * sum_.it_x_ci + t.fixed.carbon_g;
  t.total.cost = sum_.it_price + share * sum_.it_x_price + t.fixed.cost;
  for (const MonthDemand& month : demand()) t.demand_charge_cost += month.cost;
  t.total.cost += t.demand_charge_cost;
  if (water_ != nullptr) t.water_l = sum_.water;
  t.gpu_seconds_held = static_cast<double>(sum_.level_ns[gpus_busy]) * ns * 1e-3;
  t.x_s = there.x_s;
  t.x_ci = there.x_ci;
  t.x_price = there.x_price;
  t.it_x_j = sum_.it_x;
  t.it_x_ci_g = sum_.it_x_ci;
  t.it_x_price = sum_.it_x_price;
  t.peak_it_w = peak_it_w_;
  return t;
}

void SiteMeter::finish(SimTime file_end, SiteResult& out) {
  advance(file_end);
  flush();
  if (!past_period_end_) to_period_end_ = totals(period_end_, here_);
  out.to_period_end = to_period_end_;
  out.to_file_end = totals(file_end, here_);
  out.demand = demand();
  out.open_window_j = window_j_;
  if (window_j_ > 0.0) {
    const double part_s = file_end.seconds() - (window_end_.seconds() - window_.seconds());
    if (part_s > 0.0) peak_facility_w_ = std::max(peak_facility_w_, window_j_ / window_.seconds());
  }
  out.peak_facility_w = peak_facility_w_;
  out.peak_window_s = window_.seconds();

  const auto count = static_cast<std::size_t>((file_end.ns() + bin_.ns() - 1) / bin_.ns());
  bins_.resize(std::max(bins_.size(), count));
  SiteBins& b = out.bins;
  for (auto* v : {&b.it_power_w, &b.facility_power_w, &b.pue, &b.carbon_intensity_g_per_kwh,
                  &b.carbon_rate_g_per_s, &b.price_per_kwh, &b.gpus_busy, &b.gpus_idle,
                  &b.gpus_asleep, &b.jobs_running, &b.jobs_queued, &b.jobs_held, &b.jobs_paused}) {
    v->resize(count);
  }
  for (auto& v : b.term_power_w) v.resize(count);

  std::array<std::int64_t, columns> level{};
  const double share = 1.0 - fixed_share_;
  const double bin_s = bin_.seconds();
  ChargeIntegrals from;
  Wide it_sum = 0;
  for (std::size_t i = 0; i < count; ++i) {
    const SimTime start = SimTime::from_ns(static_cast<std::int64_t>(i) * bin_.ns());
    const SimTime bin_end = SimTime::from_ns(start.ns() + bin_.ns());
    const SimTime end = std::min(bin_end, file_end);
    const ChargeIntegrals to = signals_.upto(end);
    const ChargeIntegrals d = to - from;
    const double covered_s = static_cast<double>(end.ns() - start.ns()) * ns;
    const std::int64_t cut_ns = bin_end.ns() - end.ns();  // of the last bin, behind the file's end
    std::int64_t it_level_nw = 0;
    Wide it = 0;
    std::array<double, columns> mean;
    for (std::size_t c = 0; c < columns; ++c) {
      level[c] += bins_[i].step[c];
      Wide sum = static_cast<Wide>(level[c]) * bin_.ns() + bins_[i].inside[c];
      if (cut_ns > 0) sum -= static_cast<Wide>(level_[c]) * cut_ns;
      mean[c] = static_cast<double>(sum) / static_cast<double>(bin_.ns());
      if (c < term_count) {
        it_level_nw += level[c];
        it += sum;
        b.term_power_w[c][i] = mean[c] * 1e-9;
      }
    }
    it_sum += it;
    const double it_w = static_cast<double>(it) / static_cast<double>(bin_.ns()) * 1e-9;
    // What changes inside the bin was weighted to the bin's end (or the signals' end); what lies
    // behind the file's end is taken off again.
    double facility_j = to_watts(it_level_nw) * (d.t_s + share * d.x_s) + bins_[i].facility_inside;
    double carbon_g = to_watts(it_level_nw) * (d.ci + share * d.x_ci) + bins_[i].carbon_inside;
    if (cut_ns > 0 && cached_bin_ == static_cast<std::int64_t>(i)) {
      const ChargeIntegrals behind = cached_bin_end_ - to;
      const double inside_w = to_watts(it_level()) - to_watts(it_level_nw);
      facility_j -= inside_w * (behind.t_s + share * behind.x_s);
      carbon_g -= inside_w * (behind.ci + share * behind.x_ci);
    }
    if (it == 0 && it_level_nw == 0) {
      facility_j = 0.0;
      carbon_g *= 0.0;  // 0, or NaN where there is no carbon series
    }
    if (fixed_share_ > 0.0) {
      facility_j += fixed_share_ * reference_it_w_ * d.x_s;
      carbon_g += fixed_share_ * reference_it_w_ * d.x_ci;
    }
    b.it_power_w[i] = it_w;
    b.facility_power_w[i] = facility_j / bin_s;
    b.pue[i] = it == 0 ? unknown : facility_j / (it_w * bin_s);
    b.carbon_rate_g_per_s[i] = carbon_g / bin_s;
    b.carbon_intensity_g_per_kwh[i] = d.ci / covered_s * joules_per_kwh;
    b.price_per_kwh[i] = d.price / covered_s * joules_per_kwh;
    b.gpus_busy[i] = mean[gpus_busy] * 1e-3;
    b.gpus_idle[i] = mean[gpus_idle] * 1e-3;
    b.gpus_asleep[i] = mean[gpus_asleep] * 1e-3;
    b.jobs_running[i] = mean[jobs_running];
    b.jobs_queued[i] = mean[jobs_queued];
    b.jobs_held[i] = mean[jobs_held];
    b.jobs_paused[i] = mean[jobs_paused];
    bin_sums_.facility_j += facility_j;
    bin_sums_.carbon_g += carbon_g;
    from = to;
  }
  bin_sums_.it_j = static_cast<double>(it_sum) * 1e-18;
}

}  // namespace nightwatt
