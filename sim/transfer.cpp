#include "sim/transfer.hpp"

namespace nightwatt {

TransferCharge charge_transfer(double power_w, const SiteSignals& origin,
                               const SiteSignals& destination, SimTime from, SimTime to) {
  const ChargeIntegrals there = origin.between(from, to), here = destination.between(from, to);
  return {power_w * there.t_s, 0.5 * power_w * (there.ci + here.ci),
          0.5 * power_w * (there.price + here.price)};
}

}  // namespace nightwatt
