#pragma once

#include "policies/registry.hpp"

namespace nightwatt {

/// The parameter of policies whose limits the user sets: what happens outside a legal range.
inline ParamInfo outside_range() {
  return {"outside",
          ParamKind::text,
          "what to do where a limit is outside a device's legal range",
          "error",
          -1e300,
          1e300,
          {"error", "clamp"}};
}
inline bool clamps_outside(const ParamValues& values) { return values.text("outside") == "clamp"; }

}  // namespace nightwatt
