#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <utility>
#include <vector>

#include "traces/formats/formats.hpp"
#include "traces/formats/state.hpp"

namespace nightwatt {

namespace {

constexpr std::array<std::string_view, 18> field_names = {
    "id",       "submit",   "start",     "end",          "run",         "limit",
    "gpus",     "deadline", "gpu_milli", "gpu_fraction", "nodes",       "cores",
    "gpu_type", "user",     "queue",     "state",        "utilization", "depends_on"};

/// Numbers from here on are too large to count seconds from a trace's own zero (1985 in Unix time).
constexpr double unix_from_s = 5e8;

/// Seconds in a unit of time; 0 where it is none.
double unit_seconds(std::string_view unit) {
  static const std::map<std::string_view, double> units = {{"s", 1},
                                                           {"sec", 1},
                                                           {"second", 1},
                                                           {"seconds", 1},
                                                           {"ms", 1e-3},
                                                           {"millisecond", 1e-3},
                                                           {"milliseconds", 1e-3},
                                                           {"us", 1e-6},
                                                           {"microseconds", 1e-6},
                                                           {"ns", 1e-9},
                                                           {"nanoseconds", 1e-9},
                                                           {"min", 60},
                                                           {"minute", 60},
                                                           {"minutes", 60},
                                                           {"h", 3600},
                                                           {"hour", 3600},
                                                           {"hours", 3600},
                                                           {"d", 86'400},
                                                           {"day", 86'400},
                                                           {"days", 86'400}};
  const auto found = units.find(unit);
  return found == units.end() ? 0 : found->second;
}

/// value x unit; units below a second divide, so that 1500 ms is exactly 1.5 s.
double in_seconds(double value, double unit_s) {
  return unit_s < 1 ? value / std::round(1 / unit_s) : value * unit_s;
}

char delimiter_of(const std::string& name, Diagnostics& diagnostics) {
  if (name == "tab" || name == "\\t") return '\t';
  if (name == "blank" || name == "blanks" || name == "space") return ' ';
  if (name.size() == 1 && name[0] != '"' && name[0] != '\n' && name[0] != '\r') return name[0];
  diagnostics.error({}, fmt::format("columns.delimiter: expected one character, 'tab' or 'blank', "
                                    "got {}",
                                    quote(name)));
  return ',';
}

class CsvReader {
 public:
  CsvReader(Input& input, WorkloadBuilder& builder)
      : builder_(builder),
        map_(builder.request().columns),
        table_(input, form()),
        row_(table_, builder),
        dates_(builder) {}

  void read() {
    resolve();
    Diagnostics& diagnostics = builder_.diagnostics();
    diagnostics.throw_if_any();
    Rule& missing_submit = builder_.rule("missing_submit");
    Rule& missing_run = builder_.rule("missing_run");
    Rule& unknown_state = builder_.rule("unknown_state");
    std::size_t least = table_.header().size();
    if (!map_.header) {
      for (const auto& [field, column] : columns_) least = std::max(least, column.index + 1);
    }
    while (row_.next(least)) {
      Job job;
      job.row = row_.line();
      if (row_.empty(*submit_)) {
        builder_.leave_out(missing_submit, row_.position(*submit_), "submit: is empty");
        continue;
      }
      job.submit_s = time(submit_);
      job.start_s = time(start_);
      const double end_s = time(end_);
      job.run_s = duration(run_);
      if (std::isnan(job.run_s)) job.run_s = end_s - job.start_s;
      job.limit_s = duration(limit_);
      if (limit_ != nullptr && row_.ok() && job.limit_s <= 0) {
        row_.fault(*limit_, "a span above 0 or nothing");
      }
      set_deadline(job);
      set_resources(job);
      set_utilization(job);
      if (!row_.ok()) continue;
      if (std::isnan(job.run_s)) {
        builder_.leave_out(missing_run, row_.position(run_ != nullptr ? *run_ : *end_),
                           "run: the run time is not known");
        continue;
      }
      if (state_ != nullptr && !row_.empty(*state_)) {
        job.state = parse_state(row_.text(*state_));
        if (job.state == TraceState::unknown) {
          if (unknown_state.is("error")) {
            builder_.leave_out(unknown_state, row_.position(*state_),
                               "state: is no state of a job");
            continue;
          }
          unknown_state.count_adjusted();
        }
      }
      if (user_ != nullptr) job.user = builder_.user(row_.text(*user_));
      if (queue_ != nullptr) job.queue = builder_.queue(row_.text(*queue_));
      if (gpu_type_ != nullptr) job.gpu_type = builder_.gpu_type(row_.text(*gpu_type_));
      first_submit_s_ = std::min(first_submit_s_, job.submit_s);
      if (id_ != nullptr ? builder_.add(job, row_.text(*id_)) : builder_.add(job)) {
        add_dependencies();
      }
    }
    set_origin();
  }

 private:
  enum class TimeForm { undecided, number, date };

  TableForm form() {
    return {.delimiter = delimiter_of(map_.delimiter, builder_.diagnostics()),
            .quotes = true,
            .header = map_.header};
  }

  /// Finds the columns that the map names, and checks the map.
  void resolve() {
    Diagnostics& diagnostics = builder_.diagnostics();
    for (const auto& [field, name] : map_.columns) {
      if (std::find(field_names.begin(), field_names.end(), field) == field_names.end()) {
        const std::string hint = did_you_mean(field, {field_names.begin(), field_names.end()});
        diagnostics.error({}, fmt::format("columns: unknown field {}{}", quote(field),
                                          hint.empty() ? fmt::format("; known are {}",
                                                                     fmt::join(field_names, ", "))
                                                       : hint));
        continue;
      }
      RowFields::Column column{SIZE_MAX, name};
      if (name.starts_with('#')) {
        const auto number = parse_whole(std::string_view(name).substr(1));
        if (!number || *number < 1 || *number > 100'000) {
          diagnostics.error({}, fmt::format("columns.{}: expected a column number such as '#3', "
                                            "got {}",
                                            field, quote(name)));
          continue;
        }
        column.index = static_cast<std::size_t>(*number - 1);
        if (map_.header && column.index >= table_.header().size()) {
          diagnostics.error(
              {builder_.request().path, std::max<std::uint64_t>(table_.header_line(), 1), 0},
              fmt::format("columns.{}: the header has {} columns, no column {}", field,
                          table_.header().size(), quote(name)));
        }
      } else if (!map_.header) {
        diagnostics.error({}, fmt::format("columns.{}: a file without header needs column numbers "
                                          "such as '#3', got {}",
                                          field, quote(name)));
      } else {
        column.index = table_.require(name, diagnostics);
      }
      columns_.emplace(field, std::move(column));
    }
    const auto at = [&](const char* field) -> const RowFields::Column* {
      const auto found = columns_.find(field);
      return found == columns_.end() ? nullptr : &found->second;
    };
    id_ = at("id");
    submit_ = at("submit");
    start_ = at("start");
    end_ = at("end");
    run_ = at("run");
    limit_ = at("limit");
    deadline_ = at("deadline");
    gpus_ = at("gpus");
    gpu_milli_ = at("gpu_milli");
    gpu_fraction_ = at("gpu_fraction");
    nodes_ = at("nodes");
    cores_ = at("cores");
    gpu_type_ = at("gpu_type");
    user_ = at("user");
    queue_ = at("queue");
    state_ = at("state");
    utilization_ = at("utilization");
    depends_on_ = at("depends_on");
    const auto need = [&](bool there, const char* message) {
      if (!there) diagnostics.error({}, message);
    };
    const auto mapped = [&](const char* field) { return map_.columns.count(field) > 0; };
    need(mapped("submit"), "columns: submit is required for format csv");
    need(mapped("run") || (mapped("start") && mapped("end")),
         "columns: run, or start and end, are required for format csv");
    need(mapped("gpus") || mapped("gpu_milli") || mapped("gpu_fraction") || mapped("cores"),
         "columns: gpus, gpu_milli, gpu_fraction or cores is required for format csv");
    need(!(mapped("gpu_milli") && mapped("gpu_fraction")),
         "columns: gpu_milli and gpu_fraction say the same; name one of them");
    need(!mapped("depends_on") || mapped("id"), "columns: depends_on needs id");
    time_unit_s_ = unit("time_unit", map_.time_unit);
    duration_unit_s_ = unit("duration_unit", map_.duration_unit);
    static const std::vector<std::string_view> forms = {"auto", "date", "epoch", "relative"};
    if (std::find(forms.begin(), forms.end(), map_.time_form) == forms.end()) {
      diagnostics.error(
          {}, fmt::format("columns.time_form: expected {}, got {}{}", fmt::join(forms, " or "),
                          quote(map_.time_form), did_you_mean(map_.time_form, forms)));
    }
    if (map_.deadline_from != "origin" && map_.deadline_from != "submit") {
      diagnostics.error({},
                        fmt::format("columns.deadline_from: expected origin or submit, got {}{}",
                                    quote(map_.deadline_from),
                                    did_you_mean(map_.deadline_from, {"origin", "submit"})));
    }
    if (map_.time_form == "date") form_ = TimeForm::date;
    if (map_.time_form == "epoch" || map_.time_form == "relative") form_ = TimeForm::number;
  }

  double unit(const char* key, const std::string& name) {
    const double seconds = unit_seconds(name);
    if (seconds == 0) {
      builder_.diagnostics().error(
          {},
          fmt::format("columns.{}: expected s, ms, us, ns, min, h or d, got {}", key, quote(name)));
    }
    return seconds;
  }

  /// A point in time; NaN where it is unknown. The first one of a file decides whether its times
  /// are numbers or dates (unless the map says it): a later one of the other kind is a fault.
  double time(const RowFields::Column* column) {
    if (column == nullptr || row_.empty(*column)) return unknown;
    if (form_ == TimeForm::undecided) {
      form_ = parse_number(row_.text(*column)) ? TimeForm::number : TimeForm::date;
    }
    if (form_ == TimeForm::date) return row_.date(*column, dates_);
    return in_seconds(row_.number(*column), time_unit_s_);
  }

  double duration(const RowFields::Column* column) {
    if (column == nullptr) return unknown;
    return in_seconds(row_.number_or_unknown(*column), duration_unit_s_);
  }

  void set_deadline(Job& job) {
    if (deadline_ == nullptr || row_.empty(*deadline_)) return;
    job.deadline_s = map_.deadline_from == "submit"
                         ? job.submit_s + in_seconds(row_.number(*deadline_), time_unit_s_)
                         : time(deadline_);
  }

  /// GPUs in all = gpus (default 1 where only a share is named) x share of each.
  void set_resources(Job& job) {
    double milli = gpus_ != nullptr ? 1000 * share(*gpus_, "a number of GPUs") : 1000;
    const RowFields::Column* source = gpus_;
    if (gpu_milli_ != nullptr) {
      milli *= share(*gpu_milli_, "a share in 1/1000 GPU") / 1000;
      source = gpu_milli_;
    } else if (gpu_fraction_ != nullptr) {
      milli *= share(*gpu_fraction_, "a share of a GPU");
      source = gpu_fraction_;
    }
    if (source != nullptr && row_.ok()) {
      const double whole = std::round(milli);
      if (milli > 1000.0 * static_cast<double>(max_gpus_per_job) ||
          std::abs(milli - whole) > 1e-6 * std::max(1.0, whole)) {
        row_.fault(*source, fmt::format("whole 1/1000 of a GPU, up to {} GPUs", max_gpus_per_job));
      } else {
        job.gpu_milli = static_cast<std::uint32_t>(whole);
      }
    }
    if (nodes_ != nullptr) job.nodes = count(*nodes_);
    if (cores_ != nullptr) job.cores = count(*cores_);
  }

  double share(const RowFields::Column& column, const char* what) {
    const double value = row_.number(column, what);
    if (value < 0) row_.fault(column, fmt::format("{} of at least 0", what));
    return value;
  }

  /// An empty count is 0 = not given.
  std::uint32_t count(const RowFields::Column& column) {
    return row_.empty(column)
               ? std::uint32_t{0}
               : static_cast<std::uint32_t>(row_.whole(column, 0, max_count_per_job));
  }

  void set_utilization(Job& job) {
    if (utilization_ == nullptr || row_.empty(*utilization_)) return;
    std::string_view text = row_.text(*utilization_);
    const bool percent = text.ends_with('%');
    if (percent) text.remove_suffix(1);
    const auto value = parse_number(text);
    const double share = value.value_or(-1) / (percent ? 100 : 1);
    if (share < 0 || share > 1) {
      row_.fault(*utilization_, "a number from 0 to 1, or a percentage with %");
    } else {
      job.utilization = static_cast<float>(share);
    }
  }

  void add_dependencies() {
    if (depends_on_ == nullptr) return;
    std::string_view text = row_.text(*depends_on_);
    while (!text.empty()) {
      const std::size_t end = std::min(text.find_first_of(" ;,"), text.size());
      if (end > 0) builder_.depends_on(text.substr(0, end), 0, row_.position(*depends_on_));
      text.remove_prefix(std::min(end + 1, text.size()));
    }
  }

  void set_origin() {
    const bool large = first_submit_s_ >= unix_from_s && std::isfinite(first_submit_s_);
    if (form_ == TimeForm::date || map_.time_form == "epoch") {
      builder_.times_are_unix();
    } else if (map_.time_form == "auto" && large) {
      builder_.times_are_unix();
      builder_.note(
          "times are taken for Unix time because of their size (columns.time_form: relative "
          "otherwise)");
    } else {
      builder_.note("the file names no date: its times count from its own zero");
    }
  }

  WorkloadBuilder& builder_;
  const ColumnMap& map_;
  Table table_;
  RowFields row_;
  TraceDates dates_;
  std::map<std::string, RowFields::Column> columns_;
  const RowFields::Column *id_ = nullptr, *submit_ = nullptr, *start_ = nullptr, *end_ = nullptr,
                          *run_ = nullptr, *limit_ = nullptr, *deadline_ = nullptr,
                          *gpus_ = nullptr, *gpu_milli_ = nullptr, *gpu_fraction_ = nullptr,
                          *nodes_ = nullptr, *cores_ = nullptr, *gpu_type_ = nullptr,
                          *user_ = nullptr, *queue_ = nullptr, *state_ = nullptr,
                          *utilization_ = nullptr, *depends_on_ = nullptr;
  double time_unit_s_ = 1;
  double duration_unit_s_ = 1;
  TimeForm form_ = TimeForm::undecided;
  double first_submit_s_ = INFINITY;
};

}  // namespace

Format csv_format() {
  return {.info = {.name = "csv",
                   .summary = "any delimited table, with a column map (columns:) that says which "
                              "column holds what",
                   .source = "the column map: docs/formats",
                   .seen_in_wild = true,
                   .rules = {rule::no_gpus("keep"), rule::missing_submit(), rule::missing_run(),
                             rule::negative_duration(), rule::zero_duration(), rule::over_limit(),
                             rule::unknown_state(), rule::duplicate_ids("renumber"),
                             rule::duplicate_rows(), rule::missing_dependency(),
                             rule::contradicted_dependency(), rule::bad_row(),
                             rule::repeated_hour(), rule::missing_hour()}},
          .recognise = nullptr,
          .read = [](Input& input, WorkloadBuilder& builder) { CsvReader(input, builder).read(); }};
}

}  // namespace nightwatt
