// policy: placement nothing
// expected: policies.placement: 0 GPUs for a job
#include "policies/plugin.hpp"

namespace {
class Nothing final : public nightwatt::PlacementPolicy {
 public:
  explicit Nothing(const nightwatt::ParamValues&) {}
  void place(const nightwatt::Request&, const nightwatt::NodeIndex&,
             nightwatt::Allocation&) const override {}
};
}  // namespace

NIGHTWATT_PLUGIN() {
  nightwatt::register_policy<Nothing>(
      {nightwatt::Question::placement, "nothing", "no GPU at all", "test", {}});
}
