#include "policies/registry.hpp"

namespace nightwatt {
namespace {

/// A job that has started runs to its end.
class Never final : public Policy {
 public:
  explicit Never(const ParamValues&) {}
};

[[maybe_unused]] const bool registered = register_policy<Never>(
    {Question::pause, "never", "running jobs are never suspended", "definition", {}});

}  // namespace
}  // namespace nightwatt
