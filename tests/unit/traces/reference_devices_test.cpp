#include "traces/reference_devices.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <string>

#include "traces/reader.hpp"

namespace nightwatt {
namespace {

std::string device(std::string_view format, std::string_view path, std::string_view type) {
  const ReferenceDevice* row = find_reference_device(format, path, type);
  return row == nullptr ? "" : std::string(row->device);
}

TEST(ReferenceDevices, FollowFormatClusterOrType) {
  EXPECT_EQ(device("acme", "trace_kalos.csv", ""), "a100-sxm4-80gb");
  EXPECT_EQ(device("helios", "data/Venus/cluster_log.csv", ""), "v100-sxm2-32gb");
  EXPECT_EQ(device("helios", "data/Uranus/cluster_log.csv.gz", ""), "p100-pcie-16gb");
  EXPECT_EQ(device("pai", "x", "V100"), "v100-sxm2-16gb");
  EXPECT_EQ(device("pai", "x", "V100M32"), "v100-sxm2-32gb");
  EXPECT_EQ(device("philly-csv", "x", ""), "p100-pcie-16gb");
}

TEST(ReferenceDevices, NothingIsMadeUp) {
  EXPECT_EQ(device("helios", "cluster_log.csv", ""), "");  // which cluster?
  EXPECT_EQ(device("pai", "x", "MISC"), "");
  EXPECT_EQ(device("openb", "x", ""), "");
  EXPECT_EQ(device("openb", "x", "G2"), "");
  EXPECT_EQ(device("openb", "x", "V100M16|V100M32"), "");  // allowed, not taken
  EXPECT_EQ(device("swf", "x", ""), "");
}

TEST(ReferenceDevices, NameFormatsThatExistAndSources) {
  const auto formats = workload_formats();
  for (const ReferenceDevice& row : reference_devices()) {
    EXPECT_TRUE(std::any_of(formats.begin(), formats.end(), [&](const FormatInfo& f) {
      return f.name == row.format;
    })) << row.format;
    EXPECT_FALSE(row.source.empty() || row.device.empty()) << row.format << ' ' << row.key;
    EXPECT_EQ(row.key.empty(), row.by == ReferenceBy::format) << row.format << ' ' << row.key;
  }
}

TEST(ReferenceDevices, AreThoseOfTheDocumentation) {
  std::ifstream file(NIGHTWATT_SOURCE_DIR "/docs/formats/workloads.md");
  const std::string page{std::istreambuf_iterator<char>(file), {}};
  std::string table = "| format | jobs | device | |\n| --- | --- | --- | --- |\n";
  for (const ReferenceDevice& row : reference_devices()) {
    const std::string jobs = row.by == ReferenceBy::format ? "all"
                             : row.by == ReferenceBy::cluster
                                 ? "`" + std::string(row.key) + "` in the path"
                                 : "GPU type `" + std::string(row.key) + "`";
    table += "| `" + std::string(row.format) + "` | " + jobs + " | `" + std::string(row.device) +
             "` | " + (row.assumed ? "assumed" : "") + " |\n";
  }
  EXPECT_NE(page.find(table), std::string::npos) << "the page should hold\n" << table;
}

}  // namespace
}  // namespace nightwatt
