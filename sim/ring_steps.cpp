#include "sim/ring_steps.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

namespace nightwatt {
namespace {

/// Ways in which steps may lie against each other. A prime: of up to seven jobs, each pair is seen
/// at all seven distances.
constexpr std::size_t offsets = 7;
/// Steps of the slowest job that are measured at each.
constexpr std::size_t measured_steps = 2;

double six_digits(double value) {
  const double unit = std::pow(10.0, std::floor(std::log10(value)) - 5.0);
  return std::round(value / unit) * unit;
}

/// Messages of a step that are told apart beside other jobs: a large ring's are bundled to so many.
constexpr std::uint32_t most_messages = 8;

RingJob bundled(RingJob job) {
  if (job.messages <= most_messages) return job;
  const double each = static_cast<double>(job.messages) / most_messages;
  job.messages = most_messages;
  job.message_start_s *= each;
  job.message_bytes *= each;
  return job;
}

/// The jobs at work on the network.
class Rounds final : public FlowSink {
 public:
  Rounds(FlowNetwork& network, const std::vector<RingJob>& jobs)
      : network_(network), jobs_(jobs), states_(jobs.size()) {}

  /// @param delays_s  when each job begins its first step
  /// @return the mean time of a step of each job
  std::vector<double> run(const std::vector<double>& delays_s) {
    for (std::size_t job = 0; job < jobs_.size(); ++job) {
      network_.start_delay(delays_s[job], tag(job, begin));
    }
    network_.run(*this);
    std::vector<double> means;
    for (const State& state : states_) {
      means.push_back((state.last_s - state.first_s) / static_cast<double>(state.steps));
    }
    return means;
  }

  void flow_done(std::uint64_t job) override {
    if (--states_[job].flows == 0) message_over(job);
  }

  void delay_over(std::uint64_t tag) override {
    const std::uint64_t job = tag / kinds;
    switch (static_cast<Kind>(tag % kinds)) {
      case begin:
        begin_step(job);
        break;
      case computed:
        states_[job].parts = 2;
        network_.start_delay(jobs_[job].beside_s, this->tag(job, computed_beside));
        network_.start_delay(jobs_[job].message_start_s, this->tag(job, message));
        break;
      case computed_beside:
        part_over(job);
        break;
      case message:
        send(job);
        break;
    }
  }

 private:
  enum Kind : std::uint64_t { begin, computed, computed_beside, message };
  static constexpr std::uint64_t kinds = 4;

  struct State {
    std::size_t flows = 0;       ///< of the present message that are under way
    std::uint32_t messages = 0;  ///< of the present step that are over
    int parts = 0;               ///< of communication and the computing beside it, still to end
    bool warm = false;           ///< has ended a step
    std::size_t steps = 0;       ///< measured: those between first_s and last_s
    double first_s = std::numeric_limits<double>::quiet_NaN(), last_s = 0.0;
  };

  static std::uint64_t tag(std::uint64_t job, Kind kind) { return job * kinds + kind; }

  void begin_step(std::uint64_t job) {
    if (over_) return;
    network_.start_delay(jobs_[job].compute_s - jobs_[job].beside_s, tag(job, computed));
  }

  void send(std::uint64_t job) {
    const std::vector<std::uint32_t>& nodes = jobs_[job].nodes;
    states_[job].flows = nodes.size();
    for (std::size_t i = 0; i < nodes.size(); ++i) {
      network_.start_flow(nodes[i], nodes[(i + 1) % nodes.size()], jobs_[job].message_bytes, job);
    }
  }

  void message_over(std::uint64_t job) {
    State& state = states_[job];
    if (++state.messages < jobs_[job].messages) {
      network_.start_delay(jobs_[job].message_start_s, tag(job, message));
    } else {
      state.messages = 0;
      part_over(job);
    }
  }

  void part_over(std::uint64_t job) {
    if (--states_[job].parts == 0) step_over(job);
  }

  /// Measures from the first end of a step of each job after all have ended one: from then on every
  /// job has the others around it.
  void step_over(std::uint64_t job) {
    if (over_) return;
    State& state = states_[job];
    if (!state.warm) {
      state.warm = true;
      ++warm_;
    }
    if (warm_ == jobs_.size()) {
      if (std::isnan(state.first_s)) {
        state.first_s = network_.now_s();
      } else {
        state.last_s = network_.now_s();
        if (++state.steps == measured_steps) over_ = ++measured_ == jobs_.size();
      }
    }
    begin_step(job);
  }

  FlowNetwork& network_;
  const std::vector<RingJob>& jobs_;
  std::vector<State> states_;
  std::size_t warm_ = 0, measured_ = 0;  ///< jobs
  bool over_ = false;
};

}  // namespace

RingJob ring_job(const CollectiveLoad& load, std::vector<std::uint32_t> nodes, double per_node) {
  RingJob job;
  const double communication_s = to_seconds(load.communication);
  job.compute_s = to_seconds(load.step) - std::max(0.0, communication_s - to_seconds(load.hidden));
  job.beside_s = std::min(to_seconds(load.hidden), job.compute_s);
  job.messages = static_cast<std::uint32_t>(2 * (nodes.size() - 1));
  job.message_start_s = to_seconds(load.message.start);
  job.message_bytes =
      load.bytes * per_node / static_cast<double>(nodes.size()) / load.message.efficiency;
  job.nodes = std::move(nodes);
  return job;
}

FlowGraph flow_graph(const Fabric& fabric) {
  FlowGraph graph;
  graph.nodes = fabric.nodes();
  std::uint32_t vertices = graph.nodes;
  for (const Fabric::Link& link : fabric.links()) {
    graph.link_bytes_per_s.push_back(link.bytes_per_s);
    vertices = std::max({vertices, link.from + 1, link.to + 1});
  }
  struct Next {
    std::uint32_t vertex, link;  ///< by which one-way link one gets there
  };
  std::vector<std::vector<Next>> next(vertices);
  for (std::uint32_t i = 0; i < fabric.links().size(); ++i) {
    const Fabric::Link& link = fabric.links()[i];
    next[link.from].push_back({link.to, 2 * i});
    next[link.to].push_back({link.from, 2 * i + 1});
  }
  graph.routes.resize(std::size_t{graph.nodes} * graph.nodes);
  for (std::uint32_t to = 0; to < graph.nodes; ++to) {
    constexpr std::uint32_t unseen = std::numeric_limits<std::uint32_t>::max();
    std::vector<std::uint32_t> hops(vertices, unseen), order = {to};
    hops[to] = 0;
    for (std::size_t i = 0; i < order.size(); ++i) {
      for (const Next& n : next[order[i]]) {
        if (hops[n.vertex] != unseen) continue;
        hops[n.vertex] = hops[order[i]] + 1;
        order.push_back(n.vertex);
      }
    }
    for (std::uint32_t from = 0; from < graph.nodes; ++from) {
      std::vector<std::uint32_t>& route = graph.routes[std::size_t{from} * graph.nodes + to];
      for (std::uint32_t at = from; at != to;) {
        std::vector<Next> nearer;
        for (const Next& n : next[at]) {
          if (hops[n.vertex] + 1 == hops[at]) nearer.push_back(n);
        }
        const Next& chosen = nearer[to % nearer.size()];
        route.push_back(chosen.link);
        at = chosen.vertex;
      }
    }
  }
  return graph;
}

double step_time_s(FlowNetwork& network, const RingJob& job) {
  return six_digits(Rounds(network, {job}).run({0.0}).front());
}

std::vector<double> step_times_s(FlowNetwork& network, std::vector<RingJob> jobs,
                                 const std::vector<double>& alone_s) {
  std::transform(jobs.begin(), jobs.end(), jobs.begin(), bundled);
  std::vector<double> means_s(jobs.size(), 0.0);
  for (std::size_t k = 0; k < offsets; ++k) {
    std::vector<double> delays_s;
    for (std::size_t job = 0; job < jobs.size(); ++job) {
      delays_s.push_back(alone_s[job] * static_cast<double>(k * job % offsets) / offsets);
    }
    const std::vector<double> steps_s = Rounds(network, jobs).run(delays_s);
    for (std::size_t job = 0; job < jobs.size(); ++job) means_s[job] += steps_s[job] / offsets;
  }
  std::transform(means_s.begin(), means_s.end(), means_s.begin(), six_digits);
  return means_s;
}

}  // namespace nightwatt
