#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "traces/diagnostics.hpp"

namespace nightwatt {

/// A YAML value with the place where it stands. Also built by hand to be written as YAML or JSON.
struct YamlNode {
  enum class Kind : std::uint8_t { null, scalar, list, map };

  Kind kind = Kind::null;
  std::string text;              ///< of a scalar
  bool literal = false;          ///< made by hand: a number, true or false (never in quotes)
  Position where;                ///< of an empty value: its key's
  std::vector<YamlNode> keys;    ///< of a map: scalars, in the order of the file
  std::vector<YamlNode> values;  ///< of a map or a list

  static YamlNode make_text(std::string_view text);
  static YamlNode make_literal(std::string_view text);
  static YamlNode make_list(std::vector<YamlNode> values = {});
  static YamlNode make_map();

  [[nodiscard]] bool is_scalar() const { return kind == Kind::scalar; }
  [[nodiscard]] bool is_list() const { return kind == Kind::list; }
  [[nodiscard]] bool is_map() const { return kind == Kind::map; }
  /// The value of a key of a map; null if there is none.
  [[nodiscard]] const YamlNode* find(std::string_view key) const;
  [[nodiscard]] YamlNode* find(std::string_view key);
  /// Adds a key to a map, or replaces its value.
  YamlNode& set(std::string_view key, YamlNode value);
  /// For messages: "'350'", "nothing", "a list", "a mapping".
  [[nodiscard]] std::string shown() const;
};

/// Nesting of a file beyond this is refused before anything recurses over it.
inline constexpr int max_yaml_depth = 40;
/// Larger texts are refused: what people write by hand is far smaller.
inline constexpr std::size_t max_yaml_bytes = std::size_t{1} << 20;

/// Reads one YAML document. Refused, with their place: duplicate keys, keys that are not plain
/// text, anchors, aliases and tags, several documents, bytes that are not UTF-8 text.
/// @param file  for the positions
/// @param faults  takes duplicate keys, of which the first counts, so that what reads the tree can
///   add its own
/// @throws InputError  for all else
YamlNode parse_yaml(std::string_view text, const std::string& file, Diagnostics& faults);
/// The same, which throws duplicate keys, too.
YamlNode parse_yaml(std::string_view text, const std::string& file);

/// Block style, two blanks a level, lists of scalars in brackets, quotes only where needed.
std::string write_yaml(const YamlNode& node);
/// A value on one line as people read it, in flow style without quotes: "{fixed: {limit: 150 W}}".
std::string flow_text(const YamlNode& node);
/// JSON of a tree, two blanks a level.
std::string write_json(const YamlNode& node);

}  // namespace nightwatt
