#include <fmt/format.h>

#include "analysis/text.hpp"
#include "analysis/trace_writer.hpp"
#include "cli/command.hpp"
#include "cli/interrupt.hpp"
#include "cli/trace_options.hpp"
#include "sim/timeline/timeline.hpp"

namespace nightwatt::cli {
namespace {

int convert(const TraceOptions& options, const std::string& output, const Globals& globals) {
  const TraceForm form = trace_form(output);
  check_writable(output);
  const Workload workload = options.read();
  const GracefulStop graceful;
  std::vector<RuleCount> losses;
  try {
    losses = write_trace(workload, form, output, [] { return GracefulStop::requested().load(); });
  } catch (const WriteInterrupted&) {
    fmt::print(stderr, "interrupted: no file was written or changed\n");
    return GracefulStop::exit_status();
  }
  if (globals.quiet) return Exit::done;
  TextTable table({TextTable::Align::left, TextTable::Align::right});
  table.row({"jobs", grouped(workload.jobs.size())});
  for (const RuleCount& loss : losses) table.row({loss.rule, grouped(loss.rows), loss.choice});
  print(table.text() + fmt::format("trace: {}\n", output));
  return Exit::done;
}

}  // namespace

void add_trace_convert(CLI::App& trace, const Globals& globals, Action& action) {
  CLI::App* command = trace.add_subcommand("convert", "Write a trace in another format");
  const auto options = TraceOptions::add_to(*command);
  const auto output = std::make_shared<std::string>();
  command->add_option("-o,--output", *output, "OUT.swf, OUT.csv or OUT.json (Batsim)")
      ->required()
      ->type_name("FILE");
  command->footer(
      example("nightwatt trace convert traces/samples/lublin_256.swf.gz -o lublin.json"));
  command->callback([=, &globals, &action] {
    action = [=, &globals] { return convert(*options, *output, globals); };
  });
}

}  // namespace nightwatt::cli
