#include "analysis/validate.hpp"

#include <memory>
#include <string>
#include <vector>

#include "analysis/calibrate.hpp"
#include "cli/command.hpp"

namespace nightwatt::cli {

void add_validate(CLI::App& app, const Globals&, Action& action) {
  CLI::App* command =
      app.add_subcommand("validate", "Compare the energy model with measurements, row by row");
  struct Options {
    std::vector<std::string> files;
    std::string rows;
    bool json = false;
  };
  const auto options = std::make_shared<Options>();
  command->add_option("FILES", options->files, "Measurements, as their sources publish them")
      ->required()
      ->type_name("FILE");
  command
      ->add_option("--rows", options->rows,
                   "Also write each prediction beside its measurement to a file (CSV)")
      ->type_name("FILE.csv");
  command->add_flag("--json", options->json, "Print the errors as JSON");
  command->footer(example("nightwatt validate zeus_train_powercap.csv"));
  command->callback([=, &action] {
    action = [=] {
      Catalog catalog;
      std::vector<FileValidation> files;
      Diagnostics faults;
      for (const std::string& path : options->files) {
        try {
          files.push_back(validate_file(path, catalog));
        } catch (const InputError& error) {
          faults.append(error);
        }
      }
      faults.throw_if_any();
      if (!options->rows.empty()) write_text(options->rows, predictions_csv(files));
      print(options->json ? validation_json(files) + "\n" : validation_table(files));
      return static_cast<int>(Exit::done);
    };
  });
}

}  // namespace nightwatt::cli
