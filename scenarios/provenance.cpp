#include "scenarios/provenance.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "traces/diagnostics.hpp"

namespace nightwatt {
namespace {

class AssumedKind final : public Kind<std::vector<std::string>> {
 public:
  bool read(const YamlNode& node, const ReadContext& context,
            std::vector<std::string>& out) const override {
    if (node.is_scalar() && node.text == "true") {
      out = {"*"};
      return true;
    }
    if (!node.is_list()) {
      context.expected(node, expected());
      return false;
    }
    return names()->read(node, context, out);
  }
  YamlNode write(const std::vector<std::string>& value) const override {
    if (value == std::vector<std::string>{"*"}) return YamlNode::make_literal("true");
    return names()->write(value);
  }
  YamlNode schema() const override { return names()->schema(); }
  std::string expected() const override { return "true or a list of figures"; }

 private:
  static const KindPtr<std::vector<std::string>>& names() {
    static const auto kind = list_of(text_kind());
    return kind;
  }
};

/// Every number of the file under the name that `sources` and `assumed` call it by.
std::vector<std::pair<std::string, const YamlNode*>> figures_of(const YamlNode& root,
                                                                const FigureKeys& keys) {
  std::vector<std::pair<std::string, const YamlNode*>> figures;
  for (const std::string_view key : keys.single) {
    if (const YamlNode* value = root.find(key)) figures.emplace_back(key, value);
  }
  for (const std::string_view key : keys.groups) {
    const YamlNode* group = root.find(key);
    if (group == nullptr) continue;
    for (std::size_t i = 0; i < group->keys.size(); ++i) {
      figures.emplace_back(fmt::format("{}.{}", key, group->keys[i].text), &group->values[i]);
    }
  }
  return figures;
}

/// The figures that a key of `sources` names: "tdp, max_cap".
std::vector<std::string> names_in(std::string_view key) {
  std::vector<std::string> names(1);
  for (const char c : key) {
    if (c == ',') {
      names.emplace_back();
    } else if (c != ' ') {
      names.back() += c;
    }
  }
  return names;
}

}  // namespace

KindPtr<std::vector<std::string>> assumed_kind() { return std::make_shared<AssumedKind>(); }

Provenance provenance_of(const YamlNode& root, const FigureKeys& keys, const ReadContext& context) {
  const auto figures = figures_of(root, keys);
  std::vector<std::string_view> known;
  for (const auto& [name, value] : figures) known.push_back(name);
  for (const std::string_view group : keys.groups) {
    if (root.find(group) != nullptr) known.push_back(group);
  }
  std::map<std::string, std::string> told;  // figure or group -> source, "" = assumed
  const auto tell = [&](const std::string& name, const std::string& source, const char* key,
                        const YamlNode& at) {
    if (std::find(known.begin(), known.end(), name) == known.end()) {
      context.key(key).error(at, fmt::format("expected figures that this file gives, got {}{}",
                                             quote(name), did_you_mean(name, known)));
    } else if (!told.emplace(name, source).second) {
      context.key(key).error(at, fmt::format("'{}' is told twice", name));
    }
  };
  if (const YamlNode* sources = root.find("sources")) {
    for (std::size_t i = 0; i < sources->keys.size(); ++i) {
      for (const std::string& name : names_in(sources->keys[i].text)) {
        tell(name, sources->values[i].text, "sources", sources->keys[i]);
      }
    }
  }
  bool all_others = false;
  if (const YamlNode* assumed = root.find("assumed")) {
    all_others = assumed->is_scalar();
    for (const YamlNode& name : assumed->values) tell(name.text, "", "assumed", name);
  }
  Provenance out;
  for (const auto& [name, value] : figures) {
    auto found = told.find(name);
    if (found == told.end()) found = told.find(name.substr(0, name.find('.')));
    if (found != told.end() && !found->second.empty()) {
      out.sources.emplace(name, found->second);
    } else if (found != told.end() || all_others) {
      out.assumed.push_back(name);
    } else {
      context.key(name).error(*value, "expected a source under 'sources', or to be in 'assumed'");
    }
  }
  return out;
}

}  // namespace nightwatt
