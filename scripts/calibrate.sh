#!/bin/sh
# Fits the shipped terms to the measurements in $NIGHTWATT_DATA/measured, and writes
# docs/validation-energy.md. Equal files give equal bytes. Takes some minutes.
set -eu
here=$(cd "$(dirname "$0")/.." && pwd)
program=${NIGHTWATT:-$here/build/release/bin/nightwatt}
data=${NIGHTWATT_DATA:?the folder that holds measured/}/measured
export NIGHTWATT_CATALOG="$here/energy/catalog"

"$program" calibrate \
  "$data/zeus_train_powercap.csv" \
  "$data/aic_nccl_latency.csv" \
  "$data/mlperf_training_v4_smc_h100_power.csv" \
  "$data/energaizer_endtoend.csv" \
  "$data/neusight_fp32_endtoend.csv" \
  "$data/neusight_fp32_linear.csv" \
  "$data/neusight_fp32_bmm.csv" \
  "$data/neusight_fp32_softmax_ln.csv" \
  "$data/mlenergy_v3_llm.csv" \
  "$data/mlenergy_v2_llm.csv" \
  "$data/mlenergy_v1_llm.csv" \
  "$data/mlenergy_v2_diffusion.csv" \
  "$data/mlenergy_v3_diffusion.csv" \
  "$data/nlr_h100_training_power_stats.csv" \
  "$data/nlr_h100x4_llama70b_offline.csv" \
  "$data/nlr_h100x4_llama70b_online.csv" \
  "$data/nlr_h100x4_llama70b_rate.csv" \
  "$data/mlperf_inference_wall_power.csv" \
  "$data/aic_gemm_latency.csv" \
  "$data/aic_gemm_power.csv" \
  "$data/aic_attention_power.csv" \
  "$data/accelwattch_validation_power.csv" \
  -o "$here/energy/catalog" --report "$here/docs/validation-energy.md"
