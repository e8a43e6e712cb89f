// The seeds of the fuzz targets, and thousands of damaged forms of them, in the ordinary suite.

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <vector>

#include "tests/fuzz/read_workload.hpp"

namespace nightwatt {
namespace {

using testing::read_bytes;
using testing::request_of;

struct Corpus {
  const char* folder;
  const char* format;
};

class CorpusTest : public ::testing::TestWithParam<Corpus> {
 protected:
  static std::vector<std::string> seeds() {
    std::vector<std::filesystem::path> paths;
    const std::filesystem::path folder =
        std::string(NIGHTWATT_SOURCE_DIR "/tests/fuzz/corpus/") + GetParam().folder;
    for (const auto& entry : std::filesystem::directory_iterator(folder)) {
      paths.push_back(entry.path());
    }
    std::sort(paths.begin(), paths.end());
    std::vector<std::string> texts;
    for (const auto& path : paths) {
      std::ifstream file(path, std::ios::binary);
      texts.emplace_back(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>());
    }
    return texts;
  }
  static bool read(const std::string& text) {
    return read_bytes(request_of(GetParam().format),
                      reinterpret_cast<const std::uint8_t*>(text.data()), text.size());
  }
};

TEST_P(CorpusTest, SeedsAreRead) {
  std::size_t taken = 0;
  for (const std::string& seed : seeds()) taken += read(seed) ? 1 : 0;
  EXPECT_GT(taken, 0U);
}

TEST_P(CorpusTest, DamageIsNoAccident) {
  std::mt19937 random(1);
  for (const std::string& seed : seeds()) {
    const std::size_t step = std::max<std::size_t>(1, seed.size() / 60);
    for (std::size_t size = 0; size < seed.size(); size += step) read(seed.substr(0, size));
    for (int round = 0; round < 150; ++round) {
      std::string text = seed;
      for (int change = 0; change < 1 + round % 4; ++change) {
        if (text.empty()) break;
        const std::size_t at = random() % text.size();
        static constexpr std::string_view bytes = "0-9,|\"\n\r. ;:x\x7f\xff";
        switch (random() % 3) {
          case 0:
            text[at] = bytes[random() % bytes.size()];
            break;
          case 1:
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

INSTANTIATE_TEST_SUITE_P(Formats, CorpusTest,
                         ::testing::Values(Corpus{"swf", "swf"}, Corpus{"philly_csv", "philly-csv"},
                                           Corpus{"helios", "helios"}, Corpus{"acme", "acme"},
                                           Corpus{"sacct", "sacct"}, Corpus{"csv", "csv"},
                                           Corpus{"input", "auto"}),
                         [](const auto& param) { return std::string(param.param.folder); });

}  // namespace
}  // namespace nightwatt
