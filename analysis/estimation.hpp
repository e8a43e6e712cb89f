#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "energy/estimate.hpp"
#include "energy/memory.hpp"
#include "scenarios/shared_terms.hpp"

namespace nightwatt {

/// What a user asks of `nightwatt estimate`. 0 or empty = take the usual value.
struct EstimateRequest {
  std::string model, device, node;
  std::string phase = "inference";
  std::string software;   ///< "eager", "engine"
  std::string precision;  ///< "bf16", ...
  std::uint32_t gpus = 1, nodes = 0;
  std::uint32_t data = 0, tensor = 0, pipeline = 0, expert = 0, micro_batches = 0;
  double batch = 1;  ///< of the whole job
  double sequence = 0, context = 0, prompt = 0, output = 0;
  double steps = 0, height = 0, width = 0, frames = 0;
  bool fused_attention = false, recompute = false;
  std::optional<double> power_cap_w;
  double clock_mhz = 0;
  std::optional<double> carbon_g_per_kwh;
  double pue = 1;  ///< of the site: all its energy over that of the nodes
  // Length of the whole job: one of them.
  double iterations = 0, tokens = 0, requests = 0;
};

/// A point of the answer: one cap or clock.
struct EstimatePoint {
  double cap_w = 0;  ///< infinite = none
  Estimate estimate;
  double node_power_w = 0;   ///< at the mains, with host, fans and supply
  double energy_j = 0;       ///< an iteration, all devices, without hosts
  double node_energy_j = 0;  ///< the same at the mains, all nodes
};

/// Emissions of one iteration, the site's overhead included.
double carbon_g(const EstimateRequest& request, const EstimatePoint& point);

struct EstimateAnswer {
  std::string model_id, model_summary, device_id, node_id;
  EstimateRequest request;  ///< with what was filled in
  Work work;
  Knobs knobs;
  double samples = 0;     ///< an iteration (serving: requests that end)
  double tokens = 0;      ///< an iteration; 0 = not a text model
  double iterations = 0;  ///< of the whole job; 0 = not asked
  MemoryNeed memory;
  double memory_bytes = 0;  ///< of the device
  EstimatePoint point;
  std::vector<EstimatePoint> sweep;  ///< caps ascending, the highest last; empty = not asked
  std::size_t least_energy = 0, least_energy_delay = 0;  ///< into sweep
  std::optional<ErrorBand> band;  ///< none where nothing of the kind was measured
};

/// @throws InputError for an unknown name ("did you mean"), an illegal cap or clock (with the
///   range), a phase that the model has not, or a job that does not fit the memory (by how much,
///   and what would fit)
EstimateAnswer estimate_job(const EstimateRequest& request, bool sweep_caps);

std::string estimate_table(const EstimateAnswer& answer);
std::string estimate_json(const EstimateAnswer& answer);

}  // namespace nightwatt
