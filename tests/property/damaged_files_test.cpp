// The seeds of the fuzz targets, and thousands of damaged forms of them, in the ordinary suite.

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "tests/fuzz/target.hpp"
#include "traces/reader.hpp"
#include "traces/signals/signal_file.hpp"

namespace nightwatt::testing {
namespace {

namespace fs = std::filesystem;

const fs::path corpus = NIGHTWATT_SOURCE_DIR "/tests/fuzz/corpus";

std::vector<std::string> target_names() {
  std::vector<std::string> names;
  for (const auto& [name, target] : fuzz_targets()) names.push_back(name);
  return names;
}

class Seeds : public ::testing::TestWithParam<std::string> {
 protected:
  static std::vector<std::string> texts() {
    std::vector<fs::path> paths;
    for (const auto& entry : fs::directory_iterator(corpus / GetParam())) {
      paths.push_back(entry.path());
    }
    std::sort(paths.begin(), paths.end());
    std::vector<std::string> all;
    for (const fs::path& path : paths) {
      std::ifstream file(path, std::ios::binary);
      all.emplace_back(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>());
    }
    return all;
  }
  static bool read(std::string_view bytes) { return fuzz_targets().at(GetParam())(bytes); }
};

TEST_P(Seeds, SomeAreTaken) {
  std::size_t taken = 0;
  for (const std::string& seed : texts()) taken += read(seed) ? 1 : 0;
  EXPECT_GT(taken, 0U);
}

/// The targets abort where a reader does anything but take or refuse.
TEST_P(Seeds, DamagedAreTakenOrRefused) {
  std::mt19937 random(1);
  const std::vector<std::string> seeds = texts();
  const std::size_t each = 800 / seeds.size();  // some targets have many seeds
  for (const std::string& seed : seeds) {
    const std::size_t step = 1 + 4 * seed.size() / each;
    for (std::size_t size = 0; size < seed.size(); size += step) read(seed.substr(0, size));
    for (std::size_t round = 0; round < each; ++round) {
      std::string text = seed;
      for (std::size_t change = 0; change < 1 + round % 4; ++change) {
        if (text.empty()) break;
        const std::size_t at = random() % text.size();
        static constexpr std::string_view bytes = "0-9,|\"\n\r. ;:x\x7f\xff{}[]";
        switch (random() % 4) {
          case 0:
            text[at] = bytes[random() % bytes.size()];
            break;
          case 1:
            text[at] = static_cast<char>(random() % 256);
            break;
          case 2:
            text.erase(at, 1 + random() % 5);
            break;
          default:
            text.insert(at, text.substr(random() % text.size(), random() % 20));
        }
      }
      read(text);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Targets, Seeds, ::testing::ValuesIn(target_names()),
                         [](const auto& param) { return param.param; });

TEST(FuzzTargets, EachFormatHasOneAndEachHasSeeds) {
  const auto name_of = [](std::string format) {
    std::replace(format.begin(), format.end(), '-', '_');
    return format;
  };
  const std::vector<std::string> names = target_names();
  const std::set<std::string> targets(names.begin(), names.end());
  for (const FormatInfo& format : workload_formats()) {
    EXPECT_EQ(targets.count(name_of(format.name)), 1U) << format.name;
  }
  for (const FormatInfo& format : signal_formats()) {
    EXPECT_EQ(targets.count("signal_" + name_of(format.name)), 1U) << format.name;
  }
  std::set<std::string> folders;
  for (const auto& entry : fs::directory_iterator(corpus)) {
    folders.insert(entry.path().filename().string());
  }
  EXPECT_EQ(folders, targets);
}

}  // namespace
}  // namespace nightwatt::testing
