#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "scenarios/catalog.hpp"

namespace nightwatt {

/// Reads one file of the catalogue's `devices` folder.
/// @throws InputError with all faults at file:line:column
CatalogDevice read_device(const std::string& id, const std::string& path);

/// The aliases of a device file's text, for an index: parses that key alone where it stands at the
/// start of a line, else the whole text.
/// @throws InputError
std::vector<Alias> read_aliases(std::string_view text, const std::string& path);

}  // namespace nightwatt
