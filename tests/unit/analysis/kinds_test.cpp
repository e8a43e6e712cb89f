#include <gtest/gtest.h>

#include <cmath>
#include <string>

#include "analysis/measurements/study.hpp"

/// What is predicted of each kind of rows, and why others are not. Figures of rows are made up; the
/// predictions asked for follow from the files of the catalogue.
namespace nightwatt {
namespace {

const std::string shipped = NIGHTWATT_SOURCE_DIR "/energy/catalog";

Evaluation evaluate(const std::string& name, const std::string& text) {
  Catalog catalog({shipped});
  Input input = Input::from_memory(name, text);
  const MeasuredFile file = MeasuredFile::read(input);
  return evaluator_of(file.kind().name).evaluate(file, catalog);
}

double predicted(const Evaluation& e, std::size_t row, const std::string& quantity) {
  for (const Prediction& p : e.predictions) {
    if (p.row == row && p.quantity == quantity) return p.predicted;
  }
  return std::nan("");
}

TEST(Kinds, EachHasAnEvaluator) {
  for (const MeasurementKind& kind : measurement_kinds()) {
    EXPECT_FALSE(evaluator_of(kind.name).quantities.empty()) << kind.name;
  }
}

TEST(Kinds, ServersAreCoveredWhereTheirCapIsKnown) {
  const std::string header =
      "round,submitter,system,accelerator,accelerators,host_cpu,benchmark,scenario,"
      "gpu_power_limit_w_from_config,samples_per_s,tokens_per_s,mean_system_wall_power_w,"
      "energy_per_sample_j,window_s,min_w,max_w,samples_per_s_same_system_default_power,"
      "throughput_ratio_maxq_to_default,result\n";
  const auto row = [](const std::string& system, const std::string& count, const std::string& cap,
                      const std::string& scenario, const std::string& kept) {
    return "v2,n," + system + ",NVIDIA A100-SXM-80GB," + count + ",cpu,bert-99," + scenario + "," +
           cap + ",1,,3000,,600,,,," + kept + ",VALID\n";
  };
  const Evaluation e = evaluate("m.csv", header + row("DGX_MaxQ", "8", "250", "Offline", "0.8") +
                                             row("DGX_MaxQ", "8", "300", "Offline", "0.9") +
                                             row("DGX_MaxQ", "8", "", "Offline", "0.9") +
                                             row("DGX", "4", "", "Server", "") +
                                             row("DGX_MaxQ", "4", "250", "Server", "0.5"));
  ASSERT_EQ(e.not_covered.size(), 1u);
  EXPECT_EQ(e.not_covered[0].row, 2u);
  EXPECT_NE(e.not_covered[0].why.find("does not say which"), std::string::npos);
  // 50 W more each for eight devices, at the share of the cap that they settle at.
  const double more = predicted(e, 1, "power") - predicted(e, 0, "power");
  EXPECT_GT(more, 0.8 * 400);
  EXPECT_LE(more, 400);
  EXPECT_GT(predicted(e, 0, "power"), 8 * 250);
  EXPECT_GT(predicted(e, 1, "throughput_at_cap"), predicted(e, 0, "throughput_at_cap"));
  EXPECT_LT(predicted(e, 1, "throughput_at_cap"), 1);
  // Queries that come at a rate say nothing of what the server can do.
  EXPECT_TRUE(std::isnan(predicted(e, 4, "throughput_at_cap")));
}

TEST(Kinds, ProductsOfAnyDeviceArePredictedOrListed) {
  const Evaluation e =
      evaluate("g.csv",
               "gpu,dtype,m,n,k,latency_ms,mean_gpu_power_w,power_limit_w,nominal_power_window_s\n"
               "MI300X,bfloat16,8192,8192,8192,2,700,750,1\n"  // the catalogue knows no legal caps
               "L4,bfloat16,8192,8192,8192,20,70,700,1\n"      // a limit above what is legal
               "tpu-v4,bfloat16,8192,8192,8192,2,150,192,1\n"  // no clock and no units
               "X9000,bfloat16,8192,8192,8192,2,150,192,1\n");
  EXPECT_GT(predicted(e, 0, "power"), 140);
  EXPECT_LE(predicted(e, 0, "power"), 750);
  EXPECT_LE(predicted(e, 1, "power"), 72);
  ASSERT_EQ(e.not_covered.size(), 2u);
  EXPECT_EQ(e.predictions.size() / 3 + e.not_covered.size(), 4u);
}

TEST(Kinds, IdlePowerIsThatOfTheDevicesFile) {
  const Evaluation e = evaluate("idle.csv",
                                "gpu,sm_mhz,core_voltage_mv,idle_power_w_at_locked_clock\n"
                                "A100-PCIE-40GB,1410,900,60\nA100-PCIE-40GB,210,700,40\n"
                                "T4,1590,1000,20\nT4,300,600,20\nX9000,300,600,20\n");
  Catalog catalog({shipped});
  const Device& a100 = catalog.device("a100-pcie-40gb").device;
  EXPECT_DOUBLE_EQ(predicted(e, 0, "idle_power"), to_watts(a100.idle_at(1410)));
  EXPECT_DOUBLE_EQ(predicted(e, 1, "idle_power"), to_watts(a100.idle_at(210)));
  EXPECT_DOUBLE_EQ(predicted(e, 1, "voltage_ratio"), *a100.volts_at(210) / *a100.volts_at(1410));
  EXPECT_DOUBLE_EQ(predicted(e, 0, "voltage_ratio"), 1);
  // Without curves: one idle power, and the voltage of the model's terms.
  const Device& t4 = catalog.device("t4").device;
  EXPECT_DOUBLE_EQ(predicted(e, 3, "idle_power"), to_watts(t4.idle));
  EXPECT_LT(predicted(e, 3, "voltage_ratio"), 1);
  for (const Prediction& p : e.predictions) EXPECT_EQ(p.seen, p.row < 2) << p.row;
  ASSERT_EQ(e.not_covered.size(), 1u);
}

TEST(Kinds, RatiosOfPapersNeedTwoCapsOrClocksAndANetwork) {
  const Evaluation e = evaluate(
      "p.csv",
      "use,study,gpu,workload,gpus,baseline_w_or_mhz,setting,relative_time,relative_energy,"
      "relative_power,exactness,source\n"
      "x,s,V100,BERT training,1,250 W,150 W,1.1,0.9,,stated,paper\n"
      "x,s,V100,BERT base training,1,250 W,100 W,1.5,0.9,0.5,derived from z.csv,z\n"
      "x,s,A100-PCIE-40GB,GPT2 inference,1,1410 MHz,900 MHz,1.2,,0.7,stated,paper\n"
      "x,s,H100,LLM inference,,2000 MHz,1600 MHz,1.0,0.8,,stated,paper\n"
      "x,s,H100,BERT inference,,default clock,frequency cap,1.0,0.8,,stated,paper\n");
  ASSERT_EQ(e.not_covered.size(), 2u);
  EXPECT_NE(e.not_covered[0].why.find("no model"), std::string::npos);
  EXPECT_NE(e.not_covered[1].why.find("no two caps"), std::string::npos);
  EXPECT_EQ(e.predictions.front().device, "v100-pcie-32gb");
  EXPECT_EQ(e.predictions.front().model, "bert-base");
  EXPECT_GT(predicted(e, 0, "time"), 1);
  EXPECT_LT(predicted(e, 0, "energy"), 1);
  EXPECT_TRUE(std::isnan(predicted(e, 0, "power")));
  EXPECT_GT(predicted(e, 1, "time"), predicted(e, 0, "time"));
  EXPECT_NEAR(predicted(e, 1, "energy"), predicted(e, 1, "time") * predicted(e, 1, "power"), 1e-9);
  EXPECT_GT(predicted(e, 2, "time"), 1);
  EXPECT_LT(predicted(e, 2, "power"), 1);
  for (const Prediction& p : e.predictions) EXPECT_EQ(p.seen, p.row == 1) << p.row;
}

TEST(Kinds, DiffusionIsSharedOverTheDevicesThatTheFileNames) {
  const std::string header =
      "task,model_id,total_params_b,weight_precision,gpu,num_gpus,batch_size,height_px,width_px,"
      "inference_steps,num_frames,ulysses_degree,ring_degree,outputs_per_s,batch_latency_s,"
      "avg_total_gpu_power_w,energy_per_output_j\n";
  const std::string name =
      "text-to-image,PixArt-alpha/PixArt-Sigma-XL-2-1024-MS,0.6,bfloat16,H100,";
  const Evaluation e = evaluate("d.csv", header + name + "1,16,1024,1024,20,1,1,1,1,10,600,600\n" +
                                             name + "1,16,1024,1024,40,1,1,1,1,10,600,600\n" +
                                             name + "4,16,1024,1024,20,1,2,2,1,10,2000,600\n" +
                                             name + "4,16,1024,1024,20,1,2,1,1,10,2000,600\n");
  // Twice the steps: nearly twice the time, but text encoder and decoder run once.
  const double steps = predicted(e, 1, "time") / predicted(e, 0, "time");
  EXPECT_GT(steps, 1.6);
  EXPECT_LT(steps, 2);
  const double speed_up = predicted(e, 0, "time") / predicted(e, 2, "time");
  EXPECT_GT(speed_up, 1);
  EXPECT_LE(speed_up, 4);
  EXPECT_GT(predicted(e, 2, "power"), predicted(e, 0, "power"));  // of all four
  ASSERT_EQ(e.not_covered.size(), 1u);
  EXPECT_EQ(e.not_covered[0].row, 3u);
}

TEST(Kinds, ModelsInFp32RunOnSeveralDevicesOnlyAsTheirOptionSays) {
  const std::string header =
      "gpu,model,seq_len,batch,mode,option,measured_latency_ms,measured_forward_ms,"
      "measured_backward_ms,neusight_pred_ms,roofline_pred_ms,habitat_pred_ms,li_micro_pred_ms\n";
  const auto row = [](const std::string& option) {
    return "A100-SXM4-40GB,gpt2_large,1024,4,train," + option + ",450,0,0,,,,\n";
  };
  const Evaluation e =
      evaluate("m.csv", header + row("") + row("dp4") + row("pp4_2") + row("pp4_1") + row("dp4x") +
                            row("pp4_") + row("dp99999999999") + row("dp0"));
  EXPECT_LT(predicted(e, 1, "time"), predicted(e, 0, "time"));
  // Two micro-batches fill the stages better than one.
  EXPECT_LT(predicted(e, 2, "time"), predicted(e, 3, "time"));
  ASSERT_EQ(e.not_covered.size(), 4u);
  EXPECT_EQ(e.not_covered[0].row, 4u);
}

TEST(Kinds, ANodeThatServesTakesItsNamesFromTheFile) {
  const std::string offline =
      "batch_size_requests,max_output_tokens,n_runs,elapsed_s_mean,elapsed_s_sd,"
      "node_gpu4_plus_cpu_power_w_mean,power_sd_over_runs_w,peak_power_w_mean,energy_j_mean\n"
      "25,512,1,10,0,2000,0,2000,20000\n50,512,1,10,0,2000,0,2000,20000\n"
      "50,256,1,10,0,2000,0,2000,20000\n";
  const Evaluation e = evaluate("h100x4_llama70b_offline.csv", offline);
  ASSERT_TRUE(e.not_covered.empty());
  EXPECT_EQ(e.predictions.front().device, "h100-sxm5-80gb");
  EXPECT_EQ(e.predictions.front().model, "llama-3.1-70b");
  EXPECT_GT(predicted(e, 1, "time"), predicted(e, 0, "time"));
  EXPECT_LT(predicted(e, 1, "time"), 2 * predicted(e, 0, "time"));
  EXPECT_GT(predicted(e, 1, "time"), predicted(e, 2, "time"));
  EXPECT_GT(predicted(e, 1, "power"), predicted(e, 0, "power"));
  EXPECT_NEAR(predicted(e, 0, "energy"), predicted(e, 0, "time") * predicted(e, 0, "power"), 1e-6);
  EXPECT_EQ(evaluate("offline.csv", offline).not_covered.size(), 3u);
  EXPECT_EQ(evaluate("h100x4_offline.csv", offline).not_covered.front().why,
            "the file's name has no model");

  // As many requests a second as it can serve, and ten times as many: then all are there at once.
  const std::string online =
      "dataset,requested_output_len,request_rate_per_s,num_prompts,n_runs,duration_s,"
      "total_input_tokens,total_output_tokens,output_tokens_per_s,mean_ttft_ms,mean_tpot_ms,"
      "mean_e2e_ms,node_gpu4_plus_cpu_power_w,peak_power_w,energy_per_output_token_j_derived\n"
      "d,256,2,200,1,100,34000,30000,300,40,20,3000,2000,2100,5\n"
      "d,256,500,200,1,10,34000,30000,3000,40,20,3000,2500,2600,1\n";
  const Evaluation o = evaluate("h100x4_llama70b_online.csv", online);
  EXPECT_GT(predicted(o, 1, "time"), predicted(o, 0, "time"));
  EXPECT_GT(predicted(o, 1, "power"), predicted(o, 0, "power"));
  EXPECT_LT(predicted(o, 1, "energy"), predicted(o, 0, "energy"));

  const Evaluation t = evaluate("h100x4_training.csv",
                                "workload,nodes,gpus,duration_s_one_run,"
                                "mean_power_per_gpu_incl_cpu_share_w,median_w,max_w,min_w,p95_w\n"
                                "lora,2,8,1000,650,650,700,100,690\n"
                                "lora,4,16,800,600,600,700,100,690\n");
  EXPECT_LT(predicted(t, 1, "power"), predicted(t, 0, "power"));
  EXPECT_GT(predicted(t, 1, "power"), 300);
}

}  // namespace
}  // namespace nightwatt
