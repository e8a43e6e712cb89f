#include "analysis/study/study_figures.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include "traces/diagnostics.hpp"

namespace nightwatt {
namespace {

constexpr double nan = std::numeric_limits<double>::quiet_NaN();

StudyIndex grid(std::vector<IndexAxis> axes, std::vector<std::int64_t> seeds,
                std::vector<double> carbon) {
  StudyIndex index;
  index.axes = std::move(axes);
  index.seeds = std::move(seeds);
  index.metrics = {{"carbon_g", "g", "carbon", std::move(carbon)}};
  for (std::size_t r = 0; r < index.runs(); ++r) {
    const bool failed = std::isnan(index.metrics[0].values[r]);
    index.files.push_back(failed ? "" : "runs/" + std::to_string(r) + ".h5");
  }
  return index;
}

TEST(Sensitivity, ByHand) {
  // Two axes of two values, two seeds. Means of the points: 10, 14, 20, 28; of all: 18.
  const StudyIndex index =
      grid({{"a", {"x", "y"}}, {"b", {"u", "v"}}}, {1, 2}, {9, 11, 13, 15, 19, 21, 27, 29});
  const Sensitivity found = sensitivity(index, index.metrics[0]);
  EXPECT_DOUBLE_EQ(found.mean, 18.0);
  EXPECT_EQ(found.axes[0].means, (std::vector<double>{12.0, 24.0}));
  EXPECT_EQ(found.axes[1].means, (std::vector<double>{15.0, 21.0}));
  // Mean squares: a 36, b 9, their combination 1, seeds 1; together 47.
  EXPECT_DOUBLE_EQ(found.axes[0].share, 36.0 / 47.0);
  EXPECT_DOUBLE_EQ(found.axes[1].share, 9.0 / 47.0);
  EXPECT_DOUBLE_EQ(found.interactions, 1.0 / 47.0);
  EXPECT_DOUBLE_EQ(found.seeds, 1.0 / 47.0);
}

TEST(Sensitivity, SharesAddUpToOneOnAnyGrid) {
  std::mt19937 random(5);
  std::normal_distribution<double> value(100.0, 20.0);
  for (int trial = 0; trial < 50; ++trial) {
    std::vector<IndexAxis> axes;
    std::size_t runs = 3;
    for (std::size_t a = 0; a < 1 + random() % 3; ++a) {
      axes.push_back({std::to_string(a), std::vector<std::string>(1 + random() % 4)});
      runs *= axes.back().labels.size();
    }
    std::vector<double> values;
    for (std::size_t r = 0; r < runs; ++r) values.push_back(value(random));
    const StudyIndex index = grid(axes, {1, 2, 3}, values);
    const Sensitivity found = sensitivity(index, index.metrics[0]);
    double sum = found.interactions + found.seeds;
    for (const AxisEffect& axis : found.axes) {
      EXPECT_GE(axis.share, 0.0);
      sum += axis.share;
    }
    EXPECT_NEAR(sum, 1.0, 1e-12);
  }
}

TEST(Sensitivity, OfWhatDoesNotVaryOrIsMissing) {
  const StudyIndex same = grid({{"a", {"x", "y"}}}, {1}, {5, 5});
  EXPECT_TRUE(std::isnan(sensitivity(same, same.metrics[0]).axes[0].share));
  const StudyIndex missing = grid({{"a", {"x", "y"}}}, {1}, {5, nan});
  EXPECT_TRUE(std::isnan(sensitivity(missing, missing.metrics[0]).mean));
}

TEST(StudyFiles, LeavesOutSeedsThatAreNotComplete) {
  const StudyIndex index = grid({{"a", {"x", "y"}}}, {1, 2, 3}, {1, 2, 3, 4, nan, 6});
  const StudyFiles files = study_files(index, "folder/study.h5");
  ASSERT_EQ(files.files.size(), 4U);
  EXPECT_EQ(files.files[1], "folder/runs/2.h5");
  EXPECT_EQ(files.files[2], "folder/runs/3.h5");
  EXPECT_EQ(files.points, (std::vector<std::size_t>{0, 0, 1, 1}));
  EXPECT_EQ(files.titles[3], "y");
  EXPECT_EQ(files.left_out, 1U);
  const StudyIndex none = grid({{"a", {"x", "y"}}}, {1, 2}, {1, nan, nan, 4});
  EXPECT_THROW((void)study_files(none, "study.h5"), InputError);
}

TEST(TellingPoints, AreTheFirstTheBestAndThenTheOthers) {
  StudyIndex index = grid({{"a", {"x", "y", "z", "u", "v"}}}, {1}, {5, 4, 3, 1, 2});
  index.metrics.push_back({"mean_wait_s", "s", "wait", {1, 2, 3, 4, 0.5}});
  EXPECT_EQ(telling_points(index, 3), (std::vector<std::size_t>{0, 3, 4}));
  EXPECT_EQ(telling_points(index, 4), (std::vector<std::size_t>{0, 1, 3, 4}));
  EXPECT_EQ(telling_points(index, 9).size(), 5U);
  // A combination of which a run is missing is never the best.
  index.metrics[0].values[3] = nan;
  EXPECT_EQ(telling_points(index, 2), (std::vector<std::size_t>{0, 4}));
}

TEST(Bases, AreTheFirstOfTheSameWork) {
  StudyIndex index = grid({{"load", {"low", "high"}}, {"cap", {"none", "150 W"}}}, {1, 2},
                          {8, 8, 7, 7, 10, 10, 1, nan});
  EXPECT_EQ(bases(index), (std::vector<std::size_t>{0, 0, 0, 0}));  // not known
  index.metrics.push_back(
      {"reference_gpu_s", "s", "work", {5, 6, 5 * (1 + 1e-12), 6, 9, 9, 9, nan}});
  EXPECT_EQ(bases(index), (std::vector<std::size_t>{0, 0, 2, 2}));
  // A page compares what can be compared.
  EXPECT_EQ(telling_points(index, 8), (std::vector<std::size_t>{0, 1}));

  const StudyFiles all = study_files(index, "study.h5");
  EXPECT_FALSE(all.same_work);
  const StudyFiles low = study_files(index, "study.h5", {"load=low"});
  EXPECT_TRUE(low.same_work);
  EXPECT_EQ(low.points, (std::vector<std::size_t>{0, 0, 1, 1}));
  const StudyFiles one = study_files(index, "study.h5", {"load=high", "cap=none"});
  EXPECT_EQ(one.points, (std::vector<std::size_t>{2, 2}));
  try {
    (void)study_files(index, "study.h5", {"cap=150"});
    FAIL() << "took a value that is none";
  } catch (const InputError& error) {
    EXPECT_STREQ(error.what(),
                 "study.h5: error: --where: expected one of load=low, load=high, cap=none, "
                 "cap=150 W, got 'cap=150'; did you mean 'cap=150 W'?");
  }
}

}  // namespace
}  // namespace nightwatt
