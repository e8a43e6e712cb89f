#include "analysis/trace_info.hpp"

#include "cli/command.hpp"
#include "cli/trace_options.hpp"

namespace nightwatt::cli {

void add_trace_info(CLI::App& trace, const Globals&, Action& action) {
  CLI::App* command =
      trace.add_subcommand("info", "What a trace holds, and how its rows were understood");
  const auto options = TraceOptions::add_to(*command);
  const auto json = std::make_shared<bool>(false);
  command->add_flag("--json", *json, "Print it as JSON");
  command->footer(example("nightwatt trace info traces/samples/lublin_256.swf.gz"));
  command->callback([=, &action] {
    action = [=] {
      const Workload workload = options->read();
      print(*json ? trace_info_json(workload) + "\n" : trace_info_table(workload));
      return static_cast<int>(Exit::done);
    };
  });
}

}  // namespace nightwatt::cli
