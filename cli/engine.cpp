#include "cli/engine.hpp"

#include <dlfcn.h>
#include <fmt/format.h>

#include <filesystem>
#include <string>

#include "traces/diagnostics.hpp"

namespace nightwatt::cli {
namespace {

/// Null where the installation has no such module; dlerror() tells why.
template <class Function>
Function* from_module(const char* name) {
  namespace fs = std::filesystem;
  std::error_code error;
  const fs::path program = fs::read_symlink("/proc/self/exe", error);
  const std::string path = (program.parent_path() / NIGHTWATT_MODULES / "simgrid.so").string();
  // Never closed: SimGrid lives as long as the process.
  void* const module = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  return module == nullptr ? nullptr : reinterpret_cast<Function*>(dlsym(module, name));
}

}  // namespace

std::unique_ptr<EventEngine> load_engine() {
  auto* const make = from_module<EventEngine*()>("nightwatt_make_engine");
  if (make == nullptr) {
    throw InputError(fmt::format(
        "the engine cannot be loaded: {} (the program needs the folders lib and share beside its "
        "own)",
        dlerror()));
  }
  return std::unique_ptr<EventEngine>(make());
}

void preload_engine() { (void)from_module<EventEngine*()>("nightwatt_make_engine"); }

std::string engine_version() {
  auto* const version = from_module<const char*()>("nightwatt_engine_version");
  return version == nullptr ? "not found" : version();
}

}  // namespace nightwatt::cli
