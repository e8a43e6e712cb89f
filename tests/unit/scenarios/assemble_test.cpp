#include "scenarios/assemble.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <limits>
#include <string>

#include "scenarios/catalog.hpp"
#include "traces/reference_devices.hpp"

namespace nightwatt {
namespace {

namespace fs = std::filesystem;

/// A folder with a small trace (relative seconds), a dated CSV trace and signals.
class Assembly : public testing::Test {
 protected:
  void SetUp() override {
    const auto* info = testing::UnitTest::GetInstance()->current_test_info();
    folder_ = fs::path(testing::TempDir()) / ("assembly_" + std::string(info->name()));
    fs::create_directories(folder_);
    write("jobs.csv",
          "id,submit,run,gpus,user,type\n"
          "1,0,100,1,ann,V100\n"
          "2,60,100,4,bob,T4\n"
          "3,7200,50,8,ann,\n"
          "4,90000,50,8,ann,V100|T4\n");
    write("dated.csv",
          "id,submit,run,gpus\n"
          "a,2017-10-02 00:00:00,100,1\n"
          "b,2017-10-02 12:00:00,100,2\n");
    write("carbon.csv",
          "time,carbon (gCO2e/kWh)\n"
          "2022-10-03T00:00:00Z,400\n2022-10-03T01:00:00Z,300\n2022-10-03T02:00:00Z,200\n");
  }
  void TearDown() override { fs::remove_all(folder_); }

  void write(const std::string& name, const std::string& text) const {
    std::ofstream(folder_ / name) << text;
  }
  static std::string scenario(const std::string& workload, const std::string& site = "") {
    return "name: Test\n"
           "period: {start: 2022-10-03T00:00:00Z, end: 2022-10-04T00:00:00Z}\n"
           "sites:\n"
           "  - name: s\n"
           "    timezone: America/Chicago\n"
           "    partitions:\n"
           "      - {name: v, nodes: 2, device: v100-sxm2-32gb, gpus_per_node: 4}\n"
           "      - {name: t, nodes: 1, device: t4, gpus_per_node: 4}\n" +
           site + "workload: {" + workload + "}\n";
  }
  Assembled assembled(const std::string& text) const {
    write("s.yaml", text);
    return assemble(load_scenario((folder_ / "s.yaml").string()));
  }
  std::string fault(const std::string& text) const {
    try {
      assembled(text);
    } catch (const InputError& e) {
      std::string what = e.what();
      for (std::size_t at; (at = what.find(folder_.string() + "/")) != std::string::npos;) {
        what.erase(at, folder_.string().size() + 1);
      }
      return what;
    }
    return "accepted";
  }
  static bool has_note(const Assembled& a, const std::string& text) {
    for (const std::string& note : a.notes) {
      if (note.find(text) != std::string::npos) return true;
    }
    return false;
  }

  static const InputFile* input_of(const Assembled& a, const std::string& role) {
    for (const InputFile& input : a.inputs) {
      if (input.role == role) return &input;
    }
    return nullptr;
  }

  fs::path folder_;
  const std::string columns_ =
      "columns: {id: id, submit: submit, run: run, gpus: gpus, user: user, gpu_type: type}";
  const std::string trace_ = "trace: jobs.csv, " + columns_;
};

TEST_F(Assembly, UndatedTraceBeginsWithThePeriod) {
  const Assembled a = assembled(scenario(trace_));
  EXPECT_EQ(a.setup.origin_offset_s, 0.0);
  EXPECT_EQ(a.period_start_unix_s, 19268LL * 86400);
  EXPECT_EQ(a.setup.period_end_s, 86400.0);
  EXPECT_EQ(a.setup.workload, a.workload.get());
  ASSERT_EQ(a.workload->jobs.size(), 4U);
  EXPECT_TRUE(has_note(a, "the trace names no dates: its zero is taken as period.start"));
  ASSERT_EQ(a.setup.sites.size(), 1U);
  EXPECT_EQ(a.setup.sites[0].partitions[1].units_per_node, 4U);
  EXPECT_EQ(a.setup.devices[1].id, "t4");
  // Without carbon and price everything charged with them is unknown; without PUE it is 1.
  const auto values = a.setup.sites[0].signals.at(SimTime{});
  EXPECT_EQ(values.pue, 1.0);
  EXPECT_TRUE(std::isnan(values.carbon_g_per_j));
  EXPECT_TRUE(std::isnan(values.price_per_j));
}

TEST_F(Assembly, DatesAreCountedFromThePeriod) {
  const std::string dated =
      "trace: dated.csv, zone: America/Chicago, reference_device: t4, "
      "columns: {id: id, submit: submit, run: run, gpus: gpus}";
  // Moved by 261 weeks: Monday to Monday, local midnight to local midnight (05:00 UTC).
  const Assembled a = assembled(scenario(dated + ", shift: {to: 2022-10-03}"));
  ASSERT_EQ(a.workload->jobs.size(), 2U);
  EXPECT_EQ(a.workload->jobs[0].submit_s + a.setup.origin_offset_s, 5 * 3600.0);
  EXPECT_EQ(a.workload->jobs[1].submit_s + a.setup.origin_offset_s, 17 * 3600.0);
  EXPECT_EQ(fault(scenario(dated)),
            "s.yaml:9:19: error: workload.trace: expected jobs submitted in the period "
            "2022-10-03T00:00:00Z to 2022-10-04T00:00:00Z, got jobs from 2017-10-02T05:00:00Z to "
            "2017-10-02T17:00:00Z; workload.shift moves a trace");
}

/// Two sites "a" and "b" with a network in n.csv.
std::string two_sites(const std::string& workload, const std::string& site_b = "") {
  return "name: Test\n"
         "period: {start: 2022-10-03T00:00:00Z, end: 2022-10-05T00:00:00Z}\n"
         "sites:\n"
         "  - {name: a, region: \"x:one\", partitions: [{name: p, nodes: 2, device: t4, "
         "gpus_per_node: 8}]}\n"
         "  - {name: b, region: \"x:two\"" +
         site_b +
         ", partitions: [{name: q, nodes: 2, device: t4, gpus_per_node: 8}]}\n"
         "network: {bandwidths: n.csv, j_per_gb: 10}\n"
         "workload: {trace: jobs.csv, reference_device: t4, columns: {id: id, submit: submit, "
         "run: run, gpus: gpus, user: user}" +
         workload + "}\n";
}

TEST_F(Assembly, TheNetworkIsReadEachWay) {
  write("n.csv", "from,to,gbit_per_s\nx:one,x:two,1\nx:two,x:one-a,2\nx:one-a,x:two,3\n");
  // "x:one" stands in the file itself, but not as a destination.
  EXPECT_EQ(fault(two_sites("")),
            "s.yaml:4:23: error: sites[0].region: expected a bandwidth from x:two to x:one in "
            "'n.csv', got none");
  write("n.csv", "from,to,gbit_per_s\nx:two,x:one-a,2\nx:one-a,x:two,3\nx:one-a,x:two,5\n");
  const Assembled a = assembled(two_sites(", classes: [{name: c, data_gb: 100 GB}]"));
  ASSERT_TRUE(a.setup.network.given());
  EXPECT_EQ(a.setup.network.seconds(0, 1, 100.0), 200.0) << "the mean of 3 and 5 Gbit/s";
  EXPECT_EQ(a.setup.network.seconds(1, 0, 100.0), 400.0);
  EXPECT_EQ(a.setup.network.j_per_gb, 10.0);
  EXPECT_EQ(a.setup.class_traits[0].data_gb, 100.0);
  const InputFile* network = input_of(a, "network");
  ASSERT_NE(network, nullptr);
  ASSERT_EQ(network->report.adjusted.size(), 1U);
  EXPECT_EQ(network->report.adjusted[0].rows, 1U);
  write("n.csv", "from,to,gbit_per_s\nx:two,x:own,2\n");
  EXPECT_EQ(fault(two_sites("")),
            "s.yaml:4:23: error: sites[0].region: expected a region of 'n.csv', got 'x:one'");
  write("n.csv", "from,to,gbit_per_s\nx:two,x:one,fast\n");
  EXPECT_EQ(fault(two_sites("")),
            "n.csv:2:13: error: gbit_per_s: expected a number above 0, got 'fast'");
}

TEST_F(Assembly, HomesByUserAndShares) {
  write("n.csv", "from,to,gbit_per_s\nx:two,x:one,2\nx:one,x:two,3\n");
  std::string many = "id,submit,run,gpus,user\n";
  for (int j = 0; j < 400; ++j) {
    many += std::to_string(j) + "," + std::to_string(j) + ",10,1,u" + std::to_string(j % 50) + "\n";
  }
  write("jobs.csv", many);
  const auto homes = [&](const std::string& home) {
    return assembled(two_sites(", home: " + home)).setup.job_site;
  };
  const auto at_b = [](const std::vector<std::int16_t>& all) {
    return std::count(all.begin(), all.end(), std::int16_t{1});
  };
  EXPECT_TRUE(assembled(two_sites("")).setup.job_site.empty());
  // A quarter of 400 draws: 100, with a standard deviation of 8.7.
  EXPECT_NEAR(static_cast<double>(at_b(homes("{by: job, shares: {a: 3, b: 1}}"))), 100.0, 35.0);
  EXPECT_EQ(at_b(homes("{by: job, shares: {a: 1}}")), 0);
  const auto by_user = homes("{by: user}");
  EXPECT_GT(at_b(by_user), 0);
  for (std::size_t j = 50; j < by_user.size(); ++j) EXPECT_EQ(by_user[j], by_user[j - 50]);
  const auto by_class = homes(
      "{by: class, sites: {odd: b}}, classes: [{name: odd, match: {user: "
      "[u1, u3]}}, {name: rest}]");
  EXPECT_EQ(at_b(by_class), 16);
  EXPECT_EQ(by_class[1], 1);
}

TEST_F(Assembly, MonthsOfTheSitesClock) {
  const Assembled a =
      assembled(scenario(trace_, "    price: {constant: 60 USD/MWh, demand_charge: 15 USD/kW}\n"));
  const DemandCharge& demand = *a.setup.sites[0].demand;
  EXPECT_EQ(demand.per_kw, 15.0);
  // From 1 October, 00:00 in Chicago (05:00 UTC), to 1 November (still summer time), then winter.
  EXPECT_EQ(demand.months[0].seconds(), -2 * 86400.0 + 5 * 3600.0);
  EXPECT_EQ(demand.months[1].seconds(), 29 * 86400.0 + 5 * 3600.0);
  EXPECT_EQ(demand.months[2].seconds(), 59 * 86400.0 + 6 * 3600.0);
  EXPECT_EQ(a.setup.sites[0].currency, "USD");
}

TEST_F(Assembly, SeveralCarbonSeries) {
  write("marginal.csv",
        "time,carbon (gCO2e/kWh)\n"
        "2022-10-03T00:00:00Z,900\n2022-10-03T01:00:00Z,800\n2022-10-03T02:00:00Z,700\n");
  const auto carbon = [](const std::string& decide, const std::string& account) {
    return "    carbon: {series: {average: {file: carbon.csv, beyond: hold}, marginal: {file: "
           "marginal.csv, beyond: hold, basis: marginal}}, decide_by: " +
           decide + ", account_by: " + account + "}\n";
  };
  const auto at0 = [](const SiteSignals& s) {
    return s.at(SimTime{}).carbon_g_per_j * joules_per_kwh;
  };
  const Assembled a = assembled(scenario(trace_, carbon("marginal", "average")));
  const SiteSetup& site = a.setup.sites[0];
  EXPECT_NEAR(at0(site.signals), 400.0, 1e-9);
  EXPECT_NEAR(at0(site.seen()), 900.0, 1e-9);
  EXPECT_EQ(site.accounted_carbon, (CarbonLabel{"average", "unknown"}));
  EXPECT_EQ(site.decided_carbon, (CarbonLabel{"marginal", "marginal"}));
  std::vector<std::string> roles;
  for (const InputFile& input : a.inputs) roles.push_back(input.role);
  EXPECT_EQ(std::count(roles.begin(), roles.end(), "carbon: average"), 1);
  EXPECT_EQ(std::count(roles.begin(), roles.end(), "carbon: marginal"), 1);
  const Assembled b = assembled(scenario(trace_, carbon("average", "average")));
  EXPECT_FALSE(b.setup.sites[0].decide);
  EXPECT_NEAR(at0(b.setup.sites[0].seen()), 400.0, 1e-9);
}

TEST_F(Assembly, ForecastsFromAFile) {
  write("f.csv",
        "issue_time,target_time,value (gCO2e/kWh)\n"
        "2022-10-02T12:00:00Z,2022-10-03T00:00:00Z,10\n"
        "2022-10-02T12:00:00Z,2022-10-03T01:00:00Z,20\n"
        "2022-10-03T00:30:00Z,2022-10-03T01:00:00Z,30\n");
  const std::string site =
      "    carbon: {file: carbon.csv, beyond: hold}\n    forecast: {carbon: {file: f.csv}}\n";
  const Assembled a = assembled(scenario(trace_, site) + "forecast: {from: file}\n");
  ASSERT_TRUE(a.setup.sites[0].carbon_forecast);
  const ForecastSeries& f = *a.setup.sites[0].carbon_forecast;
  ASSERT_EQ(f.issues.size(), 2U);
  EXPECT_EQ(f.issues[0].at.seconds(), -43200.0);
  EXPECT_EQ(f.issues[1].times[0].seconds(), 3600.0);
  EXPECT_NEAR(f.issues[1].values[0] * joules_per_kwh, 30.0, 1e-9);
  EXPECT_EQ(f.step.seconds(), 3600.0);
  EXPECT_NE(input_of(a, "carbon forecast"), nullptr);
  EXPECT_TRUE(has_note(assembled(scenario(trace_, site)), "its forecasts are not used"));
}

TEST_F(Assembly, UndatedTraceMovedByADuration) {
  const Assembled a = assembled(
      scenario(trace_ + ", reference_device: t4, shift: {from: 2 h, to: 2022-10-03T00:00:00Z}"));
  EXPECT_EQ(a.workload->jobs[2].submit_s + a.setup.origin_offset_s, 0.0);
}

TEST_F(Assembly, TypesMeanDevices) {
  const Assembled a = assembled(scenario(trace_));
  const auto allowed = [&](std::size_t job) {
    return a.setup.partitions_of_gpu_type.at(
        static_cast<std::size_t>(a.workload->jobs[job].gpu_type));
  };
  EXPECT_EQ(allowed(0), (std::vector<std::int16_t>{0}));     // V100 is an alias of the card here
  EXPECT_EQ(allowed(1), (std::vector<std::int16_t>{1}));     // T4
  EXPECT_EQ(a.workload->jobs[2].gpu_type, -1);               // none named
  EXPECT_EQ(allowed(3), (std::vector<std::int16_t>{0, 1}));  // either
  const Assembled mapped = assembled(scenario(trace_ + ", gpu_types: {T4: v}"));
  EXPECT_EQ(mapped.setup.partitions_of_gpu_type.at(
                static_cast<std::size_t>(mapped.workload->jobs[1].gpu_type)),
            (std::vector<std::int16_t>{0}));
}

TEST_F(Assembly, ClassesAndProfiles) {
  const Assembled a = assembled(
      scenario(trace_ +
               ", reference_device: t4, profiles: [{name: low, utilization: 20 %}, {name: high}], "
               "classes: [{name: bob, match: {user: [bob, eve]}, profile: high}, {name: big, "
               "match: {gpus: {min: 8}}}]"));
  EXPECT_EQ(a.setup.classes, (std::vector<std::string>{"bob", "big"}));
  EXPECT_EQ(a.setup.job_class, (std::vector<std::int16_t>{-1, 0, 1, 1}));
  EXPECT_EQ(a.setup.job_profile, (std::vector<std::int16_t>{0, 1, 0, 0}));
  EXPECT_TRUE(has_note(a, "workload.classes[0].match.user: 'eve' does not occur in the trace"));
}

TEST_F(Assembly, SharesAreDrawnByJobId) {
  const std::string text = scenario(
      "reference_device: t4, synthetic: {jobs_per_hour: 500}, classes: [{name: a, match: {share: "
      "30 %}}, {name: b, "
      "match: {share: 50 %}}]");
  const Assembled a = assembled(text);
  std::array<double, 3> jobs{};
  for (const std::int16_t c : a.setup.job_class) ++jobs.at(static_cast<std::size_t>(c + 1));
  const double all = static_cast<double>(a.setup.job_class.size());
  ASSERT_GT(all, 11000.0);
  // 30 %, then half of the rest; 12,000 draws stay within 0.02 (4.8 standard deviations).
  EXPECT_NEAR(jobs[1] / all, 0.30, 0.02);
  EXPECT_NEAR(jobs[2] / all, 0.35, 0.02);
  EXPECT_NEAR(jobs[0] / all, 0.35, 0.02);
  EXPECT_EQ(assembled(text).setup.job_class, a.setup.job_class);
}

TEST_F(Assembly, SyntheticLoadIsOfAllGpus) {
  // 12 GPUs at half load with jobs of 1 GPU and exactly 10 min: 36 jobs an hour.
  const Assembled a =
      assembled(scenario("reference_device: t4, synthetic: {load: 50 %, run: {median: 10 min, "
                         "sigma: 0, min: 10 min, max: 10 min}}"));
  // 864 expected, Poisson: five standard deviations are 147.
  EXPECT_NEAR(static_cast<double>(a.workload->jobs.size()), 864.0, 147.0);
  EXPECT_EQ(
      fault(scenario("synthetic: {jobs_per_hour: 1e12}")),
      "s.yaml:9:23: error: workload.synthetic: expected at most 2e+08 jobs in the period, got "
      "about 2.4e+13");
}

TEST_F(Assembly, OversizedJobsAreNamed) {
  const std::string text = scenario(
      "trace: dated.csv, zone: UTC, reference_device: t4, columns: {id: id, submit: submit, run: "
      "run, gpus: gpus}, "
      "shift: {to: 2022-10-03T00:00:00Z, keep: nothing}");
  EXPECT_EQ(fault(text), "accepted");
  write("dated.csv",
        "id,submit,run,gpus\n"
        "a,2017-10-02 00:00:00,100,1\n"
        "b,2017-10-02 12:00:00,100,9\n");
  EXPECT_EQ(fault(text),
            "dated.csv:3: error: job b: asks for 9 GPUs and 0 cores on 0 nodes, more than any "
            "partition has; workload.oversized: reject leaves such jobs out");
  EXPECT_EQ(fault(text.substr(0, text.size() - 2) + ", oversized: reject}\n"), "accepted");

  write("cpu.csv", "id,submit,run,gpus,cores\nc,2017-10-02 00:00:00,100,0,4\n");
  const std::string cores = scenario(
      "trace: cpu.csv, zone: UTC, reference_device: t4, columns: {id: id, submit: submit, run: "
      "run, gpus: gpus, cores: cores}, "
      "shift: {to: 2022-10-03T00:00:00Z, keep: nothing}");
  EXPECT_EQ(fault(cores),
            "cpu.csv:2: error: job c: asks for 0 GPUs and 4 cores on 0 nodes, more than any "
            "partition has; workload.oversized: reject leaves such jobs out, workload.rules: "
            "{no_gpus: skip} those without GPUs");
}

TEST_F(Assembly, SignalsInBaseUnits) {
  const Assembled a =
      assembled(scenario(trace_,
                         "    carbon: {file: carbon.csv, beyond: hold}\n    price: 36 EUR/MWh\n"
                         "    facility: {pue: 1.5, fixed_share: 0.5, reference_it: 1 kW}\n"));
  const SiteSetup& site = a.setup.sites[0];
  const auto at = [&](double t) { return site.signals.at(SimTime::from_seconds(t)); };
  EXPECT_DOUBLE_EQ(at(0).carbon_g_per_j, 400 / 3.6e6);
  EXPECT_DOUBLE_EQ(at(3600).carbon_g_per_j, 300 / 3.6e6);
  EXPECT_DOUBLE_EQ(at(80000).carbon_g_per_j, 200 / 3.6e6);
  EXPECT_DOUBLE_EQ(at(0).price_per_j, 1e-8);  // 0.036 EUR/kWh
  EXPECT_EQ(site.currency, "EUR");
  EXPECT_EQ(at(0).pue, 1.5);
  EXPECT_EQ(site.facility.fixed_share, 0.5);
  EXPECT_EQ(to_watts(site.facility.reference_it), 1000.0);
  // What the run was made from, by the paths as given.
  std::string inputs;
  for (const InputFile& f : a.inputs) inputs += f.role + ":" + f.report.path + " ";
  EXPECT_EQ(inputs,
            "device:devices/v100-sxm2-32gb.yaml device:devices/t4.yaml carbon:carbon.csv "
            "workload:jobs.csv ");
}

TEST_F(Assembly, SignalsTooShort) {
  EXPECT_EQ(fault(scenario(trace_, "    carbon: {file: carbon.csv}\n")),
            "s.yaml:9:13: error: sites[0].carbon: expected a series that covers the period "
            "2022-10-03T00:00:00Z to 2022-10-04T00:00:00Z, got 'carbon.csv' from "
            "2022-10-03T00:00:00Z to 2022-10-03T03:00:00Z; set beyond: hold or beyond: repeat to "
            "extend it");
}

TEST_F(Assembly, HostsAndSupplies) {
  const Assembled a = assembled(
      "name: T\nperiod: {start: 2022-10-03T00:00:00Z, end: 2022-10-04T00:00:00Z}\nsites:\n"
      "  - name: s\n    partitions:\n"
      "      - {name: a, nodes: 1, gpus_per_node: 8, device: t4, host: {idle: 100 W, "
      "active_per_gpu: 10 W, supply: [{load: 0 W, loss: 5 W}, {load: 900 W, efficiency: 90 %}]}}\n"
      "      - {name: b, nodes: 1, gpus_per_node: 8, device: t4, host: {active_per_gpu: 20 W}}\n"
      "      - {name: c, nodes: 1, gpus_per_node: 8, device: t4, host: {active_per_gpu: 10 W}}\n"
      "workload: {" +
      trace_ + "}\n");
  // The model knows hosts by device: one entry for each pair.
  ASSERT_EQ(a.setup.devices.size(), 2U);
  const auto& partitions = a.setup.sites[0].partitions;
  EXPECT_EQ(partitions[0].device, partitions[2].device);
  EXPECT_NE(partitions[0].device, partitions[1].device);
  // 900 W delivered at 90 % are 1,000 W drawn.
  EXPECT_DOUBLE_EQ(to_watts(partitions[0].node.loss_at(watts(900))), 100.0);
  EXPECT_DOUBLE_EQ(to_watts(partitions[0].node.loss_at(watts(0))), 5.0);
  const PlacementShape shape{1000, 1, 0};
  EXPECT_EQ(
      to_watts(a.setup.model->query(0, partitions[1].device, shape, NAN, watts(INFINITY)).host),
      20.0);
}

TEST_F(Assembly, Fabrics) {
  write("links.csv", "from,to,bandwidth\nnode0,sw,25 GB/s\nnode1,sw,200 Gbit/s\n");
  const auto text = [&](const std::string& fabric) {
    return "name: T\nperiod: {start: 2022-10-03T00:00:00Z, end: 2022-10-04T00:00:00Z}\nsites:\n"
           "  - name: s\n    partitions:\n"
           "      - {name: a, nodes: 2, gpus_per_node: 8, device: t4, fabric: {" +
           fabric + "}}\nworkload: {" + trace_ + "}\n";
  };
  const Assembled edges = assembled(text("edges: links.csv"));
  const Fabric& fabric = *edges.setup.sites[0].partitions[0].fabric;
  EXPECT_EQ(fabric.hops(0, 1), 2U);
  EXPECT_EQ(fabric.widest_bytes_per_s(0, 1), 25e9);
  const Assembled numbers = assembled(text("nodes_per_rack: 1, node: 25 GB/s, rack: 10 GB/s"));
  EXPECT_EQ(numbers.setup.sites[0].partitions[0].fabric->widest_bytes_per_s(0, 1), 10e9);
  write("links.csv", "from,to,bandwidth\nnode0,sw,25\n");
  EXPECT_EQ(
      fault(text("edges: links.csv")),
      "links.csv:2:10: error: bandwidth: expected a bandwidth such as '25 GB/s', got '25' (no "
      "unit)");
}

TEST_F(Assembly, FaultsOfFilesAreGathered) {
  const std::string message = fault(
      scenario("trace: none.swf", "    carbon: {file: nothing.csv}\n    price: {file: x.csv}\n"));
  EXPECT_NE(message.find("nothing.csv"), std::string::npos) << message;
  EXPECT_NE(message.find("x.csv"), std::string::npos) << message;
  EXPECT_NE(message.find("none.swf"), std::string::npos) << message;
}

TEST_F(Assembly, ReplayNeedsRecordedStarts) {
  EXPECT_EQ(fault(scenario(trace_) + "policies: {order: replay}\n"),
            "s.yaml:10:19: error: policies.order: expected a trace with recorded starts for "
            "'replay'");
}

TEST_F(Assembly, CoresAndGpusAreNotMixedUp) {
  EXPECT_EQ(fault(scenario(trace_, "      - {name: c, nodes: 1, device: t4, cores_per_node: 4}\n")),
            "s.yaml:9:37: error: sites[0].partitions[2].device: expected a device that is a core, "
            "because of cores_per_node; 't4' is a GPU");
}

TEST_F(Assembly, Stamp) {
  const fs::path file = folder_ / "s.yaml";
  write("s.yaml", scenario(trace_));
  const Loaded loaded = load_scenario(file.string(), {.set = {}, .seed = 9});
  const Assembled a = assemble(loaded);
  RunResult result;
  result.notes = {"later"};
  stamp(loaded, a, result);
  EXPECT_EQ(result.title, "Test");
  EXPECT_EQ(result.seed, 9);
  EXPECT_EQ(result.scenario_yaml, loaded.canonical_yaml);
  EXPECT_EQ(result.scenario_sha256.size(), 64U);
  EXPECT_EQ(result.period_start_unix_s, 19268LL * 86400);
  EXPECT_EQ(result.inputs.size(), a.inputs.size());
  EXPECT_EQ(result.notes.back(), "later");
}

/// Every shipped scenario can be run as it stands.
TEST(Gallery, IsComplete) {
  std::size_t files = 0;
  for (const auto& entry : fs::directory_iterator(fs::path(NIGHTWATT_SOURCE_DIR) / "scenarios")) {
    if (entry.path().extension() != ".yaml") continue;
    ++files;
    try {
      const Assembled a = assemble(load_scenario(entry.path().string()));
      EXPECT_FALSE(a.workload->jobs.empty()) << entry.path();
    } catch (const InputError& e) {
      ADD_FAILURE() << entry.path() << ":\n" << e.what();
    }
  }
  EXPECT_GE(files, 6U);
}

TEST_F(Assembly, TheReferenceDeviceIsNamedWithItsSource) {
  write("philly.csv",
        "timestamp,duration,num_gpus,gpu_time,cluster\n"
        "2022-10-03 00:00:00,100,1,100,a\n2022-10-03 12:00:00,100,2,200,b\n"
        "2022-11-03 12:00:00,100,2,200,b\n");
  const std::string philly = "trace: philly.csv, zone: UTC";
  EXPECT_TRUE(has_note(assembled(scenario(philly)),
                       "run times of 2 jobs are taken as those of p100-pcie-16gb, an assumption "
                       "(philly-traces publishes the memory"));
  const Assembled given = assembled(scenario(philly + ", reference_device: t4"));
  EXPECT_TRUE(has_note(given, "run times are taken as those of t4, as the scenario says"));
  EXPECT_FALSE(has_note(given, "p100"));

  write("pods.csv",
        "name,cpu_milli,memory_mib,num_gpu,gpu_milli,gpu_spec,qos,pod_phase,creation_time,"
        "deletion_time,scheduled_time\n"
        "a,1000,1,1,1000,T4,LS,Succeeded,0,10,0\n"
        "b,1000,1,1,500,,LS,Succeeded,0,10,0\n"
        "c,1000,1,1,500,V100M16|T4,LS,Succeeded,0,10,0\n");
  const Assembled openb = assembled(scenario("trace: pods.csv"));
  EXPECT_TRUE(has_note(openb, "run times of 1 jobs are taken as those of t4 ("));
  EXPECT_TRUE(has_note(openb, "does not tell on which device 2 of its jobs ran"));

  // Formats that are no public trace say nothing.
  EXPECT_FALSE(has_note(assembled(scenario(trace_)), "run times"));
}

TEST_F(Assembly, AJobRanOnTheDeviceThatItNames) {
  const Assembled a = assembled(scenario(trace_));
  // Jobs 1 and 2 name V100 and T4; the third does not tell, the fourth is after the period.
  ASSERT_EQ(a.setup.job_profile.size(), 4U);
  const auto reference = [&](std::size_t job) {
    return a.setup.profiles[static_cast<std::size_t>(a.setup.job_profile[job])].reference;
  };
  EXPECT_GE(reference(0), 0);
  EXPECT_GE(reference(1), 0);
  EXPECT_NE(reference(0), reference(1));
  EXPECT_EQ(reference(2), -1);
  EXPECT_TRUE(has_note(a, "on which device 1 of its jobs ran: they are as fast on each"));
}

TEST_F(Assembly, DevicesOfSeveralSpeedsNeedAReference) {
  const std::string text = scenario(
      "trace: dated.csv, zone: UTC, shift: {to: 2022-10-03}, "
      "columns: {id: id, submit: submit, run: run, gpus: gpus}");
  EXPECT_EQ(fault(text),
            "s.yaml:9:11: error: workload: expected reference_device, on which the run times were "
            "observed, got nothing: the partitions have t4, v100-sxm2-32gb, and their speeds "
            "differ");
}

constexpr const char* described =
    "trace: jobs.csv, columns: {id: id, submit: submit, run: run, gpus: gpus}, "
    "reference_device: v100-sxm2-32gb, ";

TEST_F(Assembly, AProfileWithAModelGivesSpeedAndPower) {
  const Assembled a = assembled(
      scenario(std::string(described) + "profiles: [{name: r, model: resnet-50, batch: 64}]"));
  ASSERT_EQ(a.setup.profiles.size(), 1U);
  EXPECT_EQ(a.setup.profiles[0].work, 0);
  EXPECT_EQ(a.setup.profiles[0].reference, 0);
  PlacementShape shape;
  shape.gpu_milli = 4000;
  const Watts none = watts(std::numeric_limits<double>::infinity());
  const float unmeasured = std::numeric_limits<float>::quiet_NaN();
  // Partition 0 has the reference, partition 1 a T4: slower, and it draws at most its 70 W.
  const OperatingPoint here = a.setup.model->query(0, 0, shape, unmeasured, none);
  const OperatingPoint there = a.setup.model->query(0, 1, shape, unmeasured, none);
  EXPECT_EQ(here.rate, 1.0);
  EXPECT_LT(there.rate, 0.6);
  EXPECT_LE(to_watts(there.gpu), 70.0);
  const auto is_model = [](const InputFile& f) {
    return f.role == "model" && f.report.path == "models/resnet50.yaml";
  };
  EXPECT_TRUE(std::any_of(a.inputs.begin(), a.inputs.end(), is_model));
}

TEST_F(Assembly, AMeasuredSpeedGoesBeforeTheDataSheet) {
  const Assembled a = assembled(scenario(
      std::string(described) +
      "profiles: [{name: r, utilization: 60 %, speed: {T4: 0.3, inferentia1: 2}}, {name: s}]"));
  const Watts none = watts(std::numeric_limits<double>::infinity());
  const float unmeasured = std::numeric_limits<float>::quiet_NaN();
  const auto asked = [&](std::int32_t profile, std::int32_t device) {
    return a.setup.model->query(profile, device, {1000, 1, 0}, unmeasured, none);
  };
  EXPECT_EQ(asked(0, 0).rate, 1.0);
  EXPECT_NEAR(asked(0, 1).rate, 0.3, 1e-15);
  EXPECT_NEAR(to_watts(asked(0, 1).gpu), 10 + 0.6 * (70 - 10), 1e-12);
  // sqrt(8.14/15.7 * 320/900)
  EXPECT_NEAR(asked(1, 1).rate, 0.4294, 1e-4);
  EXPECT_TRUE(has_note(
      a, "jobs of profile r run 0.3 times as fast on t4 as on v100-sxm2-32gb, as measured"));
  EXPECT_TRUE(has_note(a, "0.43 times as fast on t4"));
}

TEST_F(Assembly, SpeedsThatCannotBeMeant) {
  const auto with = [&](const std::string& workload, const std::string& profile) {
    return fault(scenario(workload + "profiles: [{name: r, " + profile + "}]"));
  };
  const auto says = [](const std::string& message, const char* text) {
    EXPECT_NE(message.find(text), std::string::npos) << message;
  };
  says(with(described, "speed: {t5: 1}"), "t5");
  says(with(described, "speed: {t4: 0}"), "s.yaml:9:");
  says(with(described, "speed: {v100-sxm2-32gb: 1}"), "expected another device than the reference");
  says(with(described, "model: resnet-50, batch: 64, speed: {t4: 1}"),
       "expected either 'speed' or 'model'");
  says(with("trace: jobs.csv, columns: {id: id, submit: submit, run: run, gpus: gpus, gpu_type: "
            "type}, ",
            "speed: {t4: 1}"),
       "expected workload.reference_device");
}

TEST_F(Assembly, FaultsOfDescribedJobsStandAtTheirProfile) {
  const auto with = [&](const std::string& profile) {
    return fault(scenario(std::string(described) + "profiles: [{name: p, " + profile + "}]"));
  };
  EXPECT_NE(with("model: bert-larg, batch: 8").find("did you mean 'bert-large'?"),
            std::string::npos);
  EXPECT_NE(with("model: bert-large").find("expected 'batch' beside a model"), std::string::npos);
  EXPECT_NE(with("batch: 8").find("batch: expected only beside 'model'"), std::string::npos)
      << with("batch: 8");
  EXPECT_NE(with("model: resnet50, batch: 8, phase: decode")
                .find("workload.profiles[0]: resnet50 generates no text"),
            std::string::npos);
  EXPECT_NE(with("model: resnet50, batch: 8, precision: fp8").find("has no fp8 units; it has"),
            std::string::npos);
  const std::string large = with("model: bert-large, batch: 4096");
  EXPECT_NE(large.find("a job of 1 GPUs needs "), std::string::npos) << large;
  EXPECT_NE(large.find("batch: "), std::string::npos) << "what would fit";
}

TEST_F(Assembly, AMixGivesProfilesAndClasses) {
  const Assembled a = assembled(scenario(std::string(described) + "mix: philly"));
  EXPECT_TRUE(has_note(a, "jobs are those of the mix philly (Jeon et al."));
  ASSERT_EQ(a.setup.job_class.size(), 4U);
  const auto utilization = [&](std::size_t job) {
    return a.setup.profiles[static_cast<std::size_t>(a.setup.job_profile[job])].utilization;
  };
  EXPECT_EQ(utilization(0), 0.5238);  // 1 GPU
  EXPECT_EQ(utilization(1), 0.4518);  // 4 GPUs
  EXPECT_EQ(utilization(2), 0.5899);  // 8 GPUs
  const std::string both =
      fault(scenario(std::string(described) + "mix: philly, classes: [{name: all}]"));
  EXPECT_NE(both.find("expected either a mix, or profiles and classes of your own"),
            std::string::npos)
      << both;
  EXPECT_NE(fault(scenario(std::string(described) + "mix: phily")).find("did you mean 'philly'?"),
            std::string::npos);
}

TEST_F(Assembly, GpuHoursTellJobsApart) {
  // 100 s, 400 s, 400 s and 400 s of GPU time.
  const Assembled a = assembled(
      scenario(std::string(described) +
               "classes: [{name: small, match: {gpu_hours: {max: 0.05}}}, {name: large}]"));
  EXPECT_EQ(a.setup.job_class, (std::vector<std::int16_t>{0, 1, 1, 1}));
}

TEST_F(Assembly, TimesTellJobsApart) {
  write(
      "limits.csv",
      "id,submit,run,gpus,limit\n1,0,3600,1,7200\n2,1,3599,1,7201\n3,2,60,1,\n4,3,7200,8,14400\n");
  const auto classes = [&](const std::string& match) {
    return assembled(
               scenario("trace: limits.csv, format: csv, reference_device: t4, columns: {id: id, "
                        "submit: submit, run: run, gpus: gpus, limit: limit}, shift: {to: "
                        "2022-10-03}, classes: [{name: a, match: " +
                        match + "}]"))
        .setup.job_class;
  };
  using Classes = std::vector<std::int16_t>;
  // From min to below max.
  EXPECT_EQ(classes("{run: {min: 1 min, max: 1 h}}"), (Classes{-1, 0, 0, -1}));
  EXPECT_EQ(classes("{run: {min: 1 h}}"), (Classes{0, -1, -1, 0}));
  // The third asked for no limit.
  EXPECT_EQ(classes("{limit: {max: 7201 s}}"), (Classes{0, -1, -1, -1}));
  EXPECT_EQ(classes("{limit: {min: 2 h}}"), (Classes{0, 0, -1, 0}));
  EXPECT_EQ(classes("{limit: {min: 2 h}, run: {max: 1 h}}"), (Classes{-1, 0, -1, -1}));
}

TEST(ReferenceDevices, AreInTheCatalogue) {
  for (const ReferenceDevice& row : reference_devices()) {
    EXPECT_EQ(catalog().device(row.device).device.id, row.device);
  }
}

constexpr const char* cap_workload =
    "trace: jobs.csv, format: csv, reference_device: t4, "
    "columns: {id: id, submit: submit, run: run, gpus: gpus}, "
    "shift: {to: 2022-10-03}";

TEST_F(Assembly, ACapOutsideARangeIsNamedWhereTheScenarioSetsIt) {
  const std::string low =
      fault(scenario(cap_workload) + "policies: {cap: {fixed: {limit: 65 W}}}\n");
  EXPECT_NE(low.find("s.yaml:10:"), std::string::npos) << low;
  EXPECT_NE(low.find("expected 150 to 300 W, the range of v100-sxm2-32gb, got 65 W"),
            std::string::npos)
      << low;
  EXPECT_EQ(low.find("range of t4"), std::string::npos) << "65 W is legal there";
  const Assembled clamped = assembled(scenario(cap_workload) +
                                      "policies: {cap: {fixed: {limit: 65 W, outside: clamp}}}\n");
  EXPECT_EQ(clamped.setup.policies[static_cast<std::size_t>(Question::cap)].name, "fixed");
}

TEST_F(Assembly, BudgetsByHourAndEvent) {
  const Assembled a = assembled(
      scenario("trace: jobs.csv, format: csv, reference_device: t4, columns: {id: id, submit: "
               "submit, run: "
               "run, gpus: gpus}",
               "    budget: {power: 9 kW, of: it, hours: [{from: \"22:00\", to: \"01:30\", power: "
               "8 kW}], spans: "
               "[{from: 2022-10-03T05:00:00Z, to: 2022-10-03T07:00:00Z, power: 7 kW}]}\n") +
      "policies: {cap: budget}\n");
  const PowerBudget& budget = *a.setup.sites[0].budget;
  EXPECT_TRUE(budget.of_it);
  // Midnight in Chicago is 05:00Z.
  const auto at = [&](double hour) { return budget.watts.at(SimTime::from_seconds(hour * 3600)); };
  EXPECT_EQ(at(0), 9000.0);
  EXPECT_EQ(at(2.99), 9000.0);
  EXPECT_EQ(at(3), 8000.0);  // 22:00
  EXPECT_EQ(at(5), 7000.0);  // the event goes before the hours
  EXPECT_EQ(at(6.9), 7000.0);
  EXPECT_EQ(at(7), 9000.0);
  EXPECT_EQ(at(27), 8000.0);  // the next day
}

const std::string plain_jobs =
    "trace: jobs.csv, format: csv, reference_device: t4, columns: {id: id, submit: submit, run: "
    "run, "
    "gpus: gpus}";

TEST_F(Assembly, ABudgetFromAFile) {
  write("limits.csv",
        "time,note,contract (kW)\n"
        "2022-10-02T18:00:00Z,night,6\n2022-10-03T00:00:00Z,,6\n2022-10-03T06:00:00Z,,7.5\n"
        "2022-10-03T12:00:00Z,,7.5\n2022-10-03T18:00:00Z,,9\n2022-10-04T00:00:00Z,,9\n"
        "2022-10-04T06:00:00Z,,8\n");
  const auto with = [&](const std::string& more) {
    return assembled(scenario(plain_jobs,
                              "    budget: {power: {file: limits.csv, format: csv, "
                              "column: contract (kW)" +
                                  more + "}\n") +
                     "policies: {cap: budget}\n");
  };
  const Assembled a = with("}");
  const auto at = [](const Assembled& of, double hour) {
    return of.setup.sites[0].budget->watts.at(SimTime::from_seconds(hour * 3600));
  };
  EXPECT_EQ(at(a, 0), 6000.0);
  EXPECT_EQ(at(a, 5.99), 6000.0);
  EXPECT_EQ(at(a, 6), 7500.0);
  EXPECT_EQ(at(a, 18), 9000.0);
  EXPECT_EQ(at(a, 30), 8000.0);
  EXPECT_EQ(at(a, 300), 8000.0) << "the last limit holds behind the period";
  const InputFile* input = input_of(a, "budget");
  ASSERT_NE(input, nullptr);
  EXPECT_EQ(input->report.rows, 7U);

  // Hours and spans go before it.
  const Assembled b = with(
      "}, hours: [{from: \"02:00\", to: \"03:00\", power: 6.5 kW}], spans: [{from: "
      "2022-10-03T05:00:00Z, to: 2022-10-03T07:30:00Z, power: 7 kW}]");
  EXPECT_EQ(at(b, 4.9), 6000.0);
  EXPECT_EQ(at(b, 6.5), 7000.0);
  EXPECT_EQ(at(b, 7.5), 6500.0) << "02:30 in Chicago";
  EXPECT_EQ(at(b, 8), 7500.0);
}

TEST_F(Assembly, BudgetFilesThatDoNotDo) {
  const auto refused = [&](const std::string& text, const std::string& more = "") {
    write("limits.csv", text);
    return fault(
        scenario(plain_jobs, "    budget: {power: {file: limits.csv, format: csv" + more + "}}\n") +
        "policies: {cap: budget}\n");
  };
  const auto says = [](const std::string& message, const char* text) {
    EXPECT_NE(message.find(text), std::string::npos) << message;
  };
  const std::string rows = "\n2022-10-03T00:00:00Z,9\n2022-10-04T00:00:00Z,9\n";
  says(refused("time,limit" + rows), "limits.csv:1:");
  says(refused("time,limit" + rows),
       "expected a unit such as 'W', 'kW' or 'MW' for column 'limit'");
  EXPECT_EQ(refused("time,limit" + rows, ", unit: kW"), "accepted");
  says(refused("time,limit (USD/MWh)" + rows), "expected a unit of power, got 'USD/MWh'");
  says(refused("time,limit (kW),old (kW)\n2022-10-03T00:00:00Z,9,9\n"), "column: which column");
  says(refused("time,limit (kW)\n2022-10-03T00:00:00Z,9\n2022-10-03T01:00:00Z,-1\n"
               "2022-10-04T00:00:00Z,9\n"),
       "limits.csv:3:22: error: limit (kW): expected a number >= 0, got '-1'");
  says(refused("time,limit (kW)\n2022-10-03T00:00:00Z,9\n2022-10-03T06:00:00Z,9\n"),
       "expected a series that covers the period");
  const std::string low = refused(
      "time,limit (W)\n2022-10-03T00:00:00Z,9000\n2022-10-03T12:00:00Z,9\n"
      "2022-10-04T00:00:00Z,9\n");
  says(low, "which the site draws with nothing running 43200 s after");
  fs::remove(folder_ / "limits.csv");
  says(fault(scenario(plain_jobs, "    budget: {power: {file: limits.csv}}\n") +
             "policies: {cap: budget}\n"),
       "limits.csv: error: the file does not exist");
}

TEST_F(Assembly, BudgetsThatCannotBeKept) {
  const std::string jobs =
      "trace: jobs.csv, format: csv, reference_device: t4, columns: {id: id, submit: submit, run: "
      "run, gpus: gpus}";
  const auto refused = [&](const std::string& budget, const std::string& policies) {
    return fault(scenario(jobs, budget) + policies);
  };
  EXPECT_NE(refused("    budget: {power: 9 kW}\n", "").find("expected policies.cap: budget"),
            std::string::npos);
  EXPECT_NE(refused("", "policies: {cap: budget}\n").find("expected a site with a 'budget'"),
            std::string::npos);
  const std::string low =
      refused("    budget: {power: 9 kW, hours: [{from: \"10:00\", to: \"11:00\", power: 1 W}]}\n",
              "policies: {cap: budget}\n");
  EXPECT_NE(low.find("s.yaml:9:"), std::string::npos) << low;
  EXPECT_NE(low.find("which the site draws with nothing running"), std::string::npos) << low;
  const std::string empty =
      refused("    budget: {power: 9 kW, hours: [{from: \"10:00\", to: \"10:00\", power: 8 kW}]}\n",
              "policies: {cap: budget}\n");
  EXPECT_NE(empty.find("expected 'from' and 'to' to differ"), std::string::npos) << empty;
  const std::string back = refused(
      "    budget: {power: 9 kW, spans: [{from: 2022-10-03T07:00:00Z, to: 2022-10-03T05:00:00Z, "
      "power: 8 kW}]}\n",
      "policies: {cap: budget}\n");
  EXPECT_NE(back.find("an instant after 'from'"), std::string::npos) << back;
}

TEST_F(Assembly, PausesNeedJobsThatMayBePaused) {
  const auto with = [](const std::string& classes) {
    return scenario(
        "trace: jobs.csv, format: csv, reference_device: t4, columns: {id: id, submit: submit, "
        "run: run, gpus: gpus}, classes: [" +
            classes + "]",
        "    carbon: 400 gCO2e/kWh\n");
  };
  const std::string pause = "policies: {pause: above-threshold}\n";
  EXPECT_NE(fault(with("{name: a}") + pause).find("a class of jobs with 'pausable'"),
            std::string::npos);
  EXPECT_EQ(fault(with("{name: a, pausable: {}}") + pause), "accepted");
  // A plan and a policy for the same jobs.
  const std::string both =
      "policies: {timing: lowest-carbon-interruptible, pause: above-threshold}\n";
  EXPECT_NE(fault(with("{name: a, slack: 1 h, pausable: {}}") + both)
                .find("the timing policy plans the pauses of those jobs"),
            std::string::npos);
  EXPECT_EQ(
      fault(with("{name: a, match: {share: 50 %}, slack: 1 h}, {name: b, pausable: {}}") + both),
      "accepted");
  const std::string costs =
      fault(with("{name: a, pausable: {restart: {energy_per_gpu: 5 kJ}}}") + pause);
  EXPECT_NE(costs.find("because energy_per_gpu is above 0"), std::string::npos) << costs;
  const std::string two =
      fault(with("{name: a, pausable: {every: 10 min, checkpoint: {time: 5 s}}}") + pause);
  EXPECT_NE(two.find("expected either 'checkpoint' or 'every', not both"), std::string::npos)
      << two;
  const Assembled a = assembled(
      with("{name: a, pausable: {checkpoint: {time: 1 min, energy_per_gpu: 6 kJ}}}") + pause);
  EXPECT_EQ(a.setup.class_traits[0].pausable->checkpoint_s, 60.0);
  EXPECT_NEAR(a.setup.class_traits[0].pausable->checkpoint_j, 6000.0, 1e-9);
}

}  // namespace
}  // namespace nightwatt
