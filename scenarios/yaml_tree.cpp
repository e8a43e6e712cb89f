#include "scenarios/yaml_tree.hpp"

#include <fmt/format.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <array>
#include <sstream>
#include <utility>

namespace nightwatt {
namespace {

/// Thrown through the parser at the first thing that makes going on senseless.
struct Refused {
  Position where;
  std::string message;
};

/// Builds the tree from the parser's events. YAML::Node is not used: it keeps the first of two
/// equal keys silently, expands aliases and loses the places of empty values.
class Builder final : public YAML::EventHandler {
 public:
  Builder(const std::string& file, Diagnostics& faults) : file_(file), faults_(faults) {}

  void OnDocumentStart(const YAML::Mark&) override {}
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    refuse_anchor(mark, anchor);
    add({}, mark);
  }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t) override {
    throw Refused{at(mark), "aliases (*name) are not supported; write the value out"};
  }
  void OnAnchor(const YAML::Mark& mark, const std::string&) override {
    throw Refused{at(mark), "anchors (&name) are not supported; write the value out"};
  }
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    refuse_anchor(mark, anchor);
    refuse_tag(mark, tag);
    YamlNode node;
    node.kind = YamlNode::Kind::scalar;
    node.text = value;
    add(std::move(node), mark);
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    open(mark, tag, anchor, YamlNode::Kind::list);
  }
  void OnSequenceEnd() override { close(); }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    open(mark, tag, anchor, YamlNode::Kind::map);
  }
  void OnMapEnd() override { close(); }

  YamlNode take() { return std::move(root_); }

 private:
  [[nodiscard]] Position at(const YAML::Mark& mark) const {
    if (mark.is_null()) return {file_, 0, 0};
    return {file_, static_cast<std::uint64_t>(mark.line) + 1,
            static_cast<std::uint64_t>(mark.column) + 1};
  }

  void refuse_anchor(const YAML::Mark& mark, YAML::anchor_t anchor) const {
    if (anchor != YAML::NullAnchor) {
      throw Refused{at(mark), "anchors (&name) are not supported; write the value out"};
    }
  }
  void refuse_tag(const YAML::Mark& mark, const std::string& tag) const {
    // "?" is a plain value, "!" one in quotes.
    if (tag != "?" && tag != "!" && !tag.empty()) {
      throw Refused{at(mark), fmt::format("tags (such as {}) are not supported", quote(tag))};
    }
  }

  void open(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
            YamlNode::Kind kind) {
    refuse_anchor(mark, anchor);
    refuse_tag(mark, tag);
    if (static_cast<int>(open_.size()) >= max_yaml_depth) {
      throw Refused{at(mark), fmt::format("nested more than {} levels deep", max_yaml_depth)};
    }
    if (!open_.empty() && expects_key()) {
      throw Refused{at(mark),
                    "expected a key, got a list or a mapping (a bracket that is not closed?)"};
    }
    YamlNode node;
    node.kind = kind;
    node.where = at(mark);
    open_.push_back(std::move(node));
  }

  void close() {
    YamlNode node = std::move(open_.back());
    open_.pop_back();
    attach(std::move(node));
  }

  void add(YamlNode node, const YAML::Mark& mark) {
    node.where = at(mark);
    if (!open_.empty() && expects_key()) {
      add_key(std::move(node));
      return;
    }
    // The parser puts an empty value where the next token stands: its key is the better place.
    if (node.kind == YamlNode::Kind::null && !open_.empty() && open_.back().is_map()) {
      node.where = open_.back().keys.back().where;
    }
    attach(std::move(node));
  }

  void add_key(YamlNode key) {
    if (!key.is_scalar()) throw Refused{key.where, "expected a key, got nothing"};
    YamlNode& map = open_.back();
    for (const YamlNode& other : map.keys) {
      if (other.text == key.text) {
        faults_.error(key.where, fmt::format("duplicate key {} (first in line {})", quote(key.text),
                                             other.where.line));
        break;
      }
    }
    if (map.keys.size() >= max_keys) throw Refused{key.where, "too many keys in one mapping"};
    map.keys.push_back(std::move(key));
  }

  void attach(YamlNode node) {
    if (open_.empty()) {
      root_ = std::move(node);
    } else {
      open_.back().values.push_back(std::move(node));
    }
  }

  [[nodiscard]] bool expects_key() const {
    return open_.back().is_map() && open_.back().keys.size() == open_.back().values.size();
  }

  static constexpr std::size_t max_keys = 10000;  ///< the search for duplicates is quadratic
  const std::string& file_;
  Diagnostics& faults_;
  std::vector<YamlNode> open_;
  YamlNode root_;
};

/// Bytes of the UTF-8 character at `at`, 0 if it is not one (overlong and surrogates included).
std::size_t utf8_length(std::string_view text, std::size_t at) {
  const auto byte = [&](std::size_t i) {
    return at + i < text.size() ? static_cast<unsigned char>(text[at + i]) : 0U;
  };
  const auto tail = [&](std::size_t i) { return (byte(i) & 0xC0U) == 0x80U; };
  const unsigned b = byte(0);
  if (b < 0x80) return 1;
  if (b >= 0xC2 && b <= 0xDF && tail(1)) return 2;
  if (b >= 0xE0 && b <= 0xEF && tail(1) && tail(2)) {
    if ((b == 0xE0 && byte(1) < 0xA0) || (b == 0xED && byte(1) > 0x9F)) return 0;
    return 3;
  }
  if (b >= 0xF0 && b <= 0xF4 && tail(1) && tail(2) && tail(3)) {
    if ((b == 0xF0 && byte(1) < 0x90) || (b == 0xF4 && byte(1) > 0x8F)) return 0;
    return 4;
  }
  return 0;
}

/// @throws Refused at the first byte that is not text.
void require_text(std::string_view text, const std::string& file) {
  if (text.size() > max_yaml_bytes) {
    throw Refused{{file, 0, 0},
                  fmt::format("expected at most {} bytes of YAML, got more", max_yaml_bytes)};
  }
  std::uint64_t line = 1, column = 1;
  for (std::size_t at = 0; at < text.size();) {
    const auto c = static_cast<unsigned char>(text[at]);
    const std::size_t length = utf8_length(text, at);
    if (length == 0) throw Refused{{file, line, column}, "not UTF-8 text"};
    if ((c < 0x20 && c != '\t' && c != '\n' && c != '\r') || c == 0x7F) {
      throw Refused{{file, line, column},
                    fmt::format("unexpected control byte 0x{:02x}; not a text file?", c)};
    }
    at += length;
    if (c == '\n') {
      ++line;
      column = 1;
    } else {
      column += length;
    }
  }
}

// ---------------------------------------------------------------- writing

bool is_plain(std::string_view text) {
  if (text.empty() || text.front() == ' ' || text.back() == ' ' || text.back() == ':') return false;
  constexpr std::array reserved = {"null", "true", "false", "yes", "no", "on",
                                   "off",  "y",    "n",     "nan", "inf"};
  std::string lower(text);
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  if (std::find(reserved.begin(), reserved.end(), lower) != reserved.end()) return false;
  const auto letter = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == '/';
  };
  const auto digit = [](char c) { return c >= '0' && c <= '9'; };
  // "..", "./x" and "2022-..." are plain; a text that is only a number is not.
  if (!letter(text.front()) && !digit(text.front()) && text.front() != '.') return false;
  if (std::none_of(text.begin(), text.end(), letter)) return false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (letter(c) || digit(c) || c == '.' || c == '-' || c == '+' || c == '%' || c == '(' ||
        c == ')' || c == '=') {
      continue;
    }
    // A colon inside a word and a single blank between words are harmless.
    if (c == ':' && text[i + 1] != ' ') continue;
    if (c == ' ' && text[i + 1] != '#') continue;
    return false;
  }
  // Would be read as a number by others: 1e5, 0x10, .5e3
  return !(std::all_of(text.begin(), text.end(),
                       [&](char c) {
                         return digit(c) || c == '.' || c == '-' || c == '+' || c == '_' ||
                                c == ':' || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F') ||
                                c == 'x' || c == 'o';
                       }) &&
           (digit(text.front()) || text.front() == '.') &&
           text.find_first_of("0123456789") != std::string_view::npos);
}

std::string in_quotes(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (c == '\n') {
      out += "\\n";
    } else if (c == '\t') {
      out += "\\t";
    } else if (c == '\r') {
      out += "\\r";
    } else if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) {
      out += fmt::format("\\u{:04x}", static_cast<unsigned>(static_cast<unsigned char>(c)));
    } else {
      out += c;
    }
  }
  return out + '"';
}

std::string scalar_yaml(const YamlNode& node) {
  if (node.kind == YamlNode::Kind::null) return "null";
  return node.literal || is_plain(node.text) ? node.text : in_quotes(node.text);
}

bool is_flat(const YamlNode& node) {
  return (node.is_list() || node.is_map()) &&
         std::none_of(node.values.begin(), node.values.end(), [](const YamlNode& v) {
           return !v.values.empty() || v.is_list() || v.is_map();
         });
}

void write_block(const YamlNode& node, std::size_t indent, bool after_dash, std::string& out);

/// What stands after "key:" or "- ".
void write_value(const YamlNode& node, std::size_t indent, std::string& out) {
  if (node.is_list() && is_flat(node)) {
    std::vector<std::string> texts;
    for (const YamlNode& v : node.values) {
      // A comma or bracket ends a plain text inside brackets.
      const bool plain = v.literal || is_plain(v.text);
      texts.push_back(plain ? v.text : in_quotes(v.text));
    }
    out += fmt::format(" [{}]\n", fmt::join(texts, ", "));
  } else if (node.is_map() && node.values.empty()) {
    out += " {}\n";
  } else if (node.is_map() || node.is_list()) {
    out += '\n';
    write_block(node, indent + 2, false, out);
  } else {
    out += " " + scalar_yaml(node) + "\n";
  }
}

void write_block(const YamlNode& node, std::size_t indent, bool after_dash, std::string& out) {
  for (std::size_t i = 0; i < node.values.size(); ++i) {
    if (!(after_dash && i == 0)) out.append(indent, ' ');
    if (node.is_map()) {
      const YamlNode& key = node.keys[i];
      out += (is_plain(key.text) ? key.text : in_quotes(key.text)) + ":";
      write_value(node.values[i], indent, out);
    } else if (node.values[i].is_map() && !node.values[i].values.empty()) {
      out += "- ";
      write_block(node.values[i], indent + 2, true, out);
    } else {
      out += "-";
      write_value(node.values[i], indent, out);
    }
  }
}

void write_json(const YamlNode& node, std::size_t indent, std::string& out) {
  switch (node.kind) {
    case YamlNode::Kind::null:
      out += "null";
      return;
    case YamlNode::Kind::scalar:
      out += node.literal ? node.text : in_quotes(node.text);
      return;
    default:
      break;
  }
  const bool map = node.is_map();
  if (node.values.empty()) {
    out += map ? "{}" : "[]";
    return;
  }
  const bool flat = !map && is_flat(node);
  out += map ? "{" : "[";
  for (std::size_t i = 0; i < node.values.size(); ++i) {
    if (i != 0) out += flat ? ", " : ",";
    if (!flat) {
      out += '\n';
      out.append(indent + 2, ' ');
    }
    if (map) out += in_quotes(node.keys[i].text) + ": ";
    write_json(node.values[i], indent + 2, out);
  }
  if (!flat) {
    out += '\n';
    out.append(indent, ' ');
  }
  out += map ? "}" : "]";
}

}  // namespace

YamlNode YamlNode::make_text(std::string_view text) {
  YamlNode node;
  node.kind = Kind::scalar;
  node.text = text;
  return node;
}

YamlNode YamlNode::make_literal(std::string_view text) {
  YamlNode node = make_text(text);
  node.literal = true;
  return node;
}

YamlNode YamlNode::make_list(std::vector<YamlNode> values) {
  YamlNode node;
  node.kind = Kind::list;
  node.values = std::move(values);
  return node;
}

YamlNode YamlNode::make_map() {
  YamlNode node;
  node.kind = Kind::map;
  return node;
}

const YamlNode* YamlNode::find(std::string_view key) const {
  for (std::size_t i = 0; i < keys.size() && i < values.size(); ++i) {
    if (keys[i].text == key) return &values[i];
  }
  return nullptr;
}

YamlNode* YamlNode::find(std::string_view key) {
  return const_cast<YamlNode*>(std::as_const(*this).find(key));
}

YamlNode& YamlNode::set(std::string_view key, YamlNode value) {
  if (YamlNode* old = find(key)) {
    *old = std::move(value);
    return *old;
  }
  YamlNode name = make_text(key);
  name.where = value.where;
  keys.push_back(std::move(name));
  values.push_back(std::move(value));
  return values.back();
}

std::string YamlNode::shown() const {
  switch (kind) {
    case Kind::null:
      return "nothing";
    case Kind::scalar:
      return quote(text);
    case Kind::list:
      return "a list";
    case Kind::map:
      return "a mapping";
  }
  return {};
}

YamlNode parse_yaml(std::string_view text, const std::string& file) {
  Diagnostics faults;
  YamlNode root = parse_yaml(text, file, faults);
  faults.throw_if_any();
  return root;
}

YamlNode parse_yaml(std::string_view text, const std::string& file, Diagnostics& faults) {
  if (text.substr(0, 3) == "\xEF\xBB\xBF") text.remove_prefix(3);
  Builder builder(file, faults);
  try {
    require_text(text, file);
    std::istringstream stream{std::string(text)};
    YAML::Parser parser(stream);
    parser.HandleNextDocument(builder);
    Builder rest(file, faults);
    if (parser.HandleNextDocument(rest)) {
      throw Refused{{file, 0, 0}, "expected one YAML document, got several (separated by ---)"};
    }
  } catch (const Refused& refused) {
    faults.error(refused.where, refused.message);
    faults.throw_if_any();
  } catch (const YAML::Exception& e) {
    const Position where = e.mark.is_null()
                               ? Position{file, 0, 0}
                               : Position{file, static_cast<std::uint64_t>(e.mark.line) + 1,
                                          static_cast<std::uint64_t>(e.mark.column) + 1};
    faults.error(where, "not YAML: " + e.msg);
    faults.throw_if_any();
  }
  return builder.take();
}

std::string write_yaml(const YamlNode& node) {
  std::string out;
  write_block(node, 0, false, out);
  return out;
}

std::string flow_text(const YamlNode& node) {
  if (node.kind == YamlNode::Kind::null) return "null";
  if (node.is_scalar()) return node.text;
  std::string inside;
  for (std::size_t i = 0; i < node.values.size(); ++i) {
    if (i > 0) inside += ", ";
    if (node.is_map()) inside += node.keys[i].text + ": ";
    inside += flow_text(node.values[i]);
  }
  return node.is_map() ? "{" + inside + "}" : "[" + inside + "]";
}

std::string write_json(const YamlNode& node) {
  std::string out;
  write_json(node, 0, out);
  return out + "\n";
}

}  // namespace nightwatt
