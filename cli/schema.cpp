#include "cli/command.hpp"
#include "scenarios/scenario.hpp"

namespace nightwatt::cli {

void add_schema(CLI::App& app, const Globals&, Action& action) {
  CLI::App* command =
      app.add_subcommand("schema", "Print the JSON Schema of scenario files, for editors");
  command->footer(example("nightwatt schema > nightwatt.schema.json"));
  command->callback([&action] {
    action = [] {
      print(scenario_schema() + "\n");
      return static_cast<int>(Exit::done);
    };
  });
}

}  // namespace nightwatt::cli
