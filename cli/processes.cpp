#include "cli/processes.hpp"

#include <poll.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <optional>
#include <string_view>
#include <utility>

namespace nightwatt::cli {
namespace {

/// A copy of this process, and what it has sent so far: for each result its place, its length and
/// its bytes.
struct Helper {
  pid_t process = 0;
  int pipe = -1;
  std::string received;
};

using MessageHead = std::array<std::uint64_t, 2>;  ///< place, length

bool send_all(int pipe, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = write(pipe, bytes.data(), bytes.size());
    if (sent < 0 && errno == EINTR) continue;
    if (sent <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
  return true;
}

/// The child's side: does each `step`-th piece of work from `first` on. Never returns.
[[noreturn]] void help(std::size_t first, std::size_t step, std::size_t count,
                       const std::function<std::string(std::size_t)>& work, int pipe,
                       pid_t parent) {
  end_with(parent);
  try {
    for (std::size_t i = first; i < count; i += step) {
      const std::string result = work(i);
      const MessageHead head = {i, result.size()};
      const std::string_view bytes(reinterpret_cast<const char*>(head.data()), sizeof head);
      if (!send_all(pipe, bytes) || !send_all(pipe, result)) _exit(1);
    }
  } catch (...) {
    _exit(1);  // the parent does it again, and says why
  }
  // Without the destructors and handlers of the process that it is a copy of.
  _exit(0);
}

/// Takes the whole messages off the front of what was received.
void take_messages(std::string& received, std::vector<std::optional<std::string>>& results) {
  MessageHead head;
  while (received.size() >= sizeof head) {
    std::memcpy(head.data(), received.data(), sizeof head);
    if (received.size() - sizeof head < head[1]) break;
    results.at(head[0]) = received.substr(sizeof head, head[1]);
    received.erase(0, sizeof head + head[1]);
  }
}

}  // namespace

void end_with(pid_t parent) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != parent) _exit(1);  // it has ended before the line above
}

std::vector<std::string> in_processes(std::size_t count, std::size_t processes,
                                      const std::function<std::string(std::size_t)>& work) {
  std::vector<std::optional<std::string>> results(count);
  const std::size_t parts = processes > 1 ? std::min(processes, count) : 0;
  std::vector<Helper> helpers;
  std::fflush(nullptr);
  const pid_t parent = getpid();
  for (std::size_t part = 0; part < parts; ++part) {
    int ends[2];
    if (pipe(ends) != 0) break;  // then this process does it
    const pid_t process = fork();
    if (process == 0) {
      close(ends[0]);
      help(part, parts, count, work, ends[1], parent);
    }
    close(ends[1]);
    if (process < 0) {
      close(ends[0]);
      break;
    }
    helpers.push_back({process, ends[0], {}});
  }

  std::vector<pollfd> waiting;
  for (const Helper& helper : helpers) waiting.push_back({helper.pipe, POLLIN, 0});
  std::size_t open = helpers.size();
  while (open > 0) {
    if (poll(waiting.data(), waiting.size(), -1) < 0) {
      if (errno == EINTR) continue;
      break;
    }
    for (std::size_t h = 0; h < helpers.size(); ++h) {
      if (waiting[h].fd < 0 || waiting[h].revents == 0) continue;
      std::array<char, 65536> bytes;
      const ssize_t got = read(helpers[h].pipe, bytes.data(), bytes.size());
      if (got < 0 && errno == EINTR) continue;
      if (got > 0) {
        helpers[h].received.append(bytes.data(), static_cast<std::size_t>(got));
        take_messages(helpers[h].received, results);
        continue;
      }
      waiting[h].fd = -1;  // poll passes it over
      --open;
    }
  }
  for (const Helper& helper : helpers) {
    close(helper.pipe);
    while (waitpid(helper.process, nullptr, 0) < 0 && errno == EINTR) {
    }
  }

  std::vector<std::string> out;
  for (std::size_t i = 0; i < count; ++i) {
    out.push_back(results[i] ? std::move(*results[i]) : work(i));
  }
  return out;
}

}  // namespace nightwatt::cli
