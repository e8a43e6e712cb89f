// Both engines get the same stream of random operations and must answer alike, call by call.
#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <vector>

#include "sim/engine/simgrid_engine.hpp"
#include "sim/engine/test_engine.hpp"
#include "tests/unit/engine/recorder.hpp"

namespace nightwatt {
namespace {

/// What an engine was seen to do: the calls, and every remaining amount that was asked for.
struct Seen {
  std::vector<Call> calls;
  std::vector<double> remaining;
  friend bool operator==(const Seen&, const Seen&) = default;
};

/// Plays a life of `steps` events on an engine. All draws come from the seed and from what the
/// engine reports; times and rates are coarse, so that many events meet at one instant.
class Player final : public EventSink {
 public:
  Player(EventEngine& engine, std::uint64_t seed, int steps)
      : engine_(engine), random_(seed), steps_(steps) {}

  Seen play() {
    for (int i = 0; i < 20; ++i) add();
    while (steps_ > 0) {
      const long long until = engine_.now().ns() + static_cast<long long>(draw(40)) * 250'000'000;
      engine_.run(*this, SimTime::from_ns(until), [this] { return draw(50) == 0; });
      seen_.calls.push_back({'u', 0, engine_.now().ns()});
      act();
      while (live_.size() < 20 && steps_ > 0) add();
    }
    engine_.run(*this);
    seen_.calls.push_back({'e', 0, engine_.now().ns()});
    return seen_;
  }

  void work_done(std::uint64_t tag) override { event('d', tag); }
  void woken(std::uint64_t tag) override { event('w', tag); }
  void instant_over() override {
    seen_.calls.push_back({'o', 0, engine_.now().ns()});
    if (draw(8) == 0) act();
  }

 private:
  struct Live {
    std::uint64_t tag;
    EventHandle handle;
    bool is_work;
  };

  std::uint64_t draw(std::uint64_t below) { return random_() % below; }
  double draw_rate() {
    constexpr double rates[] = {0.0, 0.25, 0.37, 0.5, 1.0, 1.0, 1.0, 2.0, 3.0, 1e12};
    return rates[draw(10)];
  }

  void event(char kind, std::uint64_t tag) {
    seen_.calls.push_back({kind, tag, engine_.now().ns()});
    std::erase_if(live_, [&](const Live& live) { return live.tag == tag; });
    act();
  }

  void add() {
    if (steps_-- <= 0) return;
    // Tags jump up and down, so that their order is not that of insertion.
    const std::uint64_t tag = (next_tag_++ * 2654435761u) % 4294967296u;
    if (draw(3) == 0) {
      const SimTime when =
          SimTime::from_ns(engine_.now().ns() + static_cast<long long>(draw(20)) * 500'000'000);
      live_.push_back({tag, engine_.wake_at(when, tag), false});
    } else {
      const double amount = static_cast<double>(draw(20)) * 0.5;
      live_.push_back({tag, engine_.start_work(amount, draw_rate(), tag), true});
    }
  }

  void act() {
    switch (draw(8)) {
      case 0:
        break;
      case 1:
        if (live_.size() > 5) {
          const auto victim = live_.begin() + static_cast<long>(draw(live_.size()));
          engine_.cancel(victim->handle);
          live_.erase(victim);
        }
        break;
      case 2:
      case 3:
      case 4:
        if (!live_.empty()) {
          const Live& live = live_[draw(live_.size())];
          if (live.is_work) {
            seen_.remaining.push_back(engine_.remaining(live.handle));
            engine_.set_rate(live.handle, draw_rate());
            seen_.remaining.push_back(engine_.remaining(live.handle));
          }
        }
        break;
      default:
        add();
        if (live_.size() < 200) {
          add();
          add();
        }
    }
  }

  EventEngine& engine_;
  std::mt19937_64 random_;
  int steps_;
  std::uint64_t next_tag_ = 1;
  std::vector<Live> live_;
  Seen seen_;
};

TEST(RandomOperations, BothEnginesAnswerAlike) {
  for (std::uint64_t seed = 1; seed <= 100; ++seed) {
    const auto simgrid = make_simgrid_engine();
    const auto test = make_test_engine();
    const Seen a = Player(*simgrid, seed, 3000).play();
    const Seen b = Player(*test, seed, 3000).play();
    ASSERT_GT(a.calls.size(), 1000u) << "seed " << seed;
    for (std::size_t i = 0; i < std::min(a.calls.size(), b.calls.size()); ++i) {
      ASSERT_EQ(a.calls[i], b.calls[i]) << "seed " << seed << ", call " << i;
    }
    ASSERT_EQ(a, b) << "seed " << seed;
  }
}

TEST(RandomOperations, EqualSeedsGiveEqualRuns) {
  Seen first;
  for (int run = 0; run < 2; ++run) {
    const auto engine = make_simgrid_engine();
    Seen seen = Player(*engine, 7, 3000).play();
    if (run == 0) {
      first = std::move(seen);
    } else {
      EXPECT_EQ(seen, first);
    }
  }
}

}  // namespace
}  // namespace nightwatt
