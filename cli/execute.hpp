#pragma once

#include <functional>
#include <string>

#include "scenarios/assemble.hpp"
#include "scenarios/scenario.hpp"
#include "sim/simulation.hpp"

namespace nightwatt::cli {

/// A run and what it points to.
struct Executed {
  Assembled assembled;
  RunResult result;
  bool interrupted = false;  ///< by a signal: no file was written, an older one stays
};

/// What watches a run, or adds to it; each may be empty.
struct ExecuteHooks {
  std::function<void(const std::string&)> step;  ///< "writing out.h5"
  std::function<void(const Progress&)> progress;
  std::function<void(Executed&)> before_writing;
};

/// Reads what a scenario names, simulates it and writes its timeline. While it works, signals ask
/// it to stop (GracefulStop). @throws InputError
Executed execute(const Loaded& loaded, const std::string& output, const ExecuteHooks& hooks);

}  // namespace nightwatt::cli
