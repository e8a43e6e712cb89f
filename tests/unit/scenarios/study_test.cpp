#include "scenarios/study.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <set>
#include <string>

namespace nightwatt {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

constexpr const char* scenario = R"(name: one day
period: {start: 2022-10-03T00:00:00Z, end: 2022-10-04T00:00:00Z}
seed: 7
sites:
  - name: lab
    partitions: [{name: gpu, nodes: 4, device: a100-sxm4-80gb, gpus_per_node: 8}]
    facility: {pue: 1.3}
workload: {synthetic: {load: 70 %}}
)";

std::string fault(std::string_view text) {
  try {
    parse_study(text, "s.yaml");
  } catch (const InputError& e) {
    return e.what();
  }
  return "accepted";
}

class StudyRuns : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = fs::path(testing::TempDir()) /
              ("nightwatt-study-" +
               std::string(testing::UnitTest::GetInstance()->current_test_info()->name()));
    fs::create_directories(folder_);
    std::ofstream(folder_ / "base.yaml") << scenario;
  }
  void TearDown() override { fs::remove_all(folder_); }

  std::vector<StudyRun> runs(const std::string& text) {
    study = parse_study(text, (folder_ / "s.yaml").string());
    return study_runs(study);
  }
  std::string refused(const std::string& text) {
    try {
      (void)runs(text);
    } catch (const InputError& e) {
      return e.what();
    }
    return "accepted";
  }

  Study study;
  fs::path folder_;
};

TEST_F(StudyRuns, TheFirstAxisVariesSlowestAndSeedsFastest) {
  const auto all = runs(R"(name: n
scenario: base.yaml
set: {output.timeline: 1 h}
grid:
  policies.order: [fcfs, sjf]
  size:
    small: {}
    large:
      sites[0].partitions[0].nodes: 16
      sites[0].facility.pue: 1.1
seeds: [3, 1]
)");
  ASSERT_EQ(all.size(), 8U);
  EXPECT_EQ(all[0].title(study), "policies.order = fcfs, size = small, seed 3");
  EXPECT_EQ(all[1].title(study), "policies.order = fcfs, size = small, seed 1");
  EXPECT_EQ(all[2].title(study), "policies.order = fcfs, size = large, seed 3");
  EXPECT_EQ(all[7].title(study), "policies.order = sjf, size = large, seed 1");
  const Scenario& last = all[7].loaded.scenario;
  EXPECT_EQ(last.policies.order.name, "sjf");
  EXPECT_EQ(last.sites[0].partitions[0].nodes, 16);
  EXPECT_EQ(last.sites[0].facility.pue.constant, 1.1);
  EXPECT_EQ(to_seconds(last.output.timeline), 3600.0);
  EXPECT_EQ(last.seed, 1U);
  EXPECT_EQ(all[0].loaded.scenario.sites[0].partitions[0].nodes, 4);

  // Exactly the scenario that `run --set` would make.
  const Loaded by_hand =
      load_scenario((folder_ / "base.yaml").string(),
                    {.set = {"output.timeline=1 h", "policies.order=sjf",
                             "sites[0].partitions[0].nodes=16", "sites[0].facility.pue=1.1"},
                     .seed = 1});
  EXPECT_EQ(all[7].loaded.canonical_yaml, by_hand.canonical_yaml);

  std::set<std::string> names;
  for (const StudyRun& run : all) {
    EXPECT_THAT(run.name, testing::EndsWith(run.loaded.sha256.substr(0, 12)));
    names.insert(run.name);
  }
  EXPECT_EQ(names.size(), 8U);
  EXPECT_EQ(all[7].name.substr(0, 13), "sjf_large_s1_");
}

TEST_F(StudyRuns, SeedsAreThoseOfTheScenarioOrCounted) {
  const auto one = runs("name: n\nscenario: base.yaml\ngrid: {policies.order: [fcfs]}\n");
  ASSERT_EQ(one.size(), 1U);
  EXPECT_EQ(one[0].seed, 7U);
  EXPECT_EQ(study.seeds, std::vector<std::uint64_t>{7});
  const auto three = runs("name: n\nscenario: base.yaml\ngrid: {}\nseeds: 3\n");
  ASSERT_EQ(three.size(), 3U);
  EXPECT_EQ(three[2].seed, 3U);
  EXPECT_EQ(three[2].loaded.scenario.seed, 3U);
}

TEST_F(StudyRuns, NamesHoldWhatFilesMay) {
  const auto all = runs(
      "name: n\nscenario: base.yaml\ngrid:\n"
      "  policies.cap: [{fixed: {limit: 300 W}}]\n"
      "  '../x': {'a/b': {}, '..': {}}\n");
  EXPECT_EQ(all[0].name.substr(0, 23), "fixed-limit-300-W_a-b_s");
  EXPECT_EQ(all[1].name.substr(0, 18), "fixed-limit-300-W_");
  for (const StudyRun& run : all) EXPECT_EQ(run.name.find('/'), std::string::npos);
}

TEST_F(StudyRuns, FaultsOfValuesStandInTheStudyOnce) {
  const std::string file = (folder_ / "s.yaml").string();
  EXPECT_EQ(refused("name: n\nscenario: base.yaml\ngrid:\n"
                    "  policies.order: [fcfs, fcs]\n  policies.backfill: [none, easy]\nseeds: 2\n"),
            file +
                ":4:26: error: policies.order: expected one of deadline, fair-share, fcfs, "
                "priority, replay, sjf, got 'fcs' (did you mean 'fcfs'?)");
  EXPECT_EQ(refused("name: n\nscenario: base.yaml\ngrid:\n  size:\n    big:\n"
                    "      sites[3].name: x\n"),
            file + ":6:12: error: sites[3].name: sites has 1 entries, counted from 0");
  EXPECT_THAT(refused("name: n\nscenario: none.yaml\ngrid: {}\n"), HasSubstr("none.yaml"));
}

TEST(Study, RefusesWhatIsNoStudy) {
  EXPECT_EQ(fault("name: n\nscenario: b.yaml\n"),
            "s.yaml:1:1: error: missing key 'grid': expected a mapping of keys of the scenario to "
            "lists of values, as {policies.backfill: [none, easy]}");
  EXPECT_EQ(fault("name: n\nscenario: b.yaml\ngrid: {a: 3}\n"),
            "s.yaml:3:11: error: grid.a: expected a list of values, or a mapping of names to what "
            "they change, got '3'");
  EXPECT_EQ(fault("name: n\nscenario: b.yaml\ngrid: {a: []}\n"),
            "s.yaml:3:11: error: grid.a: expected at least one value, got none");
  EXPECT_EQ(fault("name: n\nscenario: b.yaml\ngrid: {a: [1, 2, 1]}\n"),
            "s.yaml:3:18: error: grid.a: '1' stands twice");
  EXPECT_EQ(fault("name: n\nscenario: b.yaml\ngrid: {a: {x: 3}}\n"),
            "s.yaml:3:15: error: grid.a.x: expected a mapping of keys of the scenario to values, "
            "as {policies.cap: none}, got '3'");
  EXPECT_EQ(fault("name: n\nscenario: b.yaml\ngrid: {seed: [1, 2]}\n"),
            "s.yaml:3:8: error: grid: seeds stand beside the grid: 'seeds: 5'");
  EXPECT_EQ(fault("name: n\nscenario: b.yaml\ngrid: {}\nseeds: [1, 1]\n"),
            "s.yaml:4:12: error: seeds[1]: seed 1 stands twice");
  EXPECT_EQ(fault("name: n\nscenario: b.yaml\ngrid: {}\nseeds: 0\n"),
            "s.yaml:4:8: error: seeds: expected a whole number between 1 and 10000, got '0'");
  EXPECT_EQ(fault("name: n\nscenario: b.yaml\ngrid: {}\nsed: 1\n"),
            "s.yaml:4:1: error: unknown key 'sed'; did you mean 'set'?");
  std::string wide = "name: n\nscenario: b.yaml\ngrid:\n";
  for (const char* axis : {"a", "b", "c"}) {
    wide += std::string("  ") + axis + ": [";
    for (int i = 0; i < 100; ++i) wide += std::to_string(i) + ", ";
    wide += "x]\n";
  }
  EXPECT_THAT(fault(wide), HasSubstr("expected at most 100000 runs, got 1030301"));
}

}  // namespace
}  // namespace nightwatt
