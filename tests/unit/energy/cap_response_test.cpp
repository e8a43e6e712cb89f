#include "energy/cap_response.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <stdexcept>

namespace nightwatt {
namespace {

// Round numbers, so that everything below can be done by hand.
const CapTerms terms{.voltage_floor = 0.8, .knee = 0.5, .static_share = 0.2};
const CapDevice device{.tdp = watts(250), .highest_cap = watts(250), .waiting = watts(40)};

TEST(CapResponse, NothingHappensAboveTheDemand) {
  const CapLoad load{.busy_share = 0.8, .clock_share = 0.5, .busy = watts(200)};
  const CappedStep step = step_under_cap(load, terms, device, watts(200));
  EXPECT_EQ(step.clock, 1.0);
  EXPECT_DOUBLE_EQ(to_seconds(step.time), 1.0);
  // 0.8 s at 200 W and 0.2 s at 40 W.
  EXPECT_DOUBLE_EQ(to_joules(step.energy), 168.0);
  const CapRatio ratio = ratio_at_cap(load, terms, device, watts(200));
  EXPECT_EQ(ratio.time, 1.0);
  EXPECT_EQ(ratio.energy, 1.0);
}

TEST(CapResponse, BelowTheKneeByHand) {
  // Static 50 W, dynamic 150 W. At clock x <= 0.5 the voltage is 0.8:
  // P = 50 (0.5 + 0.4) + 150 · 0.64 x = 45 + 96 x, so 69 W allow x = 0.25.
  const CapLoad load{.busy_share = 0.8, .clock_share = 0.5, .busy = watts(200)};
  const CappedStep step = step_under_cap(load, terms, device, watts(69));
  EXPECT_NEAR(step.clock, 0.25, 1e-12);
  // Busy time 0.8 (1 + 0.5 (1/0.25 - 1)) = 2 s, waiting 0.2 s.
  EXPECT_NEAR(to_seconds(step.time), 2.2, 1e-12);
  EXPECT_NEAR(to_joules(step.energy), 2.0 * 69.0 + 0.2 * 40.0, 1e-9);
  EXPECT_FALSE(step.duty_cycle);
}

TEST(CapResponse, AboveTheKneeByHand) {
  // At x = 0.75 the voltage is 0.9: P = 50 (0.5 + 0.45) + 150 · 0.75 · 0.81 = 138.625 W.
  const CapLoad load{.busy_share = 1.0, .clock_share = 0.3, .busy = watts(200)};
  const CappedStep step = step_under_cap(load, terms, device, watts(138.625));
  EXPECT_NEAR(step.clock, 0.75, 1e-12);
  EXPECT_NEAR(to_seconds(step.time), 1.1, 1e-12);
}

TEST(CapResponse, DutyCyclesBelowTheLowestClock) {
  // At the lowest clock, 0.1, a demand of 800 W is 45 + 750 · 0.064 = 93 W; the cap of 66.5 W is
  // met by half of that time: (93 - 40) / (66.5 - 40) = 2.
  const CapLoad load{.busy_share = 1.0, .clock_share = 0.2, .busy = watts(800)};
  const CappedStep step = step_under_cap(load, terms, device, watts(66.5));
  EXPECT_TRUE(step.duty_cycle);
  EXPECT_NEAR(to_seconds(step.time), 2.0 * (1.0 + 0.2 * 9.0), 1e-12);
  EXPECT_NEAR(step.energy / step.time / watts(1), 66.5, 1e-9);
}

TEST(CapResponse, ACapBelowTheWaitingPowerCannotBeHeld) {
  const CapLoad load{.busy_share = 1.0, .clock_share = 0.2, .busy = watts(200)};
  EXPECT_THROW((void)step_under_cap(load, terms, device, watts(40)), std::domain_error);
  EXPECT_THROW((void)step_under_cap(load, terms, device, watts(std::nan(""))), std::domain_error);
}

TEST(CapResponse, LoadsFromUncappedRuns) {
  const CapSharedTerms shared{
      .busy_share = 0.8, .clock_share = 0.3, .hidden_slope = 0.5, .hidden_demand = 1.25};
  // The batch of 16 is fastest, that of 32 hottest; at 64 the device waits for data.
  const std::vector<UncappedRun> runs = {
      {8, 200, watts(88)}, {16, 100, watts(120)}, {32, 110, watts(136)}, {64, 125, watts(88)}};
  const std::vector<CapLoad> loads = loads_of(runs, shared, {}, device);
  ASSERT_EQ(loads.size(), 4u);
  // Half of the best rate: 0.3 - 0.5 · 0.5 = 0.05. Busy power (88 - 0.2 · 40) / 0.8.
  EXPECT_NEAR(loads[0].clock_share, 0.05, 1e-12);
  EXPECT_NEAR(to_watts(loads[0].busy), 100.0, 1e-12);
  EXPECT_EQ(loads[0].busy_share, 0.8);
  EXPECT_NEAR(loads[1].clock_share, 0.3, 1e-12);
  EXPECT_NEAR(to_watts(loads[1].busy), 140.0, 1e-12);
  // Beyond the fastest batch the rate does not count.
  EXPECT_NEAR(loads[2].clock_share, 0.3, 1e-12);
  EXPECT_EQ(loads[2].busy_share, 0.8);
  // Half of the power above waiting is left: half of the busy share.
  EXPECT_NEAR(loads[3].busy_share, 0.4, 1e-12);
  EXPECT_NEAR(to_watts(loads[3].busy), (88 - 0.6 * 40) / 0.4, 1e-12);
}

TEST(CapResponse, ARunAtTheLimitHidesItsDemand) {
  const CapSharedTerms shared{
      .busy_share = 0.8, .clock_share = 0.3, .hidden_slope = 0.5, .hidden_demand = 1.25};
  const auto below = loads_of({{8, 1, watts(220)}}, shared, {}, device);
  const auto above = loads_of({{8, 1, watts(220.1)}}, shared, {}, device);
  EXPECT_NEAR(to_watts(below[0].busy), (220 - 8) / 0.8, 1e-9);
  EXPECT_NEAR(to_watts(above[0].busy), (220.1 - 8) / 0.8 * 1.25, 1e-9);
  const auto own = loads_of({{8, 1, watts(230)}}, shared, {.demand_shift = std::log(0.8)}, device);
  EXPECT_NEAR(to_watts(own[0].busy), (230 - 8) / 0.8, 1e-9);
  EXPECT_TRUE(loads_of({}, shared, {}, device).empty());
}

}  // namespace
}  // namespace nightwatt
