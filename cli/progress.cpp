#include "cli/progress.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>

#include "analysis/text.hpp"

namespace nightwatt::cli {

ProgressLine::ProgressLine(bool quiet) : visible_(!quiet && isatty(STDERR_FILENO) == 1) {}

ProgressLine::~ProgressLine() {
  if (written_) fmt::print(stderr, "\r\x1b[K");
}

void ProgressLine::write(const std::string& text) {
  fmt::print(stderr, "\r\x1b[K{}", text);
  std::fflush(stderr);
  written_ = true;
}

void ProgressLine::step(const std::string& text) {
  if (visible_) write(text);
}

void ProgressLine::show(const std::string& text) {
  const Clock::time_point now = Clock::now();
  if (!visible_ || now - last_ < std::chrono::milliseconds(100)) return;
  last_ = now;
  write(text);
}

void ProgressLine::show(const Progress& progress) {
  if (!visible_) return;
  const double elapsed_s = std::chrono::duration<double>(Clock::now() - started_).count();
  const auto ended = static_cast<double>(progress.jobs_ended);
  const auto total = static_cast<double>(progress.jobs_total);
  std::string text =
      fmt::format("{} of {} jobs ended, {} simulated, {} jobs/s", grouped(progress.jobs_ended),
                  grouped(progress.jobs_total), span_text(seconds(progress.time_s)),
                  number_text(ended / elapsed_s));
  if (ended > 0.0) {
    text += fmt::format(", {} left", span_text(seconds(elapsed_s * (total - ended) / ended)));
  }
  show(text);
}

std::string StudyProgress::text(double under_way) const {
  constexpr double width = 24.0;
  const double total = static_cast<double>(total_);
  const double at = static_cast<double>(done_ + failed_) + under_way;
  const auto filled = static_cast<std::size_t>(width * std::min(at / total, 1.0));
  std::string text = fmt::format("[{}{}] {} of {} runs", std::string(filled, '#'),
                                 std::string(static_cast<std::size_t>(width) - filled, '-'),
                                 grouped(done_), grouped(total_));
  if (failed_ > 0) text += fmt::format(", {} failed", grouped(failed_));
  const double made = at - static_cast<double>(kept_);
  if (made > 0.0 && at < total) {
    const double elapsed_s = std::chrono::duration<double>(Clock::now() - started_).count();
    text += fmt::format(", {} left", span_text(seconds(elapsed_s * (total - at) / made)));
  }
  return text;
}

}  // namespace nightwatt::cli
