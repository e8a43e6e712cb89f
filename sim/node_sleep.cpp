#include "sim/run_state.hpp"

namespace nightwatt::run {

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

}  // namespace nightwatt::run
