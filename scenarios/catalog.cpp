#include "scenarios/catalog.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <filesystem>
#include <sstream>

#include "scenarios/binding.hpp"
#include "traces/diagnostics.hpp"
#include "traces/input.hpp"

namespace nightwatt {
namespace {

namespace fs = std::filesystem;

std::string lower(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  return out;
}

/// A device file as it is written; `sources` and `assumed` speak of the keys before them.
struct DeviceFile {
  std::string summary, vendor;
  DeviceKind kind = DeviceKind::gpu;
  std::int64_t year = 0;
  Watts idle, busy;
  std::optional<Watts> min_cap, max_cap;
  std::vector<std::string> aliases;
  std::map<std::string, std::string> sources;
  std::vector<std::string> assumed;
};

const Object<DeviceFile>& device_object() {
  static const Object<DeviceFile> object = [] {
    const auto text = text_kind();
    Object<DeviceFile> o;
    o.required("summary", &DeviceFile::summary, text, "The device in one line.")
        .sparse("vendor", &DeviceFile::vendor, text, "Who makes it.")
        .defaulted(
            "kind", &DeviceFile::kind,
            enum_kind<DeviceKind>({{"gpu", DeviceKind::gpu}, {"cpu-core", DeviceKind::cpu_core}}),
            "What a partition counts when it has this device.")
        .sparse("year", &DeviceFile::year, integer_kind(1990, 2100), "Of introduction.")
        .required("idle", &DeviceFile::idle, power_kind(), "Power when it does not work.")
        .required("busy", &DeviceFile::busy, power_kind(), "Power at utilization 1.")
        .sparse("min_cap", &DeviceFile::min_cap, power_kind(positive), "Lowest legal power cap.")
        .sparse("max_cap", &DeviceFile::max_cap, power_kind(positive), "Highest legal power cap.")
        .sparse("aliases", &DeviceFile::aliases, list_of(text), "Other names, in any case.")
        .sparse("sources", &DeviceFile::sources, map_of(text), "Key to source of its figure.")
        .sparse("assumed", &DeviceFile::assumed, list_of(text),
                "Keys whose figure has no published source.")
        .check([](const DeviceFile& d, const YamlNode& node, const ReadContext& context) {
          if (d.busy < d.idle) context.error(node, "expected busy of at least idle");
          if (d.min_cap.has_value() != d.max_cap.has_value() ||
              (d.min_cap && *d.min_cap > *d.max_cap)) {
            context.error(node, "expected both min_cap and max_cap, in this order, or neither");
          }
          const std::array<std::string_view, 4> figures = {"idle", "busy", "min_cap", "max_cap"};
          for (const std::string_view key : figures) {
            if (node.find(key) == nullptr) continue;
            const bool assumed =
                std::find(d.assumed.begin(), d.assumed.end(), key) != d.assumed.end();
            if (!assumed && d.sources.find(std::string(key)) == d.sources.end()) {
              context.key(key).error(*node.find(key),
                                     "expected a source under 'sources', or to be in 'assumed'");
            }
          }
        });
    return o;
  }();
  return object;
}

CatalogDevice read_device(const std::string& id, const std::string& path) {
  Input input = Input::open(path, path);
  std::string text = input.read_all();
  const YamlNode root = parse_yaml(text, path);
  DeviceFile file;
  Diagnostics faults;
  device_object().read(root, {"", &faults}, file);
  faults.throw_if_any();

  CatalogDevice out;
  out.device.id = id;
  out.device.summary = file.summary;
  out.device.idle = file.idle;
  out.device.busy = file.busy;
  out.device.min_cap = file.min_cap.value_or(Watts{});
  out.device.max_cap = file.max_cap.value_or(Watts{});
  for (const std::string& alias : file.aliases) out.device.aliases.push_back({alias, {}});
  out.device.assumed = !file.assumed.empty();
  std::vector<std::string> sources;
  for (const auto& [key, source] : file.sources) {
    if (std::find(sources.begin(), sources.end(), source) == sources.end()) {
      sources.push_back(source);
    }
  }
  out.device.source = fmt::format("{}", fmt::join(sources, "; "));
  out.device.kind = file.kind;
  out.device.vendor = file.vendor;
  out.device.year = static_cast<int>(file.year);
  out.sources = std::move(file.sources);
  out.assumed = std::move(file.assumed);
  out.file = "devices/" + id + ".yaml";
  out.sha256 = input.sha256();
  return out;
}

/// The catalogue that belongs to this program: NIGHTWATT_CATALOG, else share/nightwatt beside the
/// program's own folder, wherever its prefix was moved to (a build tree has that folder, too).
std::vector<std::string> standard_folders() {
  const char* chosen = std::getenv("NIGHTWATT_CATALOG");
  if (chosen == nullptr || *chosen == '\0') {
    std::error_code error;
    const fs::path program = fs::read_symlink("/proc/self/exe", error);
    return {(program.parent_path().parent_path() / "share/nightwatt/catalog").string()};
  }
  std::vector<std::string> folders;
  std::istringstream list{std::string(chosen)};
  for (std::string folder; std::getline(list, folder, ':');) {
    if (!folder.empty()) folders.push_back(std::move(folder));
  }
  return folders;
}

}  // namespace

Catalog::Catalog() : Catalog(standard_folders()) {}

Catalog::Catalog(std::vector<std::string> folders) : folders_(std::move(folders)) {
  for (const std::string& folder : folders_) {
    std::error_code error;
    for (fs::directory_iterator it(fs::path(folder) / "devices", error), end; !error && it != end;
         it.increment(error)) {
      const fs::path& file = it->path();
      // The first folder that has a device wins.
      if (file.extension() == ".yaml") files_.emplace(file.stem().string(), file.string());
    }
  }
}

const CatalogDevice* Catalog::by_id(const std::string& id) {
  const auto file = files_.find(id);
  if (file == files_.end()) return nullptr;
  auto loaded = loaded_.find(id);
  if (loaded == loaded_.end()) {
    loaded = loaded_.emplace(id, read_device(id, file->second)).first;
  }
  return &loaded->second;
}

const std::map<std::string, std::vector<std::string>>& Catalog::aliases() {
  if (!aliases_) {
    aliases_.emplace();
    for (const auto& [id, path] : files_) {
      for (const Alias& alias : by_id(id)->device.aliases) {
        (*aliases_)[lower(alias.name)].push_back(id);
      }
    }
  }
  return *aliases_;
}

std::vector<std::string> Catalog::ids_of(std::string_view name) {
  const std::string id = lower(name);
  if (files_.count(id) != 0) return {id};
  const auto alias = aliases().find(id);
  return alias == aliases().end() ? std::vector<std::string>{} : alias->second;
}

const CatalogDevice& Catalog::device(std::string_view name) {
  if (const CatalogDevice* device = by_id(std::string(name))) return *device;
  const std::vector<std::string> ids = ids_of(name);
  if (ids.size() == 1) return *by_id(ids.front());
  if (!ids.empty()) {
    throw InputError(fmt::format("expected one device, got {} ({} have this alias; write the id)",
                                 nightwatt::quoted(name), fmt::join(ids, ", ")));
  }
  if (files_.empty()) {
    throw InputError(
        fmt::format("expected a device of the catalogue, got {} (no catalogue found in {}; set "
                    "NIGHTWATT_CATALOG)",
                    nightwatt::quoted(name),
                    folders_.empty() ? "any folder" : fmt::format("{}", fmt::join(folders_, ":"))));
  }
  std::vector<std::string_view> known;
  for (const auto& [id, path] : files_) known.push_back(id);
  for (const auto& entry : aliases()) known.push_back(entry.first);
  const std::string_view near = nearest(lower(name), known);
  throw InputError(fmt::format(
      "expected a device of the catalogue, got {} ({})", nightwatt::quoted(name),
      near.empty() ? "see `nightwatt list devices`" : fmt::format("did you mean '{}'?", near)));
}

std::vector<CatalogDevice> Catalog::devices() {
  std::vector<CatalogDevice> out;
  for (const auto& [id, path] : files_) out.push_back(*by_id(id));
  return out;
}

Catalog& catalog() {
  static Catalog standard;
  return standard;
}

}  // namespace nightwatt
