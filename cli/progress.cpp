#include "cli/progress.hpp"

#include <fmt/format.h>
#include <unistd.h>

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

void ProgressLine::show(const Progress& progress) {
  const Clock::time_point now = Clock::now();
  if (!visible_ || now - last_ < std::chrono::milliseconds(100)) return;
  last_ = now;
  const double elapsed_s = std::chrono::duration<double>(now - started_).count();
  const auto ended = static_cast<double>(progress.jobs_ended);
  const auto total = static_cast<double>(progress.jobs_total);
  std::string text =
      fmt::format("{} of {} jobs ended, {} simulated, {} jobs/s", grouped(progress.jobs_ended),
                  grouped(progress.jobs_total), span_text(seconds(progress.time_s)),
                  number_text(ended / elapsed_s));
  if (ended > 0.0) {
    text += fmt::format(", {} left", span_text(seconds(elapsed_s * (total - ended) / ended)));
  }
  write(text);
}

}  // namespace nightwatt::cli
