#include "sim/engine/simgrid_engine.hpp"

/// What load_engine() finds in the module.
extern "C" __attribute__((visibility("default"))) nightwatt::EventEngine* nightwatt_make_engine() {
  return nightwatt::make_simgrid_engine().release();
}
