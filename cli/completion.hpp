#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

namespace nightwatt::cli {

/// What the shells' scripts give as the first word, with the words of the command line after it.
inline constexpr const char* complete_word = "__complete";

/// What may stand in place of the last of `words` (those after the program's name; the last may be
/// empty): a line each, a tab and what it is after it, where that is known. The line ":file .h5"
/// asks for the names of files that end so, ":file" for those of any, ":folder" for folders.
/// All of it comes from the options and subcommands of `app` and from the catalogue.
std::string completions(const CLI::App& app, const std::vector<std::string>& words);

/// `nightwatt completion bash`
void add_completion(CLI::App& app, std::function<int()>& action);

}  // namespace nightwatt::cli
