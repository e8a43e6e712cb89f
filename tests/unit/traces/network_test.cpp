#include "traces/network.hpp"

#include <gtest/gtest.h>

#include <string>

#include "traces/diagnostics.hpp"

namespace nightwatt {
namespace {

Bandwidths read(const std::string& text) {
  Input input = Input::from_memory("n.csv", text);
  return read_bandwidths("n.csv", input);
}

TEST(Network, SkyplaneInBitsASecond) {
  const Bandwidths b = read(
      "src_region,dst_region,throughput_sent,throughput_recieved,success\n"
      "aws:a,gcp:b-c,9e9,8e9,True\naws:a,gcp:b-c,9e9,4e9,True\naws:a,gcp:d-a,9e9,,False\n"
      "gcp:d-b,gcp:d-a,1e9,1e9,True\n");
  EXPECT_EQ(b.bytes_per_s.at({"aws:a", "gcp:b-c"}), 0.75e9);
  EXPECT_EQ(b.bytes_per_s.count({"aws:a", "gcp:d-a"}), 0U);
  EXPECT_EQ(b.report.format, "skyplane");
  EXPECT_EQ(b.report.rows, 4U);
  EXPECT_EQ(b.report.skipped[0].rows, 1U);
  EXPECT_EQ(b.region("aws:a"), "aws:a");
  EXPECT_EQ(b.region("gcp:b"), "gcp:b-c") << "the only zone of the region";
  EXPECT_EQ(b.region("gcp:d"), "") << "one of two";
  EXPECT_EQ(b.region("gcp:e"), "");
}

TEST(Network, FaultsSayWhere) {
  const auto fault = [](const std::string& text) -> std::string {
    try {
      read(text);
    } catch (const InputError& e) {
      return e.what();
    }
    return "accepted";
  };
  EXPECT_EQ(fault("from,to,gbit_per_s\na,b,0\n,c,1\n"),
            "n.csv:2:5: error: gbit_per_s: expected a number above 0, got '0'\n"
            "n.csv:3:1: error: from: expected a region, got ''");
  EXPECT_NE(fault("from,to,width\n").find("gbit_per_s"), std::string::npos);
}

TEST(Network, TheShippedMeasurementsAreComplete) {
  const std::string path = NIGHTWATT_SOURCE_DIR "/scenarios/data/skyplane_throughput_2022.csv.gz";
  Input input = Input::open(path, path);
  const Bandwidths b = read_bandwidths(path, input);
  EXPECT_EQ(b.bytes_per_s.size(), 870U) << "each of 30 regions with each other";
  double least = 1e18, most = 0.0;
  for (const auto& [pair, width] : b.bytes_per_s) {
    least = std::min(least, width);
    most = std::max(most, width);
  }
  EXPECT_GT(least, 0.4e9 / 8);
  EXPECT_LT(most, 16e9 / 8);
}

}  // namespace
}  // namespace nightwatt
