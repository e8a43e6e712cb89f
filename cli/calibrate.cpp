#include "analysis/calibrate.hpp"

#include <memory>
#include <string>
#include <vector>

#include "cli/command.hpp"

namespace nightwatt::cli {

void add_calibrate(CLI::App& app, const Globals& globals, Action& action) {
  CLI::App* command = app.add_subcommand(
      "calibrate", "Fit the terms of the energy model to measurements, and cross-validate them");
  struct Options {
    std::vector<std::string> files;
    std::string out, report;
  };
  const auto options = std::make_shared<Options>();
  command->add_option("FILES", options->files, "Measurements, as their sources publish them")
      ->required();
  command
      ->add_option("-o,--output", options->out,
                   "Folder to write the terms to; put it before the shipped one in "
                   "NIGHTWATT_CATALOG to use them")
      ->required();
  command->add_option("--report", options->report,
                      "Also write the cross-validated errors to a file (Markdown)");
  command->footer(example("nightwatt calibrate zeus_train_powercap.csv -o terms-of-mine"));
  command->callback([=, &action, &globals] {
    action = [=, &globals] {
      Catalog catalog;
      std::vector<MeasuredFile> files;
      Diagnostics faults;
      for (const std::string& path : options->files) {
        try {
          files.push_back(MeasuredFile::read(path));
        } catch (const InputError& error) {
          faults.append(error);
        }
      }
      faults.throw_if_any();
      const Calibration calibration = calibrate(files, catalog);
      write_calibration(calibration, catalog, options->out);
      if (!options->report.empty()) {
        write_text(options->report, calibration_report(calibration));
      }
      if (!globals.quiet) print(calibration_table(calibration));
      return static_cast<int>(Exit::done);
    };
  });
}

}  // namespace nightwatt::cli
