#include "sim/run_state.hpp"

namespace nightwatt::run {

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

}  // namespace nightwatt::run
