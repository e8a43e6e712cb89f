// policy: backfill restless
// expected: policies.backfill: a pass is asked for that is not ahead
#include "policies/plugin.hpp"

namespace {
class Restless final : public nightwatt::BackfillPolicy {
 public:
  explicit Restless(const nightwatt::ParamValues&) {}
  void pass(nightwatt::Pass& pass) override { pass.wake_at(pass.now()); }
};
}  // namespace

NIGHTWATT_PLUGIN() {
  nightwatt::register_policy<Restless>(
      {nightwatt::Question::backfill, "restless", "asks for a pass at once", "test", {}});
}
