#include "analysis/trace_info.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <nlohmann/json.hpp>
#include <utility>
#include <vector>

#include "analysis/text.hpp"

namespace nightwatt {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::array<std::pair<const char*, double>, 7> quantiles = {{{"min", 0.0},
                                                                      {"p10", 0.1},
                                                                      {"p50", 0.5},
                                                                      {"p90", 0.9},
                                                                      {"p95", 0.95},
                                                                      {"p99", 0.99},
                                                                      {"max", 1.0}}};

/// Values of one field over the jobs that have it.
struct Distribution {
  std::vector<double> values;  ///< ascending
  double mean = unknown;

  template <class Field>
  Distribution(const Workload& workload, Field field) {
    double sum = 0.0;
    for (const Job& job : workload.jobs) {
      const double value = field(job);
      if (std::isnan(value)) continue;
      values.push_back(value);
      sum += value;
    }
    std::sort(values.begin(), values.end());
    if (!values.empty()) mean = sum / static_cast<double>(values.size());
  }

  [[nodiscard]] double at(double quantile) const {
    if (values.empty()) return unknown;
    const double place = quantile * static_cast<double>(values.size() - 1);
    const auto below = static_cast<std::size_t>(place);
    const std::size_t above = std::min(below + 1, values.size() - 1);
    return values[below] + (place - static_cast<double>(below)) * (values[above] - values[below]);
  }
};

/// Everything that both forms show.
struct Info {
  Distribution run_s, wait_s, limit_s;
  double gpu_hours = 0.0, core_hours = 0.0;
  double first_submit_s = unknown, last_submit_s = unknown, last_end_s = unknown;
  std::map<std::uint32_t, std::uint64_t> jobs_by_gpu_milli;
  std::map<TraceState, std::uint64_t> jobs_by_state;
  std::uint64_t deadlines = 0;

  explicit Info(const Workload& workload)
      : run_s(workload, [](const Job& job) { return job.run_s; }),
        wait_s(workload, [](const Job& job) { return job.start_s - job.submit_s; }),
        limit_s(workload, [](const Job& job) { return job.limit_s; }) {
    if (!workload.jobs.empty()) {
      first_submit_s = workload.jobs.front().submit_s;
      last_submit_s = workload.jobs.back().submit_s;
    }
    for (const Job& job : workload.jobs) {
      if (!std::isnan(job.run_s)) {
        gpu_hours += job.gpu_milli / 1000.0 * job.run_s / 3600.0;
        core_hours += job.cores * job.run_s / 3600.0;
        // fmax leaves NaN (no recorded start) out.
        last_end_s = std::fmax(last_end_s, job.start_s + job.run_s);
      }
      ++jobs_by_gpu_milli[job.gpu_milli];
      ++jobs_by_state[job.state];
      if (!std::isnan(job.deadline_s)) ++deadlines;
    }
  }
};

std::string instant_of(const Workload& workload, double s) {
  if (std::isnan(s)) return "unknown";
  if (!workload.origin_unix_s) return span_text(seconds(s)) + " after the trace's zero";
  return instant_text(*workload.origin_unix_s + std::llround(s));
}

/// The most frequent names of a string table, by jobs, then name.
std::vector<std::pair<std::string, std::uint64_t>> counts_by(const Workload& workload,
                                                             const StringTable& table,
                                                             std::int32_t Job::*field) {
  std::vector<std::pair<std::string, std::uint64_t>> counts;
  for (const std::string_view name : table.texts()) counts.emplace_back(name, 0);
  for (const Job& job : workload.jobs) {
    if (job.*field >= 0) ++counts[static_cast<std::size_t>(job.*field)].second;
  }
  std::erase_if(counts, [](const auto& entry) { return entry.second == 0; });
  std::sort(counts.begin(), counts.end(), [](const auto& a, const auto& b) {
    return a.second != b.second ? a.second > b.second : a.first < b.first;
  });
  return counts;
}

/// "13 (a: 20,000, b: 1,000, and 11 more)"
std::string names_text(const std::vector<std::pair<std::string, std::uint64_t>>& counts) {
  constexpr std::size_t shown = 5;
  if (counts.empty()) return "none named";
  std::string text = grouped(counts.size()) + " (";
  for (std::size_t i = 0; i < counts.size() && i < shown; ++i) {
    text += fmt::format("{}{}: {}", i == 0 ? "" : ", ",
                        counts[i].first.empty() ? "(empty)" : printable(counts[i].first),
                        grouped(counts[i].second));
  }
  if (counts.size() > shown) text += fmt::format(", and {} more", grouped(counts.size() - shown));
  return text + ")";
}

std::string gpus_text(std::uint32_t milli) { return number_text(milli / 1000.0); }

/// A share below one GPU has one line of its own: exact shares are many.
std::string sizes_text(const Info& info) {
  std::uint64_t shared = 0;
  std::vector<std::pair<std::uint32_t, std::uint64_t>> sizes;
  for (const auto& [milli, jobs] : info.jobs_by_gpu_milli) {
    if (milli > 0 && milli < 1000) {
      shared += jobs;
    } else {
      sizes.emplace_back(milli, jobs);
    }
  }
  std::string text;
  const auto add = [&](const std::string& size, std::uint64_t jobs) {
    text += fmt::format("{}{}: {}", text.empty() ? "" : ", ", size, grouped(jobs));
  };
  if (shared > 0) add("part of one", shared);
  constexpr std::size_t shown = 12;
  std::uint64_t others = 0;
  for (std::size_t i = 0; i < sizes.size(); ++i) {
    // The largest is always shown: it decides what cluster fits.
    if (i < shown || i + 1 == sizes.size()) {
      if (others > 0) add("between", std::exchange(others, 0));
      add(gpus_text(sizes[i].first), sizes[i].second);
    } else {
      others += sizes[i].second;
    }
  }
  return text;
}

Json rules_json(const std::vector<RuleCount>& counts) {
  Json list = Json::array();
  for (const RuleCount& count : counts) {
    list.push_back({{"rule", count.rule}, {"choice", count.choice}, {"rows", count.rows}});
  }
  return list;
}

Json distribution_json(const Distribution& distribution) {
  Json json = {{"jobs", distribution.values.size()}, {"mean", distribution.mean}};
  for (const auto& [name, quantile] : quantiles) json[name] = distribution.at(quantile);
  return json;
}

Json names_json(const std::vector<std::pair<std::string, std::uint64_t>>& counts) {
  Json json = Json::object();
  for (const auto& [name, jobs] : counts) json[name] = jobs;
  return json;
}

}  // namespace

const char* trace_state_name(TraceState state) {
  switch (state) {
    case TraceState::unknown:
      return "unknown";
    case TraceState::completed:
      return "completed";
    case TraceState::failed:
      return "failed";
    case TraceState::cancelled:
      return "cancelled";
    case TraceState::timeout:
      return "timeout";
    case TraceState::node_fail:
      return "node_fail";
    case TraceState::out_of_memory:
      return "out_of_memory";
    case TraceState::preempted:
      return "preempted";
    case TraceState::running:
      return "running";
    case TraceState::pending:
      return "pending";
  }
  return "unknown";
}

std::string trace_info_table(const Workload& workload) {
  using Align = TextTable::Align;
  const Info info(workload);
  TextTable table({Align::left});
  for (const ReadReport& report : workload.reports) {
    table.row({"file", printable(report.path)});
    table.row({"format", report.format});
    table.row({"rows", fmt::format("{} read", grouped(report.rows))});
    for (const RuleCount& count : report.skipped) {
      if (count.rows > 0) {
        table.row({"", fmt::format("{} skipped by rule {} ({})", grouped(count.rows), count.rule,
                                   count.choice)});
      }
    }
    for (const RuleCount& count : report.adjusted) {
      if (count.rows > 0) {
        table.row({"", fmt::format("{} adjusted by rule {} ({})", grouped(count.rows), count.rule,
                                   count.choice)});
      }
    }
  }
  table.row({"jobs", grouped(workload.jobs.size())});
  if (!workload.jobs.empty()) {
    table.row({"submitted",
               fmt::format("{} to {} ({})", instant_of(workload, info.first_submit_s),
                           instant_of(workload, info.last_submit_s),
                           span_text(seconds(info.last_submit_s) - seconds(info.first_submit_s)))});
    if (!std::isnan(info.last_end_s)) {
      table.row({"last end", instant_of(workload, info.last_end_s)});
    }
    if (info.gpu_hours > 0.0) table.row({"GPU-hours", number_text(info.gpu_hours)});
    if (info.core_hours > 0.0) table.row({"core-hours", number_text(info.core_hours)});
    table.row({"GPUs of a job", sizes_text(info)});
    const auto gpu_types = counts_by(workload, workload.gpu_types, &Job::gpu_type);
    if (!gpu_types.empty()) table.row({"GPU types", names_text(gpu_types)});
    table.row({"users", names_text(counts_by(workload, workload.users, &Job::user))});
    table.row({"queues", names_text(counts_by(workload, workload.queues, &Job::queue))});
    std::string states;
    for (const auto& [state, jobs] : info.jobs_by_state) {
      states += fmt::format("{}{} {}", states.empty() ? "" : ", ", trace_state_name(state),
                            grouped(jobs));
    }
    table.row({"states", states});
    if (info.deadlines > 0) table.row({"deadlines", grouped(info.deadlines)});
    if (!workload.dependencies.empty()) {
      table.row({"dependencies", grouped(workload.dependencies.size())});
    }
  }
  for (const ReadReport& report : workload.reports) {
    for (const std::string& note : report.notes) table.row({"note", printable(note)});
  }
  std::string out = table.text();
  if (workload.jobs.empty()) return out;

  TextTable spans(std::vector<Align>(quantiles.size() + 3, Align::right));
  std::vector<std::string> head = {"", "jobs", "mean"};
  for (const auto& [name, quantile] : quantiles) head.emplace_back(name);
  spans.row(head);
  const auto add = [&](const char* name, const Distribution& distribution) {
    std::vector<std::string> row = {name, grouped(distribution.values.size())};
    if (!distribution.values.empty()) {
      row.push_back(span_text(seconds(distribution.mean)));
      for (const auto& [label, quantile] : quantiles) {
        row.push_back(span_text(seconds(distribution.at(quantile))));
      }
    }
    spans.row(row);
  };
  add("run", info.run_s);
  add("wait", info.wait_s);
  add("limit", info.limit_s);
  return out + '\n' + spans.text();
}

std::string trace_info_json(const Workload& workload) {
  const Info info(workload);
  Json json;
  json["files"] = Json::array();
  for (const ReadReport& report : workload.reports) {
    json["files"].push_back({{"path", report.path},
                             {"format", report.format},
                             {"sha256", report.sha256},
                             {"rows", report.rows},
                             {"skipped", rules_json(report.skipped)},
                             {"adjusted", rules_json(report.adjusted)},
                             {"notes", report.notes}});
  }
  json["jobs"] = workload.jobs.size();
  json["origin_unix_s"] = workload.origin_unix_s ? Json(*workload.origin_unix_s) : Json(nullptr);
  json["first_submit_s"] = info.first_submit_s;
  json["last_submit_s"] = info.last_submit_s;
  json["last_end_s"] = info.last_end_s;
  json["gpu_hours"] = info.gpu_hours;
  json["core_hours"] = info.core_hours;
  json["run_s"] = distribution_json(info.run_s);
  json["wait_s"] = distribution_json(info.wait_s);
  json["limit_s"] = distribution_json(info.limit_s);
  json["jobs_by_gpus"] = Json::object();
  for (const auto& [milli, jobs] : info.jobs_by_gpu_milli) {
    json["jobs_by_gpus"][fmt::format("{}", milli / 1000.0)] = jobs;
  }
  json["jobs_by_state"] = Json::object();
  for (const auto& [state, jobs] : info.jobs_by_state) {
    json["jobs_by_state"][trace_state_name(state)] = jobs;
  }
  json["jobs_by_gpu_type"] = names_json(counts_by(workload, workload.gpu_types, &Job::gpu_type));
  json["jobs_by_user"] = names_json(counts_by(workload, workload.users, &Job::user));
  json["jobs_by_queue"] = names_json(counts_by(workload, workload.queues, &Job::queue));
  json["deadlines"] = info.deadlines;
  json["dependencies"] = workload.dependencies.size();
  // Names come from files: bytes that are not UTF-8 are replaced, not thrown at the user.
  return json.dump(2, ' ', false, Json::error_handler_t::replace);
}

}  // namespace nightwatt
