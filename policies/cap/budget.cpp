#include "policies/decisions.hpp"

namespace nightwatt {
namespace {

/// Keeps the sites' power budgets (`sites[].budget`). A job starts with the highest limit, in whole
/// watts, with which the budget holds, and waits where not even the lowest legal one does. When a
/// budget falls below what runs, all limits are lowered, by the same part of their legal range;
/// then jobs that may be paused are; what is left above it is reported. Every `renew` limits are
/// raised again as far as the budget goes beyond what the first waiting jobs need.
class Budget final : public CapPolicy {
 public:
  explicit Budget(const ParamValues& values)
      : limit_(watts(values.number("limit"))),
        renew_(SimTime::from_seconds(values.number("renew"))) {}

  Watts cap(const JobView&, const CapRange& range, const CapEffect&, SimTime) override {
    return limit_ < range.max ? limit_ : no_cap;
  }
  bool clamps() const override { return true; }
  bool keeps_budget() const override { return true; }
  SimTime next_change(SimTime now) const override {
    return SimTime::from_ns((now.ns() / renew_.ns() + 1) * renew_.ns());
  }

 private:
  Watts limit_;
  SimTime renew_;
};

[[maybe_unused]] const bool registered = register_policy<Budget>(
    {Question::cap,
     "budget",
     "limits in whole watts that keep the sites' power budgets",
     "Ellsworth et al. 2015 (SC), dynamic power sharing; Sarood et al. 2014 (SC), job scheduling "
     "under a power budget",
     {{"limit",
       ParamKind::watts,
       "highest limit of a GPU, whatever the budget",
       "100 kW",
       1,
       1e5,
       {}},
      {"renew",
       ParamKind::seconds,
       "how often limits of running jobs are raised again",
       "15 min",
       1,
       366 * 86400.0,
       {}}}});

}  // namespace
}  // namespace nightwatt
