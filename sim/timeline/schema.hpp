#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "sim/result.hpp"
#include "sim/timeline/timeline.hpp"

/// Names, units and meanings that writer and reader share (docs/timeline.md is their description).
/// Private to this folder. The columns of /jobs are in job_columns.cpp.
namespace nightwatt::timeline {

/// Units that depend on the run stand as these words and are replaced by Units::of.
inline constexpr const char* unit_time = "@time";
inline constexpr const char* unit_money = "@money";
inline constexpr const char* unit_money_per_kwh = "@money/kWh";
inline constexpr const char* unit_money_per_w = "@money/W";

/// The run's own units: its zero of time and its currency.
class Units {
 public:
  explicit Units(const RunResult& result);
  /// Same, of one site.
  Units(const RunResult& result, const SiteResult& site);
  [[nodiscard]] std::string of(std::string_view units) const;

 private:
  std::string time_, money_;
};

/// "seconds since 2022-10-03T00:00:00Z"; `fraction` in [0, 1) is written with up to 9 digits.
std::string time_units(std::int64_t unix_s, double fraction);

/// Name of the group of a site: its name, with what a path or netCDF does not allow written as
/// %XX ('/', '%', control characters, a leading dot, a blank at the end), and long names cut.
std::string group_name(std::string_view site_name, std::size_t index);

template <class S, class V>
struct Field {
  const char* name;
  const char* units;
  const char* long_name;
  V S::*value;
};

inline constexpr std::array<Field<Summary, double>, 9> summary_numbers = {{
    {"it_energy_j", "J", "IT energy of all sites, from the period's start to the file's end",
     &Summary::it_energy_j},
    {"facility_energy_j", "J", "facility energy of all sites, over the same time",
     &Summary::facility_energy_j},
    {"carbon_g", "g", "CO2 equivalent of all sites and transfers, over the same time",
     &Summary::carbon_g},
    {"cost", unit_money, "cost of energy of all sites and transfers, over the same time",
     &Summary::cost},
    {"transfer_energy_j", "J", "energy of moving the jobs' data, over the same time",
     &Summary::transfer_energy_j},
    {"transfer_carbon_g", "g", "part of carbon_g: moving the jobs' data",
     &Summary::transfer_carbon_g},
    {"transfer_cost", unit_money, "part of cost: moving the jobs' data", &Summary::transfer_cost},
    {"demand_charge_cost", unit_money, "part of cost: largest facility power of each month",
     &Summary::demand_charge_cost},
    {"conservation_error", "1", "largest relative error of the energy balance",
     &Summary::conservation_error},
}};

/// Only where the scenario gives what they are made of.
inline constexpr std::array<Field<Summary, double>, 6> optional_summary = {{
    {"regret_carbon_g", "g",
     "CO2 equivalent, by the truth, of the decisions by forecasts above that of the same decisions "
     "with perfect knowledge",
     &Summary::regret_carbon_g},
    {"regret_cost", unit_money, "the same of cost", &Summary::regret_cost},
    {"water_l", "L", "water used on site, over the same time", &Summary::water_l},
    {"jobs_water_l", "L", "sum of water_l of the jobs", &Summary::jobs_water_l},
    {"embodied_carbon_g", "g",
     "CO2 equivalent of making the hardware, for its time from the period's start to the file's "
     "end; no part of carbon_g",
     &Summary::embodied_carbon_g},
    {"jobs_embodied_carbon_g", "g", "sum of embodied_carbon_g of the jobs",
     &Summary::jobs_embodied_carbon_g},
}};

/// Of all jobs in /summary, of those of a class in /summary/classes.
inline constexpr std::array<Field<JobStatistics, double>, 6> statistics_numbers = {{
    {"jobs_it_energy_j", "J", "sum of it_energy_j of the jobs", &JobStatistics::jobs_it_energy_j},
    {"jobs_facility_energy_j", "J", "sum of facility_energy_j of the jobs",
     &JobStatistics::jobs_facility_energy_j},
    {"jobs_carbon_g", "g", "sum of carbon_g of the jobs", &JobStatistics::jobs_carbon_g},
    {"jobs_cost", unit_money, "sum of cost of the jobs", &JobStatistics::jobs_cost},
    {"utilization", "1",
     "GPU-seconds held over GPU-seconds present, from first submission to last end",
     &JobStatistics::utilization},
    {"makespan_s", "s", "last end minus first submission", &JobStatistics::makespan_s},
}};

inline constexpr std::array<Field<JobStatistics, std::uint64_t>, 6> statistics_counts = {{
    {"jobs_completed", "1", "jobs with state completed", &JobStatistics::jobs_completed},
    {"jobs_unfinished", "1", "jobs with state unfinished", &JobStatistics::jobs_unfinished},
    {"jobs_killed_at_limit", "1", "jobs with state killed_at_limit",
     &JobStatistics::jobs_killed_at_limit},
    {"jobs_rejected", "1", "jobs with state rejected", &JobStatistics::jobs_rejected},
    {"jobs_with_deadline", "1", "jobs that have a deadline", &JobStatistics::jobs_with_deadline},
    {"deadline_misses", "1", "jobs that ended after their deadline",
     &JobStatistics::deadline_misses},
}};

/// Each makes four datasets: "mean_wait_s", "p50_wait_s", ...
inline constexpr std::array<Field<JobStatistics, Distribution>, 3> distribution_fields = {{
    {"wait_s", "s", "wait_s", &JobStatistics::wait_s},
    {"jct_s", "s", "job completion time (end minus submission)", &JobStatistics::jct_s},
    {"bounded_slowdown", "1", "bounded_slowdown", &JobStatistics::bounded_slowdown},
}};

inline constexpr std::array<Field<Distribution, double>, 4> distribution_parts = {{
    {"mean", "", "mean", &Distribution::mean},
    {"p50", "", "median", &Distribution::p50},
    {"p95", "", "95th percentile", &Distribution::p95},
    {"p99", "", "99th percentile", &Distribution::p99},
}};

/// Used with a prefix ("overhead_") and a subject ("idle and fixed draw").
inline constexpr std::array<Field<Charge, double>, 4> charge_fields = {{
    {"it_energy_j", "J", "IT energy", &Charge::it_energy_j},
    {"facility_energy_j", "J", "facility energy", &Charge::facility_energy_j},
    {"carbon_g", "g", "CO2 equivalent", &Charge::carbon_g},
    {"cost", unit_money, "cost of energy", &Charge::cost},
}};

inline constexpr std::array<Field<SiteTotals, double>, 10> total_fields = {{
    {"until_time", unit_time, "end of the span", &SiteTotals::until_s},
    {"gpu_seconds_held", "s", "GPU-seconds held by jobs", &SiteTotals::gpu_seconds_held},
    {"peak_it_power_w", "W", "largest IT power (exact)", &SiteTotals::peak_it_w},
    {"demand_charge_cost", unit_money, "part of cost: largest facility power of each month",
     &SiteTotals::demand_charge_cost},
    {"excess_s", "s", "integral of (PUE - 1)", &SiteTotals::x_s},
    {"excess_carbon_g_per_w", "g/W", "integral of (PUE - 1) x carbon intensity, per watt",
     &SiteTotals::x_ci},
    {"excess_cost_per_w", unit_money_per_w, "integral of (PUE - 1) x price, per watt",
     &SiteTotals::x_price},
    {"it_excess_j", "J", "integral of IT power x (PUE - 1)", &SiteTotals::it_x_j},
    {"it_excess_carbon_g", "g", "integral of IT power x (PUE - 1) x carbon intensity",
     &SiteTotals::it_x_ci_g},
    {"it_excess_cost", unit_money, "integral of IT power x (PUE - 1) x price",
     &SiteTotals::it_x_price},
}};

/// Only where they are known.
inline constexpr std::array<Field<SiteTotals, double>, 2> optional_totals = {{
    {"water_l", "L", "water used on site", &SiteTotals::water_l},
    {"embodied_carbon_g", "g", "CO2 equivalent of making the hardware, for the span's time",
     &SiteTotals::embodied_carbon_g},
}};

/// /sites/NAME/demand, where there is a demand charge: calendar months of the site's clock.
inline constexpr std::array<Field<MonthDemand, double>, 4> demand_fields = {{
    {"month", unit_time, "start of the month", &MonthDemand::start_s},
    {"peak_facility_power_w", "W", "largest mean facility power of a peak window that begins in it",
     &MonthDemand::peak_w},
    {"share", "1", "share of the month's charge that is paid", &MonthDemand::share},
    {"cost", unit_money, "demand charge", &MonthDemand::cost},
}};

inline constexpr std::array<Field<SiteBins, std::vector<double>>, 14> bin_fields = {{
    {"it_power_w", "W", "IT power", &SiteBins::it_power_w},
    {"facility_power_w", "W", "facility power", &SiteBins::facility_power_w},
    {"pue", "1", "facility power over IT power", &SiteBins::pue},
    {"carbon_intensity_g_per_kwh", "g/kWh", "CO2 equivalent per energy consumed",
     &SiteBins::carbon_intensity_g_per_kwh},
    {"carbon_rate_g_per_s", "g/s", "CO2 equivalent per time", &SiteBins::carbon_rate_g_per_s},
    {"price_per_kwh", unit_money_per_kwh, "price of energy", &SiteBins::price_per_kwh},
    {"gpus_busy", "1", "GPUs (or cores) held by jobs", &SiteBins::gpus_busy},
    {"gpus_idle", "1", "GPUs (or cores) that nobody holds", &SiteBins::gpus_idle},
    {"gpus_asleep", "1", "GPUs (or cores) of sleeping nodes", &SiteBins::gpus_asleep},
    {"jobs_running", "1", "jobs that run", &SiteBins::jobs_running},
    {"jobs_queued", "1", "jobs that wait in a queue", &SiteBins::jobs_queued},
    {"jobs_held", "1", "jobs held back before their queue", &SiteBins::jobs_held},
    {"jobs_paused", "1", "jobs that are suspended, or wait to be resumed", &SiteBins::jobs_paused},
    {"power_budget_w", "W", "power that the site may draw at most", &SiteBins::power_budget_w},
}};

/// IT power by term, as in Term: columns "jobs_power_w", ..., and totals "jobs_energy_j", ...
inline constexpr std::array<const char*, term_count> term_meanings = {
    "draw of the jobs",
    "GPUs that nobody holds",
    "hosts at idle and supply loss at the load of an idle node",
    "supply and fan loss above that of an idle node",
    "sleeping nodes",
    "nodes that boot"};

inline constexpr std::array<Field<TailStep, double>, 6> step_fields = {{
    {"time", unit_time, "start of the step", &TailStep::time_s},
    {"a", "1", "facility power per IT power", &TailStep::a},
    {"b_w", "W", "facility power that does not depend on IT power", &TailStep::b_w},
    {"pue", "1", "power usage effectiveness, from which a and b follow", &TailStep::pue},
    {"carbon_intensity_g_per_kwh", "g/kWh", "CO2 equivalent per energy consumed",
     &TailStep::carbon_intensity_g_per_kwh},
    {"price_per_kwh", unit_money_per_kwh, "price of energy", &TailStep::price_per_kwh},
}};

inline constexpr std::array<Field<PartitionTotals, double>, 3> partition_numbers = {{
    {"gpu_seconds_held", "s", "GPU-seconds held by jobs, to the file's end",
     &PartitionTotals::gpu_seconds_held},
    {"gpu_seconds_present", "s", "GPU-seconds present, from first submission to last end",
     &PartitionTotals::gpu_seconds_present},
    {"tail_power_w", "W", "IT power of idle, base, loss, asleep and boot after the last event",
     &PartitionTotals::tail_power_w},
}};

inline constexpr std::array<Field<PartitionTotals, std::uint64_t>, 2> partition_counts = {{
    {"nodes", "1", "nodes", &PartitionTotals::nodes},
    {"gpus", "1", "GPUs (or cores) present", &PartitionTotals::gpus},
}};

/// The two spans that /sites/NAME/totals holds, both from the period's start.
inline constexpr std::array<const char*, 2> span_names = {"period", "file"};

}  // namespace nightwatt::timeline
