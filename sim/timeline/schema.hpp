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

inline constexpr std::array<Field<Summary, double>, 13> summary_numbers = {{
    {"it_energy_j", "J", "IT energy of all sites, from the period's start to the file's end",
     &Summary::it_energy_j},
    {"facility_energy_j", "J", "facility energy of all sites, over the same time",
     &Summary::facility_energy_j},
    {"carbon_g", "g", "CO2 equivalent of all sites and transfers, over the same time",
     &Summary::carbon_g},
    {"cost", unit_money, "cost of energy of all sites and transfers, over the same time",
     &Summary::cost},
    {"jobs_it_energy_j", "J", "sum of it_energy_j of the jobs", &Summary::jobs_it_energy_j},
    {"jobs_facility_energy_j", "J", "sum of facility_energy_j of the jobs",
     &Summary::jobs_facility_energy_j},
    {"jobs_carbon_g", "g", "sum of carbon_g of the jobs", &Summary::jobs_carbon_g},
    {"jobs_cost", unit_money, "sum of cost of the jobs", &Summary::jobs_cost},
    {"mean_wait_s", "s", "mean of wait_s", &Summary::mean_wait_s},
    {"mean_bounded_slowdown", "1", "mean of bounded_slowdown", &Summary::mean_bounded_slowdown},
    {"utilization", "1",
     "GPU-seconds held over GPU-seconds present, from first submission to last end",
     &Summary::utilization},
    {"makespan_s", "s", "last end minus first submission", &Summary::makespan_s},
    {"conservation_error", "1", "largest relative error of the energy balance",
     &Summary::conservation_error},
}};

inline constexpr std::array<Field<Summary, std::uint64_t>, 4> summary_counts = {{
    {"jobs_completed", "1", "jobs with state completed", &Summary::jobs_completed},
    {"jobs_unfinished", "1", "jobs with state unfinished", &Summary::jobs_unfinished},
    {"jobs_killed_at_limit", "1", "jobs with state killed_at_limit",
     &Summary::jobs_killed_at_limit},
    {"jobs_rejected", "1", "jobs with state rejected", &Summary::jobs_rejected},
}};

/// Used with a prefix ("overhead_") and a subject ("idle and fixed draw").
inline constexpr std::array<Field<Charge, double>, 4> charge_fields = {{
    {"it_energy_j", "J", "IT energy", &Charge::it_energy_j},
    {"facility_energy_j", "J", "facility energy", &Charge::facility_energy_j},
    {"carbon_g", "g", "CO2 equivalent", &Charge::carbon_g},
    {"cost", unit_money, "cost of energy", &Charge::cost},
}};

inline constexpr std::array<Field<SiteTotals, double>, 9> total_fields = {{
    {"until_time", unit_time, "end of the span", &SiteTotals::until_s},
    {"gpu_seconds_held", "s", "GPU-seconds held by jobs", &SiteTotals::gpu_seconds_held},
    {"peak_it_power_w", "W", "largest IT power (exact)", &SiteTotals::peak_it_w},
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

inline constexpr std::array<Field<SiteBins, std::vector<double>>, 12> bin_fields = {{
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
}};

/// IT power by term, as in Term: columns "jobs_power_w", ..., and totals "jobs_energy_j", ...
inline constexpr std::array<const char*, term_count> term_meanings = {
    "draw of the jobs",
    "GPUs that nobody holds",
    "hosts at idle and supply loss at the load of an idle node",
    "supply and fan loss above that of an idle node",
    "sleeping nodes",
    "nodes that boot"};

inline constexpr std::array<Field<TailStep, double>, 5> tail_fields = {{
    {"time", unit_time, "start of the step", &TailStep::time_s},
    {"a", "1", "facility power per IT power", &TailStep::a},
    {"b_w", "W", "facility power that does not depend on IT power", &TailStep::b_w},
    {"carbon_intensity_g_per_kwh", "g/kWh", "CO2 equivalent per energy consumed",
     &TailStep::carbon_intensity_g_per_kwh},
    {"price_per_kwh", unit_money_per_kwh, "price of energy", &TailStep::price_per_kwh},
}};

inline constexpr std::array<Field<PartitionTotals, double>, 2> partition_numbers = {{
    {"gpu_seconds_held", "s", "GPU-seconds held by jobs, to the file's end",
     &PartitionTotals::gpu_seconds_held},
    {"gpu_seconds_present", "s", "GPU-seconds present, from first submission to last end",
     &PartitionTotals::gpu_seconds_present},
}};

inline constexpr std::array<Field<PartitionTotals, std::uint64_t>, 2> partition_counts = {{
    {"nodes", "1", "nodes", &PartitionTotals::nodes},
    {"gpus", "1", "GPUs (or cores) present", &PartitionTotals::gpus},
}};

/// The two spans that /sites/NAME/totals holds, both from the period's start.
inline constexpr std::array<const char*, 2> span_names = {"period", "file"};

}  // namespace nightwatt::timeline
