#include "policies/registry.hpp"

namespace nightwatt {
namespace {

/// Devices run at their default limits.
class NoCap final : public Policy {
 public:
  explicit NoCap(const ParamValues&) {}
};

[[maybe_unused]] const bool registered =
    register_policy<NoCap>({Question::cap, "none", "no power cap", "definition", {}});

}  // namespace
}  // namespace nightwatt
