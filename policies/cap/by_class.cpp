#include "policies/cap/outside.hpp"
#include "policies/decisions.hpp"

namespace nightwatt {
namespace {

/// Each class of jobs has a limit of its own.
class ByClass final : public CapPolicy {
 public:
  explicit ByClass(const ParamValues& values) : clamps_(clamps_outside(values)) {}
  Watts cap(const JobView& job, const CapRange&, const CapEffect&, SimTime) override {
    return job.class_cap;
  }
  bool clamps() const override { return clamps_; }

 private:
  bool clamps_;
};

[[maybe_unused]] const bool registered = register_policy<ByClass>(
    {Question::cap,
     "by-class",
     "the power limit of the job's class (workload.classes[].cap), none without",
     "definition",
     {outside_range()}});

}  // namespace
}  // namespace nightwatt
