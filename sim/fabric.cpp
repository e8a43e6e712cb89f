#include "sim/fabric.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/graph/adjacency_list.hpp>
#include <boost/graph/breadth_first_search.hpp>
#include <boost/graph/connected_components.hpp>
#include <boost/graph/kruskal_min_spanning_tree.hpp>
#include <charconv>
#include <cmath>
#include <iterator>
#include <limits>
#include <map>
#include <numeric>
#include <optional>
#include <stdexcept>
#include <string_view>
#include <tuple>
#include <unordered_map>
#include <utility>

namespace nightwatt {
namespace {

/// Every two spines are joined; above this it is no fabric that anybody builds, and the links would
/// be counted in tens of millions.
constexpr std::uint32_t most_spines = 2048;

[[noreturn]] void fail(const std::string& message) { throw std::invalid_argument(message); }

bool is_bandwidth(double bytes_per_s) { return std::isfinite(bytes_per_s) && bytes_per_s > 0.0; }

using Link = Fabric::Link;

/// The number in "node17". Names with other text, and numbers with leading zeros, are switches.
/// A number too large for 32 bits is one past every node.
std::optional<std::uint32_t> node_number(std::string_view name) {
  constexpr std::string_view prefix = "node";
  if (!name.starts_with(prefix)) return std::nullopt;
  const std::string_view digits = name.substr(prefix.size());
  if (digits.empty() || digits.find_first_not_of("0123456789") != std::string_view::npos ||
      (digits.size() > 1 && digits.front() == '0')) {
    return std::nullopt;
  }
  std::uint32_t number = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  return error == std::errc() ? number : std::numeric_limits<std::uint32_t>::max();
}

/// Widest paths between all pairs of vertices in linear space.
///
/// The widest path between two vertices runs along a maximum spanning tree (Hu 1961, Operations
/// Research 9(6)), and Kruskal's algorithm joins the parts that such paths connect, widest links
/// first. So the forest of those joins answers every pair: climbing from two vertices, always where
/// the link is wider, they meet below the join that first connected them, and the last link climbed
/// is the smallest of the path. Joined by size the forest is at most log2(n) high. A search a pair
/// (Dijkstra with max-min) would need a table of pairs or the whole graph at each question.
class WidestPaths {
 public:
  explicit WidestPaths(std::uint32_t vertices)
      : parent_(vertices), size_(vertices, 1), width_(vertices, 0.0) {
    std::iota(parent_.begin(), parent_.end(), 0U);
  }

  /// Links must come widest first.
  void join(std::uint32_t a, std::uint32_t b, double width) {
    a = root(a);
    b = root(b);
    if (size_[a] > size_[b]) std::swap(a, b);
    parent_[a] = b;
    width_[a] = width;
    size_[b] += size_[a];
  }

  [[nodiscard]] double between(std::uint32_t a, std::uint32_t b) const {
    double width = std::numeric_limits<double>::infinity();
    while (a != b) {
      if (width_[a] < width_[b]) std::swap(a, b);
      width = std::min(width, width_[a]);
      a = parent_[a];
    }
    return width;
  }

 private:
  [[nodiscard]] std::uint32_t root(std::uint32_t vertex) const {
    while (parent_[vertex] != vertex) vertex = parent_[vertex];
    return vertex;
  }

  std::vector<std::uint32_t> parent_;  ///< itself for a root
  std::vector<std::uint32_t> size_;
  std::vector<double> width_;  ///< of the link to the parent; 0 for a root
};

}  // namespace

struct Fabric::Graph {
  /// Whole network with minus the bandwidth as weight, so that a minimum spanning tree is widest.
  using Network =
      boost::adjacency_list<boost::vecS, boost::vecS, boost::undirectedS, boost::no_property,
                            boost::property<boost::edge_weight_t, double>>;
  /// Groups (one vertex each, of the group's number), then switches.
  using Contracted = boost::adjacency_list<boost::vecS, boost::vecS, boost::undirectedS>;

  std::uint32_t nodes = 0;
  std::uint32_t gpus_per_island = 0;
  double island_bytes_per_s = 0.0;

  std::vector<Link> links;
  std::vector<std::uint32_t> group_of;
  std::vector<std::vector<std::uint32_t>> members;
  Contracted contracted;
  WidestPaths widest{0};
  // Filled when a group is first asked about.
  mutable std::vector<std::vector<std::uint32_t>> hops;     ///< [group][group]
  mutable std::vector<std::vector<std::uint32_t>> nearest;  ///< [group], groups by distance

  Graph(std::uint32_t node_count, std::uint32_t switches, std::vector<Link> all_links)
      : nodes(node_count), links(std::move(all_links)), group_of(node_count) {
    Network network(node_count + switches);
    for (const Link& link : links) {
      boost::add_edge(link.from, link.to, -link.bytes_per_s, network);
    }
    check_connected(network);
    find_widest(network);
    find_groups(network);
    contract(switches);
    hops.resize(members.size());
    nearest.resize(members.size());
  }

  void check_connected(const Network& network) const {
    std::vector<std::uint32_t> component(boost::num_vertices(network));
    boost::connected_components(network, component.data());
    for (std::uint32_t node = 0; node < nodes; ++node) {
      if (nodes > 1 && boost::out_degree(node, network) == 0) {
        fail(fmt::format("node{} has no link", node));
      }
      if (component[node] != component[0]) {
        fail(fmt::format("node{} cannot be reached from node0", node));
      }
    }
  }

  void find_widest(const Network& network) {
    std::vector<Network::edge_descriptor> tree;
    boost::kruskal_minimum_spanning_tree(network, std::back_inserter(tree));
    widest = WidestPaths(static_cast<std::uint32_t>(boost::num_vertices(network)));
    const auto weight = boost::get(boost::edge_weight, network);
    for (const Network::edge_descriptor& link : tree) {
      widest.join(static_cast<std::uint32_t>(boost::source(link, network)),
                  static_cast<std::uint32_t>(boost::target(link, network)),
                  -boost::get(weight, link));
    }
  }

  /// Nodes with the same neighbours change places without changing any distance, so one of them
  /// speaks for all.
  void find_groups(const Network& network) {
    std::map<std::vector<std::uint32_t>, std::uint32_t> group_by_neighbours;
    std::vector<std::uint32_t> neighbours;
    for (std::uint32_t node = 0; node < nodes; ++node) {
      neighbours.clear();
      for (auto [it, end] = boost::adjacent_vertices(node, network); it != end; ++it) {
        neighbours.push_back(static_cast<std::uint32_t>(*it));
      }
      std::sort(neighbours.begin(), neighbours.end());
      neighbours.erase(std::unique(neighbours.begin(), neighbours.end()), neighbours.end());
      const auto [place, is_new] = group_by_neighbours.try_emplace(
          neighbours, static_cast<std::uint32_t>(group_by_neighbours.size()));
      if (is_new) members.emplace_back();
      group_of[node] = place->second;
      members[place->second].push_back(node);
    }
  }

  void contract(std::uint32_t switches) {
    const auto groups = static_cast<std::uint32_t>(members.size());
    contracted = Contracted(groups + switches);
    /// The vertex that stands for this one, or none for nodes that another one speaks for.
    const auto vertex = [&](std::uint32_t v) -> std::optional<std::uint32_t> {
      if (v >= nodes) return groups + (v - nodes);
      if (members[group_of[v]].front() != v) return std::nullopt;
      return group_of[v];
    };
    for (const Link& link : links) {
      const auto from = vertex(link.from), to = vertex(link.to);
      if (from && to) boost::add_edge(*from, *to, contracted);
    }
  }

  [[nodiscard]] const std::vector<std::uint32_t>& hops_from(std::uint32_t group) const {
    std::vector<std::uint32_t>& row = hops[group];
    if (row.empty()) {
      std::vector<std::uint32_t> distance(boost::num_vertices(contracted), 0);
      boost::breadth_first_search(contracted, group,
                                  boost::visitor(boost::make_bfs_visitor(boost::record_distances(
                                      distance.data(), boost::on_tree_edge()))));
      distance.resize(members.size());
      row = std::move(distance);
    }
    return row;
  }

  [[nodiscard]] std::uint32_t group_hops(std::uint32_t a, std::uint32_t b) const {
    if (a == b) return members[a].size() > 1 ? 2 : 0;
    return hops[a].empty() && !hops[b].empty() ? hops[b][a] : hops_from(a)[b];
  }
};

Fabric::Fabric() = default;
Fabric::~Fabric() = default;
Fabric::Fabric(Fabric&&) noexcept = default;
Fabric& Fabric::operator=(Fabric&&) noexcept = default;

Fabric Fabric::from_numbers(std::uint32_t nodes, const FabricNumbers& numbers) {
  if (nodes == 0) fail("a fabric needs at least one node");
  const std::uint32_t per_rack = numbers.nodes_per_rack == 0 ? nodes : numbers.nodes_per_rack;
  const std::uint32_t racks = (nodes - 1) / per_rack + 1;
  const std::uint32_t per_spine = numbers.racks_per_spine == 0 ? racks : numbers.racks_per_spine;
  const std::uint32_t spines = racks == 1 ? 0 : (racks - 1) / per_spine + 1;

  const auto require = [](double bytes_per_s, const char* name, const std::string& why) {
    if (is_bandwidth(bytes_per_s)) return;
    fail(fmt::format("{}: expected a bandwidth above 0, got {}: {}", name, bytes_per_s, why));
  };
  if (nodes > 1) {
    require(numbers.node_bytes_per_s, "node_bytes_per_s", fmt::format("there are {} nodes", nodes));
  }
  if (racks > 1) {
    require(numbers.rack_bytes_per_s, "rack_bytes_per_s", fmt::format("there are {} racks", racks));
  }
  if (spines > 1) {
    require(numbers.core_bytes_per_s, "core_bytes_per_s",
            fmt::format("there are {} spines", spines));
  }
  if (spines > most_spines) {
    fail(fmt::format("racks_per_spine: {} racks make {} spines, more than {} that are all joined",
                     racks, spines, most_spines));
  }
  if (!(numbers.island_bytes_per_s >= 0.0)) {
    fail(fmt::format("island_bytes_per_s: expected a bandwidth, got {}",
                     numbers.island_bytes_per_s));
  }

  std::vector<Link> links;
  if (nodes > 1) {
    for (std::uint32_t node = 0; node < nodes; ++node) {
      links.push_back({node, nodes + node / per_rack, numbers.node_bytes_per_s});
    }
  }
  const std::uint32_t first_spine = nodes + racks;
  for (std::uint32_t rack = 0; spines > 0 && rack < racks; ++rack) {
    links.push_back({nodes + rack, first_spine + rack / per_spine, numbers.rack_bytes_per_s});
  }
  for (std::uint32_t a = 0; a < spines; ++a) {
    for (std::uint32_t b = a + 1; b < spines; ++b) {
      links.push_back({first_spine + a, first_spine + b, numbers.core_bytes_per_s});
    }
  }
  Fabric fabric;
  fabric.graph_ = std::make_unique<Graph>(nodes, racks + spines, std::move(links));
  fabric.graph_->gpus_per_island = numbers.gpus_per_island;
  fabric.graph_->island_bytes_per_s = numbers.island_bytes_per_s;
  return fabric;
}

Fabric Fabric::from_edges(std::uint32_t nodes, const std::vector<FabricEdge>& edges) {
  if (nodes == 0) fail("a fabric needs at least one node");
  std::vector<Link> links;
  std::unordered_map<std::string, std::uint32_t> switches;
  for (const FabricEdge& edge : edges) {
    const auto refuse = [&](const std::string& why) {
      fail(fmt::format("link {} ({} - {}): {}", links.size() + 1, edge.from, edge.to, why));
    };
    const auto vertex = [&](const std::string& name) {
      if (name.empty()) refuse("an end has no name");
      if (const auto node = node_number(name)) {
        if (*node >= nodes) {
          refuse(fmt::format("there is no {}, the last is node{}", name, nodes - 1));
        }
        return *node;
      }
      const auto number = nodes + static_cast<std::uint32_t>(switches.size());
      return switches.try_emplace(name, number).first->second;
    };
    const std::uint32_t from = vertex(edge.from), to = vertex(edge.to);
    if (from == to) refuse("both ends are the same");
    if (!is_bandwidth(edge.bytes_per_s)) {
      refuse(fmt::format("expected a bandwidth above 0, got {}", edge.bytes_per_s));
    }
    links.push_back({from, to, edge.bytes_per_s});
  }
  Fabric fabric;
  fabric.graph_ =
      std::make_unique<Graph>(nodes, static_cast<std::uint32_t>(switches.size()), std::move(links));
  return fabric;
}

std::uint32_t Fabric::nodes() const { return graph_->nodes; }

const std::vector<Fabric::Link>& Fabric::links() const { return graph_->links; }

std::uint32_t Fabric::hops(std::uint32_t a, std::uint32_t b) const {
  if (a == b) return 0;
  return graph_->group_hops(graph_->group_of[a], graph_->group_of[b]);
}

std::uint32_t Fabric::max_hops(const std::vector<std::uint32_t>& nodes) const {
  std::vector<std::pair<std::uint32_t, std::uint32_t>> held;  // group, node
  for (const std::uint32_t node : nodes) held.emplace_back(graph_->group_of[node], node);
  std::sort(held.begin(), held.end());
  held.erase(std::unique(held.begin(), held.end()), held.end());

  std::uint32_t most = 0;
  std::vector<std::uint32_t> groups;
  for (const auto& [group, node] : held) {
    if (!groups.empty() && groups.back() == group) {
      most = std::max(most, graph_->group_hops(group, group));
    } else {
      groups.push_back(group);
    }
  }
  for (std::size_t i = 0; i < groups.size(); ++i) {
    for (std::size_t j = i + 1; j < groups.size(); ++j) {
      most = std::max(most, graph_->group_hops(groups[i], groups[j]));
    }
  }
  return most;
}

double Fabric::widest_bytes_per_s(std::uint32_t a, std::uint32_t b) const {
  return graph_->widest.between(a, b);
}

std::uint32_t Fabric::groups() const { return static_cast<std::uint32_t>(graph_->members.size()); }

std::uint32_t Fabric::group_of(std::uint32_t node) const { return graph_->group_of[node]; }

const std::vector<std::uint32_t>& Fabric::members(std::uint32_t group) const {
  return graph_->members[group];
}

const std::vector<std::uint32_t>& Fabric::nearest_groups(std::uint32_t group) const {
  std::vector<std::uint32_t>& order = graph_->nearest[group];
  if (order.empty()) {
    const std::vector<std::uint32_t>& hops = graph_->hops_from(group);
    const std::uint32_t node = graph_->members[group].front();
    std::vector<std::tuple<std::uint32_t, double, std::uint32_t>>
        keys;  // width negated: wider first
    for (std::uint32_t other = 0; other < groups(); ++other) {
      const double width = graph_->widest.between(node, graph_->members[other].front());
      keys.emplace_back(hops[other], -width, other);
    }
    std::sort(keys.begin(), keys.end());
    for (const auto& key : keys) order.push_back(std::get<2>(key));
  }
  return order;
}

std::uint32_t Fabric::gpus_per_island() const { return graph_->gpus_per_island; }

double Fabric::island_bytes_per_s() const { return graph_->island_bytes_per_s; }

std::uint32_t Fabric::hops_in_node(std::uint32_t gpu_a, std::uint32_t gpu_b) const {
  if (gpu_a == gpu_b) return 0;
  const std::uint32_t size = graph_->gpus_per_island;
  return size == 0 || gpu_a / size == gpu_b / size ? 1 : 2;
}

}  // namespace nightwatt
