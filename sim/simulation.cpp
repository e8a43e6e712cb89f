#include "sim/simulation.hpp"

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
#include "sim/outlook.hpp"
#include "sim/placement_shape.hpp"
#include "sim/regret.hpp"
#include "sim/shared_fabric.hpp"
#include "sim/summarise.hpp"
#include "traces/dependency_graph.hpp"
#include "traces/diagnostics.hpp"

namespace nightwatt {
namespace {

constexpr std::uint32_t no_slot = 0xffffffffU;
/// Longer estimates are cut to it and longer jobs refused, so that instants fit 64 bits of ns.
constexpr double longest_s = 3.2e9;

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
std::uint32_t nodes_of(const Allocation& pieces) {
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
NanoWatts power_of(const OperatingPoint& point, std::uint64_t milli) {
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
  Watts least_draw(WaitingQueue::Handle handle) const override;
  const Allocation* place(WaitingQueue::Handle handle, Watts at_most) override;
  Watts placed_draw() const override { return found_draw; }
  void start_placed(WaitingQueue::Handle handle) override;
  bool start_on(WaitingQueue::Handle handle, const Allocation& pieces) override;
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
  NanoWatts allowed = std::numeric_limits<NanoWatts>::max();  ///< of IT power, at the moment
  NanoWatts promised = 0;                                     ///< of it, to jobs whose nodes boot
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
  bool plan(JobIndex job, std::vector<Window>& windows);
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
  void begin(Partition& p, std::uint32_t slot_index);
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
  void replan(JobIndex job, double done_s, std::vector<Window>& windows);
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
    refresh_set = true;
    wake_in(to_seconds(order->refresh()), Wake::refresh);
  }
  /// Asks for the next look at where waiting jobs would be better off.
  void wake_for_rebalance() {
    rebalance_set = true;
    wake_in(setup.rebalance_s, Wake::rebalance);
  }
  /// Asks to be woken when the cap policy may change its mind.
  void wake_for_caps() {
    if (const SimTime next = cap->next_change(engine.now()); next != SimTime::max())
      engine.wake_at(next, tag_of(Wake::cap, 0));
  }
  /// Asks to be woken when the pause policy may change its mind.
  void wake_for_pauses() {
    if (const SimTime next = pause_policy->next_change(engine.now()); next != SimTime::max())
      engine.wake_at(next, tag_of(Wake::pause, 0));
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
  [[nodiscard]] Watts room(const Site& site) const;
  [[nodiscard]] NanoWatts added_draw(const Partition& p, const Allocation& pieces,
                                     std::uint64_t milli, NanoWatts power) const;
  bool keep_budget(Partition& p, WaitingQueue::Handle handle, Watts at_most);
  [[nodiscard]] Watts least_draw(const Partition& p, WaitingQueue::Handle handle) const;
  [[nodiscard]] NanoWatts allowed_now(const Site& site) const;
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

JobRecord& record_of(Simulation& s, JobIndex job) { return s.records[job - s.first_job]; }

// ---------------------------------------------------------------- partition

SimTime Partition::now() const { return sim.engine.now(); }
const Running& Partition::running(JobIndex job) const {
  return slots[sim.slot[job - sim.first_job]];
}

/// What policies that the program does not know may get wrong.
void check_placement(const PartitionSetup& p, const Request& wanted, const Allocation& pieces) {
  std::uint64_t milli = 0;
  for (const Piece& piece : pieces) {
    if (piece.node >= p.nodes || piece.gpu >= p.units_per_node) {
      throw std::logic_error(fmt::format("policies.placement: node {}, GPU {} of {} nodes with {}",
                                         piece.node, piece.gpu, p.nodes, p.units_per_node));
    }
    milli += piece.units > 0 ? std::uint64_t{piece.units} * 1000 : piece.milli;
  }
  if (milli != wanted.total_milli()) {
    throw std::logic_error(fmt::format("policies.placement: {} GPUs for a job that asks for {}",
                                       static_cast<double>(milli) * 1e-3,
                                       static_cast<double>(wanted.total_milli()) * 1e-3));
  }
}

Watts Partition::room() const { return sim.room(sim.sites[static_cast<std::size_t>(site)]); }

Watts Partition::least_draw(WaitingQueue::Handle handle) const {
  return sim.least_draw(*this, handle);
}

const Allocation* Partition::place(WaitingQueue::Handle handle, Watts at_most) {
  const Request& wanted = waiting[handle].request;
  found.clear();
  found_for = WaitingQueue::none;
  if (wanted.total_milli() > 0) {
    if (!node_index.capacity().fits(wanted)) return nullptr;
    sim.placement->place(wanted, node_index, found);
    check_placement(setup, wanted, found);
    if (!sim.keep_budget(*this, handle, at_most)) return nullptr;
  }
  found_for = handle;
  return &found;
}

void Partition::start_placed(WaitingQueue::Handle handle) {
  if (found_for != handle) throw std::logic_error("a job was started that was not placed");
  found_for = WaitingQueue::none;
  sim.start(*this, handle);
}

bool Partition::start_on(WaitingQueue::Handle handle, const Allocation& pieces) {
  if (!node_index.can_take(pieces)) return false;
  found = pieces;
  if (!sim.keep_budget(*this, handle, no_limit)) return false;
  sim.start(*this, handle);
  return true;
}

void Partition::wake_at(SimTime when) {
  sim.engine.wake_at(when, tag_of(Wake::pass, static_cast<std::uint64_t>(index)));
}
void Partition::promise(WaitingQueue::Handle handle, SimTime start) {
  if (!sim.setup.record_events) return;
  sim.note(waiting[handle].job, "promised",
           fmt::format("a start {} s after the period's", start.seconds()));
}
void Partition::count(std::string_view what) { sim.count(std::string(what), "counted"); }

// ---------------------------------------------------------------- set-up

void Simulation::select_jobs() {
  const auto submitted_before = [&](double t) {
    const auto it = std::partition_point(jobs.begin(), jobs.end(), [&](const Job& j) {
      return SimTime::from_seconds(j.submit_s + setup.origin_offset_s) < SimTime::from_seconds(t);
    });
    return static_cast<JobIndex>(it - jobs.begin());
  };
  first_job = submitted_before(0.0);
  last_job = submitted_before(setup.period_end_s);
  if (first_job > 0) count("outside_period", "left out (submitted before period.start)", first_job);
  if (last_job < jobs.size())
    count("outside_period", "left out (submitted after period.end)", jobs.size() - last_job);
  next_arrival = first_job;
  records.resize(last_job - first_job);
  slot.assign(records.size(), no_slot);
}

void Simulation::make_sites() {
  const SimTime period_end = SimTime::from_seconds(setup.period_end_s);
  for (const SiteSetup& s : setup.sites) {
    Site site;
    site.setup = &s;
    site.meter =
        std::make_unique<SiteMeter>(s.signals, s.facility, SimTime::from_seconds(setup.bin_s),
                                    SimTime::from_seconds(setup.peak_window_s), period_end,
                                    s.demand ? &*s.demand : nullptr, s.water ? &*s.water : nullptr);
    has_water = has_water || s.water.has_value();
    site.has_budget = s.budget.has_value();
    sites.push_back(std::move(site));
  }
}

void Simulation::make_partitions() {
  const auto params = [&](Question q) -> const PolicyChoice& {
    return setup.policies[static_cast<std::size_t>(q)];
  };
  const auto make = [&](Question q, const char* fallback) {
    const PolicyChoice& choice = params(q);
    return make_policy(q, choice.name.empty() ? fallback : choice.name, choice.params);
  };
  order.reset(static_cast<OrderPolicy*>(make(Question::order, "fcfs").release()));
  placement.reset(static_cast<PlacementPolicy*>(make(Question::placement, "pack").release()));
  site_policy.reset(static_cast<SitePolicy*>(make(Question::site, "home").release()));
  cap.reset(static_cast<CapPolicy*>(make(Question::cap, "none").release()));
  timing.reset(static_cast<TimingPolicy*>(make(Question::timing, "immediate").release()));
  pause_policy.reset(static_cast<PausePolicy*>(make(Question::pause, "never").release()));
  node_policy.reset(static_cast<NodePolicy*>(make(Question::nodes, "always-on").release()));
  sleep = node_policy->sleep();
  replays = order->replays();
  caps = cap->caps();
  holds = timing->holds();
  pauses = pause_policy->pauses();
  SitesView known;
  known.period_start_unix_s = setup.period_start_unix_s;
  for (const SiteSetup& s : setup.sites) {
    outlooks.push_back(make_outlook(s, setup.forecast, setup.seed, outlooks.size()));
    known.sites.push_back({s.name, s.timezone, outlooks.back().get()});
  }
  timing->see(known);
  site_policy->see(known);
  cap->see(known);
  pause_policy->see(known);
  if (setup.forecast.from != ForecastFrom::perfect && (holds || site_policy->weighs_costs())) {
    regret = std::make_unique<Regret>(setup, known);
  }
  if (replays) {
    if (std::none_of(jobs.begin() + first_job, jobs.begin() + last_job,
                     [](const Job& j) { return !std::isnan(j.start_s); }) &&
        first_job < last_job) {
      throw InputError(
          "policies.order: expected a trace with recorded starts for 'replay', got none in this "
          "one");
    }
  }

  std::int16_t index = 0;
  for (std::size_t s = 0; s < setup.sites.size(); ++s) {
    for (const PartitionSetup& p : setup.sites[s].partitions) {
      // Most traces ask for few different sizes; a small cache in front of the map pays for that.
      std::map<Request, std::uint64_t> requests;
      Request last;
      std::uint64_t* last_count = nullptr;
      bool shares = false;
      for (JobIndex job = first_job; job < last_job; ++job) {
        const Request r =
            Request::of(jobs[job], p.units_per_node, p.counts_cores, setup.shape == Shape::any);
        if (last_count == nullptr || r != last) {
          last = r;
          last_count = &requests[r];
          shares = shares || r.kind == Request::Kind::shares;
        }
        ++*last_count;
      }
      // Requests that can never fit have no place among the sizes.
      const Capacity empty(p.nodes, p.units_per_node, shares);
      std::erase_if(requests, [&](const auto& entry) { return !empty.fits(entry.first); });
      auto partition = std::make_unique<Partition>(*this, p, static_cast<std::int16_t>(s), index,
                                                   shares, requests);
      partition->backfill.reset(
          static_cast<BackfillPolicy*>((replays ? make_policy(Question::backfill, "first-fit", {})
                                                : make(Question::backfill, "none"))
                                           .release()));
      partition->keeps_ends = partition->backfill->needs_expected_ends();
      if (setup.fidelity == Fidelity::flows && p.fabric)
        partition->flows = std::make_unique<SharedFabric>(*p.fabric, engine);
      sites[s].partitions.push_back(index);

      const Device& device = setup.devices[static_cast<std::size_t>(p.device)];
      const std::uint64_t units = std::uint64_t{p.nodes} * p.units_per_node;
      partition->idle_per_milli = std::llround(to_watts(device.idle) * 1e6);
      const NanoWatts idle_node =
          to_nanowatts(p.node.host_idle) + 1000 * partition->idle_per_milli * p.units_per_node;
      const NanoWatts idle_loss = to_nanowatts(p.node.loss_at(watts(to_watts(idle_node))));
      const NanoWatts base = (to_nanowatts(p.node.host_idle) + idle_loss) * p.nodes;
      const NanoWatts idle = 1000 * partition->idle_per_milli * static_cast<std::int64_t>(units);
      if (!p.node.loss.empty()) {
        partition->node_load.assign(p.nodes, idle_node);
        partition->node_loss.assign(p.nodes, idle_loss);
      }
      SiteMeter& m = *sites[s].meter;
      m.change(Term::base, base);
      m.change(Term::idle, idle);
      m.change(SiteMeter::gpus_idle, static_cast<std::int64_t>(1000 * units));
      partition->overhead = base + idle;
      partition->idle_node = idle_node + idle_loss;
      if (sleep != nullptr) {
        partition->empty_since.assign(p.nodes, SimTime{});
        partition->ready_at.assign(p.nodes, SimTime{});
        for (std::uint32_t node = 0; node < p.nodes; ++node) may_sleep(*partition, node);
      }
      PartitionTotals& t = partition->totals;
      t.site = setup.sites[s].name;
      t.name = p.name;
      t.device = device.id;
      t.counts_cores = p.counts_cores;
      t.nodes = p.nodes;
      t.gpus = units;
      t.embodied_g_per_gpu_s = p.embodied_g_per_unit_s;
      if (setup.sites[s].water) t.overhead_water_l = 0.0;
      partitions.push_back(std::move(partition));
      ++index;
    }
    if (setup.record_nodes) {
      std::size_t nodes = 0;
      for (const PartitionSetup& p : setup.sites[s].partitions) nodes += p.nodes;
      node_meters[static_cast<std::int16_t>(s)].nodes = nodes;
    }
  }
}

void Simulation::link_dependencies() {
  const auto& all = setup.workload->dependencies;
  if (all.empty()) return;
  check_dependencies(*setup.workload);
  blocked_by.assign(records.size(), 0);
  dependents_ready_s.assign(records.size(), -std::numeric_limits<double>::infinity());
  dependents_at.assign(records.size() + 1, 0);
  const auto simulated = [&](JobIndex job) { return job >= first_job && job < last_job; };
  for (const Dependency& d : all) {
    if (!simulated(d.job)) continue;
    if (!simulated(d.on)) {
      count("dependency_outside_period", "taken as met");
      continue;
    }
    ++blocked_by[d.job - first_job];
    ++dependents_at[d.on - first_job + 1];
  }
  for (std::size_t i = 1; i < dependents_at.size(); ++i) dependents_at[i] += dependents_at[i - 1];
  dependents.resize(dependents_at.back());
  std::vector<std::uint32_t> next(dependents_at.begin(), dependents_at.end() - 1);
  for (const Dependency& d : all) {
    if (simulated(d.job) && simulated(d.on))
      dependents[next[d.on - first_job]++] = {d.job, d.think_s};
  }
}

// ---------------------------------------------------------------- life of a job

double Simulation::estimate_s(JobIndex job) const {
  const Job& j = jobs[job];
  switch (setup.estimate) {
    case EstimateFrom::perfect:
      return j.run_s;
    case EstimateFrom::noisy:
      return j.run_s * std::exp(setup.estimate_sigma * estimate_noise.normal(id_number(j)));
    case EstimateFrom::limit:
      return std::isnan(j.limit_s) ? j.run_s : j.limit_s;
  }
  return j.run_s;
}

double Simulation::left_estimate_s(JobIndex job) const {
  const double all_s = estimate_s(job);
  return was_paused(job) ? std::max(0.0, all_s - pauses_of.at(job).done_s) : all_s;
}

JobView Simulation::view(JobIndex job, double estimate, double units) const {
  const Job& j = jobs[job];
  const std::int16_t c = job_class(job);
  const ClassTraits& allowed = traits(job);
  const std::optional<PauseCost>& cost = allowed.pausable;
  return {j,
          job,
          j.submit_s + setup.origin_offset_s,
          j.start_s + setup.origin_offset_s,
          j.deadline_s + setup.origin_offset_s,
          estimate,
          units,
          c < 0 ? std::string_view() : std::string_view(setup.classes[static_cast<std::size_t>(c)]),
          allowed.slack_s,
          cost.has_value(),
          cost ? cost->checkpoint_s + cost->restart_s : 0.0,
          allowed.cap};
}

void Simulation::note(JobIndex job, const char* what, std::string why) {
  if (setup.record_events)
    events.push_back({engine.now().seconds(), job - first_job, what, std::move(why)});
}

void Simulation::submit_arrivals() {
  const SimTime now = engine.now();
  while (next_arrival < last_job && submit_time(next_arrival) <= now) submit(next_arrival++);
  if (next_arrival < last_job) engine.wake_at(submit_time(next_arrival), tag_of(Wake::arrival, 0));
}

void Simulation::submit(JobIndex job) {
  note(job, "submitted");
  if (!blocked_by.empty() && blocked_by[job - first_job] > 0) {
    meter_now(home(job)).change(SiteMeter::jobs_held, 1);
    return;
  }
  const double ready_s = dependents_ready_s.empty() ? -1.0 : dependents_ready_s[job - first_job];
  if (SimTime::from_seconds(std::max(ready_s, 0.0)) > engine.now()) {
    meter_now(home(job)).change(SiteMeter::jobs_held, 1);
    engine.wake_at(SimTime::from_seconds(ready_s), tag_of(Wake::eligible, job));
    return;
  }
  release(job);
}

void Simulation::reject(JobIndex job, const char* why) {
  JobRecord& r = record_of(*this, job);
  r.job = job;
  r.state = JobState::rejected;
  r.profile = profile(job);
  r.job_class = job_class(job);
  ++ended;
  count("rejected", why);
  note(job, "rejected", why);
  finish_dependents(job);
}

void Simulation::release(JobIndex job) {
  const Job& j = jobs[job];
  if (std::isnan(j.run_s)) return reject(job, "no run time known");
  if (j.run_s > longest_s) return reject(job, "run time beyond a hundred years");
  if (holds && hold(job)) return;
  offer(job);
}

/// Into the queue of the partition that the site policy chooses.
void Simulation::offer(JobIndex job) {
  record_of(*this, job).eligible_s = engine.now().seconds();
  Partition* const chosen = choose_partition(job);
  if (chosen == nullptr) return reject(job, "asks for more than any partition has");
  if (regret && site_policy->weighs_costs() && partitions.size() > 1) {
    const auto index =
        std::find(candidate_partitions.begin(), candidate_partitions.end(), chosen->index);
    regret->site(view(job, estimate_s(job), jobs[job].gpu_milli / 1000.0), home(job), candidates,
                 engine.now(), static_cast<std::size_t>(index - candidate_partitions.begin()));
  }
  if (must_move(job, *chosen)) return move_data(job, *chosen, true);
  if (pauses && keep_suspended(job, chosen->site)) return;
  enqueue(job, *chosen);
}

void Simulation::move_data(JobIndex job, Partition& to, bool released) {
  const double gb = data_gb(job);
  Move move{data_site(job), to.index, engine.now(), {}, 0.0, released};
  const SimTime span = std::max(
      SimTime::from_seconds(setup.network.seconds(move.from, to.site, gb)), SimTime::from_ns(1));
  move.arrival = SimTime::from_ns(move.since.ns() + span.ns());
  move.power_w = setup.network.j_per_gb * gb / span.seconds();
  JobRecord& r = record_of(*this, job);
  r.site = to.site;
  r.partition = -1;
  slot[job - first_job] = no_slot;
  moves[job] = move;
  meter_now(to.site).change(SiteMeter::jobs_held, 1);
  engine.wake_at(move.arrival, tag_of(Wake::data_arrive, job));
  count("transfers", "data of a job moved to another site");
  note(job, "data_set_out",
       setup.record_events ? fmt::format("{} GB from {} to {}", gb,
                                         setup.sites[static_cast<std::size_t>(move.from)].name,
                                         setup.sites[static_cast<std::size_t>(to.site)].name)
                           : std::string());
}

void Simulation::charge_move(JobIndex job, SimTime until) {
  const Move& move = moves.at(job);
  JobRecord& r = record_of(*this, job);
  const auto signals = [&](std::int16_t site) -> const SiteSignals& {
    return setup.sites[static_cast<std::size_t>(site)].signals;
  };
  const TransferCharge charge =
      charge_transfer(move.power_w, signals(move.from), signals(r.site), move.since, until);
  r.transfer_s += static_cast<double>(until.ns() - move.since.ns()) * 1e-9;
  r.transfer_energy_j += charge.energy_j;
  r.transfer_carbon_g += charge.carbon_g;
  r.transfer_cost += charge.cost;
}

void Simulation::data_arrive(JobIndex job) {
  charge_move(job, engine.now());
  const Move move = moves.at(job);
  moves.erase(job);
  JobRecord& r = record_of(*this, job);
  data_at[job - first_job] = r.site;
  meter_now(r.site).change(SiteMeter::jobs_held, -1);
  note(job, "data_arrived");
  if (const auto window = held.find(job); window != held.end() && !window->second.open) {
    // The window closed while the data were on the way.
    if (window->second.windows.empty()) {
      release_late(job);
    } else if (!open_window(job)) {
      return;  // the next one asks the site policy again
    }
  }
  if (move.released) r.eligible_s = engine.now().seconds();
  if (pauses && keep_suspended(job, r.site)) return;
  enqueue(job, *partitions[static_cast<std::size_t>(move.partition)]);
}

/// A job that is in no queue: to its next window, or to its queue.
void Simulation::bring_back(JobIndex job) {
  if (const auto entry = held.find(job); entry != held.end() && !entry->second.open) {
    if (entry->second.windows.empty()) {
      held.erase(entry);
    } else if (!open_window(job)) {
      return;
    }
  }
  if (!was_paused(job)) return offer(job);
  Partition& p = *partitions[static_cast<std::size_t>(record_of(*this, job).partition)];
  if (!keep_suspended(job, p.site)) enqueue(job, p);
}

/// Asks the timing policy in which windows the job may start (or run). Fills `windows`, the next
/// one last. @return false if it is not to be held
bool Simulation::plan(JobIndex job, std::vector<Window>& windows) {
  const JobView seen = view(job, left_estimate_s(job), jobs[job].gpu_milli / 1000.0);
  if (!(seen.slack_s > 0.0)) return false;
  const SimTime now = engine.now();
  // What it has done already does not move its end.
  double latest_s = seen.submit_s + seen.slack_s + (estimate_s(job) - seen.estimate_s);
  if (!std::isnan(seen.deadline_s)) {
    latest_s = std::min(latest_s, seen.deadline_s - seen.estimate_s);
  }
  const SimTime latest = SimTime::from_seconds(std::max(latest_s, now.seconds()));
  timing->windows(seen, home(job), now, latest, windows);
  const bool at_once = windows.empty();
  for (std::size_t i = 0; i < windows.size(); ++i) {
    if (windows[i].to <= windows[i].from || (i > 0 && windows[i].from < windows[i - 1].to))
      throw std::logic_error("policies.timing: windows that are empty, overlap or step back");
  }
  std::erase_if(windows, [&](const Window& w) { return w.to <= now || w.from > latest; });
  if (regret && !keeps_windows(job))
    regret->timing(seen, home(job), now, latest, windows, power_at_home_w(job));
  if (at_once) return false;
  if (windows.empty()) {
    count("timing", "no window within the slack: released at once");
    return false;
  }
  std::reverse(windows.begin(), windows.end());
  return true;
}

/// @return true if the timing policy holds the job back for now
bool Simulation::hold(JobIndex job) {
  std::vector<Window> windows;
  if (!plan(job, windows)) return false;
  held[job].windows = std::move(windows);
  return !open_window(job);
}

/// What the job would draw in the first partition of its home site that takes it; 0 if none does.
double Simulation::power_at_home_w(JobIndex job) {
  for (const std::int16_t index : sites[static_cast<std::size_t>(home(job))].partitions) {
    const Partition& p = *partitions[static_cast<std::size_t>(index)];
    if (!takes(p, job)) continue;
    const auto milli = static_cast<std::uint32_t>(request(p, job).total_milli());
    const OperatingPoint point = point_of(p, job, compact_shape(p.setup, milli), cap_of(p, job));
    return to_watts(point.gpu + point.host) * milli * 1e-3;
  }
  return 0.0;
}

/// Opens the job's next window, or waits for it. @return true if it may start now
bool Simulation::open_window(JobIndex job) {
  Held& entry = held.at(job);
  const Window window = entry.windows.back();
  if (window.from > engine.now()) {
    if (!was_paused(job)) meter_now(home(job)).change(SiteMeter::jobs_held, 1);
    engine.wake_at(window.from, tag_of(Wake::window_opens, job));
    note(job, "held");
    return false;
  }
  entry.windows.pop_back();
  if (window.to == SimTime::max()) {
    held.erase(job);
  } else {
    entry.open = true;
    entry.closes = engine.wake_at(window.to, tag_of(Wake::window_closes, job));
  }
  return true;
}

/// The job did not start (or end) in its last window: it waits in the queue like any other, or runs
/// on.
void Simulation::release_late(JobIndex job, bool runs) {
  held.erase(job);
  count("timing",
        runs ? "ran on after its last window" : "not started in its last window: released");
  note(job, "released");
}

/// The job did not start (or did not end) in its window: it waits for the next one, if there is.
void Simulation::close_window(JobIndex job) {
  Held& entry = held.at(job);
  entry.open = false;
  entry.closes = 0;
  if (moves.count(job) > 0) return;  // what follows is decided when the data arrive
  JobRecord& r = record_of(*this, job);
  Partition* const p =
      r.partition < 0 ? nullptr : partitions[static_cast<std::size_t>(r.partition)].get();
  const bool runs = p != nullptr && runs_now(*p, job);
  if (runs && about_to_end(*p, job)) {
    held.erase(job);
    return;
  }
  if (entry.windows.empty() && keeps_windows(job)) {
    // What it has done since it was last paused is not in its estimate yet.
    double done_s = 0.0;
    if (runs) {
      RunState& state = p->states[slot[job - first_job]];
      done_s = state.phase == Phase::executing ? state.amount_s - engine.remaining(state.work) : 0;
    }
    replan(job, done_s, entry.windows);
  }
  if (entry.windows.empty()) return release_late(job, runs);
  if (runs) {
    if (entry.windows.back().from <= engine.now()) {
      open_window(job);
      return;
    }
    // One that boots or saves its state looks at its window afterwards.
    const Phase phase = p->states[slot[job - first_job]].phase;
    if (phase == Phase::executing || phase == Phase::restarting)
      interrupt(*p, slot[job - first_job], "its window closed");
    return;
  }
  if (const auto s = suspended.find(job); s != suspended.end() && s->second.active) return;
  leave_queue(*p, job);
  bring_back(job);
}

/// A waiting job is in no queue any more; it will come back to its own, if it was paused.
void Simulation::leave_queue(Partition& p, JobIndex job) {
  withdraw(p, slot[job - first_job]);
  slot[job - first_job] = no_slot;
  if (was_paused(job)) return;
  meter_now(p.site).change(SiteMeter::jobs_queued, -1);
  record_of(*this, job).partition = -1;
}

/// A job leaves the queue without a start.
void Simulation::withdraw(Partition& p, WaitingQueue::Handle handle) {
  const Waiting& entry = p.waiting[handle];
  p.waiting_unit_s -=
      static_cast<double>(entry.request.total_milli()) * 1e-3 * entry.estimate.seconds();
  p.backfill->on_leave(p, handle);
  p.waiting.erase(handle);
  if (p.waiting.empty()) p.waiting_unit_s = 0.0;
  mark_dirty(p);
}

Partition* Simulation::choose_partition(JobIndex job) {
  if (partitions.size() == 1)
    return takes(*partitions.front(), job) ? partitions.front().get() : nullptr;
  const bool weighs_costs = site_policy->weighs_costs();
  candidates.clear();
  candidate_partitions.clear();
  for (const auto& p : partitions) {
    if (!takes(*p, job)) continue;
    while (!p->load_ends.empty() && p->load_ends.top().first <= engine.now()) {
      // Past its estimate a job counts as ending now: it adds nothing any more.
      const auto [end, units] = p->load_ends.top();
      p->load_ends.pop();
      p->running_units -= units;
      p->running_end_unit_s -= units * end.seconds();
    }
    const double running_s = p->running_end_unit_s - p->running_units * engine.now().seconds();
    SiteCandidate candidate{p->site, p->index,
                            (p->waiting_unit_s + running_s) / static_cast<double>(p->totals.gpus)};
    if (weighs_costs) {
      const auto milli = static_cast<std::uint32_t>(request(*p, job).total_milli());
      const OperatingPoint point =
          point_of(*p, job, compact_shape(p->setup, milli), cap_of(*p, job));
      candidate.run_s = wall_estimate_s(job, point.rate);
      candidate.energy_j = to_watts(point.gpu + point.host) * milli * 1e-3 * candidate.run_s;
    }
    candidate.data_site = data_site(job);
    if (must_move(job, *p)) {
      const double gb = data_gb(job);
      candidate.transfer_s = setup.network.seconds(candidate.data_site, p->site, gb);
      candidate.transfer_energy_j = setup.network.j_per_gb * gb;
    }
    candidates.push_back(candidate);
    candidate_partitions.push_back(p->index);
  }
  if (candidates.empty()) return nullptr;
  const std::size_t chosen =
      site_policy->choose(view(job, estimate_s(job), jobs[job].gpu_milli / 1000.0), home(job),
                          candidates, engine.now());
  if (chosen >= candidates.size())
    throw std::logic_error("policies.site: a partition that was not offered");
  return partitions[static_cast<std::size_t>(candidate_partitions[chosen])].get();
}

/// Asks the site policy again for each waiting job, in order of (submit, id), as if it were not
/// waiting anywhere; O(waiting x partitions).
void Simulation::rebalance() {
  std::vector<JobIndex> all;
  for (const auto& p : partitions)
    p->waiting.for_each([&](WaitingQueue::Handle h) { all.push_back(p->waiting[h].job); });
  // A paused job has its state where it ran.
  std::erase_if(all, [&](JobIndex job) { return was_paused(job); });
  if (all.empty()) return;
  std::sort(all.begin(), all.end());
  for (const JobIndex job : all) {
    Partition& from = *partitions[static_cast<std::size_t>(record_of(*this, job).partition)];
    const WaitingQueue::Handle handle = slot[job - first_job];
    const Waiting& entry = from.waiting[handle];
    const double load_unit_s = from.waiting_unit_s;
    from.waiting_unit_s -=
        static_cast<double>(entry.request.total_milli()) * 1e-3 * entry.estimate.seconds();
    Partition* const to = choose_partition(job);
    from.waiting_unit_s = load_unit_s;
    if (to == nullptr || to == &from) continue;
    withdraw(from, handle);
    if (to->site != from.site) meter_now(from.site).change(SiteMeter::jobs_queued, -1);
    if (must_move(job, *to)) {
      move_data(job, *to, false);
    } else {
      if (to->site != from.site) meter_now(to->site).change(SiteMeter::jobs_queued, 1);
      enqueue(job, *to);
    }
    count("rebalanced", "moved to another partition");
    note(job, "moved");
  }
  if (!rebalance_set) wake_for_rebalance();
}

void Simulation::enqueue(JobIndex job, Partition& p) {
  JobRecord& r = record_of(*this, job);
  const bool again = r.partition >= 0;
  r.site = p.site;
  r.partition = p.index;
  if (!again) meter_now(p.site).change(SiteMeter::jobs_queued, 1);
  const Job& j = jobs[job];
  if (replays && !again) {
    if (std::isnan(j.start_s)) {
      count("replay_without_start", "started as soon as it fits");
    } else if (const SimTime recorded = SimTime::from_seconds(j.start_s + setup.origin_offset_s);
               recorded > engine.now()) {
      engine.wake_at(recorded, tag_of(Wake::replay, job));
      return;
    }
  }
  Waiting entry;
  entry.job = job;
  entry.request = request(p, job);
  entry.size_class = p.sizes.of(entry.request);
  // The rate that the job would have on as few nodes as hold it.
  const auto milli = static_cast<std::uint32_t>(entry.request.total_milli());
  const double rate = point_of(p, job, compact_shape(p.setup, milli), cap_of(p, job)).rate;
  const double estimate = wall_estimate_s(job, rate);
  entry.estimate = SimTime::from_seconds(estimate);
  const double units = static_cast<double>(milli) * 1e-3;
  entry.key = was_paused(job) ? pauses_of.at(job).key
                              : order->key(view(job, estimate, units), engine.now());
  if (std::isnan(entry.key)) throw std::logic_error("policies.order: a key that is not a number");
  const WaitingQueue::Handle h = p.waiting.insert(entry);
  slot[job - first_job] = h;
  p.waiting_unit_s += units * estimate;
  p.backfill->on_queue(p, h);
  mark_dirty(p);
  if (to_seconds(order->refresh()) > 0.0 && !refresh_set) wake_for_refresh();
  if (setup.rebalance_s > 0.0 && partitions.size() > 1 && !rebalance_set) wake_for_rebalance();
}

void Simulation::start(Partition& p, WaitingQueue::Handle handle) {
  const Waiting entry = p.waiting[handle];
  const JobIndex job = entry.job;
  p.waiting.erase(handle);
  if (!held.empty() && !keeps_windows(job)) forget_windows(job);
  const SimTime now = engine.now();
  const double units = static_cast<double>(entry.request.total_milli()) * 1e-3;
  p.waiting_unit_s -= units * entry.estimate.seconds();
  if (p.waiting.empty()) p.waiting_unit_s = 0.0;

  std::uint32_t index;
  if (p.unused.empty()) {
    index = static_cast<std::uint32_t>(p.slots.size());
    p.slots.emplace_back();
    p.states.emplace_back();
  } else {
    index = p.unused.back();
    p.unused.pop_back();
  }
  Running& run = p.slots[index];
  RunState& state = p.states[index];
  slot[job - first_job] = index;
  run.job = job;
  run.start = now;
  run.request = entry.request;
  run.pieces.swap(p.found);
  run.expected_end = SimTime::from_ns(now.ns() + entry.estimate.ns());
  NanoWatts promised = 0;
  const SimTime ready = sleep == nullptr ? now : boot(p, run.pieces, promised);
  p.node_index.take(run.pieces);
  if (p.keeps_ends) p.ends.insert({run.expected_end, job});
  if (partitions.size() > 1) {
    p.running_units += units;
    p.running_end_unit_s += units * run.expected_end.seconds();
    p.load_ends.emplace(run.expected_end, units);
  }

  state = RunState{};
  state.milli = entry.request.total_milli();
  state.key = entry.key;
  state.shape = shape_of(p.setup, run.pieces, state.milli, nodes_of(run.pieces));
  bool clamped = false;
  state.cap = cap_of(p, job, &clamped);
  if (clamped) count("cap_clamped", "set to the device's nearest limit");
  if (sites[static_cast<std::size_t>(p.site)].has_budget) state.cap = p.found_cap;
  if (ready > now) {
    // Its GPUs are taken, but it goes on waiting.
    state.phase = Phase::booting;
    state.phase_over = engine.wake_at(ready, tag_of(Wake::phase_over, job));
    p.late_ends.emplace_back(index, SimTime::from_ns(ready.ns() + entry.estimate.ns()));
    if (sites[static_cast<std::size_t>(p.site)].has_budget) {
      state.promised = promised + to_nanowatts(p.found_draw);
      sites[static_cast<std::size_t>(p.site)].promised += state.promised;
    }
    note(job, "boots", setup.record_events ? fmt::format("until {} s", ready.seconds()) : "");
    return;
  }
  begin(p, index);
}

/// The job has its GPUs: it restarts or goes to work.
void Simulation::begin(Partition& p, std::uint32_t index) {
  Running& run = p.slots[index];
  RunState& state = p.states[index];
  const JobIndex job = run.job;
  const Job& j = jobs[job];
  JobRecord& r = record_of(*this, job);
  const SimTime now = engine.now();
  const double units = static_cast<double>(state.milli) * 1e-3;
  const auto again = pauses_of.empty() ? pauses_of.end() : pauses_of.find(job);
  const bool resumes = again != pauses_of.end();
  const double restart_s = resumes ? traits(job).pausable->restart_s : 0.0;

  const OperatingPoint point = point_of(p, job, state.shape, state.cap);
  state.rate = point.rate;
  if (resumes) state.before_s = again->second.done_s;
  double total_s = j.run_s;
  if (setup.kill_at_limit && !std::isnan(j.limit_s)) {
    const double limit_s =
        setup.limits_wallclock
            ? state.before_s + std::max(0.0, j.limit_s - r.run_s - restart_s) * point.rate
            : j.limit_s;
    if (j.run_s > limit_s) {
      total_s = limit_s;
      state.at_limit = true;
    }
  }
  state.amount_s = total_s - state.before_s;
  state.power = restart_s > 0.0
                    ? overhead_power(p, state.milli, traits(job).pausable->restart_j / restart_s)
                    : power_of(point, state.milli);
  run.draw = watts(to_watts(state.power - p.idle_per_milli * static_cast<NanoWatts>(state.milli)));

  SiteMeter& m = meter_now(p.site);
  m.change(resumes ? SiteMeter::jobs_paused : SiteMeter::jobs_queued, -1);
  m.change(SiteMeter::jobs_running, 1);
  set_units_held(p, run.pieces, state, true);
  state.since = now;
  state.rates = m.rates();

  r.job = job;
  r.profile = profile(job);
  r.job_class = job_class(job);
  r.nodes = state.shape.nodes;
  if (resumes) {
    r.paused_s += static_cast<double>(now.ns() - again->second.since.ns()) / 1e9;
    again->second.waits = false;
  } else {
    r.start_s = now.seconds();
  }
  const double estimate_s = run.expected_end.seconds() - run.start.seconds();
  order->on_start(view(job, estimate_s, units), now);
  if (restart_s > 0.0) {
    state.phase = Phase::restarting;
    Site& site = sites[static_cast<std::size_t>(p.site)];
    if (site.has_budget) {
      state.promised = std::max<NanoWatts>(0, power_of(point, state.milli) - state.power);
      site.promised += state.promised;
    }
    state.phase_over =
        engine.wake_at(SimTime::from_ns(now.ns() + SimTime::from_seconds(restart_s).ns()),
                       tag_of(Wake::phase_over, job));
  } else {
    go_to_work(p, index);
  }
  // The estimate that the job was chosen by is that of its best placement.
  if (const SimTime end =
          SimTime::from_ns(now.ns() + SimTime::from_seconds(wall_estimate_s(job, point.rate)).ns());
      end != run.expected_end) {
    p.late_ends.emplace_back(index, end);
  }
  if (replays && !std::isnan(j.start_s)) {
    const double delay_s = r.start_s - std::max(j.start_s + setup.origin_offset_s, r.eligible_s);
    if (delay_s > 1e-9) {
      count("replay_conflict", "started when there was room");
      replay_delay_s += delay_s;
    }
  }
  note(job, resumes ? "resumed" : "started",
       setup.record_events ? fmt::format("{} on {} nodes from node {}", units, state.shape.nodes,
                                         run.pieces.empty() ? 0 : run.pieces.front().node)
                           : std::string());
}

void Simulation::go_to_work(Partition& p, std::uint32_t index) {
  Running& run = p.slots[index];
  RunState& state = p.states[index];
  state.phase = Phase::executing;
  state.work = engine.start_work(state.amount_s, state.rate, run.job);
  if (setup.contention_rate != 1.0) update_contention(p, run.pieces, run.job, true);
  if (p.flows && state.shape.nodes > 1) enter_fabric(p, index);
}

void Simulation::charge_job(Partition& p, JobIndex job, RunState& state) {
  const SiteMeter& m = meter(p);
  JobRecord& r = record_of(*this, job);
  const double dt_s = static_cast<double>(m.now().ns() - state.since.ns()) / 1e9;
  const double w = to_watts(state.power);
  const ChargeRates& now = m.rates();
  const double it_j = w * dt_s;
  r.it_energy_j += it_j;
  r.facility_energy_j += it_j + w * (now.facility_extra_s - state.rates.facility_extra_s);
  r.carbon_g += w * (now.carbon - state.rates.carbon);
  r.cost += w * (now.price - state.rates.price);
  if (has_water) {
    jobs_water_l[job - first_job] += sites[static_cast<std::size_t>(p.site)].setup->water
                                         ? w * (now.water - state.rates.water)
                                         : unknown;
  }
  r.gpu_seconds += static_cast<double>(state.milli) * 1e-3 * dt_s;
  r.run_s += dt_s;
  // Where a cap came or went in mid-run, the time without counts at the device's limit.
  const Device& device = setup.devices[static_cast<std::size_t>(p.setup.device)];
  state.cap_w_s += to_watts(std::min(state.cap, device.max_cap)) * dt_s;
  state.capped = state.capped || state.cap != no_cap;
  if (state.capped) r.cap_w = r.run_s > 0.0 ? state.cap_w_s / r.run_s : to_watts(state.cap);
  state.since = m.now();
  state.rates = now;
}

void Simulation::end_job(JobIndex job) {
  JobRecord& r = record_of(*this, job);
  Partition& p = *partitions[static_cast<std::size_t>(r.partition)];
  const RunState state = p.states[slot[job - first_job]];
  leave(p, slot[job - first_job]);
  p.totals.gpu_seconds_held += r.gpu_seconds;
  r.end_s = engine.now().seconds();
  r.completed_reference_s = state.before_s + state.amount_s;
  r.state = state.at_limit ? JobState::killed_at_limit : JobState::completed;
  const double deadline_s = jobs[job].deadline_s + setup.origin_offset_s;
  r.deadline_missed = !std::isnan(deadline_s) && r.end_s > deadline_s ? 1 : 0;
  last_end = engine.now();
  ++ended;
  if (!held.empty()) forget_windows(job);
  if (!pauses_of.empty()) pauses_of.erase(job);
  if (!suspended.empty()) suspended.erase(job);
  note(job, state.at_limit ? "killed_at_limit" : "ended");
  finish_dependents(job);
}

/// A job gives its GPUs back.
void Simulation::leave(Partition& p, std::uint32_t index) {
  Running& run = p.slots[index];
  RunState& state = p.states[index];
  const JobIndex job = run.job;
  const SimTime now = engine.now();
  SiteMeter& m = meter_now(p.site);
  charge_job(p, job, state);
  m.change(SiteMeter::jobs_running, -1);
  if (setup.contention_rate != 1.0) update_contention(p, run.pieces, job, false);
  if (p.flows) p.flows->leave(job);
  set_units_held(p, run.pieces, state, false);
  p.node_index.give(run.pieces);
  if (p.keeps_ends) p.ends.erase({run.expected_end, job});
  const double units = static_cast<double>(state.milli) * 1e-3;
  order->on_end(view(job, 0.0, units), now);
  p.backfill->on_end(p, run);
  if (partitions.size() > 1 && run.expected_end > now) {
    // Its entry in load_ends stays until its time; what is left of it is taken off here.
    p.running_end_unit_s -= units * run.expected_end.seconds();
    p.running_units -= units;
    p.load_ends.emplace(run.expected_end, -units);
  }
  if (sleep != nullptr) {
    for (const Piece& piece : run.pieces) may_sleep(p, piece.node);
  }
  run.pieces.clear();
  state.phase = Phase::none;
  state.work = 0;
  p.unused.push_back(index);
  slot[job - first_job] = no_slot;
  mark_dirty(p);
}

void Simulation::forget_windows(JobIndex job) {
  const auto window = held.find(job);
  if (window == held.end()) return;
  if (window->second.closes != 0) engine.cancel(window->second.closes);
  held.erase(window);
}

// ---------------------------------------------------------------- pauses

/// By its estimate the job is done before its state would be saved.
bool Simulation::about_to_end(const Partition& p, JobIndex job) const {
  const double left_s =
      p.slots[slot[job - first_job]].expected_end.seconds() - engine.now().seconds();
  // Instants are whole nanoseconds: a plan may miss its job's end by a few.
  return left_s > -1e-3 && left_s <= std::max(traits(job).pausable->checkpoint_s, 1e-3);
}

/// Draw of GPUs that move state: `extra` watts a GPU above idle.
NanoWatts Simulation::overhead_power(const Partition& p, std::uint64_t milli,
                                     double extra_w) const {
  return (p.idle_per_milli + std::llround(extra_w * 1e6)) * static_cast<NanoWatts>(milli);
}

/// The timing policy's windows for what is left of a job that has done `done_s` since its start or
/// its last pause.
void Simulation::replan(JobIndex job, double done_s, std::vector<Window>& windows) {
  const bool known = was_paused(job);
  Paused& entry = pauses_of[job];
  const double before_s = entry.done_s;
  entry.done_s += done_s;
  plan(job, windows);
  if (known) {
    entry.done_s = before_s;
  } else {
    pauses_of.erase(job);
  }
}

/// Suspends a job that executes or restarts: it loses what it did since its state was saved, or
/// saves it first.
void Simulation::interrupt(Partition& p, std::uint32_t index, const char* why) {
  RunState& state = p.states[index];
  const JobIndex job = p.slots[index].job;
  const PauseCost& cost = *traits(job).pausable;
  const bool known = was_paused(job);
  Paused& entry = pauses_of[job];
  if (!known) entry.key = state.key;
  double save_s = 0.0;
  if (state.phase == Phase::executing) {
    const double done_s = state.before_s + state.amount_s - engine.remaining(state.work);
    engine.cancel(state.work);
    state.work = 0;
    if (cost.every_s > 0.0) {
      entry.done_s = std::max(entry.done_s, std::floor(done_s / cost.every_s) * cost.every_s);
      lost_work_s += done_s - entry.done_s;
    } else {
      save_s = cost.checkpoint_s;
      entry.done_s = done_s;
    }
  } else {
    engine.cancel(state.phase_over);
    sites[static_cast<std::size_t>(p.site)].promised -= std::exchange(state.promised, 0);
  }
  note(job, "paused", why);
  if (p.flows) p.flows->leave(job);
  if (!(save_s > 0.0)) return suspend(p, index);
  set_power(p, index, overhead_power(p, state.milli, cost.checkpoint_j / save_s));
  state.phase = Phase::checkpointing;
  const SimTime end = SimTime::from_ns(engine.now().ns() + SimTime::from_seconds(save_s).ns());
  state.phase_over = engine.wake_at(end, tag_of(Wake::phase_over, job));
  move_end(p, index, end);
  mark_dirty(p);
}

void Simulation::suspend(Partition& p, std::uint32_t index) {
  const JobIndex job = p.slots[index].job;
  leave(p, index);
  meter(p).change(SiteMeter::jobs_paused, 1);
  ++record_of(*this, job).preemptions;
  Paused& entry = pauses_of.at(job);
  entry.since = engine.now();
  entry.waits = true;
  bring_back(job);
}

/// The job has its state back, or has saved it.
void Simulation::end_phase(JobIndex job) {
  Partition& p = *partitions[static_cast<std::size_t>(record_of(*this, job).partition)];
  const std::uint32_t index = slot[job - first_job];
  RunState& state = p.states[index];
  state.phase_over = 0;
  if (state.phase == Phase::checkpointing) return suspend(p, index);
  Site& site = sites[static_cast<std::size_t>(p.site)];
  site.promised -= std::exchange(state.promised, 0);
  if (state.phase == Phase::booting) {
    mark_dirty(p);
    begin(p, index);
    // What would have paused it meanwhile does so now.
    const auto windows = held.find(job);
    const bool missed = windows != held.end() && keeps_windows(job) && !windows->second.open;
    const bool suspends = pauses && site.suspends && may_be_suspended(job) > SimTime{};
    if (missed || suspends)
      interrupt(p, index, missed ? "its window closed" : "by the pause policy");
    if (site.has_budget && it_level(site) > site.allowed) fit_caps(site);
    return;
  }
  // Its limit may have changed meanwhile.
  const OperatingPoint point = point_of(p, job, state.shape, state.cap);
  state.rate = point.rate;
  set_power(p, index, power_of(point, state.milli));
  go_to_work(p, index);
  // It was promised its watts, but the budget may have fallen meanwhile.
  if (site.has_budget && it_level(site) > site.allowed) fit_caps(site);
}

/// How long the pause policy may suspend the job from now on.
SimTime Simulation::may_be_suspended(JobIndex job) const {
  if (!traits(job).pausable) return SimTime{};
  const SimTime longest = pause_policy->longest();
  const auto entry = suspended.find(job);
  if (longest == SimTime::max() || entry == suspended.end()) return longest;
  return SimTime::from_ns(std::max<std::int64_t>(0, longest.ns() - entry->second.before_ns));
}

/// @return true if the pause policy keeps a job, which is in no queue, from running at the site
bool Simulation::keep_suspended(JobIndex job, std::int16_t site) {
  if (!pauses || !sites[static_cast<std::size_t>(site)].suspends) return false;
  const SimTime most = may_be_suspended(job);
  if (most == SimTime{}) return false;
  Suspended& entry = suspended[job];
  entry.site = site;
  entry.active = true;
  entry.since = engine.now();
  if (most != SimTime::max()) {
    entry.limit = engine.wake_at(SimTime::from_ns(engine.now().ns() + most.ns()),
                                 tag_of(Wake::pause_limit, job));
  }
  if (!was_paused(job)) {
    meter_now(site).change(SiteMeter::jobs_held, 1);
    note(job, "held", "by the pause policy");
  }
  return true;
}

/// The pause policy lets the job go.
void Simulation::resume(JobIndex job) {
  Suspended& entry = suspended.at(job);
  entry.active = false;
  entry.before_ns += engine.now().ns() - entry.since.ns();
  if (entry.limit != 0) engine.cancel(std::exchange(entry.limit, 0));
  if (!was_paused(job)) meter_now(entry.site).change(SiteMeter::jobs_held, -1);
  bring_back(job);
}

/// Asks the pause policy about all sites again.
void Simulation::renew_pauses() {
  const SimTime now = engine.now();
  for (std::size_t s = 0; s < sites.size(); ++s) {
    const auto site = static_cast<std::int16_t>(s);
    const bool before = std::exchange(sites[s].suspends, pause_policy->suspends(site, now));
    if (before == sites[s].suspends) continue;
    if (before) {
      std::vector<JobIndex> all;
      for (const auto& [job, entry] : suspended) {
        if (entry.active && entry.site == site) all.push_back(job);
      }
      for (const JobIndex job : all) resume(job);
      continue;
    }
    for (const std::int16_t index : sites[s].partitions) {
      Partition& p = *partitions[static_cast<std::size_t>(index)];
      const auto may = [&](JobIndex job) { return may_be_suspended(job) > SimTime{}; };
      std::vector<JobIndex> waiting, running;
      p.waiting.for_each([&](WaitingQueue::Handle h) {
        if (may(p.waiting[h].job)) waiting.push_back(p.waiting[h].job);
      });
      for (const JobIndex job : waiting) {
        leave_queue(p, job);
        keep_suspended(job, site);
      }
      for (std::size_t i = 0; i < p.slots.size(); ++i) {
        const Phase phase = p.states[i].phase;
        const JobIndex job = p.slots[i].job;
        if ((phase == Phase::executing || phase == Phase::restarting) && may(job) &&
            !about_to_end(p, job)) {
          running.push_back(job);
        }
      }
      std::sort(running.begin(), running.end());
      for (const JobIndex job : running) interrupt(p, slot[job - first_job], "by the pause policy");
    }
  }
  wake_for_pauses();
}

// ---------------------------------------------------------------- sleep

/// A node that is empty now goes to sleep after a while, if it still is.
void Simulation::may_sleep(Partition& p, std::uint32_t node) {
  if (p.node_index.free(node) != p.setup.units_per_node) return;
  p.empty_since[node] = engine.now();
  const SimTime due = SimTime::from_ns(engine.now().ns() + sleep->after.ns());
  p.to_sleep.emplace_back(due, node);
  if (p.sleep_set) return;
  p.sleep_set = true;
  engine.wake_at(due, tag_of(Wake::sleep, static_cast<std::uint64_t>(p.index)));
}

void Simulation::send_to_sleep(Partition& p) {
  const SimTime now = engine.now();
  p.sleep_set = false;
  // Behind the last job nothing is charged any more once the period is over.
  if (ended == records.size() &&
      now > std::max(last_end, SimTime::from_seconds(setup.period_end_s)))
    return;
  while (!p.to_sleep.empty() && p.to_sleep.front().first <= now) {
    const auto [due, node] = p.to_sleep.front();
    p.to_sleep.pop_front();
    const bool still_empty = p.node_index.free(node) == p.setup.units_per_node &&
                             !p.node_index.asleep(node) && p.ready_at[node] <= now &&
                             p.empty_since[node].ns() + sleep->after.ns() == due.ns();
    if (still_empty && p.node_index.awake_and_empty() > sleep->awake) put_to_sleep(p, node);
  }
  if (p.to_sleep.empty()) return;
  p.sleep_set = true;
  engine.wake_at(p.to_sleep.front().first,
                 tag_of(Wake::sleep, static_cast<std::uint64_t>(p.index)));
}

/// An empty node's draw moves from one term to another.
void Simulation::change_node(Partition& p, std::uint32_t node, Term from, NanoWatts from_power,
                             Term to, NanoWatts to_power) {
  meter_now(p.site);
  charge_overhead(p);
  SiteMeter& m = meter(p);
  m.change(from, -from_power);
  m.change(to, to_power);
  p.overhead += to_power - from_power;
  if (setup.record_nodes) record_node(p, node, to_watts(to_power - from_power), 0.0);
}

void Simulation::put_to_sleep(Partition& p, std::uint32_t node) {
  const NanoWatts gpus = 1000 * p.idle_per_milli * static_cast<NanoWatts>(p.setup.units_per_node);
  change_node(p, node, Term::base, p.idle_node - gpus, Term::asleep, to_nanowatts(sleep->asleep));
  change_node(p, node, Term::idle, gpus, Term::idle, 0);
  const auto units = static_cast<std::int64_t>(1000) * p.setup.units_per_node;
  meter(p).change(SiteMeter::gpus_idle, -units);
  meter(p).change(SiteMeter::gpus_asleep, units);
  p.node_index.put_to_sleep(node);
  if (setup.record_events) {
    events.push_back({engine.now().seconds(), 0xffffffffU, "asleep",
                      fmt::format("{} node {}", p.setup.name, node)});
  }
}

/// What waking the sleeping ones among these nodes adds to the site's power, at most.
NanoWatts Simulation::boot_draw(const Partition& p, const Allocation& pieces) const {
  NanoWatts sum = 0;
  for (std::size_t i = 0; i < pieces.size(); ++i) {
    const std::uint32_t node = pieces[i].node;
    const bool seen = pieces[i].units == 0 &&
                      std::any_of(pieces.begin(), pieces.begin() + static_cast<std::ptrdiff_t>(i),
                                  [&](const Piece& other) { return other.node == node; });
    if (seen || !p.node_index.asleep(node)) continue;
    sum += std::max(to_nanowatts(sleep->booting), p.idle_node) - to_nanowatts(sleep->asleep);
  }
  return sum;
}

/// Wakes the sleeping ones among these nodes.
/// @param promised  what they will draw more when they have booted
/// @return when all of them are ready
SimTime Simulation::boot(Partition& p, const Allocation& pieces, NanoWatts& promised) {
  const SimTime now = engine.now();
  SimTime ready = now;
  for (const Piece& piece : pieces) {
    if (p.node_index.asleep(piece.node)) {
      p.node_index.wake(piece.node);
      p.ready_at[piece.node] = SimTime::from_ns(now.ns() + sleep->boot.ns());
      change_node(p, piece.node, Term::asleep, to_nanowatts(sleep->asleep), Term::boot,
                  to_nanowatts(sleep->booting));
      const auto units = static_cast<std::int64_t>(1000) * p.setup.units_per_node;
      meter(p).change(SiteMeter::gpus_asleep, -units);
      meter(p).change(SiteMeter::gpus_idle, units);
      engine.wake_at(
          p.ready_at[piece.node],
          tag_of(Wake::booted, (static_cast<std::uint64_t>(p.index) << 32) | piece.node));
      promised += std::max<NanoWatts>(0, p.idle_node - to_nanowatts(sleep->booting));
      count("sleep", "times that a node was woken");
    }
    ready = std::max(ready, p.ready_at[piece.node]);
  }
  return ready;
}

void Simulation::booted(Partition& p, std::uint32_t node) {
  const NanoWatts gpus = 1000 * p.idle_per_milli * static_cast<NanoWatts>(p.setup.units_per_node);
  change_node(p, node, Term::boot, to_nanowatts(sleep->booting), Term::base, p.idle_node - gpus);
  change_node(p, node, Term::idle, 0, Term::idle, gpus);
}

// ---------------------------------------------------------------- power budget

NanoWatts Simulation::it_level(const Site& site) const {
  NanoWatts sum = 0;
  for (std::size_t term = 0; term < term_count; ++term) sum += site.meter->level(term);
  return sum;
}

Watts Simulation::room(const Site& site) const {
  if (!site.has_budget) return no_cap;
  return watts(to_watts(std::max<NanoWatts>(0, site.allowed - site.promised - it_level(site))));
}

/// What holding the pieces at that power adds to the site's IT power, supply loss included.
NanoWatts Simulation::added_draw(const Partition& p, const Allocation& pieces, std::uint64_t milli,
                                 NanoWatts power) const {
  const auto held = static_cast<NanoWatts>(milli);
  NanoWatts sum = power - p.idle_per_milli * held;
  if (p.node_load.empty() || held == 0) return sum;
  const NanoWatts more_per_milli = power / held - p.idle_per_milli;
  std::map<std::uint32_t, NanoWatts> more;
  for (const Piece& piece : pieces) {
    more[piece.node] += more_per_milli * (piece.units > 0 ? std::int64_t{piece.units} * 1000
                                                          : std::int64_t{piece.milli});
  }
  for (const auto& [node, extra] : more) {
    sum += to_nanowatts(p.setup.node.loss_at(watts(to_watts(p.node_load[node] + extra)))) -
           p.node_loss[node];
  }
  return sum;
}

/// Chooses the highest limit of at most the policy's own, in whole watts, with which the job that
/// was just placed draws at most `at_most` and keeps the site's budget. @return false without one
bool Simulation::keep_budget(Partition& p, WaitingQueue::Handle handle, Watts at_most) {
  const Site& site = sites[static_cast<std::size_t>(p.site)];
  if (!site.has_budget) return true;
  const JobIndex job = p.waiting[handle].job;
  const std::uint64_t milli = p.waiting[handle].request.total_milli();
  const PlacementShape shape = shape_of(p.setup, p.found, milli, nodes_of(p.found));
  const NanoWatts booting = sleep == nullptr ? 0 : boot_draw(p, p.found);
  const NanoWatts most =
      std::min(site.allowed - site.promised - it_level(site) - booting,
               at_most == no_cap ? std::numeric_limits<NanoWatts>::max() : to_nanowatts(at_most));
  const auto fits = [&](Watts limit) {
    const NanoWatts draw =
        added_draw(p, p.found, milli, power_of(point_of(p, job, shape, limit), milli));
    if (draw > most) return false;
    p.found_cap = limit;
    p.found_draw = watts(to_watts(draw));
    return true;
  };
  const Watts wanted = cap_of(p, job);
  if (fits(wanted)) return true;
  const Device& device = setup.devices[static_cast<std::size_t>(p.setup.device)];
  auto low = static_cast<std::int64_t>(std::ceil(to_watts(device.min_cap)));
  auto high = static_cast<std::int64_t>(std::floor(to_watts(std::min(wanted, device.max_cap))));
  if (!(device.max_cap > Watts{}) || low > high || !fits(watts(static_cast<double>(low)))) {
    return false;
  }
  // fits(low); the highest is below high + 1.
  ++high;
  while (high - low > 1) {
    const std::int64_t middle = low + (high - low) / 2;
    (fits(watts(static_cast<double>(middle))) ? low : high) = middle;
  }
  return fits(watts(static_cast<double>(low)));
}

Watts Simulation::least_draw(const Partition& p, WaitingQueue::Handle handle) const {
  if (!sites[static_cast<std::size_t>(p.site)].has_budget) return Watts{};
  const JobIndex job = p.waiting[handle].job;
  const std::uint64_t milli = p.waiting[handle].request.total_milli();
  const Device& device = setup.devices[static_cast<std::size_t>(p.setup.device)];
  const Watts least =
      device.max_cap > Watts{} ? watts(std::ceil(to_watts(device.min_cap))) : no_cap;
  const OperatingPoint point = point_of(p, job, compact_shape(p.setup, milli), least);
  return watts(to_watts(power_of(point, milli) - p.idle_per_milli * static_cast<NanoWatts>(milli)));
}

/// The IT power that the site's budget allows at the moment.
NanoWatts Simulation::allowed_now(const Site& site) const {
  const PowerBudget& budget = *site.setup->budget;
  const double limit_w = budget.watts.at(engine.now());
  if (budget.of_it) return static_cast<NanoWatts>(limit_w * 1e9);
  const Facility& facility = site.setup->facility;
  const double x = site.setup->signals.at(engine.now()).pue - 1.0;
  const double a = 1.0 + (1.0 - facility.fixed_share) * x;
  const double b_w = facility.fixed_share * x * to_watts(facility.reference_it);
  return static_cast<NanoWatts>((limit_w - b_w) / a * 1e9);
}

/// Follows the budgets where they, or the way from IT to facility power, changed.
void Simulation::renew_budgets() {
  SimTime next = SimTime::max();
  for (Site& site : sites) {
    if (!site.has_budget) continue;
    site.meter->advance(engine.now());
    watch_budget(site);
    site.allowed = allowed_now(site);
    next = std::min({next, site.setup->budget->watts.next_change(engine.now()),
                     site.setup->budget->of_it ? SimTime::max()
                                               : site.setup->signals.next_change(engine.now())});
    fit_caps(site);
    for (const std::int16_t index : site.partitions)
      mark_dirty(*partitions[static_cast<std::size_t>(index)]);
  }
  if (next != SimTime::max()) engine.wake_at(next, tag_of(Wake::budget, 0));
}

/// Lowers the limits of running jobs as far as the budget asks, all by the same part of their
/// legal range; pauses jobs that may be paused, the latest started first, where that is not enough.
/// Raises them again, as far as the budget allows beyond what the first waiting jobs need.
void Simulation::fit_caps(Site& site) {
  struct One {
    Partition* p;
    std::uint32_t index;
    Watts wanted;
    std::int64_t low, high;
  };
  std::vector<One> all;
  std::int64_t steps = 0;
  NanoWatts others = it_level(site);
  Watts promised;
  for (const std::int16_t number : site.partitions) {
    Partition& p = *partitions[static_cast<std::size_t>(number)];
    if (!p.waiting.empty()) promised += least_draw(p, p.waiting.first());
    const Device& device = setup.devices[static_cast<std::size_t>(p.setup.device)];
    if (!(device.max_cap > Watts{})) continue;
    for (std::uint32_t i = 0; i < p.slots.size(); ++i) {
      if (p.states[i].phase != Phase::executing) continue;
      const Watts wanted = cap_of(p, p.slots[i].job);
      const One one{&p, i, wanted, static_cast<std::int64_t>(std::ceil(to_watts(device.min_cap))),
                    static_cast<std::int64_t>(to_watts(std::min(wanted, device.max_cap)))};
      steps = std::max(steps, one.high - one.low);
      others -= p.states[i].power;
      all.push_back(one);
    }
  }
  const bool lower = it_level(site) > site.allowed;
  const NanoWatts target =
      lower ? site.allowed : site.allowed - site.promised - to_nanowatts(promised);
  // The limit of one job at a level from 0 (the lowest) to `steps` (what the policy wants).
  const auto limit_at = [&](const One& one, std::int64_t level) {
    const Watts now = one.p->states[one.index].cap;
    if (level >= steps) return lower ? now : one.wanted;
    const Watts there = watts(static_cast<double>(one.low + (one.high - one.low) * level / steps));
    return lower ? std::min(now, there) : std::max(now, there);
  };
  const auto total = [&](std::int64_t level) {
    NanoWatts sum = others;
    for (const One& one : all) {
      const RunState& state = one.p->states[one.index];
      sum +=
          power_of(point_of(*one.p, one.p->slots[one.index].job, state.shape, limit_at(one, level)),
                   state.milli);
    }
    return sum;
  };
  const auto apply = [&](std::int64_t level) {
    for (const One& one : all) {
      const Watts limit = limit_at(one, level);
      if (limit != one.p->states[one.index].cap) set_cap(*one.p, one.index, limit);
    }
  };
  if (!all.empty() && (lower || (target > it_level(site) && total(0) <= target))) {
    std::int64_t low = 0, high = steps + 1;
    while (high - low > 1) {
      const std::int64_t middle = low + (high - low) / 2;
      (total(middle) <= target ? low : high) = middle;
    }
    // Supply losses move with the jobs' power. Raised limits are kept while they fit.
    if (lower) {
      for (apply(low); it_level(site) > site.allowed && low > 0;) apply(--low);
    } else {
      std::vector<Watts> before;
      for (const One& one : all) before.push_back(one.p->states[one.index].cap);
      apply(low);
      if (it_level(site) > target) {
        for (std::size_t i = 0; i < all.size(); ++i) {
          if (before[i] != all[i].p->states[all[i].index].cap)
            set_cap(*all[i].p, all[i].index, before[i]);
        }
      }
    }
  }
  if (it_level(site) <= site.allowed) return;
  struct Victim {
    Partition* p;
    JobIndex job;
    SimTime start;
  };
  std::vector<Victim> victims;
  for (const std::int16_t number : site.partitions) {
    Partition& p = *partitions[static_cast<std::size_t>(number)];
    for (std::uint32_t i = 0; i < p.slots.size(); ++i) {
      if (p.states[i].phase == Phase::executing && traits(p.slots[i].job).pausable)
        victims.push_back({&p, p.slots[i].job, p.slots[i].start});
    }
  }
  std::sort(victims.begin(), victims.end(), [](const Victim& a, const Victim& b) {
    return a.start != b.start ? a.start > b.start : a.job > b.job;
  });
  for (const Victim& v : victims) {
    if (it_level(site) <= site.allowed) break;
    interrupt(*v.p, slot[v.job - first_job], "the power budget");
    count("budget", "paused a job to keep it");
  }
}

/// Notes for how long, and by how much, the budget is not kept. Called before and after changes.
void Simulation::watch_budget(Site& site) {
  const SimTime now = engine.now();
  const double dt_s = static_cast<double>(now.ns() - site.over_since.ns()) / 1e9;
  if (site.over > 0 && dt_s > 0.0) {
    const double over_w = to_watts(site.over) * site.over_a;
    site.over_s += dt_s;
    site.over_j += over_w * dt_s;
    site.over_w = std::max(site.over_w, over_w);
  }
  site.over_since = now;
  const NanoWatts over = std::max<NanoWatts>(0, it_level(site) - site.allowed);
  if (over > 0 && site.over == 0) {
    count("budget", "times that it could not be kept");
    if (setup.record_events) {
      events.push_back({now.seconds(), 0xffffffffU, "over_budget",
                        fmt::format("{}: {:.1f} W of IT power", site.setup->name, to_watts(over))});
    }
  }
  site.over = over;
  if (over > 0) {
    site.over_a = site.setup->budget->of_it ? 1.0
                                            : 1.0 + (1.0 - site.setup->facility.fixed_share) *
                                                        (site.setup->signals.at(now).pue - 1.0);
  }
}

void Simulation::finish_dependents(JobIndex job) {
  if (blocked_by.empty()) return;
  for (std::uint32_t i = dependents_at[job - first_job]; i < dependents_at[job - first_job + 1];
       ++i) {
    const auto [next, think_s] = dependents[i];
    double& ready_s = dependents_ready_s[next - first_job];
    ready_s = std::max(ready_s, engine.now().seconds() + think_s);
    if (--blocked_by[next - first_job] > 0 || next >= next_arrival) continue;
    // It was submitted before and waited for this one only.
    engine.wake_at(std::max(SimTime::from_seconds(ready_s), engine.now()),
                   tag_of(Wake::eligible, next));
  }
}

void Simulation::woken(std::uint64_t tag) {
  const auto job = static_cast<JobIndex>(tag & 0xffffffffU);
  switch (static_cast<Wake>(tag >> 56)) {
    case Wake::arrival:
      submit_arrivals();
      break;
    case Wake::eligible:
      meter_now(home(job)).change(SiteMeter::jobs_held, -1);
      release(job);
      break;
    case Wake::replay:
      enqueue(job, *partitions[static_cast<std::size_t>(record_of(*this, job).partition)]);
      break;
    case Wake::pass:
      mark_dirty(*partitions[job]);
      break;
    case Wake::refresh: {
      refresh_set = false;
      bool any = false;
      for (const auto& p : partitions) {
        if (p->waiting.empty()) continue;
        any = true;
        p->waiting.rekey([&](const Waiting& w) {
          return order->key(view(w.job, w.estimate.seconds(),
                                 static_cast<double>(w.request.total_milli()) * 1e-3),
                            engine.now());
        });
        mark_dirty(*p);
      }
      if (any) wake_for_refresh();
      break;
    }
    case Wake::cap:
      if (ended < records.size()) renew_caps();
      break;
    case Wake::window_opens:
      if (!was_paused(job)) meter_now(home(job)).change(SiteMeter::jobs_held, -1);
      bring_back(job);
      break;
    case Wake::window_closes:
      close_window(job);
      break;
    case Wake::data_arrive:
      data_arrive(job);
      break;
    case Wake::rebalance:
      rebalance_set = false;
      rebalance();
      break;
    case Wake::phase_over:
      end_phase(job);
      break;
    case Wake::pause:
      if (ended < records.size()) renew_pauses();
      break;
    case Wake::pause_limit:
      suspended.at(job).limit = 0;
      resume(job);
      break;
    case Wake::budget:
      if (ended < records.size()) renew_budgets();
      break;
    case Wake::sleep:
      send_to_sleep(*partitions[job]);
      break;
    case Wake::booted:
      booted(*partitions[(tag >> 32) & 0xffff], job);
      break;
  }
}

Watts Simulation::cap_of(const Partition& p, JobIndex job, bool* clamped) {
  if (!caps) return no_cap;
  const Device& device = setup.devices[static_cast<std::size_t>(p.setup.device)];
  const CapRange range{device.id, device.min_cap, device.max_cap, p.site};
  const std::uint64_t milli = jobs[job].gpu_milli;
  const auto effect = [&](Watts limit) {
    return point_of(p, job, compact_shape(p.setup, milli), limit);
  };
  const Watts wanted = cap->cap(view(job, estimate_s(job), static_cast<double>(milli) / 1000.0),
                                range, effect, engine.now());
  if (wanted == no_cap) return wanted;
  const std::string fault = cap_fault(device, wanted);
  if (fault.empty()) return wanted;
  if (!cap->clamps()) throw InputError("policies.cap: " + fault);
  if (clamped != nullptr) *clamped = true;
  if (!(range.max > Watts{})) return no_cap;
  return std::clamp(wanted, range.min, range.max);
}

void Simulation::renew_caps() {
  for (const auto& p : partitions) {
    if (sites[static_cast<std::size_t>(p->site)].has_budget) continue;
    for (std::uint32_t i = 0; i < p->slots.size(); ++i) {
      const JobIndex job = p->slots[i].job;
      if (p->states[i].phase == Phase::none) continue;
      if (const Watts wanted = cap_of(*p, job); wanted != p->states[i].cap) set_cap(*p, i, wanted);
    }
  }
  for (Site& site : sites) {
    if (!site.has_budget) continue;
    site.meter->advance(engine.now());
    fit_caps(site);
  }
  wake_for_caps();
}

void Simulation::set_cap(Partition& p, std::uint32_t slot_index, Watts wanted) {
  RunState& state = p.states[slot_index];
  const JobIndex job = p.slots[slot_index].job;
  if (state.phase != Phase::executing) {
    // It counts from when the job goes to work; until now the old one did.
    meter_now(p.site);
    charge_job(p, job, state);
    state.cap = wanted;
    return;
  }
  const OperatingPoint point = point_of(p, job, state.shape, wanted);
  retime(p, slot_index, point.rate, state.network, power_of(point, state.milli));
  state.cap = wanted;
  if (p.flows && state.shape.nodes > 1) enter_fabric(p, slot_index);
  note(job, "capped", setup.record_events ? fmt::format("{} W", to_watts(wanted)) : "");
}

void Simulation::enter_fabric(Partition& p, std::uint32_t slot_index) {
  const Running& run = p.slots[slot_index];
  const RunState& state = p.states[slot_index];
  const std::optional<CollectiveLoad> load = load_of(p, run.job, state);
  if (!load || !(load->bytes > 0.0)) return;
  std::vector<std::uint32_t> nodes;
  for (const Piece& piece : run.pieces) nodes.push_back(piece.node);
  // The ring goes through one leaf group after the other, and so over each uplink once.
  const Fabric& fabric = *p.setup.fabric;
  std::sort(nodes.begin(), nodes.end(), [&](std::uint32_t a, std::uint32_t b) {
    return std::pair(fabric.group_of(a), a) < std::pair(fabric.group_of(b), b);
  });
  nodes.erase(std::unique(nodes.begin(), nodes.end()), nodes.end());
  const double per_node = static_cast<double>(state.milli) * 1e-3 / state.shape.nodes;
  any_flows = true;
  p.flows->enter(run.job, ring_job(*load, std::move(nodes), per_node));
}

void Simulation::renew_flows(Partition& p) {
  for (const SharedFabric::Change& change : p.flows->renew()) {
    const std::uint32_t index = slot[change.job - first_job];
    RunState& state = p.states[index];
    const CollectiveLoad load = *load_of(p, change.job, state);
    OperatingPoint point = point_of(p, change.job, state.shape, state.cap);
    const double step_s = to_seconds(load.step);
    const double longer_s = change.step_s - step_s;
    if (longer_s > 0.0 && load.waiting > Watts{}) {
      const Watts waiting = std::min(load.waiting, point.gpu);
      point.gpu = (point.gpu * step_s + waiting * longer_s) * (1.0 / change.step_s);
    }
    retime(p, index, state.rate, step_s / change.step_s, power_of(point, state.milli));
    if (!state.off_law && std::abs(change.alone_s - step_s) > 0.05 * step_s) {
      state.off_law = true;
      count("flows_off_law", "steps alone on the fabric more than 5 % off the analytic ones");
    }
    // Steps are known to five digits or six.
    if (!state.slowed && change.step_s > 1.0001 * change.alone_s) {
      state.slowed = true;
      count("flows_slowed", "by other jobs on the fabric");
    }
  }
}

/// The job goes on at another rate and power; what it did so far is charged as it was.
void Simulation::retime(Partition& p, std::uint32_t slot_index, double rate, double network,
                        NanoWatts power) {
  Running& run = p.slots[slot_index];
  RunState& state = p.states[slot_index];
  const SimTime now = engine.now();
  set_power(p, slot_index, power);
  const double slower = state.rate * state.network / (rate * network);
  state.rate = rate;
  state.network = network;
  const Job& j = jobs[run.job];
  if (setup.kill_at_limit && setup.limits_wallclock && !std::isnan(j.limit_s)) {
    // A limit on the wall clock comes after more or less work than was planned.
    const double done_s = state.amount_s - engine.remaining(state.work);
    const double to_limit_s =
        std::max(0.0, j.limit_s - record_of(*this, run.job).run_s) * state.speed();
    const double to_end_s = j.run_s - state.before_s - done_s;
    state.at_limit = to_limit_s < to_end_s;
    const double left_s = std::min(to_limit_s, to_end_s);
    state.amount_s = done_s + left_s;
    engine.cancel(state.work);
    state.work = engine.start_work(left_s, state.speed(), run.job);
  } else {
    engine.set_rate(state.work, state.speed());
  }
  mark_dirty(p);
  if (run.expected_end <= now) return;
  const auto left_ns = static_cast<double>(run.expected_end.ns() - now.ns());
  move_end(p, slot_index, SimTime::from_ns(now.ns() + std::llround(left_ns * slower)));
}

/// What the job did so far stays charged as it was.
void Simulation::set_power(Partition& p, std::uint32_t slot_index, NanoWatts power) {
  Running& run = p.slots[slot_index];
  RunState& state = p.states[slot_index];
  meter_now(p.site);
  charge_job(p, run.job, state);
  set_units_held(p, run.pieces, state, false);
  if (power != state.power) record_of(*this, run.job).power_changed = 1;
  state.power = power;
  set_units_held(p, run.pieces, state, true);
  run.draw = watts(to_watts(power - p.idle_per_milli * static_cast<NanoWatts>(state.milli)));
}

/// The scheduler believes from now on that the running job ends then.
void Simulation::move_end(Partition& p, std::uint32_t slot_index, SimTime end) {
  Running& run = p.slots[slot_index];
  const SimTime before = std::exchange(run.expected_end, end);
  if (p.keeps_ends) {
    p.ends.erase({before, run.job});
    p.ends.insert({run.expected_end, run.job});
  }
  if (partitions.size() > 1) {
    const double units = static_cast<double>(p.states[slot_index].milli) * 1e-3;
    p.load_ends.emplace(before, -units);
    p.load_ends.emplace(run.expected_end, units);
    p.running_end_unit_s += units * (run.expected_end.seconds() - before.seconds());
  }
  p.backfill->on_retime(p, run, before);
}

void Simulation::instant_over() {
  std::sort(dirty.begin(), dirty.end());
  for (std::size_t i = 0; i < dirty.size(); ++i) {
    Partition& p = *partitions[static_cast<std::size_t>(dirty[i])];
    p.dirty = false;
    if (!p.waiting.empty()) p.backfill->pass(p);
    for (const auto& [slot_index, end] : p.late_ends) move_end(p, slot_index, end);
    p.late_ends.clear();
  }
  dirty.clear();
  if (setup.fidelity == Fidelity::flows) {
    for (const auto& p : partitions)
      if (p->flows) renew_flows(*p);
  }
  if (budgets) {
    for (Site& site : sites) {
      if (site.has_budget) watch_budget(site);
    }
  }
  if ((++instants & 0xffff) == 0 && hooks.progress) {
    hooks.progress({engine.now().seconds(), next_arrival - first_job, ended, records.size()});
  }
}

// ---------------------------------------------------------------- accounting

void Simulation::charge_overhead(Partition& p) {
  const SiteMeter& m = meter(p);
  const double dt_s = static_cast<double>(m.now().ns() - p.overhead_since.ns()) / 1e9;
  if (dt_s == 0.0) return;
  const double w = to_watts(p.overhead);
  const ChargeRates& now = m.rates();
  p.overhead_charge.it_energy_j += w * dt_s;
  p.overhead_charge.facility_energy_j +=
      w * (dt_s + now.facility_extra_s - p.overhead_rates.facility_extra_s);
  p.overhead_charge.carbon_g += w * (now.carbon - p.overhead_rates.carbon);
  p.overhead_charge.cost += w * (now.price - p.overhead_rates.price);
  // NaN where the site has no water use, as the total was made.
  p.totals.overhead_water_l += w * (now.water - p.overhead_rates.water);
  p.overhead_since = m.now();
  p.overhead_rates = now;
}

void Simulation::set_units_held(Partition& p, const Allocation& pieces, const RunState& state,
                                bool take) {
  charge_overhead(p);
  SiteMeter& m = meter(p);
  const auto held = static_cast<std::int64_t>(state.milli);
  const std::int64_t sign = take ? 1 : -1;
  const NanoWatts idle = p.idle_per_milli * held;
  m.change(Term::jobs, sign * state.power);
  m.change(Term::idle, -sign * idle);
  m.change(SiteMeter::gpus_busy, sign * held);
  m.change(SiteMeter::gpus_idle, -sign * held);
  p.overhead -= sign * idle;
  if (!p.node_load.empty() && held > 0) {
    // What the job adds to a node's load, by the units that it holds there.
    const NanoWatts more_per_milli = state.power / held - p.idle_per_milli;
    NanoWatts loss = 0;
    for (const Piece& piece : pieces) {
      const std::int64_t here =
          piece.units > 0 ? std::int64_t{piece.units} * 1000 : std::int64_t{piece.milli};
      p.node_load[piece.node] += sign * here * more_per_milli;
      const NanoWatts after =
          to_nanowatts(p.setup.node.loss_at(watts(to_watts(p.node_load[piece.node]))));
      loss += after - p.node_loss[piece.node];
      p.node_loss[piece.node] = after;
    }
    m.change(Term::loss, loss);
    p.overhead += loss;
  }
  if (setup.record_nodes && held > 0) {
    const double watts_per_milli = to_watts(state.power / held - p.idle_per_milli);
    for (const Piece& piece : pieces) {
      const double milli =
          (piece.units > 0 ? piece.units * 1000.0 : piece.milli) * (take ? 1.0 : -1.0);
      record_node(p, piece.node, milli * watts_per_milli, milli * 1e-3);
    }
  }
}

void Simulation::update_contention(Partition& p, const Allocation& pieces, JobIndex job,
                                   bool take) {
  const auto number = [&](const Piece& piece) {
    return std::uint64_t{piece.node} * p.setup.units_per_node + piece.gpu;
  };
  std::vector<JobIndex> touched;
  for (const Piece& piece : pieces) {
    if (piece.units > 0) continue;
    std::vector<JobIndex>& all = p.tenants[number(piece)];
    if (take) {
      all.push_back(job);
    } else {
      all.erase(std::find(all.begin(), all.end(), job));
    }
    touched.insert(touched.end(), all.begin(), all.end());
  }
  std::sort(touched.begin(), touched.end());
  touched.erase(std::unique(touched.begin(), touched.end()), touched.end());
  for (const JobIndex tenant : touched) {
    if (tenant == job && !take) continue;
    const std::uint32_t index = slot[tenant - first_job];
    bool shared = false;
    for (const Piece& piece : p.slots[index].pieces) {
      if (piece.units > 0) continue;
      const std::vector<JobIndex>& all = p.tenants[number(piece)];
      shared = shared ||
               std::any_of(all.begin(), all.end(), [&](JobIndex other) { return other != tenant; });
    }
    RunState& state = p.states[index];
    state.contention = shared ? setup.contention_rate : 1.0;
    if (state.phase == Phase::executing) engine.set_rate(state.work, state.speed());
  }
}

/// A node draws so much more, and so many more of its GPUs are busy, from now on.
void Simulation::record_node(const Partition& p, std::uint32_t node, double more_w,
                             double more_gpus) {
  NodeMeter& m = node_meters[p.site];
  std::size_t offset = 0;
  for (const std::int16_t other : sites[static_cast<std::size_t>(p.site)].partitions) {
    if (other < p.index) offset += partitions[static_cast<std::size_t>(other)]->setup.nodes;
  }
  const double t = engine.now().seconds();
  const auto bin = static_cast<std::size_t>(t / setup.bin_s);
  const double share = (static_cast<double>(bin + 1) * setup.bin_s - t) / setup.bin_s;
  if (m.step.size() < (bin + 2) * m.nodes) {
    for (auto* v : {&m.step, &m.inside, &m.gpu_step, &m.gpu_inside})
      v->resize((bin + 2) * m.nodes, 0.0);
  }
  const std::size_t at = bin * m.nodes + offset + node;
  m.inside[at] += more_w * share;
  m.step[at + m.nodes] += more_w;
  m.gpu_inside[at] += more_gpus * share;
  m.gpu_step[at + m.nodes] += more_gpus;
}

// ---------------------------------------------------------------- result

/// How the budget was kept, and what it was in each bin.
void Simulation::report_budget(Site& site, SimTime file_end, SiteResult& out,
                               std::vector<std::string>& notes) const {
  out.bins.power_budget_w.assign(out.bins.it_power_w.size(), unknown);
  if (!site.has_budget) return;
  out.over_budget_s = site.over_s;
  out.over_budget_j = site.over_j;
  out.over_budget_w = site.over_w;
  if (site.over_s > 0.0) {
    notes.push_back(fmt::format(
        "site {}: the power budget was exceeded for {:.0f} s in all, by {:.1f} W at most and "
        "{:.3g} kWh",
        site.setup->name, site.over_s, site.over_w, site.over_j / joules_per_kwh));
  }
  const StepSeries& budget = site.setup->budget->watts;
  for (std::size_t i = 0; i < out.bins.power_budget_w.size(); ++i) {
    const SimTime from = SimTime::from_seconds(static_cast<double>(i) * setup.bin_s);
    const SimTime to =
        std::min(file_end, SimTime::from_seconds(static_cast<double>(i + 1) * setup.bin_s));
    double w_s = 0.0;
    for (SimTime t = from; t < to;) {
      const SimTime next = std::min(to, budget.next_change(t));
      w_s += budget.at(t) * (next.seconds() - t.seconds());
      t = next;
    }
    out.bins.power_budget_w[i] = w_s / (to.seconds() - from.seconds());
  }
}

RunResult Simulation::run() {
  select_jobs();
  make_sites();
  make_partitions();
  link_dependencies();
  for (JobIndex job = first_job; job < last_job; ++job) {
    JobRecord& r = record_of(*this, job);
    r.job = job;
    r.profile = profile(job);
    r.job_class = job_class(job);
    r.home_site = home(job);
    if (setup.network.given()) data_at.push_back(r.home_site);
  }
  if (has_water) jobs_water_l.assign(records.size(), 0.0);
  if (first_job < last_job) engine.wake_at(submit_time(first_job), tag_of(Wake::arrival, 0));
  wake_for_caps();
  if (pauses && first_job < last_job) engine.wake_at(SimTime{}, tag_of(Wake::pause, 0));
  budgets = std::any_of(sites.begin(), sites.end(), [](const Site& s) { return s.has_budget; });
  if (budgets) renew_budgets();
  const SimTime until = setup.drain ? SimTime::max() : SimTime::from_seconds(setup.period_end_s);
  std::function<bool()> stop;
  if (hooks.stop != nullptr) stop = [this] { return hooks.stop->load(std::memory_order_relaxed); };
  try {
    engine.run(*this, until, stop);
  } catch (const std::out_of_range& signal_too_short) {
    throw InputError(signal_too_short.what());
  }
  RunResult result;
  result.interrupted = hooks.stop != nullptr && hooks.stop->load();
  if (result.interrupted) return result;
  try {
    finish(result);
  } catch (const std::out_of_range& signal_too_short) {
    throw InputError(signal_too_short.what());
  }
  return result;
}

void Simulation::finish(RunResult& result) {
  const SimTime period_end = SimTime::from_seconds(setup.period_end_s);
  SimTime file_end = std::max(period_end, SimTime::from_seconds(setup.horizon_end_s));
  if (setup.drain) file_end = std::max(file_end, last_end);
  if (!setup.drain) file_end = period_end;

  // Jobs that still run at the end (drain: false) are charged up to it.
  for (JobIndex job = first_job; job < last_job; ++job) {
    JobRecord& r = record_of(*this, job);
    if (std::isnan(r.start_s) || !std::isnan(r.end_s)) continue;
    Partition& p = *partitions[static_cast<std::size_t>(r.partition)];
    if (const auto pause = pauses_of.find(job); pause != pauses_of.end()) {
      r.completed_reference_s = pause->second.done_s;
      if (pause->second.waits) {
        r.paused_s += static_cast<double>(file_end.ns() - pause->second.since.ns()) / 1e9;
      }
    }
    if (runs_now(p, job)) {
      RunState& state = p.states[slot[job - first_job]];
      meter(p).advance(file_end);
      charge_job(p, job, state);
      if (state.phase == Phase::executing) {
        r.completed_reference_s = state.before_s + state.amount_s - engine.remaining(state.work);
      }
    }
    p.totals.gpu_seconds_held += r.gpu_seconds;
  }

  for (const auto& [job, move] : moves) charge_move(job, file_end);

  result.workload = setup.workload;
  result.seed = static_cast<std::int64_t>(setup.seed);
  result.period_end_s = setup.period_end_s;
  result.origin_offset_s = setup.origin_offset_s;
  result.file_end_s = file_end.seconds();
  result.bin_s = setup.bin_s;
  result.slowdown_tau_s = setup.slowdown_tau_s;
  result.warmup_s = setup.warmup_s;
  for (const Profile& p : setup.profiles) result.profiles.push_back(p.name);
  result.classes = setup.classes;
  for (const ClassTraits& traits : setup.class_traits)
    result.class_slack_s.push_back(traits.slack_s);
  for (const Device& d : setup.devices) result.devices.push_back(d.id);
  result.jobs = std::move(records);
  result.jobs_water_l = std::move(jobs_water_l);
  result.events = std::move(events);

  const double first_submit_s = first_job < last_job ? submit_time(first_job).seconds() : 0.0;
  const double span_s = std::max(0.0, last_end.seconds() - first_submit_s);

  // The last instant that the jobs' slack reaches, within a year: steps are stored up to it.
  double slack_end_s = file_end.seconds();
  for (const JobRecord& r : result.jobs)
    slack_end_s = std::max(slack_end_s, result.submit_s(r) + result.slack_s(r) + r.run_s);
  slack_end_s = std::min(slack_end_s, file_end.seconds() + 366 * 86400.0);

  // What stands after the last event, so that any later horizon can be charged.
  double worst = 0.0;
  const auto differ = [&worst](double a, double b) {
    if (std::isnan(a) || std::isnan(b)) return;
    const double scale = std::max(std::abs(a), std::abs(b));
    if (scale > 0.0) worst = std::max(worst, std::abs(a - b) / scale);
  };
  for (std::size_t s = 0; s < sites.size(); ++s) {
    SiteResult out;
    Site& site = sites[s];
    out.name = site.setup->name;
    out.timezone = site.setup->timezone;
    out.currency = site.setup->currency;
    out.accounted_carbon = site.setup->accounted_carbon;
    out.decided_carbon = site.setup->decided_carbon;
    Charge booked;
    double held = 0.0, booked_water_l = 0.0, embodied_g_per_s = 0.0;
    for (const std::int16_t index : site.partitions) {
      Partition& p = *partitions[static_cast<std::size_t>(index)];
      site.meter->advance(file_end);
      charge_overhead(p);
      p.totals.overhead = p.overhead_charge;
      p.totals.tail_power_w = to_watts(p.overhead);
      p.totals.gpu_seconds_present = static_cast<double>(p.totals.gpus) * span_s;
      held += p.totals.gpu_seconds_held;
      booked_water_l += p.totals.overhead_water_l;
      embodied_g_per_s += p.totals.embodied_g_per_gpu_s * static_cast<double>(p.totals.gpus);
      booked.it_energy_j += p.overhead_charge.it_energy_j;
      booked.facility_energy_j += p.overhead_charge.facility_energy_j;
      booked.carbon_g += p.overhead_charge.carbon_g;
      booked.cost += p.overhead_charge.cost;
      if (p.totals.gpu_seconds_held <= 0.0) {
        out.unattributed.it_energy_j += p.overhead_charge.it_energy_j;
        out.unattributed.facility_energy_j += p.overhead_charge.facility_energy_j;
        out.unattributed.carbon_g += p.overhead_charge.carbon_g;
        out.unattributed.cost += p.overhead_charge.cost;
      }
      result.partitions.push_back(p.totals);
    }
    std::array<std::int64_t, term_count> tail{};
    for (std::size_t term = 0; term < term_count; ++term) tail[term] = site.meter->level(term);
    site.meter->finish(file_end, out);
    for (std::size_t term = 0; term < term_count; ++term)
      out.tail_term_w[term] = to_watts(tail[term]);
    report_budget(site, file_end, out, result.notes);
    for (SiteTotals* totals : {&out.to_period_end, &out.to_file_end}) {
      totals->embodied_carbon_g = embodied_g_per_s * totals->until_s;
    }
    out.unattributed.cost += out.to_file_end.demand_charge_cost;
    const Charge& fixed = out.to_file_end.fixed;
    if (held <= 0.0) {
      out.unattributed.facility_energy_j += fixed.facility_energy_j;
      out.unattributed.carbon_g += fixed.carbon_g;
      out.unattributed.cost += fixed.cost;
    }
    for (const JobRecord& r : result.jobs) {
      if (r.site != static_cast<std::int16_t>(s)) continue;
      booked.it_energy_j += r.it_energy_j;
      booked.facility_energy_j += r.facility_energy_j;
      booked.carbon_g += r.carbon_g;
      booked.cost += r.cost;
      if (has_water) {
        booked_water_l += result.jobs_water_l[static_cast<std::size_t>(&r - result.jobs.data())];
      }
    }
    const SiteTotals& total = out.to_file_end;
    differ(booked.it_energy_j, total.total.it_energy_j);
    differ(booked.facility_energy_j + fixed.facility_energy_j, total.total.facility_energy_j);
    differ(booked.carbon_g + fixed.carbon_g, total.total.carbon_g);
    differ(booked.cost + fixed.cost + total.demand_charge_cost, total.total.cost);
    differ(booked_water_l, total.water_l);
    differ(site.meter->bin_sums().it_j, total.total.it_energy_j);
    differ(site.meter->bin_sums().facility_j, total.total.facility_energy_j);
    differ(site.meter->bin_sums().carbon_g, total.total.carbon_g);

    // The signals to their own end. Where they have none: the steps to a day after they are needed,
    // the tail for another period, at least a day.
    const SiteSignals& signals = site.setup->signals;
    const double f = site.setup->facility.fixed_share;
    const auto end_after = [&](double needed_s) {
      return signals.end() != SimTime::max() ? signals.end() : SimTime::from_seconds(needed_s);
    };
    const auto steps = [&](SimTime& t, SimTime end) {
      std::vector<TailStep> found;
      for (; t < end; t = signals.next_change(t)) {
        const SiteSignals::Values v = signals.at(t);
        found.push_back(
            {t.seconds(), 1.0 + (1.0 - f) * (v.pue - 1.0),
             f == 0.0 ? 0.0 : f * (v.pue - 1.0) * to_watts(site.setup->facility.reference_it),
             v.pue, v.carbon_g_per_j * joules_per_kwh, v.price_per_j * joules_per_kwh});
      }
      return found;
    };
    SimTime t = last_end;
    out.tail = steps(t, end_after(file_end.seconds() + std::max(86400.0, setup.period_end_s)));
    out.tail_until_s = signals.end() != SimTime::max() ? signals.end().seconds()
                       : t == SimTime::max()           ? std::numeric_limits<double>::infinity()
                                                       : t.seconds();
    t = SimTime{};
    const SimTime steps_end = end_after(slack_end_s + 86400.0);
    out.steps = steps(t, steps_end);
    out.steps_end_s = steps_end.seconds();
    result.sites.push_back(std::move(out));
  }
  result.summary.conservation_error = worst;
  if (!(worst <= 1e-9)) {
    throw std::logic_error(fmt::format(
        "energy is not conserved: relative error {:.3g} between jobs, terms and bins", worst));
  }

  for (auto& [index, m] : node_meters) {
    NodeBins& out = result.nodes[setup.sites[static_cast<std::size_t>(index)].name];
    out.bins = result.sites[static_cast<std::size_t>(index)].bins.it_power_w.size();
    out.nodes = m.nodes;
    out.power_w.resize(out.bins * out.nodes);
    out.gpus_busy.resize(out.bins * out.nodes);
    for (auto* v : {&m.step, &m.inside, &m.gpu_step, &m.gpu_inside})
      v->resize((out.bins + 2) * m.nodes, 0.0);
    std::vector<double> idle;
    for (const std::int16_t p : sites[static_cast<std::size_t>(index)].partitions) {
      const PartitionSetup& ps = partitions[static_cast<std::size_t>(p)]->setup;
      const double w =
          to_watts(ps.node.host_idle) +
          to_watts(setup.devices[static_cast<std::size_t>(ps.device)].idle) * ps.units_per_node;
      idle.insert(idle.end(), ps.nodes, w);
    }
    std::vector<double> level(m.nodes, 0.0), busy(m.nodes, 0.0);
    for (std::size_t bin = 0; bin < out.bins; ++bin) {
      for (std::size_t n = 0; n < m.nodes; ++n) {
        const std::size_t at = bin * m.nodes + n;
        level[n] += m.step[at];
        busy[n] += m.gpu_step[at];
        out.power_w[at] = static_cast<float>(idle[n] + level[n] + m.inside[at]);
        out.gpus_busy[at] = static_cast<float>(busy[n] + m.gpu_inside[at]);
      }
    }
  }

  if (regret) {
    result.summary.regret_carbon_g = regret->carbon_g();
    result.summary.regret_cost = regret->cost();
    if (regret->unknown_decisions() > 0)
      count("regret", "not known: series too short", regret->unknown_decisions());
  }
  for (const auto& outlook : outlooks) {
    if (outlook->beyond_reach() > 0)
      count("forecast", "asked beyond the newest one: persistence", outlook->beyond_reach());
  }
  for (const auto& [rule, rows] : counts) result.counts.push_back({rule.first, rule.second, rows});
  if (replays && setup.policies[static_cast<std::size_t>(Question::backfill)].name != "none") {
    result.notes.push_back(
        "order replay: jobs start when the trace says, so the backfill policy is not used");
  }
  if (setup.fidelity == Fidelity::flows && !any_flows) {
    result.notes.push_back(
        "fidelity flows: no job of several nodes has a profile that says what it exchanges, so "
        "nothing flowed");
  }
  if (lost_work_s > 0.0) {
    result.notes.push_back(
        fmt::format("pause: {:.0f} s of work were lost and done again", lost_work_s));
  }
  if (replay_delay_s > 0.0) {
    result.notes.push_back(
        fmt::format("replay: jobs without room at their recorded start waited {:.0f} s in all",
                    replay_delay_s));
  }
  summarise(result);
}

}  // namespace

RunResult simulate(const Setup& setup, EventEngine& engine, const RunHooks& hooks) {
  return Simulation(setup, engine, hooks).run();
}

}  // namespace nightwatt
