#include "scenarios/model_catalog.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <string>

#include "energy/estimate.hpp"
#include "traces/diagnostics.hpp"

namespace nightwatt {
namespace {

namespace fs = std::filesystem;

class ModelCatalogTest : public testing::Test {
 protected:
  void SetUp() override {
    folder_ =
        fs::temp_directory_path() /
        ("models-" + std::string(testing::UnitTest::GetInstance()->current_test_info()->name()));
    fs::create_directories(folder_ / "models");
  }
  void TearDown() override { fs::remove_all(folder_); }

  std::string write(const std::string& id, const std::string& text) {
    const fs::path path = folder_ / "models" / (id + ".yaml");
    std::ofstream(path) << text;
    return path.string();
  }
  std::string faults(const std::string& text) {
    const std::string path = write("m", text);
    try {
      read_model("m", path);
    } catch (const InputError& error) {
      std::string what = error.what();
      for (std::size_t at; (at = what.find(path)) != std::string::npos;) {
        what.replace(at, path.size(), "m.yaml");
      }
      return what;
    }
    return "no fault";
  }

  fs::path folder_;
};

const std::string head = "summary: a network\nfamily: transformer\nsource: a paper\n";

TEST_F(ModelCatalogTest, LayersByKind) {
  const CatalogModel entry = read_model(
      "m", write("m", head + "vocabulary: 100\n"
                             "layers:\n"
                             "  - embedding: {table: 100, width: 8}\n"
                             "  - transformer: {repeat: 2, hidden: 8, heads: 2, width: 32}\n"
                             "  - dense: {in: 8, out: 100, rows: last, active: false}\n"));
  const auto& layers = entry.model.stages.at(0).layers;
  ASSERT_EQ(layers.size(), 3U);
  const auto& t = std::get<TransformerLayer>(layers[1].layer);
  EXPECT_EQ(layers[1].repeat, 2);
  EXPECT_EQ(t.kv_heads, 2);  // default: heads
  EXPECT_EQ(t.head_dim, 4);  // default: hidden / heads
  EXPECT_EQ(layers[2].rows, Rows::last);
  EXPECT_EQ(size_of(entry.model).parameters, 2 * (4 * 8 * 8 + 2 * 8 * 32) + 800);
}

TEST_F(ModelCatalogTest, BlocksBecomeConvolutions) {
  const CatalogModel entry =
      read_model("m", write("m", head + "layers:\n"
                                        "  - bottleneck: {repeat: 2, in: 64, mid: 16, out: 128, "
                                        "size: 28, stride: 2}\n"));
  // The first block: 1x1 64-16 at 56, 3x3 16-16 strided, 1x1 16-128, and the shortcut 64-128; the
  // second: 1x1 128-16, 3x3 16-16, 1x1 16-128.
  EXPECT_EQ(size_of(entry.model).parameters,
            64 * 16 + 9 * 16 * 16 + 16 * 128 + 64 * 128 + 128 * 16 + 9 * 16 * 16 + 16 * 128);
  EXPECT_EQ(size_of(entry.model).layers, 7);
}

TEST_F(ModelCatalogTest, FaultsHaveTheirPlace) {
  EXPECT_EQ(faults(head + "layers:\n  - transfomer: {hidden: 8}\n"),
            "m.yaml:5:5: error: layers[0]: expected one of transformer, state_space, conv, "
            "recurrent, dense, embedding, bottleneck, basic, inverted, shuffle, got 'transfomer'; "
            "did you mean 'transformer'?");
  EXPECT_EQ(faults(head + "layers:\n  - dense: {in: 8, out: -1}\n"),
            "m.yaml:5:25: error: layers[0].dense.out: expected a number above 0, got '-1'");
  EXPECT_EQ(
      faults(head + "layers:\n  - transformer: {hidden: 8, width: 8, experts: 4}\n"),
      "m.yaml:5:18: error: layers[0].transformer: expected active_experts of at most experts, "
      "and both or neither");
  EXPECT_EQ(faults(head), "m.yaml:1:1: error: expected either layers or stages");
  EXPECT_EQ(faults(head + "parameters: 1e6\nlayers:\n  - dense: {in: 8, out: 8}\n"),
            "m.yaml:4:13: error: parameters: expected about 64 as the layers have, got 1e+06 (more "
            "than 10 % apart)");
}

TEST_F(ModelCatalogTest, NamesAndAliases) {
  const std::string layers = "layers:\n  - dense: {in: 8, out: 8}\n";
  write("one", head + "aliases: [Org/One, uno]\n" + layers);
  write("two", head + layers);
  ModelCatalog catalog({folder_.string()});
  EXPECT_EQ(catalog.model("one").model.id, "one");
  EXPECT_EQ(catalog.model("org/ONE").model.id, "one");
  EXPECT_EQ(catalog.find("three"), nullptr);
  try {
    catalog.model("twoo");
    FAIL();
  } catch (const InputError& error) {
    EXPECT_NE(std::string(error.what()).find("did you mean 'two'?"), std::string::npos);
  }
  write("three", head + "aliases: [uno]\n" + layers);
  ModelCatalog doubled({folder_.string()});
  EXPECT_THROW(doubled.model("org/one"), InputError);
}

/// A device like an A100, so that every shipped model can be asked.
Device a_device() {
  Device d;
  d.id = "d";
  d.idle = watts(45);
  d.tdp = d.max_cap = watts(250);
  d.sms = 108;
  d.min_mhz = 210;
  d.boost_mhz = 1410;
  d.memory_bytes_per_s = 1555e9;
  d.l2_bytes = 40e6;
  d.peak_per_s[static_cast<std::size_t>(Precision::fp32)] = 19.5e12;
  d.peak_per_s[static_cast<std::size_t>(Precision::bf16)] = 312e12;
  return d;
}

TEST(ShippedModels, EveryOneCanBeReadAndAsked) {
  ModelCatalog catalog({std::string(NIGHTWATT_SOURCE_DIR) + "/energy/catalog"});
  const std::vector<CatalogModel> models = catalog.models();
  EXPECT_GE(models.size(), 150U);
  const Device device = a_device();
  for (const CatalogModel& entry : models) {
    SCOPED_TRACE(entry.model.id);
    EXPECT_FALSE(entry.source.empty());
    for (const std::string& alias : entry.aliases)
      EXPECT_EQ(catalog.model(alias).model.id, entry.model.id);
    for (const Phase phase : {Phase::inference, Phase::training}) {
      Work work;
      work.phase = phase;
      work.batch = 4;
      const Estimate e = PreparedWork(entry.model, work, device, Terms()).at({});
      EXPECT_GT(to_seconds(e.iteration), 0);
      EXPECT_TRUE(std::isfinite(to_seconds(e.iteration)));
      EXPECT_LE(e.device_power, device.max_cap);
    }
  }
}

// GFLOP (two for a multiplication and an addition) of one sample, as published.
TEST(ShippedModels, ArithmeticIsThatOfThePapers) {
  ModelCatalog catalog({std::string(NIGHTWATT_SOURCE_DIR) + "/energy/catalog"});
  const auto gflop = [&](const char* id) {
    Work work;
    double flops = 0;
    for (const Operator& op : operators_of(catalog.model(id).model, work)) {
      const bool product =
          op.kind == OperatorKind::product || op.kind == OperatorKind::batched_product ||
          op.kind == OperatorKind::convolution || op.kind == OperatorKind::depthwise;
      if (product) flops += op.count * op.flops;
    }
    return flops / 1e9;
  };
  // He et al. 2016, table 1 (multiply-adds); their 50 layers are 3.8 G with the stride in the first
  // 1x1 convolution, 4.1 G with it in the 3x3 one, as everybody runs it.
  EXPECT_NEAR(gflop("resnet50"), 2 * 4.1, 0.1);
  EXPECT_NEAR(gflop("resnet101"), 2 * 7.8, 0.2);
  EXPECT_NEAR(gflop("resnet18"), 2 * 1.8, 0.1);
  // Simonyan, Zisserman 2015: 15.5 G multiply-adds.
  EXPECT_NEAR(gflop("vgg16"), 2 * 15.5, 0.3);
  // Ma et al. 2018, table 8: 146 M; Sandler et al. 2018, table 4: 300 M; Tan, Le 2019, table 2:
  // 0.39 G.
  EXPECT_NEAR(gflop("shufflenet-v2"), 2 * 0.146, 0.01);
  EXPECT_NEAR(gflop("mobilenet-v2"), 2 * 0.300, 0.03);
  EXPECT_NEAR(gflop("efficientnet-b0"), 2 * 0.39, 0.03);
  // Dosovitskiy et al. 2021: 17.6 G for base at 224 pixels (timm's count).
  EXPECT_NEAR(gflop("vit-base"), 2 * 17.6, 0.5);
}

}  // namespace
}  // namespace nightwatt
