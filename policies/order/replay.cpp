#include <cmath>

#include "policies/decisions.hpp"

namespace nightwatt {
namespace {

/// Each job starts when the trace says that it did. One without room then starts as soon as it
/// fits, in order of the recorded starts; the simulation counts it with its delay.
class Replay final : public OrderPolicy {
 public:
  explicit Replay(const ParamValues&) {}
  double key(const JobView& job, SimTime) override {
    return std::isnan(job.recorded_start_s) ? job.submit_s : job.recorded_start_s;
  }
  bool replays() const override { return true; }
};

[[maybe_unused]] const bool registered =
    register_policy<Replay>({Question::order,
                             "replay",
                             "each job at its recorded start; conflicts with capacity are counted",
                             "the trace itself",
                             {}});

}  // namespace
}  // namespace nightwatt
