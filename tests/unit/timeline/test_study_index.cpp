#include "sim/timeline/study_index.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <limits>
#include <string>

#include "sim/timeline/timeline.hpp"
#include "tests/unit/timeline/sample_result.hpp"

namespace nightwatt {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

/// 2 orders x 3 caps x 2 seeds; the last run failed.
StudyIndex by_hand() {
  StudyIndex index;
  index.title = "orders and caps";
  index.program = "nightwatt test";
  index.study_yaml = "name: orders and caps\n";
  index.scenario_yaml = "name: base\n";
  index.horizon = "the end";
  index.axes = {{"policies.order", {"fcfs", "sjf"}}, {"carbon_g", {"none", "200 W", "150 W"}}};
  index.seeds = {4, 9};
  for (int i = 0; i < 12; ++i) {
    index.files.push_back(i == 11 ? "" : "runs/" + std::to_string(i) + ".h5");
    index.sha256.push_back(std::to_string(i));
  }
  index.metrics = {{"carbon_g", "g", "carbon", {}}, {"cost", "EUR", "cost of energy", {}}};
  for (int i = 0; i < 12; ++i) {
    index.metrics[0].values.push_back(i == 11 ? std::nan("") : 100.0 + i);
    index.metrics[1].values.push_back(std::numeric_limits<double>::quiet_NaN());
  }
  return index;
}

std::string bytes_of(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

std::string refusal(const fs::path& path) {
  try {
    (void)read_study_index(path);
  } catch (const InputError& error) {
    return error.what();
  }
  return "";
}

TEST(StudyIndexFile, ComesBackAsItWas) {
  const sample::TemporaryFolder folder;
  const fs::path path = folder.path() / "study.h5";
  const StudyIndex before = by_hand();
  write_study_index(before, path);
  ASSERT_TRUE(is_study_index(path));
  const StudyIndex after = read_study_index(path);
  EXPECT_EQ(after.title, before.title);
  EXPECT_EQ(after.program, before.program);
  EXPECT_EQ(after.study_yaml, before.study_yaml);
  EXPECT_EQ(after.scenario_yaml, before.scenario_yaml);
  EXPECT_EQ(after.horizon, before.horizon);
  ASSERT_EQ(after.axes.size(), 2U);
  EXPECT_EQ(after.axes[0].name, "policies.order");
  // An axis that is called like a figure keeps its name.
  EXPECT_EQ(after.axes[1].name, "carbon_g");
  EXPECT_EQ(after.axes[1].labels, before.axes[1].labels);
  EXPECT_EQ(after.seeds, before.seeds);
  EXPECT_EQ(after.files, before.files);
  EXPECT_EQ(after.sha256, before.sha256);
  ASSERT_EQ(after.metrics.size(), 2U);
  for (std::size_t i = 0; i < 11; ++i) EXPECT_EQ(after.metrics[0].values[i], 100.0 + double(i));
  EXPECT_TRUE(std::isnan(after.metrics[0].values[11]));
  EXPECT_EQ(after.metrics[1].units, "EUR");
  EXPECT_EQ(after.points(), 6U);
  EXPECT_EQ(after.runs(), 12U);
  EXPECT_EQ(after.title_of(4), "sjf, 200 W");
  EXPECT_EQ(after.coordinates(4), (std::vector<std::size_t>{1, 1}));

  write_study_index(after, folder.path() / "again.h5");
  EXPECT_EQ(bytes_of(path), bytes_of(folder.path() / "again.h5"));
}

TEST(StudyIndexFile, IsReadByXarrayWithItsAxes) {
  const sample::TemporaryFolder folder;
  const fs::path path = folder.path() / "study.h5";
  StudyIndex index = by_hand();
  index.axes[1].name = "cap";
  write_study_index(index, path);
  std::ofstream(folder.path() / "read.py")
      << "import sys, xarray\n"
         "d = xarray.open_dataset(sys.argv[1])\n"
         "assert d.carbon_g.dims == ('policies.order', 'cap', 'seed'), d.carbon_g.dims\n"
         "assert list(d.cap.values) == ['none', '200 W', '150 W'], d.cap\n"
         "assert float(d.carbon_g.sel({'policies.order': 'sjf', 'cap': '200 W', 'seed': 9})) == "
         "109\n"
         "assert d.carbon_g.attrs['units'] == 'g'\n"
         "assert str(d.file.sel({'policies.order': 'fcfs', 'cap': 'none', 'seed': 9}).values) == "
         "'runs/1.h5'\n";
  const std::string command = std::string(NIGHTWATT_PYTHON) + " " +
                              (folder.path() / "read.py").string() + " " + path.string();
  EXPECT_EQ(std::system(command.c_str()), 0);
}

TEST(StudyIndexFile, RefusesOthers) {
  const sample::TemporaryFolder folder;
  const fs::path path = folder.path() / "study.h5";
  EXPECT_THAT(refusal(path), HasSubstr("cannot be opened"));
  write_timeline(sample::by_hand()->result, path);
  EXPECT_FALSE(is_study_index(path));
  EXPECT_THAT(refusal(path), HasSubstr("not the index of a study"));
  write_study_index(by_hand(), path);
  EXPECT_THROW((void)read_timeline(path), InputError);
  const std::string whole = bytes_of(path);
  for (const std::size_t size : {std::size_t{0}, std::size_t{100}, whole.size() / 2}) {
    std::ofstream(path, std::ios::binary) << whole.substr(0, size);
    EXPECT_NE(refusal(path), "") << size;
    EXPECT_FALSE(is_study_index(path)) << size;
  }
  std::string damaged = whole;
  damaged[whole.size() / 2] ^= 1;
  std::ofstream(path, std::ios::binary) << damaged;
  EXPECT_THAT(refusal(path), HasSubstr("do not match its checksum"));
}

}  // namespace
}  // namespace nightwatt
