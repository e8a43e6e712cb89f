#include "energy/operators.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <string>

#include "energy/estimate.hpp"
#include "energy/memory.hpp"
#include "energy/roofline.hpp"

namespace nightwatt {
namespace {

/// A transformer of one layer: hidden 8, 2 heads of 4, feed-forward 32.
Model tiny(bool causal = false) {
  TransformerLayer l;
  l.hidden = 8;
  l.heads = l.kv_heads = 2;
  l.head_dim = 4;
  l.width = 32;
  l.causal = causal;
  l.scores = ScorePasses::scale_mask;
  Model model;
  model.id = "tiny";
  model.sequence = 16;
  model.vocabulary = 100;
  model.stages = {{"model", false, 1, true, {{l, 1, Rows::sequence, 1}}}};
  return model;
}

Work fp32(double batch) {
  Work work;
  work.numerics = {Precision::fp32, 4, 4, 4, false};
  work.batch = batch;
  return work;
}

struct Sums {
  double flops = 0, cold = 0, data = 0, kernels = 0;
};
std::map<std::string, Sums> by_name(const std::vector<Operator>& ops) {
  std::map<std::string, Sums> out;
  for (const Operator& op : ops) {
    Sums& s = out[op.name];
    s.flops += op.count * op.flops;
    s.cold += op.count * op.cold_bytes;
    s.data += op.count * op.data_bytes;
    s.kernels += op.count * op.kernels;
  }
  return out;
}

double product_flops(const std::vector<Operator>& ops) {
  double flops = 0;
  for (const Operator& op : ops) {
    if (op.kind == OperatorKind::product || op.kind == OperatorKind::batched_product ||
        op.kind == OperatorKind::convolution || op.kind == OperatorKind::expert_product) {
      flops += op.count * op.flops;
    }
  }
  return flops;
}

TEST(Operators, OneEncoderLayerByHand) {
  // 3 samples of 16 tokens: 48 rows.
  const auto ops = by_name(operators_of(tiny(), fp32(3)));
  // query: 48 x 8 by 8 x 8 = 2*48*8*8 = 6144 FLOP; weights 64 x 4 B; 48 x (8 + 8) x 4 B of data.
  EXPECT_EQ(ops.at("query").flops, 6144);
  EXPECT_EQ(ops.at("query").cold, 256);
  EXPECT_EQ(ops.at("query").data, 3072);
  // scores: 3 x 2 products of 16 x 4 by 4 x 16 = 6 * 2*16*16*4 = 12288 FLOP; each reads 16 x 4
  // twice and writes 16 x 16: 6 * (64 + 64 + 256) * 4 B.
  EXPECT_EQ(ops.at("scores").flops, 12288);
  EXPECT_EQ(ops.at("scores").data, 9216);
  // divide, add the mask, soft-max: three kernels that read and write 6 * 256 numbers.
  EXPECT_EQ(ops.at("score passes").data, 3 * 2 * 6 * 256 * 4);
  EXPECT_EQ(ops.at("score passes").kernels, 3);
  // feed-forward: 48 x 8 by 8 x 32 and back, 2*48*8*32 = 24576 each.
  EXPECT_EQ(ops.at("up").flops, 24576);
  EXPECT_EQ(ops.at("down").flops, 24576);
  EXPECT_EQ(ops.at("down").cold, 1024);
  // norm after attention and after feed-forward: 48 x 8 numbers read and written.
  EXPECT_EQ(ops.at("norm").data, 2 * 2 * 48 * 8 * 4);
}

TEST(Operators, LayerMatchesTheFormulaOfTheLiterature) {
  // 2 (4 h^2 + 2 h w) T + 4 B S^2 h, Kaplan et al. 2020, table 1.
  const Work work = fp32(2);
  const double h = 8, w = 32, tokens = 32, s = 16;
  EXPECT_DOUBLE_EQ(product_flops(operators_of(tiny(), work)),
                   2 * (4 * h * h + 2 * h * w) * tokens + 4 * 2 * s * s * h);
}

TEST(Operators, TrainingIsThreeForwardPassesAndTheOptimizer) {
  Work work = fp32(2);
  const double forward = product_flops(operators_of(tiny(), work));
  work.phase = Phase::training;
  const auto ops = operators_of(tiny(), work);
  EXPECT_DOUBLE_EQ(product_flops(ops), 3 * forward);
  // Adam moves 28 B a parameter: 4*8*8 + 2*8*32 = 768 parameters.
  EXPECT_DOUBLE_EQ(by_name(ops).at("optimizer").cold, 28 * 768);
  work.recompute = true;
  EXPECT_DOUBLE_EQ(product_flops(operators_of(tiny(), work)), 4 * forward);
}

TEST(Operators, DecodingReadsAllKeysAndValues) {
  Work work = fp32(5);
  work.phase = Phase::decode;
  work.stack = Stack::engine;
  work.context = 10;
  const auto ops = by_name(operators_of(tiny(true), work));
  // 5 sequences x 10 tokens x (8 keys + 8 values) x 4 B.
  EXPECT_EQ(ops.at("attention").cold, 3200);
  EXPECT_EQ(ops.at("attention").flops, 4 * 5 * 2 * 4 * 10);
  EXPECT_EQ(ops.at("up").flops, 2 * 5 * 8 * 32);
}

TEST(Operators, WindowsLimitWhatIsRead) {
  Model model = tiny(true);
  std::get<TransformerLayer>(model.stages[0].layers[0].layer).window = 4;
  Work work = fp32(5);
  work.phase = Phase::decode;
  work.stack = Stack::engine;
  work.context = 10;
  EXPECT_EQ(by_name(operators_of(model, work)).at("attention").cold, 1280);
}

TEST(Operators, FrameworksPassOverTensorsThatEnginesDoNot) {
  Model model = tiny();
  auto& l = std::get<TransformerLayer>(model.stages[0].layers[0].layer);
  l.modulated = l.qk_norm = l.rotary = true;
  Work work = fp32(3);
  const auto eager = by_name(operators_of(model, work));
  // 48 rows of 8; in each half scale, shift and gate, read and written: 2 * 3 * 2 * 4 B.
  EXPECT_EQ(eager.at("modulation").data, 48 * 8 * 48);
  EXPECT_EQ(eager.at("modulation").kernels, 6);
  // 16 numbers of queries and keys a row, read and written six times.
  EXPECT_EQ(eager.at("norm of queries and keys").data, 48 * 16 * 12 * 4);
  EXPECT_EQ(eager.at("rotation").data, 48 * 16 * 16 * 4);
  work.stack = Stack::engine;
  const auto engine = by_name(operators_of(model, work));
  EXPECT_EQ(engine.count("modulation") + engine.count("rotation"), 0u);
}

TEST(Operators, AnEncoderRunsOnThePromptOnly) {
  Model model = tiny();  // one layer that sees both sides: the encoder
  RepeatedLayer decoder = model.stages[0].layers[0];
  auto& l = std::get<TransformerLayer>(decoder.layer);
  l.causal = true;
  l.cross_tokens = 20;
  model.stages[0].layers.push_back(decoder);
  Work work = fp32(5);
  work.phase = Phase::decode;
  work.stack = Stack::engine;
  work.context = 10;
  const auto ops = by_name(operators_of(model, work));
  EXPECT_EQ(ops.at("up").flops, 2 * 5 * 8 * 32);                // the decoder's
  EXPECT_EQ(ops.at("attention").cold, 5 * 16 * 4 * (10 + 20));  // its own tokens, and the other's
  EXPECT_EQ(ops.count("cross key and value"), 0u);              // kept from the prompt
  EXPECT_EQ(ops.at("cross query").flops, 2 * 5 * 8 * 8);
  work.phase = Phase::prefill;
  EXPECT_EQ(by_name(operators_of(model, work)).at("up").flops, 2 * 2 * 5 * 16 * 8 * 32);
}

TEST(Operators, ServingMixesPromptsIntoItsSteps) {
  // 4 in flight, 16 tokens each: a request ends every 4 steps, so a quarter of the steps takes in
  // a prompt of 12 tokens: on average 4 + 12/4 = 7 rows a step.
  Work work = fp32(4);
  work.phase = Phase::serving;
  work.stack = Stack::engine;
  work.prompt = 12;
  work.output = 16;
  work.context = 20;
  EXPECT_DOUBLE_EQ(prompt_steps(work).share, 0.25);
  EXPECT_DOUBLE_EQ(prompt_steps(work).prompts, 1);
  const auto ops = by_name(operators_of(tiny(true), work));
  EXPECT_DOUBLE_EQ(ops.at("up").flops, 2 * 7 * 8 * 32);
  // 32 in flight: two prompts in every step.
  work.batch = 32;
  EXPECT_DOUBLE_EQ(prompt_steps(work).share, 1);
  EXPECT_DOUBLE_EQ(by_name(operators_of(tiny(true), work)).at("up").flops, 2 * (32 + 24) * 8 * 32);
}

TEST(Operators, ExpertsThatNobodyChoseAreNotRead) {
  Model model = tiny(true);
  auto& l = std::get<TransformerLayer>(model.stages[0].layers[0].layer);
  l.experts = 4;
  l.active_experts = 2;
  Work work = fp32(1);
  work.phase = Phase::decode;
  work.stack = Stack::engine;
  work.context = 1;
  // One token chooses 2 of 4: 4 (1 - (1 - 1/2)^1) = 2 experts of 8 x 32 x 4 B.
  EXPECT_DOUBLE_EQ(by_name(operators_of(model, work)).at("experts up").cold, 2 * 8 * 32 * 4);
  // With four tokens 4 (1 - 1/16) = 3.75 on average; the arithmetic is that of 4 x 2 experts.
  work.batch = 4;
  const auto ops = by_name(operators_of(model, work));
  EXPECT_DOUBLE_EQ(ops.at("experts up").cold, 3.75 * 8 * 32 * 4);
  EXPECT_DOUBLE_EQ(ops.at("experts up").flops, 2 * 4 * 2 * 8 * 32);
}

TEST(Operators, ConvolutionIsAProduct) {
  ConvLayer c;
  c.in = 3;
  c.out = 64;
  c.kernel_h = c.kernel_w = 7;
  c.out_h = c.out_w = 112;
  c.stride = 2;
  Model model;
  model.id = "stem";
  model.stages = {{"model", false, 1, true, {{c, 1, Rows::sample, 1}}}};
  const auto ops = by_name(operators_of(model, fp32(1)));
  // The first layer of ResNet: 112^2 x 64 x 3 x 49 multiplications and additions = 0.236 GFLOP.
  EXPECT_EQ(ops.at("convolution").flops, 2.0 * 112 * 112 * 64 * 3 * 49);
  EXPECT_EQ(ops.at("convolution").cold, 64 * 3 * 49 * 4);
  EXPECT_EQ(ops.at("convolution").data, (112.0 * 112 * 64 + 224 * 224 * 3) * 4);
}

TEST(Operators, TensorParallelSharesTheProducts) {
  Work work = fp32(2);
  const double alone = product_flops(operators_of(tiny(), work));
  work.parallel.tensor = 2;
  EXPECT_DOUBLE_EQ(product_flops(operators_of(tiny(), work)), alone / 2);
  work.parallel.tensor = 1;
  work.parallel.pipeline = 2;
  EXPECT_DOUBLE_EQ(product_flops(operators_of(tiny(), work)), alone / 2);
}

TEST(Operators, DenoisingStepsShareTheirTokens) {
  Model model = tiny();
  model.stages[0].per_step = true;
  model.stages.push_back({"decode", false, 1, true, {{DenseLayer{8, 8, false}, 1}}});
  Work work = fp32(2);
  work.steps = 3;
  work.fused_attention = true;
  const std::vector<Operator> alone = operators_of(model, work);
  work.parallel.sequence = 2;
  const std::vector<Operator> shared = operators_of(model, work);
  ASSERT_EQ(alone.size(), shared.size());
  for (std::size_t i = 0; i < alone.size(); ++i) {
    // The decoder each device runs for itself; weights each has whole.
    const double share = std::string(alone[i].name) == "dense" ? 1.0 : 0.5;
    EXPECT_DOUBLE_EQ(shared[i].flops, share * alone[i].flops) << alone[i].name;
    EXPECT_DOUBLE_EQ(shared[i].data_bytes, share * alone[i].data_bytes) << alone[i].name;
    EXPECT_DOUBLE_EQ(shared[i].cold_bytes, alone[i].cold_bytes) << alone[i].name;
    EXPECT_EQ(alone[i].swapped_bytes, 0);
    // Queries, keys, values and result: 4 x 2 samples x 16 tokens x 8 numbers of 4 B, half of them.
    const bool attention = std::string(alone[i].name) == "attention";
    EXPECT_DOUBLE_EQ(shared[i].swapped_bytes, attention ? 2048 : 0) << alone[i].name;
  }
}

TEST(Operators, SizesAreCounted) {
  const ModelSize size = size_of(tiny(true));
  EXPECT_EQ(size.parameters, 4 * 8 * 8 + 2 * 8 * 32);
  EXPECT_EQ(size.kept_per_token, 16);
  EXPECT_EQ(kept_numbers(tiny(true), 10), 160);
}

TEST(Memory, TrainingByHand) {
  Work work = fp32(2);
  work.phase = Phase::training;
  const MemoryNeed need = memory_need(tiny(), work);
  EXPECT_DOUBLE_EQ(need.weights, 768 * 4);
  EXPECT_DOUBLE_EQ(need.training, 768 * (4 + 12));
  // (34 x 32 rows x 8 + 5 x 2 heads x 32 x 16 pairs) at two bytes, doubled for FP32.
  EXPECT_DOUBLE_EQ(need.activations, 2 * (34 * 32 * 8 + 5 * 2 * 32 * 16));
}

TEST(Memory, ConvolutionsGrowWithThePixels) {
  Model model;
  model.height = model.width = 224;
  ConvLayer conv;
  conv.in = 3;
  conv.out = 24;
  conv.out_h = conv.out_w = 112;
  conv.stride = 2;
  ModelStage stage;
  stage.layers.push_back({conv, 1, Rows::sample});
  model.stages.push_back(stage);
  Work work = fp32(2);
  work.phase = Phase::training;
  // Two tensors of four bytes an element: before and after the norm.
  EXPECT_DOUBLE_EQ(memory_need(model, work).activations, 2 * 4.0 * (2 * 24 * 112 * 112));
  work.height = work.width = 32;  // a 49th of the pixels
  EXPECT_DOUBLE_EQ(memory_need(model, work).activations, 2 * 4.0 * (2 * 24 * 112 * 112) / 49);
}

TEST(Memory, TheLargestBatchIsTheLargest) {
  Work work = fp32(1);
  work.phase = Phase::decode;
  work.stack = Stack::engine;
  work.context = 1000;
  const double bytes = 1e6;
  const double batch = largest_batch(tiny(true), work, bytes);
  ASSERT_GE(batch, 1);
  work.batch = batch;
  EXPECT_LE(memory_need(tiny(true), work).all(), bytes);
  work.batch = batch + 1;
  EXPECT_GT(memory_need(tiny(true), work).all(), bytes);
  EXPECT_EQ(largest_batch(tiny(true), work, 100), 0);
}

TEST(Roofline, WholeTilesInWholeWaves) {
  // 10 units of 1 TFLOP/s. 1280 x 128 by 4096 is 10 tiles of 128 x 128: one wave, no loss.
  const double rate = 10e12;
  const double exact = 2.0 * 1280 * 128 * 4096 / rate;
  EXPECT_DOUBLE_EQ(tiled_time(1280, 128, 4096, 1, 10, rate, 0).seconds, exact);
  // One row more can only cost, and at most a second wave.
  const double more = tiled_time(1281, 128, 4096, 1, 10, rate, 0).seconds;
  EXPECT_GT(more, exact);
  EXPECT_LE(more, 2 * exact);
}

TEST(Roofline, AStallTakesTimeAndMovesNothing) {
  Device device;
  device.id = "d";
  device.sms = 100;
  device.boost_mhz = 1000;
  device.memory_bytes_per_s = 1e12;
  device.l2_bytes = 1e6;
  device.peak_per_s[static_cast<std::size_t>(Precision::fp32)] = 1e13;
  const Rates rates(device, Terms());
  Operator op;
  op.data_bytes = 3e9;
  op.working_set = 4e9;
  Operator stalled = op;
  stalled.stall_bytes = 1e9;
  Operator longer = op;
  longer.data_bytes = 4e9;
  EXPECT_DOUBLE_EQ(cost_of(stalled, rates).memory_bytes, cost_of(op, rates).memory_bytes);
  EXPECT_DOUBLE_EQ(cost_of(stalled, rates).memory_s, cost_of(longer, rates).memory_s);
  EXPECT_DOUBLE_EQ(cost_of(stalled, rates).feed_s, cost_of(longer, rates).feed_s);
}

TEST(Estimate, OperatorsInALoopWaitForTheHostOfAFramework) {
  Device device;
  device.id = "d";
  device.idle = watts(50);
  device.tdp = device.max_cap = watts(300);
  device.min_cap = watts(100);
  device.sms = 100;
  device.boost_mhz = 1000;
  device.memory_bytes_per_s = 1e12;
  device.l2_bytes = 1e6;
  device.peak_per_s[static_cast<std::size_t>(Precision::fp32)] = 1e13;
  Operator op;
  op.data_bytes = op.working_set = 1e3;
  Terms terms;
  terms[TermId::host_us] = 80;
  terms[TermId::launch_us] = 2;
  const Estimate bare = PreparedWork({op}, device, terms).at({});
  const Estimate eager = PreparedWork({op}, device, terms, Stack::eager).at({});
  EXPECT_NEAR(to_seconds(bare.iteration), 2e-6, 1e-7);
  EXPECT_NEAR(to_seconds(eager.iteration), 80e-6, 1e-7);
  EXPECT_LT(eager.device_power, bare.device_power);
}

TEST(Estimate, WhatIsOverBeforeTheBoardAnswersIsNotCapped) {
  Device device;
  device.id = "d";
  device.idle = watts(50);
  device.tdp = device.max_cap = watts(100);
  device.min_cap = watts(80);
  device.sms = 100;
  device.boost_mhz = 1000;
  device.memory_bytes_per_s = 1e12;
  device.l2_bytes = 1e6;
  device.peak_per_s[static_cast<std::size_t>(Precision::fp32)] = 3e13;
  Operator op;
  op.data_bytes = op.working_set = 1e9;
  const PreparedWork work({op}, device, Terms());
  const Estimate lasting = work.at({}), brief = work.at({.brief = true});
  EXPECT_EQ(lasting.limit, Limit::cap);
  EXPECT_LE(lasting.device_power, watts(100));
  EXPECT_EQ(brief.clock_mhz, 1000);
  EXPECT_GT(brief.device_power, watts(100));
}

TEST(Roofline, StreamsRunAtTheBandwidthTheyReach) {
  Device d;
  d.id = "d";
  d.sms = 100;
  d.boost_mhz = 1000;
  d.memory_bytes_per_s = 1e12;
  d.l2_bytes = 1e6;
  d.peak_per_s[static_cast<std::size_t>(Precision::fp32)] = 10e12;
  Terms t;
  t[TermId::bandwidth] = 0.5;
  t[TermId::feed] = 60;  // 6 TB/s
  t[TermId::launch_us] = 1;
  Operator op;
  op.data_bytes = op.working_set = 1e9;
  const OperatorCost cost = cost_of(op, Rates(d, t));
  EXPECT_NEAR(cost.memory_s, 2e-3, 1e-9);  // a thousand times the cache: all from memory
  EXPECT_NEAR(cost.feed_s, 1e9 / 6e12, 1e-12);
  EXPECT_NEAR(cost.at(1.0), 2e-3 + 1e-6, 2e-6);  // the third norm adds less than 0.02 %
  op.data_bytes = op.working_set = 1e4;          // within the cache
  EXPECT_LT(cost_of(op, Rates(d, t)).memory_bytes, 1);
}

}  // namespace
}  // namespace nightwatt
