#include "cli/interrupt.hpp"

#include <unistd.h>

#include <csignal>
#include <string_view>

namespace nightwatt::cli {
namespace {

std::atomic<bool> graceful{false}, stop{false};
std::atomic<int> signal_number{SIGINT};
static_assert(std::atomic<bool>::is_always_lock_free && std::atomic<int>::is_always_lock_free);

extern "C" void on_signal(int number) {
  if (!graceful) {
    static constexpr std::string_view text = "\ninterrupted: no file was written or changed\n";
    // Nothing can be done about a message that nobody takes.
    [[maybe_unused]] const auto written = write(STDERR_FILENO, text.data(), text.size());
    _exit(128 + number);
  }
  signal_number = number;
  stop = true;
}

}  // namespace

void handle_interrupts() {
  struct sigaction action = {};
  action.sa_handler = on_signal;
  sigemptyset(&action.sa_mask);
  // Reads and writes go on; whoever loops looks at the flag.
  action.sa_flags = SA_RESTART;
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
}

GracefulStop::GracefulStop() {
  stop = false;
  graceful = true;
}
GracefulStop::~GracefulStop() { graceful = false; }
const std::atomic<bool>& GracefulStop::requested() { return stop; }
int GracefulStop::exit_status() { return 128 + signal_number; }

}  // namespace nightwatt::cli
