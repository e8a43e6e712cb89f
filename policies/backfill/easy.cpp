#include <algorithm>
#include <memory>

#include "policies/decisions.hpp"

namespace nightwatt {
namespace {

/// EASY backfilling. The head of the queue that does not fit gets a reservation at the shadow
/// time: the earliest instant at which it fits when running jobs end at their estimates, taken in
/// order of (expected end, submit time, id) up to the first with which it fits. A later job may
/// start if it has room now and either ends by the shadow time, or the head still fits at the
/// shadow time with that job in place. On nodes with one GPU that is the rule of extra nodes.
/// Under a power budget the reservation holds watts as well: what the head draws at its lowest
/// limit, under the budget of the present instant.
class Easy final : public BackfillPolicy {
 public:
  explicit Easy(const ParamValues&) {}

  void pass(Pass& pass) override {
    const WaitingQueue& queue = pass.queue();
    while (!queue.empty()) {
      if (!pass.start(queue.first())) {
        backfill(pass);
        return;
      }
    }
  }

 private:
  void backfill(Pass& pass) {
    const WaitingQueue& queue = pass.queue();
    if (queue.size() < 2 || pass.nodes().capacity().free_milli() == 0) return;
    const Waiting head = queue[queue.first()];
    const bool budget = pass.room() != Pass::no_limit;
    const SimTime shadow = reserve(pass, head.request, pass.least_need(queue.first()).draw);

    // Classes of size that can still start: now and short, or now and of any length.
    const SizeClasses& classes = pass.size_classes();
    WaitingQueue::Filter filter{0, 0, SimTime::from_ns(shadow.ns() - pass.now().ns())};
    std::uint32_t fits_now = 0, fits_shadow = 0;
    const auto renew = [&] {
      const Capacity& now = pass.nodes().capacity();
      const std::uint64_t spare = plan_->capacity().free_milli() - head.request.total_milli();
      for (std::uint8_t c = 0; c < classes.size(); ++c) {
        const std::uint32_t bit = 1U << c;
        if ((fits_now & bit) == 0) continue;
        const bool room = classes.exact(c) ? now.fits(classes.request(c))
                                           : classes.least_milli(c) <= now.free_milli();
        if (!room) fits_now &= ~bit;
        if (classes.least_milli(c) > spare) fits_shadow &= ~bit;
      }
      filter.any_length = fits_now & fits_shadow;
      filter.short_only = fits_now;
    };
    fits_now = fits_shadow = (classes.size() >= 32 ? ~0U : (1U << classes.size()) - 1);
    renew();

    double key = head.key;
    JobIndex job = head.job;
    int without_watts = 0;
    while (filter.short_only != 0) {
      const WaitingQueue::Handle h = queue.next(key, job, filter);
      if (h == WaitingQueue::none) return;
      const Waiting& candidate = queue[h];
      key = candidate.key;
      job = candidate.job;
      const std::uint32_t bit = 1U << candidate.size_class;
      const bool exact = classes.exact(candidate.size_class);
      bool is_short = candidate.estimate <= filter.longest;
      const Allocation* where = is_short || !budget ? pass.place(h) : pass.place(h, spare_);
      if (budget && is_short && where != nullptr && pass.placed_need().estimate > filter.longest) {
        // At the limit that is left for it, it would run beyond the shadow time.
        is_short = false;
        where = pass.place(h, spare_);
      }
      if (where == nullptr && budget) {
        // Others of its size may draw less; a pass does not ask all of them.
        if (++without_watts == most_without_watts) return;
      } else if (where == nullptr) {
        if (exact) fits_now &= ~bit;
      } else if (is_short) {
        plan_->remember(*where);
        pass.start_placed(h);
      } else {
        plan_->take(*where);
        if (plan_->capacity().fits(head.request)) {
          if (budget) spare_ -= pass.placed_need().draw;
          pass.start_placed(h);
        } else {
          plan_->give(*where);
          if (exact) fits_shadow &= ~bit;
        }
      }
      renew();
    }
  }

  /// Brings the plan to the shadow time and returns it.
  SimTime reserve(Pass& pass, const Request& head, Watts head_draw) {
    if (!plan_) plan_ = std::make_unique<NodePlan>(pass.nodes());
    plan_->restart();
    spare_ = pass.room() - head_draw;
    for (const auto& [end, job] : pass.by_expected_end()) {
      const Running& running = pass.running(job);
      plan_->give(running.pieces);
      spare_ += running.draw;
      if (plan_->capacity().fits(head) && spare_ >= -rounding) return std::max(end, pass.now());
    }
    // Only where the budget is too low for it even alone: others may go meanwhile.
    return SimTime::max();
  }

  static constexpr int most_without_watts = 64;
  static constexpr Watts rounding = watts(1e-6);  ///< of sums of draws, which are whole nanowatts
  std::unique_ptr<NodePlan> plan_;
  Watts spare_;  ///< at the shadow time, with the head in place
};

[[maybe_unused]] const bool registered =
    register_policy<Easy>({Question::backfill,
                           "easy",
                           "a later job may start if it does not delay the first waiting one",
                           "Lifka 1995, JSSPP; Mu'alem and Feitelson 2001, IEEE TPDS 12",
                           {}});

}  // namespace
}  // namespace nightwatt
