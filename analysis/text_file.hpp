#pragma once

#include <fmt/format.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <functional>
#include <iterator>
#include <memory>
#include <string_view>
#include <utility>

#include "sim/timeline/output_file.hpp"
#include "sim/timeline/timeline.hpp"

namespace nightwatt {

/// A text file that grows in blocks, and appears under its name when it is complete. Destroyed
/// before `commit` it leaves nothing, and an older file as it was.
class TextFile {
 public:
  /// @param interrupted  asked between blocks; true stops the writing with WriteInterrupted
  /// @throws InputError if no file can be written there
  explicit TextFile(const std::filesystem::path& path, std::function<bool()> interrupted = {})
      : interrupted_(std::move(interrupted)),
        output_(path),
        file_(std::fopen(output_.temporary().c_str(), "w")) {
    if (!file_) output_.fail(std::strerror(errno));
  }

  template <class... Args>
  void print(fmt::format_string<Args...> format, Args&&... args) {
    fmt::format_to(std::back_inserter(buffer_), format, std::forward<Args>(args)...);
    if (buffer_.size() > 1 << 20) flush();
  }

  void write(std::string_view text) {
    buffer_.append(text.data(), text.data() + text.size());
    if (buffer_.size() > 1 << 20) flush();
  }

  void commit() {
    flush();
    if (std::fclose(file_.release()) != 0) output_.fail(std::strerror(errno));
    output_.commit();
  }

 private:
  struct Close {
    void operator()(std::FILE* file) const { std::fclose(file); }
  };

  void flush() {
    if (interrupted_ && interrupted_()) throw WriteInterrupted();
    if (std::fwrite(buffer_.data(), 1, buffer_.size(), file_.get()) != buffer_.size()) {
      output_.fail(std::strerror(errno));
    }
    buffer_.clear();
  }

  std::function<bool()> interrupted_;
  timeline::FileSizeSignalIgnored no_signal_;
  timeline::OutputFile output_;
  std::unique_ptr<std::FILE, Close> file_;
  fmt::memory_buffer buffer_;
};

}  // namespace nightwatt
