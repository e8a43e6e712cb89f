#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "scenarios/binding.hpp"
#include "scenarios/yaml_tree.hpp"

namespace nightwatt {

/// Where the numbers of a catalogue file come from: its `sources` (figures, joined by commas, to a
/// text) and `assumed` (a list of figures, or true for all that name no source).
struct Provenance {
  std::map<std::string, std::string> sources;  ///< figure ("clocks.base") -> its source
  std::vector<std::string> assumed;            ///< figures without one
};

/// The keys of a file that hold numbers.
struct FigureKeys {
  std::vector<std::string_view> single;  ///< each one figure: "idle", "voltage"
  std::vector<std::string_view> groups;  ///< each entry a figure: "peak" holds "peak.fp32"
};

/// Of every figure that the file gives. What is told of a single figure goes before what is told
/// of its group. A figure without a word, one that the file does not give and one that is told
/// twice are faults.
Provenance provenance_of(const YamlNode& root, const FigureKeys& keys, const ReadContext& context);

/// Of the value of `assumed`: {"*"} stands for true.
KindPtr<std::vector<std::string>> assumed_kind();

}  // namespace nightwatt
