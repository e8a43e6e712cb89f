#include "sim/shared_fabric.hpp"

#include <algorithm>
#include <limits>
#include <numeric>

namespace nightwatt {

SharedFabric::SharedFabric(const Fabric& fabric, EventEngine& engine)
    : graph_(flow_graph(fabric)), network_(engine.make_network(graph_)) {}

void SharedFabric::enter(std::uint32_t job, RingJob ring) {
  changed_ = true;
  std::map<std::uint32_t, double> demand;
  for (std::size_t i = 0; i < ring.nodes.size(); ++i) {
    const std::uint32_t from = ring.nodes[i], to = ring.nodes[(i + 1) % ring.nodes.size()];
    const std::vector<std::uint32_t>& route = graph_.routes[std::size_t{from} * graph_.nodes + to];
    double most = std::numeric_limits<double>::infinity();
    for (const std::uint32_t link : route) {
      most = std::min(most, graph_.link_bytes_per_s[link / 2]);
    }
    for (const std::uint32_t link : route) demand[link] += most;
  }
  Member& member = members_[job];
  member.links.assign(demand.begin(), demand.end());
  member.alone_s = step_time_s(*network_, ring);
  member.company.clear();
  member.ring = std::move(ring);
}

void SharedFabric::leave(std::uint32_t job) { changed_ = members_.erase(job) > 0 || changed_; }

/// Jobs meet on a link that could be full: where even the most that all of them would take fits,
/// nobody waits for anybody.
std::map<std::uint32_t, std::vector<std::uint32_t>> SharedFabric::groups() const {
  std::vector<double> demand(2 * graph_.link_bytes_per_s.size(), 0.0);
  for (const auto& [job, member] : members_) {
    for (const auto& [link, most] : member.links) demand[link] += most;
  }
  std::map<std::uint32_t, std::uint32_t> parent;  // a smaller job of the same group, or itself
  const auto first_of = [&](std::uint32_t job) {
    while (parent[job] != job) job = parent[job];
    return job;
  };
  std::map<std::uint32_t, std::uint32_t> seen_on;  // by link, some job
  for (const auto& [job, member] : members_) {
    parent[job] = job;
    for (const auto& [link, most] : member.links) {
      if (demand[link] <= graph_.link_bytes_per_s[link / 2] * (1.0 + 1e-9)) continue;
      const auto [entry, is_new] = seen_on.emplace(link, job);
      if (is_new) continue;
      const std::uint32_t a = first_of(entry->second), b = first_of(job);
      parent[std::max(a, b)] = std::min(a, b);
    }
  }
  std::map<std::uint32_t, std::vector<std::uint32_t>> groups;
  for (const auto& [job, member] : members_) groups[first_of(job)].push_back(job);
  return groups;
}

std::vector<SharedFabric::Change> SharedFabric::renew() {
  std::vector<Change> changes;
  if (!changed_) return changes;
  changed_ = false;
  for (const auto& entry : groups()) {
    // No structured binding: clang 14 cannot capture one.
    const std::vector<std::uint32_t>& group = entry.second;
    if (std::all_of(group.begin(), group.end(),
                    [&](std::uint32_t job) { return members_[job].company == group; })) {
      continue;
    }
    std::vector<RingJob> rings;
    std::vector<double> alone_s;
    for (const std::uint32_t job : group) {
      members_[job].company = group;
      rings.push_back(members_[job].ring);
      alone_s.push_back(members_[job].alone_s);
    }
    const std::vector<double> steps_s =
        group.size() == 1 ? alone_s : step_times_s(*network_, rings, alone_s);
    for (std::size_t i = 0; i < group.size(); ++i) {
      changes.push_back({group[i], steps_s[i], alone_s[i]});
    }
  }
  std::sort(changes.begin(), changes.end(),
            [](const Change& a, const Change& b) { return a.job < b.job; });
  return changes;
}

}  // namespace nightwatt
