#include "cli/execute.hpp"

#include <fmt/format.h>

#include <filesystem>
#include <system_error>
#include <utility>
#include <vector>

#include "analysis/text.hpp"
#include "cli/engine.hpp"
#include "cli/interrupt.hpp"
#include "sim/timeline/timeline.hpp"
#include "traces/diagnostics.hpp"

namespace nightwatt::cli {
namespace {

namespace fs = std::filesystem;

/// The output must not take the place of what the run is made from.
void check_not_an_input(const std::string& output, const Loaded& loaded,
                        const std::vector<InputFile>& inputs) {
  const auto check = [&](const fs::path& input) {
    std::error_code ignored;
    if (fs::equivalent(output, input, ignored)) {
      throw InputError(fmt::format("output: {} is an input of this run", quote(output)));
    }
  };
  check(loaded.path);
  const fs::path folder = fs::path(loaded.path).parent_path();
  for (const InputFile& input : inputs) check(folder / input.report.path);
}

}  // namespace

Executed execute(const Loaded& loaded, const std::string& output, const ExecuteHooks& hooks) {
  // Found now, not after hours of simulation.
  check_writable(output);
  Executed run;
  run.assembled = assemble(loaded);
  check_not_an_input(output, loaded, run.assembled.inputs);

  const GracefulStop graceful;
  RunHooks simulated;
  simulated.stop = &GracefulStop::requested();
  simulated.progress = hooks.progress;
  const auto engine = load_engine();
  run.result = simulate(run.assembled.setup, *engine, simulated);
  run.interrupted = run.result.interrupted;
  if (run.interrupted) return run;
  stamp(loaded, run.assembled, run.result);
  run.result.program = "nightwatt " NIGHTWATT_VERSION;
  if (hooks.before_writing) hooks.before_writing(run);

  if (hooks.step) hooks.step("writing " + printable(output));
  try {
    write_timeline(run.result, output,
                   {.compression = static_cast<int>(loaded.scenario.output.compression),
                    .interrupted = [] { return GracefulStop::requested().load(); }});
  } catch (const WriteInterrupted&) {
    run.interrupted = true;
  }
  return run;
}

}  // namespace nightwatt::cli
