// policy: cap restless
// expected: policies.cap: the next change is not ahead
#include "policies/plugin.hpp"

namespace {
class Restless final : public nightwatt::CapPolicy {
 public:
  explicit Restless(const nightwatt::ParamValues&) {}
  nightwatt::Watts cap(const nightwatt::JobView&, const nightwatt::CapRange&,
                       const nightwatt::CapEffect&, nightwatt::SimTime) override {
    return nightwatt::no_cap;
  }
  nightwatt::SimTime next_change(nightwatt::SimTime now) const override { return now; }
};
}  // namespace

NIGHTWATT_PLUGIN() {
  nightwatt::register_policy<Restless>(
      {nightwatt::Question::cap, "restless", "asks to be asked again at once", "test", {}});
}
