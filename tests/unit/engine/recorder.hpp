#pragma once

#include <cstdint>
#include <functional>
#include <ostream>
#include <string>
#include <vector>

#include "sim/engine/event_engine.hpp"

namespace nightwatt {

/// One call that a sink got: 'd' work done, 'w' woken, 'o' instant over (tag 0).
struct Call {
  char kind = 'o';
  std::uint64_t tag = 0;
  long long at_ns = 0;
  friend bool operator==(const Call&, const Call&) = default;
};

inline std::ostream& operator<<(std::ostream& out, const Call& call) {
  return out << call.kind << call.tag << '@' << call.at_ns;
}

/// Writes down every call, then does what the test set for that kind.
class Recorder : public EventSink {
 public:
  explicit Recorder(EventEngine& engine) : engine_(engine) {}

  void work_done(std::uint64_t tag) override {
    calls.push_back({'d', tag, engine_.now().ns()});
    if (on_done) on_done(tag);
  }
  void woken(std::uint64_t tag) override {
    calls.push_back({'w', tag, engine_.now().ns()});
    if (on_woken) on_woken(tag);
  }
  void instant_over() override {
    calls.push_back({'o', 0, engine_.now().ns()});
    if (on_over) on_over();
  }

  std::vector<Call> calls;
  std::function<void(std::uint64_t)> on_done, on_woken;
  std::function<void()> on_over;

 private:
  EventEngine& engine_;
};

}  // namespace nightwatt
