#pragma once

#include <CLI/CLI.hpp>
#include <functional>
#include <string>
#include <vector>

namespace nightwatt::cli {

/// What scripts may rely on.
enum Exit : int { done = 0, our_fault = 1, users_input = 2, interrupted = 130 };

/// Options that every subcommand takes.
struct Globals {
  bool quiet = false;  ///< no progress, no tables: only what was asked for, and errors
  std::vector<std::string> plugins;  ///< libraries with further policies
};

/// What `main` runs when the command line is understood; gives the exit status.
using Action = std::function<int()>;

/// Each adds one subcommand, which sets `action` when it is chosen. `globals` are filled in by
/// then.
void add_run(CLI::App& app, const Globals& globals, Action& action);
void add_compare(CLI::App& app, const Globals& globals, Action& action);
void add_export(CLI::App& app, const Globals& globals, Action& action);
void add_statement(CLI::App& app, const Globals& globals, Action& action);
void add_study(CLI::App& app, const Globals& globals, Action& action);
void add_check(CLI::App& app, const Globals& globals, Action& action);
void add_trace_info(CLI::App& trace, const Globals& globals, Action& action);
void add_trace_convert(CLI::App& trace, const Globals& globals, Action& action);
void add_signal_info(CLI::App& signal, const Globals& globals, Action& action);
void add_validate(CLI::App& app, const Globals& globals, Action& action);
void add_calibrate(CLI::App& app, const Globals& globals, Action& action);
void add_estimate(CLI::App& app, const Globals& globals, Action& action);
void add_report(CLI::App& app, const Globals& globals, Action& action);
void add_list(CLI::App& app, const Globals& globals, Action& action);
void add_schema(CLI::App& app, const Globals& globals, Action& action);

/// Writes to standard output. @throws InputError if it cannot be written (a full disk)
void print(const std::string& text);

/// @throws InputError if `output` is one of the files that are read
void check_no_input(const std::string& output, const std::vector<std::string>& inputs);

/// "\nExample:\n  nightwatt ..." for the end of a help text.
std::string example(const std::string& command);

}  // namespace nightwatt::cli
