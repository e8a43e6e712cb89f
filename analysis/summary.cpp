#include "analysis/summary.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cmath>
#include <nlohmann/json.hpp>
#include <utility>
#include <vector>

#include "analysis/text.hpp"

namespace nightwatt {
namespace {

using Align = TextTable::Align;

std::string instant_since_start(const RunResult& result, double seconds_since_start) {
  return instant_text(result.period_start_unix_s +
                      std::llround(result.period_start_fraction_s + seconds_since_start));
}

void head(const RunResult& result, std::string& out) {
  out += printable(result.title) + '\n';
  TextTable table({Align::left});
  table.row({"period", fmt::format("{} to {} ({})", instant_since_start(result, 0.0),
                                   instant_since_start(result, result.period_end_s),
                                   span_text(seconds(result.period_end_s)))});
  if (result.file_end_s > result.period_end_s) {
    table.row(
        {"charged to",
         fmt::format("{} ({} after the period)", instant_since_start(result, result.file_end_s),
                     span_text(seconds(result.file_end_s) - seconds(result.period_end_s)))});
  }
  for (const InputFile& input : result.inputs) {
    // The catalogue's files are named by the partitions.
    if (input.role == "device") continue;
    std::string text = fmt::format("{}, {} rows", input.report.format, grouped(input.report.rows));
    if (!input.report.path.empty())
      text = fmt::format("{} ({})", printable(input.report.path), text);
    table.row({input.role, text});
  }
  for (const PartitionTotals& partition : result.partitions) {
    table.row(
        {"partition",
         fmt::format("{}/{}: {} nodes, {} {} ({})", printable(partition.site),
                     printable(partition.name), grouped(partition.nodes), grouped(partition.gpus),
                     partition.counts_cores ? "cores" : "GPUs", printable(partition.device))});
  }
  out += table.text();
}

void jobs(const RunResult& result, std::string& out) {
  const Summary& summary = result.summary;
  TextTable table({Align::left});
  std::string states = fmt::format("{} completed, {} unfinished", grouped(summary.jobs_completed),
                                   grouped(summary.jobs_unfinished));
  if (summary.jobs_killed_at_limit > 0) {
    states += fmt::format(", {} killed at their limit", grouped(summary.jobs_killed_at_limit));
  }
  if (summary.jobs_rejected > 0) {
    states += fmt::format(", {} rejected", grouped(summary.jobs_rejected));
  }
  table.row({"jobs", states});
  if (summary.jobs_with_deadline > 0) {
    table.row({"deadlines", fmt::format("{} of {} missed", grouped(summary.deadline_misses),
                                        grouped(summary.jobs_with_deadline))});
  }
  table.row({"utilization", percent_text(summary.utilization)});
  table.row({"makespan", span_text(seconds(summary.makespan_s))});
  out += '\n' + table.text();
}

std::string class_name(const ClassStatistics& of) {
  return of.name.empty() ? "(of no class)" : printable(of.name);
}

void distributions(const RunResult& result, std::string& out) {
  const auto span = [](double value) { return span_text(seconds(value)); };
  TextTable table({Align::left, Align::right, Align::right, Align::right, Align::right});
  table.row({"", "mean", "median", "p95", "p99"});
  const auto rows = [&](const char* name, Distribution JobStatistics::*which, auto text) {
    const auto row = [&](std::string title, const Distribution& d) {
      table.row({std::move(title), text(d.mean), text(d.p50), text(d.p95), text(d.p99)});
    };
    row(name, result.summary.*which);
    for (const ClassStatistics& each : result.summary.classes) {
      row("  " + class_name(each), each.*which);
    }
  };
  rows("wait", &JobStatistics::wait_s, span);
  rows("completion time", &JobStatistics::jct_s, span);
  rows("slowdown", &JobStatistics::bounded_slowdown, number_text);
  out += '\n' + table.text();
  out += fmt::format("slowdown is bounded: run times below {} count as that long\n",
                     span(result.slowdown_tau_s));
  if (result.warmup_s > 0.0) {
    out += fmt::format("jobs of the first {} (warm-up) are left out of this table\n",
                       span(result.warmup_s));
  }
}

void classes(const RunResult& result, std::string& out) {
  if (result.summary.classes.empty()) return;
  const std::string currency = result.sites.empty() ? "" : result.sites.front().currency;
  TextTable table({Align::left, Align::right, Align::right, Align::right, Align::right,
                   Align::right, Align::right, Align::right});
  const bool deadlines = result.summary.jobs_with_deadline > 0;
  table.row({"class", "completed", "utilization", "jobs' IT energy", "facility", "carbon", "cost",
             deadlines ? "deadlines missed" : ""});
  for (const ClassStatistics& each : result.summary.classes) {
    table.row({class_name(each), grouped(each.jobs_completed), percent_text(each.utilization),
               energy_text(joules(each.jobs_it_energy_j)),
               energy_text(joules(each.jobs_facility_energy_j)),
               carbon_text(grams_co2e(each.jobs_carbon_g)),
               cost_text(money(each.jobs_cost), currency),
               deadlines ? grouped(each.deadline_misses) : ""});
  }
  out += '\n' + table.text();
}

/// One line of the energy table.
void energy_row(std::string name, const SiteTotals& totals, double peak_facility_w,
                std::string_view currency, TextTable& table) {
  const Charge& charge = totals.total;
  table.row({std::move(name), energy_text(joules(charge.it_energy_j)),
             energy_text(joules(charge.facility_energy_j)),
             number_text(charge.facility_energy_j / charge.it_energy_j),
             carbon_text(grams_co2e(charge.carbon_g)), cost_text(money(charge.cost), currency),
             std::isnan(totals.peak_it_w) ? "" : power_text(watts(totals.peak_it_w)),
             std::isnan(peak_facility_w) ? "" : power_text(watts(peak_facility_w))});
}

/// Sums over the sites; peaks of several sites do not add up and are left out.
SiteTotals sum_of(const RunResult& result, SiteTotals SiteResult::*which) {
  SiteTotals sum;
  for (const SiteResult& site : result.sites) {
    const SiteTotals& part = site.*which;
    for (std::size_t term = 0; term < term_count; ++term) sum.term_j[term] += part.term_j[term];
    sum.total.it_energy_j += part.total.it_energy_j;
    sum.total.facility_energy_j += part.total.facility_energy_j;
    sum.total.carbon_g += part.total.carbon_g;
    sum.total.cost += part.total.cost;
  }
  sum.peak_it_w = unknown;
  return sum;
}

/// Which series stands behind the carbon, where the scenario names several or counts marginally.
void carbon_series(const RunResult& result, TextTable& table) {
  const auto shown = [](const CarbonLabel& label) {
    if (label.name.empty()) return label.basis;
    return fmt::format("{} ({})", printable(label.name), label.basis);
  };
  for (const SiteResult& site : result.sites) {
    const CarbonLabel& charged = site.accounted_carbon;
    if (charged.name.empty() && charged.basis != "marginal") continue;
    std::string text = fmt::format("{}: charged by {}", printable(site.name), shown(charged));
    if (!charged.name.empty()) text += fmt::format(", decided by {}", shown(site.decided_carbon));
    if (charged.basis == "marginal") text += "; marginal carbon is not that of a footprint";
    table.row({"carbon series", text});
  }
}

void energy(const RunResult& result, std::string& out) {
  TextTable table({Align::left, Align::right, Align::right, Align::right, Align::right,
                   Align::right, Align::right, Align::right});
  table.row({"site", "IT energy", "facility", "PUE", "carbon", "cost", "peak IT", "peak facility"});
  const std::string currency = result.sites.empty() ? "" : result.sites.front().currency;
  for (const SiteResult& site : result.sites) {
    energy_row(printable(site.name), site.to_file_end, site.peak_facility_w, site.currency, table);
  }
  const SiteTotals total = sum_of(result, &SiteResult::to_file_end);
  if (result.sites.size() > 1) energy_row("total", total, unknown, currency, table);
  if (result.file_end_s > result.period_end_s) {
    energy_row("in the period", sum_of(result, &SiteResult::to_period_end), unknown, currency,
               table);
  }
  out += '\n' + table.text();

  std::vector<std::string> parts;
  for (std::size_t term = 0; term < term_count; ++term) {
    if (total.term_j[term] == 0.0) continue;
    parts.push_back(fmt::format("{} {}", term_names[term],
                                percent_text(total.term_j[term] / total.total.it_energy_j)));
  }
  TextTable below({Align::left});
  if (!parts.empty()) below.row({"IT energy by term", fmt::format("{}", fmt::join(parts, ", "))});
  below.row({"conservation", fmt::format("relative error {:.1e} (at most 1e-9 is allowed)",
                                         result.summary.conservation_error)});
  const auto missing = [&](const char* what, auto&& is_missing) {
    std::vector<std::string> names;
    for (const SiteResult& site : result.sites) {
      if (is_missing(site.to_file_end)) names.push_back(printable(site.name));
    }
    if (names.empty()) return;
    below.row({"missing", fmt::format("{} ({})", what, fmt::join(names, ", "))});
  };
  carbon_series(result, below);
  const Summary& s = result.summary;
  if (s.transfer_energy_j > 0.0) {
    below.row({"moving data", fmt::format("{}, {}, {} (in no site's row)",
                                          energy_text(joules(s.transfer_energy_j)),
                                          carbon_text(grams_co2e(s.transfer_carbon_g)),
                                          cost_text(money(s.transfer_cost), currency))});
  }
  for (const SiteResult& site : result.sites) {
    for (const MonthDemand& month : site.demand) {
      below.row(
          {"demand charge",
           fmt::format("{}: {} for {} in the month from {} ({} of it)", printable(site.name),
                       cost_text(money(month.cost), site.currency), power_text(watts(month.peak_w)),
                       instant_since_start(result, month.start_s), percent_text(month.share))});
    }
  }
  if (result.has(&Summary::regret_carbon_g) || result.has(&Summary::regret_cost)) {
    below.row({"regret", fmt::format("{}, {} above perfect knowledge",
                                     carbon_text(grams_co2e(s.regret_carbon_g)),
                                     cost_text(money(s.regret_cost), currency))});
  }
  if (result.has(&Summary::water_l)) {
    below.row({"water", fmt::format("{} L on site, {} L for the jobs", number_text(s.water_l),
                                    number_text(s.jobs_water_l))});
  }
  if (result.has(&Summary::embodied_carbon_g)) {
    below.row({"hardware", fmt::format("{} embodied, {} by the jobs' GPU-hours (no part of carbon)",
                                       carbon_text(grams_co2e(s.embodied_carbon_g)),
                                       carbon_text(grams_co2e(s.jobs_embodied_carbon_g)))});
  }
  missing("carbon intensity is not given, so carbon is unknown",
          [](const SiteTotals& site) { return std::isnan(site.total.carbon_g); });
  missing("price is not given, so cost is unknown",
          [](const SiteTotals& site) { return std::isnan(site.total.cost); });
  missing("no PUE above 1, so the facility draws what IT draws",
          [](const SiteTotals& site) { return site.x_s == 0.0; });
  out += below.text();
}

void bounds(const RunResult& result, std::string& out) {
  if (!result.bounds) return;
  const std::string currency = result.sites.empty() ? "" : result.sites.front().currency;
  TextTable table({Align::left, Align::right, Align::right, Align::right});
  table.row({"jobs' charge", "booked", "lower bound", "distance"});
  const auto row = [&](const char* name, const LowerBound& bound, auto text) {
    table.row({name, text(bound.booked), std::isnan(bound.value) ? bound.method : text(bound.value),
               percent_text(bound.gap())});
  };
  row("carbon", result.bounds->carbon, [](double value) { return carbon_text(grams_co2e(value)); });
  row("cost", result.bounds->cost, [&](double value) { return cost_text(money(value), currency); });
  out += '\n' + table.text();
  const bool moved = result.bounds->freedom.find("site") != std::string::npos &&
                     std::any_of(result.jobs.begin(), result.jobs.end(),
                                 [](const JobRecord& r) { return r.transfer_energy_j > 0.0; });
  out += fmt::format("no schedule that chooses {} is charged less than the lower bound{}\n",
                     result.bounds->freedom, moved ? "; moving data is counted in both" : "");
}

void counted(const RunResult& result, std::string& out) {
  TextTable table({Align::left, Align::left, Align::right});
  bool any = false;
  const auto add = [&](const char* what, const std::vector<RuleCount>& counts) {
    for (const RuleCount& count : counts) {
      if (count.rows == 0) continue;
      any = true;
      table.row({what, printable(count.rule), grouped(count.rows), printable(count.choice)});
    }
  };
  for (const InputFile& input : result.inputs) {
    add("rows skipped", input.report.skipped);
    add("rows adjusted", input.report.adjusted);
  }
  add("run", result.counts);
  if (any) out += "\ncounted\n" + table.text();

  if (result.notes.empty()) return;
  TextTable list({Align::left});
  for (const std::string& note : result.notes) list.row({"-", printable(note)});
  out += "\nnotes\n" + list.text();
}

using Json = nlohmann::ordered_json;

void add_statistics(const JobStatistics& s, Json& json) {
  json["jobs_it_energy_j"] = s.jobs_it_energy_j;
  json["jobs_facility_energy_j"] = s.jobs_facility_energy_j;
  json["jobs_carbon_g"] = s.jobs_carbon_g;
  json["jobs_cost"] = s.jobs_cost;
  const auto add = [&](const char* name, const Distribution& d) {
    json[fmt::format("mean_{}", name)] = d.mean;
    json[fmt::format("p50_{}", name)] = d.p50;
    json[fmt::format("p95_{}", name)] = d.p95;
    json[fmt::format("p99_{}", name)] = d.p99;
  };
  add("wait_s", s.wait_s);
  add("jct_s", s.jct_s);
  add("bounded_slowdown", s.bounded_slowdown);
  json["utilization"] = s.utilization;
  json["makespan_s"] = s.makespan_s;
  json["jobs_completed"] = s.jobs_completed;
  json["jobs_unfinished"] = s.jobs_unfinished;
  json["jobs_killed_at_limit"] = s.jobs_killed_at_limit;
  json["jobs_rejected"] = s.jobs_rejected;
  json["jobs_with_deadline"] = s.jobs_with_deadline;
  json["deadline_misses"] = s.deadline_misses;
}

double jobs_per_second(const RunCost& cost) {
  return cost.wall_s > 0.0 ? static_cast<double>(cost.jobs) / cost.wall_s : unknown;
}

}  // namespace

std::string summary_table(const RunResult& result, const RunCost& cost) {
  std::string out;
  head(result, out);
  jobs(result, out);
  distributions(result, out);
  classes(result, out);
  energy(result, out);
  bounds(result, out);
  counted(result, out);
  out += fmt::format("\n{} jobs in {} ({} jobs/s), {} MiB at most\n", grouped(cost.jobs),
                     span_text(seconds(cost.wall_s)), number_text(jobs_per_second(cost)),
                     grouped(cost.peak_rss_bytes / (1024 * 1024)));
  return out;
}

std::string summary_json(const RunResult& result, const RunCost& cost) {
  const Summary& summary = result.summary;
  // Not finite numbers are written as null.
  Json json = {
      {"it_energy_j", summary.it_energy_j},
      {"facility_energy_j", summary.facility_energy_j},
      {"carbon_g", summary.carbon_g},
      {"cost", summary.cost},
      {"transfer_energy_j", summary.transfer_energy_j},
      {"transfer_carbon_g", summary.transfer_carbon_g},
      {"transfer_cost", summary.transfer_cost},
      {"demand_charge_cost", summary.demand_charge_cost},
  };
  if (result.has(&Summary::regret_carbon_g)) json["regret_carbon_g"] = summary.regret_carbon_g;
  if (result.has(&Summary::regret_cost)) json["regret_cost"] = summary.regret_cost;
  if (result.has(&Summary::water_l)) {
    json["water_l"] = summary.water_l;
    json["jobs_water_l"] = summary.jobs_water_l;
  }
  if (result.has(&Summary::embodied_carbon_g)) {
    json["embodied_carbon_g"] = summary.embodied_carbon_g;
    json["jobs_embodied_carbon_g"] = summary.jobs_embodied_carbon_g;
  }
  add_statistics(summary, json);
  json["conservation_error"] = summary.conservation_error;
  if (result.bounds) {
    const LowerBounds& bounds = *result.bounds;
    json["bound_freedom"] = bounds.freedom;
    json["bound_carbon_g"] = bounds.carbon.value;
    json["bound_carbon_gap"] = bounds.carbon.gap();
    json["bound_carbon_method"] = bounds.carbon.method;
    json["bound_cost"] = bounds.cost.value;
    json["bound_cost_gap"] = bounds.cost.gap();
    json["bound_cost_method"] = bounds.cost.method;
  }
  json["classes"] = Json::array();
  for (const ClassStatistics& each : summary.classes) {
    Json row = {{"class", each.name.empty() ? Json() : Json(printable(each.name))}};
    add_statistics(each, row);
    json["classes"].push_back(std::move(row));
  }
  json["sites"] = Json::array();
  for (const SiteResult& site : result.sites) {
    const Charge& total = site.to_file_end.total;
    Json row = {{"site", printable(site.name)},
                {"it_energy_j", total.it_energy_j},
                {"facility_energy_j", total.facility_energy_j},
                {"carbon_g", total.carbon_g},
                {"cost", total.cost},
                {"peak_it_power_w", site.to_file_end.peak_it_w},
                {"demand_charge_cost", site.to_file_end.demand_charge_cost},
                {"peak_facility_power_w", site.peak_facility_w}};
    const SiteTotals& totals = site.to_file_end;
    if (!std::isnan(totals.water_l)) row["water_l"] = totals.water_l;
    if (!std::isnan(totals.embodied_carbon_g)) row["embodied_carbon_g"] = totals.embodied_carbon_g;
    const auto label = [](const CarbonLabel& l) {
      return Json{{"series", l.name.empty() ? Json() : Json(printable(l.name))},
                  {"basis", l.basis}};
    };
    row["carbon_accounted_by"] = label(site.accounted_carbon);
    row["carbon_decided_by"] = label(site.decided_carbon);
    json["sites"].push_back(std::move(row));
  }
  json["wall_s"] = cost.wall_s;
  json["jobs_per_s"] = jobs_per_second(cost);
  json["peak_rss_bytes"] = cost.peak_rss_bytes;
  return json.dump(2);
}

}  // namespace nightwatt
