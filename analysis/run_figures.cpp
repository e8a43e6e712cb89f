#include "analysis/run_figures.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <string_view>
#include <utility>

#include "analysis/text.hpp"
#include "sim/summarise.hpp"
#include "traces/datetime.hpp"
#include "traces/diagnostics.hpp"

namespace nightwatt {
namespace {

constexpr double day_s = 86400.0;

void add(Charge& sum, const Charge& more, double factor = 1.0) {
  sum.it_energy_j += more.it_energy_j * factor;
  sum.facility_energy_j += more.facility_energy_j * factor;
  sum.carbon_g += more.carbon_g * factor;
  sum.cost += more.cost * factor;
}

/// What constant IT power costs in the static tail, from the file's end to the horizon: of one watt
/// that follows a(t), and of the site's b(t).
struct TailCharge {
  Charge per_w, fixed;
  double x_s = 0.0, x_ci = 0.0, x_price = 0.0;  ///< integrals of PUE - 1, as in SiteTotals
};

[[noreturn]] void refuse_horizon(const TimelineFile& file, const std::string& reason) {
  throw InputError(Diagnostic{{file.path().string(), 0, 0}, "horizon: " + reason});
}

TailCharge tail_charge(const TimelineFile& file, const SiteResult& site, double to_s) {
  TailCharge charge;
  const double from_s = file.header().file_end_s;
  if (to_s <= from_s) return charge;
  if (site.tail_term_w[static_cast<std::size_t>(Term::jobs)] > 0.0) {
    refuse_horizon(file,
                   "the run stopped at its period's end with jobs running (drain: false), and "
                   "cannot be charged beyond it");
  }
  if (std::isnan(site.tail_until_s)) {
    refuse_horizon(file,
                   "the file does not say how long its signals last (an earlier nightwatt "
                   "wrote it); run the scenario again");
  }
  if (site.tail_until_s < to_s) {
    refuse_horizon(
        file,
        fmt::format("the signals of site {} end {} before it; give longer series, or let them "
                    "go on (beyond: hold, beyond: repeat)",
                    quote(site.name), span_text(seconds(to_s - site.tail_until_s))));
  }
  for (std::size_t i = 0; i < site.tail.size(); ++i) {
    const TailStep& step = site.tail[i];
    const double end_s =
        std::min(to_s, i + 1 < site.tail.size() ? site.tail[i + 1].time_s : site.tail_until_s);
    const double dt_s = end_s - std::max(from_s, step.time_s);
    if (dt_s <= 0.0) continue;
    const double carbon_g_per_j = step.carbon_intensity_g_per_kwh / joules_per_kwh;
    const double price_per_j = step.price_per_kwh / joules_per_kwh;
    const double facility_s = step.a * dt_s;
    add(charge.per_w, {dt_s, facility_s, facility_s * carbon_g_per_j, facility_s * price_per_j});
    // With no fixed power nothing fixed is charged, whatever the series.
    if (step.b_w != 0.0) {
      const double fixed_j = step.b_w * dt_s;
      add(charge.fixed, {0.0, fixed_j, fixed_j * carbon_g_per_j, fixed_j * price_per_j});
    }
    const double excess_s = (step.pue - 1.0) * dt_s;
    charge.x_s += excess_s;
    charge.x_ci += excess_s * carbon_g_per_j;
    charge.x_price += excess_s * price_per_j;
  }
  return charge;
}

/// The demand charge to the horizon: of the file's own months and windows, and of those in which
/// the static power `it_w` is drawn.
double demand_cost(const TimelineFile& file, const SiteResult& site, double it_w,
                   double horizon_s) {
  const TimelineHeader& header = file.header();
  // A day is longer than any fraction of a second, and the last month must end after the horizon.
  const auto last_s = header.period_start_unix_s + static_cast<std::int64_t>(horizon_s + day_s);
  DemandCharge charge{site.demand_rate, {}};
  for (const std::int64_t month_s :
       month_starts(site.timezone, header.period_start_unix_s, last_s + 31 * 86400)) {
    charge.months.push_back(
        SimTime::from_seconds(static_cast<double>(month_s - header.period_start_unix_s) -
                              header.period_start_fraction_s));
  }
  MonthPeaks peaks(charge);
  for (const MonthDemand& month : site.demand) {
    peaks.add(SimTime::from_seconds(month.start_s), month.peak_w);
  }
  const double window_s = site.peak_window_s;
  double window_j = site.open_window_j;
  std::size_t step = 0;
  double at_s = header.file_end_s;
  for (double window = std::floor(at_s / window_s); at_s < horizon_s; ++window) {
    const double end_s = std::min((window + 1) * window_s, horizon_s);
    while (at_s < end_s) {
      while (step + 1 < site.tail.size() && site.tail[step + 1].time_s <= at_s) ++step;
      const TailStep& now = site.tail[step];
      const double until_s =
          step + 1 < site.tail.size() ? std::min(end_s, site.tail[step + 1].time_s) : end_s;
      window_j += (now.a * it_w + now.b_w) * (until_s - at_s);
      at_s = until_s;
    }
    peaks.add(SimTime::from_seconds(window * window_s), window_j / window_s);
    window_j = 0.0;
  }
  double cost = 0.0;
  for (const MonthDemand& month : peaks.until(SimTime::from_seconds(horizon_s))) {
    cost += month.cost;
  }
  return cost;
}

SiteTotals charged_to(const TimelineFile& file, const SiteResult& site, double horizon_s) {
  SiteTotals totals = site.to_file_end;
  const double from_s = file.header().file_end_s;
  if (horizon_s <= from_s) return totals;
  const TailCharge tail = tail_charge(file, site, horizon_s);
  double it_w = 0.0;
  for (std::size_t term = 0; term < term_count; ++term) {
    it_w += site.tail_term_w[term];
    totals.term_j[term] += site.tail_term_w[term] * (horizon_s - from_s);
  }
  add(totals.total, tail.per_w, it_w);
  add(totals.total, tail.fixed);
  add(totals.fixed, tail.fixed);
  totals.x_s += tail.x_s;
  totals.x_ci += tail.x_ci;
  totals.x_price += tail.x_price;
  totals.it_x_j += it_w * tail.x_s;
  totals.it_x_ci_g += it_w * tail.x_ci;
  totals.it_x_price += it_w * tail.x_price;
  totals.until_s = horizon_s;
  if (!site.demand.empty() && !site.tail.empty()) {
    const double cost = demand_cost(file, site, it_w, horizon_s);
    totals.total.cost += cost - totals.demand_charge_cost;
    totals.demand_charge_cost = cost;
  }
  return totals;
}

MeanPower mean_power(const TimelineFile& file, const std::vector<SiteTotals>& to_horizon,
                     double horizon_s) {
  MeanPower power;
  for (std::size_t s = 0; s < to_horizon.size(); ++s) {
    power.horizon_w.push_back(to_horizon[s].total.it_energy_j / horizon_s);
    power.period_w.push_back(file.sites()[s].to_period_end.total.it_energy_j /
                             file.header().period_end_s);
  }
  return power;
}

std::vector<SiteTotals> charged_to(const TimelineFile& file, double horizon_s) {
  std::vector<SiteTotals> totals;
  for (const SiteResult& site : file.sites()) totals.push_back(charged_to(file, site, horizon_s));
  return totals;
}

/// What a GPU-second held in each partition pays for all that no job used, up to the horizon;
/// nothing where none was held.
std::vector<Charge> shares_of_gpu_seconds(const TimelineFile& file,
                                          const std::vector<SiteTotals>& totals, double horizon_s) {
  const auto& sites = file.sites();
  const auto& partitions = file.partitions();
  std::vector<Charge> shares(partitions.size());
  for (std::size_t s = 0; s < sites.size(); ++s) {
    const TailCharge tail = tail_charge(file, sites[s], horizon_s);
    const bool beyond = horizon_s > file.header().file_end_s;
    for (std::size_t p = 0; p < partitions.size(); ++p) {
      const PartitionTotals& partition = partitions[p];
      if (partition.site != sites[s].name || !(partition.gpu_seconds_held > 0.0)) continue;
      Charge overhead = partition.overhead;
      if (beyond) add(overhead, tail.per_w, partition.tail_power_w);
      add(shares[p], overhead, 1.0 / partition.gpu_seconds_held);
      add(shares[p], totals[s].fixed, 1.0 / totals[s].gpu_seconds_held);
    }
  }
  return shares;
}

/// Jobs of a group while they are gone through.
struct Gathered {
  FigureGroup group;
  std::vector<double> wait_s, jct_s, slowdown;
  Charge full, booked;

  explicit Gathered(std::size_t days) {
    for (auto& sums : group.days) sums.assign(days, 0.0);
  }
  void sum(DailySum which, std::size_t day, double value) {
    group.days[static_cast<std::size_t>(which)][day] += value;
  }
  void charge(std::size_t day, const Charge& own, const Charge& with_share) {
    add(booked, own);
    add(full, with_share);
    sum(DailySum::jobs_it_energy, day, own.it_energy_j);
    sum(DailySum::jobs_facility_energy, day, own.facility_energy_j);
    sum(DailySum::jobs_carbon, day, own.carbon_g);
    sum(DailySum::jobs_cost, day, own.cost);
  }
  /// Daily sums of a total: what was booked to the day's jobs, and a like part of all the rest.
  void spread(const Charge& total) {
    const auto each = [&](DailySum of, DailySum booked_of, double whole, double by_jobs) {
      auto& sums = group.days[static_cast<std::size_t>(of)];
      sums = group.days[static_cast<std::size_t>(booked_of)];
      for (double& sum : sums) sum += (whole - by_jobs) / static_cast<double>(sums.size());
    };
    each(DailySum::it_energy, DailySum::jobs_it_energy, total.it_energy_j, booked.it_energy_j);
    each(DailySum::facility_energy, DailySum::jobs_facility_energy, total.facility_energy_j,
         booked.facility_energy_j);
    each(DailySum::carbon, DailySum::jobs_carbon, total.carbon_g, booked.carbon_g);
    each(DailySum::cost, DailySum::jobs_cost, total.cost, booked.cost);
  }
};

/// Writes figures, section by section.
class FigureList {
 public:
  explicit FigureList(std::vector<RunFigure>& out) : out_(out) {}

  void section(std::string key) { section_ = std::move(key); }
  void add(std::string key, std::string title, Unit unit, double value,
           DailySum sum = DailySum::none, DailySum count = DailySum::none) {
    out_.push_back({section_, std::move(key), std::move(title), unit, value, sum, count});
  }
  void charge(const Charge& c, bool daily) {
    const auto sum = [&](DailySum of) { return daily ? of : DailySum::none; };
    add("it_energy_j", "IT energy", Unit::joules, c.it_energy_j, sum(DailySum::it_energy));
    add("facility_energy_j", "facility energy", Unit::joules, c.facility_energy_j,
        sum(DailySum::facility_energy));
    add("carbon_g", "carbon", Unit::grams, c.carbon_g, sum(DailySum::carbon));
    add("cost", "cost", Unit::money, c.cost, sum(DailySum::cost));
  }
  void facility(const Charge& c) {
    add("facility_energy_j", "facility energy", Unit::joules, c.facility_energy_j);
    add("carbon_g", "carbon", Unit::grams, c.carbon_g);
    add("cost", "cost", Unit::money, c.cost);
  }
  void distribution(const char* key, const char* title, Unit unit, std::vector<double>& values,
                    DailySum sum, DailySum count) {
    const Distribution d = distribution_of(values);
    add(fmt::format("mean_{}", key), fmt::format("{}, mean", title), unit, d.mean, sum, count);
    add(fmt::format("p50_{}", key), fmt::format("{}, median", title), unit, d.p50);
    add(fmt::format("p95_{}", key), fmt::format("{}, p95", title), unit, d.p95);
    add(fmt::format("p99_{}", key), fmt::format("{}, p99", title), unit, d.p99);
  }

 private:
  std::vector<RunFigure>& out_;
  std::string section_;
};

void add_job_figures(Gathered& of, const JobStatistics& stored, FigureList& list) {
  list.section("booked");
  list.add("jobs_it_energy_j", "IT energy of jobs", Unit::joules, of.booked.it_energy_j,
           DailySum::jobs_it_energy);
  list.add("jobs_facility_energy_j", "facility energy of jobs", Unit::joules,
           of.booked.facility_energy_j, DailySum::jobs_facility_energy);
  list.add("jobs_carbon_g", "carbon of jobs", Unit::grams, of.booked.carbon_g,
           DailySum::jobs_carbon);
  list.add("jobs_cost", "cost of jobs", Unit::money, of.booked.cost, DailySum::jobs_cost);
  list.section("jobs");
  list.distribution("wait_s", "wait", Unit::seconds, of.wait_s, DailySum::wait, DailySum::waits);
  list.distribution("jct_s", "completion time", Unit::seconds, of.jct_s, DailySum::completion_time,
                    DailySum::ended);
  list.distribution("bounded_slowdown", "slowdown", Unit::number, of.slowdown, DailySum::slowdown,
                    DailySum::ended);
  double misses = 0.0;
  for (const double day : of.group.days[static_cast<std::size_t>(DailySum::deadline_misses)]) {
    misses += day;
  }
  list.add("deadline_misses", "deadlines missed", Unit::count, misses, DailySum::deadline_misses);
  list.add("jobs_completed", "jobs completed", Unit::count,
           static_cast<double>(stored.jobs_completed));
  list.add("utilization", "utilization", Unit::ratio, stored.utilization);
  list.add("makespan_s", "makespan", Unit::seconds, stored.makespan_s);
}

/// Index of each entry of a table of the file in a list of names.
std::vector<std::int64_t> places(const std::vector<std::string>& table,
                                 const std::map<std::string, std::int64_t>& of) {
  std::vector<std::int64_t> found;
  for (const std::string& name : table) {
    const auto at = of.find(name);
    found.push_back(at == of.end() ? -1 : at->second);
  }
  return found;
}

}  // namespace

std::string unit_name(Unit unit, const std::string& currency) {
  switch (unit) {
    case Unit::joules:
      return "J";
    case Unit::grams:
      return "g";
    case Unit::money:
      return currency.empty() ? "money" : currency;
    case Unit::watts:
      return "W";
    case Unit::seconds:
      return "s";
    default:
      return "1";
  }
}

std::size_t days_of(double period_s) {
  return std::max<std::size_t>(1, static_cast<std::size_t>(std::ceil(period_s / day_s)));
}

SiteTotals charged_to(const TimelineFile& file, std::size_t site, double horizon_s) {
  return charged_to(file, file.sites().at(site), horizon_s);
}

MeanPower mean_it_power(const TimelineFile& file, double horizon_s) {
  return mean_power(file, charged_to(file, horizon_s), horizon_s);
}

Charge at_fixed_share(const SiteTotals& t, double share, double reference_it_w) {
  // The part of PUE - 1 that followed IT power in the run: 1 minus its own fixed share.
  const double followed =
      t.it_x_j == 0.0
          ? 0.0
          : (t.total.facility_energy_j - t.fixed.facility_energy_j - t.total.it_energy_j) /
                t.it_x_j;
  const auto charge = [&](double total, double fixed, double it_x, double x) {
    const double of_it = total - fixed - (followed == 0.0 ? 0.0 : followed * it_x);
    return of_it + (1.0 - share) * it_x + share * reference_it_w * x;
  };
  return {t.total.it_energy_j,
          t.total.it_energy_j + (1.0 - share) * t.it_x_j + share * reference_it_w * t.x_s,
          charge(t.total.carbon_g, t.fixed.carbon_g, t.it_x_ci_g, t.x_ci),
          charge(t.total.cost, t.fixed.cost, t.it_x_price, t.x_price)};
}

RunFigures figures_of(const TimelineFile& file, const FigureOptions& options) {
  const TimelineHeader& header = file.header();
  const auto& sites = file.sites();
  const auto& partitions = file.partitions();
  const std::vector<SiteTotals> totals = charged_to(file, options.horizon_s);
  const std::vector<Charge> shares = shares_of_gpu_seconds(file, totals, options.horizon_s);

  // Which group the jobs of a class, and which share those of a partition, belong to.
  std::map<std::string, std::int64_t> class_places, site_places;
  for (const ClassStatistics& each : file.summary().classes) {
    class_places.emplace(each.name, static_cast<std::int64_t>(class_places.size()));
  }
  for (const SiteResult& each : sites) {
    site_places.emplace(each.name, static_cast<std::int64_t>(site_places.size()));
  }
  const auto class_of = places(file.table("class"), class_places);
  const auto site_of = places(file.table("site"), site_places);
  const std::int64_t of_no_class = class_places.contains("") ? class_places.at("") : -1;
  // [site][name of a partition, as the file numbers them]
  const auto& partition_names = file.table("partition");
  std::vector<std::vector<std::int64_t>> partition_at(
      sites.size(), std::vector<std::int64_t>(partition_names.size(), -1));
  for (std::size_t p = 0; p < partitions.size(); ++p) {
    const auto name = std::find(partition_names.begin(), partition_names.end(), partitions[p].name);
    if (name == partition_names.end()) continue;  // no job ran there
    partition_at[static_cast<std::size_t>(site_places.at(partitions[p].site))]
                [static_cast<std::size_t>(name - partition_names.begin())] =
                    static_cast<std::int64_t>(p);
  }

  const auto submit_s = file.jobs_double("submit_time");
  const auto start_s = file.jobs_double("start_time");
  const auto end_s = file.jobs_double("end_time");
  const auto reference_s = file.jobs_double("reference_run_s");
  const auto gpu_seconds = file.jobs_double("gpu_seconds");
  const auto job_site = file.jobs_int("site");
  const auto job_partition = file.jobs_int("partition");
  const auto job_class = file.jobs_int("class");
  const auto missed = file.jobs_int("deadline_missed");
  const auto it_j = file.jobs_double("it_energy_j");
  const auto facility_j = file.jobs_double("facility_energy_j");
  const auto carbon_g = file.jobs_double("carbon_g");
  const auto cost = file.jobs_double("cost");
  const auto moved_g = file.jobs_double("transfer_carbon_g");
  const auto moved_cost = file.jobs_double("transfer_cost");

  const std::size_t days = days_of(header.period_end_s);
  Gathered all(days);
  std::vector<Gathered> by_class(class_places.size(), Gathered(days));
  std::vector<Gathered> by_site(sites.size(), Gathered(days));
  Charge moved;
  for (std::size_t i = 0; i < submit_s.size(); ++i) {
    const std::size_t day =
        std::min(days - 1, static_cast<std::size_t>(std::max(0.0, submit_s[i] / day_s)));
    const auto class_at =
        job_class[i] < 0 ? of_no_class : class_of.at(static_cast<std::size_t>(job_class[i]));
    const auto each_group = [&](auto&& act) {
      act(all);
      if (class_at >= 0) act(by_class[static_cast<std::size_t>(class_at)]);
    };
    if (job_site[i] >= 0) {  // the others were charged nothing
      const auto site = static_cast<std::size_t>(site_of.at(static_cast<std::size_t>(job_site[i])));
      // at(): a file may claim a place that it does not have.
      const auto partition = static_cast<std::size_t>(
          partition_at.at(site).at(static_cast<std::size_t>(job_partition[i])));
      const Charge own = {it_j[i], facility_j[i], carbon_g[i], cost[i]};
      Charge full = own;
      add(full, shares.at(partition), gpu_seconds[i]);
      by_site[site].charge(day, own, full);
      const Charge transfer = {0.0, 0.0, moved_g[i], moved_cost[i]};
      add(moved, transfer);
      add(full, transfer);
      each_group([&](Gathered& group) { group.charge(day, own, full); });
    }
    const bool counts = submit_s[i] >= options.warmup_s;
    each_group([&](Gathered& g) {
      ++(counts ? g.group.jobs : g.group.warmup_jobs);
      if (!counts) return;
      g.sum(DailySum::deadline_misses, day, static_cast<double>(missed[i]));
      if (!std::isnan(start_s[i])) {
        g.wait_s.push_back(start_s[i] - submit_s[i]);
        g.sum(DailySum::wait, day, g.wait_s.back());
        g.sum(DailySum::waits, day, 1.0);
      }
      if (!std::isnan(end_s[i])) {
        g.jct_s.push_back(end_s[i] - submit_s[i]);
        g.slowdown.push_back(
            std::max(1.0, g.jct_s.back() / std::max(reference_s[i], options.slowdown_tau_s)));
        g.sum(DailySum::completion_time, day, g.jct_s.back());
        g.sum(DailySum::slowdown, day, g.slowdown.back());
        g.sum(DailySum::ended, day, 1.0);
      }
    });
  }

  RunFigures run;
  run.mean_it = mean_power(file, totals, options.horizon_s);
  Charge to_horizon, in_period;
  std::vector<std::pair<Charge, Charge>> at_share(options.fixed_shares.size());
  const auto share_key = [](const char* span, double share) {
    return fmt::format("{}_fixed_share_{:g}", span, share);
  };
  for (std::size_t s = 0; s < sites.size(); ++s) {
    const SiteTotals& horizon = totals[s];
    const SiteTotals& period = sites[s].to_period_end;
    add(to_horizon, horizon.total);
    add(in_period, period.total);
    by_site[s].spread(horizon.total);
    FigureGroup& group = by_site[s].group;
    group.name = sites[s].name;
    FigureList list(group.figures);
    list.section("horizon");
    list.charge(horizon.total, true);
    const auto reference = [&](const std::vector<double>& given, double own) {
      return given.empty() ? own : given.at(s);
    };
    for (std::size_t f = 0; f < options.fixed_shares.size(); ++f) {
      const double share = options.fixed_shares[f];
      const Charge charge = at_fixed_share(
          horizon, share, reference(options.reference.horizon_w, run.mean_it.horizon_w[s]));
      list.section(share_key("horizon", share));
      list.facility(charge);
      add(at_share[f].first, charge);
    }
    list.section("period");
    list.charge(period.total, false);
    for (std::size_t f = 0; f < options.fixed_shares.size(); ++f) {
      const double share = options.fixed_shares[f];
      const Charge charge = at_fixed_share(
          period, share, reference(options.reference.period_w, run.mean_it.period_w[s]));
      list.section(share_key("period", share));
      list.facility(charge);
      add(at_share[f].second, charge);
    }
    list.section("peaks");
    list.add("peak_it_power_w", "peak IT power", Unit::watts, sites[s].to_file_end.peak_it_w);
    list.add("peak_facility_power_w",
             fmt::format("peak facility ({})", span_text(seconds(sites[s].peak_window_s))),
             Unit::watts, sites[s].peak_facility_w);
    run.sites.push_back(std::move(group));
  }

  add(to_horizon, moved);
  all.spread(to_horizon);
  FigureList list(all.group.figures);
  list.section("horizon");
  list.charge(to_horizon, true);
  for (std::size_t f = 0; f < options.fixed_shares.size(); ++f) {
    add(at_share[f].first, moved);
    list.section(share_key("horizon", options.fixed_shares[f]));
    list.facility(at_share[f].first);
  }
  list.section("period");
  list.charge(in_period, false);
  for (std::size_t f = 0; f < options.fixed_shares.size(); ++f) {
    list.section(share_key("period", options.fixed_shares[f]));
    list.facility(at_share[f].second);
  }
  add_job_figures(all, file.summary(), list);
  run.total = std::move(all.group);

  for (std::size_t c = 0; c < by_class.size(); ++c) {
    const ClassStatistics& stored = file.summary().classes[c];
    by_class[c].spread(by_class[c].full);
    FigureList class_list(by_class[c].group.figures);
    class_list.section("horizon");
    class_list.charge(by_class[c].full, true);
    add_job_figures(by_class[c], stored, class_list);
    by_class[c].group.name = stored.name;
    run.classes.push_back(std::move(by_class[c].group));
  }
  return run;
}

}  // namespace nightwatt
