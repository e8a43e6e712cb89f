#include "scenarios/node_catalog.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "scenarios/assemble.hpp"
#include "scenarios/catalog.hpp"

namespace nightwatt {
namespace {

namespace fs = std::filesystem;

TEST(CatalogNode, FansAndSupplyBecomeOneLoss) {
  CatalogNode node;
  node.devices = 4;
  node.host_idle = watts(200);
  node.host_active_per_device = watts(50);
  node.fans_idle = watts(20);
  node.fans_full = watts(140);
  node.supply_rating = watts(2000);
  node.supply = {{0.5, 0.9}, {1.0, 0.8}};
  // At TDP the node draws 200 + 4 (50 + 200) = 1200 W, the fans 20 + 0.1 W for each of them: 140 W.
  const NodePower power = node.power(watts(200));
  EXPECT_EQ(power.host_idle, watts(200));
  EXPECT_EQ(power.host_active_per_gpu, watts(50));
  ASSERT_EQ(power.loss.size(), 2U);
  // The supply delivers 1000 W to 980 / 1.1 = 890.909 W and their fans, and draws 1111.111 W.
  EXPECT_NEAR(to_watts(power.loss[0].load), 890.909, 1e-3);
  EXPECT_NEAR(to_watts(power.loss[0].loss), 1111.111 - 890.909, 1e-3);
  // 2000 W to 1980 / 1.1 = 1800 W; drawn 2500 W.
  EXPECT_NEAR(to_watts(power.loss[1].load), 1800.0, 1e-9);
  EXPECT_NEAR(to_watts(power.loss[1].loss), 700.0, 1e-9);
  EXPECT_NO_THROW(power.check());
}

TEST(CatalogNode, FansAloneAndNothing) {
  CatalogNode node;
  node.devices = 1;
  node.host_idle = watts(100);
  EXPECT_TRUE(node.power(watts(100)).loss.empty());
  node.fans_idle = watts(10);
  node.fans_full = watts(30);
  const NodePower power = node.power(watts(100));
  EXPECT_EQ(power.loss_at(watts(0)), watts(10));
  EXPECT_EQ(power.loss_at(watts(200)), watts(30));
  EXPECT_EQ(power.loss_at(watts(100)), watts(20));
}

TEST(NodeCatalog, EveryShippedNodeIsSound) {
  NodeCatalog& nodes = node_catalog();
  ASSERT_GE(nodes.ids().size(), 10U);
  for (const std::string& id : nodes.ids()) {
    SCOPED_TRACE(id);
    const CatalogNode& node = nodes.node(id);
    const Device& device = catalog().device(node.device).device;
    const NodePower power = node.power(device.tdp);
    EXPECT_NO_THROW(power.check());
    const Watts load = node.host_idle + (node.host_active_per_device + device.tdp) * node.devices;
    const Watts wall = load + power.loss_at(load);
    EXPECT_LT(wall, load * 1.25);
    EXPECT_GT(wall, load * 1.03);
    EXPECT_LT(wall, node.supply_rating);
    EXPECT_LT(wall, node.max_power.value_or(node.supply_rating));
    EXPECT_GT(node.nic_bytes_per_s, 1e9);
  }
}

TEST(NodeCatalog, DevicesNameNodesThatAreBuiltAroundThem) {
  int named = 0;
  for (const CatalogDevice& device : catalog().devices()) {
    if (device.node.empty()) continue;
    ++named;
    EXPECT_EQ(node_catalog().node(device.node).device, device.device.id);
  }
  EXPECT_GE(named, 8);
}

/// 8 GPUs at 690 W: MLPerf training v4.0 (SMC) measured 6.9 to 7.2 kW at the mains of such a node.
TEST(NodeCatalog, WallPowerOfMeasuredMachines) {
  const auto wall = [](const char* id, double gpu_w) {
    const CatalogNode& node = node_catalog().node(id);
    const NodePower power = node.power(catalog().device(node.device).device.tdp);
    const Watts load = node.host_idle + (node.host_active_per_device + watts(gpu_w)) * node.devices;
    return to_watts(load + power.loss_at(load));
  };
  EXPECT_NEAR(wall("dgx-h100", 690), 7050, 200);
  // MLPerf inference, MaxQ: GPUs at caps of 225 to 300 W gave 2.93, 2.85 to 3.25, 3.38, 3.45 kW.
  EXPECT_NEAR(wall("dgx-a100", 225), 2930, 150);
  EXPECT_NEAR(wall("dgx-a100", 275), 3380, 150);
}

class NodeScenario : public testing::Test {
 protected:
  static std::string text(const std::string& partition) {
    return "name: Test\n"
           "period: {start: 2022-10-03T00:00:00Z, end: 2022-10-04T00:00:00Z}\n"
           "sites:\n"
           "  - name: s\n"
           "    partitions:\n"
           "      - {name: p, nodes: 2, " +
           partition +
           "}\n"
           "workload: {synthetic: {jobs_per_hour: 10}}\n";
  }
  static PartitionSpec partition(const std::string& keys) {
    return parse_scenario(text(keys), "s.yaml").scenario.sites[0].partitions[0];
  }
  static std::string fault(const std::string& keys) {
    try {
      partition(keys);
    } catch (const InputError& e) {
      return e.what();
    }
    return "accepted";
  }
};

TEST_F(NodeScenario, ANodeFillsInWhatIsNotGiven) {
  const CatalogNode& node = node_catalog().node("dgx-a100");
  const PartitionSpec p = partition("node: DGX-A100");
  EXPECT_EQ(p.node, "dgx-a100");
  EXPECT_EQ(p.device.id, "a100-sxm4-80gb");
  EXPECT_EQ(p.gpus_per_node, 8);
  EXPECT_EQ(p.host.idle, node.host_idle);
  EXPECT_EQ(p.host.active_per_gpu, node.host_active_per_device);
  ASSERT_EQ(p.host.supply.size(), node.supply.size());
  EXPECT_EQ(p.host.supply[0].loss, node.power(watts(400)).loss[0].loss);

  const PartitionSpec own =
      partition("node: dgx-a100, device: t4, gpus_per_node: 4, host: {idle: 90 W}");
  EXPECT_EQ(own.device.id, "t4");
  EXPECT_EQ(own.gpus_per_node, 4);
  EXPECT_EQ(own.host.idle, watts(90));
  EXPECT_EQ(own.host.active_per_gpu, node.host_active_per_device);
  EXPECT_EQ(own.host.supply, p.host.supply);
}

TEST_F(NodeScenario, TheCanonicalTextGivesTheSameScenario) {
  const Loaded loaded = parse_scenario(text("node: dgx-h100, host: {idle: 1 kW}"), "s.yaml");
  const Loaded again = parse_scenario(loaded.canonical_yaml, "s.yaml");
  EXPECT_EQ(loaded.scenario, again.scenario);
  EXPECT_EQ(loaded.canonical_yaml, again.canonical_yaml);
}

TEST_F(NodeScenario, TheModelGetsTheNodesPower) {
  const Assembled a = assemble(parse_scenario(text("node: dgx-h100"), "s.yaml"));
  const PartitionSetup& p = a.setup.sites[0].partitions[0];
  const NodePower expected = node_catalog().node("dgx-h100").power(watts(700));
  EXPECT_EQ(p.units_per_node, 8U);
  EXPECT_EQ(p.node.loss_at(watts(5000)), expected.loss_at(watts(5000)));
  bool named = false;
  for (const InputFile& file : a.inputs) named |= file.report.path == "nodes/dgx-h100.yaml";
  EXPECT_TRUE(named);
}

TEST_F(NodeScenario, Faults) {
  EXPECT_EQ(
      fault("node: dgx-a10"),
      "s.yaml:6:35: error: sites[0].partitions[0].node: expected a node of the catalogue, got "
      "'dgx-a10' (did you mean 'dgx-a100'?)");
  EXPECT_NE(fault("gpus_per_node: 4").find("missing key 'device' in sites[0].partitions[0]"),
            std::string::npos);
  EXPECT_EQ(
      fault("node: [dgx-a100], device: t4, gpus_per_node: 4"),
      "s.yaml:6:35: error: sites[0].partitions[0].node: expected a node of the catalogue, got "
      "a list");
}

TEST(NodeFile, FaultsHaveTheirPlace) {
  const fs::path folder = fs::path(testing::TempDir()) / "own_nodes";
  fs::create_directories(folder);
  const std::string path = (folder / "x.yaml").string();
  const auto fault = [&](const std::string& text) -> std::string {
    std::ofstream(path) << text;
    try {
      read_node("x", path);
    } catch (const InputError& e) {
      return std::string(e.what()).substr(path.size());
    }
    return "accepted";
  };
  const std::string base =
      "summary: x\ndevices: 4\nhost: {idle: 100 W, active_per_device: 10 W}\nassumed: true\n";
  EXPECT_EQ(fault(base + "device: t4\n"), "accepted");
  EXPECT_EQ(fault(base + "device: t5\n").substr(0, 60),
            std::string(":5:9: error: device: expected a device of the catalogue, got 't5'")
                .substr(0, 60));
  EXPECT_EQ(fault(base + "device: epyc-7742\n"),
            ":5:9: error: device: expected a device that is no CPU, got 'epyc-7742'");
  EXPECT_EQ(fault(base + "device: t4\nfans: {idle: 9 W, full: 5 W}\n"),
            ":6:25: error: fans.full: expected at least fans.idle, got '5 W'");
  EXPECT_EQ(fault(base + "device: t4\nsupply: {rating: 1 kW, points: [{load: 50 %, efficiency: 90 "
                         "%}, {load: 20 %, efficiency: 90 %}]}\n"),
            ":6:72: error: supply.points[1].load: expected loads that ascend from point to point, "
            "got '20 %'");
  EXPECT_EQ(fault(base + "device: t4\nhost2: 1 W\n").substr(0, 38),
            ":6:1: error: unknown key 'host2'; did ");
  fs::remove_all(folder);
}

}  // namespace
}  // namespace nightwatt
