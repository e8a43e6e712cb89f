#include "energy/work_model.hpp"

#include <limits>
#include <stdexcept>

#include <gtest/gtest.h>

namespace nightwatt {
namespace {

constexpr float not_measured = std::numeric_limits<float>::quiet_NaN();
constexpr Watts no_cap = Watts::from_base(std::numeric_limits<double>::infinity());

Device card(const char* id, double factor) {
  Device d;
  d.id = id;
  d.idle = watts(40);
  d.busy = d.tdp = d.max_cap = watts(300);
  d.min_cap = watts(100);
  d.peak_per_s[static_cast<std::size_t>(Precision::fp32)] = 15e12 * factor;
  d.peak_per_s[static_cast<std::size_t>(Precision::fp16)] = 120e12 * factor;
  d.memory_bytes = 32e9;
  d.memory_bytes_per_s = 900e9 * factor;
  d.l2_bytes = 6e6;
  d.sms = 80;
  d.min_mhz = 400;
  d.base_mhz = 1200;
  d.boost_mhz = d.memory_mhz = 1500;
  d.scale_up = {150e9, seconds(1e-6)};
  return d;
}

std::shared_ptr<const Model> network() {
  Model m;
  m.id = "network";
  TransformerLayer layer;
  layer.hidden = 1024;
  layer.heads = layer.kv_heads = 16;
  layer.head_dim = 64;
  layer.width = 4096;
  ModelStage stage;
  stage.layers.push_back({layer, 12});
  m.stages.push_back(stage);
  m.vocabulary = 30000;
  m.sequence = 128;
  return std::make_shared<const Model>(m);
}

DescribedWork training() {
  DescribedWork described;
  described.model = network();
  described.work.phase = Phase::training;
  described.work.batch = 4;
  described.work.sequence = 128;
  described.work.parallel = {0, 0, 0, 0, 0, 0};
  return described;
}

/// Device 0 is the reference, device 1 twice as fast; profile 0 trains, profile 1 is a share.
std::unique_ptr<WorkModel> model(Watts reference_cap = no_cap) {
  ReferenceRun reference;
  reference.device = card("slow", 1);
  reference.cap = reference_cap;
  reference.devices_per_node = 4;
  reference.fabric_bytes_per_s = 12.5e9;
  NodePower node;
  node.host_active_per_gpu = watts(25);
  return std::make_unique<WorkModel>(
      std::vector{card("slow", 1), card("fast", 2)}, std::vector{node, NodePower{}},
      std::vector<Profile>{{"train", 1.0, 0, 0}, {"half", 0.5, 0, -1}}, std::vector{training()},
      std::vector{reference}, [](Stack, const Device&) { return Terms{}; });
}

PlacementShape shape(std::uint32_t gpus, std::uint32_t nodes, double fabric = 12.5e9) {
  PlacementShape s;
  s.gpu_milli = gpus * 1000;
  s.nodes = nodes;
  s.max_hops = nodes > 1 ? 2 : 0;
  s.fabric_bytes_per_s = nodes > 1 ? fabric : 0;
  return s;
}

TEST(WorkModel, TheReferenceRunsAtRateOne) {
  const auto m = model();
  for (const std::uint32_t gpus : {1U, 2U, 4U}) {
    EXPECT_EQ(m->query(0, 0, shape(gpus, 1), not_measured, no_cap).rate, 1.0) << gpus;
  }
  EXPECT_EQ(to_watts(m->query(0, 0, shape(1, 1), not_measured, no_cap).host), 25.0);
}

TEST(WorkModel, TheRateIsTheRatioOfIterations) {
  const auto m = model();
  const Device slow = card("slow", 1), fast = card("fast", 2);
  const Work on_slow = spread_over(training(), slow, 1, 1, 1);
  const Work on_fast = spread_over(training(), fast, 1, 1, 1);
  const Estimate reference =
      PreparedWork(*network(), on_slow, slow, Terms{}, Network{}).at(Knobs{});
  const Estimate here = PreparedWork(*network(), on_fast, fast, Terms{}, Network{}).at(Knobs{});
  const OperatingPoint point = m->query(0, 1, shape(1, 1), not_measured, no_cap);
  EXPECT_DOUBLE_EQ(point.rate, reference.iteration / here.iteration);
  EXPECT_GT(point.rate, 1.0);
  EXPECT_DOUBLE_EQ(to_watts(point.gpu), to_watts(here.device_power));
}

TEST(WorkModel, ASpreadPlacementIsSlowerAndCoolerAndAWiderFabricHelps) {
  const auto m = model();
  const OperatingPoint together = m->query(0, 0, shape(4, 1), not_measured, no_cap);
  const OperatingPoint narrow = m->query(0, 0, shape(4, 4, 1e9), not_measured, no_cap);
  const OperatingPoint wide = m->query(0, 0, shape(4, 4, 10e9), not_measured, no_cap);
  EXPECT_LT(narrow.rate, wide.rate);
  EXPECT_LT(wide.rate, together.rate);
  EXPECT_LT(to_watts(narrow.gpu), to_watts(together.gpu));
  PlacementShape far = shape(4, 4, 1e9);
  far.max_hops = 6;
  EXPECT_LT(m->query(0, 0, far, not_measured, no_cap).rate, narrow.rate);
}

TEST(WorkModel, ACapSlowsAndIsKept) {
  const auto m = model();
  const OperatingPoint free = m->query(0, 0, shape(1, 1), not_measured, no_cap);
  const OperatingPoint capped = m->query(0, 0, shape(1, 1), not_measured, watts(120));
  EXPECT_LT(capped.rate, free.rate);
  EXPECT_LE(to_watts(capped.gpu), 120.0);
  EXPECT_THROW((void)m->query(0, 0, shape(1, 1), not_measured, watts(90)), std::domain_error);
  // Where the trace ran under that cap, the same cap is rate one.
  EXPECT_EQ(model(watts(120))->query(0, 0, shape(1, 1), not_measured, watts(120)).rate, 1.0);
}

TEST(WorkModel, AShareOfADeviceRunsAsTheWhole) {
  const auto m = model();
  PlacementShape half;
  half.gpu_milli = 500;
  EXPECT_EQ(m->query(0, 1, half, not_measured, no_cap).rate,
            m->query(0, 1, shape(1, 1), not_measured, no_cap).rate);
}

TEST(WorkModel, AUtilizationTakesTheSpeedOfTheDataSheet) {
  const auto m = model();
  // Kernels twice as fast, half of the time: 0.5 / 2 + 0.5 = 0.75 of the time, 1/3 of it busy.
  EXPECT_DOUBLE_EQ(*device_speed(card("slow", 1), card("fast", 2)), 2.0);
  const OperatingPoint point = m->query(1, 1, shape(1, 1), not_measured, no_cap);
  EXPECT_DOUBLE_EQ(point.rate, 1 / 0.75);
  EXPECT_DOUBLE_EQ(to_watts(point.gpu), 40 + 260.0 / 3);
  // The same device is what it was.
  EXPECT_EQ(m->query(1, 0, shape(1, 1), not_measured, no_cap).rate, 1.0);
  // A measured utilization goes the same way: all of the time, twice as fast.
  EXPECT_DOUBLE_EQ(m->query(1, 1, shape(1, 1), 1.0F, no_cap).rate, 2.0);
}

TEST(WorkModel, ParallelismFollowsTheNumberOfDevices) {
  DescribedWork described = training();
  described.work.parallel.tensor = 4;
  const Device device = card("slow", 1);
  const auto parallel = [&](std::uint32_t devices) {
    return spread_over(described, device, devices, devices, devices).parallel;
  };
  EXPECT_EQ(parallel(8).tensor, 4U);
  EXPECT_EQ(parallel(8).data, 2U);
  EXPECT_EQ(parallel(6).tensor, 2U);  // the largest part of four that divides six
  EXPECT_EQ(parallel(6).data, 3U);
  EXPECT_EQ(parallel(1).devices(), 1U);
  EXPECT_EQ(spread_over(described, device, 8, 8, 8).batch, 32.0);

  // Serving by rule: a replica's weights over a node, nodes one after another.
  described.work.phase = Phase::serving;
  described.work.parallel.tensor = 0;
  const Parallelism served = spread_over(described, device, 8, 4, 2).parallel;
  EXPECT_EQ(served.tensor, 4U);
  EXPECT_EQ(served.pipeline, 2U);
  EXPECT_EQ(served.data, 1U);
  EXPECT_EQ(served.devices_per_node, 2U);
}

TEST(WorkModel, WhatANodeExchanges) {
  const auto m = model();
  EXPECT_FALSE(m->collective(0, 0, shape(4, 1), no_cap).has_value());
  EXPECT_FALSE(m->collective(1, 0, shape(4, 4), no_cap).has_value());
  const auto load = m->collective(0, 0, shape(4, 2), no_cap);
  ASSERT_TRUE(load.has_value());
  // Gradients of two bytes a parameter; each of the two devices of a node carries half.
  EXPECT_DOUBLE_EQ(load->bytes, size_of(*network()).all() * 2 / 2);
  EXPECT_GE(to_seconds(load->hidden), 0.0);
  // What the computing does not cover is in the step.
  EXPECT_GT(to_seconds(load->step), to_seconds(load->communication) - to_seconds(load->hidden));
  EXPECT_GT(to_watts(load->waiting), 40.0);
  EXPECT_LT(to_watts(load->waiting), 300.0);
}

TEST(WorkModel, RefusesWhatItCannotKnow) {
  const auto make = [](std::vector<Profile> profiles, std::vector<ReferenceRun> references) {
    return WorkModel({card("slow", 1)}, {NodePower{}}, std::move(profiles), {training()},
                     std::move(references), [](Stack, const Device&) { return Terms{}; });
  };
  EXPECT_THROW(make({{"p", 1.0, -1, 0}}, {}), std::invalid_argument);
  EXPECT_THROW(make({{"p", 1.0, 3, -1}}, {}), std::invalid_argument);
  EXPECT_THROW(make({{"p", 1.0, 0, 5}}, {ReferenceRun{}}), std::invalid_argument);
}

}  // namespace
}  // namespace nightwatt
