#include "policies/decisions.hpp"

namespace nightwatt {
namespace {

/// A job may start as soon as it is submitted and its dependencies have ended.
class Immediate final : public TimingPolicy {
 public:
  explicit Immediate(const ParamValues&) {}
  void windows(const JobView&, std::int16_t, SimTime, SimTime, std::vector<Window>&) override {}
  bool holds() const override { return false; }
};

[[maybe_unused]] const bool registered = register_policy<Immediate>(
    {Question::timing, "immediate", "may start as soon as it is submitted", "definition", {}});

}  // namespace
}  // namespace nightwatt
