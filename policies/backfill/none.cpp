#include "policies/decisions.hpp"

namespace nightwatt {
namespace {

/// Strictly in queue order: the first job without room blocks all behind it.
class NoBackfill final : public BackfillPolicy {
 public:
  explicit NoBackfill(const ParamValues&) {}
  void pass(Pass& pass) override {
    while (!pass.queue().empty() && pass.start(pass.queue().first())) {
    }
  }
  bool needs_expected_ends() const override { return false; }
};

[[maybe_unused]] const bool registered = register_policy<NoBackfill>(
    {Question::backfill,
     "none",
     "strictly in queue order: the first job without room blocks the rest",
     "definition",
     {}});

}  // namespace
}  // namespace nightwatt
