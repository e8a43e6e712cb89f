#include "analysis/signal_info.hpp"

#include <vector>

#include "cli/command.hpp"
#include "cli/named_values.hpp"

namespace nightwatt::cli {

void add_signal_info(CLI::App& signal, const Globals&, Action& action) {
  CLI::App* command =
      signal.add_subcommand("info", "What a series holds, and how its rows were understood");
  struct Options {
    SignalRequest request;
    std::vector<std::string> rules;
    bool json = false;
  };
  const auto options = std::make_shared<Options>();
  SignalRequest& request = options->request;
  command->add_option("FILE", request.path, "Series; may be .gz, .zst or .bz2")
      ->required()
      ->type_name("FILE");
  command->add_option("--format", request.format, "See: nightwatt list formats")
      ->type_name("SERIES-FORMAT")
      ->capture_default_str();
  command->add_option("--column", request.column,
                      "Which values (direct, wet-bulb, ...; format csv: a name, or #3)");
  command->add_option("--region", request.region, "Which grid of a file with several");
  command->add_option("--zone", request.zone, "IANA time zone of dates that name none");
  command->add_option("--time-column", request.time_column, "Format csv: a name, or #1");
  command->add_option("--unit", request.unit, "Where the file does not name it");
  command
      ->add_option("--rule", options->rules,
                   "How rows are decided that could be read in two ways: RULE=CHOICE. Gaps are "
                   "counted and left out unless rule gap is given")
      ->allow_extra_args(false);
  command->add_flag("--json", options->json, "Print it as JSON");
  command->footer(example("nightwatt signal info scenarios/data/US-TEX-ERCO_2022_hourly.csv.gz"));
  command->callback([=, &action] {
    action = [=] {
      SignalRequest complete = options->request;
      complete.rules = named_values("--rule", options->rules);
      // One wants to see a series with gaps, too; the figures leave them out.
      complete.rules.emplace("gap", "hold");
      const SignalData data = read_signal(complete);
      print(options->json ? signal_info_json(data) + "\n" : signal_info_table(data));
      return static_cast<int>(Exit::done);
    };
  });
}

}  // namespace nightwatt::cli
