#include "analysis/report/report.hpp"

#include <fmt/format.h>

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "analysis/comparison.hpp"
#include "analysis/study/study_figures.hpp"
#include "analysis/text.hpp"
#include "cli/command.hpp"
#include "cli/progress.hpp"
#include "cli/study_files.hpp"
#include "traces/diagnostics.hpp"

namespace nightwatt::cli {
namespace {

struct ReportOptions {
  std::vector<std::string> files;
  std::string output = "report.html";
};

/// Runs of a study that are drawn: as many as there are colours to tell them apart.
constexpr std::size_t most_drawn = 8;

/// As `compare` tells them, where the runs belong together.
/// @param paths  those of the files, and of their runs with other seeds
std::vector<ReportComparison> differences(const std::vector<TimelineFile>& files,
                                          const std::vector<std::filesystem::path>& paths) {
  if (files.size() < 2) return {};
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
  const NamedFiles named = with_runs_of_study(options.files);
  std::optional<ReportStudy> study;
  std::vector<std::string> drawn = named.files;
  std::vector<std::filesystem::path> compared = {named.files.begin(), named.files.end()};
  if (named.study) {
    study.emplace();
    drawn.clear();
    compared.clear();
    for (const std::size_t point : telling_points(*named.study, most_drawn)) {
      bool first = true;
      for (std::size_t i = 0; i < named.files.size(); ++i) {
        if (named.points[i] != point) continue;
        compared.emplace_back(named.files[i]);
        if (!std::exchange(first, false)) continue;
        drawn.push_back(named.files[i]);
        study->titles.push_back(named.titles[i]);
      }
    }
    study->index = *named.study;
  }
  Diagnostics faults;
  std::vector<TimelineFile> files;
  {
    ProgressLine line(globals.quiet);
    std::vector<std::string> inputs = options.files;
    inputs.insert(inputs.end(), named.files.begin(), named.files.end());
    check_no_input(options.output, inputs);
    for (const std::string& path : drawn) {
      line.step("reading " + printable(path));
      try {
        files.push_back(read_timeline(path));
      } catch (const InputError& error) {
        faults.append(error);
      }
    }
    faults.throw_if_any();
    line.step("drawing");
    write_report(report_page(files, differences(files, compared), study ? &*study : nullptr),
                 options.output);
  }
  if (!globals.quiet) print(fmt::format("report: {}\n", options.output));
  return Exit::done;
}

}  // namespace

void add_report(CLI::App& app, const Globals& globals, Action& action) {
  CLI::App* command = app.add_subcommand(
      "report", "Draw timelines as one page (HTML) that opens without a network");
  const auto options = std::make_shared<ReportOptions>();
  command
      ->add_option("FILES", options->files,
                   "Timelines; the others are compared with the first. Or the index of a study")
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
