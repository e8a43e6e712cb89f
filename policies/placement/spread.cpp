#include "policies/placement/fill.hpp"

namespace nightwatt {
namespace {

/// The emptiest nodes first; pieces that may share a node are laid out as evenly as room allows.
class Spread final : public PlacementPolicy {
 public:
  explicit Spread(const ParamValues&) {}
  void place(const Request& request, const NodeIndex& nodes, Allocation& out) const override {
    const auto visit = [&](std::uint32_t least, auto&& f) {
      for (std::uint32_t level = nodes.units_per_node(); level >= least && level > 0; --level) {
        for (std::uint32_t node = nodes.first_at(level); node != TreeBitset::none;
             node = nodes.first_at(level, node + 1)) {
          if (!f(node)) return;
        }
      }
    };
    if (request.kind == Request::Kind::shares) {
      placement::fill_shares(request, nodes, true, true, visit, out);
    } else {
      const bool even = request.kind != Request::Kind::nodes;
      placement::fill(request, nodes,
                      even ? placement::even_share(request, nodes) : placement::no_limit, visit,
                      out);
    }
  }
};

[[maybe_unused]] const bool registered =
    register_policy<Spread>({Question::placement,
                             "spread",
                             "the nodes with the most free GPUs first",
                             "Slurm scheduling documentation (least loaded nodes, LLN)",
                             {}});

}  // namespace
}  // namespace nightwatt
