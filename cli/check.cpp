#include <fmt/format.h>

#include <cmath>
#include <memory>
#include <string>

#include "analysis/text.hpp"
#include "cli/command.hpp"
#include "cli/progress.hpp"
#include "scenarios/assemble.hpp"
#include "scenarios/scenario.hpp"

namespace nightwatt::cli {
namespace {

struct CheckOptions {
  std::string scenario;
  Overrides overrides;
  bool canonical = false;
};

/// What the jobs of the period ask for, as a mean over the period, against what is there.
std::string demand_text(const Setup& setup) {
  double units = 0.0, unit_seconds = 0.0;
  std::uint64_t jobs = 0, partitions = 0, gpus = 0, cores = 0;
  for (const SiteSetup& site : setup.sites) {
    for (const PartitionSetup& partition : site.partitions) {
      ++partitions;
      (partition.counts_cores ? cores : gpus) +=
          std::uint64_t{partition.nodes} * partition.units_per_node;
    }
  }
  for (const Job& job : setup.workload->jobs) {
    const double submit_s = job.submit_s + setup.origin_offset_s;
    if (submit_s < 0.0 || submit_s >= setup.period_end_s) continue;
    ++jobs;
    if (!std::isnan(job.run_s)) {
      unit_seconds += (job.gpu_milli > 0 ? job.gpu_milli / 1000.0 : job.cores) * job.run_s;
    }
  }
  units = static_cast<double>(gpus > 0 ? gpus : cores);
  const double mean = unit_seconds / setup.period_end_s;
  const char* name = gpus > 0 ? "GPUs" : "cores";
  std::string present = fmt::format("{} {}", grouped(gpus > 0 ? gpus : cores), name);
  if (gpus > 0 && cores > 0) present += fmt::format(" and {} cores", grouped(cores));
  return fmt::format("{} jobs in the period, {} in {} {}, mean demand {} {} ({})", grouped(jobs),
                     present, grouped(partitions), partitions == 1 ? "partition" : "partitions",
                     number_text(mean), name, percent_text(mean / units));
}

int check(const CheckOptions& options, const Globals& globals) {
  ProgressLine line(globals.quiet);
  line.step("reading " + printable(options.scenario));
  const Loaded loaded = load_scenario(options.scenario, options.overrides);
  const Assembled assembled = assemble(loaded);
  if (options.canonical) {
    print(loaded.canonical_yaml);
    return Exit::done;
  }
  if (globals.quiet) return Exit::done;
  TextTable table({TextTable::Align::left});
  table.row({"ok", printable(options.scenario)});
  table.row({"demand", demand_text(assembled.setup)});
  for (const RuleCount& count : assembled.counts) {
    if (count.rows > 0) {
      table.row(
          {"counted", fmt::format("{} {} ({})", grouped(count.rows), count.rule, count.choice)});
    }
  }
  for (const std::string& note : assembled.notes) table.row({"note", printable(note)});
  print(table.text());
  return Exit::done;
}

}  // namespace

void add_check(CLI::App& app, const Globals& globals, Action& action) {
  CLI::App* command =
      app.add_subcommand("check", "Validate a scenario and all its files, without running it");
  const auto options = std::make_shared<CheckOptions>();
  command->add_option("SCENARIO", options->scenario, "Scenario file (YAML)")
      ->required()
      ->type_name("FILE.yaml");
  command->add_option("--set", options->overrides.set, "Change one value: PATH=VALUE")
      ->allow_extra_args(false);
  command->add_flag("--canonical", options->canonical,
                    "Print the scenario with all defaults filled in");
  command->footer(example("nightwatt check scenarios/philly-texas.yaml"));
  command->callback(
      [=, &globals, &action] { action = [=, &globals] { return check(*options, globals); }; });
}

}  // namespace nightwatt::cli
