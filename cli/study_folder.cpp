#include "cli/study_folder.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <fstream>
#include <map>
#include <new>
#include <string_view>
#include <system_error>
#include <thread>
#include <utility>

#include "analysis/text.hpp"
#include "cli/command.hpp"
#include "cli/execute.hpp"
#include "cli/interrupt.hpp"
#include "sim/timeline/timeline.hpp"
#include "traces/diagnostics.hpp"
#include "traces/input.hpp"

namespace nightwatt::cli {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view status_words = "exit status ";

/// By it the folder of a study is known. Locked while a study works there.
constexpr const char* folder_mark = ".nightwatt-study";

[[noreturn]] void refuse_folder(const fs::path& path, const std::string& message) {
  throw InputError(Diagnostic{{path.string(), 0, 0}, message});
}

[[noreturn]] void refuse_folder(const fs::path& path, const char* what, int code) {
  refuse_folder(path, fmt::format("{}: {}", what, std::generic_category().message(code)));
}

/// A lock of a study that was killed is held until its runs have ended, too.
constexpr std::chrono::milliseconds lock_patience(3000);

int lock_file(const fs::path& path) {
  const int file = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666);
  if (file < 0) refuse_folder(path, "output: cannot be written", errno);
  const auto start = std::chrono::steady_clock::now();
  while (::flock(file, LOCK_EX | LOCK_NB) != 0) {
    const int code = errno;
    if (code == EWOULDBLOCK && std::chrono::steady_clock::now() - start < lock_patience) {
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
      continue;
    }
    ::close(file);
    if (code == EWOULDBLOCK) {
      refuse_folder(path.parent_path(), "output: another study works in this folder");
    }
    // File systems without locks: the user has to see to it.
    return -1;
  }
  return file;
}

/// Hashes of inputs, each file read once.
class Hashes {
 public:
  const std::string& of(const fs::path& path) {
    auto& hash = known_[path.string()];
    if (hash.empty()) hash = Input::open(path.string(), path.string()).sha256();
    return hash;
  }

 private:
  std::map<std::string, std::string> known_;
};

/// Why a timeline does not stand for the run as it is now; "" if it does.
std::string why_stale(const TimelineFile& file, const StudyRun& run, Hashes& hashes) {
  if (file.header().scenario_sha256 != run.loaded.sha256) return "it is of another scenario";
  if (file.header().source != "nightwatt " NIGHTWATT_VERSION) {
    return fmt::format("it was made by {}", quote(file.header().source));
  }
  const fs::path folder = fs::path(run.loaded.path).parent_path();
  for (const InputFile& input : file.inputs()) {
    if (input.report.sha256.empty() || input.report.path.empty()) continue;
    const fs::path path = folder / input.report.path;
    std::error_code ignored;
    // Files of the catalogue are named by where they were found.
    if (fs::exists(path, ignored) && hashes.of(path) != input.report.sha256) {
      return fmt::format("{} has changed since", quote(input.report.path));
    }
  }
  return {};
}

}  // namespace

fs::path timeline_of(const StudyRun& run) { return fs::path("runs") / (run.name + ".h5"); }
fs::path messages_of(const StudyRun& run) { return fs::path("failed") / (run.name + ".txt"); }

StudyFolder::StudyFolder(fs::path path) : path_(std::move(path)) {
  std::error_code error;
  const fs::file_status status = fs::status(path_, error);
  if (fs::exists(status)) {
    if (!fs::is_directory(status)) refuse_folder(path_, "output: expected a folder, got a file");
    if (!fs::is_empty(path_, error) && !fs::exists(path_ / folder_mark)) {
      refuse_folder(path_,
                    "output: expected a new or empty folder, or that of a study; this one holds "
                    "other files");
    }
  } else if (!fs::create_directories(path_, error)) {
    refuse_folder(path_, "output: cannot be made", error.value());
  }
  lock_ = lock_file(path_ / folder_mark);
  fs::create_directories(path_ / "runs", error);
  if (error) refuse_folder(path_ / "runs", "output: cannot be made", error.value());
}

StudyFolder::~StudyFolder() {
  if (lock_ >= 0) ::close(lock_);
}

void StudyFolder::forget_lock() {
  if (lock_ >= 0) ::close(std::exchange(lock_, -1));
}

std::vector<bool> StudyFolder::finished(const std::vector<StudyRun>& runs) const {
  std::map<std::string, std::size_t> expected;
  for (std::size_t r = 0; r < runs.size(); ++r) expected.emplace(runs[r].name + ".h5", r);
  std::vector<bool> done(runs.size(), false);
  Diagnostics faults;
  Hashes hashes;
  for (const fs::directory_entry& entry : fs::directory_iterator(path_ / "runs")) {
    const std::string name = entry.path().filename().string();
    if (name.ends_with(".tmp")) continue;
    const Position where = {entry.path().string(), 0, 0};
    const auto run = expected.find(name);
    if (run == expected.end()) {
      faults.error(where,
                   "not a run of this study as it is now; give another folder, or remove the file");
      continue;
    }
    try {
      const TimelineFile file = read_timeline(entry.path());
      const std::string stale = why_stale(file, runs[run->second], hashes);
      if (stale.empty()) {
        done[run->second] = true;
      } else {
        faults.error(where, fmt::format("{}; give another folder, or remove the file, and it is "
                                        "run again",
                                        stale));
      }
    } catch (const InputError& fault) {
      faults.append(fault);
    }
  }
  faults.throw_if_any();
  // Two combinations may come to the same run.
  for (std::size_t r = 0; r < runs.size(); ++r) done[r] = done[expected.at(runs[r].name + ".h5")];
  return done;
}

void StudyFolder::remove_leftovers() const {
  std::error_code ignored;
  for (const fs::path& folder : {path_, path_ / "runs"}) {
    for (const fs::directory_entry& entry : fs::directory_iterator(folder, ignored)) {
      const std::string name = entry.path().filename().string();
      if (name.starts_with('.') && name.ends_with(".tmp")) fs::remove(entry.path(), ignored);
    }
  }
}

int run_of_study(const StudyRun& run, const fs::path& folder,
                 const std::function<void(double)>& progress) {
  std::error_code ignored;
  const fs::path messages = folder / messages_of(run);
  fs::create_directories(messages.parent_path(), ignored);
  std::fflush(stderr);
  const int file = ::open(messages.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  if (file < 0 || ::dup2(file, STDERR_FILENO) < 0) return Exit::our_fault;
  ::close(file);

  int status = Exit::done;
  const auto fail = [&](int with, const std::string& text) {
    status = with;
    fmt::print(stderr, "{}{}", text, text.ends_with('\n') ? "" : "\n");
  };
  try {
    ExecuteHooks hooks;
    if (progress) {
      hooks.progress = [&](const Progress& at) {
        progress(static_cast<double>(at.jobs_ended) /
                 static_cast<double>(std::max<std::uint64_t>(at.jobs_total, 1)));
      };
    }
    if (execute(run.loaded, (folder / timeline_of(run)).string(), hooks).interrupted) {
      fail(GracefulStop::exit_status(), "interrupted");
    }
  } catch (const InputError& error) {
    fail(Exit::users_input, error.what());
  } catch (const std::bad_alloc&) {
    fail(Exit::our_fault, "error: out of memory");
  } catch (const std::exception& error) {
    fail(Exit::our_fault, fmt::format("internal error: {}", error.what()));
  }
  // For who cannot ask the process: Slurm forgets.
  if (status != Exit::done) fmt::print(stderr, "{}{}\n", status_words, status);
  std::fflush(stderr);
  if (status == Exit::done) fs::remove(messages, ignored);
  return status;
}

Failure failure_of(const StudyRun& run, const fs::path& folder) {
  Failure failure;
  std::ifstream file(folder / messages_of(run));
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with(status_words)) {
      failure.status = std::atoi(line.c_str() + status_words.size());
    } else if (failure.reason.empty()) {
      failure.reason = printable(line);
    }
  }
  return failure;
}

}  // namespace nightwatt::cli
