#pragma once

#include <cstddef>
#include <cstdint>
#include <exception>
#include <string>
#include <string_view>
#include <vector>

namespace nightwatt {

/// Where in an input something stands. Line and column count from 1; 0 means "not known".
struct Position {
  std::string file;
  std::uint64_t line = 0;
  std::uint64_t column = 0;
};

/// One fault of the input, in the words of the user: which field, what was expected, what came.
struct Diagnostic {
  Position where;
  std::string message;  ///< "field: expected ..., got '...' (hint)"

  /// "file:line:column: error: message"; parts of the position that are not known are left out.
  [[nodiscard]] std::string text() const;
};

/// The user's input cannot be used. Carries every fault that was found; the program prints them
/// and ends with exit status 2. Never thrown for a fault of ours.
class InputError : public std::exception {
 public:
  explicit InputError(std::vector<Diagnostic> faults, std::size_t more = 0);
  explicit InputError(Diagnostic fault);
  explicit InputError(std::string message) : InputError(Diagnostic{{}, std::move(message)}) {}

  [[nodiscard]] const std::vector<Diagnostic>& faults() const { return faults_; }
  /// All faults, one a line, and how many more were found than are kept.
  [[nodiscard]] const char* what() const noexcept override { return text_.c_str(); }

 private:
  std::vector<Diagnostic> faults_;
  std::string text_;
};

/// Gathers faults while a file is read, so that all are shown together. Keeps the first
/// `max_kept` and counts the others.
class Diagnostics {
 public:
  static constexpr std::size_t max_kept = 50;

  void error(Position where, std::string message);
  [[nodiscard]] bool empty() const { return faults_.empty(); }
  [[nodiscard]] std::size_t count() const { return faults_.size() + more_; }
  /// Takes over the faults of another gatherer, in order.
  void append(const InputError& other);
  /// @throws InputError with all that was gathered, if anything was.
  void throw_if_any();

 private:
  std::vector<Diagnostic> faults_;
  std::size_t more_ = 0;
};

/// The candidate nearest to `word` (edit distance at most a third of its length, at least 1), or
/// an empty view. For "did you mean".
std::string_view nearest(std::string_view word, const std::vector<std::string_view>& candidates);
/// "; did you mean 'x'?" or "".
std::string did_you_mean(std::string_view word, const std::vector<std::string_view>& candidates);
/// The text as it can be shown inside a message: quoted with '', control bytes and invalid UTF-8
/// escaped, cut after 60 characters with "...".
std::string quote(std::string_view text);

}  // namespace nightwatt
