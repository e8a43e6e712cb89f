#include "policies/decisions.hpp"

namespace nightwatt {
namespace {

/// Nodes without work stay on and draw their idle power.
class AlwaysOn final : public NodePolicy {
 public:
  explicit AlwaysOn(const ParamValues&) {}
};

[[maybe_unused]] const bool registered = register_policy<AlwaysOn>(
    {Question::nodes, "always-on", "nodes never sleep", "definition", {}});

}  // namespace
}  // namespace nightwatt
