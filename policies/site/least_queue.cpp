#include "policies/site/choosers.hpp"

namespace nightwatt {
namespace {

/// Wherever the least work waits and runs for each GPU.
class LeastQueue final : public SitePolicy {
 public:
  explicit LeastQueue(const ParamValues&) {}
  std::size_t choose(const JobView&, std::int16_t, const std::vector<SiteCandidate>& candidates,
                     SimTime) override {
    return least(candidates, [](const SiteCandidate& c) { return c.load_s; });
  }
};

[[maybe_unused]] const bool registered =
    register_policy<LeastQueue>({Question::site,
                                 "least-queue",
                                 "goes where the least work per GPU waits and runs",
                                 "definition",
                                 {}});

}  // namespace
}  // namespace nightwatt
