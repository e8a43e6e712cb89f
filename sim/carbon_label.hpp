#pragma once

#include <string>

namespace nightwatt {

/// Which carbon series of a site stands behind a figure.
struct CarbonLabel {
  std::string name;   ///< in the scenario, where the site has several; else ""
  std::string basis;  ///< "direct", "lifecycle", "marginal"; "unknown" where nobody says
  friend bool operator==(const CarbonLabel&, const CarbonLabel&) = default;
};

}  // namespace nightwatt
