#include <fmt/format.h>
#include <sys/resource.h>

#include <chrono>
#include <filesystem>
#include <memory>
#include <string>
#include <system_error>

#include "analysis/bounds/lower_bound.hpp"
#include "analysis/summary.hpp"
#include "analysis/text.hpp"
#include "cli/command.hpp"
#include "cli/execute.hpp"
#include "cli/interrupt.hpp"
#include "cli/progress.hpp"
#include "scenarios/scenario.hpp"

namespace nightwatt::cli {
namespace {

namespace fs = std::filesystem;

struct RunOptions {
  std::string scenario, output;
  Overrides overrides;
  std::uint64_t seed = 0;
  bool json = false;
  bool bound = false;
  std::string freedom;  ///< of the bound; "" = the run's own
};

std::uint64_t peak_rss_bytes() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<std::uint64_t>(usage.ru_maxrss) * 1024;
}

int say_interrupted(const std::string& output) {
  std::error_code ignored;
  fmt::print(stderr, "interrupted: {}\n",
             fs::exists(output, ignored)
                 ? fmt::format("{} is from an earlier run and stays as it was", output)
                 : fmt::format("{} was not written", output));
  return GracefulStop::exit_status();
}

int run_scenario(const RunOptions& options, const Globals& globals) {
  const auto started = std::chrono::steady_clock::now();
  const std::string output =
      options.output.empty() ? fs::path(options.scenario).stem().string() + ".h5" : options.output;

  Executed run;
  {
    ProgressLine line(globals.quiet);
    line.step("reading " + printable(options.scenario));
    ExecuteHooks hooks;
    hooks.step = [&](const std::string& text) { line.step(text); };
    if (line.visible()) hooks.progress = [&](const Progress& progress) { line.show(progress); };
    if (options.bound) {
      hooks.before_writing = [&](Executed& ended) {
        line.step("bound of " + printable(options.scenario));
        const Setup& setup = ended.assembled.setup;
        const Freedom freedom = options.freedom.empty() ? freedom_of_run(setup, ended.result)
                                                        : freedom_of(options.freedom);
        ended.result.bounds = lower_bounds(bound_input(setup, ended.result, freedom));
      };
    }
    run = execute(load_scenario(options.scenario, options.overrides), output, hooks);
    if (run.interrupted) return say_interrupted(output);
  }
  const RunResult& result = run.result;

  const RunCost cost = {
      std::chrono::duration<double>(std::chrono::steady_clock::now() - started).count(),
      result.jobs.size(), peak_rss_bytes()};
  if (options.json) {
    print(summary_json(result, cost) + "\n");
  } else if (!globals.quiet) {
    print(summary_table(result, cost) + fmt::format("timeline: {}\n", output));
  }
  return Exit::done;
}

}  // namespace

void add_run(CLI::App& app, const Globals& globals, Action& action) {
  CLI::App* command =
      app.add_subcommand("run", "Simulate a scenario, write its timeline (HDF5), print a summary");
  const auto options = std::make_shared<RunOptions>();
  command->add_option("SCENARIO", options->scenario, "Scenario file (YAML)")
      ->required()
      ->type_name("FILE.yaml");
  command
      ->add_option("-o,--output", options->output,
                   "Timeline file; default: the scenario's name with .h5, in this folder")
      ->type_name("FILE.h5");
  command
      ->add_option("--set", options->overrides.set,
                   "Change one value of the scenario: PATH=VALUE, as sites[0].carbon='400 "
                   "gCO2e/kWh'; may be given several times")
      ->allow_extra_args(false);
  CLI::Option* seed = command->add_option("--seed", options->seed, "Instead of the scenario's");
  command->add_flag("--json", options->json, "Print the summary as JSON");
  CLI::Option* bound =
      command
          ->add_option("--bound", options->freedom,
                       "Least carbon and cost of any schedule that may choose these (start, "
                       "interruption, site, device, cap)")
          ->expected(0, 1)
          ->type_name("FREEDOMS");
  command->footer(
      example("nightwatt run scenarios/philly-texas.yaml -o philly.h5 --set "
              "policies.backfill=none"));
  command->callback([=, &globals, &action] {
    if (seed->count() > 0) options->overrides.seed = options->seed;
    options->bound = bound->count() > 0;
    (void)freedom_of(options->freedom);  // a word that is none of them is found now
    action = [=, &globals] { return run_scenario(*options, globals); };
  });
}

}  // namespace nightwatt::cli
