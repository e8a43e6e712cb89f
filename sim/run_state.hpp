#pragma once

#include <algorithm>
#include <cmath>
#include <deque>
#include <limits>
#include <map>
#include <memory>
#include <queue>
#include <stdexcept>
#include <unordered_map>

#include <fmt/core.h>

#include "energy/random.hpp"
#include "policies/decisions.hpp"
#include "sim/demand.hpp"
#include "sim/meter.hpp"
#include "sim/placement_shape.hpp"
#include "sim/regret.hpp"
#include "sim/shared_fabric.hpp"
#include "sim/simulation.hpp"
#include "traces/diagnostics.hpp"

/// Private to this folder: the state of a run, which its parts share. simulation.cpp sets it up,
/// runs it and reports; job_life.cpp, rates.cpp (caps, flows), pauses.cpp, node_sleep.cpp,
/// power_budget.cpp and accounting.cpp hold what their names say.
namespace nightwatt::run {

inline constexpr std::uint32_t no_slot = 0xffffffffU;
/// Longer estimates are cut to it and longer jobs refused, so that instants fit 64 bits of ns.
inline constexpr double longest_s = 3.2e9;
/// How long behind the period jobs may wait for watts.
inline constexpr double after_period_s = 366 * 86400.0;

/// Why the engine wakes the simulation; in the upper byte of the tag. Arrivals come first.
enum class Wake : std::uint64_t {
  arrival,
  eligible,
  replay,
  pass,
  refresh,
  rebalance,
  cap,
  window_opens,
  window_closes,
  data_arrive,
  phase_over,
  pause,
  pause_limit,
  budget,
  sleep,
  booted
};
constexpr std::uint64_t tag_of(Wake wake, std::uint64_t payload) {
  return (static_cast<std::uint64_t>(wake) << 56) | payload;
}

struct Simulation;

/// How many different nodes.
inline std::uint32_t nodes_of(const Allocation& pieces) {
  std::uint32_t nodes = 0;
  for (std::size_t i = 0; i < pieces.size(); ++i) {
    bool seen = false;
    for (std::size_t k = 0; k < i && !seen && pieces[i].units == 0; ++k)
      seen = pieces[k].node == pieces[i].node;
    nodes += seen ? 0 : 1;
  }
  return nodes;
}

/// Of a job that holds so many 1/1000 GPUs.
inline NanoWatts power_of(const OperatingPoint& point, std::uint64_t milli) {
  return (std::llround(to_watts(point.gpu) * 1e6) + std::llround(to_watts(point.host) * 1e6)) *
         static_cast<std::int64_t>(milli);
}

/// What a job does with the GPUs that it holds.
enum class Phase : std::uint8_t {
  none,  ///< the slot is unused
  executing,
  booting,        ///< waits for a node that slept
  restarting,     ///< reads its state back after a pause
  checkpointing,  ///< saves its state before one
};

/// What a running job has been charged with so far.
struct RunState {
  Phase phase = Phase::none;
  EventHandle work = 0;        ///< while it executes
  EventHandle phase_over = 0;  ///< of the other phases
  double before_s = 0.0;       ///< reference seconds done before its last pause
  NanoWatts promised = 0;      ///< of the power budget, while it boots
  double amount_s = 0.0;       ///< reference seconds to do, from its last start or resumption on
  double rate = 1.0;           ///< with its GPUs and its network to itself
  double contention = 1.0;     ///< factor on it, of jobs on the same GPU
  double network = 1.0;        ///< factor on it, of flows on the fabric
  Watts cap = no_cap;
  double cap_w_s = 0.0;   ///< integral of the cap
  bool capped = false;    ///< at some time
  bool at_limit = false;  ///< stops at its limit
  NanoWatts power = 0;
  NanoWatts draw = 0;       ///< of the power budget, promised watts included
  std::uint64_t milli = 0;  ///< held
  double key = 0.0;         ///< its place in the queue
  PlacementShape shape;
  SimTime since;                         ///< of the power
  ChargeRates rates;                     ///< of the site at `since`
  bool off_law = false, slowed = false;  ///< counted as such

  [[nodiscard]] double speed() const { return rate * contention * network; }
};

/// A partition in the run, and what its policies see of it.
struct Partition final : Pass {
  Partition(Simulation& s, const PartitionSetup& partition_setup, std::int16_t site_index,
            std::int16_t own_index, bool shares, const std::map<Request, std::uint64_t>& requests)
      : sim(s),
        setup(partition_setup),
        site(site_index),
        index(own_index),
        node_index(partition_setup.nodes, partition_setup.units_per_node, shares,
                   partition_setup.fabric.get()),
        empty(partition_setup.nodes, partition_setup.units_per_node, shares),
        sizes(requests) {}

  SimTime now() const override;
  const NodeIndex& nodes() const override { return node_index; }
  const SizeClasses& size_classes() const override { return sizes; }
  const WaitingQueue& queue() const override { return waiting; }
  const ExpectedEnds& by_expected_end() const override { return ends; }
  const Running& running(JobIndex job) const override;
  Watts room() const override;
  PowerNeed wanted_need(WaitingQueue::Handle handle) const override;
  PowerNeed least_need(WaitingQueue::Handle handle) const override;
  const Allocation* place(WaitingQueue::Handle handle, Watts at_most) override;
  bool place_on(WaitingQueue::Handle handle, const Allocation& pieces, Watts at_most) override;
  PowerNeed placed_need() const override;
  void start_placed(WaitingQueue::Handle handle) override;
  void wake_at(SimTime when) override;
  void promise(WaitingQueue::Handle handle, SimTime start) override;
  void count(std::string_view what) override;

  Simulation& sim;
  const PartitionSetup& setup;
  std::int16_t site, index;
  NodeIndex node_index;
  const Capacity empty;
  SizeClasses sizes;
  WaitingQueue waiting;
  ExpectedEnds ends;
  std::unique_ptr<BackfillPolicy> backfill;
  bool keeps_ends = false;
  bool dirty = false;
  Allocation found;
  WaitingQueue::Handle found_for = WaitingQueue::none;
  Watts found_cap = no_cap;  ///< with which it keeps the power budget, where there is one
  Watts found_draw;
  NanoWatts drawn = 0;  ///< by its jobs, of the power budget
  /// Its first waiting job has GPUs at hand but no watts: it keeps those that come free from
  /// partitions of the site that came to that later.
  struct Claim {
    bool stands = false;
    JobIndex job = 0;
    SimTime since;
    NanoWatts draw = 0;
  } claim;

  std::vector<Running> slots;
  std::vector<RunState> states;
  std::vector<std::uint32_t> unused;
  /// Slots that started in this pass at another rate than the one they were chosen by, and when
  /// they are now believed to end.
  std::vector<std::pair<std::uint32_t, SimTime>> late_ends;

  // Power of a unit in nW for each 1/1000 held, and of what nobody holds.
  NanoWatts idle_per_milli = 0;
  std::vector<NanoWatts> node_load, node_loss;  ///< by node, where the supply has a loss curve
  NanoWatts overhead = 0;                       ///< idle, base, loss, asleep and boot
  SimTime overhead_since;
  ChargeRates overhead_rates;
  PartitionTotals totals;
  Charge overhead_charge;

  // Waiting and running GPU-seconds by estimate, for the choice of a partition.
  double waiting_unit_s = 0.0, running_units = 0.0, running_end_unit_s = 0.0;
  std::priority_queue<std::pair<SimTime, double>, std::vector<std::pair<SimTime, double>>,
                      std::greater<>>
      load_ends;
  std::unordered_map<std::uint64_t, std::vector<JobIndex>>
      tenants;                          ///< of shared GPUs, under contention
  std::unique_ptr<SharedFabric> flows;  ///< null unless fidelity: flows

  // Where nodes sleep:
  NanoWatts idle_node = 0;  ///< draw of an empty node, its supply loss included
  std::deque<std::pair<SimTime, std::uint32_t>> to_sleep;  ///< when a node may, if still empty
  std::vector<SimTime> empty_since, ready_at;              ///< by node
  bool sleep_set = false;
};

struct Site {
  const SiteSetup* setup = nullptr;
  std::unique_ptr<SiteMeter> meter;
  std::vector<std::int16_t> partitions;
  bool suspends = false;  ///< by the pause policy, at the moment

  // Where a power budget is kept:
  bool has_budget = false;
  NanoWatts most_room = 0;                                    ///< for jobs, at any time
  NanoWatts allowed = std::numeric_limits<NanoWatts>::max();  ///< of IT power, at the moment
  NanoWatts promised = 0;                                     ///< of it, to jobs whose nodes boot
  NanoWatts free = 0;                                         ///< of it, after the last passes
  NanoWatts over = 0;  ///< IT power above it, since `over_since`
  SimTime over_since;
  double over_a = 1.0;  ///< from there to the budget's own power
  double over_s = 0.0, over_j = 0.0, over_w = 0.0;
};

/// Power and busy GPUs of each node by bin, where asked for.
struct NodeMeter {
  std::size_t nodes = 0;
  std::vector<double> step, inside;  ///< power in W: [bin * nodes + node]
  std::vector<double> gpu_step, gpu_inside;
};

struct Simulation final : EventSink {
  Simulation(const Setup& s, EventEngine& e, const RunHooks& h)
      : setup(s), engine(e), hooks(h), jobs(s.workload->jobs), estimate_noise(s.seed, "estimate") {}

  RunResult run();

  // EventSink
  void work_done(std::uint64_t tag) override { end_job(static_cast<JobIndex>(tag)); }
  void woken(std::uint64_t tag) override;
  void instant_over() override;

  // Set-up
  void select_jobs();
  void make_sites();
  void make_partitions();
  void link_dependencies();

  // Life of a job
  void submit_arrivals();
  void submit(JobIndex job);
  void release(JobIndex job);
  /// The partition that the site policy chooses for the job; null if none accepts it.
  Partition* choose_partition(JobIndex job);
  void enqueue(JobIndex job, Partition& partition);
  void rebalance();
  /// Asks the cap policy about all running jobs again.
  void renew_caps();
  void set_cap(Partition& p, std::uint32_t slot_index, Watts cap);
  void move_end(Partition& p, std::uint32_t slot_index, SimTime end);
  void retime(Partition& p, std::uint32_t slot_index, double rate, double network, NanoWatts power);
  void set_power(Partition& p, std::uint32_t slot_index, NanoWatts power);
  /// Tells the fabric what the job exchanges over it.
  void enter_fabric(Partition& p, std::uint32_t slot_index);
  /// Jobs whose company on the fabric changed go on at another rate.
  void renew_flows(Partition& p);
  void reject(JobIndex job, const char* why);
  void offer(JobIndex job);
  bool plan(JobIndex job, double left_s, std::vector<Window>& windows);
  /// The data of a job set out for the partition's site; it queues when they are there.
  /// @param released  by dependencies and timing just now, not moved from another queue
  void move_data(JobIndex job, Partition& to, bool released);
  void data_arrive(JobIndex job);
  void charge_move(JobIndex job, SimTime until);
  bool hold(JobIndex job);
  double power_at_home_w(JobIndex job);
  bool open_window(JobIndex job);
  void close_window(JobIndex job);
  void release_late(JobIndex job, bool runs = false);
  void withdraw(Partition& p, WaitingQueue::Handle handle);
  void start(Partition& p, WaitingQueue::Handle handle);
  SimTime begin(Partition& p, std::uint32_t slot_index);
  void go_to_work(Partition& p, std::uint32_t slot_index);
  void end_phase(JobIndex job);
  void end_job(JobIndex job);
  void leave(Partition& p, std::uint32_t slot_index);
  void finish_dependents(JobIndex job);

  // Pauses
  void interrupt(Partition& p, std::uint32_t slot_index, const char* why);
  void suspend(Partition& p, std::uint32_t slot_index);
  void bring_back(JobIndex job);
  void leave_queue(Partition& p, JobIndex job);
  void forget_windows(JobIndex job);
  [[nodiscard]] bool about_to_end(const Partition& p, JobIndex job) const;
  [[nodiscard]] SimTime may_be_suspended(JobIndex job) const;
  [[nodiscard]] NanoWatts overhead_power(const Partition& p, std::uint64_t milli,
                                         double extra_w) const;
  bool keep_suspended(JobIndex job, std::int16_t site);
  void resume(JobIndex job);
  void renew_pauses();
  /// Whether windows are for the job's run, not for its start only.
  [[nodiscard]] bool keeps_windows(JobIndex job) const {
    return timing->runs() && traits(job).pausable.has_value();
  }
  [[nodiscard]] bool runs_now(const Partition& p, JobIndex job) const {
    const std::uint32_t index = slot[job - first_job];
    return index < p.states.size() && p.slots[index].job == job &&
           p.states[index].phase != Phase::none;
  }
  [[nodiscard]] bool was_paused(JobIndex job) const {
    return !pauses_of.empty() && pauses_of.count(job) > 0;
  }
  void wake_in(double seconds, Wake wake) {
    const SimTime span = SimTime::from_seconds(seconds);
    engine.wake_at(SimTime::from_ns(engine.now().ns() + span.ns()), tag_of(wake, 0));
  }
  /// Asks for the next renewal of the queues' order.
  void wake_for_refresh() {
    if (to_seconds(order->refresh()) < 1e-3)
      throw std::logic_error("policies.order: keys are renewed more often than every millisecond");
    refresh_set = true;
    wake_in(to_seconds(order->refresh()), Wake::refresh);
  }
  /// Asks for the next look at where waiting jobs would be better off.
  void wake_for_rebalance() {
    rebalance_set = true;
    wake_in(setup.rebalance_s, Wake::rebalance);
  }
  /// Asks to be woken when the cap policy may change its mind.
  void wake_for_caps() { wake_at_change(cap->next_change(engine.now()), Wake::cap, "cap"); }
  /// Asks to be woken when the pause policy may change its mind.
  void wake_for_pauses() {
    wake_at_change(pause_policy->next_change(engine.now()), Wake::pause, "pause");
  }
  void wake_at_change(SimTime next, Wake wake, const char* question) {
    if (next <= engine.now()) {
      throw std::logic_error(fmt::format("policies.{}: the next change is not ahead", question));
    }
    if (next != SimTime::max()) engine.wake_at(next, tag_of(wake, 0));
  }
  void mark_dirty(Partition& p) {
    if (p.dirty) return;
    p.dirty = true;
    dirty.push_back(p.index);
  }

  // Sleep
  void may_sleep(Partition& p, std::uint32_t node);
  void send_to_sleep(Partition& p);
  void put_to_sleep(Partition& p, std::uint32_t node);
  SimTime boot(Partition& p, const Allocation& pieces, NanoWatts& promised);
  void booted(Partition& p, std::uint32_t node);
  void change_node(Partition& p, std::uint32_t node, Term from, NanoWatts from_power, Term to,
                   NanoWatts to_power);
  [[nodiscard]] NanoWatts boot_draw(const Partition& p, const Allocation& pieces) const;

  // Power budgets
  [[nodiscard]] NanoWatts it_level(const Site& site) const;
  [[nodiscard]] NanoWatts free_watts(const Site& site) const;
  [[nodiscard]] NanoWatts free_watts(const Partition& p) const;
  void set_draw(Partition& p, std::uint32_t slot_index, NanoWatts draw);
  void end_promise(Partition& p, std::uint32_t slot_index);
  void renew_claim(Partition& p);
  [[nodiscard]] NanoWatts added_draw(const Partition& p, const Allocation& pieces,
                                     std::uint64_t milli, NanoWatts power) const;
  bool keep_budget(Partition& p, WaitingQueue::Handle handle, Watts at_most);
  [[nodiscard]] PowerNeed need_at(const Partition& p, JobIndex job, Watts limit) const;
  [[nodiscard]] PowerNeed least_need(const Partition& p, JobIndex job) const;
  [[nodiscard]] NanoWatts most_room(const Site& site) const;
  [[nodiscard]] NanoWatts allowed_at(const Site& site, SimTime t) const;
  void renew_budgets();
  void fit_caps(Site& site);
  void watch_budget(Site& site);
  void report_budget(Site& site, SimTime file_end, SiteResult& out,
                     std::vector<std::string>& notes) const;

  // Questions about a job
  /// The power limit of its GPUs there, as the cap policy has it.
  /// @param clamped  set if the device does not allow the policy's own
  /// @throws InputError where the device does not allow it and the policy does not clamp
  [[nodiscard]] Watts cap_of(const Partition& p, JobIndex job, bool* clamped = nullptr);
  [[nodiscard]] OperatingPoint point_of(const Partition& p, JobIndex job,
                                        const PlacementShape& shape, Watts cap) const {
    return setup.model->query(profile(job), p.setup.device, shape, jobs[job].utilization, cap);
  }
  [[nodiscard]] std::optional<CollectiveLoad> load_of(const Partition& p, JobIndex job,
                                                      const RunState& state) const {
    return setup.model->collective(profile(job), p.setup.device, state.shape, state.cap);
  }
  /// What the scheduler believes that the job takes at that rate, on the wall clock.
  [[nodiscard]] double wall_estimate_s(JobIndex job, double rate) const {
    const bool as_it_stands = setup.limits_wallclock && setup.estimate == EstimateFrom::limit &&
                              !std::isnan(jobs[job].limit_s);
    double estimate = as_it_stands ? estimate_s(job) : left_estimate_s(job) / rate;
    if (was_paused(job)) {
      if (as_it_stands) estimate = std::max(0.0, estimate - records[job - first_job].run_s);
      estimate += traits(job).pausable->restart_s;
    }
    return std::min(estimate, longest_s);
  }
  [[nodiscard]] SimTime submit_time(JobIndex job) const {
    return SimTime::from_seconds(jobs[job].submit_s + setup.origin_offset_s);
  }
  [[nodiscard]] double estimate_s(JobIndex job) const;
  /// The same of what is left of it, where it was paused.
  [[nodiscard]] double left_estimate_s(JobIndex job) const;
  [[nodiscard]] const ClassTraits& traits(JobIndex job) const {
    static const ClassTraits none;
    const std::int16_t c = job_class(job);
    return c < 0 || setup.class_traits.empty() ? none
                                               : setup.class_traits[static_cast<std::size_t>(c)];
  }
  [[nodiscard]] JobView view(JobIndex job, double estimate, double units) const;
  [[nodiscard]] bool takes(const Partition& p, JobIndex job) const {
    return accepts(setup, p.index, p.empty, jobs[job], request(p, job));
  }
  [[nodiscard]] Request request(const Partition& p, JobIndex job) const {
    return Request::of(jobs[job], p.setup.units_per_node, p.setup.counts_cores,
                       setup.shape == Shape::any);
  }
  [[nodiscard]] std::int16_t profile(JobIndex job) const {
    return setup.job_profile.empty() ? std::int16_t{0} : setup.job_profile[job];
  }
  [[nodiscard]] std::int16_t job_class(JobIndex job) const {
    return setup.job_class.empty() ? std::int16_t{-1} : setup.job_class[job];
  }
  [[nodiscard]] std::int16_t home(JobIndex job) const {
    return setup.job_site.empty() ? std::int16_t{0} : setup.job_site[job];
  }
  [[nodiscard]] double data_gb(JobIndex job) const {
    const std::int16_t c = job_class(job);
    return c < 0 || setup.class_traits.empty()
               ? 0.0
               : setup.class_traits[static_cast<std::size_t>(c)].data_gb;
  }
  [[nodiscard]] std::int16_t data_site(JobIndex job) const {
    return data_at.empty() ? home(job) : data_at[job - first_job];
  }
  /// Whether its data have to move before it can queue there.
  [[nodiscard]] bool must_move(JobIndex job, const Partition& p) const {
    return setup.network.given() && p.site != data_site(job) && data_gb(job) > 0.0;
  }
  /// A number for draws that depends on the id alone, not on the order of the file.
  [[nodiscard]] std::uint64_t id_number(const Job& j) const {
    if (!setup.workload->ids_are_text) return static_cast<std::uint64_t>(j.id);
    std::uint64_t hash = 0xcbf29ce484222325ULL;  // FNV-1a
    for (const char c : setup.workload->id_text(j))
      hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3ULL;
    return hash;
  }
  [[nodiscard]] std::string job_text(JobIndex job) const {
    return setup.workload->id_text(jobs[job]);
  }

  // Accounting
  SiteMeter& meter(const Partition& p) { return *sites[static_cast<std::size_t>(p.site)].meter; }
  SiteMeter& meter_now(std::int16_t site) {
    SiteMeter& m = *sites[static_cast<std::size_t>(site)].meter;
    m.advance(engine.now());
    return m;
  }
  void charge_overhead(Partition& p);
  void set_units_held(Partition& p, const Allocation& pieces, const RunState& state, bool take);
  void charge_job(Partition& p, JobIndex job, RunState& state);
  void record_node(const Partition& p, std::uint32_t node, double more_w, double more_gpus);
  void update_contention(Partition& p, const Allocation& pieces, JobIndex job, bool take);
  void note(JobIndex job, const char* what, std::string why = {});
  void count(const std::string& rule, const std::string& choice, std::uint64_t rows = 1) {
    counts[{rule, choice}] += rows;
  }
  void finish(RunResult& result);

  const Setup& setup;
  EventEngine& engine;
  const RunHooks& hooks;
  const std::vector<Job>& jobs;
  const RandomStream estimate_noise;

  std::vector<Site> sites;
  std::vector<std::unique_ptr<Partition>> partitions;
  std::unique_ptr<OrderPolicy> order;
  std::unique_ptr<PlacementPolicy> placement;
  std::unique_ptr<CapPolicy> cap;
  std::unique_ptr<SitePolicy> site_policy;
  std::unique_ptr<TimingPolicy> timing;
  std::unique_ptr<PausePolicy> pause_policy;
  std::unique_ptr<NodePolicy> node_policy;
  const NodePolicy::Sleep* sleep = nullptr;  ///< null if no node ever does
  bool replays = false, caps = false, holds = false, pauses = false, budgets = false;
  std::vector<std::unique_ptr<Outlook>> outlooks;  ///< by site
  std::unique_ptr<Regret> regret;                  ///< null where the forecast is perfect
  /// A job that the timing policy holds, or that waits in its queue while a window is open.
  /// Where windows are for the run, it stays here until its end.
  struct Held {
    std::vector<Window> windows;  ///< the next one last
    EventHandle closes = 0;       ///< of the window that is open
    bool open = false;
  };
  std::unordered_map<JobIndex, Held> held;
  /// A job that was paused at least once, until its end.
  struct Paused {
    double done_s = 0.0;  ///< reference seconds that are safe
    double key = 0.0;     ///< its place in the queue
    SimTime since;        ///< of the pause, while it is paused
    bool waits = false;   ///< it is paused, and does not only save its state
  };
  std::unordered_map<JobIndex, Paused> pauses_of;
  /// A job that the pause policy keeps from running, or did.
  struct Suspended {
    std::int16_t site = 0;
    bool active = false;
    SimTime since;
    std::int64_t before_ns = 0;  ///< suspended so long in all, up to `since`
    EventHandle limit = 0;
  };
  std::map<JobIndex, Suspended> suspended;
  double lost_work_s = 0.0;
  /// A job whose data are on the way.
  struct Move {
    std::int16_t from = 0, partition = 0;
    SimTime since, arrival;
    double power_w = 0.0;
    bool released = true;
  };
  std::unordered_map<JobIndex, Move> moves;
  std::vector<std::int16_t> data_at;  ///< by job - first_job; empty = all at home

  JobIndex first_job = 0, last_job = 0;  ///< simulated jobs are [first_job, last_job)
  std::vector<JobRecord> records;        ///< by job - first_job
  std::vector<std::uint32_t> slot;       ///< of a waiting or running job, by job - first_job
  JobIndex next_arrival = 0;
  std::vector<std::uint32_t>
      blocked_by;  ///< unfinished predecessors, by job - first_job; empty = no dependencies
  std::vector<double> dependents_ready_s;    ///< earliest start by think times
  std::vector<std::uint32_t> dependents_at;  ///< CSR offsets by predecessor
  std::vector<std::pair<JobIndex, double>> dependents;

  std::vector<std::int16_t> dirty;
  std::vector<SiteCandidate> candidates;
  std::vector<std::int16_t> candidate_partitions;
  bool refresh_set = false, rebalance_set = false;
  bool any_flows = false, has_water = false;
  std::vector<double> jobs_water_l;  ///< by job - first_job; empty where no site has a water use
  std::uint64_t instants = 0, ended = 0;
  SimTime last_end;
  double replay_delay_s = 0.0;
  std::map<std::pair<std::string, std::string>, std::uint64_t> counts;
  std::vector<Event> events;
  std::map<std::int16_t, NodeMeter> node_meters;
};

inline JobRecord& record_of(Simulation& s, JobIndex job) { return s.records[job - s.first_job]; }

}  // namespace nightwatt::run
