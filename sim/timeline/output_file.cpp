#include "sim/timeline/output_file.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <string>
#include <system_error>
#include <utility>

#include "sim/timeline/timeline.hpp"
#include "traces/diagnostics.hpp"

namespace nightwatt::timeline {

namespace fs = std::filesystem;

namespace {

std::string system_reason(int code) { return std::generic_category().message(code); }

[[noreturn]] void refuse(const fs::path& path, const std::string& message) {
  throw InputError(Diagnostic{{path.string(), 0, 0}, message});
}

fs::path folder_of(const fs::path& path) {
  const fs::path parent = path.parent_path();
  return parent.empty() ? fs::path(".") : parent;
}

/// Where the file will stand. @throws InputError if it cannot.
fs::path checked_target(const fs::path& path) {
  std::error_code error;
  const fs::file_status status = fs::status(path, error);
  if (path.empty()) refuse(path, "output: expected the path of a file, got ''");
  if (fs::is_directory(status)) refuse(path, "output: expected the path of a file, got a folder");
  if (fs::exists(status) && !fs::is_regular_file(status)) {
    refuse(path, "output: expected the path of a regular file, got a device, pipe or socket");
  }
  if (!path.has_filename()) refuse(path, "output: expected the path of a file, got a folder");
  const fs::path target = fs::exists(status) ? fs::canonical(path, error) : path;
  if (error && fs::exists(status)) refuse(path, "output: " + error.message());
  const fs::path folder = folder_of(target);
  const fs::file_status folder_status = fs::status(folder, error);
  if (!fs::exists(folder_status)) {
    refuse(path, "output: the folder " + quote(folder.string()) + " does not exist");
  }
  if (!fs::is_directory(folder_status)) {
    refuse(path, "output: " + quote(folder.string()) + " is not a folder");
  }
  if (::access(folder.c_str(), W_OK | X_OK) != 0) {
    refuse(path, "output: the folder " + quote(folder.string()) +
                     " cannot be written: " + system_reason(errno));
  }
  return target;
}

/// @return 0, or the system's error number
int sync_to_disk(const fs::path& path, int flags) {
  const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | flags);
  if (file < 0) return errno;
  const int code = ::fsync(file) == 0 ? 0 : errno;
  ::close(file);
  return code;
}

}  // namespace

OutputFile::OutputFile(const fs::path& path) : path_(path), target_(checked_target(path)) {
  for (int attempt = 0;; ++attempt) {
    // The number keeps two runs apart that write to the same name; it is not in the file.
    const fs::path candidate =
        folder_of(target_) / ("." + target_.filename().string().substr(0, 200) + "." +
                              std::to_string(::getpid()) + "." + std::to_string(attempt) + ".tmp");
    const int file = ::open(candidate.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (file >= 0) {
      ::close(file);
      temporary_ = candidate;
      return;
    }
    if (errno != EEXIST || attempt == 1000) fail(system_reason(errno));
  }
}

OutputFile::~OutputFile() {
  if (temporary_.empty()) return;
  // The library may still hold the file open after a failure: cut it, so that the disk is freed.
  [[maybe_unused]] const int cut = ::truncate(temporary_.c_str(), 0);
  ::unlink(temporary_.c_str());
}

void OutputFile::commit() {
  if (const int code = sync_to_disk(temporary_, 0); code != 0) fail(system_reason(code));
  if (::rename(temporary_.c_str(), target_.c_str()) != 0) fail(system_reason(errno));
  temporary_.clear();
  // The file is complete; a folder that cannot be synchronised only weakens a promise about power
  // cuts.
  sync_to_disk(folder_of(target_), O_DIRECTORY);
}

void OutputFile::fail(const std::string& reason) const {
  std::error_code error;
  const bool older = fs::exists(target_, error);
  refuse(path_, "output: cannot be written: " + reason +
                    (older ? " (the older file is left as it was)" : ""));
}

FileSizeSignalIgnored::FileSizeSignalIgnored() {
  struct sigaction ignore {};
  ignore.sa_handler = SIG_IGN;
  sigaction(SIGXFSZ, &ignore, &before_);
}

FileSizeSignalIgnored::~FileSizeSignalIgnored() { sigaction(SIGXFSZ, &before_, nullptr); }

}  // namespace nightwatt::timeline

namespace nightwatt {

void check_writable(const std::filesystem::path& path) { timeline::checked_target(path); }

}  // namespace nightwatt
