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
  [[nodiscard]] bool visible() const { return visible_; }

 private:
  using Clock = std::chrono::steady_clock;
  void write(const std::string& text);

  bool visible_;
  bool written_ = false;
  Clock::time_point started_ = Clock::now(), last_;
};

}  // namespace nightwatt::cli
