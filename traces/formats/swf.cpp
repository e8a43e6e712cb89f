#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "traces/formats/formats.hpp"

namespace nightwatt {

namespace {

constexpr std::size_t fields = 18;
/// Seconds of a submit time that is too large to count from a log's own start (1985 in Unix time).
constexpr double unix_from_s = 5e8;

/// The value of a header line "; KEY: value", or "".
std::string_view header_value(std::string_view line, std::string_view key) {
  while (!line.empty() && (line.front() == ';' || line.front() == ' ' || line.front() == '\t')) {
    line.remove_prefix(1);
  }
  if (!line.starts_with(key)) return {};
  line = trimmed(line.substr(key.size()));
  return line.starts_with(':') ? trimmed(line.substr(1)) : std::string_view();
}

TraceState state_of(double status) {
  if (status == 0 || status == 4) return TraceState::failed;
  if (status == 1 || status == 2 || status == 3) return TraceState::completed;
  if (status == 5) return TraceState::cancelled;
  return TraceState::unknown;
}

class SwfReader {
 public:
  SwfReader(Input& input, WorkloadBuilder& builder)
      : builder_(builder),
        table_(input,
               {.delimiter = ' ',
                .quotes = false,
                .header = false,
                .comment = ';',
                .max_fields = fields + 1},
               [this](std::string_view line) { header(line); }),
        row_(table_, builder),
        short_row_(builder.rule("short_row")) {
    static constexpr std::array<const char*, fields> names = {"job number",
                                                              "submit time",
                                                              "wait time",
                                                              "run time",
                                                              "allocated processors",
                                                              "average CPU time",
                                                              "used memory",
                                                              "requested processors",
                                                              "requested time",
                                                              "requested memory",
                                                              "status",
                                                              "user id",
                                                              "group id",
                                                              "executable number",
                                                              "queue number",
                                                              "partition number",
                                                              "preceding job number",
                                                              "think time"};
    for (std::size_t i = 0; i < fields; ++i) columns_[i + 1] = {i, names[i]};
  }

  void read() {
    const bool as_gpus = !builder_.rule("processors").is("cores");
    const bool as_cores = !builder_.rule("processors").is("gpus");
    const bool with_dependencies = builder_.rule("dependencies").is("keep");
    const bool allocated_first = builder_.rule("size").is("allocated");
    Rule& missing_submit = builder_.rule("missing_submit");
    Rule& missing_run = builder_.rule("missing_run");
    Rule& missing_processors = builder_.rule("missing_processors");
    Rule& partial_runs = builder_.rule("partial_runs");
    // A short row may end where all that a job needs is there: the requested time decides nothing.
    while (row_.next(short_row_.is("pad") ? 5 : 1)) {
      if (table_.size() < fields && !pad()) continue;
      extra_fields_ = extra_fields_ || table_.size() > fields;
      Job job;
      job.row = row_.line();
      const std::int64_t id =
          row_.whole(columns_[1], -max_count_per_job * 1'000'000, max_count_per_job * 1'000'000);
      job.submit_s = number(2);
      const double wait_s = number(3);
      job.run_s = number(4);
      const double allocated = number(5);
      const double requested = number(8);
      const double limit_s = number(9);
      const double status = number(11);
      const double preceding = number(17);
      const double think_s = number(18);
      const double processors = allocated_first ? (allocated > 0 ? allocated : requested)
                                                : (requested > 0 ? requested : allocated);
      if (processors > 0 && (processors != std::floor(processors) ||
                             processors > static_cast<double>(max_gpus_per_job))) {
        const bool from_request = allocated_first ? !(allocated > 0) : requested > 0;
        row_.fault(columns_[from_request ? 8 : 5],
                   fmt::format("a whole number up to {}, or -1", max_gpus_per_job));
      }
      if (!row_.ok()) continue;
      if (status == 2 || status == 3 || status == 4) {
        if (!partial_runs.is("keep")) {
          builder_.leave_out(partial_runs, row_.position(columns_[11]),
                             "status: the row is a part of a job that was interrupted");
          continue;
        }
        partial_runs.count_adjusted();
      }
      if (job.submit_s == -1) {
        builder_.leave_out(missing_submit, row_.position(columns_[2]), "submit time: is unknown");
        continue;
      }
      if (job.run_s == -1) {
        builder_.leave_out(missing_run, row_.position(columns_[4]), "run time: is unknown");
        continue;
      }
      if (!(processors > 0)) {
        builder_.leave_out(missing_processors, row_.position(columns_[8]),
                           "requested processors: neither they nor the allocated ones are known");
        continue;
      }
      if (wait_s >= 0) job.start_s = job.submit_s + wait_s;
      if (limit_s > 0) job.limit_s = limit_s;
      const auto count = static_cast<std::uint32_t>(processors);
      if (as_gpus) job.gpu_milli = count * 1000;
      if (as_cores) job.cores = count;
      job.state = state_of(status);
      job.user = builder_.user(known(12));
      const std::string_view queue = known(15);
      job.queue = builder_.queue(queue.empty() ? known(16) : queue);
      first_submit_s_ = std::min(first_submit_s_, job.submit_s);
      if (!builder_.add(job, id)) continue;
      if (preceding > 0 && with_dependencies) {
        builder_.depends_on(static_cast<std::int64_t>(preceding), std::max(think_s, 0.0),
                            row_.position(columns_[17]));
      }
    }
    set_times();
    builder_.note(as_gpus && as_cores
                      ? "a processor counts as one core and as one GPU (rule processors): the "
                        "partition decides which of them it counts"
                      : fmt::format("a processor counts as one {} (rule processors)",
                                    as_gpus ? "GPU" : "core"));
    if (extra_fields_) builder_.note("fields after the 18th are not read");
  }

 private:
  void header(std::string_view line) {
    if (const std::string_view value = header_value(line, "UnixStartTime"); !value.empty()) {
      // "1234 Tue Sep 4 ..." occurs: the number counts.
      if (const auto unix_s = parse_whole(value.substr(0, value.find(' ')));
          unix_s && std::abs(static_cast<double>(*unix_s)) <= max_time_s) {
        header_start_s_ = unix_s;
      } else {
        builder_.bad_row(table_.row_position(),
                         fmt::format("UnixStartTime: expected Unix seconds, got {}", quote(value)));
      }
    }
  }

  /// Decides about a row with fewer than 18 fields. @return whether it is read
  bool pad() {
    if (short_row_.is("pad")) {
      short_row_.count_adjusted();
      return true;
    }
    if (short_row_.is("skip")) {
      short_row_.count_skipped();
    } else {
      builder_.diagnostics().error(
          table_.position(table_.size()),
          fmt::format("expected {} fields, got {}{}", fields, table_.size(), short_row_.hint()));
    }
    return false;
  }

  /// Field by its number in the definition (from 1); -1 where a padded row has none.
  double number(std::size_t field) {
    return field > table_.size() ? -1.0 : row_.number(columns_[field]);
  }
  /// The text of an id field, "" for -1.
  std::string_view known(std::size_t field) {
    const std::string_view text = row_.text(columns_[field]);
    return text.starts_with('-') ? std::string_view() : text;
  }

  void set_times() {
    const Rule& rule = builder_.rule("swf_time");
    const bool large = first_submit_s_ >= unix_from_s && std::isfinite(first_submit_s_);
    if (rule.is("unix") || (rule.is("auto") && large)) {
      builder_.times_are_unix();
      if (rule.is("auto")) {
        builder_.note(
            "submit times are taken for Unix seconds because of their size (rule "
            "swf_time)");
      }
    } else if (header_start_s_ && *header_start_s_ != 0) {
      builder_.set_origin(*header_start_s_);
    } else {
      builder_.note("the log names no date: its times count from its own zero (rule swf_time)");
    }
  }

  WorkloadBuilder& builder_;
  Table table_;
  RowFields row_;
  Rule& short_row_;
  std::array<RowFields::Column, fields + 1> columns_;
  std::optional<std::int64_t> header_start_s_;
  double first_submit_s_ = INFINITY;
  bool extra_fields_ = false;
};

/// 18 fields, nearly all of them numbers: a single bad one is for the reader to name.
bool recognise(std::string_view head) {
  std::string_view line = first_line(head, ';');
  std::size_t count = 0;
  std::size_t numbers = 0;
  while (count < fields) {
    line = trimmed(line);
    const std::size_t end = std::min(line.find_first_of(" \t"), line.size());
    if (end == 0) break;
    ++count;
    if (parse_number(line.substr(0, end))) ++numbers;
    line.remove_prefix(end);
  }
  const bool commented = head.starts_with(';');
  return count == fields ? numbers + 3 >= fields : commented && count >= 5 && numbers == count;
}

void read(Input& input, WorkloadBuilder& builder) { SwfReader(input, builder).read(); }

}  // namespace

Format swf_format() {
  return {
      .info =
          {.name = "swf",
           .summary = "Standard Workload Format 2.2 (Parallel Workloads Archive), 18 or more "
                      "columns",
           .source = "https://www.cs.huji.ac.il/labs/parallel/workload/swf.html",
           .seen_in_wild = true,
           .rules = {{"processors", "what a processor of the log is", {"both", "gpus", "cores"}},
                     {"size",
                      "which number of processors a job asks for; the other one is taken where "
                      "it is unknown",
                      {"requested", "allocated"}},
                     {"swf_time",
                      "what submit times count from: the log's own start (UnixStartTime where "
                      "the header has it), or 1970; auto takes times above 5e8 s for Unix time",
                      {"auto", "relative", "unix"}},
                     {"short_row",
                      "a row with fewer than 18 fields; pad takes those that are missing at its "
                      "end for unknown",
                      {"error", "pad", "skip"}},
                     {"partial_runs",
                      "rows with status 2, 3 or 4, the parts of an interrupted job that also "
                      "has a row for the whole",
                      {"skip", "keep", "error"}},
                     {"dependencies",
                      "field 17, the job that has to end before",
                      {"keep", "ignore"}},
                     {"missing_processors",
                      "a job whose number of processors is not known",
                      {"skip", "error"}},
                     rule::missing_submit(),
                     rule::missing_run(),
                     rule::bad_row(),
                     rule::negative_duration(),
                     rule::zero_duration(),
                     rule::over_limit(),
                     rule::duplicate_ids(),
                     rule::missing_dependency(),
                     rule::contradicted_dependency()}},
      .recognise = recognise,
      .read = read};
}

}  // namespace nightwatt
