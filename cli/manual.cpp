#include "cli/manual.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cctype>
#include <string_view>
#include <vector>

#include "cli/command.hpp"
#include "cli/option_tree.hpp"

namespace nightwatt::cli {
namespace {

/// What stays as it is whatever the options are.
constexpr std::string_view after_commands = R"(.SH EXIT STATUS
.TP
.B 0
Done.
.TP
.B 1
A fault of the program.
.TP
.B 2
The input or the command line is wrong.
Every fault that was found is told on standard error as
.IR file : line : column :
.B error:
and what was expected.
.TP
.BR 130 ", " 143
Interrupted (SIGINT, SIGTERM).
A file that was there before is replaced only by a complete new one.
.SH ENVIRONMENT
.TP
.B NIGHTWATT_CATALOG
Folders of devices, nodes, models and fitted terms, joined by colons, in place of the installed catalogue.
The first that has a name wins.
.SH FILES
Seen from the folder of the program, so that an installation may be moved:
.TP
.I ../share/nightwatt/catalog
Devices, nodes, facilities, models and mixes, each figure with its source.
.TP
.I ../share/nightwatt/scenarios
Scenarios to start from, with the series that they read.
.TP
.I ../share/nightwatt/traces/samples
Traces that they replay, each with its own licence.
.TP
.I ../lib/nightwatt/simgrid.so
The event engine, on SimGrid.
.PP
A timeline is HDF5 and opens as netCDF-4:
.EX
python3 \-c \(aqimport xarray; print(xarray.open_dataset("minimal.h5", group="jobs"))\(aq
.EE
.SH EXAMPLES
Simulate an installed scenario, once more under another policy, and see what changed:
.PP
.EX
nightwatt run /usr/share/nightwatt/scenarios/minimal.yaml \-o minimal.h5
nightwatt run /usr/share/nightwatt/scenarios/minimal.yaml \-o strict.h5 \-\-set policies.backfill=none
nightwatt compare minimal.h5 strict.h5
nightwatt report minimal.h5 strict.h5 \-o report.html
.EE
.SH SEE ALSO
.BR h5dump (1),
.BR ncdump (1)
)";

/// Text that the formatter takes for nothing but text.
std::string roff(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '\\') {
      out += "\\e";
    } else if (c == '-') {
      out += "\\-";
    } else if (c == '\'') {
      out += "\\(aq";
    } else {
      out += c;
    }
  }
  return out.empty() || out.front() != '.' ? out : "\\&" + out;
}

/// "Print it as JSON" -> "Print it as JSON."
std::string sentence(std::string text) {
  while (!text.empty() && text.back() == '\n') text.pop_back();
  if (!text.empty() && text.back() != '.') text += '.';
  return text;
}

/// The options, longest names, in the order of the alphabet.
std::string names_of(const std::set<CLI::Option*>& options) {
  std::vector<std::string> names;
  for (const CLI::Option* option : options) names.push_back(option_names(*option).back());
  std::sort(names.begin(), names.end());
  return fmt::format("{}", fmt::join(names, ", "));
}

std::string option_entry(const CLI::Option& option) {
  std::string head;
  if (option.get_positional()) {
    head = fmt::format("\\fI{}\\fR", roff(option.get_name()));
  } else {
    for (const std::string& name : option_names(option)) {
      head += fmt::format("{}\\fB{}\\fR", head.empty() ? "" : ", ", roff(name));
    }
  }
  if (takes_value(option)) {
    const char* form = option.get_expected_min() == 0 ? " [\\fI{}\\fR]" : " \\fI{}\\fR";
    head += fmt::format(fmt::runtime(form), roff(value_name(option)));
  }
  std::string text = sentence(option.get_description());
  if (option.get_required() && !option.get_positional()) text += " Required.";
  if (!option.get_default_str().empty())
    text += fmt::format(" Default: {}.", option.get_default_str());
  if (!option.get_needs().empty()) text += fmt::format(" Needs {}.", names_of(option.get_needs()));
  if (!option.get_excludes().empty()) {
    text += fmt::format(" Not with {}.", names_of(option.get_excludes()));
  }
  return fmt::format(".TP\n{}\n{}\n", head, roff(text));
}

/// Positionals first, as the command line has them.
std::string entries(const CLI::App& app) {
  std::string out;
  for (const bool positional : {true, false}) {
    for (const CLI::Option* option : visible_options(app)) {
      // Each subcommand has it.
      if (option == app.get_help_ptr() && app.get_parent() != nullptr) continue;
      if (option->get_positional() == positional) out += option_entry(*option);
    }
  }
  return out;
}

std::string commands(const CLI::App& app) {
  std::string out;
  for (const CLI::App* sub : visible_subcommands(app)) {
    std::string usage = full_name(*sub);
    for (const CLI::Option* option : visible_options(*sub)) {
      if (!option->get_positional()) continue;
      usage += " " + option->get_name() + (option->get_items_expected_max() > 1 ? "..." : "");
    }
    const bool leaf = visible_subcommands(*sub).empty();
    out += fmt::format(".SS {}{}\n{}\n", roff(usage), leaf ? "" : " COMMAND",
                       roff(sentence(sub->get_description())));
    out += entries(*sub);
    if (const std::string example = example_of(*sub); leaf && !example.empty()) {
      out += fmt::format(".PP\nExample:\n.PP\n.EX\n{}\n.EE\n", roff(example));
    }
    out += commands(*sub);
  }
  return out;
}

}  // namespace

std::string manual(const CLI::App& app) {
  const std::string what = app.get_description().substr(0, app.get_description().find('\n'));
  std::string name = what;
  name.front() = static_cast<char>(std::tolower(static_cast<unsigned char>(name.front())));
  if (name.back() == '.') name.pop_back();
  std::string out = fmt::format(
      ".TH NIGHTWATT 1 \"\" \"nightwatt " NIGHTWATT_VERSION
      "\" \"User Commands\"\n"
      ".SH NAME\nnightwatt \\- {}\n"
      ".SH SYNOPSIS\n.B nightwatt\n.RI [ options ]\n.I command\n.RI [ arguments ]\n"
      ".SH DESCRIPTION\n{}\n"
      "It replays real job traces on a simulated cluster, event by event on SimGrid, and charges "
      "every joule: to a job, or to what it was spent on beside the jobs.\n"
      "The result is one HDF5 file.\n"
      ".SH OPTIONS\nThey stand before the command or after it.\n",
      roff(name), roff(sentence(what)));
  out += entries(app);
  out += ".SH COMMANDS\n";
  out += commands(app);
  return out + std::string(after_commands);
}

void add_manual(CLI::App& app, Action& action) {
  CLI::App* command = app.add_subcommand("man", "Print the manual page (roff)");
  command->footer(example("nightwatt man | man -l -"));
  command->callback([&app, &action] {
    action = [&app] {
      print(manual(app));
      return static_cast<int>(Exit::done);
    };
  });
}

}  // namespace nightwatt::cli
