#include "policies/registry.hpp"

namespace nightwatt {
namespace {

/// A job may start as soon as it is submitted and its dependencies have ended.
class Immediate final : public Policy {
 public:
  explicit Immediate(const ParamValues&) {}
};

[[maybe_unused]] const bool registered = register_policy<Immediate>(
    {Question::timing, "immediate", "may start as soon as it is submitted", "definition", {}});

}  // namespace
}  // namespace nightwatt
