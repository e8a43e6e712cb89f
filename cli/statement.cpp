#include <fmt/format.h>

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "analysis/output_text.hpp"
#include "analysis/statement.hpp"
#include "cli/command.hpp"
#include "scenarios/units.hpp"
#include "sim/timeline/timeline.hpp"
#include "traces/diagnostics.hpp"

namespace nightwatt::cli {
namespace {

struct StatementCommand {
  std::string file, format = "markdown", against, cap, output;
  StatementSubset subset;
};

/// "150 W", or "60 %" of each device's highest limit.
CapChoice cap_choice(const std::string& text) {
  if (const QuantityText share = parse_quantity(Dimension::fraction, text); share.value) {
    if (*share.value > 0.0 && *share.value <= 1.0) return {{}, *share.value};
  } else if (const QuantityText limit = parse_quantity(Dimension::power, text); limit.value) {
    if (*limit.value > 0.0) return {watts(*limit.value), 0.0};
  }
  throw InputError(fmt::format(
      "--cap: expected a power such as '150 W', or a share of each device's highest limit such as "
      "'60 %', got {}",
      quote(text)));
}

int state(const StatementCommand& command) {
  if (!command.output.empty()) {
    check_writable(command.output);
    check_no_input(command.output, {command.file, command.against});
  }
  const auto against = command.against.empty()
                           ? std::nullopt
                           : std::optional<std::filesystem::path>(command.against);
  const auto cap = command.cap.empty() ? std::nullopt : std::optional(cap_choice(command.cap));
  const Statement statement = make_statement(command.file, command.subset, against, cap);
  const std::string text =
      command.format == "latex" ? statement_latex(statement) : statement_markdown(statement);
  if (command.output.empty()) {
    print(text);
  } else {
    replace_file(command.output, text);
  }
  return Exit::done;
}

}  // namespace

void add_statement(CLI::App& app, const Globals&, Action& action) {
  CLI::App* sub = app.add_subcommand("statement", "The energy statement of a run, for a paper");
  const auto command = std::make_shared<StatementCommand>();
  sub->add_option("FILE", command->file, "Timeline file (HDF5)")->required()->type_name("FILE.h5");
  sub->add_option("--format", command->format, "markdown or latex")
      ->check(CLI::IsMember({"markdown", "latex"}))
      ->capture_default_str();
  sub->add_option("--against", command->against,
                  "A run of the same work under another choice, a power cap for example")
      ->type_name("FILE.h5");
  sub->add_option("--cap", command->cap,
                  "Tell what this power cap would have changed: 150 W, or 60 % of each device's "
                  "highest (default)")
      ->type_name("POWER");
  sub->add_option("--user", command->subset.user, "Only the jobs of this user");
  sub->add_option("--class", command->subset.job_class, "Only the jobs of this class");
  sub->add_option("--job", command->subset.job, "Only this job");
  sub->add_option("-o,--output", command->output, "Write to a file instead of printing")
      ->type_name("FILE");
  sub->footer(example("nightwatt statement uncapped.h5 --against capped.h5"));
  sub->callback([=, &action] { action = [=] { return state(*command); }; });
}

}  // namespace nightwatt::cli
