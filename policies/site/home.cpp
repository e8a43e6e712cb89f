#include "policies/decisions.hpp"

namespace nightwatt {
namespace {

/// The job's home site; there the partition with the least waiting and running GPU-seconds (by
/// estimate) per GPU; ties in the scenario's order.
class Home final : public SitePolicy {
 public:
  explicit Home(const ParamValues&) {}
  std::size_t choose(const JobView&, std::int16_t home,
                     const std::vector<SiteCandidate>& candidates, SimTime) override {
    std::size_t best = candidates.size();
    for (std::size_t i = 0; i < candidates.size(); ++i) {
      if (candidates[i].site == home &&
          (best == candidates.size() || candidates[i].load_s < candidates[best].load_s))
        best = i;
    }
    // No partition at home accepts it: the first one elsewhere that does.
    return best == candidates.size() ? 0 : best;
  }
};

[[maybe_unused]] const bool registered =
    register_policy<Home>({Question::site,
                           "home",
                           "stays at its home site, in the partition with the least work per GPU",
                           "definition",
                           {}});

}  // namespace
}  // namespace nightwatt
