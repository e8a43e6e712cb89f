#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

/// Reading the program's own options, for its manual page and for completion.
namespace nightwatt::cli {

/// The name of the subcommand, as the user has to write it: "trace info"; "" for the program.
std::string full_name(const CLI::App& app);

/// The subcommands that help shows, in their order.
std::vector<const CLI::App*> visible_subcommands(const CLI::App& app);

/// The options and positionals that help shows, in their order.
std::vector<const CLI::Option*> visible_options(const CLI::App& app);

/// "-o" and "--output"; short ones first.
std::vector<std::string> option_names(const CLI::Option& option);

[[nodiscard]] inline bool takes_value(const CLI::Option& option) {
  return option.get_expected_max() > 0 && option.get_type_size_max() > 0;
}

/// What a value looks like, as help names it: "FILE.h5", "{csv,batsim}", "NUMBER > 0". Of a type
/// and a check ("FLOAT:NUMBER > 0") it is the check.
std::string value_name(const CLI::Option& option);

/// The words of a value that is one of several; empty where it is not.
std::vector<std::string> value_choices(const CLI::Option& option);

/// The command of the help's example.
std::string example_of(const CLI::App& app);

}  // namespace nightwatt::cli
