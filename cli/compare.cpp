#include <fmt/format.h>

#include <filesystem>
#include <limits>
#include <memory>
#include <string>
#include <vector>

#include "analysis/comparison.hpp"
#include "analysis/output_text.hpp"
#include "cli/command.hpp"
#include "cli/study_files.hpp"
#include "scenarios/units.hpp"
#include "sim/timeline/timeline.hpp"
#include "traces/diagnostics.hpp"

namespace nightwatt::cli {
namespace {

struct CompareCommand {
  std::vector<std::string> files, where;
  std::string horizon, output;
  bool allow_unequal = false, csv = false, json = false, markdown = false;
  bool bound = false, no_bound = false;
};

int compare(const CompareCommand& command) {
  CompareOptions options;
  options.allow_unequal = command.allow_unequal;
  if (command.bound) options.bound_jobs = std::numeric_limits<std::size_t>::max();
  if (command.no_bound) options.bound_jobs = 0;
  if (!command.horizon.empty()) {
    const InstantText instant = parse_instant(command.horizon);
    if (!instant.value) {
      throw InputError(fmt::format(
          "--horizon: expected an instant such as '2022-10-03T00:00:00Z', got {}{}",
          quote(command.horizon), instant.hint.empty() ? "" : " (" + instant.hint + ")"));
    }
    options.horizon_unix_s = static_cast<double>(instant.value->unix_s) + 1e-9 * instant.value->ns;
  }
  const NamedFiles named = with_runs_of_study(command.files, command.where);
  if (!named.same_work && !command.allow_unequal) {
    throw InputError(
        Diagnostic{{command.files.front(), 0, 0},
                   "the study varies the work itself, and runs of other work cannot be compared; "
                   "choose one value of what changes it: --where AXIS=VALUE"});
  }
  if (!command.output.empty()) {
    check_writable(command.output);
    check_no_input(command.output, command.files);
    check_no_input(command.output, named.files);
  }
  options.titles = named.titles;
  const Comparison comparison = compare_runs({named.files.begin(), named.files.end()}, options);
  const std::string text = command.json       ? comparison_json(comparison)
                           : command.csv      ? comparison_csv(comparison)
                           : command.markdown ? comparison_markdown(comparison)
                                              : comparison_table(comparison);
  if (command.output.empty()) {
    print(text);
  } else {
    replace_file(command.output, text);
  }
  return Exit::done;
}

}  // namespace

void add_compare(CLI::App& app, const Globals&, Action& action) {
  CLI::App* sub = app.add_subcommand(
      "compare", "Differences between runs of the same work, with 95 % intervals");
  const auto command = std::make_shared<CompareCommand>();
  sub->add_option("FILES", command->files,
                  "BASE.h5 OTHER.h5...: each is compared with the first; files that differ only in "
                  "their seed are taken together. Or the index of a study")
      ->required()
      ->type_name("FILE.h5");
  sub->add_option("--horizon", command->horizon,
                  "Charge all runs to this instant; default: the latest end of all files")
      ->type_name("INSTANT");
  sub->add_option("--where", command->where,
                  "Of a study: only runs with this value; may be given several times")
      ->allow_extra_args(false)
      ->type_name("AXIS=VALUE");
  sub->add_flag("--allow-unequal", command->allow_unequal,
                "Show differences of runs that did not do the same work");
  CLI::Option* bound =
      sub->add_flag("--bound", command->bound,
                    "Compute the share of the possible saving, however many jobs there are");
  sub->add_flag("--no-bound", command->no_bound, "Do without it")->excludes(bound);
  CLI::Option* csv = sub->add_flag("--csv", command->csv, "One row a figure");
  CLI::Option* json = sub->add_flag("--json", command->json, "All figures as JSON");
  CLI::Option* markdown = sub->add_flag("--markdown", command->markdown, "The tables in Markdown");
  csv->excludes(json)->excludes(markdown);
  json->excludes(markdown);
  sub->add_option("-o,--output", command->output, "Write to a file instead of printing")
      ->type_name("FILE");
  sub->footer(example("nightwatt compare uncapped.h5 capped.h5"));
  sub->callback([=, &action] { action = [=] { return compare(*command); }; });
}

}  // namespace nightwatt::cli
