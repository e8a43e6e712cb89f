#include "sim/run_state.hpp"

namespace nightwatt::run {

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
  forget_windows(job);
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
  if (const Site& site = sites[static_cast<std::size_t>(chosen->site)];
      site.has_budget && to_nanowatts(least_need(*chosen, job).draw) > site.most_room) {
    return reject(job, "draws more than the power budget ever leaves");
  }
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
/// @param left_s  of its estimate
bool Simulation::plan(JobIndex job, double left_s, std::vector<Window>& windows) {
  const JobView seen = view(job, left_s, jobs[job].gpu_milli / 1000.0);
  if (!(seen.slack_s > 0.0)) return false;
  const SimTime now = engine.now();
  // What it has done already does not move its end.
  double latest_s = seen.submit_s + seen.slack_s + (estimate_s(job) - seen.estimate_s);
  if (!std::isnan(seen.deadline_s)) {
    latest_s = std::min(latest_s, seen.deadline_s - seen.estimate_s);
  }
  // Not by way of seconds, which after months may be a nanosecond before now.
  const SimTime latest = std::max(SimTime::from_seconds(latest_s), now);
  timing->windows(seen, home(job), now, latest, windows);
  const bool at_once = windows.empty();
  for (std::size_t i = 0; i < windows.size(); ++i) {
    if (windows[i].to <= windows[i].from || (i > 0 && windows[i].from < windows[i - 1].to))
      throw std::logic_error("policies.timing: windows that are empty, overlap or step back");
  }
  // A plan for what a job's hours did not hold is not a decision of its own.
  if (regret && held.count(job) == 0)
    regret->timing(seen, home(job), now, latest, windows, power_at_home_w(job));
  std::erase_if(windows, [&](const Window& w) { return w.to <= now || w.from > latest; });
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
  if (!plan(job, left_estimate_s(job), windows)) return false;
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
    // One that outlives its estimate has no plan: nobody knows for how long.
    const double left_s = left_estimate_s(job) - done_s;
    if (left_s > 0.0) plan(job, left_s, entry.windows);
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
  if (sites[static_cast<std::size_t>(p.site)].has_budget) {
    state.cap = p.found_cap;
    set_draw(p, index, to_nanowatts(p.found_draw));
  }
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
  // The estimate that the job was chosen by is that of its best placement. Ends move after the
  // pass.
  if (const SimTime end = begin(p, index); end != run.expected_end)
    p.late_ends.emplace_back(index, end);
}

/// The job has its GPUs: it restarts or goes to work.
/// @return when it is believed to end on these
SimTime Simulation::begin(Partition& p, std::uint32_t index) {
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

  SiteMeter& m = meter_now(p.site);
  Site& site = sites[static_cast<std::size_t>(p.site)];
  const NanoWatts level = site.has_budget ? it_level(site) : 0;
  m.change(resumes ? SiteMeter::jobs_paused : SiteMeter::jobs_queued, -1);
  m.change(SiteMeter::jobs_running, 1);
  set_units_held(p, run.pieces, state, true);
  if (site.has_budget) set_draw(p, index, it_level(site) - level);
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
    if (site.has_budget) {
      state.promised = std::max<NanoWatts>(0, power_of(point, state.milli) - state.power);
      site.promised += state.promised;
      set_draw(p, index, state.draw + state.promised);
    }
    state.phase_over =
        engine.wake_at(SimTime::from_ns(now.ns() + SimTime::from_seconds(restart_s).ns()),
                       tag_of(Wake::phase_over, job));
  } else {
    go_to_work(p, index);
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
  return SimTime::from_ns(now.ns() + SimTime::from_seconds(wall_estimate_s(job, point.rate)).ns());
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
  p.drawn -= std::exchange(state.draw, 0);
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

void Simulation::instant_over() {
  if (budgets) {
    for (const Site& site : sites) {
      // Watts that came free may be what any of its partitions waits for.
      if (!site.has_budget || free_watts(site) <= site.free) continue;
      for (const std::int16_t index : site.partitions)
        mark_dirty(*partitions[static_cast<std::size_t>(index)]);
    }
  }
  std::sort(dirty.begin(), dirty.end());
  for (std::size_t i = 0; i < dirty.size(); ++i) {
    Partition& p = *partitions[static_cast<std::size_t>(dirty[i])];
    p.dirty = false;
    if (!p.waiting.empty()) p.backfill->pass(p);
    for (const auto& [slot_index, end] : p.late_ends) move_end(p, slot_index, end);
    p.late_ends.clear();
    if (budgets) renew_claim(p);
  }
  dirty.clear();
  if (setup.fidelity == Fidelity::flows) {
    for (const auto& p : partitions)
      if (p->flows) renew_flows(*p);
  }
  if (budgets) {
    for (Site& site : sites) {
      if (!site.has_budget) continue;
      watch_budget(site);
      site.free = free_watts(site);
    }
  }
  if ((++instants & 0xffff) == 0 && hooks.progress) {
    hooks.progress({engine.now().seconds(), next_arrival - first_job, ended, records.size()});
  }
}

}  // namespace nightwatt::run
