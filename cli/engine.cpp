#include "cli/engine.hpp"

#include <dlfcn.h>
#include <fmt/format.h>

#include <filesystem>
#include <string>

#include "traces/diagnostics.hpp"

namespace nightwatt::cli {

std::unique_ptr<EventEngine> load_engine() {
  namespace fs = std::filesystem;
  std::error_code error;
  const fs::path program = fs::read_symlink("/proc/self/exe", error);
  const std::string path = (program.parent_path() / NIGHTWATT_MODULES / "simgrid.so").string();
  // Never closed: SimGrid lives as long as the process.
  void* const module = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  void* const make = module != nullptr ? dlsym(module, "nightwatt_make_engine") : nullptr;
  if (make == nullptr) {
    throw InputError(fmt::format(
        "the engine cannot be loaded: {} (the program needs the folders lib and share beside its "
        "own)",
        dlerror()));
  }
  return std::unique_ptr<EventEngine>(reinterpret_cast<EventEngine* (*)()>(make)());
}

}  // namespace nightwatt::cli
