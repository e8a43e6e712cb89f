#include <cmath>

#include "policies/decisions.hpp"

namespace nightwatt {
namespace {

/// Earliest deadline first; jobs without one come last, in order of submission.
class Deadline final : public OrderPolicy {
 public:
  explicit Deadline(const ParamValues&) {}
  double key(const JobView& job, SimTime) override {
    return std::isnan(job.deadline_s) ? 1e300 : job.deadline_s;
  }
};

[[maybe_unused]] const bool registered = register_policy<Deadline>(
    {Question::order,
     "deadline",
     "earliest deadline first; jobs without a deadline last",
     "Jackson 1955; Liu and Layland 1973, JACM 20 (earliest deadline first)",
     {}});

}  // namespace
}  // namespace nightwatt
