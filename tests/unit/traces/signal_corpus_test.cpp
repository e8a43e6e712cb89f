// The seeds of the fuzz targets of signals, and thousands of damaged forms of them, in the ordinary
// suite: a series without a hole, or an InputError.

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <vector>

#include "tests/fuzz/read_signal.hpp"

namespace nightwatt {
namespace {

class SignalCorpus : public ::testing::TestWithParam<std::string> {
 protected:
  [[nodiscard]] std::vector<std::string> seeds() const {
    std::string folder = GetParam();
    std::replace(folder.begin(), folder.end(), '-', '_');
    std::vector<std::filesystem::path> paths;
    for (const auto& entry : std::filesystem::directory_iterator(
             NIGHTWATT_SOURCE_DIR "/tests/fuzz/corpus/signal_" + folder)) {
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
  [[nodiscard]] SignalRequest request() const {
    SignalRequest one;
    one.format = GetParam();
    if (one.format == "csv") {
      one.unit = "USD/MWh";
      one.zone = "America/Chicago";
    }
    return one;
  }
  void read(const std::string& text) const {
    testing::read_signal_bytes(request(), reinterpret_cast<const std::uint8_t*>(text.data()),
                               text.size());
  }
};

TEST_P(SignalCorpus, SomeSeedsAreRead) {
  std::size_t taken = 0;
  for (const std::string& seed : seeds()) {
    SignalRequest one = request();
    one.path = "seed";
    one.rules = {{"gap", "hold"}};
    try {
      Input input = Input::from_memory("seed", seed);
      taken += read_signal(one, input).values.empty() ? 0 : 1;
    } catch (const InputError&) {
    }
  }
  EXPECT_GT(taken, 0U);
}

TEST_P(SignalCorpus, DamageIsNoAccident) {
  std::mt19937 random(1);
  for (const std::string& seed : seeds()) {
    const std::size_t step = std::max<std::size_t>(1, seed.size() / 60);
    for (std::size_t size = 0; size < seed.size(); size += step) read(seed.substr(0, size));
    for (int round = 0; round < 150; ++round) {
      std::string text = seed;
      for (int change = 0; change < 1 + round % 4; ++change) {
        if (text.empty()) break;
        const std::size_t at = random() % text.size();
        static constexpr std::string_view bytes = "0-9,|\"\n\r. ;:x\x7f\xff{}[]";
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

std::vector<std::string> format_names() {
  std::vector<std::string> names;
  for (const FormatInfo& format : signal_formats()) names.push_back(format.name);
  return names;
}

INSTANTIATE_TEST_SUITE_P(Formats, SignalCorpus, ::testing::ValuesIn(format_names()),
                         [](const auto& param) {
                           std::string name = param.param;
                           std::replace(name.begin(), name.end(), '-', '_');
                           return name;
                         });

}  // namespace
}  // namespace nightwatt
