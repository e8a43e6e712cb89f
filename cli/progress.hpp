#pragma once

#include <chrono>
#include <string>

#include "sim/simulation.hpp"

namespace nightwatt::cli {

/// One line on stderr that is written over as the run goes on; nothing where stderr is no terminal
/// or the user wants it quiet. The line is gone when the object is.
class ProgressLine {
 public:
  explicit ProgressLine(bool quiet);
  ~ProgressLine();
  ProgressLine(const ProgressLine&) = delete;
  ProgressLine& operator=(const ProgressLine&) = delete;

  /// Shows a step without a measure: "reading the trace".
  void step(const std::string& text);
  /// At most ten times a second.
  void show(const Progress& progress);
  void show(const std::string& text);
  [[nodiscard]] bool visible() const { return visible_; }

 private:
  using Clock = std::chrono::steady_clock;
  void write(const std::string& text);

  bool visible_;
  bool written_ = false;
  Clock::time_point started_ = Clock::now(), last_;
};

/// How far many runs are, and how long the others will take.
class StudyProgress {
 public:
  /// @param kept  runs that were done before
  StudyProgress(std::size_t kept, std::size_t total) : kept_(kept), done_(kept), total_(total) {}

  void ended(bool well) { ++(well ? done_ : failed_); }
  /// So many are done now.
  void reached(std::size_t done) { done_ = done; }
  /// "[#####-----] 23 of 60 runs, 1 failed, 1 min 3 s left"
  /// @param under_way  sum of the shares that are done of the runs that have not ended
  [[nodiscard]] std::string text(double under_way) const;

 private:
  using Clock = std::chrono::steady_clock;
  std::size_t kept_, done_, total_, failed_ = 0;
  Clock::time_point started_ = Clock::now();
};

}  // namespace nightwatt::cli
