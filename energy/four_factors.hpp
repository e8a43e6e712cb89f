#pragma once

#include "energy/quantity.hpp"

namespace nightwatt {

/// One way to do a piece of work: what it takes, on which machine, in which building, on which
/// grid.
struct WorkFootprint {
  double operations = 0.0;  ///< arithmetic that the model needs for the work
  Joules it_energy;
  double pue = 1.0;
  CarbonIntensity carbon_intensity;
  [[nodiscard]] GramsCO2e carbon() const { return it_energy * pue * carbon_intensity; }
};

/// Carbon of one way over that of another as a product of four, after Patterson et al. 2022 (IEEE
/// Computer 55(7), "4M"): model (fewer operations), machine (less energy an operation),
/// mechanisation (less overhead of the building), map (cleaner energy).
struct FourFactors {
  double model = 1.0, machine = 1.0, mechanisation = 1.0, map = 1.0;
  [[nodiscard]] double product() const { return model * machine * mechanisation * map; }
};
/// All of both positive; `product()` is before.carbon() / after.carbon().
FourFactors four_factors(const WorkFootprint& before, const WorkFootprint& after);

}  // namespace nightwatt
