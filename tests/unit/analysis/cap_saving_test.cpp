#include "analysis/cap_saving.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <numeric>
#include <string>
#include <vector>

#include "analysis/comparison.hpp"
#include "scenarios/assemble.hpp"
#include "scenarios/scenario.hpp"
#include "sim/engine/test_engine.hpp"
#include "sim/simulation.hpp"
#include "tests/unit/timeline/sample_result.hpp"
#include "traces/diagnostics.hpp"

namespace nightwatt {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

/// Runs of a scenario of a day, with carbon that changes by the hour and a trace of a few jobs.
class CapSavingOf : public testing::Test {
 protected:
  CapSavingOf() {
    write("jobs.csv",
          "id,submit,run,gpus,part,util\n"
          "1,0,7000,8,plain,0.93\n"
          "2,1800,20000,1,plain,0.61\n"
          "3,3600,12345,16,plain,1\n"
          "4,5000,3000,4,other,0.77\n"
          "5,50000,40000,2,plain,0.25\n");  // ends under the cap on the next day
    std::string carbon = "time,carbon (gCO2e/kWh)\n";
    for (int hour = 0; hour < 72; ++hour) {
      carbon += "2022-10-0" + std::to_string(3 + hour / 24) + "T" + (hour % 24 < 10 ? "0" : "") +
                std::to_string(hour % 24) + ":00:00Z," + std::to_string(200 + 37 * hour % 400) +
                "\n";
    }
    write("carbon.csv", carbon);
  }

  void write(const std::string& name, const std::string& text) const {
    std::ofstream(folder_.path() / name) << text;
  }

  /// A scenario with room for all jobs; `profiles` is a part of its workload.
  fs::path run(const std::string& name, const std::string& cap, const std::string& profiles,
               int nodes = 4) const {
    write(name + ".yaml",
          "name: " + name +
              "\n"
              "period: {start: 2022-10-03T00:00:00Z, end: 2022-10-04T00:00:00Z}\n"
              "sites:\n"
              "  - name: here\n"
              "    partitions:\n"
              "      - {name: plain, nodes: " +
              std::to_string(nodes) +
              ", device: v100-pcie-32gb, gpus_per_node: 8, host: {idle: 300 W, active_per_gpu: 25 "
              "W}}\n"
              "      - {name: other, nodes: 1, device: a100-pcie-40gb, gpus_per_node: 8}\n"
              "    facility: {pue: 1.4}\n"
              "    carbon: {file: carbon.csv, format: csv}\n"
              "    price: 80 EUR/MWh\n"
              "workload:\n"
              "  trace: jobs.csv\n"
              "  format: csv\n"
              "  columns: {id: id, submit: submit, run: run, gpus: gpus, queue: part" +
              columns_ +
              "}\n"
              "  partitions: {plain: plain, other: other}\n"
              "  reference_device: v100-pcie-32gb\n" +
              profiles + "policies: {cap: " + cap + "}\n");
    const Loaded loaded = load_scenario((folder_.path() / (name + ".yaml")).string());
    const Assembled assembled = assemble(loaded);
    const auto engine = make_test_engine();
    RunResult result = simulate(assembled.setup, *engine, {});
    stamp(loaded, assembled, result);
    const fs::path file = folder_.path() / (name + ".h5");
    write_timeline(result, file);
    return file;
  }

  static CapSaving saving(const fs::path& file, const CapChoice& choice) {
    const TimelineFile timeline = read_timeline(file);
    std::vector<std::size_t> rows(timeline.job_count());
    std::iota(rows.begin(), rows.end(), 0U);
    return cap_saving(timeline, rows, choice, {0.0, 0.5});
  }

  /// The answer against what two runs say, in which no job waits.
  void expect_as_simulated(const std::string& profiles) const {
    const fs::path base = run("base", "none", profiles);
    const fs::path capped = run("capped", "{fixed: {limit: 150 W}}", profiles);
    const CapSaving told = saving(base, {watts(150), 0.0});
    EXPECT_EQ(told.jobs, 5U);
    EXPECT_GT(told.slowed, 0U);
    EXPECT_EQ(told.waited, 0U);
    EXPECT_THAT(told.notes, testing::IsEmpty());
    const Comparison comparison = compare_runs({base, capped});
    const GroupDifference& total = comparison.runs.front().total;
    const auto near = [&](const char* section, const char* key, double value) {
      const FigureDifference* figure = total.find(section, key);
      ASSERT_NE(figure, nullptr) << section << ' ' << key;
      ASSERT_NE(figure->difference(), 0.0) << section << ' ' << key;
      // Utilizations are kept as float, cut at 24 bits: powers to 1e-7 of themselves, of which the
      // differences are a few hundredths at least.
      EXPECT_NEAR(value / figure->difference(), 1.0, 2e-5) << section << ' ' << key;
    };
    near("booked", "jobs_it_energy_j", told.jobs_it_j);
    near("horizon", "it_energy_j", told.it_j);
    near("horizon", "facility_energy_j", told.change[0].facility_j);
    near("horizon", "carbon_g", told.change[0].carbon_g);
    near("horizon", "cost", told.change[0].cost);
    near("horizon_fixed_share_0.5", "facility_energy_j", told.change[1].facility_j);
    near("horizon_fixed_share_0.5", "carbon_g", told.change[1].carbon_g);
    near("horizon_fixed_share_0.5", "cost", told.change[1].cost);
    near("jobs", "mean_jct_s", told.completion_s);
  }

  sample::TemporaryFolder folder_;
  std::string columns_;  ///< further ones of the trace
};

TEST_F(CapSavingOf, JobsByUtilizationAsSimulated) {
  expect_as_simulated(
      "  profiles:\n"
      "    - {name: heavy, utilization: 0.95}\n"
      "    - {name: light, utilization: 0.3}\n"
      "  classes: [{name: light, match: {share: 0.4}, profile: light}]\n");
}

TEST_F(CapSavingOf, JobsWithAUtilizationOfTheirOwnAsSimulated) {
  columns_ = ", utilization: util";
  expect_as_simulated("");
}

TEST_F(CapSavingOf, JobsByModelAsSimulated) {
  expect_as_simulated(
      "  profiles: [{name: vision, model: resnet50, phase: training, batch: 64}]\n");
}

TEST_F(CapSavingOf, AShareOfEachDevicesHighest) {
  const fs::path base = run("base", "none", "");
  const CapSaving told = saving(base, {{}, 0.6});
  EXPECT_THAT(told.limits, testing::UnorderedElementsAre(
                               std::pair<std::string, Watts>{"v100-pcie-32gb", watts(150)},
                               std::pair<std::string, Watts>{"a100-pcie-40gb", watts(150)}));
  // The highest limit is that without a cap.
  const CapSaving none = saving(base, {{}, 1.0});
  EXPECT_EQ(none.slowed, 0U);
  EXPECT_NEAR(none.it_j, 0.0, 1e-6 * none.jobs_it_of_j);
}

TEST_F(CapSavingOf, JobsThatWaitAreCounted) {
  const CapSaving told = saving(run("base", "none", "", 2), {watts(150), 0.0});
  EXPECT_EQ(told.waited, 1U);  // the 16 GPUs of job 3
}

TEST_F(CapSavingOf, WhatCannotBeTold) {
  const fs::path base = run("base", "none", "");
  const auto message = [](const fs::path& file, const CapChoice& choice) -> std::string {
    try {
      (void)saving(file, choice);
    } catch (const InputError& error) {
      return error.what();
    }
    return "no error";
  };
  EXPECT_THAT(message(base, {watts(60), 0.0}),
              HasSubstr("--cap: expected 100 W to 250 W for v100-pcie-32gb, got 60 W"));
  EXPECT_THAT(message(run("capped", "{fixed: {limit: 150 W}}", ""), {watts(150), 0.0}),
              HasSubstr("had power caps itself"));
}

}  // namespace
}  // namespace nightwatt
