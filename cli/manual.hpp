#pragma once

#include <CLI/CLI.hpp>
#include <functional>
#include <string>

namespace nightwatt::cli {

/// The manual page nightwatt(1) in roff (macros of man): all subcommands and options, as the
/// program itself has them.
std::string manual(const CLI::App& app);

/// `nightwatt man`
void add_manual(CLI::App& app, std::function<int()>& action);

}  // namespace nightwatt::cli
