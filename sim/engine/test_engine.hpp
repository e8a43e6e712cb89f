#pragma once

#include <memory>

#include "sim/engine/event_engine.hpp"

namespace nightwatt {

/// A small event engine without SimGrid, for tests and as a check on the other one: same contract,
/// no shared code, any number at a time.
std::unique_ptr<EventEngine> make_test_engine();

}  // namespace nightwatt
