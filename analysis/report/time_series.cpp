#include <array>
#include <cmath>
#include <string>
#include <utility>
#include <vector>

#include "analysis/report/decimate.hpp"
#include "analysis/report/parts.hpp"

namespace nightwatt::report {
namespace {

using Column = std::vector<double>;

void add_to(Column& sum, const Column& part) {
  if (sum.empty()) sum.resize(part.size());
  for (std::size_t i = 0; i < part.size(); ++i) sum[i] += part[i];
}

/// Bins of one site, or of all together.
struct Bins {
  Column jobs_w, idle_w, overhead_w, it_w, facility_w, carbon_g_per_s, intensity, pue, price;
  Column busy, free, asleep, running, queued, held;
};

/// What sites add up to.
constexpr std::array extensive = {&Bins::jobs_w,  &Bins::idle_w,     &Bins::overhead_w,
                                  &Bins::it_w,    &Bins::facility_w, &Bins::carbon_g_per_s,
                                  &Bins::busy,    &Bins::free,       &Bins::asleep,
                                  &Bins::running, &Bins::queued,     &Bins::held};

Bins bins_of(SiteBins&& from) {
  Bins b;
  b.jobs_w = std::move(from.term_power_w[static_cast<std::size_t>(Term::jobs)]);
  b.idle_w = std::move(from.term_power_w[static_cast<std::size_t>(Term::idle)]);
  for (const Term term : {Term::base, Term::loss, Term::asleep, Term::boot}) {
    add_to(b.overhead_w, from.term_power_w[static_cast<std::size_t>(term)]);
  }
  b.it_w = std::move(from.it_power_w);
  b.facility_w = std::move(from.facility_power_w);
  b.carbon_g_per_s = std::move(from.carbon_rate_g_per_s);
  b.intensity = std::move(from.carbon_intensity_g_per_kwh);
  b.pue = std::move(from.pue);
  b.price = std::move(from.price_per_kwh);
  b.busy = std::move(from.gpus_busy);
  b.free = std::move(from.gpus_idle);
  b.asleep = std::move(from.gpus_asleep);
  b.running = std::move(from.jobs_running);
  b.queued = std::move(from.jobs_queued);
  b.held = std::move(from.jobs_held);
  return b;
}

/// Sums; the intensity of all is what their energy was charged with, the PUE that of all together.
/// There is no price of all: sites pay theirs.
void add_site(const Bins& site, Bins& all) {
  for (const auto member : {&Bins::jobs_w, &Bins::idle_w, &Bins::overhead_w, &Bins::it_w,
                            &Bins::facility_w, &Bins::carbon_g_per_s, &Bins::busy, &Bins::free,
                            &Bins::asleep, &Bins::running, &Bins::queued, &Bins::held}) {
    add_to(all.*member, site.*member);
  }
}

void finish_all(Bins& all) {
  constexpr double j_per_kwh = 3.6e6;
  const std::size_t n = all.it_w.size();
  all.intensity.resize(n);
  all.pue.resize(n);
  all.price.assign(n, unknown);
  for (std::size_t i = 0; i < n; ++i) {
    all.intensity[i] =
        all.facility_w[i] > 0.0 ? all.carbon_g_per_s[i] / all.facility_w[i] * j_per_kwh : unknown;
    all.pue[i] = all.it_w[i] > 0.0 ? all.facility_w[i] / all.it_w[i] : unknown;
  }
}

/// What is nothing after the file's end: its last bin becomes the mean of the part that the file
/// covers, so that no picture ends in a fall that never was.
void fill_last_bin(const TimelineHeader& header, Bins& b) {
  const std::size_t n = b.it_w.size();
  if (n == 0) return;
  const double covered = header.file_end_s / header.bin_s - static_cast<double>(n - 1);
  if (!(covered > 0.0) || covered >= 1.0) return;
  for (const auto member : extensive) {
    (b.*member).back() /= covered;
  }
}

Column taken(const Column& from, const std::vector<std::uint32_t>& kept) {
  Column out;
  out.reserve(kept.size());
  for (const std::uint32_t i : kept) out.push_back(from[i]);
  return out;
}

/// Columns that are drawn as one stack: at the bins where their sum is smallest and largest, so
/// that what is drawn at an instant belongs together.
Json stack(const std::vector<std::pair<const char*, const Column*>>& columns, std::size_t most) {
  Column sum;
  for (const auto& [name, column] : columns) add_to(sum, *column);
  const std::vector<std::uint32_t> kept = extremes(sum, most);
  Json out;
  if (kept.size() < sum.size()) out["at"] = uint32_column(kept);
  for (const auto& [name, column] : columns) out[name] = float32_column(taken(*column, kept));
  return out;
}

Json series(const std::string& site, const Bins& b, std::size_t most) {
  Json out = {{"site", site}, {"bins", b.it_w.size()}};
  out["power"] =
      stack({{"jobs", &b.jobs_w}, {"idle", &b.idle_w}, {"overhead", &b.overhead_w}}, most);
  out["gpus"] = stack({{"busy", &b.busy}, {"idle", &b.free}, {"asleep", &b.asleep}}, most);
  out["jobs"] = stack({{"running", &b.running}}, most);
  out["waiting"] = stack({{"queued", &b.queued}, {"held", &b.held}}, most);
  for (const auto& [name, column] :
       {std::pair("facility", &b.facility_w), std::pair("intensity", &b.intensity),
        std::pair("pue", &b.pue), std::pair("price", &b.price)}) {
    out[name] = stack({{name, column}}, most);
  }
  return out;
}

}  // namespace

Json time_series(const TimelineFile& file, const Budget& budget) {
  Json out = Json::array();
  Bins all;
  for (std::size_t s = 0; s < file.sites().size(); ++s) {
    Bins site = bins_of(file.site_bins(s));
    fill_last_bin(file.header(), site);
    out.push_back(series(file.sites()[s].name, site, budget.bins));
    add_site(site, all);
  }
  if (file.sites().size() > 1) {
    finish_all(all);
    out.insert(out.begin(), series("", all, budget.bins));
  }
  return out;
}

}  // namespace nightwatt::report
