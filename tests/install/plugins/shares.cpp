// policy: placement shares
// expected: policies.placement: a share of a GPU for a job that asks for whole ones
#include "policies/plugin.hpp"

namespace {
class Shares final : public nightwatt::PlacementPolicy {
 public:
  explicit Shares(const nightwatt::ParamValues&) {}
  void place(const nightwatt::Request& request, const nightwatt::NodeIndex&,
             nightwatt::Allocation& out) const override {
    out.push_back({0, 0, static_cast<std::uint32_t>(request.total_milli()), 0, 0});
  }
};
}  // namespace

NIGHTWATT_PLUGIN() {
  nightwatt::register_policy<Shares>(
      {nightwatt::Question::placement, "shares", "all of a job on one GPU", "test", {}});
}
