#include "policies/decisions.hpp"

namespace nightwatt {
namespace {

/// Nodes that were empty for a while go to sleep; one that is needed boots first. Placement takes
/// sleeping nodes last (`topology` does not look).
class SleepWhenIdle final : public NodePolicy {
 public:
  explicit SleepWhenIdle(const ParamValues& values)
      : sleep_{SimTime::from_seconds(values.number("after")),
               SimTime::from_seconds(values.number("boot_time")),
               watts(values.number("asleep_power")), watts(values.number("boot_power")),
               static_cast<std::uint32_t>(values.number("awake"))} {}

  const Sleep* sleep() const override { return &sleep_; }

 private:
  Sleep sleep_;
};

[[maybe_unused]] const bool registered = register_policy<SleepWhenIdle>(
    {Question::nodes,
     "sleep",
     "nodes that were empty for a while sleep, and boot when they are needed",
     "Slurm power saving guide (SuspendTime, ResumeTimeout); Benoit et al. 2017, Cluster Computing "
     "(shutdown policies)",
     {{"after", ParamKind::seconds, "empty for so long", "10 min", 0, 366 * 86400.0, {}},
      {"boot_time",
       ParamKind::seconds,
       "from the decision to use it to its first job",
       "",
       0,
       86400.0,
       {}},
      {"boot_power", ParamKind::watts, "draw of a node that boots, GPUs included", "", 0, 1e6, {}},
      {"asleep_power",
       ParamKind::watts,
       "draw of a node that sleeps, GPUs included",
       "",
       0,
       1e6,
       {}},
      {"awake",
       ParamKind::integer,
       "empty nodes of a partition that stay awake",
       "0",
       0,
       1e9,
       {}}}});

}  // namespace
}  // namespace nightwatt
