#include "scenarios/catalog.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "energy/terms.hpp"
#include "scenarios/shared_terms.hpp"
#include "traces/diagnostics.hpp"

namespace nightwatt {
namespace {

namespace fs = std::filesystem;

const std::string shipped = std::string(NIGHTWATT_SOURCE_DIR) + "/energy/catalog";

TEST(Catalog, EveryShippedDeviceIsSound) {
  Catalog catalog({shipped});
  const auto devices = catalog.devices();
  ASSERT_GE(devices.size(), 40U);
  for (const CatalogDevice& entry : devices) {
    const Device& d = entry.device;
    SCOPED_TRACE(d.id);
    EXPECT_LT(to_watts(d.idle), to_watts(d.busy));
    if (d.max_cap > Watts{}) {
      EXPECT_GT(d.min_cap, d.idle);
      EXPECT_GE(d.busy, d.max_cap);
    }
    EXPECT_EQ(d.assumed, !entry.assumed.empty());
    EXPECT_EQ(entry.sha256.size(), 64U);
    if (d.kind == DeviceKind::cpu_core) continue;
    EXPECT_GT(d.year, 2010);
    EXPECT_FALSE(d.vendor.empty());
    EXPECT_EQ(d.busy, d.tdp);
    // No peak falls when the numbers get shorter, and a matrix unit does not slow anything.
    EXPECT_LE(d.peak(Precision::fp64), std::max(d.peak(Precision::fp32), 1.0));
    const double fp16 = d.peak(Precision::fp16), fp8 = d.peak(Precision::fp8);
    EXPECT_TRUE(fp16 == 0.0 || fp16 >= d.peak(Precision::fp32));
    EXPECT_TRUE(fp8 == 0.0 || fp8 >= fp16);
    // Operations for a byte of memory: accelerators lie between 10 and 1500.
    const double most = *std::max_element(d.peak_per_s.begin(), d.peak_per_s.end());
    EXPECT_GT(d.memory_bytes_per_s, most / 2500);
    EXPECT_LT(d.memory_bytes_per_s, most);
    // A lane does two operations a cycle; the boost clock explains the FP32 peak of a GPU.
    if (d.kind == DeviceKind::gpu) {
      const double lanes = d.peak(Precision::fp32) / (2e6 * d.boost_mhz * d.sms);
      EXPECT_GT(lanes, 60) << "FP32 lanes an SM";
      EXPECT_LT(lanes, 270) << "FP32 lanes an SM";
      EXPECT_GT(d.memory_bytes, 5e9);
    }
    if (!d.voltage.empty()) {
      EXPECT_EQ(d.voltage.back().clock_mhz, d.boost_mhz);
      EXPECT_GT(d.voltage.front().volts, 0.5);
      EXPECT_LT(d.voltage.back().volts, 1.3);
      EXPECT_NEAR(to_watts(d.idle_at(d.min_mhz)), to_watts(d.idle), 1.0);
    }
  }
}

TEST(Catalog, MeasuredCurvesOfTheA100) {
  Catalog catalog({shipped});
  const Device& pcie = catalog.device("a100-pcie-40gb").device;
  EXPECT_DOUBLE_EQ(pcie.volts_at(900).value(), 0.69375);
  EXPECT_DOUBLE_EQ(pcie.volts_at(1410).value(), 0.89375);
  EXPECT_DOUBLE_EQ(to_watts(pcie.idle_at(1410)), 67.34);
  const char* data = std::getenv("NIGHTWATT_DATA");
  if (data == nullptr) GTEST_SKIP() << "NIGHTWATT_DATA is not set";
  std::ifstream table(std::string(data) + "/measured/energaizer_voltage_idle.csv");
  std::string line;
  std::getline(table, line);
  std::size_t rows = 0;
  for (; std::getline(table, line); ++rows) {
    char gpu[32] = {};
    double mhz = 0, millivolts = 0, idle_w = 0;
    ASSERT_EQ(std::sscanf(line.c_str(), "%31[^,],%lf,%lf,%lf", gpu, &mhz, &millivolts, &idle_w), 4);
    const Device& device = catalog.device(gpu).device;
    EXPECT_NEAR(device.volts_at(mhz).value(), millivolts / 1000, 1e-9) << line;
    // A dozen of the 81 points are kept: between them noise and curvature are below 1.1 W.
    EXPECT_NEAR(to_watts(device.idle_at(mhz)), idle_w, 1.1) << line;
  }
  EXPECT_EQ(rows, 162U);
}

TEST(Catalog, NamesAndAliases) {
  Catalog catalog({shipped});
  EXPECT_EQ(catalog.device("v100-pcie-32gb").device.id, "v100-pcie-32gb");
  EXPECT_EQ(catalog.device("P100").device.id, "p100-pcie-16gb");
  EXPECT_EQ(catalog.device("v100m32").device.id, "v100-sxm2-32gb");
  EXPECT_EQ(catalog.device("Tesla V100-PCIE-32GB").device.id, "v100-pcie-32gb");
  EXPECT_EQ(catalog.device("AMD_Instinct_MI250").device.id, "mi250");
  EXPECT_EQ(catalog.ids_of("v100").size(), 4U);
  EXPECT_TRUE(catalog.ids_of("G2").empty());
  const auto message = [&](const char* name) -> std::string {
    try {
      catalog.device(name);
    } catch (const InputError& e) {
      return e.what();
    }
    return "found";
  };
  EXPECT_NE(message("A100-SXM")
                .find("expected one device, got 'A100-SXM' (a100-sxm4-40gb, a100-sxm4-80gb "
                      "have this alias; write the id)"),
            std::string::npos);
  EXPECT_NE(message("h100-sxm5-80g").find("(did you mean 'h100-sxm5-80gb'?)"), std::string::npos);
  EXPECT_NE(message("warp-core").find("(see `nightwatt list devices`)"), std::string::npos);
  EXPECT_NE(message("../../secrets").find("expected a device"), std::string::npos);
}

TEST(Catalog, WhatASourceMeansByAName) {
  Catalog catalog({shipped});
  const auto meant = [&](const char* name, const char* source) {
    const DeviceMatch match = catalog.find_device(name, source);
    return match.device != nullptr ? match.device->device.id : match.reason;
  };
  EXPECT_EQ(meant("V100", "zeus"), "v100-pcie-32gb");
  EXPECT_EQ(meant("V100", "accelwattch"), "quadro-gv100");
  EXPECT_EQ(meant("H100", "mlenergy"), "h100-sxm5-80gb");
  EXPECT_EQ(meant("H100", ""), "ambiguous: h100-pcie-80gb, h100-sxm5-80gb");
  EXPECT_EQ(meant("h100-pcie-80gb", "mlenergy"), "h100-pcie-80gb");
  EXPECT_EQ(meant("H1000", ""), "unknown device 'H1000' (did you mean 'h100'?)");
  EXPECT_EQ(meant("T4", "nobody"), "t4");
}

TEST(Catalog, CoversTheGpusOfTheMeasurements) {
  Catalog catalog({shipped});
  for (const auto& [source, name] :
       std::vector<std::pair<const char*, const char*>>{{"accelwattch", "V100"},
                                                        {"aiconfigurator", "H200-SXM-141GB"},
                                                        {"aiconfigurator", "H100-SXM-80GB"},
                                                        {"aiconfigurator", "A100-SXM4-80GB"},
                                                        {"energaizer", "A100-PCIE-40GB"},
                                                        {"energaizer", "A10"},
                                                        {"mlenergy", "V100"},
                                                        {"mlenergy", "A100"},
                                                        {"mlenergy", "H100"},
                                                        {"mlenergy", "H100-SXM-80GB"},
                                                        {"mlenergy", "A100-SXM4-40GB"},
                                                        {"mlperf", "NVIDIA A100-SXM-80GB"},
                                                        {"mlperf", "NVIDIA A100-PCIe-40GB"},
                                                        {"mlperf", "NVIDIA A10"},
                                                        {"mlperf", "NVIDIA T4"},
                                                        {"mlperf", "NVIDIA A100-SXM-80GB CTS"},
                                                        {"mlperf", "NVIDIA A100-SXM4-40GB"},
                                                        {"mlperf", "NVIDIA A100-PCIe"},
                                                        {"neusight", "P4"},
                                                        {"neusight", "P100-PCIE-16GB"},
                                                        {"neusight", "AMD_Instinct_MI100"},
                                                        {"neusight", "AMD_Instinct_MI210"},
                                                        {"neusight", "AMD_Instinct_MI250"},
                                                        {"zeus", "V100"},
                                                        {"zeus", "P100"},
                                                        {"zeus", "RTX6000"}}) {
    EXPECT_NE(catalog.find_device(name, source).device, nullptr) << source << ' ' << name;
  }
}

/// Fields of a line of CSV, quotes taken off.
std::vector<std::string> fields_of(const std::string& line) {
  std::vector<std::string> fields(1);
  bool quoted = false;
  for (const char c : line) {
    if (c == '"') {
      quoted = !quoted;
    } else if (c == ',' && !quoted) {
      fields.emplace_back();
    } else {
      fields.back() += c;
    }
  }
  return fields;
}

TEST(Catalog, FiguresOfTheSpecificationTable) {
  const char* data = std::getenv("NIGHTWATT_DATA");
  if (data == nullptr) GTEST_SKIP() << "NIGHTWATT_DATA is not set";
  std::ifstream table(std::string(data) + "/gpu_specs.csv");
  ASSERT_TRUE(table);
  std::string line;
  std::getline(table, line);
  const std::vector<std::string> header = fields_of(line);
  Catalog catalog({shipped});
  // Rows that name no device as it is called here, and rows for several.
  const std::map<std::string, std::vector<std::string>> names = {
      {"K80 (board, 2 GPUs)", {"k80"}},
      {"V100-PCIE-16/32GB", {"v100-pcie-16gb", "v100-pcie-32gb"}},
      {"V100-SXM2-16/32GB", {"v100-sxm2-16gb", "v100-sxm2-32gb"}},
      {"Quadro RTX 6000 (Turing)", {"quadro-rtx-6000"}},
      {"GB200 (per GPU)", {"gb200-186gb"}}};
  std::size_t rows = 0;
  for (; std::getline(table, line); ++rows) {
    const std::vector<std::string> fields = fields_of(line);
    const auto given = names.find(fields.at(0));
    for (const std::string& name :
         given == names.end() ? std::vector<std::string>{fields.at(0)} : given->second) {
      SCOPED_TRACE(name);
      const Device& d = catalog.device(name).device;
      const auto equal = [&](const char* column, double value) {
        const auto at = std::find(header.begin(), header.end(), column);
        ASSERT_NE(at, header.end()) << column;
        const std::string& text = fields.at(static_cast<std::size_t>(at - header.begin()));
        // Of a board that shows itself as two devices the table has the sum.
        EXPECT_DOUBLE_EQ(value, text.empty() ? 0.0 : std::stod(text)) << column;
      };
      const double units = d.units_per_board;
      equal("year", d.year);
      equal("fp32_tflops", units * d.peak(Precision::fp32) / 1e12);
      equal("tf32_tflops", units * d.peak(Precision::tf32) / 1e12);
      equal("fp16_tensor_tflops", units * d.peak(Precision::fp16) / 1e12);
      equal("bf16_tensor_tflops", units * d.peak(Precision::bf16) / 1e12);
      equal("fp8_tflops", units * d.peak(Precision::fp8) / 1e12);
      equal("int8_tops", units * d.peak(Precision::int8) / 1e12);
      if (given == names.end()) equal("mem_gb", d.memory_bytes / 1e9 * units);
      equal("mem_bw_gb_s", units * d.memory_bytes_per_s / 1e9);
      equal("sms_or_cus", units * d.sms);
      equal("base_mhz", d.base_mhz);
      equal("boost_mhz", d.boost_mhz);
      equal("l2_mb", units * d.l2_bytes / 1e6);
      equal("tdp_w", units * to_watts(d.tdp));
      equal("idle_w", units * to_watts(d.idle));
      if (d.max_cap > Watts{}) {
        equal("min_power_limit_w", units * to_watts(d.min_cap));
        equal("max_power_limit_w", units * to_watts(d.max_cap));
      } else {
        equal("min_power_limit_w", 0.0);
      }
      equal("scaleup_gb_s_per_direction", units * d.scale_up.bytes_per_s / 1e9);
    }
  }
  EXPECT_EQ(rows, 26U);
}

class OwnCatalog : public testing::Test {
 protected:
  void SetUp() override { fs::create_directories(folder_ / "devices"); }
  void TearDown() override { fs::remove_all(folder_); }
  void write(const std::string& id, const std::string& text) const {
    std::ofstream(folder_ / "devices" / (id + ".yaml")) << text;
  }
  // Tests run side by side.
  const fs::path folder_ =
      fs::path(testing::TempDir()) /
      ("own_catalog_" + std::string(testing::UnitTest::GetInstance()->current_test_info()->name()));
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

/// A device file's fault without its folder.
class DeviceFaults : public OwnCatalog {
 protected:
  std::string fault(const std::string& text) const {
    write("x", text);
    try {
      Catalog({folder_.string()}).device("x");
    } catch (const InputError& e) {
      std::string what = e.what();
      const std::string file = (folder_ / "devices/x.yaml").string();
      for (std::size_t at; (at = what.find(file)) != std::string::npos;) {
        what.replace(at, file.size(), 1, 'x');
      }
      return what;
    }
    return "accepted";
  }
  const std::string base_ = "summary: x\nidle: 10 W\nassumed: true\n";  // lines 1 to 3
};

TEST_F(DeviceFaults, SayWhereAndWhat) {
  EXPECT_EQ(fault(base_ + "tdp: 50 W\n"), "accepted");
  EXPECT_EQ(fault(base_),
            "x:1:1: error: missing key 'busy': expected a power such as '350 W', or "
            "'tdp'");
  EXPECT_EQ(fault(base_ + "tdp: 5 W\n"),
            "x:4:6: error: tdp: expected a power of at least idle (10 W), got '5 W'");
  EXPECT_EQ(fault(base_ + "tdp: 50 W\ntdp: 60 W\n").substr(0, 6), "x:5:1:");
  EXPECT_NE(fault(base_ + "tdp: 50 W\nbandwith: 1 GB/s\n")
                .find("x:5:1: error: unknown key 'bandwith'; did you mean 'bandwidth'?"),
            std::string::npos);
  EXPECT_EQ(fault(base_ + "tdp: 50 W\nmin_cap: 40 W\nmax_cap: 30 W\n"),
            "x:5:10: error: min_cap: expected a power of at most max_cap (30 W), got '40 W'");
  EXPECT_EQ(fault(base_ + "tdp: 50 W\nmin_cap: 5 W\nmax_cap: 30 W\n"),
            "x:5:10: error: min_cap: expected a power of at least idle (10 W), got '5 W'");
  EXPECT_EQ(fault(base_ + "tdp: 50 W\nmin_cap: 20 W\n"),
            "x:1:1: error: missing key 'max_cap': expected both caps or neither");
  const std::string high = base_ + "tdp: 50 W\nmin_cap: 20 W\nmax_cap: 60 W\n";
  EXPECT_EQ(fault(high),
            "x:6:10: error: max_cap: expected a power of at most tdp (50 W), got "
            "'60 W' (a cap above it needs a cap_reason)");
  EXPECT_EQ(fault(high + "cap_reason: boost mode of the vendor\n"), "accepted");
  EXPECT_EQ(fault(base_ + "tdp: 50 W\npeak: {fp32: -1 TFLOP/s}\n"),
            "x:5:14: error: peak.fp32: expected a rate above 0 OP/s, got '-1 TFLOP/s'");
  EXPECT_EQ(fault(base_ + "tdp: 50 W\npeak: {fp32: 19.5}\n"),
            "x:5:14: error: peak.fp32: expected a rate such as '19.5 TFLOP/s', got '19.5' "
            "(no unit)");
  EXPECT_EQ(fault(base_ + "tdp: 50 W\nclocks: {min: 900 MHz, boost: 800 MHz}\n"),
            "x:5:31: error: clocks.boost: expected a clock of at least 900 MHz, because min, base "
            "and boost ascend, got '800 MHz'");
  EXPECT_EQ(fault(base_ + "tdp: 50 W\nvoltage: {500 MHz: 0.7 V, 400 MHz: 0.8 V}\n"),
            "x:5:27: error: voltage: expected clocks that ascend from point to point, got "
            "'400 MHz'");
  EXPECT_EQ(fault(base_ + "tdp: 50 W\nvoltage: {500 MHz: 0.8 V, 600 MHz: 0.7 V}\n"),
            "x:5:36: error: voltage.600 MHz: expected at least the value at the clock before, got "
            "'0.7 V'");
  EXPECT_EQ(fault(base_ + "tdp: 50 W\nclocks: {boost: 1 GHz}\nidle_curve: {2 GHz: 11 W}\n"),
            "x:6:14: error: idle_curve: expected clocks up to clocks.boost (1 GHz), got '2 GHz'");
  EXPECT_EQ(fault(base_ + "tdp: 50 W\nsources: {idel: a book}\n"),
            "x:5:11: error: sources: expected figures that this file gives, got 'idel'; did you "
            "mean 'idle'?");
  EXPECT_EQ(fault(base_ + "tdp: 50 W\nsources: {\"idle, tdp\": a book, tdp: another}\n"),
            "x:5:32: error: sources: 'tdp' is told twice");
  EXPECT_EQ(fault(base_ + "tdp: 50 W\naliases: [{a: b, c: d}]\n"),
            "x:5:11: error: aliases[0]: expected a name or one {SOURCE: name}, got a mapping");
  EXPECT_EQ(fault(base_ + "tdp: 50 W\nterms: {tensor_gem: {value: 1, data: d}}\n"),
            "x:5:9: error: terms: no such term 'tensor_gem'; did you mean 'tensor_gemm'?");
}

TEST_F(OwnCatalog, WrongTermsOfAFileOfTermsHaveTheirPlace) {
  fs::create_directories(folder_ / "terms");
  const fs::path file = folder_ / "terms/eager.yaml";
  std::ofstream(file) << "summary: mine\n"
                         "data: []\n"
                         "terms:\n"
                         "  feed: 20\n"
                         "  x1/feed: 21\n"
                         "  x2/tensor_gem: 0.5\n"
                         "  fed: 22\n";
  Device device;
  device.id = "x1";
  try {
    (void)terms_for({folder_.string()}, "eager", device);
    FAIL();
  } catch (const InputError& e) {
    EXPECT_EQ(std::string(e.what()),
              file.string() +
                  ":6:3: error: terms: no such term 'tensor_gem'; did you mean 'tensor_gemm'?\n" +
                  file.string() + ":7:3: error: terms: no such term 'fed'; did you mean 'feed'?");
  }
  std::ofstream(file) << "{summary: mine, data: [], terms: {feed: 20, x1/feed: 21}}";
  EXPECT_EQ(terms_for({folder_.string()}, "eager", device)[TermId::feed], 21);
  device.id = "x";
  EXPECT_EQ(terms_for({folder_.string()}, "eager", device)[TermId::feed], 20);
}

TEST_F(OwnCatalog, WhatIsReadOfAFile) {
  write("card",
        "summary: a card\nvendor: V\narchitecture: A\nkind: asic\nyear: 2020\n"
        "units_per_board: 2\nidle: 10 W\ntdp: 50 W\nmin_cap: 20 W\nmax_cap: 45 W\n"
        "peak: {fp16: 2 TFLOP/s, int8: 4 TOP/s}\nmemory: 8 GB\nbandwidth: 300 GB/s\nl2: 2 MB\n"
        "sms: 20\nclocks: {min: 0.3 GHz, boost: 1500 MHz}\n"
        "voltage: {300 MHz: 700 mV, 1500 MHz: 0.9 V}\nidle_curve: {300 MHz: 10 W}\n"
        "scale_up: {bandwidth: 25 GB/s, latency: 2 us}\npcie: {bandwidth: 16 GB/s}\n"
        "aliases:\n  - Card One\n  - {lab: C1}\n"
        "sources:\n  idle, peak: a book\nassumed: true\n"
        "terms: {kernel.tensor_gemm: {value: 0.8, data: rows.csv}}\n");
  Catalog catalog({folder_.string()});
  const CatalogDevice& entry = catalog.device("CARD_ONE");
  const Device& d = entry.device;
  EXPECT_EQ(d.kind, DeviceKind::asic);
  EXPECT_EQ(d.units_per_board, 2);
  EXPECT_EQ(d.busy, watts(50));  // tdp, where busy is left out
  EXPECT_EQ(d.peak(Precision::fp16), 2e12);
  EXPECT_EQ(d.peak(Precision::int8), 4e12);
  EXPECT_EQ(d.peak(Precision::bf16), 0.0);
  EXPECT_EQ(d.memory_bytes, 8e9);
  EXPECT_EQ(d.memory_bytes_per_s, 300e9);
  EXPECT_EQ(d.l2_bytes, 2e6);
  EXPECT_EQ(d.min_mhz, 300.0);
  EXPECT_DOUBLE_EQ(d.volts_at(900).value(), 0.8);
  EXPECT_EQ(d.scale_up.bytes_per_s, 25e9);
  EXPECT_EQ(d.scale_up.latency, seconds(2e-6));
  EXPECT_EQ(d.host_link.latency, std::nullopt);
  EXPECT_EQ(d.terms.at("kernel.tensor_gemm").value, 0.8);
  EXPECT_EQ(d.terms.at("kernel.tensor_gemm").data, "rows.csv");
  EXPECT_EQ(entry.sources.at("peak.int8"), "a book");
  EXPECT_EQ(entry.sources.size(), 3U);   // idle and two peaks
  EXPECT_EQ(entry.assumed.size(), 14U);  // the others, groups by their entries
  EXPECT_EQ(catalog.find_device("c1", "lab").device, &entry);
  EXPECT_EQ(catalog.find_device("c1", "").device, nullptr);
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
