// What only the SimGrid engine has: one process, one clock, and a library that likes to take over.
#include "sim/engine/simgrid_engine.hpp"

#include <gtest/gtest.h>
#include <signal.h>
#include <simgrid/engine.h>

#include <cmath>
#include <exception>
#include <stdexcept>

#include "tests/unit/engine/recorder.hpp"

namespace nightwatt {
namespace {

constexpr long long s = 1'000'000'000;

SimTime at(long long ns) { return SimTime::from_ns(ns); }

TEST(SimGridEngine, LeavesTheProgramsHandlersAlone) {
  struct sigaction ours {};
  ours.sa_handler = [](int) {};
  struct sigaction before_segv {};
  ASSERT_EQ(sigaction(SIGINT, &ours, nullptr), 0);
  ASSERT_EQ(sigaction(SIGSEGV, nullptr, &before_segv), 0);
  const std::terminate_handler terminate = std::get_terminate();

  const auto engine = make_simgrid_engine();
  Recorder sink(*engine);
  engine->wake_at(at(s), 1);
  engine->run(sink);

  struct sigaction after {};
  ASSERT_EQ(sigaction(SIGINT, nullptr, &after), 0);
  EXPECT_EQ(after.sa_handler, ours.sa_handler);
  ASSERT_EQ(sigaction(SIGSEGV, nullptr, &after), 0);
  EXPECT_EQ(after.sa_handler, before_segv.sa_handler);
  EXPECT_EQ(std::get_terminate(), terminate);
}

TEST(SimGridEngine, PrintsNothing) {
  testing::internal::CaptureStdout();
  testing::internal::CaptureStderr();
  {
    const auto engine = make_simgrid_engine();
    Recorder sink(*engine);
    engine->start_work(1.0, 0.0, 1);  // held for ever: no talk of a deadlock
    engine->wake_at(at(s), 1);
    engine->run(sink, at(2 * s));
    engine->run(sink);
  }
  EXPECT_EQ(testing::internal::GetCapturedStdout(), "");
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "");
}

TEST(SimGridEngine, OneAtATime) {
  auto first = make_simgrid_engine();
  EXPECT_THROW(make_simgrid_engine(), std::logic_error);
  Recorder sink(*first);  // and the first is unharmed
  first->wake_at(at(s), 1);
  first->run(sink);
  EXPECT_EQ(first->now(), at(s));
  first.reset();
  EXPECT_NO_THROW(make_simgrid_engine());
}

TEST(SimGridEngine, TheNextOneStartsAtZeroAgain) {
  for (int i = 0; i < 3; ++i) {
    const double simgrid_start = simgrid_get_clock();
    const auto engine = make_simgrid_engine();
    Recorder sink(*engine);
    EXPECT_EQ(engine->now(), at(0));
    engine->start_work(5.0, 3.0, 1);
    engine->wake_at(at(1'000'000 * s + 1), 2);  // left behind: the next one must not get it
    engine->run(sink, at(2 * s));
    EXPECT_EQ(sink.calls, (std::vector<Call>{{'d', 1, 1'666'666'667}, {'o', 0, 1'666'666'667}}));
    EXPECT_NEAR(simgrid_get_clock() - simgrid_start, 2.0, 1e-9);
  }
}

TEST(SimGridEngine, SimGridsClockFollowsWithinRounding) {
  const double origin = simgrid_get_clock();
  const auto engine = make_simgrid_engine();
  Recorder sink(*engine);
  int left = 200'000;
  double worst_ulps = 0.0;
  engine->start_work(0.1, 1.0, 1);
  sink.on_done = [&](std::uint64_t) {
    sink.calls.clear();
    const double target = origin + engine->now().seconds();
    const double ulp = std::nextafter(target, 1e300) - target;
    worst_ulps = std::fmax(worst_ulps, std::fabs(simgrid_get_clock() - target) / ulp);
    // Steps of very different length: 0.1 s to 1e6 s.
    if (--left > 0) engine->start_work(left % 1000 == 0 ? 1e6 : 0.1, 1.0, 1);
  };
  engine->run(sink);
  EXPECT_EQ(engine->now(), at(199LL * 1'000'000 * s + 199'801LL * (s / 10)));
  EXPECT_LE(worst_ulps, 1.0);  // and not 200,000 of them
}

// After three centuries SimGrid's clock tells 2 us apart, and ten flows of a microsecond take ten.
TEST(SimGridEngine, FlowsAreExactHoweverLateItIs) {
  FlowGraph graph{.nodes = 2, .link_bytes_per_s = {10e9}, .routes = {{}, {0}, {1}, {}}};
  const auto engine = make_simgrid_engine();
  const auto network = engine->make_network(graph);
  Recorder recorder(*engine);
  engine->wake_at(at(9'000'000'000 * s), 1);
  engine->run(recorder);
  struct Chain : FlowSink {
    FlowNetwork& network;
    int left = 10;
    explicit Chain(FlowNetwork& n) : network(n) {}
    void flow_done(std::uint64_t) override {
      if (--left > 0) network.start_flow(0, 1, 10'000, 0);
      end_s = network.now_s();
    }
    void delay_over(std::uint64_t) override {}
    double end_s = 0.0;
  } chain(*network);
  network->start_flow(0, 1, 10'000, 0);
  network->run(chain);
  EXPECT_NEAR(chain.end_s, 10e-6, 1e-10);
}

}  // namespace
}  // namespace nightwatt
