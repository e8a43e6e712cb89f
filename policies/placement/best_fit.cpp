#include "policies/placement/fill.hpp"

namespace nightwatt {
namespace {

/// The fullest nodes that still have room: the fewest GPUs are left over on the nodes that it
/// uses. Ties by node number.
class BestFit final : public PlacementPolicy {
 public:
  explicit BestFit(const ParamValues&) {}
  void place(const Request& request, const NodeIndex& nodes, Allocation& out) const override {
    const auto visit = [&](std::uint32_t least, auto&& f) {
      placement::visit_fullest(nodes, least, f);
    };
    if (request.kind == Request::Kind::shares) {
      placement::fill_shares(request, nodes, false, false, visit, out);
    } else {
      placement::fill(request, nodes, placement::no_limit, visit, out);
    }
  }
};

[[maybe_unused]] const bool registered =
    register_policy<BestFit>({Question::placement,
                              "best-fit",
                              "the nodes with the fewest free GPUs that suffice",
                              "Slurm select/cons_tres, documentation (best fit)",
                              {}});

}  // namespace
}  // namespace nightwatt
