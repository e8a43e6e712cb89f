#include "policies/decisions.hpp"

namespace nightwatt {
namespace {

/// Shortest job first, by the estimate of the run time.
class Sjf final : public OrderPolicy {
 public:
  explicit Sjf(const ParamValues&) {}
  double key(const JobView& job, SimTime) override { return job.estimate_s; }
};

[[maybe_unused]] const bool registered = register_policy<Sjf>(
    {Question::order,
     "sjf",
     "shortest estimated run time first",
     "Smith 1956, Naval Research Logistics Quarterly 3 (shortest processing time)",
     {}});

}  // namespace
}  // namespace nightwatt
