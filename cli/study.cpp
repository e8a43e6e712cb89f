#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <filesystem>
#include <memory>
#include <new>
#include <string>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "analysis/study/study_figures.hpp"
#include "analysis/text.hpp"
#include "cli/command.hpp"
#include "cli/engine.hpp"
#include "cli/interrupt.hpp"
#include "cli/processes.hpp"
#include "cli/progress.hpp"
#include "cli/study_folder.hpp"
#include "cli/study_slurm.hpp"
#include "scenarios/study.hpp"
#include "sim/timeline/timeline.hpp"
#include "traces/diagnostics.hpp"

namespace nightwatt::cli {
namespace {

namespace fs = std::filesystem;

struct StudyOptions {
  std::string study, output;
  std::int64_t jobs = 0;  ///< processes at once; 0 = the cores
  std::string on = "local";
  SlurmOptions slurm;
  bool list = false;
  std::int64_t task = -1;  ///< run one run and nothing else, as a task of Slurm does
  std::string plan;        ///< what the task has to be one of
};

/// How far each process is, in memory that all share.
class SharedProgress {
 public:
  explicit SharedProgress(std::size_t slots) : slots_(slots) {
    void* const memory = mmap(nullptr, slots * sizeof(Share), PROT_READ | PROT_WRITE,
                              MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) throw std::bad_alloc();
    shares_ = new (memory) Share[slots];
    for (std::size_t i = 0; i < slots; ++i) set(i, 0.0);
  }
  ~SharedProgress() { munmap(shares_, slots_ * sizeof(Share)); }
  SharedProgress(const SharedProgress&) = delete;
  SharedProgress& operator=(const SharedProgress&) = delete;

  void set(std::size_t slot, double share) { shares_[slot] = share; }
  [[nodiscard]] double at(std::size_t slot) const { return shares_[slot]; }

 private:
  using Share = std::atomic<double>;
  static_assert(Share::is_always_lock_free);
  std::size_t slots_;
  Share* shares_;
};

/// A process and the run that it does.
struct Worker {
  pid_t process = 0;  ///< 0 = none
  std::size_t run = 0;
};

/// The child's side of a fork: never returns.
[[noreturn]] void work(const StudyRun& run, StudyFolder& folder, SharedProgress& progress,
                       std::size_t slot, pid_t parent) {
  // A study that is killed takes its runs along: none goes on writing beside the next start.
  end_with(parent);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  folder.forget_lock();
  const int status =
      run_of_study(run, folder.path(), [&](double share) { progress.set(slot, share); });
  // Without the destructors and handlers of the process that it is a copy of.
  _exit(status);
}

/// Runs the runs that are not done over `jobs` processes, until a signal asks for a stop.
/// @return [runs] as of waitpid; -1 = not begun
std::vector<int> run_locally(const std::vector<StudyRun>& runs, const std::vector<bool>& done,
                             StudyFolder& folder, std::size_t jobs, ProgressLine& line) {
  std::vector<int> statuses(runs.size(), -1);
  std::vector<std::size_t> pending;
  for (std::size_t r = 0; r < runs.size(); ++r) {
    if (!done[r]) pending.push_back(r);
  }
  std::vector<Worker> workers(std::min(jobs, std::max<std::size_t>(pending.size(), 1)));
  SharedProgress progress(workers.size());
  StudyProgress shown(runs.size() - pending.size(), runs.size());

  preload_engine();
  sigset_t child_ended, before;
  sigemptyset(&child_ended);
  sigaddset(&child_ended, SIGCHLD);
  sigprocmask(SIG_BLOCK, &child_ended, &before);
  std::size_t next = 0, running = 0;
  while (next < pending.size() || running > 0) {
    const bool stop = GracefulStop::requested();
    if (stop && running == 0) break;
    for (std::size_t w = 0; w < workers.size(); ++w) {
      Worker& worker = workers[w];
      // Asked again each time: one that had only just begun would miss it.
      if (stop && worker.process != 0) kill(worker.process, SIGTERM);
      if (worker.process != 0 || stop || next == pending.size()) continue;
      progress.set(w, 0.0);
      std::fflush(nullptr);
      const pid_t parent = getpid();
      const pid_t process = fork();
      if (process == 0) work(runs[pending[next]], folder, progress, w, parent);
      if (process < 0) {
        if (running > 0) break;  // later
        throw InputError(
            fmt::format("no process can be started: {}", std::generic_category().message(errno)));
      }
      worker = {process, pending[next++]};
      ++running;
    }
    bool ended = false;
    for (Worker& worker : workers) {
      int status = 0;
      if (worker.process == 0 || waitpid(worker.process, &status, WNOHANG) != worker.process) {
        continue;
      }
      statuses[worker.run] = status;
      worker.process = 0;
      --running;
      ended = true;
      shown.ended(status == 0);
    }
    double under_way = 0.0;
    for (std::size_t w = 0; w < workers.size(); ++w) {
      if (workers[w].process != 0) under_way += progress.at(w);
    }
    line.show(shown.text(under_way));
    if (ended) continue;
    const timespec patience = {0, 200'000'000};
    sigtimedwait(&child_ended, nullptr, &patience);
  }
  sigprocmask(SIG_SETMASK, &before, nullptr);
  return statuses;
}

/// Says which runs failed and why, those with the same reason together.
/// @return the exit status that follows
int say_failed(const Study& study, const std::vector<StudyRun>& runs,
               const std::vector<std::string>& files, const std::vector<int>& status,
               const fs::path& folder) {
  constexpr std::size_t named = 3;  ///< of each reason
  int result = Exit::done;
  std::vector<std::pair<std::string, std::vector<std::size_t>>> reasons;
  for (std::size_t r = 0; r < runs.size(); ++r) {
    if (!files[r].empty()) continue;
    Failure failure = failure_of(runs[r], folder);
    const bool users = failure.status == static_cast<int>(Exit::users_input);
    if (result != Exit::our_fault) result = users ? Exit::users_input : Exit::our_fault;
    if (status[r] >= 0 && WIFSIGNALED(status[r])) {
      failure.reason = fmt::format("ended by signal {} ({})", WTERMSIG(status[r]),
                                   strsignal(WTERMSIG(status[r])));
    }
    const std::string why =
        failure.reason.empty() ? "it left no timeline and no word" : failure.reason;
    auto same = std::find_if(reasons.begin(), reasons.end(),
                             [&](const auto& reason) { return reason.first == why; });
    if (same == reasons.end()) same = reasons.insert(reasons.end(), {why, {}});
    same->second.push_back(r);
  }
  for (const auto& [why, failed] : reasons) {
    fmt::print(stderr, "failed: {}\n", why);
    for (std::size_t i = 0; i < std::min(failed.size(), named); ++i) {
      fmt::print(stderr, "  {}\n", printable(runs[failed[i]].title(study)));
    }
    if (failed.size() > named) fmt::print(stderr, "  and {} more\n", failed.size() - named);
  }
  if (!reasons.empty()) {
    fmt::print(stderr, "what they said is in {}\n", (folder / "failed").string());
  }
  return result;
}

double children_cpu_s() {
  rusage usage{};
  getrusage(RUSAGE_CHILDREN, &usage);
  const auto s = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + 1e-6 * static_cast<double>(t.tv_usec);
  };
  return s(usage.ru_utime) + s(usage.ru_stime);
}

int run_task(const StudyOptions& options, const std::vector<StudyRun>& runs) {
  if (options.plan != plan_of(runs)) {
    throw InputError(Diagnostic{{options.study, 0, 0},
                                "the study or its scenario was changed after it was submitted; "
                                "submit it again"});
  }
  if (static_cast<std::size_t>(options.task) >= runs.size()) {
    throw InputError(
        fmt::format("--task: expected less than {}, got {}", runs.size(), options.task));
  }
  return run_of_study(runs[static_cast<std::size_t>(options.task)], options.output, {});
}

int study(const StudyOptions& options, const Globals& globals) {
  const auto started = std::chrono::steady_clock::now();
  const std::string yaml = read_yaml_text(options.study);
  Study study = parse_study(yaml, options.study);
  const std::vector<StudyRun> runs = study_runs(study);
  if (options.list) {
    std::string text;
    for (const StudyRun& run : runs) text += printable(run.title(study)) + "\n";
    print(text);
    return Exit::done;
  }
  if (options.task >= 0) return run_task(options, runs);

  StudyFolder folder(options.output);
  const std::vector<bool> done = folder.finished(runs);
  const auto kept = static_cast<std::size_t>(std::count(done.begin(), done.end(), true));
  const std::size_t jobs = options.jobs > 0
                               ? static_cast<std::size_t>(options.jobs)
                               : std::max<std::size_t>(std::thread::hardware_concurrency(), 1);
  const GracefulStop graceful;
  std::vector<std::string> files;
  std::size_t present = 0;
  StudyIndex index;
  int status = Exit::done;
  {
    ProgressLine line(globals.quiet);
    std::vector<int> ended(runs.size(), -1);
    if (options.on == "slurm") {
      SlurmJob(options.study, runs, folder, options.slurm, globals).run(done, line);
    } else {
      folder.remove_leftovers();
      ended = run_locally(runs, done, folder, jobs, line);
    }
    std::error_code ignored;
    for (const StudyRun& run : runs) {
      const bool there = fs::exists(folder.path() / timeline_of(run), ignored);
      files.push_back(there ? timeline_of(run).string() : "");
      present += there ? 1 : 0;
      // Of a process that was killed between its timeline and its end.
      if (there) fs::remove(folder.path() / messages_of(run), ignored);
    }
    fs::remove(folder.path() / "failed", ignored);  // only if it is empty
    const auto stop = [] { return GracefulStop::requested().load(); };
    try {
      if (stop()) throw WriteInterrupted();
      line.step("reading the timelines");
      const auto spread = [&](std::size_t count, const auto& work) {
        return in_processes(count, jobs, work);
      };
      if (present > 0) index = study_figures(study, runs, files, folder.path(), stop, spread);
    } catch (const WriteInterrupted&) {
      line.clear();
      fmt::print(stderr, "interrupted: {} of {} runs are kept in {}; the same command goes on{}\n",
                 present, runs.size(), options.output,
                 options.on == "slurm" ? " to wait for the others, which Slurm still runs" : "");
      return GracefulStop::exit_status();
    }
    line.clear();
    status = say_failed(study, runs, files, ended, folder.path());
  }
  if (present == 0) return status;
  index.study_yaml = yaml;
  write_study_index(index, folder.index());
  if (!globals.quiet) {
    const double wall_s =
        std::chrono::duration<double>(std::chrono::steady_clock::now() - started).count();
    std::string text = fmt::format("{}\n", printable(study.name));
    text += study_table(index);
    text += fmt::format("\nmeans of {} seed{}; energy is charged to {}\n", study.seeds.size(),
                        study.seeds.size() == 1 ? "" : "s", index.horizon);
    text += fmt::format(
        "{} runs{}{} in {}", grouped(present),
        kept > 0 ? fmt::format(", {} of them from before,", grouped(kept)) : "",
        present < runs.size() ? fmt::format(", {} failed,", grouped(runs.size() - present)) : "",
        span_text(seconds(wall_s)));
    if (options.on == "local") {
      text += fmt::format(" (processor time {}, {} processes)",
                          span_text(seconds(children_cpu_s())), jobs);
    }
    text += fmt::format("\nindex: {}\n", folder.index().string());
    print(text);
  }
  return status;
}

}  // namespace

void add_study(CLI::App& app, const Globals& globals, Action& action) {
  CLI::App* command = app.add_subcommand(
      "study", "Run a grid of scenarios and seeds side by side; goes on where it stopped");
  const auto options = std::make_shared<StudyOptions>();
  command->add_option("STUDY", options->study, "File of the study (YAML)")
      ->required()
      ->type_name("FILE.yaml");
  CLI::Option* list = command->add_flag("--list", options->list, "Name the runs and do nothing");
  command
      ->add_option("-o,--output", options->output,
                   "Folder: new, empty, or that of the same study, which then goes on; default: "
                   "the study's name without .yaml, in this folder")
      ->type_name("FOLDER");
  command->add_option("--jobs", options->jobs, "Runs at once; default: as many as there are cores")
      ->check(CLI::Range(1, 4096))
      ->excludes(list);
  command->add_option("--on", options->on, "Where: local, or slurm: as an array of jobs")
      ->check(CLI::IsMember({"local", "slurm"}))
      ->capture_default_str();
  command
      ->add_option("--sbatch", options->slurm.sbatch,
                   "Options for sbatch, as '--partition=short --time=1:00:00'")
      ->type_name("OPTIONS");
  // Set by what the study submits.
  command->add_option("--task", options->task)->group("");
  command->add_option("--plan", options->plan)->group("");
  command->footer(example("nightwatt study scenarios/caps.study.yaml -o caps"));
  command->callback([=, &globals, &action] {
    if (options->output.empty()) {
      fs::path name = fs::path(options->study).stem();
      if (name.extension() == ".study") name = name.stem();
      options->output = name.string();
    }
    action = [=, &globals] { return study(*options, globals); };
  });
}

}  // namespace nightwatt::cli
