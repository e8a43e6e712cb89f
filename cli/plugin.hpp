#pragma once

#include <string>
#include <vector>

namespace nightwatt::cli {

/// Loads the library and registers the policies that it brings.
/// @throws InputError if it is no plug-in, was built for another interface, or fails
void load_plugin(const std::string& path);

/// The plug-ins that were loaded, as given, quoted and joined; "" = none.
std::string loaded_plugins();

}  // namespace nightwatt::cli
