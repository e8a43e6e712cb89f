#include "cli/plugin.hpp"

#include <dlfcn.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <exception>

#include "policies/plugin.hpp"
#include "traces/diagnostics.hpp"

namespace nightwatt::cli {
namespace {

std::vector<std::string>& names() {
  static std::vector<std::string> all;
  return all;
}

[[noreturn]] void refuse(const std::string& path, const std::string& why) {
  throw InputError(fmt::format("plug-in {}: {}", quote(path), why));
}

}  // namespace

void load_plugin(const std::string& path) {
  // A bare name would be looked for among the system's libraries.
  const std::string file = path.find('/') == std::string::npos ? "./" + path : path;
  // Never closed: its policies live as long as the process.
  void* const library = dlopen(file.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) refuse(path, fmt::format("cannot be loaded: {}", dlerror()));
  const auto* abi = static_cast<const std::uint32_t*>(dlsym(library, "nightwatt_plugin_abi"));
  void* const init = dlsym(library, "nightwatt_register_plugin");
  if (abi == nullptr || init == nullptr) {
    refuse(path, "expected a plug-in of nightwatt (NIGHTWATT_PLUGIN), got another library");
  }
  if (*abi != plugin_abi) {
    refuse(path, fmt::format("was built for plug-in interface {}, this program has {}; build it "
                             "again with the headers of this version",
                             *abi, plugin_abi));
  }
  names().push_back(quote(path));
  try {
    reinterpret_cast<void (*)()>(init)();
  } catch (const std::exception& error) {
    refuse(path, fmt::format("failed to register its policies: {}", error.what()));
  } catch (...) {
    refuse(path, "failed to register its policies");
  }
}

std::string loaded_plugins() { return fmt::format("{}", fmt::join(names(), ", ")); }

}  // namespace nightwatt::cli
