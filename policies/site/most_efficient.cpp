#include "policies/site/choosers.hpp"

namespace nightwatt {
namespace {

/// Where the job's run, and moving its data there, take the least IT energy.
class MostEfficient final : public SitePolicy {
 public:
  explicit MostEfficient(const ParamValues&) {}
  bool weighs_costs() const override { return true; }
  std::size_t choose(const JobView&, std::int16_t, const std::vector<SiteCandidate>& candidates,
                     SimTime) override {
    return least(candidates,
                 [](const SiteCandidate& c) { return c.energy_j + c.transfer_energy_j; });
  }
};

[[maybe_unused]] const bool registered =
    register_policy<MostEfficient>({Question::site,
                                    "most-efficient",
                                    "goes to the device on which its run takes the least energy",
                                    "Patterson et al. 2022 (IEEE Computer): the factor machine",
                                    {}});

}  // namespace
}  // namespace nightwatt
