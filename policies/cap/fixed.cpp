#include "policies/cap/outside.hpp"
#include "policies/decisions.hpp"

namespace nightwatt {
namespace {

/// Every device of the fleet runs at one power limit.
class FixedCap final : public CapPolicy {
 public:
  explicit FixedCap(const ParamValues& values)
      : limit_(watts(values.number("limit"))), clamps_(clamps_outside(values)) {}
  Watts cap(const JobView&, const CapRange&, const CapEffect&, SimTime) override { return limit_; }
  std::vector<Watts> limits() const override { return {limit_}; }
  bool clamps() const override { return clamps_; }

 private:
  Watts limit_;
  bool clamps_;
};

[[maybe_unused]] const bool registered = register_policy<FixedCap>(
    {Question::cap,
     "fixed",
     "one power limit for every GPU",
     "McDonald et al. 2022, Great Power, Great Responsibility (NAACL Findings): a fleet at 150 W",
     {{"limit", ParamKind::watts, "power limit of a GPU", "", 1, 1e5, {}}, outside_range()}});

}  // namespace
}  // namespace nightwatt
