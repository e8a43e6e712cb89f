#include "analysis/report/report.hpp"

#include <fmt/format.h>

#include <filesystem>
#include <memory>
#include <string>
#include <system_error>
#include <vector>

#include "analysis/comparison.hpp"
#include "analysis/text.hpp"
#include "cli/command.hpp"
#include "cli/progress.hpp"
#include "traces/diagnostics.hpp"

namespace nightwatt::cli {
namespace {

struct ReportOptions {
  std::vector<std::string> files;
  std::string output = "report.html";
};

/// As `compare` tells them, where the runs belong together.
std::vector<ReportComparison> differences(const std::vector<TimelineFile>& files) {
  if (files.size() < 2) return {};
  std::vector<std::filesystem::path> paths;
  for (const TimelineFile& file : files) paths.push_back(file.path());
  try {
    return report_differences(compare_runs(paths, {.allow_unequal = true}), files);
  } catch (const InputError&) {
    return summary_differences(files);
  }
}

int report(const ReportOptions& options, const Globals& globals) {
  if (!report_is_built()) {
    throw InputError(
        "this nightwatt was built without the page of `report` (NIGHTWATT_REPORT=OFF); build it "
        "with -DNIGHTWATT_REPORT=ON");
  }
  check_writable(options.output);
  Diagnostics faults;
  std::vector<TimelineFile> files;
  {
    ProgressLine line(globals.quiet);
    for (const std::string& path : options.files) {
      std::error_code ignored;
      if (std::filesystem::equivalent(path, options.output, ignored)) {
        faults.error({}, fmt::format("output: {} is one of the files that the report is made from",
                                     nightwatt::quoted(options.output)));
        continue;
      }
      line.step("reading " + printable(path));
      try {
        files.push_back(read_timeline(path));
      } catch (const InputError& error) {
        faults.append(error);
      }
    }
    faults.throw_if_any();
    line.step("drawing");
    write_report(report_page(files, differences(files)), options.output);
  }
  if (!globals.quiet) print(fmt::format("report: {}\n", options.output));
  return Exit::done;
}

}  // namespace

void add_report(CLI::App& app, const Globals& globals, Action& action) {
  CLI::App* command = app.add_subcommand(
      "report", "Draw timelines as one page (HTML) that opens without a network");
  const auto options = std::make_shared<ReportOptions>();
  command->add_option("FILES", options->files, "Timelines; the others are compared with the first")
      ->required()
      ->type_name("FILE.h5");
  command->add_option("-o,--output", options->output, "The page")
      ->type_name("FILE.html")
      ->capture_default_str();
  command->footer(example("nightwatt report capped.h5 uncapped.h5 -o report.html"));
  command->callback(
      [=, &globals, &action] { action = [=, &globals] { return report(*options, globals); }; });
}

}  // namespace nightwatt::cli
