#pragma once

#include <array>
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "energy/device.hpp"
#include "energy/signal.hpp"
#include "policies/registry.hpp"
#include "sim/carbon_label.hpp"
#include "sim/demand_charge.hpp"
#include "sim/fabric.hpp"
#include "sim/forecast_series.hpp"
#include "sim/transfer.hpp"
#include "traces/job.hpp"

namespace nightwatt {

/// Nodes of one kind with one queue.
struct PartitionSetup {
  std::string name;
  std::int32_t device = 0;  ///< into Setup::devices
  std::uint32_t nodes = 0;
  std::uint32_t units_per_node = 0;  ///< GPUs (or cores) of a node
  bool counts_cores = false;
  NodePower node;
  std::shared_ptr<const Fabric> fabric;  ///< null = flat (all nodes equally far)
  double nic_bytes_per_s = 0.0;          ///< of a node, one direction, all NICs; 0 = not known
  /// What making the hardware emitted, for each second of a GPU's (or core's) life; NaN = not
  /// given.
  double embodied_g_per_unit_s = std::numeric_limits<double>::quiet_NaN();
};

/// What a site may draw at most.
struct PowerBudget {
  StepSeries watts;    ///< by time
  bool of_it = false;  ///< of IT power; else of facility power
};

struct SiteSetup {
  std::string name, timezone, currency;
  std::vector<PartitionSetup> partitions;
  SiteSignals signals;                ///< what is charged
  std::optional<SiteSignals> decide;  ///< what policies see, where it is something else
  CarbonLabel accounted_carbon, decided_carbon;
  /// Of forecasts from files; null = that signal is persistent.
  std::shared_ptr<const ForecastSeries> carbon_forecast, price_forecast;
  std::optional<DemandCharge> demand;
  std::optional<SiteSignals> water;  ///< its carbon intensity is the water use in L/J of IT
  Facility facility;
  std::optional<PowerBudget> budget;

  [[nodiscard]] const SiteSignals& seen() const { return decide ? *decide : signals; }
};

struct PolicyChoice {
  std::string name;
  ParamValues params;
};

/// What it takes to suspend a job and to resume it. Its GPUs are held meanwhile; energies are a
/// GPU's, on top of its idle draw.
struct PauseCost {
  double checkpoint_s = 0.0, checkpoint_j = 0.0;
  double restart_s = 0.0, restart_j = 0.0;
  /// The job saves its state each time it has done so much work (reference seconds), and a pause
  /// loses what it did since; 0 = it saves its state when it is paused, and loses nothing.
  double every_s = 0.0;
};

/// What a class of jobs allows.
struct ClassTraits {
  double slack_s = 0.0;  ///< how long a job may be held; 0 = not at all
  std::optional<PauseCost> pausable;
  Watts cap = watts(std::numeric_limits<double>::infinity());  ///< of policy `by-class`
  double data_gb = 0.0;  ///< that has to be where the job runs; at its home site at first
};

enum class ForecastFrom : std::uint8_t { perfect, persistence, noisy, file };

/// What policies know of the time ahead.
struct Forecast {
  ForecastFrom from = ForecastFrom::perfect;
  // Of noisy: the truth times exp(error(lead) z), with z normal and correlated in time.
  double error = 0.02;                ///< standard deviation at a lead of an hour
  double growth = 0.59;               ///< exponent with which it grows with the lead
  double correlation_s = 7 * 3600.0;  ///< in which the correlation falls to 1/e
  friend bool operator==(const Forecast&, const Forecast&) = default;
};

enum class Shape : std::uint8_t { packed, any };
enum class EstimateFrom : std::uint8_t { limit, perfect, noisy };
enum class Oversized : std::uint8_t { error, reject };
/// Where the time of communication between nodes comes from: the energy model's law, or flows on
/// the fabric that jobs share.
enum class Fidelity : std::uint8_t { analytic, flows };

/// Everything that one simulation needs, checked; made by `scenarios`, by hand in tests.
struct Setup {
  double period_start_unix_s = 0.0;  ///< for wall clocks
  double period_end_s = 0.0;         ///< period.start is 0
  bool drain = true;
  double horizon_end_s = 0.0;  ///< bins run at least to here
  double warmup_s = 0.0;
  double bin_s = 300.0;
  double peak_window_s = 900.0;
  double slowdown_tau_s = 10.0;
  std::uint64_t seed = 1;

  std::vector<SiteSetup> sites;
  SiteNetwork network;
  std::vector<Device> devices;
  std::vector<Profile> profiles;
  Forecast forecast;
  std::vector<std::string> classes;
  std::vector<ClassTraits> class_traits;  ///< beside classes; empty = none has any
  std::shared_ptr<const JobEnergyModel> model;

  const Workload* workload = nullptr;  ///< outlives the simulation
  double origin_offset_s = 0.0;        ///< add to a job's times to get seconds since period.start
  std::vector<std::int16_t> job_profile, job_class;  ///< by job index; empty = all 0
  std::vector<std::int16_t> job_site;                ///< home site by job index; empty = all 0
  /// Partitions (index over all sites in order) that a gpu_type or queue of the trace names:
  /// by index into the workload's string tables; -1 = no restriction. Empty tables = none.
  std::vector<std::vector<std::int16_t>>
      partitions_of_gpu_type;  ///< allowed ones; empty list = any
  std::vector<std::int16_t> partition_of_queue;

  Shape shape = Shape::packed;
  EstimateFrom estimate = EstimateFrom::limit;
  double estimate_sigma = 0.0;  ///< noisy: run time times exp(N(0, sigma)), by job id
  bool kill_at_limit = false;
  bool limits_wallclock = false;
  Oversized oversized = Oversized::error;
  double rebalance_s = 0.0;      ///< how often waiting jobs may change partition; 0 = never
  double contention_rate = 1.0;  ///< rate factor of jobs that share a GPU
  Fidelity fidelity = Fidelity::analytic;
  std::array<PolicyChoice, question_count> policies;  ///< by Question; empty name = the default

  bool record_nodes = false;
  bool record_events = false;
};

}  // namespace nightwatt
