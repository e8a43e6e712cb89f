#include "energy/facility.hpp"
#include "sim/run_state.hpp"

namespace nightwatt::run {

NanoWatts Simulation::it_level(const Site& site) const {
  NanoWatts sum = 0;
  for (std::size_t term = 0; term < term_count; ++term) sum += site.meter->level(term);
  return sum;
}

/// What the budget leaves; below 0 where it is exceeded.
NanoWatts Simulation::free_watts(const Site& site) const {
  return site.allowed - site.promised - it_level(site);
}

/// What it leaves to the partition beside the claims that go before its own.
NanoWatts Simulation::free_watts(const Partition& p) const {
  const Site& site = sites[static_cast<std::size_t>(p.site)];
  NanoWatts left = free_watts(site);
  for (const std::int16_t index : site.partitions) {
    const Partition& other = *partitions[static_cast<std::size_t>(index)];
    if (&other == &p || !other.claim.stands) continue;
    if (p.claim.stands &&
        std::pair(p.claim.since, p.index) < std::pair(other.claim.since, other.index)) {
      continue;
    }
    left -= other.claim.draw;
  }
  return left;
}

/// What a job takes of the budget.
void Simulation::set_draw(Partition& p, std::uint32_t index, NanoWatts draw) {
  p.drawn += draw - std::exchange(p.states[index].draw, draw);
  p.slots[index].draw = watts(to_watts(draw));
}

/// The job draws from now on what it was promised, or gives it back.
void Simulation::end_promise(Partition& p, std::uint32_t index) {
  RunState& state = p.states[index];
  sites[static_cast<std::size_t>(p.site)].promised -= state.promised;
  // The watts of a boot are those of its nodes.
  if (state.phase == Phase::restarting) set_draw(p, index, state.draw - state.promised);
  state.promised = 0;
}

/// After a pass: does the partition's first job wait for watts alone, which others of its site
/// could take?
void Simulation::renew_claim(Partition& p) {
  const Site& site = sites[static_cast<std::size_t>(p.site)];
  if (!site.has_budget || site.partitions.size() < 2) return;
  const bool before = std::exchange(p.claim.stands, false);
  if (!p.waiting.empty()) {
    const Waiting& first = p.waiting[p.waiting.first()];
    const NanoWatts draw = to_nanowatts(least_need(p, first.job).draw);
    // What others draw has to be enough; else no end of theirs helps.
    NanoWatts most = free_watts(site);
    for (const std::int16_t index : site.partitions)
      most += partitions[static_cast<std::size_t>(index)]->drawn;
    p.claim.stands = p.node_index.capacity().fits(first.request) && draw <= most;
    if (!before || p.claim.job != first.job) p.claim.since = engine.now();
    p.claim.job = first.job;
    p.claim.draw = draw;
  }
  if (!before || p.claim.stands) return;
  for (const std::int16_t index : site.partitions) {
    Partition& other = *partitions[static_cast<std::size_t>(index)];
    if (&other != &p) mark_dirty(other);
  }
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
      std::min(free_watts(p) - booting,
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

PowerNeed Simulation::need_at(const Partition& p, JobIndex job, Watts limit) const {
  const std::uint64_t milli = request(p, job).total_milli();
  const Device& device = setup.devices[static_cast<std::size_t>(p.setup.device)];
  const PlacementShape shape = compact_shape(p.setup, milli);
  const OperatingPoint point = point_of(p, job, shape, limit);
  PowerNeed need;
  need.draw =
      watts(to_watts(power_of(point, milli) - p.idle_per_milli * static_cast<NanoWatts>(milli)));
  need.estimate = SimTime::from_seconds(wall_estimate_s(job, point.rate));
  if (p.setup.node.loss.empty() || shape.nodes == 0) return need;
  const Watts empty = p.setup.node.host_idle + device.idle * p.setup.units_per_node;
  const Watts loss =
      p.setup.node.loss_at(empty + need.draw / shape.nodes) - p.setup.node.loss_at(empty);
  need.draw += loss * shape.nodes;
  return need;
}

PowerNeed Simulation::least_need(const Partition& p, JobIndex job) const {
  const Device& device = setup.devices[static_cast<std::size_t>(p.setup.device)];
  return need_at(p, job,
                 device.max_cap > Watts{} ? watts(std::ceil(to_watts(device.min_cap))) : no_cap);
}

/// The most that jobs of an otherwise empty site may ever draw, up to a year behind the period.
NanoWatts Simulation::most_room(const Site& site) const {
  const SimTime end = std::min(site.setup->signals.end(),
                               SimTime::from_seconds(setup.period_end_s + after_period_s));
  NanoWatts most = 0;
  for (SimTime t; t < end;) {
    most = std::max(most, allowed_at(site, t));
    t = std::min(site.setup->budget->watts.next_change(t),
                 site.setup->budget->of_it ? SimTime::max() : site.setup->signals.next_change(t));
  }
  for (const std::int16_t index : site.partitions) {
    const Partition& p = *partitions[static_cast<std::size_t>(index)];
    const NanoWatts least =
        sleep == nullptr ? p.idle_node : std::min(p.idle_node, to_nanowatts(sleep->asleep));
    most -= least * p.setup.nodes;
  }
  return most;
}

/// The IT power that the site's budget allows.
NanoWatts Simulation::allowed_at(const Site& site, SimTime t) const {
  const PowerBudget& budget = *site.setup->budget;
  const double limit_w = budget.watts.at(t);
  if (budget.of_it) return static_cast<NanoWatts>(limit_w * 1e9);
  const FacilityPower facility =
      facility_power(site.setup->facility, site.setup->signals.at(t).pue);
  return static_cast<NanoWatts>(to_watts(facility.it_at(watts(limit_w))) * 1e9);
}

/// Follows the budgets where they, or the way from IT to facility power, changed.
void Simulation::renew_budgets() {
  SimTime next = SimTime::max();
  for (Site& site : sites) {
    if (!site.has_budget) continue;
    site.meter->advance(engine.now());
    watch_budget(site);
    site.allowed = allowed_at(site, engine.now());
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
    promised += p.backfill->watts_to_keep(p);
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
    const double pue = site.setup->signals.at(now).pue;
    site.over_a = site.setup->budget->of_it ? 1.0 : facility_power(site.setup->facility, pue).a;
  }
}

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

}  // namespace nightwatt::run
