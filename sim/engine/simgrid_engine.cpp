#include "sim/engine/simgrid_engine.hpp"

#include <signal.h>
#include <xbt/log.h>

#include <simgrid/version.h>
#include <algorithm>
#include <array>
#include <cmath>
#include <deque>
#include <exception>
#include <limits>
#include <set>
#include <simgrid/kernel/Timer.hpp>
#include <simgrid/kernel/resource/Model.hpp>
#include <simgrid/kernel/routing/NetZoneImpl.hpp>
#include <simgrid/s4u/Comm.hpp>
#include <simgrid/s4u/Engine.hpp>
#include <simgrid/s4u/Host.hpp>
#include <simgrid/s4u/Link.hpp>
#include <simgrid/s4u/NetZone.hpp>
#include <stdexcept>
#include <string>
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
    ensure_root();
    vetoed_.clear();
    engine_->track_vetoed_activities(&vetoed_);
    if (until < std::numeric_limits<double>::infinity()) {
      engine_->run_until(std::max(until, clock()));
    } else {
      engine_->run();
    }
  }

  /// Runs SimGrid's loop until nothing is pending in any model.
  void run_to_end() {
    ensure_root();
    // A communication without its second end yet counts as vetoed for a moment.
    engine_->track_vetoed_activities(nullptr);
    engine_->run();
  }

  /// SimGrid leaves its loop, with everything as it is, when an activity was vetoed; this enters
  /// one that does not exist.
  void leave_loop() { vetoed_.insert(nullptr); }

  /// A new zone for hosts and links, at any time. SimGrid seals its root zone when it first runs,
  /// so ours stand beside it, with its models.
  simgrid::s4u::NetZone* make_zone(const std::string& name) {
    ensure_root();
    if (!own_root_) throw std::logic_error("SimGrid's network model was chosen by others");
    simgrid::s4u::NetZone* const zone = simgrid::s4u::create_full_zone(name);
    auto* const impl = zone->get_impl();
    const auto* const root = engine_->get_netzone_root()->get_impl();
    impl->set_network_model(root->get_network_model());
    impl->set_cpu_pm_model(root->get_cpu_pm_model());
    impl->set_cpu_vm_model(root->get_cpu_vm_model());
    impl->set_disk_model(root->get_disk_model());
    impl->set_host_model(root->get_host_model());
    zones_.push_back(zone);
    return zone;
  }
  /// Of the next zone; SimGrid's names are unique in the process.
  [[nodiscard]] std::string zone_name() const { return "network" + std::to_string(zones_.size()); }

 private:
  SimGridProcess() {
    const ProcessHandlersKept kept;
    xbt_log_control_set("root.threshold:critical");
    engine_ = simgrid::s4u::Engine::has_instance() ? simgrid::s4u::Engine::get_instance()
                                                   : new simgrid::s4u::Engine("nightwatt");
    model_ = std::make_shared<NightwattModel>();
    engine_->add_model(model_);
  }

  /// SimGrid runs no platform without a root zone; one that others have built is as good, but for
  /// flows.
  void ensure_root() {
    if (engine_->get_netzone_root() != nullptr) return;
    own_root_ = true;
    // Max-min fair shares and nothing else: the default model (LV08) stretches latencies by 13.01,
    // takes 3 % off bandwidths and 5 % for acknowledgements on the way back, and bounds rates by a
    // TCP window; RDMA has none of these, and what a message costs alone is the energy model's.
    for (const char* setting : {"network/model:CM02", "network/crosstraffic:0",
                                "network/TCP-gamma:0", "network/weight-S:0"}) {
      simgrid::s4u::Engine::set_config(setting);
    }
    simgrid::s4u::create_empty_zone("nightwatt");
  }

  simgrid::s4u::Engine* engine_ = nullptr;
  bool own_root_ = false;
  std::vector<simgrid::s4u::NetZone*> zones_;  ///< SimGrid never lets one go
  std::shared_ptr<NightwattModel> model_;
  std::set<simgrid::s4u::Activity*> vetoed_;
};

/// Flows are SimGrid's communications between hosts, started from outside any actor; delays are its
/// timers. SimGrid's second is a microsecond here: its clock is a double that has run through weeks
/// of jobs, and messages last microseconds.
class SimGridNetwork final : public FlowNetwork {
 public:
  /// @param run_loop  runs SimGrid until nothing is under way in it
  SimGridNetwork(SimGridProcess& process, const FlowGraph& graph, std::function<void()> run_loop)
      : run_loop_(std::move(run_loop)) {
    namespace s4u = simgrid::s4u;
    const std::string name = process.zone_name();
    s4u::NetZone* const zone = process.make_zone(name);
    for (std::uint32_t node = 0; node < graph.nodes; ++node) {
      // Nothing is computed on a host; SimGrid wants a speed.
      hosts_.push_back(zone->create_host(name + ".node" + std::to_string(node), 1.0)->seal());
    }
    std::vector<s4u::SplitDuplexLink*> links;
    for (const double bytes_per_s : graph.link_bytes_per_s) {
      links.push_back(zone->create_split_duplex_link(name + ".link" + std::to_string(links.size()),
                                                     bytes_per_s * unit_s));
      links.back()->set_latency(0.0)->seal();
    }
    for (std::uint32_t from = 0; from < graph.nodes; ++from) {
      for (std::uint32_t to = 0; to < graph.nodes; ++to) {
        if (from == to) continue;
        std::vector<s4u::LinkInRoute> route;
        for (const std::uint32_t link : graph.routes[from * graph.nodes + to]) {
          route.emplace_back(links[link / 2], link % 2 == 0 ? s4u::LinkInRoute::Direction::UP
                                                            : s4u::LinkInRoute::Direction::DOWN);
        }
        zone->add_route(hosts_[from]->get_netpoint(), hosts_[to]->get_netpoint(), nullptr, nullptr,
                        route, false);
      }
    }
    zone->seal();
  }

  void start_flow(std::uint32_t from, std::uint32_t to, double bytes, std::uint64_t tag) override {
    if (unused_.empty()) unused_.push_back(&flows_.emplace_back());
    Flow* const flow = unused_.back();
    unused_.pop_back();
    flow->network = this;
    flow->tag = tag;
    flow->comm = simgrid::s4u::Comm::sendto_async(
        hosts_[from], hosts_[to], static_cast<std::uint64_t>(std::max(1.0, std::round(bytes))));
    flow->comm->extension_set(extension(), flow, false);
  }
  void start_delay(double seconds, std::uint64_t tag) override {
    simgrid::kernel::timer::Timer::set(SimGridProcess::clock() + seconds / unit_s, [this, tag] {
      recycle();
      sink_->delay_over(tag);
    });
  }
  [[nodiscard]] double now_s() const override {
    return (SimGridProcess::clock() - began_) * unit_s;
  }

  void run(FlowSink& sink) override {
    sink_ = &sink;
    began_ = SimGridProcess::clock();
    run_loop_();
    recycle();
  }

 private:
  struct Flow {
    SimGridNetwork* network = nullptr;
    std::uint64_t tag = 0;
    simgrid::s4u::CommPtr comm;
  };
  using Extension = simgrid::xbt::Extension<simgrid::s4u::Activity, Flow>;

  /// By which a communication of ours knows its flow; others have none.
  static const Extension& extension() {
    static const Extension extension = [] {
      simgrid::s4u::Activity::on_completion_cb([](const simgrid::s4u::Activity& activity) {
        Flow* const flow = activity.extension(SimGridNetwork::extension());
        if (flow == nullptr) return;
        flow->network->ended_.push_back(flow);
        flow->network->sink_->flow_done(flow->tag);
      });
      return simgrid::s4u::Activity::extension_create<Flow>([](void*) {});
    }();
    return extension;
  }

  /// A communication may not be let go while it reports its end.
  void recycle() {
    for (Flow* const flow : ended_) {
      flow->comm.reset();
      unused_.push_back(flow);
    }
    ended_.clear();
  }

  static constexpr double unit_s = 1e-6;

  const std::function<void()> run_loop_;
  std::vector<simgrid::s4u::Host*> hosts_;
  std::deque<Flow> flows_;
  std::vector<Flow*> unused_, ended_;
  double began_ = 0.0;  ///< on SimGrid's clock
  FlowSink* sink_ = nullptr;
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
      instant_due_ = false;
      process_.run(bounded ? simgrid_time(until.ns()) : std::numeric_limits<double>::infinity());
      if (instant_due_) deliver();
    } while (!stopped_ && !pending_.empty() && pending_.first().instant_ns <= until_ns_);
    if (bounded && !stopped_) now_ns_ = until.ns();
  }

  std::unique_ptr<FlowNetwork> make_network(const FlowGraph& graph) override {
    if (sink_ != nullptr) throw std::logic_error("make_network called from inside run");
    delivers_in_loop_ = false;
    return std::make_unique<SimGridNetwork>(process_, graph, [this] { run_beside(); });
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

  /// Lets SimGrid run what others have under way, while our clock stands still.
  void run_beside() {
    struct Aside {
      SimGridEngine& engine;
      const double before_s = SimGridProcess::clock();
      explicit Aside(SimGridEngine& e) : engine(e) { engine.is_aside_ = true; }
      ~Aside() {
        engine.is_aside_ = false;
        engine.origin_s_ += SimGridProcess::clock() - before_s;
      }
    } const aside(*this);
    process_.run_to_end();
  }

  double next_event_in(double simgrid_now) override {
    offered_step_s_ = -1.0;
    if (sink_ != nullptr && !is_aside_ && !pending_.empty() &&
        pending_.first().instant_ns <= until_ns_) {
      offered_step_s_ = std::max(0.0, simgrid_time(pending_.first().instant_ns) - simgrid_now);
    }
    return offered_step_s_;
  }

  void moved(double simgrid_now, double step) override {
    if (sink_ == nullptr || is_aside_) return;
    if (offered_step_s_ >= 0.0 && step >= offered_step_s_) {
      offered_step_s_ = -1.0;
      if (delivers_in_loop_) {
        deliver();
      } else {
        instant_due_ = true;
      }
      if (stopped_ || instant_due_) process_.leave_loop();
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

  void deliver() {
    deliver_instant();
    stopped_ = stop_ != nullptr && (*stop_)();
  }

  /// Delivers all events of the first pending instant, round by round.
  void deliver_instant() {
    now_ns_ = pending_.first().instant_ns;
    do {
      round_ = pending_.first().order / 2;
      do {
        const EventHeap::Event event = pending_.first();
        pending_.remove_first();
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

  [[nodiscard]] bool next_is_now() {
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
  double origin_s_;  ///< SimGrid's clock at our 0
  std::int64_t now_ns_ = 0;
  std::uint32_t round_ = 0;       ///< of the instant that is being delivered
  double offered_step_s_ = -1.0;  ///< what SimGrid was last told; < 0 = no event
  EventHeap pending_;
  std::vector<Slot> slots_;
  std::vector<EventHandle> free_;

  EventSink* sink_ = nullptr;  ///< set while `run` is under way
  const std::function<bool()>* stop_ = nullptr;
  bool stopped_ = false;
  /// SimGrid's loop cannot be run from inside itself. Where a network may be run at an instant, the
  /// instant is delivered outside; that costs 0.05 us.
  bool delivers_in_loop_ = true;
  bool instant_due_ = false;  ///< an instant, to be delivered outside the loop
  bool is_aside_ = false;     ///< while a network runs
  std::int64_t until_ns_ = 0;
};

}  // namespace

std::unique_ptr<EventEngine> make_simgrid_engine() { return std::make_unique<SimGridEngine>(); }

std::string simgrid_version() {
  int major = 0, minor = 0, patch = 0;
  sg_version_get(&major, &minor, &patch);
  return std::to_string(major) + "." + std::to_string(minor) +
         (patch > 0 ? "." + std::to_string(patch) : "");
}

}  // namespace nightwatt
