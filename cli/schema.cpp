#include <memory>
#include <string>

#include "cli/command.hpp"
#include "scenarios/scenario.hpp"
#include "scenarios/study.hpp"

namespace nightwatt::cli {

void add_schema(CLI::App& app, const Globals&, Action& action) {
  CLI::App* command = app.add_subcommand(
      "schema", "Print the JSON Schema of scenario files, or of studies, for editors");
  const auto of = std::make_shared<std::string>("scenario");
  command->add_option("OF", *of, "scenario, or study")
      ->check(CLI::IsMember({"scenario", "study"}))
      ->capture_default_str();
  command->footer(example("nightwatt schema > nightwatt.schema.json"));
  command->callback([=, &action] {
    action = [=] {
      print((*of == "study" ? study_schema() : scenario_schema()) + "\n");
      return static_cast<int>(Exit::done);
    };
  });
}

}  // namespace nightwatt::cli
