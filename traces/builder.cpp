#include "traces/builder.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <numeric>
#include <stdexcept>
#include <tuple>
#include <utility>

#include "traces/dependency_graph.hpp"
#include "traces/large_pages.hpp"

namespace nightwatt {

namespace {

/// The number that `text` is the shortest way to write, so that nothing is lost by keeping it.
std::optional<std::int64_t> canonical_number(std::string_view text) {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return {};
  const std::size_t sign = text.front() == '-' ? 1 : 0;
  if (text[sign] == '0' && text.size() > 1) return {};  // "007", "-0"
  return value;
}

/// NaN comes after all numbers, so that sorting has a strict order.
int compare(double a, double b) {
  if (a < b) return -1;
  if (b < a) return 1;
  return static_cast<int>(std::isnan(a)) - static_cast<int>(std::isnan(b));
}

/// Order of two jobs by all that the trace says of them (not by where it stands in the file).
int compare(const Job& a, const Job& b) {
  for (const auto& [x, y] : {std::pair{a.submit_s, b.submit_s}}) {
    if (const int order = compare(x, y)) return order;
  }
  if (a.id != b.id) return a.id < b.id ? -1 : 1;
  for (const auto& [x, y] : {std::pair{a.start_s, b.start_s}, std::pair{a.run_s, b.run_s},
                             std::pair{a.limit_s, b.limit_s}, std::pair{a.deadline_s, b.deadline_s},
                             std::pair{double{a.utilization}, double{b.utilization}}}) {
    if (const int order = compare(x, y)) return order;
  }
  const auto rest = [](const Job& job) {
    return std::tie(job.gpu_milli, job.pieces, job.nodes, job.cores, job.gpu_type, job.user,
                    job.queue, job.state);
  };
  if (rest(a) == rest(b)) return 0;
  return rest(a) < rest(b) ? -1 : 1;
}

constexpr std::uint32_t dropped = UINT32_MAX;
/// Traces write whole seconds, so that a start and an end may differ by up to one from the truth.
constexpr double contradiction_s = 1.0;

}  // namespace

WorkloadBuilder::WorkloadBuilder(const ReadRequest& request, FormatInfo format, const Input* input)
    : input_(input),
      request_(request),
      format_(std::move(format)),
      rules_(format_.rules, request_.rules, diagnostics_),
      bad_row_(rules_.find("bad_row")),
      negative_duration_(rules_.find("negative_duration")),
      zero_duration_(rules_.find("zero_duration")),
      over_limit_(rules_.find("over_limit")),
      no_gpus_(rules_.find("no_gpus")) {
  diagnostics_.throw_if_any();
}

void WorkloadBuilder::note(std::string text) {
  if (std::find(notes_.begin(), notes_.end(), text) == notes_.end()) {
    notes_.push_back(std::move(text));
  }
}

void WorkloadBuilder::bad_row(const Position& where, std::string message, bool same_row) {
  if (bad_row_ != nullptr && bad_row_->is("skip")) {
    if (!same_row) bad_row_->count_skipped();
    return;
  }
  diagnostics_.error(where, std::move(message));
}

void WorkloadBuilder::leave_out(Rule& rule, const Position& where, const char* message) {
  if (rule.is("error")) {
    diagnostics_.error(where, message + rule.hint());
  } else {
    rule.count_skipped();
  }
}

void WorkloadBuilder::depends_on(std::string_view on, double think_s, const Position& where) {
  const std::int64_t id = id_of(on);
  dependencies_.push_back({static_cast<std::uint32_t>(workload_.jobs.size() - 1), id, think_s,
                           where.line, where.column});
}

void WorkloadBuilder::depends_on(std::int64_t on, double think_s, const Position& where) {
  dependencies_.push_back({static_cast<std::uint32_t>(workload_.jobs.size() - 1), id_of(on),
                           think_s, where.line, where.column});
}

std::int64_t WorkloadBuilder::id_of(std::string_view id) {
  if (!workload_.ids_are_text) {
    if (const auto number = canonical_number(id)) return *number;
    ids_become_text();
  }
  return workload_.text_ids.append(id);
}

std::int64_t WorkloadBuilder::id_of(std::int64_t id) {
  return workload_.ids_are_text ? workload_.text_ids.append(std::to_string(id)) : id;
}

void WorkloadBuilder::ids_become_text() {
  workload_.ids_are_text = true;
  const auto text = [&](std::int64_t id) {
    return std::int64_t{workload_.text_ids.append(std::to_string(id))};
  };
  for (Job& job : workload_.jobs) job.id = text(job.id);
  for (PendingDependency& dependency : dependencies_) dependency.on = text(dependency.on);
}

/// Applies the shared rules. @return whether the job stays
bool WorkloadBuilder::decide(Job& job, const Position* at) {
  const auto where = [&] { return at != nullptr ? *at : Position{request_.path, job.row, 0}; };
  if (!(std::abs(job.submit_s) <= max_time_s)) {
    bad_row(where(), "the job has no usable submit time");
    return false;
  }
  if (std::isnan(job.run_s) || job.run_s > max_time_s) {
    bad_row(where(), "the job has no usable run time");
    return false;
  }
  if (job.run_s < 0) {
    if (negative_duration_ == nullptr) {
      bad_row(where(), "the run time is below zero");
      return false;
    }
    if (!negative_duration_->is("zero")) {
      leave_out(*negative_duration_, where(), "the run time is below zero");
      return false;
    }
    negative_duration_->count_adjusted();
    job.run_s = 0;
  } else if (job.run_s == 0 && zero_duration_ != nullptr) {
    if (!zero_duration_->is("keep")) {
      leave_out(*zero_duration_, where(), "the run time is 0");
      return false;
    }
    zero_duration_->count_adjusted();
  }
  if (job.run_s > job.limit_s && over_limit_ != nullptr) {
    if (over_limit_->is("error")) {
      leave_out(*over_limit_, where(), "the job ran longer than its limit");
      return false;
    }
    over_limit_->count_adjusted();
    if (over_limit_->is("clip")) job.run_s = job.limit_s;
  }
  if (job.gpu_milli == 0 && no_gpus_ != nullptr) {
    if (no_gpus_->is("error")) {
      leave_out(*no_gpus_, where(), "the job asks for no GPU");
      return false;
    }
    if (no_gpus_->is("skip") || job.cores == 0) {
      no_gpus_->count_skipped();
      return false;
    }
  }
  return true;
}

bool WorkloadBuilder::store(Job& job) {
  if (workload_.jobs.size() >= dropped) throw InputError("the trace has more than 2^32 - 2 jobs");
  std::vector<Job>& jobs = workload_.jobs;
  if (jobs.size() == jobs.capacity() && input_ != nullptr) {
    // Room for all jobs at once where it can be foreseen: growing by copies costs time and memory,
    // room that stays unused does not. A quarter more, because the input is read ahead of the rows.
    const double progress = input_->progress();
    const auto now = static_cast<double>(jobs.size());
    if (progress > 0 && now > 0) {
      reserve_on_large_pages(
          jobs, static_cast<std::size_t>(1 + std::min(1.25 * now / progress, 64 * now)));
    }
  }
  jobs.push_back(job);
  return true;
}

bool WorkloadBuilder::add(Job job, std::string_view id) {
  if (id.empty()) {
    bad_row({request_.path, job.row, 0}, "the job has no id");
    return false;
  }
  if (!decide(job, nullptr)) return false;
  has_ids_ = true;
  job.id = id_of(id);
  return store(job);
}

bool WorkloadBuilder::add(Job job, std::string_view id, const Position& where) {
  if (id.empty()) {
    bad_row(where, "the job has no id");
    return false;
  }
  if (!decide(job, &where)) return false;
  has_ids_ = true;
  job.id = id_of(id);
  return store(job);
}

bool WorkloadBuilder::add(Job job, std::int64_t id) {
  if (!decide(job, nullptr)) return false;
  has_ids_ = true;
  job.id = id_of(id);
  return store(job);
}

bool WorkloadBuilder::add(Job job) { return decide(job, nullptr) && store(job); }

bool WorkloadBuilder::add(Job job, const Position& where) {
  return decide(job, &where) && store(job);
}

Input WorkloadBuilder::open_also(std::string name, const std::string& path) {
  return Input::open(std::move(name), path);
}

void WorkloadBuilder::add_report(Input& input, std::uint64_t rows) {
  ReadReport report;
  report.path = input.name();
  report.format = format_.name;
  report.sha256 = input.sha256();
  report.rows = rows;
  other_reports_.push_back(std::move(report));
}

void WorkloadBuilder::fail(const InputError& last) {
  diagnostics_.append(last);
  diagnostics_.throw_if_any();
  throw last;
}

void WorkloadBuilder::sort_strings() {
  const std::vector<std::int32_t> users = workload_.users.sort();
  const std::vector<std::int32_t> queues = workload_.queues.sort();
  const std::vector<std::int32_t> types = workload_.gpu_types.sort();
  const auto move = [](std::int32_t& index, const std::vector<std::int32_t>& place) {
    if (index >= 0) index = place[static_cast<std::size_t>(index)];
  };
  for (Job& job : workload_.jobs) {
    move(job.user, users);
    move(job.queue, queues);
    move(job.gpu_type, types);
  }
  if (workload_.ids_are_text) {
    const std::vector<std::int32_t> ids = workload_.text_ids.sort();
    for (Job& job : workload_.jobs) job.id = ids[static_cast<std::size_t>(job.id)];
    for (PendingDependency& one : dependencies_) one.on = ids[static_cast<std::size_t>(one.on)];
  }
}

/// Sorts the jobs. @return where each has gone; empty where they were in order
std::vector<std::uint32_t> WorkloadBuilder::sort_jobs() {
  std::vector<Job>& jobs = workload_.jobs;
  const auto before = [](const Job& a, const Job& b) { return compare(a, b) < 0; };
  if (std::is_sorted(jobs.begin(), jobs.end(), before)) return {};
  struct Key {
    double submit_s;
    std::int64_t id;
    std::uint32_t index;
  };
  std::vector<Key> keys(jobs.size());
  for (std::uint32_t i = 0; i < keys.size(); ++i) keys[i] = {jobs[i].submit_s, jobs[i].id, i};
  std::sort(keys.begin(), keys.end(), [&](const Key& a, const Key& b) {
    if (a.submit_s != b.submit_s) return a.submit_s < b.submit_s;
    if (a.id != b.id) return a.id < b.id;
    const int order = compare(jobs[a.index], jobs[b.index]);
    return order != 0 ? order < 0 : a.index < b.index;
  });
  std::vector<std::uint32_t> place(jobs.size());
  for (std::uint32_t i = 0; i < keys.size(); ++i) place[keys[i].index] = i;
  keys = {};
  // Each job is swapped to where it belongs: no second copy of all jobs.
  std::vector<std::uint32_t> to = place;
  for (std::uint32_t i = 0; i < to.size(); ++i) {
    while (to[i] != i) {
      const std::uint32_t target = to[i];
      std::swap(jobs[i], jobs[target]);
      std::swap(to[i], to[target]);
    }
  }
  return place;
}

/// Decides about equal rows of a trace without ids. @return which jobs go; empty where none does
std::vector<bool> WorkloadBuilder::decide_equal_rows() {
  const std::vector<Job>& jobs = workload_.jobs;
  std::vector<bool> drop;
  Rule* rule = rules_.find("duplicate_rows");
  if (rule == nullptr) return drop;
  for (std::uint32_t i = 1; i < jobs.size(); ++i) {
    if (compare(jobs[i - 1], jobs[i]) != 0) continue;
    if (rule->is("error")) {
      leave_out(*rule, {request_.path, jobs[i].row, 0}, "the row says the same as an earlier one");
    } else if (rule->is("drop")) {
      rule->count_skipped();
      drop.resize(jobs.size());
      drop[i] = true;
    } else {
      rule->count_adjusted();
    }
  }
  return drop;
}

/// Decides about jobs with one id. @return which jobs go; empty where none does
std::vector<bool> WorkloadBuilder::decide_equal_ids(bool& renumbered) {
  std::vector<Job>& jobs = workload_.jobs;
  std::vector<bool> drop;
  std::vector<std::uint32_t> order(jobs.size());
  std::iota(order.begin(), order.end(), 0U);
  const auto by_id = [&](std::uint32_t a, std::uint32_t b) {
    return jobs[a].id != jobs[b].id ? jobs[a].id < jobs[b].id : a < b;
  };
  if (!std::is_sorted(order.begin(), order.end(), by_id)) {
    std::sort(order.begin(), order.end(), by_id);
  }
  Rule* rule = rules_.find("duplicate_ids");
  std::int64_t largest = order.empty() ? 0 : jobs[order.back()].id;
  for (std::size_t begin = 0, end = 0; begin < order.size(); begin = end) {
    const std::int64_t id = jobs[order[begin]].id;
    for (end = begin + 1; end < order.size() && jobs[order[end]].id == id; ++end) {
    }
    if (end == begin + 1) continue;
    if (rule == nullptr || rule->is("error")) {
      const Job& later = jobs[order[begin + 1]];
      diagnostics_.error(
          {request_.path, later.row, 0},
          fmt::format("job id {} is used {} (also in line {}){}", quote(workload_.id_text(later)),
                      end - begin == 2 ? "twice" : fmt::format("{} times", end - begin),
                      jobs[order[begin]].row, rule != nullptr ? rule->hint() : ""));
    } else if (rule->is("renumber")) {
      renumbered = true;
      for (std::size_t i = begin + 1; i < end; ++i) {
        rule->count_adjusted();
        jobs[order[i]].id = fresh_id(id, i - begin + 1, largest);
      }
    } else {
      const std::size_t kept = rule->is("keep_first") ? begin : end - 1;
      drop.resize(jobs.size());
      for (std::size_t i = begin; i < end; ++i) {
        if (i == kept) continue;
        rule->count_skipped();
        drop[order[i]] = true;
      }
    }
  }
  return drop;
}

/// An id for the `copy`-th job (from 2) with that id: above the largest number, or "ID#2".
std::int64_t WorkloadBuilder::fresh_id(std::int64_t id, std::size_t copy, std::int64_t& largest) {
  if (!workload_.ids_are_text) {
    if (largest == std::numeric_limits<std::int64_t>::max()) {
      throw InputError("job ids cannot be renumbered: the largest is 2^63 - 1");
    }
    return ++largest;
  }
  const std::string text(workload_.text_ids[static_cast<std::int32_t>(id)]);
  std::string candidate = fmt::format("{}#{}", text, copy);
  while (true) {
    const std::size_t known = workload_.text_ids.size();
    const std::int64_t fresh = workload_.text_ids.intern(candidate);
    if (workload_.text_ids.size() > known) return fresh;
    candidate += '#';
  }
}

/// Decides about jobs that say the same, or have one id. `place` (where each job of the file has
/// gone; empty = where it was) follows.
void WorkloadBuilder::decide_duplicates(std::vector<std::uint32_t>& place) {
  std::vector<Job>& jobs = workload_.jobs;
  bool renumbered = false;
  const std::vector<bool> drop = has_ids_ ? decide_equal_ids(renumbered) : decide_equal_rows();
  std::vector<std::uint32_t> moved;
  if (renumbered) {
    sort_strings();
    moved = sort_jobs();
  } else if (!drop.empty()) {
    moved.resize(jobs.size());
    std::uint32_t kept = 0;
    for (std::uint32_t i = 0; i < jobs.size(); ++i) {
      moved[i] = drop[i] ? dropped : kept;
      if (!drop[i]) jobs[kept++] = jobs[i];
    }
    jobs.resize(kept);
  }
  if (moved.empty()) return;
  if (place.empty()) {
    place = std::move(moved);
  } else {
    for (std::uint32_t& index : place) index = moved[index];
  }
}

void WorkloadBuilder::resolve_dependencies(const std::vector<std::uint32_t>& place) {
  if (dependencies_.empty()) return;
  const std::vector<Job>& jobs = workload_.jobs;
  std::vector<std::uint32_t> order(jobs.size());
  std::iota(order.begin(), order.end(), 0U);
  std::sort(order.begin(), order.end(),
            [&](std::uint32_t a, std::uint32_t b) { return jobs[a].id < jobs[b].id; });
  Rule* missing = rules_.find("missing_dependency");
  Rule* contradicted = rules_.find("contradicted_dependency");
  for (const PendingDependency& pending : dependencies_) {
    const std::uint32_t job = place.empty() ? pending.job : place[pending.job];
    if (job == dropped) continue;
    const auto found =
        std::lower_bound(order.begin(), order.end(), pending.on,
                         [&](std::uint32_t a, std::int64_t id) { return jobs[a].id < id; });
    if (found != order.end() && jobs[*found].id == pending.on) {
      const Job& first = jobs[*found];
      const bool against_record =
          *found == job || jobs[job].start_s < first.start_s + first.run_s - contradiction_s;
      if (!against_record || contradicted == nullptr || contradicted->is("keep")) {
        workload_.dependencies.push_back({job, *found, pending.think_s});
      } else if (contradicted->is("ignore")) {
        contradicted->count_adjusted();
      } else {
        leave_out(*contradicted, {request_.path, pending.line, pending.column},
                  "the job started before the one ended that it waits for");
      }
    } else if (missing == nullptr || missing->is("error")) {
      diagnostics_.error(
          {request_.path, pending.line, pending.column},
          fmt::format(
              "the job waits for job {}, which is not among the jobs read{}",
              quote(workload_.ids_are_text
                        ? std::string(workload_.text_ids[static_cast<std::int32_t>(pending.on)])
                        : std::to_string(pending.on)),
              missing != nullptr ? missing->hint() : ""));
    } else {
      missing->count_adjusted();
    }
  }
  const auto key = [](const Dependency& one) { return std::tie(one.job, one.on, one.think_s); };
  auto& all = workload_.dependencies;
  std::sort(all.begin(), all.end(),
            [&](const Dependency& a, const Dependency& b) { return key(a) < key(b); });
}

Workload WorkloadBuilder::finish(Input& input) {
  diagnostics_.throw_if_any();
  sort_strings();
  std::vector<std::uint32_t> place = sort_jobs();
  decide_duplicates(place);
  resolve_dependencies(place);
  diagnostics_.throw_if_any();

  ReadReport report;
  report.path = request_.path;
  report.format = format_.name;
  report.sha256 = input.sha256();
  report.rows = rows_;
  rules_.fill(report);
  report.notes = notes_;
  std::vector<Job>& jobs = workload_.jobs;
  if (jobs.empty()) {
    std::string why = rows_ == 0 ? "the file holds no job"
                                 : fmt::format("none of the {} rows is a job to simulate", rows_);
    for (const RuleCount& count : report.skipped) {
      why += fmt::format("; {} left out by rule {}", count.rows, count.rule);
    }
    throw InputError(Diagnostic{{request_.path, 0, 0}, std::move(why)});
  }
  if (unix_times_) {
    origin_unix_s_ = static_cast<std::int64_t>(std::floor(jobs.front().submit_s));
    const auto origin = static_cast<double>(*origin_unix_s_);
    for (Job& job : jobs) {
      job.submit_s -= origin;
      job.start_s -= origin;
      job.deadline_s -= origin;
    }
  }
  workload_.origin_unix_s = origin_unix_s_;
  if (!has_ids_) {
    for (std::size_t i = 0; i < jobs.size(); ++i) jobs[i].id = static_cast<std::int64_t>(i) + 1;
  }
  workload_.reports.push_back(std::move(report));
  for (ReadReport& other : other_reports_) workload_.reports.push_back(std::move(other));
  if (!workload_.dependencies.empty()) check_dependencies(workload_);
  return std::move(workload_);
}

TraceDates::TraceDates(WorkloadBuilder& builder, std::string_view assumed_zone)
    : builder_(&builder),
      reader_(builder.request().zone.empty() ? assumed_zone : builder.request().zone),
      repeated_hour_(builder.find_rule("repeated_hour")),
      missing_hour_(builder.find_rule("missing_hour")) {
  if (builder.request().zone.empty() && !assumed_zone.empty()) {
    builder.note(fmt::format("zone assumed: {} (the trace names none)", assumed_zone));
  }
}

std::optional<double> TraceDates::read(std::string_view text, std::string& expected) {
  double unix_s = 0;
  switch (reader_.read(text, unix_s)) {
    case DateReader::Result::ok:
      return unix_s;
    case DateReader::Result::twice:
      if (repeated_hour_ == nullptr) return unix_s;
      if (repeated_hour_->is("error")) {
        expected = "a local time that exists once in its zone" + repeated_hour_->hint();
        return {};
      }
      repeated_hour_->count_adjusted();
      return repeated_hour_->is("second") ? reader_.second_s() : unix_s;
    case DateReader::Result::never:
      if (missing_hour_ == nullptr) return unix_s;
      if (missing_hour_->is("error")) {
        expected = "a local time that exists in its zone" + missing_hour_->hint();
        return {};
      }
      missing_hour_->count_adjusted();
      return unix_s;
    case DateReader::Result::needs_zone:
      if (!zone_missed_) {
        zone_missed_ = true;
        builder_->diagnostics().error(
            {builder_->request().path, 0, 0},
            fmt::format("zone: the date {} names no time zone; say in which zone the file's dates "
                        "are, for example zone: America/Chicago",
                        quote(text)));
      }
      return unix_s;
    default:
      expected = "a date such as '2019-01-01 08:55:55'";
      return {};
  }
}

RowFields::Column RowFields::require(std::string_view name) {
  return {table_->require(name, builder_->diagnostics()), std::string(name)};
}

RowFields::Column RowFields::find(std::string_view name) const {
  return {table_->find(name).value_or(SIZE_MAX), std::string(name)};
}

bool RowFields::next(std::size_t fields) {
  while (table_->next()) {
    if (count_rows_) builder_->count_row();
    bad_ = false;
    if (!table_->fault().empty()) {
      builder_->bad_row(table_->position(table_->fault_field()), table_->fault());
    } else if (table_->size() < fields) {
      builder_->bad_row(table_->position(table_->size()),
                        fmt::format("expected {} fields, got {}", fields, table_->size()));
    } else {
      return true;
    }
  }
  return false;
}

double RowFields::number(const Column& column, const char* expected) {
  if (const auto value = parse_number(text(column))) return *value;
  fault(column, expected);
  return unknown;
}

double RowFields::number_or_unknown(const Column& column) {
  return empty(column) ? unknown : number(column, "a number or nothing");
}

std::int64_t RowFields::whole(const Column& column, std::int64_t least, std::int64_t most) {
  const auto value = parse_whole(text(column));
  if (value && *value >= least && *value <= most) return *value;
  fault(column, fmt::format("a whole number from {} to {}", least, most));
  return least;
}

double RowFields::date(const Column& column, TraceDates& dates) {
  std::string expected;
  if (const auto unix_s = dates.read(text(column), expected)) return *unix_s;
  fault(column, expected);
  return unknown;
}

void RowFields::fault(const Column& column, std::string_view expected) {
  builder_->bad_row(
      position(column),
      fmt::format("{}: expected {}, got {}", column.name, expected, quote(text(column))), bad_);
  bad_ = true;
}

}  // namespace nightwatt
