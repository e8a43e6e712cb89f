#include "scenarios/catalog.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cstdlib>
#include <filesystem>
#include <set>
#include <sstream>

#include "scenarios/device_file.hpp"
#include "traces/diagnostics.hpp"
#include "traces/input.hpp"

namespace nightwatt {
namespace {

namespace fs = std::filesystem;

/// What names are compared by: lower case, one '-' between words, without the maker.
std::string key_of(std::string_view name) {
  std::string key;
  for (const char c : name) {
    const bool gap = c == ' ' || c == '_' || c == '-';
    if (gap && (key.empty() || key.back() == '-')) continue;
    key += gap ? '-' : c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  }
  for (const std::string_view maker : {"nvidia-", "amd-", "intel-", "tesla-", "instinct-"}) {
    if (key.starts_with(maker)) key.erase(0, maker.size());
  }
  return key;
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

Catalog::Catalog(std::vector<std::string> folders)
    : folders_(std::move(folders)), files_(catalog_files(folders_, "devices")) {}

const CatalogDevice* Catalog::by_id(const std::string& id) {
  const auto file = files_.find(id);
  if (file == files_.end()) return nullptr;
  auto loaded = loaded_.find(id);
  if (loaded == loaded_.end()) {
    loaded = loaded_.emplace(id, read_device(id, file->second)).first;
  }
  return &loaded->second;
}

const Catalog::Meanings& Catalog::aliases() {
  if (!aliases_) {
    aliases_.emplace();
    for (const auto& [id, path] : files_) {
      Input input = Input::open(path, path);
      for (const Alias& alias : read_aliases(input.read_all(), path)) {
        aliases_->emplace(key_of(alias.name), Meaning{id, alias.source});
      }
    }
  }
  return *aliases_;
}

std::vector<std::string> Catalog::ids() const {
  std::vector<std::string> out;
  for (const auto& [id, path] : files_) out.push_back(id);
  return out;
}

std::set<std::string> Catalog::meant_by(const std::string& key, std::string_view source) {
  std::set<std::string> ids;
  const auto [from, to] = aliases().equal_range(key);
  for (auto alias = from; alias != to; ++alias) {
    if (alias->second.source == source) ids.insert(alias->second.id);
  }
  return ids;
}

std::vector<std::string> Catalog::ids_of(std::string_view name) {
  const std::string key = key_of(name);
  if (files_.count(key) != 0) return {key};
  const std::set<std::string> ids = meant_by(key, "");
  return {ids.begin(), ids.end()};
}

DeviceMatch Catalog::find_device(std::string_view name, std::string_view source) {
  const std::string key = key_of(name);
  if (const CatalogDevice* device = by_id(key)) return {device, {}};
  std::set<std::string> ids = meant_by(key, source);
  if (ids.empty()) ids = meant_by(key, "");
  if (ids.size() == 1) return {by_id(*ids.begin()), {}};
  if (!ids.empty()) return {nullptr, fmt::format("ambiguous: {}", fmt::join(ids, ", "))};
  return {nullptr, fmt::format("unknown device {} ({})", quote(name), unknown(name))};
}

const CatalogDevice& Catalog::device(std::string_view name) {
  if (const CatalogDevice* device = by_id(std::string(name))) return *device;
  const std::vector<std::string> ids = ids_of(name);
  if (ids.size() == 1) return *by_id(ids.front());
  if (!ids.empty()) {
    throw InputError(fmt::format("expected one device, got {} ({} have this alias; write the id)",
                                 quote(name), fmt::join(ids, ", ")));
  }
  throw InputError(
      fmt::format("expected a device of the catalogue, got {} ({})", quote(name), unknown(name)));
}

/// What to do about a name that no device has.
std::string Catalog::unknown(std::string_view name) {
  if (files_.empty()) {
    return fmt::format(
        "no catalogue found in {}; set NIGHTWATT_CATALOG",
        folders_.empty() ? "any folder" : fmt::format("{}", fmt::join(folders_, ":")));
  }
  std::vector<std::string_view> known;
  for (const auto& [id, path] : files_) known.push_back(id);
  for (const auto& entry : aliases()) known.push_back(entry.first);
  const std::string_view near = nearest(key_of(name), known);
  return near.empty() ? "see `nightwatt list devices`" : fmt::format("did you mean '{}'?", near);
}

std::vector<CatalogDevice> Catalog::devices() {
  std::vector<CatalogDevice> out;
  for (const auto& [id, path] : files_) out.push_back(*by_id(id));
  return out;
}

std::map<std::string, std::string> catalog_files(const std::vector<std::string>& folders,
                                                 std::string_view subfolder) {
  std::map<std::string, std::string> files;
  for (const std::string& folder : folders) {
    std::error_code error;
    for (fs::directory_iterator it(fs::path(folder) / subfolder, error), end; !error && it != end;
         it.increment(error)) {
      const fs::path& file = it->path();
      if (file.extension() == ".yaml") files.emplace(file.stem().string(), file.string());
    }
  }
  return files;
}

Catalog& catalog() {
  static Catalog standard;
  return standard;
}

}  // namespace nightwatt
