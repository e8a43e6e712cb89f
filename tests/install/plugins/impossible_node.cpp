// policy: placement beyond
// expected: policies.placement: node 1000000
#include "policies/plugin.hpp"

namespace {
class Beyond final : public nightwatt::PlacementPolicy {
 public:
  explicit Beyond(const nightwatt::ParamValues&) {}
  void place(const nightwatt::Request&, const nightwatt::NodeIndex&,
             nightwatt::Allocation& out) const override {
    out.push_back({1000000, 1, 0, 0, 0});
  }
};
}  // namespace

NIGHTWATT_PLUGIN() {
  nightwatt::register_policy<Beyond>(
      {nightwatt::Question::placement, "beyond", "a node that is not there", "test", {}});
}
