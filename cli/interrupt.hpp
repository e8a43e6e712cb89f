#pragma once

#include <atomic>

namespace nightwatt::cli {

/// From here on SIGINT and SIGTERM end the program with status 130 (143) and a word of it, but not
/// while a GracefulStop lives.
void handle_interrupts();

/// While it lives the signals only ask for a stop, since there is something to put away.
class GracefulStop {
 public:
  GracefulStop();
  ~GracefulStop();
  GracefulStop(const GracefulStop&) = delete;
  GracefulStop& operator=(const GracefulStop&) = delete;

  /// Set by the signal handler.
  [[nodiscard]] static const std::atomic<bool>& requested();
  /// 128 + the signal that came.
  [[nodiscard]] static int exit_status();
};

}  // namespace nightwatt::cli
