#include "traces/dependency_graph.hpp"

#include <algorithm>
#include <boost/graph/compressed_sparse_row_graph.hpp>
#include <boost/graph/strong_components.hpp>
#include <boost/graph/topological_sort.hpp>
#include <iterator>
#include <limits>
#include <stdexcept>
#include <string>
#include <utility>

#include "traces/diagnostics.hpp"

namespace nightwatt {
namespace {

using Graph =
    boost::compressed_sparse_row_graph<boost::directedS, boost::no_property, boost::no_property,
                                       boost::no_property, std::uint32_t, std::uint32_t>;

constexpr std::uint32_t none = std::numeric_limits<std::uint32_t>::max();

Graph graph_of(const Workload& workload) {
  std::vector<std::pair<std::uint32_t, std::uint32_t>> edges;
  edges.reserve(workload.dependencies.size());
  for (const Dependency& dependency : workload.dependencies) {
    edges.emplace_back(dependency.job, dependency.on);
  }
  return {boost::edges_are_unsorted_multi_pass, edges.begin(), edges.end(),
          static_cast<std::uint32_t>(workload.jobs.size())};
}

std::string shown_id(const Workload& workload, std::uint32_t job) {
  const std::string id = quote(workload.id_text(workload.jobs[job]));
  return id.substr(1, id.size() - 2);
}

/// "a -> b -> c -> a"; of a long ring the middle is only counted.
std::string ring_text(const Workload& workload, const std::vector<std::uint32_t>& ring) {
  constexpr std::size_t most_shown = 20;
  std::string text;
  for (std::size_t i = 0; i < std::min(ring.size(), most_shown); ++i) {
    text += shown_id(workload, ring[i]) + " -> ";
  }
  if (ring.size() > most_shown) {
    text += "(" + std::to_string(ring.size() - most_shown) + " more) -> ";
  }
  return text + shown_id(workload, ring.front());
}

/// A ring among jobs of one strongly connected component, from its lowest job on. Each job of it
/// waits for another of it, so going on long enough comes back.
std::vector<std::uint32_t> find_ring(const Graph& graph, std::uint32_t start,
                                     const std::vector<std::uint32_t>& component,
                                     std::vector<std::uint32_t>& step_of) {
  std::vector<std::uint32_t> path;
  std::uint32_t job = start;
  while (step_of[job] == none) {
    step_of[job] = static_cast<std::uint32_t>(path.size());
    path.push_back(job);
    const auto [begin, end] = boost::adjacent_vertices(job, graph);
    job = *std::find_if(begin, end,
                        [&](std::uint32_t on) { return component[on] == component[start]; });
  }
  path.erase(path.begin(), path.begin() + step_of[job]);
  std::rotate(path.begin(), std::min_element(path.begin(), path.end()), path.end());
  return path;
}

[[noreturn]] void report_rings(const Workload& workload, const Graph& graph) {
  const std::size_t jobs = workload.jobs.size();
  std::vector<std::uint32_t> component(jobs), step_of(jobs, none);
  const auto index = boost::get(boost::vertex_index, graph);
  const std::uint32_t components =
      boost::strong_components(graph, boost::make_iterator_property_map(component.begin(), index));
  std::vector<bool> entangled(components, false);
  std::vector<std::uint32_t> size(components, 0);
  for (const std::uint32_t c : component) entangled[c] = ++size[c] > 1;
  for (const Dependency& dependency : workload.dependencies) {
    if (dependency.job == dependency.on) entangled[component[dependency.job]] = true;
  }

  Diagnostics faults;
  for (std::uint32_t job = 0; job < jobs; ++job) {
    if (!entangled[component[job]]) continue;
    entangled[component[job]] = false;  // said once
    const std::vector<std::uint32_t> ring = find_ring(graph, job, component, step_of);
    Position where;
    if (!workload.reports.empty()) where.file = workload.reports.front().path;
    where.line = workload.jobs[ring.front()].row;
    faults.error(where, "dependencies: expected no job to wait for itself, got the ring " +
                            ring_text(workload, ring) + " (each job waits for the next)");
  }
  faults.throw_if_any();
  throw std::logic_error("dependencies: a ring was met, but none was found");
}

}  // namespace

std::vector<std::uint32_t> dependency_order(const Workload& workload) {
  const Graph graph = graph_of(workload);
  std::vector<std::uint32_t> order;
  order.reserve(workload.jobs.size());
  try {
    // Boost puts a vertex out after all that it points to: here, what it waits for.
    boost::topological_sort(graph, std::back_inserter(order));
  } catch (const boost::not_a_dag&) {
    report_rings(workload, graph);
  }
  return order;
}

void check_dependencies(const Workload& workload) {
  if (!workload.dependencies.empty()) dependency_order(workload);
}

}  // namespace nightwatt
