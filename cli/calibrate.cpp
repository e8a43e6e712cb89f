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
    std::vector<std::string> files, anchors;
    std::string out, report;
  };
  const auto options = std::make_shared<Options>();
  command->add_option("FILES", options->files, "Measurements, as their sources publish them")
      ->type_name("FILE");
  command
      ->add_option("--anchor", options->anchors,
                   "A handful of rows of a device that nobody has measured: its terms are scaled")
      ->expected(1)
      ->type_name("FILE.csv");
  command
      ->add_option("-o,--output", options->out,
                   "Folder to write the terms to; put it before the shipped one in "
                   "NIGHTWATT_CATALOG to use them")
      ->required()
      ->type_name("FOLDER");
  command
      ->add_option("--report", options->report,
                   "Also write the cross-validated errors to a file (Markdown)")
      ->type_name("FILE.md");
  command->footer(example("nightwatt calibrate zeus_train_powercap.csv -o terms-of-mine"));
  command->callback([=, &action, &globals] {
    action = [=, &globals] {
      Catalog catalog;
      std::vector<MeasuredFile> files, anchors;
      Diagnostics faults;
      const auto read = [&](const std::vector<std::string>& paths, auto& into) {
        for (const std::string& path : paths) {
          try {
            into.push_back(MeasuredFile::read(path));
          } catch (const InputError& error) {
            faults.append(error);
          }
        }
      };
      read(options->files, files);
      read(options->anchors, anchors);
      faults.throw_if_any();
      const Calibration calibration = calibrate(files, catalog, anchors);
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
