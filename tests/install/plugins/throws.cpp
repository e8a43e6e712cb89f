// policy: order throws
// expected: no key for job 2
#include "policies/plugin.hpp"

#include <stdexcept>

namespace {
class Throws final : public nightwatt::OrderPolicy {
 public:
  explicit Throws(const nightwatt::ParamValues&) {}
  double key(const nightwatt::JobView& job, nightwatt::SimTime) override {
    if (job.index == 1) throw std::runtime_error("no key for job 2");
    return 0.0;
  }
};
}  // namespace

NIGHTWATT_PLUGIN() {
  nightwatt::register_policy<Throws>({nightwatt::Question::order, "throws", "throws", "test", {}});
}
