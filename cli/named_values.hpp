#pragma once

#include <map>
#include <string>
#include <vector>

namespace nightwatt::cli {

/// The NAME=VALUE pairs of an option. @throws InputError for a text that is none
std::map<std::string, std::string> named_values(const char* option,
                                                const std::vector<std::string>& pairs);

}  // namespace nightwatt::cli
