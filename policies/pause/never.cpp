#include "policies/decisions.hpp"

namespace nightwatt {
namespace {

/// A job that has started runs to its end.
class Never final : public PausePolicy {
 public:
  explicit Never(const ParamValues&) {}
  bool pauses() const override { return false; }
  bool suspends(std::int16_t, SimTime) override { return false; }
};

[[maybe_unused]] const bool registered = register_policy<Never>(
    {Question::pause, "never", "running jobs are never suspended", "definition", {}});

}  // namespace
}  // namespace nightwatt
