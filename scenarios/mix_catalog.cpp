#include "scenarios/mix_catalog.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <memory>
#include <utility>

#include "scenarios/binding.hpp"
#include "scenarios/catalog.hpp"
#include "traces/input.hpp"

namespace nightwatt {
namespace {

/// A mix's lists are taken as they stand: the workload reads them.
class ListAsItStands final : public Kind<YamlNode> {
 public:
  bool read(const YamlNode& node, const ReadContext& context, YamlNode& out) const override {
    if (!node.is_list()) {
      context.expected(node, expected());
      return false;
    }
    out = node;
    return true;
  }
  [[nodiscard]] YamlNode write(const YamlNode& value) const override { return value; }
  [[nodiscard]] YamlNode schema() const override { return binding::type_schema("array"); }
  [[nodiscard]] std::string expected() const override { return "a list, as in a workload"; }
};

}  // namespace

CatalogMix read_mix(const std::string& id, const std::string& path) {
  static const Object<CatalogMix> object = [] {
    const KindPtr<YamlNode> raw = std::make_shared<ListAsItStands>();
    Object<CatalogMix> o;
    o.required("summary", &CatalogMix::summary, text_kind(), "One line.")
        .required("source", &CatalogMix::source, text_kind(), "Where the shares come from.")
        .sparse("assumed", &CatalogMix::assumed, list_of(text_kind()),
                "What has no published source.")
        .sparse("profiles", &CatalogMix::profiles, raw, "As in a workload.")
        .sparse("classes", &CatalogMix::classes, raw, "As in a workload.");
    return o;
  }();
  Input input = Input::open(path, path);
  Diagnostics faults;
  const YamlNode root = parse_yaml(input.read_all(), path, faults);
  CatalogMix mix;
  const ReadContext context{"", &faults};
  object.read(root, context, mix);
  if (!mix.profiles || !mix.classes) context.error(root, "expected 'profiles' and 'classes'");
  faults.throw_if_any();
  mix.id = id;
  mix.file = "mixes/" + id + ".yaml";
  mix.sha256 = input.sha256();
  return mix;
}

namespace {

const std::map<std::string, std::string>& mix_files() {
  static const std::map<std::string, std::string> files =
      catalog_files(catalog().folders(), "mixes");
  return files;
}

}  // namespace

std::vector<std::string> catalog_mixes() {
  std::vector<std::string> ids;
  for (const auto& [id, path] : mix_files()) ids.push_back(id);
  return ids;
}

const CatalogMix& catalog_mix(std::string_view id) {
  static std::map<std::string, CatalogMix> loaded;
  std::string key(id);
  std::transform(key.begin(), key.end(), key.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  if (const auto known = loaded.find(key); known != loaded.end()) return known->second;
  const auto file = mix_files().find(key);
  if (file == mix_files().end()) {
    const std::vector<std::string> ids = catalog_mixes();
    throw InputError(fmt::format("expected a mix of the catalogue ({}), got {}{}",
                                 fmt::join(ids, ", "), quote(id),
                                 did_you_mean(key, {ids.begin(), ids.end()})));
  }
  return loaded.emplace(key, read_mix(key, file->second)).first->second;
}

YamlNode with_mix(const YamlNode& workload) {
  const YamlNode* name = workload.find("mix");
  if (name == nullptr || !name->is_scalar()) return workload;
  const CatalogMix& mix = catalog_mix(name->text);
  if (workload.find("profiles") != nullptr || workload.find("classes") != nullptr) return workload;
  YamlNode out = workload;
  // Faults of the mix itself keep their place in its own file.
  for (const auto& [key, value] :
       {std::pair{"profiles", &*mix.profiles}, std::pair{"classes", &*mix.classes}}) {
    out.set(key, *value);
    out.keys.back().where = name->where;
  }
  return out;
}

}  // namespace nightwatt
