#include <string>

#include "sim/engine/simgrid_engine.hpp"

// What the program finds in the module (cli/engine.cpp).
#define NIGHTWATT_EXPORT extern "C" __attribute__((visibility("default")))

NIGHTWATT_EXPORT nightwatt::EventEngine* nightwatt_make_engine() {
  return nightwatt::make_simgrid_engine().release();
}

NIGHTWATT_EXPORT const char* nightwatt_engine_version() {
  static const std::string version = nightwatt::simgrid_version();
  return version.c_str();
}
