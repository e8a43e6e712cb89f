#include "traces/dependency_graph.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <random>
#include <string>
#include <utility>

#include "traces/diagnostics.hpp"

namespace nightwatt {
namespace {

using testing::ElementsAre;

/// `count` jobs with the ids 100, 101, ... in the lines 11, 12, ... of week.swf.
Workload workload(std::uint32_t count,
                  const std::vector<std::pair<std::uint32_t, std::uint32_t>>& waits_for) {
  Workload made;
  for (std::uint32_t i = 0; i < count; ++i) {
    Job job;
    job.id = 100 + i;
    job.row = 11 + i;
    made.jobs.push_back(job);
  }
  for (const auto& [job, on] : waits_for) made.dependencies.push_back({job, on, 0.0});
  std::sort(made.dependencies.begin(), made.dependencies.end(),
            [](const Dependency& a, const Dependency& b) {
              return std::pair(a.job, a.on) < std::pair(b.job, b.on);
            });
  made.reports.emplace_back().path = "week.swf";
  return made;
}

std::string fault_of(const Workload& of) {
  try {
    check_dependencies(of);
  } catch (const InputError& fault) {
    return fault.what();
  }
  return "no fault";
}

/// Every job once, and after all that it waits for.
void expect_order(const Workload& of) {
  const std::vector<std::uint32_t> order = dependency_order(of);
  ASSERT_EQ(order.size(), of.jobs.size());
  std::vector<std::uint32_t> place(order.size(), 0xffffffffU);
  for (std::uint32_t i = 0; i < order.size(); ++i) place[order[i]] = i;
  for (const std::uint32_t at : place) ASSERT_LT(at, order.size());
  for (const Dependency& d : of.dependencies) ASSERT_LT(place[d.on], place[d.job]);
}

TEST(DependencyGraph, JobsComeAfterWhatTheyWaitFor) {
  EXPECT_THAT(dependency_order(workload(0, {})), ElementsAre());
  EXPECT_THAT(dependency_order(workload(3, {})), ElementsAre(0, 1, 2));
  EXPECT_THAT(dependency_order(workload(3, {{0, 1}, {1, 2}})), ElementsAre(2, 1, 0));
  // A diamond, its lines given twice: 0 waits for 1 and 2, both for 3.
  expect_order(workload(4, {{0, 1}, {0, 2}, {1, 3}, {2, 3}, {0, 1}, {0, 2}}));
  EXPECT_EQ(fault_of(workload(4, {{0, 1}, {0, 2}, {1, 3}, {2, 3}})), "no fault");
}

TEST(DependencyGraph, ARingIsPrintedWithFileAndLine) {
  // 4 waits for the ring 1 -> 3 -> 2 -> 1 and is not part of it; nor is 0, for which 3 waits.
  EXPECT_EQ(fault_of(workload(5, {{4, 3}, {1, 3}, {3, 2}, {3, 0}, {2, 1}})),
            "week.swf:12: error: dependencies: expected no job to wait for itself, got the ring "
            "101 -> 103 -> 102 -> 101 (each job waits for the next)");
}

TEST(DependencyGraph, AJobThatWaitsForItself) {
  EXPECT_EQ(fault_of(workload(2, {{1, 1}})),
            "week.swf:12: error: dependencies: expected no job to wait for itself, got the ring "
            "101 -> 101 (each job waits for the next)");
}

TEST(DependencyGraph, EveryEntangledSetIsNamedOnce) {
  const std::string text =
      fault_of(workload(8, {{0, 1}, {1, 0}, {2, 3}, {3, 4}, {4, 2}, {4, 3}, {5, 0}, {6, 6}}));
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 2);
  EXPECT_THAT(text, testing::HasSubstr("week.swf:11: "));
  EXPECT_THAT(text, testing::HasSubstr("100 -> 101 -> 100"));
  EXPECT_THAT(text, testing::HasSubstr("106 -> 106"));
}

TEST(DependencyGraph, TextIdsAreShownSafely) {
  Workload made = workload(2, {{0, 1}, {1, 0}});
  made.ids_are_text = true;
  made.jobs[0].id = made.text_ids.intern("w0!a\x1b[31m");
  made.jobs[1].id = made.text_ids.intern("b");
  made.reports.clear();  // made by hand: no file to name
  const std::string text = fault_of(made);
  EXPECT_EQ(text.find('\x1b'), std::string::npos);
  EXPECT_THAT(text, testing::StartsWith("error: dependencies: "));
  EXPECT_THAT(text, testing::HasSubstr(" -> b -> w0!a"));
}

TEST(DependencyGraph, LongRingsAreCutShort) {
  std::vector<std::pair<std::uint32_t, std::uint32_t>> waits_for;
  constexpr std::uint32_t count = 1'000'000;
  for (std::uint32_t i = 0; i < count; ++i) waits_for.emplace_back(i, (i + 1) % count);
  const std::string text = fault_of(workload(count, waits_for));
  EXPECT_THAT(text, testing::HasSubstr("100 -> 101 -> "));
  EXPECT_THAT(text, testing::HasSubstr(" -> 119 -> (999980 more) -> 100 (each"));
  EXPECT_LT(text.size(), 400u);
}

TEST(DependencyGraph, AMillionDependencies) {
  // One long chain: nothing here may recurse.
  std::vector<std::pair<std::uint32_t, std::uint32_t>> chain;
  for (std::uint32_t i = 0; i + 1 < 1'000'001; ++i) chain.emplace_back(i, i + 1);
  expect_order(workload(1'000'001, chain));
  // Random ones, always on an earlier place of a shuffled order.
  std::mt19937_64 random(1);
  std::vector<std::uint32_t> shuffled(300'000);
  std::iota(shuffled.begin(), shuffled.end(), 0U);
  for (std::size_t i = shuffled.size(); i-- > 1;) {
    std::swap(shuffled[i], shuffled[random() % (i + 1)]);
  }
  std::vector<std::pair<std::uint32_t, std::uint32_t>> web;
  while (web.size() < 1'000'000) {
    const std::size_t a = random() % shuffled.size(), b = random() % shuffled.size();
    if (a < b) web.emplace_back(shuffled[b], shuffled[a]);
  }
  expect_order(workload(300'000, web));
}

TEST(DependencyGraph, RandomGraphsAreJudgedRight) {
  // Against removal of jobs that wait for nobody, until none is left or none can go.
  std::mt19937_64 random(2);
  int rings = 0;
  for (int round = 0; round < 300; ++round) {
    const auto count = static_cast<std::uint32_t>(2 + random() % 8);
    std::vector<std::pair<std::uint32_t, std::uint32_t>> waits_for;
    for (std::uint64_t i = random() % (count + 2); i-- > 0;) {
      waits_for.emplace_back(random() % count, random() % count);
    }
    const Workload made = workload(count, waits_for);
    std::vector<bool> gone(count, false);
    std::uint32_t left = count;
    for (bool changed = true; std::exchange(changed, false);) {
      for (std::uint32_t job = 0; job < count; ++job) {
        const bool waits = std::any_of(waits_for.begin(), waits_for.end(), [&](const auto& edge) {
          return edge.first == job && !gone[edge.second];
        });
        if (!gone[job] && !waits) {
          gone[job] = changed = true;
          --left;
        }
      }
    }
    if (left == 0) {
      expect_order(made);
    } else {
      ++rings;
      ASSERT_THROW(check_dependencies(made), InputError);
    }
  }
  EXPECT_GT(rings, 50);
  EXPECT_LT(rings, 250);
}

}  // namespace
}  // namespace nightwatt
