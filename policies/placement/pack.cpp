#include "policies/placement/fill.hpp"

namespace nightwatt {
namespace {

/// Nodes that are already in use first, in order of number, then empty ones: as few nodes as
/// possible are opened, and a schedule is easy to follow by hand.
class Pack final : public PlacementPolicy {
 public:
  explicit Pack(const ParamValues&) {}
  void place(const Request& request, const NodeIndex& nodes, Allocation& out) const override {
    const std::uint32_t empty = nodes.units_per_node();
    const auto visit = [&](std::uint32_t least, auto&& f) {
      for (std::uint32_t from = 0;;) {
        std::uint32_t node = TreeBitset::none;
        for (std::uint32_t level = least; level < empty; ++level)
          node = std::min(node, nodes.first_at(level, from));
        if (node == TreeBitset::none) break;
        if (!f(node)) return;
        from = node + 1;
      }
      for (std::uint32_t node = nodes.first_at(empty); node != TreeBitset::none;
           node = nodes.first_at(empty, node + 1)) {
        if (!f(node)) return;
      }
    };
    if (request.kind == Request::Kind::shares) {
      placement::fill_shares(request, nodes, false, false, visit, out);
    } else {
      placement::fill(request, nodes, placement::no_limit, visit, out);
    }
  }
};

[[maybe_unused]] const bool registered =
    register_policy<Pack>({Question::placement,
                           "pack",
                           "nodes already in use first, then empty ones, by number",
                           "Weng et al. 2022, NSDI (MLaaS in the wild: packing)",
                           {}});

}  // namespace
}  // namespace nightwatt
