#pragma once

#include <csignal>
#include <filesystem>
#include <string>

/// The way of a new file to its name: of timelines, and of what is made from them.
namespace nightwatt::timeline {

/// A file that appears under its name only when it is complete: it is written under a temporary
/// name in the same folder, and renamed at the end. Destroyed before that, it leaves nothing.
class OutputFile {
 public:
  /// Makes the temporary file. @throws InputError as check_writable does.
  explicit OutputFile(const std::filesystem::path& path);
  ~OutputFile();
  OutputFile(const OutputFile&) = delete;
  OutputFile& operator=(const OutputFile&) = delete;

  [[nodiscard]] const std::filesystem::path& temporary() const { return temporary_; }
  /// Makes sure that the bytes are on disk and gives the file its name. @throws InputError
  void commit();
  /// @throws InputError: the file cannot be written, for that reason.
  [[noreturn]] void fail(const std::string& reason) const;

 private:
  std::filesystem::path path_;       ///< as the user wrote it
  std::filesystem::path target_;     ///< symbolic links followed
  std::filesystem::path temporary_;  ///< empty once renamed
};

/// While it lives a write beyond the file-size limit fails (EFBIG) instead of ending the process.
class FileSizeSignalIgnored {
 public:
  FileSizeSignalIgnored();
  ~FileSizeSignalIgnored();
  FileSizeSignalIgnored(const FileSizeSignalIgnored&) = delete;
  FileSizeSignalIgnored& operator=(const FileSizeSignalIgnored&) = delete;

 private:
  struct sigaction before_ {};
};

}  // namespace nightwatt::timeline
