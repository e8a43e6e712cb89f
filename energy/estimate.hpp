#pragma once

#include <limits>
#include <vector>

#include "energy/collective.hpp"
#include "energy/operators.hpp"
#include "energy/power.hpp"
#include "energy/roofline.hpp"

namespace nightwatt {

/// What limits the devices of a job from outside. Both may act.
struct Knobs {
  Watts cap = watts(std::numeric_limits<double>::infinity());  ///< a device
  double clock_mhz = 0;  ///< locked; 0 = as high as the cap lets it
  bool brief = false;    ///< over before the board answers: no cap acts, not even its highest
};

/// @throws std::domain_error that names the legal range, if the cap or the clock is outside it
void check_knobs(const Device& device, const Knobs& knobs);

/// Where the time of one iteration goes, at the clock of the answer.
struct TimeShares {
  double compute = 0, memory = 0, communication = 0, host = 0, bubble = 0, launch = 0;
};

/// Shares of the peak rate, as means over the iteration.
struct Utilisations {
  double tensor = 0, vector = 0, cache = 0, dram = 0, link = 0;
  double busy = 0;  ///< share of the time in which a kernel runs
};

struct Estimate {
  Seconds iteration;
  Watts device_power;    ///< mean of one device
  double clock_mhz = 0;  ///< mean, if the device duty-cycles of the part in which it runs
  double duty = 1;       ///< share of the time in which it is let run; 1 unless it duty-cycles
  Limit limit = Limit::none;
  Seconds device_time;    ///< of the iteration, in kernels
  Seconds communication;  ///< that nothing hides
  TimeShares shares;
  Utilisations use;
};

/// A job on a device, its operators costed: answers for any cap and clock. The device and the
/// terms must be the same for all devices of the job.
class PreparedWork {
 public:
  /// @throws std::invalid_argument if the device lacks figures or the model the phase
  PreparedWork(const Model& model, const Work& work, const Device& device, const Terms& terms,
               const Network& network = {});

  /// Operators in a loop on one device, as micro-benchmarks run them: no gaps, and a host only
  /// where the stack is `eager`.
  PreparedWork(std::vector<Operator> operators, const Device& device, const Terms& terms,
               Stack stack = Stack::kernel);

  /// @pre the knobs are legal (check_knobs)
  [[nodiscard]] Estimate at(const Knobs& knobs) const;

  /// The all-reduce of a step that crosses nodes, by the analytic law.
  struct Exchange {
    double bytes = 0;     ///< held by each device before it; 0 = nothing crosses nodes
    double all_s = 0;     ///< what it takes between the nodes
    double hidden_s = 0;  ///< computing beside which it can go on
    RingMessage message{};
  };
  [[nodiscard]] const Exchange& between_nodes() const { return between_nodes_; }
  /// Of a device that waits for others at the highest clock.
  [[nodiscard]] Watts waiting_power() const;

  [[nodiscard]] const std::vector<Operator>& operators() const { return operators_; }
  [[nodiscard]] const std::vector<OperatorCost>& costs() const { return costs_; }

 private:
  struct Point {
    double total_s, kernel_s, busy_s, watts;
    PowerModel::Activity activity;
  };
  [[nodiscard]] Point run(double x) const;
  void cost_operators();

  std::vector<Operator> operators_;
  std::vector<OperatorCost> costs_;
  /// Costs that differ, and how often each runs: what a question at another clock goes through.
  struct Step {
    OperatorCost cost;
    double count;
  };
  std::vector<Step> steps_;
  Rates rates_;
  PowerModel power_;
  const Device* device_;
  double host_s_ = 0;     ///< hidden behind kernels while these take longer
  double gap_s_ = 0;      ///< small kernels between the operators
  double wait_s_ = 0;     ///< host work that nothing hides
  double exposed_s_ = 0;  ///< communication that nothing hides
  Exchange between_nodes_;
  double shared_ = 1;  ///< factor on kernels, so that n devices are not faster than n times
  double bubble_ = 1;  ///< factor of a pipeline's empty slots
  double link_bytes_ = 0;
  // Sums over an iteration, in seconds at the respective peak.
  double tensor_s_ = 0, vector_s_ = 0, cache_s_ = 0, dram_s_ = 0, attention_s_ = 0;
};

}  // namespace nightwatt
