#pragma once

#include <memory>
#include <string>

#include "sim/engine/event_engine.hpp"

namespace nightwatt {

/// The event engine on SimGrid: a resource model of our own beside SimGrid's models, driven by
/// SimGrid's loop (docs/adr/0002-simgrid-border.md). SimGrid's command line, log and signal
/// handlers stay out of the way of the program.
///
/// SimGrid has one clock a process, so there is at most one such engine at a time; one that is made
/// after another was destroyed starts at 0 again, on top of SimGrid's old clock. Not for use from
/// several threads.
/// @throws std::logic_error while another one lives.
std::unique_ptr<EventEngine> make_simgrid_engine();

/// The version of the SimGrid library that is loaded: "3.32".
std::string simgrid_version();

}  // namespace nightwatt
