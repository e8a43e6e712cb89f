#include "cli/named_values.hpp"

#include <fmt/format.h>

#include "traces/diagnostics.hpp"

namespace nightwatt::cli {

std::map<std::string, std::string> named_values(const char* option,
                                                const std::vector<std::string>& pairs) {
  std::map<std::string, std::string> map;
  for (const std::string& pair : pairs) {
    const auto equals = pair.find('=');
    if (equals == 0 || equals == std::string::npos) {
      throw InputError(fmt::format("{}: expected NAME=VALUE, got {}", option, quote(pair)));
    }
    map[pair.substr(0, equals)] = pair.substr(equals + 1);
  }
  return map;
}

}  // namespace nightwatt::cli
