// One suite for every event engine: the contract of sim/engine/event_engine.hpp.
#include "sim/engine/event_engine.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <map>
#include <memory>
#include <set>
#include <stdexcept>

#include "sim/engine/simgrid_engine.hpp"
#include "sim/engine/test_engine.hpp"
#include "tests/unit/engine/recorder.hpp"

namespace nightwatt {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr long long s = 1'000'000'000;  // one second in ns
constexpr double nan = std::numeric_limits<double>::quiet_NaN();
constexpr double inf = std::numeric_limits<double>::infinity();

SimTime at(long long ns) { return SimTime::from_ns(ns); }

struct SimGridKind {
  static std::unique_ptr<EventEngine> make() { return make_simgrid_engine(); }
};
struct TestKind {
  static std::unique_ptr<EventEngine> make() { return make_test_engine(); }
};

template <class Kind>
class EventEngineTest : public testing::Test {
 protected:
  std::unique_ptr<EventEngine> owned_ = Kind::make();
  EventEngine& engine_ = *owned_;
  Recorder sink_{engine_};
};

struct KindNames {
  template <class Kind>
  static std::string GetName(int) {
    return std::is_same_v<Kind, SimGridKind> ? "SimGrid" : "Test";
  }
};
using Kinds = testing::Types<SimGridKind, TestKind>;
TYPED_TEST_SUITE(EventEngineTest, Kinds, KindNames);

TYPED_TEST(EventEngineTest, StartsAtZeroAndEndsAtOnceWithoutEvents) {
  EXPECT_EQ(this->engine_.now(), at(0));
  this->engine_.run(this->sink_);
  EXPECT_EQ(this->engine_.now(), at(0));
  EXPECT_THAT(this->sink_.calls, IsEmpty());
}

TYPED_TEST(EventEngineTest, WorkEndsAfterAmountOverRate) {
  this->engine_.start_work(10.0, 1.0, 1);
  this->engine_.start_work(10.0, 4.0, 2);
  this->engine_.run(this->sink_);
  EXPECT_THAT(this->sink_.calls, ElementsAre(Call{'d', 2, 5 * s / 2}, Call{'o', 0, 5 * s / 2},
                                             Call{'d', 1, 10 * s}, Call{'o', 0, 10 * s}));
  EXPECT_EQ(this->engine_.now(), at(10 * s));
}

TYPED_TEST(EventEngineTest, OneInstantIsCompletionsThenWakeUpsEachByTag) {
  auto& engine = this->engine_;
  engine.wake_at(at(5 * s), 3);
  engine.wake_at(at(5 * s), 1);
  engine.start_work(5.0, 1.0, 9);
  engine.start_work(10.0, 2.0, 4);  // the same instant by another way
  engine.wake_at(at(5 * s), 2);
  engine.start_work(2.5, 0.5, 7);
  engine.wake_at(at(5 * s + 1), 0);
  engine.run(this->sink_);
  EXPECT_THAT(this->sink_.calls,
              ElementsAre(Call{'d', 4, 5 * s}, Call{'d', 7, 5 * s}, Call{'d', 9, 5 * s},
                          Call{'w', 1, 5 * s}, Call{'w', 2, 5 * s}, Call{'w', 3, 5 * s},
                          Call{'o', 0, 5 * s}, Call{'w', 0, 5 * s + 1}, Call{'o', 0, 5 * s + 1}));
}

TYPED_TEST(EventEngineTest, RateCutInTheMiddle) {
  // By hand: 4 s at rate 1 leave 6 units; 6 / 0.37 = 16.216216216... s; the end is 20.2162 s.
  auto& engine = this->engine_;
  const EventHandle work = engine.start_work(10.0, 1.0, 1);
  engine.wake_at(at(4 * s), 0);
  this->sink_.on_woken = [&](std::uint64_t) {
    EXPECT_DOUBLE_EQ(engine.remaining(work), 6.0);
    engine.set_rate(work, 0.37);
    EXPECT_DOUBLE_EQ(engine.remaining(work), 6.0);
  };
  engine.run(this->sink_);
  EXPECT_EQ(this->sink_.calls.back(), (Call{'o', 0, 20'216'216'216}));
}

TYPED_TEST(EventEngineTest, ManyRateChanges) {
  // 100 units: 0-10 s at 1, 10-20 s at 2, 20-40 s at 0.5, then 8 a second: 100-10-20-10 = 60 left
  // at 40 s, 7.5 s more.
  auto& engine = this->engine_;
  const EventHandle work = engine.start_work(100.0, 1.0, 1);
  const std::map<std::uint64_t, double> rates = {{10, 2.0}, {20, 0.5}, {40, 8.0}};
  for (const auto& [second, rate] : rates) {
    engine.wake_at(at(static_cast<long long>(second) * s), second);
  }
  this->sink_.on_woken = [&](std::uint64_t tag) { engine.set_rate(work, rates.at(tag)); };
  engine.run(this->sink_);
  EXPECT_EQ(this->sink_.calls.back(), (Call{'o', 0, 47'500'000'000}));
}

TYPED_TEST(EventEngineTest, RateZeroHoldsAndIsNotWaitedFor) {
  auto& engine = this->engine_;
  const EventHandle work = engine.start_work(10.0, 1.0, 1);
  engine.wake_at(at(3 * s), 3);
  engine.wake_at(at(100 * s), 100);
  this->sink_.on_woken = [&](std::uint64_t tag) {
    engine.set_rate(work, tag == 3 ? 0.0 : 2.0);
    EXPECT_DOUBLE_EQ(engine.remaining(work), 7.0);
  };
  engine.run(this->sink_);
  EXPECT_THAT(this->sink_.calls,
              ElementsAre(Call{'w', 3, 3 * s}, Call{'o', 0, 3 * s}, Call{'w', 100, 100 * s},
                          Call{'o', 0, 100 * s}, Call{'d', 1, 103'500'000'000},
                          Call{'o', 0, 103'500'000'000}));

  const EventHandle held = engine.start_work(1.0, 0.0, 2);
  engine.run(this->sink_);  // returns, though `held` is not done
  EXPECT_EQ(engine.now(), at(103'500'000'000));
  EXPECT_EQ(engine.remaining(held), 1.0);
  engine.set_rate(held, 1.0);
  engine.run(this->sink_);
  EXPECT_EQ(engine.now(), at(104'500'000'000));
}

TYPED_TEST(EventEngineTest, SettingTheSameRateChangesNothing) {
  // Rounding anew at every call would move the end: a third of a second is no whole ns.
  auto& engine = this->engine_;
  const EventHandle work = engine.start_work(1000.0, 3.0, 1);
  for (int i = 0; i < 1000; ++i) engine.wake_at(at(7 + 333'333'331LL * i), 0);
  this->sink_.on_woken = [&](std::uint64_t) {
    if (this->sink_.calls.size() < 1900) engine.set_rate(work, 3.0);
  };
  engine.run(this->sink_);
  EXPECT_EQ(this->sink_.calls.back(), (Call{'o', 0, 333'333'333'333}));
}

TYPED_TEST(EventEngineTest, CancelledEventsAreNotReported) {
  auto& engine = this->engine_;
  const EventHandle work = engine.start_work(1.0, 1.0, 1);
  const EventHandle wake = engine.wake_at(at(s), 2);
  const EventHandle held = engine.start_work(1.0, 0.0, 3);
  engine.wake_at(at(2 * s), 4);
  engine.cancel(work);
  engine.cancel(wake);
  engine.cancel(held);
  engine.run(this->sink_);
  EXPECT_THAT(this->sink_.calls, ElementsAre(Call{'w', 4, 2 * s}, Call{'o', 0, 2 * s}));
}

TYPED_TEST(EventEngineTest, CancelFromInsideTheInstant) {
  auto& engine = this->engine_;
  engine.start_work(1.0, 1.0, 1);
  const EventHandle second = engine.start_work(1.0, 1.0, 2);
  const EventHandle wake = engine.wake_at(at(s), 3);
  this->sink_.on_done = [&](std::uint64_t tag) {
    ASSERT_EQ(tag, 1u);
    engine.cancel(second);
    engine.cancel(wake);
  };
  engine.run(this->sink_);
  EXPECT_THAT(this->sink_.calls, ElementsAre(Call{'d', 1, s}, Call{'o', 0, s}));
}

TYPED_TEST(EventEngineTest, WorkThatIsDueStaysDue) {
  auto& engine = this->engine_;
  engine.start_work(1.0, 3.0, 1);  // ends at a rounded instant, with a rest below a ns
  const EventHandle second = engine.start_work(1.0, 3.0, 2);
  this->sink_.on_done = [&](std::uint64_t tag) {
    if (tag != 1) return;
    EXPECT_EQ(engine.remaining(second), 0.0);
    engine.set_rate(second, 0.0);
  };
  engine.run(this->sink_);
  EXPECT_THAT(this->sink_.calls, ElementsAre(Call{'d', 1, 333'333'333}, Call{'d', 2, 333'333'333},
                                             Call{'o', 0, 333'333'333}));
}

TYPED_TEST(EventEngineTest, EventsForThePresentInstantMakeAFurtherRound) {
  auto& engine = this->engine_;
  engine.start_work(1.0, 1.0, 5);
  engine.wake_at(at(s), 9);
  this->sink_.on_done = [&](std::uint64_t tag) {
    if (tag != 5) return;
    engine.wake_at(at(s), 1);        // lower tag than 9, and yet a round later
    engine.start_work(0.0, 1.0, 2);  // a completion, and yet after the wake-up 9
  };
  int rounds = 0;
  this->sink_.on_over = [&] {
    if (++rounds == 2) engine.wake_at(at(s), 7);
  };
  int asked = 0;
  engine.run(this->sink_, SimTime::max(), [&] { return ++asked > 100; });
  EXPECT_THAT(this->sink_.calls,
              ElementsAre(Call{'d', 5, s}, Call{'w', 9, s}, Call{'o', 0, s}, Call{'d', 2, s},
                          Call{'w', 1, s}, Call{'o', 0, s}, Call{'w', 7, s}, Call{'o', 0, s}));
  EXPECT_EQ(asked, 1);  // once an instant, not once a round
}

TYPED_TEST(EventEngineTest, WorkRetimedToThePresentInstantMakesAFurtherRound) {
  auto& engine = this->engine_;
  engine.start_work(1.0, 1.0, 5);
  const EventHandle slow = engine.start_work(2.0, 1.0, 1);
  engine.wake_at(at(s), 3);
  this->sink_.on_done = [&](std::uint64_t tag) {
    if (tag == 5) engine.set_rate(slow, 1e12);
  };
  engine.run(this->sink_);
  EXPECT_THAT(this->sink_.calls, ElementsAre(Call{'d', 5, s}, Call{'w', 3, s}, Call{'o', 0, s},
                                             Call{'d', 1, s}, Call{'o', 0, s}));
}

TYPED_TEST(EventEngineTest, ZeroAmountsAreDoneAtOnceAtAnyRate) {
  auto& engine = this->engine_;
  engine.start_work(0.0, 1.0, 2);
  engine.start_work(0.0, 0.0, 1);
  engine.wake_at(at(0), 0);
  engine.run(this->sink_);
  EXPECT_THAT(this->sink_.calls,
              ElementsAre(Call{'d', 1, 0}, Call{'d', 2, 0}, Call{'w', 0, 0}, Call{'o', 0, 0}));
}

TYPED_TEST(EventEngineTest, EndsAreRoundedToTheNearestNanosecond) {
  auto& engine = this->engine_;
  engine.start_work(2.0, 3.0, 1);     // 0.666... s
  engine.start_work(0.4e-9, 1.0, 2);  // rounds to this instant
  engine.start_work(0.6e-9, 1.0, 3);
  engine.run(this->sink_);
  EXPECT_THAT(this->sink_.calls,
              ElementsAre(Call{'d', 2, 0}, Call{'o', 0, 0}, Call{'d', 3, 1}, Call{'o', 0, 1},
                          Call{'d', 1, 666'666'667}, Call{'o', 0, 666'666'667}));
}

TYPED_TEST(EventEngineTest, RunUntil) {
  auto& engine = this->engine_;
  engine.wake_at(at(2 * s), 1);
  engine.wake_at(at(3 * s), 2);
  engine.wake_at(at(3 * s + 1), 3);
  engine.run(this->sink_, at(s));
  EXPECT_EQ(engine.now(), at(s));
  EXPECT_THAT(this->sink_.calls, IsEmpty());
  engine.run(this->sink_, at(3 * s));  // at the limit itself: delivered
  EXPECT_EQ(engine.now(), at(3 * s));
  EXPECT_THAT(this->sink_.calls, ElementsAre(Call{'w', 1, 2 * s}, Call{'o', 0, 2 * s},
                                             Call{'w', 2, 3 * s}, Call{'o', 0, 3 * s}));
  engine.run(this->sink_, at(2 * s));  // before now: nothing
  EXPECT_EQ(engine.now(), at(3 * s));
  EXPECT_EQ(this->sink_.calls.size(), 4u);
  engine.run(this->sink_, at(10 * s));
  EXPECT_EQ(engine.now(), at(10 * s));
  EXPECT_EQ(this->sink_.calls.back(), (Call{'o', 0, 3 * s + 1}));
}

TYPED_TEST(EventEngineTest, RunUntilDeliversEventsCloseToItsEnd) {
  // SimGrid ends a run within 1e-5 s of its limit.
  auto& engine = this->engine_;
  for (int i = 1; i <= 20; ++i) engine.wake_at(at(s + i * 1000LL), static_cast<std::uint64_t>(i));
  engine.run(this->sink_, at(s + 15'500));
  EXPECT_EQ(this->sink_.calls.size(), 30u);
  EXPECT_EQ(engine.now(), at(s + 15'500));
  engine.run(this->sink_, at(s + 15'501));
  EXPECT_EQ(this->sink_.calls.size(), 30u);
  EXPECT_EQ(engine.now(), at(s + 15'501));
  engine.run(this->sink_);
  EXPECT_EQ(this->sink_.calls.size(), 40u);
}

TYPED_TEST(EventEngineTest, RunUntilThenWorkGoesOnExactly) {
  auto& engine = this->engine_;
  const EventHandle work = engine.start_work(10.0, 1.0, 1);
  engine.run(this->sink_, at(4 * s));
  EXPECT_DOUBLE_EQ(engine.remaining(work), 6.0);
  engine.set_rate(work, 0.37);
  engine.run(this->sink_);
  EXPECT_EQ(engine.now(), at(20'216'216'216));
}

TYPED_TEST(EventEngineTest, EventsAddedBetweenRunsForThePresentInstant) {
  auto& engine = this->engine_;
  engine.wake_at(at(5 * s), 1);
  engine.run(this->sink_, at(5 * s));
  engine.wake_at(at(5 * s), 2);
  engine.start_work(0.0, 1.0, 3);
  engine.run(this->sink_, at(5 * s));
  EXPECT_THAT(this->sink_.calls,
              ElementsAre(Call{'w', 1, 5 * s}, Call{'o', 0, 5 * s}, Call{'d', 3, 5 * s},
                          Call{'w', 2, 5 * s}, Call{'o', 0, 5 * s}));
}

TYPED_TEST(EventEngineTest, StopLeavesTheRestPending) {
  auto& engine = this->engine_;
  for (int i = 1; i <= 10; ++i) engine.wake_at(at(i * s), static_cast<std::uint64_t>(i));
  int instants = 0;
  engine.run(this->sink_, at(100 * s), [&] { return ++instants == 3; });
  EXPECT_EQ(instants, 3);
  EXPECT_EQ(engine.now(), at(3 * s));  // and not at `until`
  EXPECT_EQ(this->sink_.calls.size(), 6u);
  engine.run(this->sink_);
  EXPECT_EQ(engine.now(), at(10 * s));
  EXPECT_EQ(this->sink_.calls.size(), 20u);
}

TYPED_TEST(EventEngineTest, HandlesAreUsedAgain) {
  auto& engine = this->engine_;
  std::set<EventHandle> seen;
  for (int i = 0; i < 1000; ++i) {
    const EventHandle a = engine.start_work(1.0, 1.0, 1);
    const EventHandle b = engine.wake_at(at(engine.now().ns() + s), 2);
    EXPECT_NE(a, 0u);
    EXPECT_NE(b, 0u);
    EXPECT_NE(a, b);
    seen.insert(a);
    seen.insert(b);
    if (i % 2 == 0) {
      engine.cancel(a);
      engine.cancel(b);
    } else {
      engine.run(this->sink_);
    }
  }
  EXPECT_LE(seen.size(), 4u);
  EXPECT_EQ(this->sink_.calls.size(), 1500u);
}

TYPED_TEST(EventEngineTest, AnEventsHandleIsFreeInItsOwnCall) {
  auto& engine = this->engine_;
  const EventHandle first = engine.start_work(1.0, 1.0, 1);
  EventHandle next = 0;
  this->sink_.on_done = [&](std::uint64_t tag) {
    if (tag == 1) next = engine.start_work(1.0, 1.0, 2);
  };
  engine.run(this->sink_);
  EXPECT_EQ(next, first);
  EXPECT_EQ(engine.now(), at(2 * s));
}

TYPED_TEST(EventEngineTest, YearsWithExactNanoseconds) {
  // 100 years are 3.2e9 s: a double resolves 4.8e-7 s there, the clock still single ns.
  auto& engine = this->engine_;
  const long long century = 100LL * 365 * 86400 * s;
  for (std::uint64_t i = 0; i < 5; ++i) {
    engine.wake_at(at(century + static_cast<long long>(4 - i)), i);
  }
  this->sink_.on_woken = [&](std::uint64_t tag) {
    if (tag == 0) engine.start_work(1e-9, 1.0, 10);
    if (tag == 4) engine.start_work(1.0, 1.0, 11);
  };
  engine.run(this->sink_, at(century + 3));
  EXPECT_THAT(this->sink_.calls, ElementsAre(Call{'w', 4, century}, Call{'o', 0, century},
                                             Call{'w', 3, century + 1}, Call{'o', 0, century + 1},
                                             Call{'w', 2, century + 2}, Call{'o', 0, century + 2},
                                             Call{'w', 1, century + 3}, Call{'o', 0, century + 3}));
  EXPECT_EQ(engine.now(), at(century + 3));
  this->sink_.calls.clear();
  engine.run(this->sink_);
  EXPECT_THAT(this->sink_.calls,
              ElementsAre(Call{'w', 0, century + 4}, Call{'o', 0, century + 4},
                          Call{'d', 10, century + 5}, Call{'o', 0, century + 5},
                          Call{'d', 11, century + s}, Call{'o', 0, century + s}));
}

TYPED_TEST(EventEngineTest, StepsDoNotDrift) {
  // A million steps of 0.1 s (no binary fraction) end at 100,000 s to the nanosecond.
  auto& engine = this->engine_;
  int left = 1'000'000;
  engine.start_work(0.1, 1.0, 1);
  this->sink_.on_done = [&](std::uint64_t) {
    this->sink_.calls.clear();
    if (--left > 0) engine.start_work(0.1, 1.0, 1);
  };
  engine.run(this->sink_);
  EXPECT_EQ(engine.now(), at(100'000 * s));
}

TYPED_TEST(EventEngineTest, WhatNeverComesIsNotWaitedFor) {
  auto& engine = this->engine_;
  const EventHandle slow = engine.start_work(1.0, 1e-300, 1);
  const EventHandle endless = engine.start_work(inf, 1.0, 2);
  engine.start_work(1e10, 1.0, 3);  // 317 years
  const EventHandle never = engine.wake_at(SimTime::max(), 4);
  engine.wake_at(at(s), 5);
  engine.run(this->sink_);
  EXPECT_EQ(engine.now(), at(s));
  EXPECT_EQ(this->sink_.calls.size(), 2u);
  EXPECT_EQ(engine.remaining(endless), inf);
  engine.cancel(never);
  engine.set_rate(slow, 1.0);
  engine.run(this->sink_);
  EXPECT_EQ(engine.now(), at(2 * s));
}

TYPED_TEST(EventEngineTest, RefusesWhatMakesNoSense) {
  auto& engine = this->engine_;
  engine.run(this->sink_, at(s));
  EXPECT_THROW(engine.start_work(-1.0, 1.0, 0), std::invalid_argument);
  EXPECT_THROW(engine.start_work(nan, 1.0, 0), std::invalid_argument);
  EXPECT_THROW(engine.start_work(1.0, -1.0, 0), std::invalid_argument);
  EXPECT_THROW(engine.start_work(1.0, nan, 0), std::invalid_argument);
  EXPECT_THROW(engine.start_work(1.0, inf, 0), std::invalid_argument);
  EXPECT_THROW(engine.wake_at(at(s - 1), 0), std::invalid_argument);
  EXPECT_THROW(engine.cancel(0), std::invalid_argument);
  EXPECT_THROW(engine.cancel(77), std::invalid_argument);
  const EventHandle wake = engine.wake_at(at(2 * s), 1);
  EXPECT_THROW(engine.set_rate(wake, 1.0), std::invalid_argument);
  EXPECT_THROW(static_cast<void>(engine.remaining(wake)), std::invalid_argument);
  const EventHandle work = engine.start_work(1.0, 1.0, 2);
  EXPECT_THROW(engine.set_rate(work, -1.0), std::invalid_argument);
  engine.cancel(work);
  EXPECT_THROW(engine.cancel(work), std::invalid_argument);
  engine.run(this->sink_);
  EXPECT_THAT(this->sink_.calls, ElementsAre(Call{'w', 1, 2 * s}, Call{'o', 0, 2 * s}));
}

TYPED_TEST(EventEngineTest, ASinkMayThrow) {
  auto& engine = this->engine_;
  engine.wake_at(at(s), 1);
  engine.wake_at(at(s), 2);
  engine.wake_at(at(2 * s), 3);
  this->sink_.on_woken = [&](std::uint64_t tag) {
    if (tag == 1) throw std::runtime_error("the simulation found a fault");
  };
  EXPECT_THROW(engine.run(this->sink_), std::runtime_error);
  EXPECT_EQ(engine.now(), at(s));
  engine.run(this->sink_);
  EXPECT_THAT(this->sink_.calls, ElementsAre(Call{'w', 1, s}, Call{'w', 2, s}, Call{'o', 0, s},
                                             Call{'w', 3, 2 * s}, Call{'o', 0, 2 * s}));
}

TYPED_TEST(EventEngineTest, RunInsideRunIsRefused) {
  auto& engine = this->engine_;
  engine.wake_at(at(s), 1);
  this->sink_.on_woken = [&](std::uint64_t) {
    EXPECT_THROW(engine.run(this->sink_), std::logic_error);
  };
  engine.run(this->sink_);
  EXPECT_EQ(this->sink_.calls.size(), 2u);
}

TYPED_TEST(EventEngineTest, ManyWakeUpsSetInAdvance) {
  auto& engine = this->engine_;
  constexpr std::uint64_t count = 200'000;
  for (std::uint64_t i = 0; i < count; ++i) {
    engine.wake_at(at(static_cast<long long>((i * 7919) % count) * s), i);
  }
  engine.run(this->sink_);
  ASSERT_EQ(this->sink_.calls.size(), 2 * count);
  for (std::size_t i = 0; i < count; ++i) {
    ASSERT_EQ(this->sink_.calls[2 * i].at_ns, static_cast<long long>(i) * s);
  }
}

}  // namespace
}  // namespace nightwatt
