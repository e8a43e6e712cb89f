#include <algorithm>
#include <cmath>
#include <functional>
#include <memory>
#include <utility>
#include <vector>

#include "policies/decisions.hpp"
#include "policies/timing/cheapest_start.hpp"

namespace nightwatt {
namespace {

/// Runs in the hours within its slack that are expected to be charged least, and is paused between
/// them; a job that may not be paused starts at the instant at which its whole run is.
///
/// The cheapest steps of the signals that together hold the run are chosen, one pause more for each
/// gap between them, until they hold that as well; where the pauses cost more than they save, one
/// start is. With equal steps and pauses that cost nothing no plan is cheaper.
class LowestInterruptible final : public TimingPolicy {
 public:
  explicit LowestInterruptible(Signal signal) : signal_(signal) {}

  void see(const SitesView& view) override { sites_ = view.sites; }
  bool runs() const override { return true; }

  void windows(const JobView& job, std::int16_t home, SimTime now, SimTime latest,
               std::vector<Window>& out) override {
    const Outlook& outlook = *sites_[static_cast<std::size_t>(home)].outlook;
    const std::int64_t run_ns =
        std::max<std::int64_t>(1, SimTime::from_seconds(job.estimate_s).ns());
    const CheapestStart whole = cheapest_start(outlook, signal_, now, latest, run_ns);
    if (job.pausable && pick(outlook, now, latest, run_ns, whole.mean,
                             SimTime::from_seconds(job.pause_s).ns(), out)) {
      return;
    }
    if (whole.start > now) out.push_back({whole.start, SimTime::max()});
  }

 private:
  struct Step {
    double value;
    SimTime from, to;
    std::int64_t used_ns = 0;
  };

  /// @return false if one start is not dearer
  bool pick(const Outlook& outlook, SimTime now, SimTime latest, std::int64_t run_ns,
            double mean_of_one, std::int64_t pause_ns, std::vector<Window>& out) {
    const SimTime end = SimTime::from_ns(latest.ns() + run_ns);
    if (!look_ahead(outlook, now, end)) return false;
    unused_.resize(steps_.size());
    for (std::size_t i = 0; i < unused_.size(); ++i) unused_[i] = {steps_[i].value, i};
    std::make_heap(unused_.begin(), unused_.end(), std::greater<>());
    used_ns_ = 0;
    for (std::int64_t need_ns = run_ns;;) {
      take(need_ns);
      lay_out(out);
      const auto gaps = static_cast<std::int64_t>(out.size()) - 1;
      const std::int64_t with_pauses_ns = run_ns + gaps * pause_ns;
      if (with_pauses_ns <= need_ns) break;
      if (with_pauses_ns > end.ns() - now.ns()) {
        out.clear();
        return false;
      }
      need_ns = with_pauses_ns;
    }
    double charge = 0.0;
    for (const Step& step : steps_) charge += step.value * static_cast<double>(step.used_ns);
    if (charge <= mean_of_one * static_cast<double>(run_ns) * (1 + 1e-12)) return true;
    out.clear();
    return false;
  }

  /// Fills `steps_`. @return false if nothing is known of some of it
  bool look_ahead(const Outlook& outlook, SimTime now, SimTime end) {
    steps_.clear();
    const Course* const course = outlook.course(signal_, end);
    if (course != nullptr && now >= course->known_until) return false;
    const Course::Step* known = course == nullptr ? nullptr : step_at(*course, now);
    for (SimTime from = now; from < end;) {
      const SimTime to =
          std::min(known == nullptr ? outlook.next_change(from) : known[1].from, end);
      const double value =
          known == nullptr ? expected_mean(outlook, signal_, now, from, to) : (known++)->value;
      if (std::isnan(value)) return false;
      steps_.push_back({value, from, to});
      from = to;
    }
    return true;
  }

  /// Uses more of the cheapest steps until they hold so much in all, or all are used; of the last
  /// one only a part.
  void take(std::int64_t need_ns) {
    while (used_ns_ < need_ns && !unused_.empty()) {
      Step& step = steps_[unused_.front().second];
      const std::int64_t length_ns = step.to.ns() - step.from.ns();
      const std::int64_t more_ns = std::min(need_ns - used_ns_, length_ns - step.used_ns);
      step.used_ns += more_ns;
      used_ns_ += more_ns;
      if (step.used_ns < length_ns) return;
      std::pop_heap(unused_.begin(), unused_.end(), std::greater<>());
      unused_.pop_back();
    }
  }

  /// The steps that are used as windows. A part of a step lies where it continues another.
  void lay_out(std::vector<Window>& out) const {
    out.clear();
    for (std::size_t i = 0; i < steps_.size(); ++i) {
      const Step& step = steps_[i];
      if (step.used_ns == 0) continue;
      const bool continues = !out.empty() && out.back().to == step.from;
      const bool is_part = step.used_ns < step.to.ns() - step.from.ns();
      const bool is_continued = i + 1 < steps_.size() && steps_[i + 1].used_ns > 0;
      const SimTime from = is_part && !continues && is_continued
                               ? SimTime::from_ns(step.to.ns() - step.used_ns)
                               : step.from;
      const SimTime to = SimTime::from_ns(from.ns() + step.used_ns);
      if (continues) {
        out.back().to = to;
      } else {
        out.push_back({from, to});
      }
    }
  }

  Signal signal_;
  std::vector<SiteView> sites_;
  std::vector<Step> steps_;
  /// Value and index of the steps that are not used in full, the cheapest (and earliest) first.
  std::vector<std::pair<double, std::size_t>> unused_;
  std::int64_t used_ns_ = 0;
};

template <Signal signal>
std::unique_ptr<Policy> make(const ParamValues&) {
  return std::make_unique<LowestInterruptible>(signal);
}

[[maybe_unused]] const bool registered =
    register_policy({Question::timing,
                     "lowest-carbon-interruptible",
                     "runs in the hours within its slack that are expected to emit least",
                     "Wiesner et al. 2021, Let's Wait Awhile (Middleware), interruptible jobs",
                     {}},
                    make<Signal::carbon>) &&
    register_policy({Question::timing,
                     "lowest-price-interruptible",
                     "runs in the hours within its slack that are expected to cost least",
                     "Wiesner et al. 2021, Let's Wait Awhile (Middleware), with prices",
                     {}},
                    make<Signal::price>);

}  // namespace
}  // namespace nightwatt
