#include "sim/engine/simgrid_engine.hpp"

#include <signal.h>
#include <xbt/log.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <exception>
#include <limits>
#include <set>
#include <simgrid/kernel/resource/Model.hpp>
#include <simgrid/s4u/Engine.hpp>
#include <simgrid/s4u/NetZone.hpp>
#include <stdexcept>
#include <vector>

#include "sim/engine/event_heap.hpp"

namespace nightwatt {
namespace {

/// What SimGrid's loop asks of the engine that is attached to it.
class Attached {
 public:
  /// Seconds of SimGrid's clock to the next event, or -1 for none.
  virtual double next_event_in(double simgrid_now) = 0;
  /// SimGrid's clock has moved by `step`: up to the next event, or less far.
  virtual void moved(double simgrid_now, double step) = 0;

 protected:
  ~Attached() = default;
};

class NightwattModel final : public simgrid::kernel::resource::Model {
 public:
  NightwattModel() : Model("nightwatt") {}
  double next_occurring_event(double now) override {
    return attached != nullptr ? attached->next_event_in(now) : -1.0;
  }
  void update_actions_state(double now, double delta) override {
    if (attached != nullptr) attached->moved(now, delta);
  }

  Attached* attached = nullptr;
};

/// Keeps what SimGrid's start installs for the whole process out of it: its SIGINT handler ends the
/// program, its SIGSEGV handler and its terminate handler write texts of their own.
class ProcessHandlersKept {
 public:
  ProcessHandlersKept() {
    for (std::size_t i = 0; i < signals.size(); ++i) sigaction(signals[i], nullptr, &actions_[i]);
    sigaltstack(nullptr, &stack_);
  }
  ~ProcessHandlersKept() {
    for (std::size_t i = 0; i < signals.size(); ++i) sigaction(signals[i], &actions_[i], nullptr);
    sigaltstack(&stack_, nullptr);
    std::set_terminate(terminate_);
  }
  ProcessHandlersKept(const ProcessHandlersKept&) = delete;
  ProcessHandlersKept& operator=(const ProcessHandlersKept&) = delete;

 private:
  static constexpr std::array<int, 3> signals = {SIGINT, SIGSEGV, SIGBUS};
  std::array<struct sigaction, 3> actions_{};
  stack_t stack_{};
  std::terminate_handler terminate_ = std::get_terminate();
};

/// SimGrid as it stands in this process: started once, never stopped, with our model in it.
class SimGridProcess {
 public:
  static SimGridProcess& get() {
    // Never destroyed: SimGrid ends itself by atexit, and the order against ours would be open.
    static auto* const process = new SimGridProcess;
    return *process;
  }

  [[nodiscard]] static double clock() { return simgrid::s4u::Engine::get_clock(); }
  NightwattModel& model() { return *model_; }

  /// Runs SimGrid's loop until nothing is pending in any model, its clock reaches `until` (within
  /// SimGrid's 1e-5 s), or `leave_loop` was called.
  void run(double until) {
    // SimGrid runs no platform without a root zone; one that others have built is as good.
    if (engine_->get_netzone_root() == nullptr) simgrid::s4u::create_empty_zone("nightwatt");
    vetoed_.clear();
    engine_->track_vetoed_activities(&vetoed_);
    if (until < std::numeric_limits<double>::infinity()) {
      engine_->run_until(std::max(until, clock()));
    } else {
      engine_->run();
    }
  }

  /// SimGrid leaves its loop, with everything as it is, when an activity was vetoed; this enters
  /// one that does not exist.
  void leave_loop() { vetoed_.insert(nullptr); }

 private:
  SimGridProcess() {
    const ProcessHandlersKept kept;
    xbt_log_control_set("root.threshold:critical");
    engine_ = simgrid::s4u::Engine::has_instance() ? simgrid::s4u::Engine::get_instance()
                                                   : new simgrid::s4u::Engine("nightwatt");
    model_ = std::make_shared<NightwattModel>();
    engine_->add_model(model_);
  }

  simgrid::s4u::Engine* engine_ = nullptr;
  std::shared_ptr<NightwattModel> model_;
  std::set<simgrid::s4u::Activity*> vetoed_;
};

class SimGridEngine final : public EventEngine, private Attached {
 public:
  SimGridEngine() : process_(SimGridProcess::get()), origin_s_(SimGridProcess::clock()) {
    if (process_.model().attached != nullptr) {
      throw std::logic_error("SimGrid drives one simulation at a time in a process");
    }
    process_.model().attached = this;
    slots_.resize(1);  // handle 0 is none
  }
  ~SimGridEngine() override { process_.model().attached = nullptr; }
  SimGridEngine(const SimGridEngine&) = delete;
  SimGridEngine& operator=(const SimGridEngine&) = delete;

  [[nodiscard]] SimTime now() const override { return SimTime::from_ns(now_ns_); }

  EventHandle start_work(double amount, double rate, std::uint64_t tag) override {
    if (!(amount >= 0.0)) throw std::invalid_argument("amount of work must be >= 0");
    check_rate(rate);
    const EventHandle handle = new_slot();
    slots_[handle] = {.left = amount, .rate = rate, .since_ns = now_ns_, .tag = tag, .use = work};
    schedule_work(handle);
    return handle;
  }

  void set_rate(EventHandle handle, double rate) override {
    check_rate(rate);
    check_work(handle);
    Slot& slot = slots_[handle];
    if (slot.rate == rate || is_due(handle)) return;
    slot.left = left_of(slot);
    slot.since_ns = now_ns_;
    slot.rate = rate;
    schedule_work(handle);
  }

  [[nodiscard]] double remaining(EventHandle handle) const override {
    check_work(handle);
    return is_due(handle) ? 0.0 : left_of(slots_[handle]);
  }

  EventHandle wake_at(SimTime when, std::uint64_t tag) override {
    if (when.ns() < now_ns_) throw std::invalid_argument("wake-up before the present instant");
    const EventHandle handle = new_slot();
    slots_[handle] = {.tag = tag, .use = wake_up};
    if (when != SimTime::max()) pending_.put(event_at(when.ns(), handle));
    return handle;
  }

  void cancel(EventHandle handle) override {
    check_in_use(handle);
    if (pending_.contains(handle)) pending_.remove(handle);
    free_slot(handle);
  }

  void run(EventSink& sink, SimTime until, const std::function<bool()>& stop) override {
    if (sink_ != nullptr) throw std::logic_error("run called from inside run");
    if (until.ns() < now_ns_) return;
    const Running running(*this, sink, stop, until.ns());
    const bool bounded = until != SimTime::max();
    // SimGrid ends up to 1e-5 s before its limit, perhaps with events of ours still to come.
    do {
      process_.run(bounded ? simgrid_time(until.ns()) : std::numeric_limits<double>::infinity());
    } while (!stopped_ && !pending_.empty() && pending_.first().instant_ns <= until_ns_);
    if (bounded && !stopped_) now_ns_ = until.ns();
  }

 private:
  enum Use : std::uint8_t { unused, work, wake_up };

  struct Slot {
    double left = 0.0;  ///< at `since_ns`
    double rate = 0.0;
    std::int64_t since_ns = 0;
    std::uint64_t tag = 0;
    Use use = unused;
  };

  /// What holds for the time of one `run`, also when the sink throws.
  class Running {
   public:
    Running(SimGridEngine& engine, EventSink& sink, const std::function<bool()>& stop,
            std::int64_t until_ns)
        : engine_(engine) {
      engine.sink_ = &sink;
      engine.stop_ = stop ? &stop : nullptr;
      engine.stopped_ = false;
      engine.until_ns_ = until_ns;
    }
    ~Running() {
      engine_.sink_ = nullptr;
      engine_.stop_ = nullptr;
    }
    Running(const Running&) = delete;
    Running& operator=(const Running&) = delete;

   private:
    SimGridEngine& engine_;
  };

  // SimGrid's side: its clock is a double, ours counts; each step is computed from the two clocks
  // as they stand, so that nothing adds up.

  [[nodiscard]] double simgrid_time(std::int64_t instant_ns) const {
    return origin_s_ + static_cast<double>(instant_ns) * 1e-9;
  }

  double next_event_in(double simgrid_now) override {
    offered_step_s_ = -1.0;
    if (sink_ != nullptr && !pending_.empty() && pending_.first().instant_ns <= until_ns_) {
      offered_step_s_ = std::max(0.0, simgrid_time(pending_.first().instant_ns) - simgrid_now);
    }
    return offered_step_s_;
  }

  void moved(double simgrid_now, double step) override {
    if (sink_ == nullptr) return;
    if (offered_step_s_ >= 0.0 && step >= offered_step_s_) {
      offered_step_s_ = -1.0;
      deliver_instant();
      if (stop_ != nullptr && (*stop_)()) {
        stopped_ = true;
        process_.leave_loop();
      }
    } else {
      // Another model's event, or the end of the run: between our events the clock follows.
      std::int64_t limit_ns = until_ns_;
      if (!pending_.empty()) limit_ns = std::min(limit_ns, pending_.first().instant_ns);
      const double elapsed_ns = std::round((simgrid_now - origin_s_) * 1e9);
      if (elapsed_ns < static_cast<double>(limit_ns)) {
        now_ns_ = std::max(now_ns_, static_cast<std::int64_t>(elapsed_ns));
      } else if (limit_ns != SimTime::max().ns()) {
        now_ns_ = limit_ns;
      }
    }
  }

  /// Delivers all events of the first pending instant, round by round.
  void deliver_instant() {
    now_ns_ = pending_.first().instant_ns;
    do {
      round_ = pending_.first().order / 2;
      do {
        const EventHeap::Event event = pending_.first();
        pending_.remove(event.slot);
        free_slot(event.slot);
        if (event.order % 2 == 0) {
          sink_->work_done(event.tag);
        } else {
          sink_->woken(event.tag);
        }
      } while (next_is_now() && pending_.first().order / 2 == round_);
      sink_->instant_over();
    } while (next_is_now());
  }

  [[nodiscard]] bool next_is_now() const {
    return !pending_.empty() && pending_.first().instant_ns == now_ns_;
  }

  // Slots. A handle is the number of its slot.

  EventHandle new_slot() {
    if (free_.empty()) {
      slots_.emplace_back();
      return static_cast<EventHandle>(slots_.size() - 1);
    }
    const EventHandle handle = free_.back();
    free_.pop_back();
    return handle;
  }

  void free_slot(EventHandle handle) {
    slots_[handle].use = unused;
    free_.push_back(handle);
  }

  void check_in_use(EventHandle handle) const {
    if (handle >= slots_.size() || slots_[handle].use == unused) {
      throw std::invalid_argument("no such event is under way");
    }
  }

  void check_work(EventHandle handle) const {
    check_in_use(handle);
    if (slots_[handle].use != work) {
      throw std::invalid_argument("the event is a wake-up, not work");
    }
  }

  // Time.

  static void check_rate(double rate) {
    if (!(rate >= 0.0) || std::isinf(rate)) {
      throw std::invalid_argument("rate of work must be finite and >= 0");
    }
  }

  [[nodiscard]] bool is_due(EventHandle handle) const {
    return pending_.contains(handle) && pending_.at(handle).instant_ns <= now_ns_;
  }

  [[nodiscard]] double left_of(const Slot& slot) const {
    const double passed_s = static_cast<double>(now_ns_ - slot.since_ns) * 1e-9;
    return std::max(0.0, slot.left - slot.rate * passed_s);
  }

  [[nodiscard]] EventHeap::Event event_at(std::int64_t instant_ns, EventHandle handle) const {
    const Slot& slot = slots_[handle];
    const std::uint32_t round = instant_ns == now_ns_ && sink_ != nullptr ? round_ + 1 : 0;
    return {.instant_ns = instant_ns,
            .tag = slot.tag,
            .order = 2 * round + (slot.use == wake_up ? 1 : 0),
            .slot = handle};
  }

  /// Sets the end of work by what is left of it now, or takes it out if it has none.
  void schedule_work(EventHandle handle) {
    const Slot& slot = slots_[handle];
    double span_ns = 0.0;
    if (slot.left > 0.0) {
      span_ns =
          slot.rate > 0.0 ? slot.left / slot.rate * 1e9 : std::numeric_limits<double>::infinity();
    }
    if (span_ns < static_cast<double>(SimTime::max().ns() - now_ns_)) {
      pending_.put(event_at(now_ns_ + std::llround(span_ns), handle));
    } else if (pending_.contains(handle)) {
      pending_.remove(handle);
    }
  }

  SimGridProcess& process_;
  const double origin_s_;  ///< SimGrid's clock at our 0
  std::int64_t now_ns_ = 0;
  std::uint32_t round_ = 0;       ///< of the instant that is being delivered
  double offered_step_s_ = -1.0;  ///< what SimGrid was last told; < 0 = no event
  EventHeap pending_;
  std::vector<Slot> slots_;
  std::vector<EventHandle> free_;

  EventSink* sink_ = nullptr;  ///< set while `run` is under way
  const std::function<bool()>* stop_ = nullptr;
  bool stopped_ = false;
  std::int64_t until_ns_ = 0;
};

}  // namespace

std::unique_ptr<EventEngine> make_simgrid_engine() { return std::make_unique<SimGridEngine>(); }

}  // namespace nightwatt
