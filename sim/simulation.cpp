#include "sim/simulation.hpp"

#include "energy/facility.hpp"
#include "sim/outlook.hpp"
#include "sim/run_state.hpp"
#include "sim/summarise.hpp"
#include "traces/dependency_graph.hpp"
#include "traces/large_pages.hpp"

namespace nightwatt {
namespace run {

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
    if ((piece.units == 0) != (wanted.kind == Request::Kind::shares)) {
      throw std::logic_error(
          piece.units == 0
              ? "policies.placement: a share of a GPU for a job that asks for whole ones"
              : "policies.placement: whole GPUs for a job that asks for shares");
    }
    milli += piece.units > 0 ? std::uint64_t{piece.units} * 1000 : piece.milli;
  }
  if (milli != wanted.total_milli()) {
    throw std::logic_error(fmt::format("policies.placement: {} GPUs for a job that asks for {}",
                                       static_cast<double>(milli) * 1e-3,
                                       static_cast<double>(wanted.total_milli()) * 1e-3));
  }
}

Watts Partition::room() const {
  if (!sim.sites[static_cast<std::size_t>(site)].has_budget) return no_limit;
  return watts(to_watts(std::max<NanoWatts>(0, sim.free_watts(*this))));
}

PowerNeed Partition::wanted_need(WaitingQueue::Handle handle) const {
  const Waiting& entry = waiting[handle];
  if (!sim.sites[static_cast<std::size_t>(site)].has_budget) return {Watts{}, entry.estimate};
  return {sim.need_at(*this, entry.job, sim.cap_of(*this, entry.job)).draw, entry.estimate};
}

PowerNeed Partition::least_need(WaitingQueue::Handle handle) const {
  const Waiting& entry = waiting[handle];
  if (!sim.sites[static_cast<std::size_t>(site)].has_budget) return {Watts{}, entry.estimate};
  return sim.least_need(*this, entry.job);
}

PowerNeed Partition::placed_need() const {
  const Waiting& entry = waiting[found_for];
  const bool as_wanted = !sim.sites[static_cast<std::size_t>(site)].has_budget ||
                         found_cap == sim.cap_of(*this, entry.job);
  return {found_draw,
          as_wanted ? entry.estimate : sim.need_at(*this, entry.job, found_cap).estimate};
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

bool Partition::place_on(WaitingQueue::Handle handle, const Allocation& pieces, Watts at_most) {
  found_for = WaitingQueue::none;
  if (!node_index.can_take(pieces)) return false;
  found = pieces;
  if (!sim.keep_budget(*this, handle, at_most)) return false;
  found_for = handle;
  return true;
}

void Partition::wake_at(SimTime when) {
  if (when <= now())
    throw std::logic_error("policies.backfill: a pass is asked for that is not ahead");
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
  reserve_on_large_pages(records, last_job - first_job);
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

// ---------------------------------------------------------------- result

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
  for (Site& site : sites) {
    if (site.has_budget) site.most_room = most_room(site);
  }
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
  if (setup.network.given()) {
    for (const ClassTraits& traits : setup.class_traits)
      result.class_data_gb.push_back(traits.data_gb);
    result.network_j_per_gb = setup.network.j_per_gb;
  }
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
    if (site.setup->demand) out.demand_rate = *site.setup->demand;
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
    const auto end_after = [&](double needed_s) {
      return signals.end() != SimTime::max() ? signals.end() : SimTime::from_seconds(needed_s);
    };
    const auto steps = [&](SimTime& t, SimTime end) {
      std::vector<TailStep> found;
      for (; t < end; t = signals.next_change(t)) {
        const SiteSignals::Values v = signals.at(t);
        const FacilityPower facility = facility_power(site.setup->facility, v.pue);
        found.push_back({t.seconds(), facility.a, to_watts(facility.b), v.pue,
                         v.carbon_g_per_j * joules_per_kwh, v.price_per_j * joules_per_kwh});
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
  if (setup.drain && ended < result.jobs.size()) {
    result.notes.push_back(fmt::format(
        "{} of {} jobs have not ended: no policy starts them, and nothing else is left to happen",
        result.jobs.size() - ended, result.jobs.size()));
  }
  if (const std::string& where = setup.policies[static_cast<std::size_t>(Question::site)].name;
      holds && sites.size() > 1 && !where.empty() && where != "home") {
    result.notes.push_back(
        "policies.timing: when a job may start follows the signals and the clock of its home site; "
        "where it runs is chosen then");
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

}  // namespace run

RunResult simulate(const Setup& setup, EventEngine& engine, const RunHooks& hooks) {
  return run::Simulation(setup, engine, hooks).run();
}

}  // namespace nightwatt
