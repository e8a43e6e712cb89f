#pragma once

#include <array>
#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "energy/quantity.hpp"
#include "sim/timeline/timeline.hpp"

namespace nightwatt {

/// A power limit for every GPU: watts, or a share of each device's highest limit.
struct CapChoice {
  Watts limit;  ///< 0 = by share
  double share_of_highest = 0.0;
};

/// What another choice adds to a charge.
struct ChargeChange {
  double facility_j = 0.0, carbon_g = 0.0, cost = 0.0;
};

/// What a cap would have changed if no job had waited longer for it: each job starts when it did,
/// runs longer and draws less, as the energy model of the run has it for the job on its device.
struct CapSaving {
  std::vector<std::pair<std::string, Watts>> limits;  ///< by device, of those that have caps
  double jobs_it_j = 0.0;                ///< change of what the jobs draw while they hold GPUs
  double jobs_it_of_j = 0.0;             ///< what they drew
  double it_j = 0.0;                     ///< without what their GPUs would have drawn idle
  std::array<ChargeChange, 2> change{};  ///< of it_j, in the order of `fixed_shares`
  double completion_s = 0.0;             ///< mean change of the time from submission to end
  double completion_of_s = 0.0;          ///< mean of that time; of the jobs that ended
  std::size_t jobs = 0;                  ///< that a cap can act on
  std::size_t slowed = 0;                ///< of them, that it would have slowed
  std::size_t waited = 0;                ///< of the jobs, that waited in a queue
  std::vector<std::string> notes;        ///< what could not be counted, and why
};

/// @param rows  of the jobs
/// @param fixed_shares  of facility power beyond IT
/// @throws InputError where the run itself had caps, the file does not tell enough, a device does
/// not
///   take the limit, or no device can be capped
CapSaving cap_saving(const TimelineFile& file, const std::vector<std::size_t>& rows,
                     const CapChoice& choice, const std::array<double, 2>& fixed_shares);

}  // namespace nightwatt
