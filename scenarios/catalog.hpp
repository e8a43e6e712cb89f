#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "energy/device.hpp"

namespace nightwatt {

/// One file of the catalogue: the device and where its figures come from.
struct CatalogDevice {
  Device device;
  std::map<std::string, std::string> sources;  ///< key of the file -> source of its figure
  std::vector<std::string> assumed;            ///< keys whose figure has no published source
  std::string file;                            ///< "devices/v100-pcie-32gb.yaml"
  std::string sha256;
};

/// The folders of `devices/*.yaml`, read when asked. Ids are file names; aliases are looked at only
/// when no file has the name.
class Catalog {
 public:
  /// NIGHTWATT_CATALOG (folders joined by ':', the first that has a device wins) if set, else
  /// ../share/nightwatt/catalog seen from the program's own folder.
  Catalog();
  explicit Catalog(std::vector<std::string> folders);

  /// By id (lower case) or alias (any case).
  /// @throws InputError if there is none ("did you mean"), or if an alias names several; the
  /// message has no position, so that the caller can add its own.
  const CatalogDevice& device(std::string_view name);
  /// The ids that a name can mean (any case): its own, or all that have it as an alias.
  std::vector<std::string> ids_of(std::string_view name);
  /// All devices, sorted by id.
  std::vector<CatalogDevice> devices();
  [[nodiscard]] const std::vector<std::string>& folders() const { return folders_; }

 private:
  const CatalogDevice* by_id(const std::string& id);
  const std::map<std::string, std::vector<std::string>>& aliases();

  std::vector<std::string> folders_;
  std::map<std::string, std::string> files_;  ///< id -> path
  std::map<std::string, CatalogDevice> loaded_;
  std::optional<std::map<std::string, std::vector<std::string>>> aliases_;  ///< lower case -> ids
};

/// The catalogue of this program, read once.
Catalog& catalog();

}  // namespace nightwatt
