// policy: order throws
// expected: something that is no std::exception
#include "policies/plugin.hpp"

namespace {
class Throws final : public nightwatt::OrderPolicy {
 public:
  explicit Throws(const nightwatt::ParamValues&) {}
  double key(const nightwatt::JobView&, nightwatt::SimTime) override { throw 42; }
};
}  // namespace

NIGHTWATT_PLUGIN() {
  nightwatt::register_policy<Throws>({nightwatt::Question::order, "throws", "throws", "test", {}});
}
