#pragma once

#include <vector>

#include "energy/quantity.hpp"

/// How time and energy of a job answer a power cap, from what the job does without one
/// (docs/models/caps.md). The fitted terms are in the catalogue; what stands here are priors.
namespace nightwatt {

/// Terms of a device. The voltage curve is an effective one: it belongs to these equations and is
/// not the curve that the board reports.
struct CapTerms {
  double voltage_floor = 0.93;  ///< at and below the knee, in parts of that at the highest clock
  double knee = 0.37;           ///< clock below which the voltage is flat, in parts of the highest
  double static_share = 0.27;   ///< power of a busy device that does not follow the clock, of TDP
};

/// Terms that all devices share.
struct CapSharedTerms {
  double busy_share = 0.79;     ///< of an uncapped step: the device works, the rest it waits
  double clock_share = 0.22;    ///< of busy time that follows the clock, at the best batch size
  double hidden_slope = 0.47;   ///< how fast that falls with the rate lost to the host
  double hidden_demand = 1.28;  ///< demand over seen power, where the uncapped run meets the limit
};

/// What sets one workload apart on one device; all 0 for a workload without terms of its own.
struct CapWorkloadTerms {
  double busy_shift = 0.0;    ///< of busy_share, in logits
  double clock_shift = 0.0;   ///< of clock_share, in logits
  double demand_shift = 0.0;  ///< of hidden_demand, in logarithms
};

/// Board limits and the two powers that the equations start from.
struct CapDevice {
  Watts tdp;
  Watts highest_cap;  ///< what "uncapped" means
  Watts waiting;      ///< while the device waits with a context open
};

/// A job between its phases: busy at full clock, and waiting.
struct CapLoad {
  double busy_share = 1.0;   ///< of an uncapped step at the highest clock, (0, 1]
  double clock_share = 0.0;  ///< of busy time that is inverse to the clock, [0, 1]
  Watts busy;                ///< demanded while busy, at the highest clock and without any limit
};

/// A job under a cap. Time and energy are those of a step that takes 1 s at the highest clock.
struct CappedStep {
  Seconds time;
  Joules energy;
  double clock = 1.0;       ///< while busy, in parts of the highest
  bool duty_cycle = false;  ///< even the lowest clock draws more than the cap: it pauses
};

/// Lowest clock that the limiter uses before it pauses the device, in parts of the highest.
/// Assumed: NVIDIA boards go down to 135 to 210 MHz of 1380 to 1980 MHz.
inline constexpr double cap_lowest_clock = 0.1;

/// An uncapped run whose workload draws more than this part of the highest cap is held by it.
inline constexpr double cap_limit_share = 0.88;
/// No share of a step is taken for smaller than this.
inline constexpr double cap_least_share = 0.05;

/// The highest clock at which the busy power stays within the cap, and what follows from it.
/// A lower cap never gives less time, and the mean power never exceeds a cap above `waiting`.
/// @param cap  above device.waiting
/// @throws std::domain_error for a cap that is not above the waiting power
CappedStep step_under_cap(const CapLoad& load, const CapTerms& terms, const CapDevice& device,
                          Watts cap);

struct CapRatio {
  double time = 1.0;  ///< relative to the same job at the highest cap
  double energy = 1.0;
};
CapRatio ratio_at_cap(const CapLoad& load, const CapTerms& terms, const CapDevice& device,
                      Watts cap);

/// One uncapped run of a workload on a device.
struct UncappedRun {
  double batch = 0.0;
  double time_for_same_work = 0.0;  ///< of an epoch; any unit
  Watts mean_power;
};

/// What the uncapped runs of one workload at several batch sizes say about its phases. A batch
/// whose rate stays below the best one's is limited by the host; a power that falls while the batch
/// still grows is a device that waits for data.
/// @param runs  of one workload on one device, in any order, each batch size once
/// @return      one load a run, in their order
std::vector<CapLoad> loads_of(const std::vector<UncappedRun>& runs, const CapSharedTerms& shared,
                              const CapWorkloadTerms& own, const CapDevice& device);

}  // namespace nightwatt
