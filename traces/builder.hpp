#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "traces/datetime.hpp"
#include "traces/diagnostics.hpp"
#include "traces/input.hpp"
#include "traces/job.hpp"
#include "traces/reader.hpp"
#include "traces/rules.hpp"
#include "traces/table.hpp"

namespace nightwatt {

/// Collects the jobs of one trace while a format reads it, and makes the Workload of them. How a
/// format uses it is described in traces/formats/formats.hpp.
class WorkloadBuilder {
 public:
  /// @param request  as the user gave it; its rules are resolved against those of `format`
  /// @param input  where its jobs come from, to foresee how many there will be; may be null
  WorkloadBuilder(const ReadRequest& request, FormatInfo format, const Input* input = nullptr);

  [[nodiscard]] const ReadRequest& request() const { return request_; }
  [[nodiscard]] Diagnostics& diagnostics() { return diagnostics_; }
  /// A rule that the format declares (std::logic_error otherwise). The reference stays valid.
  Rule& rule(std::string_view name) { return rules_[name]; }
  /// The same, or nullptr where the format does not declare it.
  Rule* find_rule(std::string_view name) { return rules_.find(name); }
  /// An assumption that the user should know; equal notes are kept once.
  void note(std::string text);

  /// One more row (job record) was read: call it once for each, also for those left out later.
  void count_row() { ++rows_; }
  /// A row that cannot be understood: by rule bad_row either a fault of the file, or left out.
  /// Several faults of one row (`same_row`) are counted once.
  void bad_row(const Position& where, std::string message, bool same_row = false);
  /// A row that is decided by `rule`: with choice "error" a fault of the file, else counted as
  /// left out. The row must not be added.
  void leave_out(Rule& rule, const Position& where, const char* message);

  // String tables of the workload.
  std::int32_t user(std::string_view text) { return intern(workload_.users, text); }
  std::int32_t queue(std::string_view text) { return intern(workload_.queues, text); }
  std::int32_t gpu_type(std::string_view text) { return intern(workload_.gpu_types, text); }

  /// Times of the jobs added are Unix seconds; `finish` takes the whole second of the first
  /// submission as the origin. Without it they count from the trace's own zero.
  void times_are_unix() { unix_times_ = true; }
  /// Times of the jobs added count from this Unix second.
  void set_origin(std::int64_t unix_s) { origin_unix_s_ = unix_s; }

  /// Adds a job under the id that the trace gives it. The shared rules that the format declares
  /// (negative_duration, zero_duration, over_limit, no_gpus) are applied here; where a format does
  /// not declare one, a negative or unknown run time is a fault, and the rest is kept.
  /// Messages name the line `job.row` of the trace's (first) file, or `where`.
  /// @return false where the job was left out
  bool add(Job job, std::string_view id);
  bool add(Job job, std::string_view id, const Position& where);
  bool add(Job job, std::int64_t id);
  /// The same for formats without job ids.
  bool add(Job job);
  bool add(Job job, const Position& where);
  /// The job added last may start `think_s` after the one with id `on` has ended. Where the trace
  /// itself tells that it started earlier, rule contradicted_dependency decides.
  void depends_on(std::string_view on, double think_s, const Position& where);
  void depends_on(std::int64_t on, double think_s, const Position& where);

  /// Opens a second file of the trace (PAI's tasks); it gets a report of its own.
  Input open_also(std::string name, const std::string& path);
  /// Notes the hash of a file when it has been read; the first file is noted by the caller of the
  /// format's reader.
  void add_report(Input& input, std::uint64_t rows);

  /// Sorts, numbers and links the jobs. @throws InputError with all faults
  Workload finish(Input& input);

  /// Takes over the faults that ended the reading (truncated data and so on), then throws all.
  [[noreturn]] void fail(const InputError& last);

 private:
  struct PendingDependency {
    std::uint32_t job;
    std::int64_t on;  ///< the id: a number, or an index into text_ids
    double think_s;
    std::uint64_t line, column;
  };

  static std::int32_t intern(StringTable& table, std::string_view text) {
    return text.empty() ? -1 : table.intern(text);
  }
  bool decide(Job& job, const Position* where);
  bool store(Job& job);
  std::int64_t id_of(std::string_view id);
  std::int64_t id_of(std::int64_t id);
  void ids_become_text();
  void sort_strings();
  std::vector<std::uint32_t> sort_jobs();
  std::vector<bool> decide_equal_rows();
  std::vector<bool> decide_equal_ids(bool& renumbered);
  std::int64_t fresh_id(std::int64_t id, std::size_t copy, std::int64_t& largest);
  void decide_duplicates(std::vector<std::uint32_t>& place);
  void resolve_dependencies(const std::vector<std::uint32_t>& place);

  const Input* input_;
  ReadRequest request_;
  FormatInfo format_;
  Diagnostics diagnostics_;
  RuleSet rules_;
  Rule* bad_row_;
  Rule* negative_duration_;
  Rule* zero_duration_;
  Rule* over_limit_;
  Rule* no_gpus_;
  Workload workload_;
  std::vector<PendingDependency> dependencies_;
  std::optional<std::int64_t> origin_unix_s_;
  bool unix_times_ = false;
  bool has_ids_ = false;
  std::uint64_t rows_ = 0;
  std::vector<std::string> notes_;
  std::vector<ReadReport> other_reports_;
};

/// The dates of one trace: the zone that the user gave, or the one that the format assumes, and the
/// rules repeated_hour and missing_hour where the format declares them.
class TraceDates {
 public:
  /// @param assumed_zone  read where the user gave none; "" = the user has to give one
  /// @throws InputError for an unknown zone
  explicit TraceDates(WorkloadBuilder& builder, std::string_view assumed_zone = "");

  /// Unix seconds; none where the text is no date, or one that the rules refuse: then `expected`
  /// says what was. A date that needs a zone which nobody gave is noted as a fault, once.
  std::optional<double> read(std::string_view text, std::string& expected);

 private:
  WorkloadBuilder* builder_;
  DateReader reader_;
  Rule* repeated_hour_;
  Rule* missing_hour_;
  bool zone_missed_ = false;
};

/// The typed fields of a table's current row. What is wrong is noted for the row, and `ok` tells
/// whether the row can be used; all faults of a row are shown.
///
///     RowFields row(table, builder);
///     while (row.next()) {
///       job.submit_s = row.number(submit);
///       ...
///       if (row.ok()) builder.add(job, row.text(id), row.position());
///     }
class RowFields {
 public:
  /// A column: where it is, and how messages call it.
  struct Column {
    std::size_t index = SIZE_MAX;
    std::string name;
    [[nodiscard]] bool known() const { return index != SIZE_MAX; }
  };

  /// @param count_rows  false for a second file, whose rows are not the trace's jobs
  RowFields(Table& table, WorkloadBuilder& builder, bool count_rows = true)
      : table_(&table), builder_(&builder), count_rows_(count_rows) {}

  /// The column of that name; a missing one is a fault of the header.
  [[nodiscard]] Column require(std::string_view name);
  /// The column of that name, which may be missing.
  [[nodiscard]] Column find(std::string_view name) const;

  /// The next row with at least `fields` fields, counted; shorter ones are bad rows.
  bool next(std::size_t fields);

  [[nodiscard]] std::string_view text(const Column& column) const {
    return (*table_)[column.index];
  }
  [[nodiscard]] bool empty(const Column& column) const { return text(column).empty(); }
  /// A finite number. Where it is none: a fault, and NaN.
  double number(const Column& column, const char* expected = "a number");
  /// The same; an empty field gives NaN without a fault.
  double number_or_unknown(const Column& column);
  /// A whole number from `least` to `most` ("2.0" is one). Where it is none: a fault, and `least`.
  std::int64_t whole(const Column& column, std::int64_t least, std::int64_t most);
  /// A date as Unix seconds. Where it is none: a fault, and NaN.
  double date(const Column& column, TraceDates& dates);
  /// Any other fault of a field: "NAME: expected EXPECTED, got 'TEXT'".
  void fault(const Column& column, std::string_view expected);
  /// No fault in this row so far.
  [[nodiscard]] bool ok() const { return !bad_; }
  [[nodiscard]] Position position() const { return table_->row_position(); }
  [[nodiscard]] Position position(const Column& column) const {
    return table_->position(column.index);
  }
  [[nodiscard]] std::uint64_t line() const { return table_->line(); }

 private:
  Table* table_;
  WorkloadBuilder* builder_;
  bool count_rows_;
  bool bad_ = false;
};

/// The most GPUs, nodes, cores that one job can ask for.
inline constexpr std::int64_t max_gpus_per_job = 4'000'000;
inline constexpr std::int64_t max_count_per_job = 2'000'000'000;
/// Times beyond this (about 30,000 years) are taken for damage.
inline constexpr double max_time_s = 1e12;

}  // namespace nightwatt
