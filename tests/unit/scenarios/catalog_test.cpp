#include "scenarios/catalog.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include "traces/diagnostics.hpp"

namespace nightwatt {
namespace {

namespace fs = std::filesystem;

const std::string shipped = std::string(NIGHTWATT_SOURCE_DIR) + "/energy/catalog";

TEST(Catalog, EveryShippedDeviceIsSound) {
  Catalog catalog({shipped});
  const auto devices = catalog.devices();
  ASSERT_GE(devices.size(), 10U);
  for (const CatalogDevice& d : devices) {
    EXPECT_LT(to_watts(d.device.idle), to_watts(d.device.busy)) << d.device.id;
    if (d.device.max_cap > Watts{}) {
      EXPECT_GT(d.device.min_cap, d.device.idle) << d.device.id;
      EXPECT_GE(d.device.busy, d.device.max_cap) << d.device.id;
    }
    EXPECT_EQ(d.device.assumed, !d.assumed.empty()) << d.device.id;
    EXPECT_EQ(d.sha256.size(), 64U) << d.device.id;
  }
}

TEST(Catalog, NamesAndAliases) {
  Catalog catalog({shipped});
  EXPECT_EQ(catalog.device("v100-pcie-32gb").device.id, "v100-pcie-32gb");
  EXPECT_EQ(catalog.device("P100").device.id, "p100-pcie-16gb");
  EXPECT_EQ(catalog.device("v100m32").device.id, "v100-sxm2-32gb");
  EXPECT_EQ(catalog.ids_of("v100").size(), 3U);
  EXPECT_TRUE(catalog.ids_of("G2").empty());
  const auto message = [&](const char* name) -> std::string {
    try {
      catalog.device(name);
    } catch (const InputError& e) {
      return e.what();
    }
    return "found";
  };
  EXPECT_NE(message("A100").find("expected one device, got 'A100' (a100-pcie-40gb, a100-sxm4-80gb "
                                 "have this alias; write the id)"),
            std::string::npos);
  EXPECT_NE(message("h100-sxm5-80g").find("(did you mean 'h100-sxm5-80gb'?)"), std::string::npos);
  EXPECT_NE(message("warp-core").find("(see `nightwatt list devices`)"), std::string::npos);
  EXPECT_NE(message("../../secrets").find("expected a device"), std::string::npos);
}

TEST(Catalog, FiguresOfTheSpecificationTable) {
  const char* data = std::getenv("NIGHTWATT_DATA");
  if (data == nullptr) GTEST_SKIP() << "NIGHTWATT_DATA is not set";
  // name,vendor,year,...: the columns tdp_w, min_power_limit_w, idle_w of the table.
  std::ifstream table(std::string(data) + "/gpu_specs.csv");
  ASSERT_TRUE(table);
  Catalog catalog({shipped});
  std::size_t compared = 0;
  for (std::string line; std::getline(table, line);) {
    if (line.starts_with('"')) continue;  // the only quoted name has no file
    std::vector<std::string> fields;
    std::string field;
    for (const char c : line) {
      if (c == ',') {
        fields.push_back(std::exchange(field, {}));
      } else {
        field += c;
      }
    }
    std::string id = fields.at(0);
    if (id == "V100-SXM2-16/32GB") id = "v100-sxm2-16gb";
    if (id == "V100-PCIE-16/32GB") id = "v100-pcie-32gb";
    const auto ids = catalog.ids_of(id);
    if (ids.size() != 1) continue;
    const CatalogDevice& d = catalog.device(ids.front());
    EXPECT_EQ(to_watts(d.device.busy), std::stod(fields.at(16))) << id;
    EXPECT_EQ(to_watts(d.device.min_cap), std::stod(fields.at(17))) << id;
    EXPECT_EQ(to_watts(d.device.max_cap), std::stod(fields.at(18))) << id;
    EXPECT_EQ(to_watts(d.device.idle), std::stod(fields.at(19))) << id;
    EXPECT_EQ(d.device.year, std::stoi(fields.at(2))) << id;
    ++compared;
  }
  EXPECT_GE(compared, 8U);
}

class OwnCatalog : public testing::Test {
 protected:
  void SetUp() override { fs::create_directories(folder_ / "devices"); }
  void TearDown() override { fs::remove_all(folder_); }
  void write(const std::string& id, const std::string& text) const {
    std::ofstream(folder_ / "devices" / (id + ".yaml")) << text;
  }
  const fs::path folder_ = fs::path(testing::TempDir()) / "own_catalog";
};

TEST_F(OwnCatalog, TheFirstFolderWinsAndOnlyNamedFilesAreRead) {
  write("t4", "{summary: mine, idle: 1 W, busy: 2 W, assumed: [idle, busy]}");
  write("broken", "idle: [");
  Catalog catalog({folder_.string(), shipped});
  EXPECT_EQ(catalog.device("t4").device.summary, "mine");
  EXPECT_EQ(catalog.device("p100-pcie-16gb").device.id, "p100-pcie-16gb");
}

TEST_F(OwnCatalog, FaultsHaveTheirPlace) {
  write("x", "summary: x\nidle: 10\nbusy: 5 W\n");
  Catalog catalog({folder_.string()});
  const std::string file = (folder_ / "devices/x.yaml").string();
  try {
    catalog.device("x");
    FAIL();
  } catch (const InputError& e) {
    EXPECT_EQ(std::string(e.what()),
              file + ":2:7: error: idle: expected a power such as '350 W', got '10' (no unit)");
  }
  write("y", "summary: y\nidle: 10 W\nbusy: 50 W\nsources: {idle: a book}\n");
  try {
    Catalog({folder_.string()}).device("y");
    FAIL();
  } catch (const InputError& e) {
    EXPECT_EQ(std::string(e.what()),
              (folder_ / "devices/y.yaml").string() +
                  ":3:7: error: busy: expected a source under 'sources', or to be in 'assumed'");
  }
}

TEST_F(OwnCatalog, ChosenByEnvironment) {
  write("mine", "{summary: mine, idle: 1 W, busy: 2 W, assumed: [idle, busy]}");
  setenv("NIGHTWATT_CATALOG", (folder_.string() + ":" + shipped).c_str(), 1);
  Catalog catalog;
  unsetenv("NIGHTWATT_CATALOG");
  EXPECT_EQ(catalog.device("mine").device.summary, "mine");
  EXPECT_EQ(catalog.device("t4").device.id, "t4");
  // Without it the catalogue lies beside the program: here, in the build tree.
  EXPECT_EQ(Catalog().device("t4").device.id, "t4");
}

}  // namespace
}  // namespace nightwatt
