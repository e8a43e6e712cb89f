#pragma once

#include "policies/outlook.hpp"

namespace nightwatt {

/// The mean that is expected over [from, to), or from `from` on where nothing changes any more
/// (`to` = SimTime::max()). NaN where nothing is known.
inline double expected_mean(const Outlook& outlook, Signal signal, SimTime now, SimTime from,
                            SimTime to) {
  if (to == SimTime::max()) to = SimTime::from_ns(from.ns() + 1'000'000'000);
  return signal == Signal::carbon ? outlook.carbon_g_per_j(now, from, to)
                                  : outlook.price_per_j(now, from, to);
}

/// The same without PUE.
inline double expected_grid_mean(const Outlook& outlook, Signal signal, SimTime now, SimTime from,
                                 SimTime to) {
  return signal == Signal::carbon ? outlook.grid_carbon_g_per_j(now, from, to)
                                  : outlook.grid_price_per_j(now, from, to);
}

}  // namespace nightwatt
