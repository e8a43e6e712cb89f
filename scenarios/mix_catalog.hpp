#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "scenarios/yaml_tree.hpp"

namespace nightwatt {

/// One file of the catalogue's `mixes` folder: profiles and classes for traces that do not tell
/// what their jobs are.
struct CatalogMix {
  std::string id;  ///< "philly"
  std::string summary, source;
  std::vector<std::string> assumed;
  std::optional<YamlNode> profiles, classes;  ///< both there; as in a workload, which reads them
  std::string file;                           ///< "mixes/philly.yaml"
  std::string sha256;
};

/// Reads one file. @throws InputError with all faults at file:line:column
CatalogMix read_mix(const std::string& id, const std::string& path);

/// By id, in any case. @throws InputError without a position if there is none ("did you mean");
/// with positions for a file that is not a mix
const CatalogMix& catalog_mix(std::string_view id);
std::vector<std::string> catalog_mixes();

/// A workload as it is written in a scenario, with what its `mix` says put where the workload has
/// neither profiles nor classes.
/// @throws InputError where there is no such mix
YamlNode with_mix(const YamlNode& workload);

}  // namespace nightwatt
