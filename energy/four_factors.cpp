#include "energy/four_factors.hpp"

namespace nightwatt {

FourFactors four_factors(const WorkFootprint& before, const WorkFootprint& after) {
  FourFactors f;
  f.model = before.operations / after.operations;
  f.machine = before.it_energy / after.it_energy / f.model;
  f.mechanisation = before.pue / after.pue;
  f.map = before.carbon_intensity / after.carbon_intensity;
  return f;
}

}  // namespace nightwatt
