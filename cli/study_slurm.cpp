#include "cli/study_slurm.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <sys/wait.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <optional>
#include <sstream>
#include <string_view>
#include <system_error>
#include <thread>
#include <utility>

#include "analysis/output_text.hpp"
#include "cli/interrupt.hpp"
#include "traces/diagnostics.hpp"
#include "traces/input.hpp"

namespace nightwatt::cli {
namespace {

namespace fs = std::filesystem;

/// What a program printed, errors too.
struct Reply {
  int status = 0;
  std::string text;
};

std::string shell_quoted(std::string_view word) {
  std::string out = "'";
  for (const char c : word) out += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return out + "'";
}

std::string command_line(const std::vector<std::string>& words) {
  std::string line;
  for (const std::string& word : words) line += (line.empty() ? "" : " ") + shell_quoted(word);
  return line;
}

Reply ask(const std::string& line) {
  Reply reply;
  std::FILE* const pipe = popen((line + " 2>&1").c_str(), "r");
  if (pipe == nullptr) throw InputError("slurm: no process can be started");
  std::array<char, 4096> buffer{};
  while (const std::size_t n = std::fread(buffer.data(), 1, buffer.size(), pipe)) {
    reply.text.append(buffer.data(), n);
  }
  const int status = pclose(pipe);
  reply.status = WIFEXITED(status) ? WEXITSTATUS(status) : 1;
  while (!reply.text.empty() && reply.text.back() == '\n') reply.text.pop_back();
  return reply;
}

/// "0-3,7": as sbatch wants its tasks.
std::string ranges_text(const std::vector<std::size_t>& numbers) {
  std::vector<std::string> parts;
  for (std::size_t i = 0; i < numbers.size();) {
    std::size_t last = i;
    while (last + 1 < numbers.size() && numbers[last + 1] == numbers[last] + 1) ++last;
    parts.push_back(last == i ? fmt::format("{}", numbers[i])
                              : fmt::format("{}-{}", numbers[i], numbers[last]));
    i = last + 1;
  }
  return fmt::format("{}", fmt::join(parts, ","));
}

/// How often Slurm is asked. Its administrators ask for no more than that.
constexpr std::chrono::seconds patience(2);
/// Answers that may be missing in a row (a controller that is restarted).
constexpr int most_failures = 30;

}  // namespace

std::string plan_of(const std::vector<StudyRun>& runs) {
  std::string names;
  for (const StudyRun& run : runs) names += run.name + '\n';
  return Input::from_memory("plan", names).sha256().substr(0, 16);
}

SlurmJob::SlurmJob(std::string study_file, const std::vector<StudyRun>& runs,
                   const StudyFolder& folder, const SlurmOptions& options, const Globals& globals)
    : study_file_(std::move(study_file)),
      runs_(runs),
      folder_(folder),
      options_(options),
      globals_(globals),
      plan_(plan_of(runs)) {}

void SlurmJob::read_arrays() {
  std::ifstream file(folder_.path() / "slurm" / "arrays.txt");
  for (std::string line; std::getline(file, line);) {
    std::istringstream words(line);
    Array array;
    std::string plan;
    if (words >> array.id >> array.first_run >> plan && plan == plan_) arrays_.push_back(array);
  }
}

void SlurmJob::write_arrays() const {
  std::string text;
  for (const Array& array : arrays_) {
    text += fmt::format("{} {} {}\n", array.id, array.first_run, plan_);
  }
  replace_file((folder_.path() / "slurm" / "arrays.txt").string(), text);
}

std::size_t SlurmJob::largest_array() const {
  constexpr std::size_t by_default = 1001;
  const Reply reply = ask("scontrol show config");
  std::istringstream lines(reply.text);
  for (std::string line; std::getline(lines, line);) {
    if (!line.starts_with("MaxArraySize")) continue;
    const auto equals = line.find('=');
    if (equals == std::string::npos) continue;
    const auto size = std::strtoul(line.c_str() + equals + 1, nullptr, 10);
    return std::max<std::size_t>(size, 1);
  }
  return by_default;
}

void SlurmJob::submit(const std::vector<std::size_t>& runs, std::size_t first_run) {
  std::vector<std::size_t> tasks;
  for (const std::size_t run : runs) tasks.push_back(run - first_run);
  std::vector<std::string> program = {fs::read_symlink("/proc/self/exe").string()};
  for (const std::string& plugin : globals_.plugins) {
    program.insert(program.end(), {"--plugin", fs::absolute(plugin).string()});
  }
  const std::string folder = fs::absolute(folder_.path()).string();
  program.insert(program.end(), {"study", fs::absolute(study_file_).string(), "-o", folder,
                                 "--plan", plan_, "--task"});
  const std::string task =
      fmt::format("exec {} $((SLURM_ARRAY_TASK_ID + {}))", command_line(program), first_run);
  std::vector<std::string> sbatch = {"sbatch",
                                     "--parsable",
                                     "--job-name=nightwatt",
                                     "--array=" + ranges_text(tasks),
                                     "--output=" + folder + "/slurm/%A_%a.txt",
                                     "--wrap=" + task};
  const Reply reply =
      ask(command_line(sbatch) + (options_.sbatch.empty() ? "" : " " + options_.sbatch));
  if (reply.status != 0) {
    throw InputError(fmt::format("slurm: sbatch refused: {}", reply.text));
  }
  // "ID" or "ID;CLUSTER", after what plug-ins of the site may say.
  std::string id = reply.text.substr(reply.text.rfind('\n') + 1);
  id = id.substr(0, id.find(';'));
  arrays_.push_back({std::move(id), first_run});
  write_arrays();
}

std::set<std::size_t> SlurmJob::active() {
  std::set<std::size_t> found;
  std::vector<Array> still;
  for (const Array& array : arrays_) {
    Reply reply;
    for (int failures = 0;; ++failures) {
      reply = ask(command_line({"squeue", "-h", "-r", "-o", "%K", "-j", array.id}));
      if (reply.status == 0 || reply.text.find("Invalid job id") != std::string::npos) break;
      if (failures == most_failures) {
        throw InputError(fmt::format("slurm: squeue failed: {}", reply.text));
      }
      if (GracefulStop::requested()) return found;
      std::this_thread::sleep_for(patience);
    }
    if (reply.status != 0 || reply.text.empty()) continue;  // it has left the queue
    std::istringstream words(reply.text);
    for (std::size_t task = 0; words >> task;) found.insert(array.first_run + task);
    still.push_back(array);
  }
  arrays_ = std::move(still);
  return found;
}

bool SlurmJob::run(const std::vector<bool>& done, ProgressLine& line) {
  std::error_code ignored;
  if (ask("command -v sbatch squeue scontrol").status != 0) {
    throw InputError(
        "slurm: its commands (sbatch, squeue, scontrol) were not found; --on local needs none");
  }
  fs::create_directories(folder_.path() / "slurm", ignored);
  const GracefulStop graceful;
  read_arrays();
  std::set<std::size_t> waiting = active();
  if (waiting.empty()) folder_.remove_leftovers();
  const std::size_t most = largest_array();
  for (std::size_t first = 0; first < runs_.size(); first += most) {
    std::vector<std::size_t> block;
    for (std::size_t r = first; r < std::min(first + most, runs_.size()); ++r) {
      if (!done[r] && !waiting.contains(r)) block.push_back(r);
    }
    if (!block.empty()) submit(block, first);
  }
  const auto finished = [&] {
    std::size_t count = 0;
    for (const StudyRun& run : runs_) {
      count += fs::exists(folder_.path() / timeline_of(run), ignored) ? 1 : 0;
    }
    return count;
  };
  StudyProgress progress(finished(), runs_.size());
  do {
    if (GracefulStop::requested()) return false;
    waiting = active();
    progress.reached(finished());
    line.show(progress.text(0.0));
    if (!waiting.empty()) std::this_thread::sleep_for(patience);
  } while (!waiting.empty());
  if (GracefulStop::requested()) return false;
  tidy();
  return true;
}

void SlurmJob::tidy() const {
  std::error_code ignored;
  const fs::path folder = folder_.path() / "slurm";
  fs::remove(folder / "arrays.txt", ignored);
  for (const fs::directory_entry& entry : fs::directory_iterator(folder, ignored)) {
    if (fs::file_size(entry.path(), ignored) == 0) fs::remove(entry.path(), ignored);
  }
  fs::remove(folder, ignored);  // only if nothing was said
}

}  // namespace nightwatt::cli
