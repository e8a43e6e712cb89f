#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

#include "traces/formats/formats.hpp"
#include "traces/formats/state.hpp"

namespace nightwatt {

namespace {

constexpr std::string_view job_columns = "job_name,inst_id,user,status,start_time,end_time";
constexpr std::string_view task_columns =
    "job_name,task_name,inst_num,status,start_time,end_time,plan_cpu,plan_mem,plan_gpu,gpu_type";

/// A table that is handed out without a header line; copies with one exist.
class PaiTable {
 public:
  PaiTable(Input& input, WorkloadBuilder& builder, std::string_view names, bool count_rows)
      : has_header_(header_has(input.peek(), ',', names)),
        table_(input, {.header = has_header_}),
        row_(table_, builder, count_rows),
        names_(names) {}

  RowFields::Column column(std::string_view name) {
    if (has_header_) return row_.require(name);
    const auto before = names_.substr(0, names_.find(name));
    return {static_cast<std::size_t>(std::count(before.begin(), before.end(), ',')),
            std::string(name)};
  }
  bool next() {
    if (has_header_) return row_.next(table_.header().size());
    return row_.next(static_cast<std::size_t>(std::count(names_.begin(), names_.end(), ',')) + 1);
  }
  RowFields& row() { return row_; }

 private:
  bool has_header_;
  Table table_;
  RowFields row_;
  std::string_view names_;
};

struct JobRow {
  std::int32_t name;  ///< its number
  std::int32_t user;
  double submit_s;
  std::uint64_t line;
  TraceState state;
};

struct Task {
  std::int32_t job;   ///< number of its name
  std::int32_t name;  ///< into Reader::task_names_
  std::int32_t gpu_type;
  std::uint32_t instances;
  std::uint64_t milli_each;  ///< GPUs of an instance, in 1/1000
  double cores;              ///< of all instances
  double start_s, end_s;
  std::uint64_t line;
};

class Reader {
 public:
  explicit Reader(WorkloadBuilder& builder)
      : builder_(builder),
        unknown_state_(builder.rule("unknown_state")),
        missing_submit_(builder.rule("missing_submit")),
        missing_start_(builder.rule("missing_start")),
        missing_end_(builder.rule("missing_end")),
        no_tasks_(builder.rule("no_tasks")),
        unknown_job_(builder.rule("unknown_job")),
        several_tasks_(builder.rule("several_tasks")),
        unequal_tasks_(builder.rule("unequal_tasks")),
        mixed_gpus_(builder.rule("mixed_gpus")),
        fine_share_(builder.rule("fine_share")) {}

  void read(Input& input) {
    const ReadRequest& request = builder_.request();
    if (request.tasks_path.empty()) {
      throw InputError(
          Diagnostic{{input.name(), 0, 0},
                     "the GPUs of PAI jobs are in a second file: give the task table (tasks: "
                     "pai_task_table.csv)"});
    }
    builder_.note(
        "submit time = start_time of the job table; the recorded start is that of the job's first "
        "task with GPUs, the end that of its last");
    builder_.note(
        "the dates are disguised: read as Unix time in Asia/Shanghai, times have the hour and the "
        "day of the week of the original");
    builder_.set_origin(0);
    read_jobs(input);
    Input tasks = builder_.open_also(request.tasks_path, request.resolved_tasks_path.empty()
                                                             ? request.tasks_path
                                                             : request.resolved_tasks_path);
    read_tasks(tasks);
    group_tasks();
    const Position table{input.name(), 0, 0};
    for (const JobRow& job : jobs_) add(job, table);
  }

 private:
  /// Seconds; empty and 0 mean that the trace does not know (as its authors' scripts read it).
  static double time(RowFields& row, const RowFields::Column& column) {
    const double time = row.number_or_unknown(column);
    if (std::abs(time) > max_time_s) row.fault(column, "seconds");
    return time == 0.0 ? unknown : time;
  }

  void read_jobs(Input& input) {
    PaiTable table(input, builder_, job_columns, true);
    const auto name = table.column("job_name"), user = table.column("user"),
               status = table.column("status"), start = table.column("start_time");
    builder_.diagnostics().throw_if_any();
    RowFields& row = table.row();
    while (table.next()) {
      if (row.empty(name)) row.fault(name, "the name of a job");
      const double submit_s = time(row, start);
      if (!row.ok()) continue;
      if (std::isnan(submit_s)) {
        builder_.leave_out(missing_submit_, row.position(start), "start_time: is empty or 0");
        continue;
      }
      const TraceState state = parse_state(row.text(status));
      if (state == TraceState::unknown && !row.empty(status)) {
        if (unknown_state_.is("error")) {
          builder_.leave_out(unknown_state_, row.position(status), "status: is no state of a job");
          continue;
        }
        unknown_state_.count_adjusted();
      }
      jobs_.push_back({names_.intern(row.text(name)), builder_.user(row.text(user)), submit_s,
                       row.line(), state});
    }
  }

  void read_tasks(Input& input) {
    PaiTable table(input, builder_, task_columns, false);
    const auto job = table.column("job_name"), name = table.column("task_name"),
               instances = table.column("inst_num"), start = table.column("start_time"),
               end = table.column("end_time"), cpu = table.column("plan_cpu"),
               gpu = table.column("plan_gpu"), type = table.column("gpu_type");
    builder_.diagnostics().throw_if_any();
    tasks_name_ = input.name();
    RowFields& row = table.row();
    std::uint64_t rows = 0;
    const auto known = static_cast<std::int32_t>(names_.size());  // others come behind
    while (table.next()) {
      ++rows;
      Task task{};
      task.job = names_.intern(row.text(job));
      if (task.job >= known) {
        builder_.leave_out(unknown_job_, row.position(job),
                           "job_name: the job table has no such job");
        continue;
      }
      task.instances = static_cast<std::uint32_t>(row.whole(instances, 1, max_gpus_per_job));
      task.milli_each = share(row, gpu);
      if (row.ok() &&
          task.milli_each * task.instances > static_cast<std::uint64_t>(max_gpus_per_job) * 1000) {
        row.fault(instances, fmt::format("a task of at most {} GPUs in all", max_gpus_per_job));
      }
      const double percent = row.number_or_unknown(cpu);
      task.cores = percent > 0.0 ? percent / 100.0 * task.instances : 0.0;
      task.start_s = time(row, start);
      task.end_s = time(row, end);
      if (!row.ok()) continue;
      task.name = task_names_.intern(row.text(name));
      task.gpu_type = task.milli_each > 0 ? builder_.gpu_type(row.text(type)) : -1;
      task.line = row.line();
      tasks_.push_back(task);
    }
    builder_.add_report(input, rows);
  }

  /// GPUs of an instance in 1/1000, from percent of one GPU.
  std::uint64_t share(RowFields& row, const RowFields::Column& gpu) {
    const double percent = row.number_or_unknown(gpu);
    if (std::isnan(percent) || percent == 0.0) return 0;
    if (percent < 0.0 || percent > 100.0 * static_cast<double>(max_gpus_per_job)) {
      row.fault(gpu, "a percentage of one GPU");
      return 0;
    }
    if (percent > 100.0 && std::fmod(percent, 100.0) != 0.0 && !mixed_gpus_.is("keep")) {
      if (mixed_gpus_.is("error")) {
        builder_.leave_out(mixed_gpus_, row.position(gpu),
                           "plan_gpu: is above one GPU and no whole number of GPUs");
      } else {
        mixed_gpus_.count_adjusted();
      }
      return static_cast<std::uint64_t>(std::ceil(percent / 100.0)) * 1000;
    }
    const double milli = percent * 10.0;
    const double nearest = std::round(milli);
    // Closer than that is the rounding of the decimal number itself.
    if (std::abs(milli - nearest) > 1e-6) {
      if (fine_share_.is("error")) {
        builder_.leave_out(fine_share_, row.position(gpu),
                           "plan_gpu: is no whole number of 1/1000 GPU");
      } else {
        fine_share_.count_adjusted();
      }
    }
    return static_cast<std::uint64_t>(std::max(1.0, nearest));
  }

  /// Sorts the tasks by job, each job's in the order of the file, and notes where they begin.
  void group_tasks() {
    std::stable_sort(tasks_.begin(), tasks_.end(),
                     [](const Task& a, const Task& b) { return a.job < b.job; });
    first_.assign(names_.size() + 1, 0);
    for (const Task& task : tasks_) ++first_[static_cast<std::size_t>(task.job) + 1];
    for (std::size_t i = 1; i < first_.size(); ++i) first_[i] += first_[i - 1];
  }

  Position at(const Task& task) const { return {tasks_name_, task.line, 0}; }

  void add(const JobRow& job, Position where) {
    where.line = job.line;
    const auto begin = tasks_.begin() + first_[static_cast<std::size_t>(job.name)];
    const auto end = tasks_.begin() + first_[static_cast<std::size_t>(job.name) + 1];
    if (begin == end) {
      builder_.leave_out(no_tasks_, where, "job_name: the task table has no task of this job");
      return;
    }
    // Tasks without GPU (parameter servers) bring cores; they neither take GPUs nor decide when
    // the job starts and ends, unless there is nothing else.
    const bool has_gpus = std::any_of(begin, end, [](const Task& t) { return t.milli_each > 0; });
    double cores = 0.0;
    members_.clear();
    for (auto task = begin; task != end; ++task) {
      cores += task->cores;
      if (has_gpus && task->milli_each == 0) continue;
      const bool started = !std::isnan(task->start_s);
      if (started && !std::isnan(task->end_s)) {
        members_.push_back(&*task);
        continue;
      }
      Rule& rule = started ? missing_end_ : missing_start_;
      if (rule.is("drop")) {
        rule.count_adjusted();
        continue;
      }
      builder_.leave_out(rule, at(*task),
                         started ? "end_time: a task of the job has no end"
                                 : "start_time: a task of the job never started");
      return;
    }
    if (members_.empty()) {
      missing_start_.count_skipped();  // of the tasks nothing is left: the job never ran
      return;
    }
    if (members_.size() == 1) {
      add(job, members_, cores, names_[job.name], where);
      return;
    }
    if (several_tasks_.is("error") || several_tasks_.is("skip")) {
      builder_.leave_out(several_tasks_, where, "job_name: the job has several tasks with GPUs");
      return;
    }
    several_tasks_.count_adjusted();
    bool split = several_tasks_.is("split");
    const auto unlike = [&](const Task* task) {
      return task->milli_each != members_.front()->milli_each ||
             task->gpu_type != members_.front()->gpu_type;
    };
    if (!split && std::any_of(members_.begin(), members_.end(), unlike)) {
      if (!unequal_tasks_.is("split")) {
        builder_.leave_out(unequal_tasks_, where,
                           "job_name: the instances of the job's tasks differ in plan_gpu or "
                           "gpu_type");
        return;
      }
      unequal_tasks_.count_adjusted();
      split = true;
    }
    if (!split) {
      add(job, members_, cores, names_[job.name], where);
      return;
    }
    for (const Task* task : members_) {
      add(job, {task}, task->cores, fmt::format("{}/{}", names_[job.name], task_names_[task->name]),
          where);
    }
  }

  void add(const JobRow& row, const std::vector<const Task*>& tasks, double cores,
           std::string_view id, const Position& where) {
    Job job;
    job.row = row.line;
    job.submit_s = row.submit_s;
    job.user = row.user;
    job.state = row.state;
    job.gpu_type = tasks.front()->gpu_type;
    double end_s = -std::numeric_limits<double>::infinity();
    std::uint64_t pieces = 0, milli = 0;
    job.start_s = std::numeric_limits<double>::infinity();
    for (const Task* task : tasks) {
      job.start_s = std::min(job.start_s, task->start_s);
      end_s = std::max(end_s, task->end_s);
      pieces += task->instances;
      milli += task->instances * task->milli_each;
    }
    if (milli > static_cast<std::uint64_t>(max_gpus_per_job) * 1000 ||
        pieces > static_cast<std::uint64_t>(max_count_per_job) ||
        cores > static_cast<double>(max_count_per_job)) {
      builder_.bad_row(where,
                       fmt::format("the tasks of the job ask for {} GPUs and {:.0f} cores in "
                                   "{} instances, expected at most {}, {} and {}",
                                   milli / 1000, cores, pieces, max_gpus_per_job, max_count_per_job,
                                   max_count_per_job));
      return;
    }
    job.run_s = end_s - job.start_s;
    job.gpu_milli = static_cast<std::uint32_t>(milli);
    job.pieces = static_cast<std::uint32_t>(pieces);
    job.cores = static_cast<std::uint32_t>(std::ceil(cores));
    builder_.add(job, id, where);
  }

  WorkloadBuilder& builder_;
  Rule& unknown_state_;
  Rule& missing_submit_;
  Rule& missing_start_;
  Rule& missing_end_;
  Rule& no_tasks_;
  Rule& unknown_job_;
  Rule& several_tasks_;
  Rule& unequal_tasks_;
  Rule& mixed_gpus_;
  Rule& fine_share_;
  StringTable names_, task_names_;
  std::string tasks_name_;
  std::vector<JobRow> jobs_;
  std::vector<Task> tasks_;
  std::vector<std::uint32_t> first_;  ///< of each job's tasks
  std::vector<const Task*> members_;  ///< of the job at hand
};

void read(Input& input, WorkloadBuilder& builder) { Reader(builder).read(input); }

/// With its header line, or, as it is handed out, by the form of its first row.
bool recognise(std::string_view head) {
  if (header_has(head, ',', job_columns)) return true;
  std::string_view line = first_line(head);
  std::array<std::string_view, 6> fields;
  for (std::size_t i = 0; i < fields.size(); ++i) {
    const std::size_t end = line.find(',');
    if ((end == std::string_view::npos) != (i == fields.size() - 1)) return false;
    fields[i] = line.substr(0, end);
    line.remove_prefix(std::min(end, line.size() - 1) + 1);
  }
  return parse_state(fields[3]) != TraceState::unknown &&
         (fields[4].empty() || parse_number(fields[4])) &&
         (fields[5].empty() || parse_number(fields[5]));
}

}  // namespace

Format pai_format() {
  return {{.name = "pai",
           .summary = "Alibaba PAI 2020: pai_job_table, with pai_task_table as its second file",
           .source = "https://github.com/alibaba/clusterdata, cluster-trace-gpu-v2020",
           .seen_in_wild = false,
           .rules = {rule::bad_row(),
                     rule::missing_submit("skip"),
                     {"no_tasks", "a job without a task", {"skip", "error"}},
                     {"unknown_job",
                      "a task of a job that is not in the job table (or was left out there)",
                      {"skip", "error"}},
                     {"missing_start",
                      "a task that never started (its start is empty or 0); drop leaves out the "
                      "task, skip the job",
                      {"drop", "skip", "error"}},
                     {"missing_end",
                      "a task that started and has no end (it still ran); drop leaves out the "
                      "task, skip the job",
                      {"skip", "drop", "error"}},
                     {"several_tasks",
                      "a job with several tasks that have GPUs; gang makes one job of them that "
                      "holds all GPUs from the first start to the last end, split a job a task",
                      {"gang", "split", "skip", "error"}},
                     {"unequal_tasks",
                      "a gang whose instances differ in GPUs or in their type; split makes a job "
                      "a task",
                      {"split", "skip", "error"}},
                     {"mixed_gpus",
                      "an instance with more than one GPU and no whole number of them; round_up "
                      "gives it the next whole number",
                      {"round_up", "keep", "error"}},
                     {"fine_share",
                      "a share that is no whole number of 1/1000 GPU",
                      {"nearest", "error"}},
                     rule::negative_duration(),
                     rule::zero_duration(),
                     rule::no_gpus(),
                     rule::unknown_state(),
                     rule::duplicate_ids()}},
          recognise,
          read};
}

}  // namespace nightwatt
