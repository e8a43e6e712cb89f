#include "sim/run_state.hpp"

namespace nightwatt::run {

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
  if (cap->keeps_budget() &&
      engine.now().seconds() > std::max(setup.period_end_s, last_end.seconds()) + after_period_s) {
    throw InputError(
        "policies.cap: jobs have waited for a year for watts that no budget leaves them");
  }
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
  if (state.phase == Phase::booting) {  // it is not charged yet
    state.cap = wanted;
    return;
  }
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
  const Site& site = sites[static_cast<std::size_t>(p.site)];
  const NanoWatts level = site.has_budget ? it_level(site) : 0;
  set_units_held(p, run.pieces, state, false);
  if (power != state.power) record_of(*this, run.job).power_changed = 1;
  state.power = power;
  set_units_held(p, run.pieces, state, true);
  if (site.has_budget && it_level(site) != level) {
    set_draw(p, slot_index, state.draw + it_level(site) - level);
    p.backfill->on_retime(p, run, run.expected_end);
  }
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

}  // namespace nightwatt::run
