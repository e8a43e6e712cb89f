#pragma once

#include <memory>
#include <string>

#include "sim/engine/event_engine.hpp"

namespace nightwatt::cli {

/// The engine of this program, from a module that is loaded when a simulation asks for it: SimGrid
/// brings libraries that take longer to load than most commands take to run.
/// @throws std::runtime_error if the installation has no such module
std::unique_ptr<EventEngine> load_engine();

/// Loads the module, so that processes forked from this one need not. That there is none shows
/// there.
void preload_engine();

/// Of the SimGrid library that the module loads: "3.32"; "not found" without a module.
std::string engine_version();

}  // namespace nightwatt::cli
