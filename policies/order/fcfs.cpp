#include "policies/decisions.hpp"

namespace nightwatt {
namespace {

/// First come, first served: in order of submit time, then id.
class Fcfs final : public OrderPolicy {
 public:
  explicit Fcfs(const ParamValues&) {}
  double key(const JobView&, SimTime) override { return 0.0; }
};

[[maybe_unused]] const bool registered =
    register_policy<Fcfs>({Question::order,
                           "fcfs",
                           "in order of submission",
                           "Feitelson, Rudolph, Schwiegelshohn 2005, JSSPP",
                           {}});

}  // namespace
}  // namespace nightwatt
