#include "cli/trace_options.hpp"

#include "cli/named_values.hpp"

namespace nightwatt::cli {
std::shared_ptr<TraceOptions> TraceOptions::add_to(CLI::App& command) {
  const auto options = std::make_shared<TraceOptions>();
  ReadRequest& request = options->request;
  command.add_option("FILE", request.path, "Workload trace; may be .gz, .zst or .bz2")
      ->required()
      ->type_name("FILE");
  command.add_option("--format", request.format, "See: nightwatt list formats")
      ->type_name("TRACE-FORMAT")
      ->capture_default_str();
  command.add_option("--zone", request.zone, "IANA time zone of dates that name none");
  command.add_option("--tasks", request.tasks_path, "The task table beside a PAI job table")
      ->type_name("FILE");
  command
      .add_option("--rule", options->rules,
                  "How rows are decided that could be read in two ways: RULE=CHOICE")
      ->allow_extra_args(false);
  command
      .add_option("--column", options->columns,
                  "Format csv: which column holds a field: FIELD=NAME, or FIELD=#3")
      ->allow_extra_args(false);
  command.add_option("--time-unit", request.columns.time_unit, "Format csv: of points in time")
      ->capture_default_str();
  command.add_option("--duration-unit", request.columns.duration_unit, "Format csv: of durations")
      ->capture_default_str();
  command.add_option("--time-form", request.columns.time_form, "Format csv")
      ->check(CLI::IsMember({"auto", "epoch", "date", "relative"}))
      ->capture_default_str();
  command.add_option("--deadline-from", request.columns.deadline_from, "Format csv")
      ->check(CLI::IsMember({"origin", "submit"}))
      ->capture_default_str();
  command.add_option("--delimiter", request.columns.delimiter, "Format csv")->capture_default_str();
  command.add_flag("--no-header", options->no_header, "Format csv: the first row is data");
  return options;
}

Workload TraceOptions::read() const {
  ReadRequest complete = request;
  complete.columns.columns = named_values("--column", columns);
  complete.rules = named_values("--rule", rules);
  complete.columns.header = !no_header;
  return read_workload(complete);
}

}  // namespace nightwatt::cli
