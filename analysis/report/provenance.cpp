#include <fmt/format.h>

#include "analysis/report/parts.hpp"
#include "analysis/text.hpp"

namespace nightwatt::report {
namespace {

void add_distribution(const char* name, const Distribution& d, Json& out) {
  out[fmt::format("mean_{}", name)] = d.mean;
  out[fmt::format("p50_{}", name)] = d.p50;
  out[fmt::format("p95_{}", name)] = d.p95;
  out[fmt::format("p99_{}", name)] = d.p99;
}

/// With the keys of `run --json`.
Json statistics(const JobStatistics& s) {
  Json out = {{"jobs_it_energy_j", s.jobs_it_energy_j},
              {"jobs_facility_energy_j", s.jobs_facility_energy_j},
              {"jobs_carbon_g", s.jobs_carbon_g},
              {"jobs_cost", s.jobs_cost},
              {"utilization", s.utilization},
              {"makespan_s", s.makespan_s},
              {"jobs_completed", s.jobs_completed},
              {"jobs_unfinished", s.jobs_unfinished},
              {"jobs_killed_at_limit", s.jobs_killed_at_limit},
              {"jobs_rejected", s.jobs_rejected},
              {"jobs_with_deadline", s.jobs_with_deadline},
              {"deadline_misses", s.deadline_misses}};
  add_distribution("wait_s", s.wait_s, out);
  add_distribution("jct_s", s.jct_s, out);
  add_distribution("bounded_slowdown", s.bounded_slowdown, out);
  return out;
}

Json rules(const std::vector<RuleCount>& counts) {
  Json out = Json::array();
  for (const RuleCount& count : counts) {
    if (count.rows > 0) out.push_back({count.rule, count.choice, count.rows});
  }
  return out;
}

Json site(const SiteResult& s) {
  Json terms;
  for (std::size_t t = 0; t < term_count; ++t) terms[term_names.at(t)] = s.to_file_end.term_j.at(t);
  const Charge& total = s.to_file_end.total;
  return {{"name", s.name},
          {"timezone", s.timezone},
          {"currency", s.currency},
          {"it_energy_j", total.it_energy_j},
          {"facility_energy_j", total.facility_energy_j},
          {"carbon_g", total.carbon_g},
          {"cost", total.cost},
          {"terms_j", terms},
          {"peak_it_w", s.to_file_end.peak_it_w},
          {"peak_facility_w", s.peak_facility_w},
          {"peak_window_s", s.peak_window_s}};
}

}  // namespace

Json provenance(const TimelineFile& file) {
  const TimelineHeader& h = file.header();
  const Summary& s = file.summary();
  Json summary = {{"it_energy_j", s.it_energy_j},
                  {"facility_energy_j", s.facility_energy_j},
                  {"carbon_g", s.carbon_g},
                  {"cost", s.cost},
                  {"conservation_error", s.conservation_error}};
  summary.update(statistics(s));
  Json classes = Json::array();
  for (const ClassStatistics& each : s.classes) {
    Json row = {{"name", each.name}};
    row.update(statistics(each));
    classes.push_back(std::move(row));
  }
  Json out = {
      {"file", file.path().string()},
      {"title", h.title},
      {"source", h.source},
      {"schema_version", timeline_schema_version},
      {"seed", h.seed},
      {"scenario_sha256", h.scenario_sha256},
      {"scenario_yaml", h.scenario_yaml},
      {"start_unix_s", static_cast<double>(h.period_start_unix_s) + h.period_start_fraction_s},
      {"period_end_s", h.period_end_s},
      {"file_end_s", h.file_end_s},
      {"bin_s", h.bin_s},
      {"warmup_s", h.warmup_s},
      {"slowdown_tau_s", h.slowdown_tau_s},
      {"jobs", file.job_count()},
      {"summary", std::move(summary)},
      {"classes", std::move(classes)},
      {"class_names", file.table("class")}};
  out["sites"] = Json::array();
  for (const SiteResult& each : file.sites()) out["sites"].push_back(site(each));
  out["partitions"] = Json::array();
  for (const PartitionTotals& p : file.partitions()) {
    out["partitions"].push_back({{"site", p.site},
                                 {"name", p.name},
                                 {"device", p.device},
                                 {"cores", p.counts_cores},
                                 {"nodes", p.nodes},
                                 {"gpus", p.gpus}});
  }
  out["inputs"] = Json::array();
  for (const InputFile& input : file.inputs()) {
    const ReadReport& r = input.report;
    out["inputs"].push_back({{"role", input.role},
                             {"path", r.path},
                             {"format", r.format},
                             {"sha256", r.sha256},
                             {"rows", r.rows},
                             {"skipped", rules(r.skipped)},
                             {"adjusted", rules(r.adjusted)}});
  }
  out["counts"] = rules(file.counts());
  out["notes"] = file.notes();
  return out;
}

}  // namespace nightwatt::report
