// One suite for the flows of every event engine: the contract of sim/engine/flow_network.hpp.
#include "sim/engine/flow_network.hpp"

#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <memory>
#include <stdexcept>

#include "sim/engine/simgrid_engine.hpp"
#include "sim/engine/test_engine.hpp"
#include "tests/unit/engine/recorder.hpp"

namespace nightwatt {
namespace {

constexpr long long s = 1'000'000'000;

struct SimGridKind {
  static std::unique_ptr<EventEngine> make() { return make_simgrid_engine(); }
};
struct TestKind {
  static std::unique_ptr<EventEngine> make() { return make_test_engine(); }
};

/// When each tag was reported.
class Times : public FlowSink {
 public:
  explicit Times(FlowNetwork& network) : network_(network) {}
  void flow_done(std::uint64_t tag) override { report(tag); }
  void delay_over(std::uint64_t tag) override { report(tag); }

  std::map<std::uint64_t, double> at;
  std::function<void(std::uint64_t)> then;

 private:
  void report(std::uint64_t tag) {
    EXPECT_TRUE(at.emplace(tag, network_.now_s()).second) << tag << " was reported twice";
    if (then) then(tag);
  }
  FlowNetwork& network_;
};

/// Nodes 0 to 3 on a switch, by links 0 to 3 of 10, 10, 4 and 10 GB/s.
FlowGraph star() {
  FlowGraph graph;
  graph.nodes = 4;
  graph.link_bytes_per_s = {10e9, 10e9, 4e9, 10e9};
  for (std::uint32_t from = 0; from < 4; ++from) {
    for (std::uint32_t to = 0; to < 4; ++to) {
      graph.routes.push_back(from == to ? std::vector<std::uint32_t>()
                                        : std::vector<std::uint32_t>{2 * from, 2 * to + 1});
    }
  }
  return graph;
}

template <class Kind>
class FlowNetworkTest : public testing::Test {
 protected:
  std::unique_ptr<EventEngine> engine_ = Kind::make();
  std::unique_ptr<FlowNetwork> owned_ = engine_->make_network(star());
  FlowNetwork& network_ = *owned_;
  Times sink_{network_};
};

struct KindNames {
  template <class Kind>
  static std::string GetName(int) {
    return std::is_same_v<Kind, SimGridKind> ? "SimGrid" : "Test";
  }
};
using Kinds = testing::Types<SimGridKind, TestKind>;
TYPED_TEST_SUITE(FlowNetworkTest, Kinds, KindNames);

TYPED_TEST(FlowNetworkTest, AFlowTakesItsBytesOverTheNarrowestLink) {
  this->network_.start_flow(0, 1, 20e9, 1);
  this->network_.run(this->sink_);
  EXPECT_NEAR(this->sink_.at.at(1), 2.0, 1e-9);
  this->network_.start_flow(0, 2, 20e9, 2);  // its clock starts again
  this->network_.run(this->sink_);
  EXPECT_NEAR(this->sink_.at.at(2), 5.0, 1e-9);
}

TYPED_TEST(FlowNetworkTest, NoTcpAndNoLatencyShortensSmallFlows) {
  this->network_.start_flow(0, 1, 1000, 1);
  this->network_.run(this->sink_);
  EXPECT_NEAR(this->sink_.at.at(1), 1e-7, 1e-12);
}

TYPED_TEST(FlowNetworkTest, BothDirectionsAtOnceDoNotMeet) {
  this->network_.start_flow(0, 1, 10e9, 1);
  this->network_.start_flow(1, 0, 10e9, 2);
  this->network_.run(this->sink_);
  EXPECT_NEAR(this->sink_.at.at(1), 1.0, 1e-9);
  EXPECT_NEAR(this->sink_.at.at(2), 1.0, 1e-9);
}

// Two flows leave node 0 (10 GB/s). One can have 4 GB/s only, where it goes, so the other has 6.
// 12 GB are over after 2 s; the narrow one goes on as it was.
TYPED_TEST(FlowNetworkTest, SharesAreMaxMinFair) {
  this->network_.start_flow(0, 1, 12e9, 1);
  this->network_.start_flow(0, 2, 12e9, 2);
  this->network_.run(this->sink_);
  EXPECT_NEAR(this->sink_.at.at(1), 2.0, 1e-4);
  EXPECT_NEAR(this->sink_.at.at(2), 3.0, 1e-4);
}

// Flow 1 has 10 GB/s for 1 s. Then both have 5 GB/s: flow 1 ends its other 10 GB at 3 s, by when
// flow 2 has done 10 of 30 GB, and has the rest of them at 10 GB/s.
TYPED_TEST(FlowNetworkTest, RatesFollowWhoIsThere) {
  this->network_.start_flow(0, 1, 20e9, 1);
  this->network_.start_delay(1.0, 9);
  this->sink_.then = [this](std::uint64_t tag) {
    if (tag == 9) this->network_.start_flow(0, 3, 30e9, 2);
  };
  this->network_.run(this->sink_);
  EXPECT_NEAR(this->sink_.at.at(9), 1.0, 1e-9);
  EXPECT_NEAR(this->sink_.at.at(1), 3.0, 1e-9);
  EXPECT_NEAR(this->sink_.at.at(2), 5.0, 1e-9);
}

TYPED_TEST(FlowNetworkTest, ADelayMayBeNothing) {
  this->network_.start_delay(0.0, 1);
  this->sink_.then = [this](std::uint64_t tag) {
    if (tag == 1) this->network_.start_delay(0.0, 2);
  };
  this->network_.run(this->sink_);
  EXPECT_EQ(this->sink_.at.at(2), 0.0);
}

TYPED_TEST(FlowNetworkTest, TheEnginesClockStandsStill) {
  Recorder sink(*this->engine_);
  this->engine_->start_work(10.0, 1.0, 1);
  this->engine_->wake_at(SimTime::from_ns(4 * s), 2);
  sink.on_woken = [&](std::uint64_t) {
    this->network_.start_flow(0, 1, 1e12, 7);  // 100 s
    this->network_.run(this->sink_);
    EXPECT_NEAR(this->sink_.at.at(7), 100.0, 1e-6);
    EXPECT_EQ(this->engine_->now(), SimTime::from_ns(4 * s));
    EXPECT_NEAR(this->engine_->remaining(1), 6.0, 1e-9);
  };
  this->engine_->run(sink, SimTime::from_ns(20 * s));
  EXPECT_EQ(sink.calls, (std::vector<Call>{
                            {'w', 2, 4 * s}, {'o', 0, 4 * s}, {'d', 1, 10 * s}, {'o', 0, 10 * s}}));
  EXPECT_EQ(this->engine_->now(), SimTime::from_ns(20 * s));
}

TYPED_TEST(FlowNetworkTest, TheRunCanBeStoppedAndGoesOn) {
  Recorder sink(*this->engine_);
  for (int i = 1; i <= 3; ++i) this->engine_->wake_at(SimTime::from_ns(i * s), 0);
  this->engine_->run(sink, SimTime::max(), [&] { return sink.calls.size() == 2; });
  EXPECT_EQ(this->engine_->now(), SimTime::from_ns(s));
  this->engine_->run(sink);
  EXPECT_EQ(this->engine_->now(), SimTime::from_ns(3 * s));
  EXPECT_EQ(sink.calls.size(), 6u);
}

TYPED_TEST(FlowNetworkTest, SeveralNetworksHaveNothingInCommon) {
  const auto other = this->engine_->make_network(star());
  Times others(*other);
  for (const std::uint64_t tag : {1, 2}) {
    this->network_.start_flow(0, 1, 10e9, tag);
    this->network_.run(this->sink_);
    other->start_flow(0, 1, 20e9, tag);
    other->run(others);
    EXPECT_NEAR(this->sink_.at.at(tag), 1.0, 1e-9);
    EXPECT_NEAR(others.at.at(tag), 2.0, 1e-9);
  }
}

TYPED_TEST(FlowNetworkTest, IsNotMadeWhileTheEngineRuns) {
  Recorder sink(*this->engine_);
  this->engine_->wake_at(SimTime::from_ns(s), 0);
  sink.on_woken = [&](std::uint64_t) {
    EXPECT_THROW(this->engine_->make_network(star()), std::logic_error);
  };
  this->engine_->run(sink);
  EXPECT_EQ(sink.calls.size(), 2u);
}

// After an engine that has run without networks, in the same process.
TYPED_TEST(FlowNetworkTest, ALaterEngineHasNetworksToo) {
  Recorder first(*this->engine_);
  this->engine_->wake_at(SimTime::from_ns(s), 0);
  this->engine_->run(first);
  this->owned_.reset();
  this->engine_.reset();
  const auto engine = TypeParam::make();
  const auto network = engine->make_network(star());
  Times sink(*network);
  network->start_flow(3, 2, 8e9, 1);
  network->run(sink);
  EXPECT_NEAR(sink.at.at(1), 2.0, 1e-9);
}

}  // namespace
}  // namespace nightwatt
