#include <fmt/format.h>

#include <memory>
#include <string>

#include "analysis/export.hpp"
#include "cli/command.hpp"
#include "cli/interrupt.hpp"
#include "sim/timeline/timeline.hpp"

namespace nightwatt::cli {
namespace {

struct ExportCommand {
  std::string file, format, output;
};

int export_file(const ExportCommand& command, const Globals& globals) {
  const TimelineFile file = read_timeline(command.file);
  const GracefulStop graceful;
  std::vector<std::string> names;
  try {
    names = export_timeline(file, command.format == "csv" ? ExportForm::csv : ExportForm::batsim,
                            command.output, [] { return GracefulStop::requested().load(); });
  } catch (const WriteInterrupted&) {
    fmt::print(stderr, "interrupted: no file was written\n");
    return GracefulStop::exit_status();
  }
  if (globals.quiet) return Exit::done;
  std::string text;
  for (const std::string& name : names) text += fmt::format("{}/{}\n", command.output, name);
  print(text);
  return Exit::done;
}

}  // namespace

void add_export(CLI::App& app, const Globals& globals, Action& action) {
  CLI::App* sub = app.add_subcommand("export", "Write a timeline as CSV files, or as Batsim does");
  const auto command = std::make_shared<ExportCommand>();
  sub->add_option("FILE", command->file, "Timeline file (HDF5)")->required()->type_name("FILE.h5");
  sub->add_option("--format", command->format, "csv: a file a group; batsim: jobs and schedule")
      ->required()
      ->check(CLI::IsMember({"csv", "batsim"}));
  sub->add_option("-o,--output", command->output, "Folder; must not exist, or be empty")
      ->required()
      ->type_name("FOLDER");
  sub->footer(example("nightwatt export philly.h5 --format csv -o philly-csv"));
  sub->callback([=, &globals, &action] {
    action = [=, &globals] { return export_file(*command, globals); };
  });
}

}  // namespace nightwatt::cli
