#include "policies/decisions.hpp"

namespace nightwatt {
namespace {

/// Every job that has room starts, in queue order, without any reservation: large jobs may starve.
/// Also what `order: replay` uses for jobs that had no room at their recorded start.
class FirstFit final : public BackfillPolicy {
 public:
  explicit FirstFit(const ParamValues&) {}

  void pass(Pass& pass) override {
    const WaitingQueue& queue = pass.queue();
    if (queue.empty()) return;
    const SizeClasses& classes = pass.size_classes();
    WaitingQueue::Filter filter{(1U << classes.size()) - 1, 0, {}};
    WaitingQueue::Handle h = queue.first();
    while (h != WaitingQueue::none) {
      const Waiting candidate = queue[h];
      if (!pass.start(h) && classes.exact(candidate.size_class))
        filter.any_length &= ~(1U << candidate.size_class);
      const Capacity& now = pass.nodes().capacity();
      for (std::uint8_t c = 0; c < classes.size(); ++c) {
        if (classes.least_milli(c) > now.free_milli()) filter.any_length &= ~(1U << c);
      }
      h = queue.next(candidate.key, candidate.job, filter);
    }
  }
  bool needs_expected_ends() const override { return false; }
};

[[maybe_unused]] const bool registered = register_policy<FirstFit>(
    {Question::backfill,
     "first-fit",
     "every job that has room starts, in queue order, without reservations",
     "definition",
     {}});

}  // namespace
}  // namespace nightwatt
