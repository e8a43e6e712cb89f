// policy: order fcfs
// expected: two policies are called order: fcfs
#include "policies/plugin.hpp"

namespace {
class Mine final : public nightwatt::OrderPolicy {
 public:
  explicit Mine(const nightwatt::ParamValues&) {}
  double key(const nightwatt::JobView&, nightwatt::SimTime) override { return 0.0; }
};
}  // namespace

NIGHTWATT_PLUGIN() {
  nightwatt::register_policy<Mine>({nightwatt::Question::order, "fcfs", "again", "test", {}});
}
