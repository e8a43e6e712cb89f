#include <gtest/gtest.h>

#include <cstdint>
#include <memory>
#include <vector>

#include "policies/decisions.hpp"
#include "policies/outlook.hpp"
#include "policies/registry.hpp"

namespace nightwatt {
namespace {

constexpr std::int64_t hour_ns = 3'600'000'000'000;

/// Each hour costs a little more than the one before it.
class Rising final : public Outlook {
 public:
  double carbon_g_per_j(SimTime, SimTime from, SimTime to) const override {
    return (static_cast<double>(from.ns()) + static_cast<double>(to.ns())) / 2e18;
  }
  double price_per_j(SimTime now, SimTime from, SimTime to) const override {
    return carbon_g_per_j(now, from, to);
  }
  double grid_carbon_g_per_j(SimTime now, SimTime from, SimTime to) const override {
    return carbon_g_per_j(now, from, to);
  }
  double grid_price_per_j(SimTime now, SimTime from, SimTime to) const override {
    return carbon_g_per_j(now, from, to);
  }
  SimTime next_change(SimTime t) const override {
    return SimTime::from_ns((t.ns() / hour_ns + 1) * hour_ns);
  }
};

TEST(LowestInterruptible, UsesAllThereIsWhereThatIsLessThanTheRun) {
  // After months, times in seconds are nanoseconds off: the latest start may then lie just before
  // now, and from now to the end of the run there is less than the run.
  const Rising outlook;
  const auto policy = make_policy(Question::timing, "lowest-carbon-interruptible", {});
  auto& timing = dynamic_cast<TimingPolicy&>(*policy);
  timing.see({{{"here", "UTC", &outlook}}, 0.0});
  const Job job;
  const JobView view{.job = job,
                     .index = 0,
                     .submit_s = 0.0,
                     .recorded_start_s = 0.0,
                     .deadline_s = 0.0,
                     .estimate_s = 3600.0,
                     .units = 1.0,
                     .job_class = "",
                     .pausable = true};
  const SimTime now = SimTime::from_ns(2400 * hour_ns + hour_ns / 2);
  const SimTime latest = SimTime::from_ns(now.ns() - 1);
  std::vector<Window> windows;
  timing.windows(view, 0, now, latest, windows);
  ASSERT_EQ(windows.size(), 1U);
  EXPECT_EQ(windows[0].from.ns(), now.ns());
  EXPECT_EQ(windows[0].to.ns(), now.ns() + hour_ns - 1);
}

}  // namespace
}  // namespace nightwatt
