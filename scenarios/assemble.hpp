#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "energy/work_model.hpp"
#include "scenarios/catalog.hpp"
#include "scenarios/scenario.hpp"
#include "sim/result.hpp"
#include "sim/setup.hpp"
#include "traces/job.hpp"

namespace nightwatt {

/// A scenario with all its files read and checked: ready to run.
struct Assembled {
  std::unique_ptr<Workload> workload;  ///< what `setup.workload` points to
  Setup setup;
  std::vector<InputFile> inputs;
  std::vector<RuleCount> counts;   ///< what was decided while assembling (jobs outside the period)
  std::vector<std::string> notes;  ///< assumptions for the summary
  std::int64_t period_start_unix_s = 0;
  double period_start_fraction_s = 0.0;
};

/// Reads the trace, the signals and the devices, and checks demand against capacity and signals
/// against the period. Paths are relative to the scenario's file.
/// @throws InputError with all faults.
Assembled assemble(const Loaded& loaded);

/// What a profile with a model comes to, its open lengths filled in from the model.
DescribedWork described_work(const ProfileSpec& spec, const Model& model);

/// Fills what a result takes from its scenario: title, canonical text and its hash, seed, period's
/// start, inputs; counts and notes are put before those that the result already has.
void stamp(const Loaded& loaded, const Assembled& assembled, RunResult& result);

}  // namespace nightwatt
