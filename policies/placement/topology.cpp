#include "policies/placement/fill.hpp"

namespace nightwatt {
namespace {

/// Fewest hops, then widest path: the leaf group (rack) with the least free GPUs that holds the
/// whole request; if none does, the group with the most free GPUs and then its nearest ones, by
/// hops, then by bandwidth. Inside a group the fullest node that has room. Without a fabric it
/// places as best-fit does. Looks at every group once a placement.
class TopologyAware final : public PlacementPolicy {
 public:
  explicit TopologyAware(const ParamValues&) {}

  void place(const Request& request, const NodeIndex& nodes, Allocation& out) const override {
    const Topology* topology = nodes.topology();
    if (topology == nullptr) {
      visit_and_fill(request, nodes, out, [&](std::uint32_t least, auto&& f) {
        placement::visit_fullest(nodes, least, f);
      });
      return;
    }
    std::uint32_t best = 0, most = 0;
    bool whole = false;
    for (std::uint32_t group = 0; group < topology->groups(); ++group) {
      const std::uint32_t free = nodes.free_in_group(group);
      if (fits_group(request, nodes, group) && (!whole || free < nodes.free_in_group(best))) {
        best = group;
        whole = true;
      }
      if (free > nodes.free_in_group(most)) most = group;
    }
    const std::uint32_t start = whole ? best : most;
    visit_and_fill(request, nodes, out, [&](std::uint32_t least, auto&& f) {
      for (const std::uint32_t group : topology->nearest_groups(start)) {
        for (std::uint32_t level = least; level <= nodes.units_per_node(); ++level) {
          if (nodes.group_nodes_at(group, level) == 0) continue;
          for (const std::uint32_t node : topology->members(group)) {
            if (nodes.free(node) == level && !f(node)) return;
          }
        }
      }
    });
  }

 private:
  template <class Visit>
  static void visit_and_fill(const Request& request, const NodeIndex& nodes, Allocation& out,
                             Visit&& visit) {
    if (request.kind == Request::Kind::shares) {
      placement::fill_shares(request, nodes, false, false, visit, out);
    } else {
      placement::fill(request, nodes, placement::no_limit, visit, out);
    }
  }

  static bool fits_group(const Request& request, const NodeIndex& nodes, std::uint32_t group) {
    std::uint64_t pieces = 0;
    bool room_for_last = false;
    switch (request.kind) {
      case Request::Kind::any:
        return nodes.free_in_group(group) >= request.units;
      case Request::Kind::shares:
        return nodes.free_in_group(group) * (1000ULL / request.milli) >= request.count;
      case Request::Kind::pieces:
      case Request::Kind::nodes:
        break;
    }
    if (request.units == 0) return true;
    const bool one_each = request.kind == Request::Kind::nodes;
    for (std::uint32_t level = request.units; level <= nodes.units_per_node(); ++level) {
      pieces += std::uint64_t{nodes.group_nodes_at(group, level)} *
                (one_each ? 1 : level / request.units);
    }
    for (std::uint32_t level = request.last; level < request.units; ++level) {
      room_for_last = room_for_last || nodes.group_nodes_at(group, level) > 0;
    }
    return pieces >= request.count || (one_each && room_for_last && pieces + 1 == request.count);
  }
};

[[maybe_unused]] const bool registered =
    register_policy<TopologyAware>({Question::placement,
                                    "topology",
                                    "fewest hops, then widest path, between the nodes of a job",
                                    "Slurm topology/tree plug-in, documentation; Amaral et al. "
                                    "2017, SC (topology-aware GPU scheduling)",
                                    {}});

}  // namespace
}  // namespace nightwatt
