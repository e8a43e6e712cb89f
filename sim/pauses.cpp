#include "sim/run_state.hpp"

namespace nightwatt::run {

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
    end_promise(p, index);
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
  end_promise(p, index);
  if (state.phase == Phase::booting) {
    mark_dirty(p);
    const SimTime end = begin(p, index);
    if (end != p.slots[index].expected_end || site.has_budget) move_end(p, index, end);
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

}  // namespace nightwatt::run
