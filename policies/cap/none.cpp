#include "policies/decisions.hpp"

namespace nightwatt {
namespace {

/// Devices run at their default limits.
class NoCap final : public CapPolicy {
 public:
  explicit NoCap(const ParamValues&) {}
  Watts cap(const JobView&, const CapRange&, const CapEffect&, SimTime) override { return no_cap; }
  bool caps() const override { return false; }
};

[[maybe_unused]] const bool registered =
    register_policy<NoCap>({Question::cap, "none", "no power cap", "definition", {}});

}  // namespace
}  // namespace nightwatt
