#include "energy/utilization_model.hpp"

#include <limits>
#include <stdexcept>

#include <gtest/gtest.h>

namespace nightwatt {
namespace {

constexpr float not_measured = std::numeric_limits<float>::quiet_NaN();
constexpr Watts no_cap = Watts::from_base(std::numeric_limits<double>::infinity());

Device card(double idle_w, double busy_w) {
  Device device;
  device.id = "card";
  device.idle = watts(idle_w);
  device.busy = watts(busy_w);
  return device;
}

UtilizationModel model() {
  NodePower node;
  node.host_active_per_gpu = watts(25);
  return UtilizationModel({card(50, 250), card(40, 400)}, {node, NodePower{}},
                          {{"half", 0.5}, {"full", 1.0}});
}

TEST(UtilizationModel, PowerIsLinearBetweenIdleAndBusy) {
  const UtilizationModel m = model();
  EXPECT_EQ(to_watts(m.query(0, 0, {}, not_measured, no_cap).gpu), 150.0);  // 50 + 0.5 * 200
  EXPECT_EQ(to_watts(m.query(1, 0, {}, not_measured, no_cap).gpu), 250.0);  // busy
  EXPECT_EQ(to_watts(m.query(0, 1, {}, not_measured, no_cap).gpu), 220.0);  // 40 + 0.5 * 360
  EXPECT_EQ(to_watts(m.query(1, 0, {}, 0.25F, no_cap).gpu), 100.0);         // measured wins
  EXPECT_EQ(to_watts(m.query(1, 0, {}, 0.0F, no_cap).gpu), 50.0);           // idle floor
}

TEST(UtilizationModel, RateIsOneAndNothingLimits) {
  const OperatingPoint point = model().query(0, 0, {8000, 1, 0}, not_measured, no_cap);
  EXPECT_EQ(point.rate, 1.0);
  EXPECT_EQ(point.clock, 1.0);
  EXPECT_EQ(point.limit, Limit::none);
  EXPECT_EQ(to_watts(point.host), 25.0);
  EXPECT_EQ(to_watts(model().query(0, 1, {}, not_measured, no_cap).host), 0.0);
}

/// 250 W at most, to be capped between 100 and 250 W.
UtilizationModel capped_model(CapSharedTerms shared = {}) {
  Device device = card(50, 250);
  device.min_cap = watts(100);
  device.max_cap = device.tdp = watts(250);
  return UtilizationModel({device, card(40, 400)}, {NodePower{}, NodePower{}},
                          {{"light", 0.1}, {"half", 0.5}, {"full", 1.0}},
                          {{shared, CapTerms{}}, {shared, CapTerms{}}});
}

TEST(UtilizationModel, ACapOutsideTheRangeIsRefused) {
  EXPECT_THROW((void)capped_model().query(2, 0, {}, not_measured, watts(99)), std::domain_error);
  EXPECT_THROW((void)capped_model().query(2, 0, {}, not_measured, watts(251)), std::domain_error);
  EXPECT_THROW((void)capped_model().query(2, 1, {}, not_measured, watts(200)), std::domain_error);
  EXPECT_NO_THROW((void)capped_model().query(2, 0, {}, not_measured, watts(100)));
}

// A device that is always busy at its limit, and whose demand is the limit: the static share is
// 0.27 * 250 = 67.5 W, of which half follows the voltage. At a clock x below the knee v = 0.93, so
// P(x) = 67.5 * 0.965 + 182.5 * x * 0.8649 = 100 W gives x = 0.2208..., and time grows by
// 1 + kappa (1/x - 1) with kappa = 0.22.
TEST(UtilizationModel, ABindingCapByHand) {
  CapSharedTerms shared;
  shared.busy_share = 1.0 - 1e-12;
  shared.hidden_demand = 1.0;
  const OperatingPoint point = capped_model(shared).query(2, 0, {}, not_measured, watts(100));
  const double clock = (100.0 - 67.5 * 0.965) / (182.5 * 0.93 * 0.93);
  EXPECT_NEAR(point.clock, clock, 1e-9);
  EXPECT_NEAR(1.0 / point.rate, 1.0 + 0.22 * (1.0 / clock - 1.0), 1e-9);
  EXPECT_NEAR(to_watts(point.gpu), 100.0, 1e-9);
  EXPECT_EQ(point.limit, Limit::cap);
}

TEST(UtilizationModel, LowerCapsNeverHurryAndNeverDrawMore) {
  const UtilizationModel m = capped_model();
  for (const std::int32_t profile : {0, 1, 2}) {
    OperatingPoint before = m.query(profile, 0, {}, not_measured, no_cap);
    EXPECT_EQ(m.query(profile, 0, {}, not_measured, watts(250)).rate, 1.0);
    EXPECT_EQ(m.query(profile, 0, {}, not_measured, watts(250)).gpu, before.gpu);
    for (double cap = 249.0; cap >= 100.0; cap -= 1.0) {
      const OperatingPoint point = m.query(profile, 0, {}, not_measured, watts(cap));
      EXPECT_LE(point.rate, before.rate) << cap;
      EXPECT_LE(to_watts(point.gpu), to_watts(before.gpu) * (1 + 1e-12)) << cap;
      EXPECT_LE(to_watts(point.gpu), cap);
      EXPECT_GE(to_watts(point.gpu), 50.0);
      before = point;
    }
  }
  // Far from its limit a job does not notice.
  EXPECT_EQ(m.query(0, 0, {}, not_measured, watts(150)).rate, 1.0);
  EXPECT_LT(m.query(2, 0, {}, not_measured, watts(150)).rate, 0.9);
}

TEST(UtilizationModel, RefusesWhatItCannotKnow) {
  EXPECT_THROW((void)model().query(2, 0, {}, not_measured, no_cap), std::out_of_range);
  EXPECT_THROW((void)model().query(0, -1, {}, not_measured, no_cap), std::out_of_range);
  EXPECT_THROW((void)model().query(0, 0, {}, 1.5F, no_cap), std::domain_error);
  EXPECT_THROW(UtilizationModel({card(50, 40)}, {NodePower{}}, {}), std::invalid_argument);
  EXPECT_THROW(UtilizationModel({card(50, 60)}, {}, {}), std::invalid_argument);
  EXPECT_THROW(UtilizationModel({card(50, 60)}, {NodePower{}}, {{"odd", 1.01}}),
               std::invalid_argument);
}

TEST(NodePower, LossIsPiecewiseLinear) {
  NodePower node;
  EXPECT_EQ(to_watts(node.loss_at(watts(1000))), 0.0);
  node.loss = {{watts(500), watts(30)}};
  EXPECT_EQ(to_watts(node.loss_at(watts(0))), 30.0);
  EXPECT_EQ(to_watts(node.loss_at(watts(9000))), 30.0);
  node.loss = {{watts(100), watts(20)}, {watts(300), watts(40)}, {watts(1100), watts(100)}};
  EXPECT_EQ(to_watts(node.loss_at(watts(0))), 20.0);  // the first point's below it
  EXPECT_EQ(to_watts(node.loss_at(watts(100))), 20.0);
  EXPECT_EQ(to_watts(node.loss_at(watts(200))), 30.0);  // 20 + 100/200 * 20
  EXPECT_EQ(to_watts(node.loss_at(watts(300))), 40.0);
  EXPECT_EQ(to_watts(node.loss_at(watts(700))), 70.0);  // 40 + 400/800 * 60
  EXPECT_EQ(to_watts(node.loss_at(watts(1100))), 100.0);
  EXPECT_EQ(to_watts(node.loss_at(watts(1900))), 160.0);  // the last segment goes on
  EXPECT_NO_THROW(node.check());
}

TEST(NodePower, CheckNamesTheFault) {
  NodePower node;
  node.host_idle = watts(-1);
  EXPECT_THROW(node.check(), std::invalid_argument);
  node.host_idle = watts(100);
  node.loss = {{watts(200), watts(20)}, {watts(200), watts(30)}};
  EXPECT_THROW(node.check(), std::invalid_argument);
  node.loss = {{watts(200), watts(20)}, {watts(300), watts(10)}};
  EXPECT_THROW(node.check(), std::invalid_argument);
}

TEST(Device, CurvesAreLinearBetweenPointsAndFlatBeyond) {
  Device device;
  device.idle = watts(40);
  EXPECT_EQ(device.volts_at(1000), std::nullopt);
  EXPECT_EQ(device.idle_at(1000), watts(40));
  device.voltage = {{500, 0.7}, {1000, 0.7}, {1400, 0.9}};
  device.idle_curve = {{210, watts(45)}, {1410, watts(69)}};
  EXPECT_EQ(device.volts_at(100), 0.7);
  EXPECT_EQ(device.volts_at(750), 0.7);
  EXPECT_DOUBLE_EQ(device.volts_at(1200).value(), 0.8);  // half way from 0.7 to 0.9
  EXPECT_EQ(device.volts_at(1400), 0.9);
  EXPECT_EQ(device.volts_at(2000), 0.9);
  EXPECT_DOUBLE_EQ(to_watts(device.idle_at(510)), 51.0);  // a quarter from 45 to 69
}

}  // namespace
}  // namespace nightwatt
