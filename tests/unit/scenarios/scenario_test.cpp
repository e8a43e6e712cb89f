#include "scenarios/scenario.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "scenarios/binding.hpp"

namespace nightwatt {
namespace {

constexpr const char* base = R"(name: Base
period: {start: 2022-10-03T00:00:00Z, end: 2022-10-10T00:00:00Z}
sites:
  - name: dallas
    partitions:
      - {name: v100, nodes: 4, device: v100-pcie-32gb, gpus_per_node: 8}
    carbon: 420 gCO2e/kWh
workload:
  trace: jobs.swf
policies: {order: fcfs, backfill: easy}
output: {timeline: 5 min}
)";

/// The base with one piece replaced.
std::string with(const std::string& old, const std::string& replacement) {
  std::string text = base;
  const std::size_t at = text.find(old);
  EXPECT_NE(at, std::string::npos) << old;
  return text.replace(at, old.size(), replacement);
}

std::string fault(const std::string& text, const Overrides& overrides = {}) {
  try {
    parse_scenario(text, "s.yaml", overrides);
  } catch (const InputError& e) {
    return e.what();
  }
  return "accepted";
}

TEST(Scenario, ReadsWhatIsWritten) {
  const Scenario s = parse_scenario(base, "s.yaml").scenario;
  EXPECT_EQ(s.name, "Base");
  EXPECT_EQ(s.period.end.unix_s - s.period.start.unix_s, 7 * 86400);
  ASSERT_EQ(s.sites.size(), 1U);
  ASSERT_EQ(s.sites[0].partitions.size(), 1U);
  EXPECT_EQ(s.sites[0].partitions[0].nodes, 4);
  EXPECT_EQ(s.sites[0].partitions[0].device.id, "v100-pcie-32gb");
  EXPECT_EQ(s.sites[0].partitions[0].gpus_per_node, 8);
  EXPECT_EQ(s.sites[0].carbon.constant, 420.0);
  EXPECT_FALSE(s.sites[0].price.given());
  EXPECT_EQ(s.workload.trace, "jobs.swf");
  EXPECT_EQ(s.policies.order.name, "fcfs");
  EXPECT_EQ(s.policies.placement.name, "pack");
  EXPECT_EQ(to_seconds(s.output.timeline), 300.0);
  EXPECT_EQ(s.seed, 1U);
  EXPECT_TRUE(s.drain);
}

// One message of each kind, with its place: the fault first, then what was expected.
struct Wrong {
  const char *old, *replacement, *message;
};
class Faults : public testing::TestWithParam<Wrong> {};
TEST_P(Faults, SayWhereAndWhat) {
  const auto& [old, replacement, message] = GetParam();
  EXPECT_EQ(fault(with(old, replacement)), message);
}
INSTANTIATE_TEST_SUITE_P(
    Scenario, Faults,
    testing::Values(
        Wrong{"gpus_per_node", "gpu_per_node",
              "s.yaml:6:56: error: unknown key 'gpu_per_node' in sites[0].partitions[0]; did you "
              "mean 'gpus_per_node'?"},
        Wrong{"output:", "ouptut:",
              "s.yaml:11:1: error: unknown key 'ouptut'; did you mean 'output'?"},
        Wrong{"timeline: 5 min", "colour: red",
              "s.yaml:11:10: error: unknown key 'colour' in output; known keys: timeline, "
              "compression, nodes, events"},
        Wrong{"nodes: 4, ", "",
              "s.yaml:6:9: error: missing key 'nodes' in sites[0].partitions[0]: expected a whole "
              "number between 1 and 10000000"},
        Wrong{"name: Base\n", "", "s.yaml:1:1: error: missing key 'name': expected a title"},
        Wrong{"nodes: 4", "nodes: 0",
              "s.yaml:6:29: error: sites[0].partitions[0].nodes: expected a whole number between 1 "
              "and 10000000, got '0'"},
        Wrong{"nodes: 4", "nodes: 4.5",
              "s.yaml:6:29: error: sites[0].partitions[0].nodes: expected a whole number between 1 "
              "and 10000000, got '4.5'"},
        Wrong{"output:", "fidelity: flow\noutput:",
              "s.yaml:11:11: error: fidelity: expected one of analytic, flows, got 'flow' (did you "
              "mean 'flows'?)"},
        Wrong{"output:", "fidelity: flows\noutput:",
              "s.yaml:6:9: error: sites[0].partitions[0]: expected a fabric, because of fidelity: "
              "flows"},
        Wrong{"nodes: 4, device: v100-pcie-32gb, gpus_per_node: 8}\n    carbon: 420 gCO2e/kWh\n",
              "nodes: 65, device: t4, gpus_per_node: 8, fabric: {node: 25 GB/s}}\n"
              "fidelity: flows\n",
              "s.yaml:6:29: error: sites[0].partitions[0].nodes: expected at most 64 nodes with "
              "fidelity: flows, got '65' (fidelity: analytic has no limit)"},
        // yaml-cpp itself would read this as 10, and .nan as a number.
        Wrong{"nodes: 4", "nodes: 012",
              "s.yaml:6:29: error: sites[0].partitions[0].nodes: expected a whole number between 1 "
              "and 10000000, got '012' (no leading zeros)"},
        Wrong{"output:", "contention: .nan\noutput:",
              "s.yaml:11:13: error: contention: expected a number above 0 and at most 1, got "
              "'.nan'"},
        Wrong{"output:", "contention: 2\noutput:",
              "s.yaml:11:13: error: contention: expected a number above 0 and at most 1, got '2'"},
        Wrong{"output:", "drain: yes\noutput:",
              "s.yaml:11:8: error: drain: expected true or false, got 'yes'"},
        Wrong{"output:", "seed: -1\noutput:",
              "s.yaml:11:7: error: seed: expected a whole number of at least 0, got '-1'"},
        Wrong{"output:", "limits: scale\noutput:",
              "s.yaml:11:9: error: limits: expected one of scaled, wallclock, got 'scale' (did you "
              "mean 'scaled'?)"},
        Wrong{"420 gCO2e/kWh", "420",
              "s.yaml:7:13: error: sites[0].carbon: expected a carbon intensity such as '420 "
              "gCO2e/kWh', got '420' (no unit)"},
        Wrong{"420 gCO2e/kWh", "-1 g/kWh",
              "s.yaml:7:13: error: sites[0].carbon: expected a carbon intensity of at least 0 "
              "gCO2e/kWh, got '-1 g/kWh'"},
        Wrong{"420 gCO2e/kWh", "420 USD/MWh",
              "s.yaml:7:13: error: sites[0].carbon: expected a carbon intensity such as '420 "
              "gCO2e/kWh', got '420 USD/MWh' (unknown unit 'USD/MWh'; expected g, kg, t or lb of "
              "CO2e over kWh or MWh)"},
        Wrong{"5 min", "5",
              "s.yaml:11:20: error: output.timeline: expected a duration such as '30 min', got '5' "
              "(no unit)"},
        Wrong{"5 min", "0 s",
              "s.yaml:11:20: error: output.timeline: expected a duration above 0 s, got '0 s'"},
        Wrong{"5 min", "1 us",
              "s.yaml:11:20: error: output.timeline: expected a step that divides the period into "
              "at most 2e+07 bins, got '1 us'"},
        Wrong{"device: v100-pcie-32gb", "device: {idle: 30 W, busy: 350}",
              "s.yaml:6:59: error: sites[0].partitions[0].device.busy: expected a power such as "
              "'350 W', got '350' (no unit)"},
        Wrong{
            "device: v100-pcie-32gb", "device: {idle: 30 W, busy: 3 W}",
            "s.yaml:6:59: error: sites[0].partitions[0].device.busy: expected a power of at least "
            "idle (30 W), got '3 W'"},
        Wrong{"v100-pcie-32gb", "v100-pcie-23gb",
              "s.yaml:6:40: error: sites[0].partitions[0].device: expected a device of the "
              "catalogue, got 'v100-pcie-23gb' (did you mean 'v100-pcie-32gb'?)"},
        Wrong{"v100-pcie-32gb", "V100",
              "s.yaml:6:40: error: sites[0].partitions[0].device: expected one device, got 'V100' "
              "(v100-pcie-16gb, v100-pcie-32gb, v100-sxm2-16gb, v100-sxm2-32gb have this alias; "
              "write the id)"},
        Wrong{"gpus_per_node: 8", "gpus_per_node: 8, cores_per_node: 4",
              "s.yaml:6:9: error: sites[0].partitions[0]: expected exactly one of 'gpus_per_node' "
              "and 'cores_per_node'"},
        Wrong{"2022-10-10T00:00:00Z", "2022-10-10T00:00:00",
              "s.yaml:2:44: error: period.end: expected a date and time with its offset such as "
              "'2022-10-03T00:00:00Z', got '2022-10-10T00:00:00' (no offset; add Z for UTC or an "
              "offset such as +02:00)"},
        Wrong{"2022-10-10T00:00:00Z", "2022-10-10",
              "s.yaml:2:44: error: period.end: expected a date and time with its offset such as "
              "'2022-10-03T00:00:00Z', got '2022-10-10' (no time and offset; add T00:00:00Z for "
              "midnight UTC)"},
        Wrong{"2022-10-10T00:00:00Z", "2022-10-02T00:00:00Z",
              "s.yaml:2:44: error: period.end: expected an instant after period.start "
              "(2022-10-03T00:00:00Z), got '2022-10-02T00:00:00Z'"},
        Wrong{"2022-10-10T00:00:00Z", "20220-10-10T00:00:00Z",
              "s.yaml:2:44: error: period.end: expected a date and time with its offset such as "
              "'2022-10-03T00:00:00Z', got '20220-10-10T00:00:00Z'"},
        Wrong{"name: dallas", "name: a/b",
              "s.yaml:4:11: error: sites[0].name: expected a name of letters, digits, '_', '-' and "
              "'.', got 'a/b'"},
        Wrong{"    carbon", "    timezone: Texas\n    carbon",
              "s.yaml:7:15: error: sites[0].timezone: expected a time zone such as "
              "'America/Chicago', 'UTC' or '+08:00', got 'Texas' (no such zone)"},
        Wrong{
            "    carbon", "    price: 60 USD/MWh\n    currency: EUR\n    carbon",
            "s.yaml:7:12: error: sites[0].price: expected a price in the site's currency EUR, got "
            "'60 USD/MWh'"},
        Wrong{"    carbon", "    facility: {pue: 0.9}\n    carbon",
              "s.yaml:7:21: error: sites[0].facility.pue: expected a number between 1 and 100, got "
              "'0.9'"},
        Wrong{
            "    carbon", "    facility: {pue: 1.2, fixed_share: 50 %}\n    carbon",
            "s.yaml:7:15: error: missing key 'reference_it' in sites[0].facility: expected a power "
            "such as '350 W', because fixed_share is above 0"},
        Wrong{
            "    carbon", "    facility: {fixed_share: 1.5}\n    carbon",
            "s.yaml:7:29: error: sites[0].facility.fixed_share: expected a fraction between 0 and "
            "1, got '1.5'"},
        Wrong{"  trace: jobs.swf\n", "  format: swf\n",
              "s.yaml:9:3: error: workload: expected exactly one of 'trace' and 'synthetic'"},
        Wrong{"  trace: jobs.swf\n", "  trace:\n",
              "s.yaml:9:3: error: workload.trace: expected the path of a file, got nothing"},
        Wrong{"order: fcfs", "order: fifo",
              "s.yaml:10:19: error: policies.order: expected one of deadline, fair-share, fcfs, "
              "priority, replay, sjf, got 'fifo'"},
        Wrong{"order: fcfs", "order: fcs",
              "s.yaml:10:19: error: policies.order: expected one of deadline, fair-share, fcfs, "
              "priority, replay, sjf, got 'fcs' (did you mean 'fcfs'?)"},
        Wrong{"order: fcfs", "order: {fair-share: {half_live: 3 days}}",
              "s.yaml:10:33: error: unknown key 'half_live' in policies.order.fair-share; did you "
              "mean 'half_life'?"},
        Wrong{"order: fcfs", "order: {fair-share: {half_life: 3}}",
              "s.yaml:10:44: error: policies.order.fair-share.half_life: expected a duration such "
              "as '30 min', got '3' (no unit)"},
        Wrong{"order: fcfs", "order: {fcfs: {depth: 3}}",
              "s.yaml:10:26: error: policies.order.fcfs: expected no parameters; this policy has "
              "none"},
        Wrong{"order: fcfs", "order: replay",
              "s.yaml:10:37: error: policies.backfill: expected 'none' with order: replay, got "
              "'easy' (recorded starts leave nothing to overtake)"},
        Wrong{"order: fcfs", "order: {fcfs: , sjf: }",
              "s.yaml:10:19: error: policies.order: expected one of deadline, fair-share, fcfs, "
              "priority, replay, sjf, got a mapping"},
        Wrong{"sites:\n", "sites: none\nsite:\n",
              "s.yaml:3:8: error: sites: expected a list, got 'none'\n"
              "s.yaml:4:1: error: unknown key 'site'; did you mean 'sites'?"},
        Wrong{"output: {", "output: [", "s.yaml:11:25: error: not YAML: illegal flow end"}));

constexpr const char* two_sites = R"(name: Two
period: {start: 2022-10-03T00:00:00Z, end: 2022-10-10T00:00:00Z}
sites:
  - {name: a, region: "aws:a", partitions: [{name: p, nodes: 1, device: t4, gpus_per_node: 1}]}
  - {name: b, region: "aws:b", partitions: [{name: q, nodes: 1, device: t4, gpus_per_node: 1}]}
network: {bandwidths: n.csv, j_per_gb: 0.06 kWh/GB}
workload:
  trace: jobs.swf
  classes: [{name: big, data_gb: 100}]
  home: {by: job, shares: {a: 1, b: 2}}
)";

class MoveFaults : public testing::TestWithParam<Wrong> {};
TEST_P(MoveFaults, SayWhereAndWhat) {
  const auto& [old, replacement, message] = GetParam();
  std::string text = two_sites;
  text.replace(text.find(old), std::string(old).size(), replacement);
  EXPECT_EQ(fault(text), message);
}
INSTANTIATE_TEST_SUITE_P(
    Scenario, MoveFaults,
    testing::Values(
        Wrong{"name: Two", "name: Two", "accepted"},
        Wrong{", j_per_gb: 0.06 kWh/GB", "",
              "s.yaml:6:10: error: missing key 'j_per_gb' in network: expected an energy per data "
              "such as '0.06 kWh/GB', because of workload.classes[0].data_gb"},
        Wrong{"network: {bandwidths: n.csv, j_per_gb: 0.06 kWh/GB}\n", "",
              "s.yaml:8:34: error: workload.classes[0].data_gb: expected 'network' with "
              "'bandwidths' and 'j_per_gb', because data may move between sites"},
        Wrong{"region: \"aws:b\", ", "",
              "s.yaml:5:5: error: missing key 'region' in sites[1]: expected a region of the "
              "network's file, because of network"},
        Wrong{"0.06 kWh/GB", "0.06 kWh",
              "s.yaml:6:40: error: network.j_per_gb: expected a number of at least 0 or an energy "
              "per data such as '0.06 kWh/GB', got '0.06 kWh' (unknown unit 'kWh'; known: J/GB, "
              "kJ/GB, MJ/GB, kWh/GB, Wh/GB, kWh/TB)"},
        Wrong{"data_gb: 100", "data_gb: -1",
              "s.yaml:9:34: error: workload.classes[0].data_gb: expected a number of at least 0, "
              "got '-1'"},
        Wrong{"{a: 1, b: 2}", "{a: 1, bb: 2}",
              "s.yaml:10:38: error: workload.home.shares.bb: expected the name of a site, got "
              "'bb' (did you mean 'b'?)"},
        Wrong{"{by: job, shares: {a: 1, b: 2}}", "{by: class, sites: {bag: a}}",
              "s.yaml:10:34: error: workload.home.sites.bag: expected the name of a class, got "
              "'bag' (did you mean 'big'?)"},
        Wrong{"{by: job, shares: {a: 1, b: 2}}", "{by: queue}",
              "s.yaml:10:9: error: missing key 'sites' in workload.home: expected a mapping of "
              "names to sites"}));

// Keys of a site's signals.
INSTANTIATE_TEST_SUITE_P(
    Signals, Faults,
    testing::Values(
        Wrong{"carbon: 420 gCO2e/kWh",
              "carbon: {series: {average: 1 g/kWh, marginal: 2 g/kWh}, decide_by: marginal, "
              "account_by: averag}",
              "s.yaml:7:94: error: sites[0].carbon.account_by: expected one of the series average, "
              "marginal, got 'averag' (did you mean 'average'?)"},
        Wrong{"carbon: 420 gCO2e/kWh", "carbon: {series: {average: 1 g/kWh}, decide_by: average}",
              "s.yaml:7:13: error: missing key 'account_by' in sites[0].carbon: expected the name "
              "of a series"},
        Wrong{"carbon: 420 gCO2e/kWh", "price: {constant: 60 USD/MWh, demand_charge: 15 EUR/kW}",
              "s.yaml:7:50: error: sites[0].price.demand_charge: expected a charge in the price's "
              "currency USD, got '15 EUR/kW'"},
        Wrong{"carbon: 420 gCO2e/kWh", "price: {constant: 60 USD/MWh, demand_charge: 15 USD/kWh}",
              "s.yaml:7:50: error: sites[0].price.demand_charge: expected a demand charge such as "
              "'15 USD/kW', got '15 USD/kWh' (unknown unit 'USD/kWh'; expected an ISO 4217 code "
              "over kW)"},
        Wrong{"carbon: 420 gCO2e/kWh", "price: {demand_charge: 15 USD/kW}",
              "s.yaml:7:12: error: missing key 'file' in sites[0].price: expected the path of a "
              "file"},
        Wrong{"carbon: 420 gCO2e/kWh", "facility: {wue: 1.8}",
              "s.yaml:7:21: error: sites[0].facility.wue: expected a water usage such as '1.8 "
              "L/kWh', got '1.8' (no unit)"},
        Wrong{"gpus_per_node: 8", "gpus_per_node: 8, embodied: {lifetime_years: 4, source: x}",
              "s.yaml:6:84: error: sites[0].partitions[0].embodied: expected exactly one of "
              "'per_gpu' and 'per_node'"}));

TEST(Scenario, DuplicateKeysTogetherWithAllElse) {
  EXPECT_EQ(fault("name: Again\n" + with("fcfs", "fcsf")),
            "s.yaml:2:1: error: duplicate key 'name' (first in line 1)\n"
            "s.yaml:11:19: error: policies.order: expected one of deadline, fair-share, fcfs, "
            "priority, replay, sjf, got "
            "'fcsf' (did you mean 'fcfs'?)");
  // What cannot be read on comes with the duplicates before it.
  EXPECT_EQ(fault("a: 1\na: 2\nb: [\n"),
            "s.yaml:2:1: error: duplicate key 'a' (first in line 1)\n"
            "s.yaml:4:1: error: not YAML: end of sequence flow not found");
}

TEST(Scenario, AllFaultsTogether) {
  std::string text = with("nodes: 4", "nodes: four");
  text += "seed: x\n";
  EXPECT_EQ(fault(text),
            "s.yaml:6:29: error: sites[0].partitions[0].nodes: expected a whole number between 1 "
            "and 10000000, got 'four'\n"
            "s.yaml:12:7: error: seed: expected a whole number of at least 0, got 'x'");
}

TEST(Scenario, ReplayNeedsNoBackfill) {
  const Loaded loaded =
      parse_scenario(with("order: fcfs, backfill: easy", "order: replay"), "s.yaml");
  EXPECT_EQ(loaded.scenario.policies.backfill.name, "none");
  EXPECT_NE(loaded.canonical_yaml.find("backfill: none"), std::string::npos);
}

TEST(Scenario, EmptyFile) {
  EXPECT_EQ(
      fault(""),
      "s.yaml:1:1: error: missing key 'name': expected a title\n"
      "s.yaml:1:1: error: missing key 'period': expected a mapping (start, end)\n"
      "s.yaml:1:1: error: missing key 'sites': expected a list\n"
      "s.yaml:1:1: error: missing key 'workload': expected a mapping (trace, synthetic, "
      "tasks, format, zone, columns, rules, reference_device, reference_cap, shift, repeat, mix, "
      "profiles, classes, gpu_types, partitions, home, oversized)");
}

TEST(Scenario, References) {
  EXPECT_EQ(fault(with("  trace: jobs.swf\n",
                       "  trace: jobs.swf\n  profiles: [{name: train}]\n"
                       "  classes: [{name: a, profile: trian}]\n")),
            "s.yaml:11:32: error: workload.classes[0].profile: expected the name of a profile of "
            "the workload, got 'trian' (did you mean 'train'?)");
  EXPECT_EQ(fault(with("  trace: jobs.swf\n",
                       "  trace: jobs.swf\n"
                       "  classes: [{name: a, match: {run: {min: 1 h, max: 60 min}}}]\n")),
            "s.yaml:10:52: error: workload.classes[0].match.run.max: expected a duration longer "
            "than min (1 h), got '60 min'");
  EXPECT_EQ(fault(with("  trace: jobs.swf\n", "  trace: jobs.swf\n  partitions: {q1: v10}\n")),
            "s.yaml:10:20: error: workload.partitions.q1: expected the name of a partition, got "
            "'v10' (did you mean 'v100'?)");
  EXPECT_EQ(
      fault(with("  trace: jobs.swf\n", "  trace: jobs.swf\n  partitions: {q1: dallas/v100}\n")),
      "accepted");
}

TEST(Scenario, CanonicalTextIsAFixpoint) {
  const std::filesystem::path gallery = std::filesystem::path(NIGHTWATT_SOURCE_DIR) / "scenarios";
  std::size_t files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(gallery)) {
    if (entry.path().extension() != ".yaml") continue;
    ++files;
    const Loaded loaded = load_scenario(entry.path().string());
    const Loaded again = parse_scenario(loaded.canonical_yaml, "canonical.yaml");
    EXPECT_EQ(again.scenario, loaded.scenario) << entry.path();
    EXPECT_EQ(again.canonical_yaml, loaded.canonical_yaml) << entry.path();
    EXPECT_EQ(again.sha256, loaded.sha256) << entry.path();
  }
  EXPECT_GE(files, 6U);
}

TEST(Scenario, CanonicalText) {
  EXPECT_EQ(parse_scenario(base, "s.yaml").canonical_yaml, R"(name: Base
period:
  start: 2022-10-03T00:00:00Z
  end: 2022-10-10T00:00:00Z
horizon:
  warmup: 0 s
seed: 1
drain: true
sites:
  - name: dallas
    timezone: UTC
    partitions:
      - name: v100
        nodes: 4
        device: v100-pcie-32gb
        gpus_per_node: 8
        host:
          idle: 0 W
          active_per_gpu: 0 W
    facility:
      fixed_share: 0
    carbon: 420 gCO2e/kWh
workload:
  trace: jobs.swf
  format: auto
  repeat: false
  oversized: error
estimates:
  from: limit
forecast:
  from: perfect
kill_at_limit: false
limits: scaled
shape: packed
contention: 1
rebalance: 0 s
fidelity: analytic
policies:
  timing: immediate
  site: home
  order: fcfs
  backfill: easy
  placement: pack
  cap: none
  nodes: always-on
  pause: never
metrics:
  slowdown_tau: 10 s
  peak_window: 15 min
output:
  timeline: 5 min
  compression: 1
  nodes: false
  events: false
)");
}

TEST(Scenario, EveryKeySurvivesWriting) {
  const std::string full = R"(
name: "quotes: 'and' # more"
period: {start: 2022-10-03T00:00:00.5+02:00, end: 2022-10-10T00:00:00Z}
horizon: {end: 2023-01-01T00:00:00Z, warmup: 1 day}
seed: 9223372036854775807
drain: false
sites:
  - name: a
    timezone: Asia/Kathmandu
    currency: EUR
    partitions:
      - name: p1
        nodes: 2
        device: {idle: 10 W, busy: 0.35 kW}
        gpus_per_node: 4
        host: {idle: 0.1 kW, active_per_gpu: 5 W,
               supply: [{load: 0 W, loss: 10 W}, {load: 1 kW, efficiency: 94 %}]}
        fabric: {gpus_per_island: 2, nodes_per_rack: 2, racks_per_spine: 2, island: 300 GB/s,
                 node: 200 Gbit/s, rack: 1 TB/s, core: 2 TB/s}
      - {name: p2, nodes: 1, device: generic-cpu-core, cores_per_node: 64, fabric: {edges: e.csv}}
    facility: {pue: {file: pue.csv, format: csv, column: b, time_column: a, unit: "1", zone: UTC,
                     rules: {gap: hold}, beyond: repeat}, fixed_share: 40 %, reference_it: 1 MW}
    carbon: {file: "c & d.csv", beyond: hold}
    price: 0.3 EUR/kWh
    region: "aws:x"
    forecast: {carbon: {file: f.csv, format: csv, issue_column: i, time_column: t, column: v,
                        unit: g/kWh, zone: UTC}, price: {file: p.csv}}
  - name: c
    region: "aws:y"
    partitions: [{name: p4, nodes: 1, device: t4, gpus_per_node: 1,
                  embodied: {per_gpu: 164 kgCO2e, lifetime_years: 4, source: a study}},
                 {name: p5, nodes: 1, device: t4, gpus_per_node: 2, fabric: {node: 1 GB/s},
                  embodied: {per_node: 1.5 tCO2e, lifetime_years: 4.5, source: "a: b"}}]
    facility: {wue: 1.8 L/kWh}
    carbon: {series: {average: {file: a.csv}, marginal: {file: m.csv, basis: marginal}, flat: 5 g/kWh},
             decide_by: marginal, account_by: average}
    price: {constant: 60 EUR/MWh, demand_charge: 15 EUR/kW, partial_months: whole}
  - name: d
    region: "aws:z"
    partitions: [{name: p6, nodes: 1, device: t4, gpus_per_node: 1}]
    facility: {wue: {file: w.csv, unit: L/kWh}}
    price: {file: p.csv, demand_charge: 9.5 EUR/kW}
  - {name: b, region: "gcp:x", partitions: [{name: p3, nodes: 1, device: t4, gpus_per_node: 1}],
     carbon: 1 kgCO2e/kWh, price: -4.5 EUR/MWh}
network: {bandwidths: n.csv, j_per_gb: 0.06 kWh/GB}
workload:
  trace: t.csv
  home: {by: class, sites: {c: b, d: c}}
  tasks: u.csv
  format: csv
  zone: Europe/Berlin
  columns: {submit: "#1", run: dur, header: false, time_unit: min, duration_unit: h,
            time_form: relative, deadline_from: submit, delimiter: ;}
  rules: {no_gpus: keep}
  reference_device: t4
  shift: {from: 115 days, to: 2022-10-03, keep: nothing}
  repeat: true
  profiles: [{name: x, utilization: 33.3 %}, {name: y}]
  classes:
    - {name: c, match: {user: [u1, "#2"], queue: q, gpu_type: T4, gpus: {min: 0.5, max: 8},
                        share: 0.25}, profile: y, data_gb: 1.5 TB}
    - {name: d}
  gpu_types: {T4: p3, "V100M16|x": [p1, a/p2]}
  partitions: {q: p1}
  oversized: reject
estimates: {from: noisy, sigma: 0.7}
forecast: {from: noisy, error: 5 %, growth: 0.5, correlation: 3 h}
kill_at_limit: true
limits: wallclock
shape: any
contention: 0.8
fidelity: flows
policies: {timing: immediate, site: home, order: {fair-share: {half_life: 36 h}},
           backfill: {conservative: {depth: 50}}, placement: best-fit, cap: none,
           nodes: always-on, pause: never}
metrics: {slowdown_tau: 60 s, peak_window: 1 h}
output: {timeline: 90 s, compression: 6, nodes: true, events: true}
)";
  const Loaded loaded = parse_scenario(full, "s.yaml");
  const Loaded again = parse_scenario(loaded.canonical_yaml, "s.yaml");
  EXPECT_EQ(again.scenario, loaded.scenario);
  EXPECT_EQ(again.canonical_yaml, loaded.canonical_yaml);
  const Scenario& s = loaded.scenario;
  EXPECT_EQ(s.period.start.ns, 500'000'000);
  EXPECT_EQ(s.sites[0].partitions[0].fabric->node_bytes_per_s, 25e9);
  EXPECT_EQ(s.sites[0].partitions[0].host.supply[1].efficiency, 0.94);
  EXPECT_EQ(s.sites[3].price.constant, -0.0045);
  EXPECT_EQ(s.network->j_per_gb, 216000.0);
  EXPECT_EQ(s.workload.classes[0].data_gb, 1500.0);
  EXPECT_EQ(s.sites[1].price.demand_charge, 15.0);
  EXPECT_EQ(s.sites[1].price.constant, 0.06);
  EXPECT_FALSE(s.sites[1].price.prorate);
  EXPECT_EQ(s.sites[1].partitions[1].embodied->per_node, 1500.0);
  EXPECT_EQ(s.sites[2].price.series->file, "p.csv");
  EXPECT_EQ(s.sites[1].carbon.named.at("flat").constant, 5.0);
  EXPECT_EQ(s.workload.columns->fields.size(), 2U);
  EXPECT_FALSE(s.workload.columns->header);
  EXPECT_EQ(s.policies.order.numbers.at("half_life"), 36 * 3600.0);
  EXPECT_EQ(s.policies.backfill.numbers.at("depth"), 50.0);
  // What the registry knows and the file does not say is filled in.
  EXPECT_GT(s.policies.order.numbers.size(), 1U);
}

TEST(Overrides, ChangeWhatTheyName) {
  const Loaded loaded =
      parse_scenario(base, "s.yaml",
                     {.set = {"sites[0].partitions[0].nodes=16", "policies.order=sjf",
                              "policies.backfill.conservative.depth=10", "output={timeline: 1 h}",
                              "horizon.warmup=6 h", "estimates={from: noisy, sigma: 1}"},
                      .seed = 5});
  EXPECT_EQ(loaded.scenario.sites[0].partitions[0].nodes, 16);
  EXPECT_EQ(loaded.scenario.policies.order.name, "sjf");
  EXPECT_EQ(loaded.scenario.policies.backfill.name, "conservative");
  EXPECT_EQ(loaded.scenario.policies.backfill.numbers.at("depth"), 10);
  EXPECT_EQ(to_seconds(loaded.scenario.output.timeline), 3600);
  EXPECT_EQ(to_seconds(loaded.scenario.horizon.warmup), 6 * 3600);
  EXPECT_EQ(loaded.scenario.seed, 5U);
  EXPECT_NE(loaded.canonical_yaml.find("seed: 5\n"), std::string::npos);
  EXPECT_NE(loaded.sha256, parse_scenario(base, "s.yaml").sha256);
}

TEST(Overrides, FaultsSayWhichOne) {
  const auto set = [](const char* argument) {
    return fault(base, {.set = {argument}, .seed = {}});
  };
  EXPECT_EQ(
      set("sites[0].partitions[0].nodes=0"),
      "--set:1:30: error: sites[0].partitions[0].nodes: expected a whole number between 1 and "
      "10000000, got '0'");
  EXPECT_EQ(set("policies.order=fcs"),
            "--set:1:16: error: policies.order: expected one of deadline, fair-share, fcfs, "
            "priority, replay, sjf, got 'fcs' (did you mean 'fcfs'?)");
  EXPECT_EQ(set("sede=3"), "--set:1:1: error: unknown key 'sede'; did you mean 'seed'?");
  EXPECT_EQ(set("sites[1].name=x"),
            "--set:1:6: error: sites[1].name: sites has 1 entries, counted from 0");
  EXPECT_EQ(set("sites.name=x"),
            "--set:1:7: error: sites.name: sites is a list; choose an entry as in sites[0]");
  EXPECT_EQ(set("sites[x].name=x"),
            "--set:1:6: error: sites[x].name: expected an index such as [0]");
  EXPECT_EQ(set("name[0]=x"), "--set:1:5: error: name[0]: name is not a list");
  EXPECT_EQ(set("nodes"), "--set:1:1: error: expected path=value, got 'nodes'");
  EXPECT_EQ(set("=3"), "--set:1:1: error: expected path=value, got '=3'");
  EXPECT_EQ(set("a..b=3"), "--set:1:3: error: a..b: expected a key");
  EXPECT_EQ(
      set("output=[1"),
      "--set:1:8: error: output: expected a key, got a list or a mapping (a bracket that is not "
      "closed?)");
  EXPECT_EQ(set("seed="),
            "--set:1:6: error: seed: expected a whole number of at least 0, got nothing");
}

TEST(Scenario, DoesNotDependOnTheFolder) {
  const std::filesystem::path file =
      std::filesystem::path(NIGHTWATT_SOURCE_DIR) / "scenarios/philly-texas.yaml";
  const Loaded absolute = load_scenario(file.string());
  const std::filesystem::path before = std::filesystem::current_path();
  std::filesystem::current_path(file.parent_path());
  const Loaded relative = load_scenario("philly-texas.yaml");
  std::filesystem::current_path(before);
  EXPECT_EQ(absolute.canonical_yaml, relative.canonical_yaml);
  EXPECT_EQ(absolute.canonical_yaml.find(NIGHTWATT_SOURCE_DIR), std::string::npos);
}

TEST(Scenario, UnusableFiles) {
  const auto load = [](const std::string& path) -> std::string {
    try {
      load_scenario(path);
    } catch (const InputError& e) {
      return e.what();
    }
    return "accepted";
  };
  EXPECT_NE(load("no/such/file.yaml").find("no/such/file.yaml"), std::string::npos);
  EXPECT_NE(load("/tmp").find("/tmp"), std::string::npos);
  const std::filesystem::path big = std::filesystem::path(testing::TempDir()) / "big.yaml";
  std::ofstream(big) << std::string(std::size_t{64} << 20, 'a');
  EXPECT_EQ(load(big.string()),
            big.string() + ": error: expected at most 1048576 bytes of YAML, got more");
  std::filesystem::remove(big);
}

}  // namespace
}  // namespace nightwatt
