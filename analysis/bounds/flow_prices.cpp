#include <lemon/network_simplex.h>
#include <lemon/static_graph.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <map>
#include <utility>
#include <vector>

#include "analysis/bounds/relaxation.hpp"

namespace nightwatt {
namespace {

/// Jobs with like windows, power and choices. A unit of flow is a GPU-second of the first option.
struct JobClass {
  std::size_t first_hour = 0, hours = 0;
  double supply = 0.0;
  std::vector<std::uint32_t> partitions;
  std::vector<double> energy_j, extra;  ///< by option, of all its jobs
  std::vector<double> room;             ///< by option and hour: what its jobs can run there
};

struct Key {
  std::vector<std::uint32_t> partitions;
  std::size_t first_hour = 0, last_hour = 0;
  int power = 0;
  friend auto operator<=>(const Key&, const Key&) = default;
};

/// How coarse classes are.
struct Coarseness {
  std::size_t hours;   ///< windows begin and end at multiples of it
  double power_ratio;  ///< between one class of power and the next
};
constexpr Coarseness coarseness[] = {{1, 1.05}, {2, 1.05}, {3, 1.1},  {6, 1.2},
                                     {12, 1.5}, {24, 2.0}, {48, 4.0}, {168, 1e3}};

/// Holds the cell's GPUs for all of its window, whatever happens.
bool has_no_choice(const BoundInput::Job& job, std::span<const BoundInput::Option> options) {
  return options.size() == 1 && job.to_s - job.from_s <= options.front().run_s + 1.0;
}

class Network {
 public:
  Network(const BoundInput& input, Objective objective, const Relaxation& relaxation)
      : input_(input), objective_(objective), relaxation_(relaxation) {
    room_ = relaxation.capacity();
    for (std::size_t j = 0; j < input.jobs.size(); ++j) {
      const std::span options = input.options_of(j);
      if (!(options.front().run_s > 0.0)) continue;
      if (!has_no_choice(input.jobs[j], options)) {
        movable_.push_back(j);
        continue;
      }
      overlaps(input.jobs[j], [&](std::size_t hour, double seconds) {
        room_[options.front().partition * relaxation.cells_of_partition() + hour] -=
            options.front().gpus * seconds;
      });
    }
  }

  FlowPrices solve(std::size_t most_arcs) {
    std::size_t arcs = 0;
    for (const Coarseness& how : coarseness) {
      arcs = sort_into_classes(how);
      if (arcs <= most_arcs) break;
    }
    FlowPrices result;
    result.classes = classes_.size();
    result.price.assign(room_.size(), 0.0);
    if (!classes_.empty()) run_simplex(result);
    return result;
  }

 private:
  using Graph = lemon::StaticDigraph;
  using Simplex = lemon::NetworkSimplex<Graph, std::int64_t, std::int64_t>;

  template <class Each>
  void overlaps(const BoundInput::Job& job, Each each) const {
    const double cell_s = relaxation_.cell_s();
    for (std::size_t hour = first_hour(job); hour < relaxation_.cells_of_partition(); ++hour) {
      const double from = std::max(job.from_s, static_cast<double>(hour) * cell_s);
      const double to = std::min(job.to_s, static_cast<double>(hour + 1) * cell_s);
      if (to <= from) break;
      each(hour, to - from);
    }
  }
  [[nodiscard]] std::size_t first_hour(const BoundInput::Job& job) const {
    return static_cast<std::size_t>(job.from_s / relaxation_.cell_s());
  }
  [[nodiscard]] std::size_t last_hour(const BoundInput::Job& job) const {
    const auto hours = static_cast<std::size_t>(std::ceil(job.to_s / relaxation_.cell_s()));
    return std::max(hours, first_hour(job) + 1) - 1;
  }

  /// @return arcs of the network
  std::size_t sort_into_classes(const Coarseness& how) {
    classes_.clear();
    std::map<Key, std::size_t> known;
    std::size_t arcs = 0;
    for (const std::size_t j : movable_) {
      const BoundInput::Job& job = input_.jobs[j];
      const std::span options = input_.options_of(j);
      const BoundInput::Option& first = options.front();
      const double gpu_s = first.gpus * first.run_s;
      if (!(gpu_s > 0.0)) continue;
      Key key;
      for (const auto& option : options) key.partitions.push_back(option.partition);
      key.first_hour = first_hour(job) / how.hours * how.hours;
      key.last_hour =
          std::min((last_hour(job) / how.hours + 1) * how.hours, relaxation_.cells_of_partition()) -
          1;
      key.power = static_cast<int>(
          std::floor(std::log(std::max(first.least_j / gpu_s, 1e-9)) / std::log(how.power_ratio)));
      const auto [at, fresh] = known.try_emplace(key, classes_.size());
      if (fresh) {
        JobClass made;
        made.first_hour = key.first_hour;
        made.hours = key.last_hour - key.first_hour + 1;
        made.partitions = key.partitions;
        made.energy_j.assign(options.size(), 0.0);
        made.extra.assign(options.size(), 0.0);
        made.room.assign(options.size() * made.hours, 0.0);
        arcs += made.room.size() + 1;
        classes_.push_back(std::move(made));
      }
      JobClass& into = classes_[at->second];
      into.supply += gpu_s;
      for (std::size_t o = 0; o < options.size(); ++o) {
        const BoundInput::Option& option = options[o];
        into.energy_j[o] += option.least_j;
        into.extra[o] +=
            objective_ == Objective::carbon ? option.extra_carbon_g : option.extra_cost;
        if (!(option.run_s > 0.0)) continue;
        const double units_a_second = gpu_s / option.run_s;
        overlaps(job, [&](std::size_t hour, double seconds) {
          into.room[o * into.hours + hour - into.first_hour] += units_a_second * seconds;
        });
      }
    }
    return arcs + room_.size();
  }

  void run_simplex(FlowPrices& result) {
    struct Arc {
      std::pair<int, int> ends;
      double cost;
      double room;
    };
    const auto class_count = static_cast<int>(classes_.size());
    const auto cell_count = static_cast<int>(room_.size());
    const int sink = class_count + cell_count;
    std::vector<Arc> arcs;
    double dearest = 0.0;
    for (int k = 0; k < class_count; ++k) {
      const JobClass& c = classes_[static_cast<std::size_t>(k)];
      for (std::size_t o = 0; o < c.partitions.size(); ++o) {
        const std::size_t row = c.partitions[o] * relaxation_.cells_of_partition();
        const std::size_t site = input_.partitions[c.partitions[o]].site;
        for (std::size_t h = 0; h < c.hours; ++h) {
          const double room = c.room[o * c.hours + h];
          const double weight = relaxation_.mean_weight(site, c.first_hour + h);
          if (!(room > 0.0) || std::isnan(weight)) continue;
          const double cost = (c.energy_j[o] * weight + c.extra[o]) / c.supply;
          dearest = std::max(dearest, std::abs(cost));
          arcs.push_back({{k, class_count + static_cast<int>(row + c.first_hour + h)}, cost, room});
        }
      }
      // What finds no room because units were rounded goes past the cells.
      arcs.push_back({{k, sink}, unknown, c.supply});
    }
    for (int c = 0; c < cell_count; ++c) {
      arcs.push_back(
          {{class_count + c, sink}, 0.0, std::max(0.0, room_[static_cast<std::size_t>(c)])});
    }
    if (!(dearest > 0.0)) return;

    std::vector<std::pair<int, int>> ends;
    ends.reserve(arcs.size());
    for (const Arc& arc : arcs) ends.push_back(arc.ends);
    Graph graph;
    graph.build(sink + 1, ends.begin(), ends.end());
    // Costs to seven digits, and whole GPU-seconds: prices need not be exact, Relaxation::at is.
    constexpr double digits = 1e7;
    const double scale = digits / dearest;
    Graph::ArcMap<std::int64_t> cost(graph), room(graph);
    for (std::size_t i = 0; i < arcs.size(); ++i) {
      const Graph::Arc arc = graph.arc(static_cast<int>(i));
      const bool past = std::isnan(arcs[i].cost);
      cost[arc] = static_cast<std::int64_t>(std::floor(past ? 10 * digits : arcs[i].cost * scale));
      room[arc] = static_cast<std::int64_t>(std::ceil(arcs[i].room));
    }
    Graph::NodeMap<std::int64_t> supply(graph, 0);
    std::int64_t total = 0;
    for (int k = 0; k < class_count; ++k) {
      const auto units =
          static_cast<std::int64_t>(std::floor(classes_[static_cast<std::size_t>(k)].supply));
      supply[graph.node(k)] = units;
      total += units;
    }
    supply[graph.node(sink)] = -total;
    Simplex simplex(graph);
    simplex.upperMap(room).costMap(cost).supplyMap(supply);
    if (simplex.run() != Simplex::OPTIMAL) return;
    // A full cell's price is what one more GPU-second of it would save.
    const std::int64_t at_sink = simplex.potential(graph.node(sink));
    for (int c = 0; c < cell_count; ++c) {
      const std::int64_t saved = at_sink - simplex.potential(graph.node(class_count + c));
      result.price[static_cast<std::size_t>(c)] = std::max(0.0, static_cast<double>(saved) / scale);
    }
    result.arcs = arcs.size();
  }

  const BoundInput& input_;
  Objective objective_;
  const Relaxation& relaxation_;
  std::vector<double> room_;
  std::vector<std::size_t> movable_;
  std::vector<JobClass> classes_;
};

}  // namespace

FlowPrices flow_prices(const BoundInput& input, Objective objective, const Relaxation& relaxation,
                       std::size_t most_arcs) {
  return Network(input, objective, relaxation).solve(most_arcs);
}

}  // namespace nightwatt
