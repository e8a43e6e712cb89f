#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "energy/device.hpp"

namespace nightwatt {

/// One file of the catalogue: the device and where its figures come from.
struct CatalogDevice {
  Device device;
  std::map<std::string, std::string> sources;  ///< figure ("peak", "clocks.base") -> its source
  std::vector<std::string> assumed;            ///< figures without a published source
  std::string node;                            ///< id of a usual node; "" = not told
  std::string file;                            ///< "devices/v100-pcie-32gb.yaml"
  std::string sha256;
};

/// What a name means to somebody.
struct DeviceMatch {
  const CatalogDevice* device = nullptr;
  std::string reason;  ///< where there is none: "ambiguous: ...", "unknown device 'x' (...)"
};

/// The folders of `devices/*.yaml`, read when asked. Ids are file names: a device that is
/// named by its id costs one file. Aliases are looked at only when no file has the name, and then
/// only that part of the files is parsed. In names case does not count, ' ', '_' and '-' are equal,
/// and makers before them (NVIDIA, AMD, Tesla, Instinct, ...) are left out:
/// "NVIDIA_A100-PCIE-40GB".
class Catalog {
 public:
  /// NIGHTWATT_CATALOG (folders joined by ':', the first that has a device wins) if set, else
  /// ../share/nightwatt/catalog seen from the program's own folder.
  Catalog();
  explicit Catalog(std::vector<std::string> folders);

  /// By id or alias.
  /// @throws InputError if there is none ("did you mean"), or if an alias names several; the
  /// message has no position, so that the caller can add its own.
  const CatalogDevice& device(std::string_view name);
  /// What a source of measurements ("zeus") means by a name: the id, else an alias of that source,
  /// else an alias that only one device has.
  /// @throws InputError only for a fault in the device's file
  DeviceMatch find_device(std::string_view name, std::string_view source);
  /// The ids that a name can mean: its own, or all that have it as an alias of no source.
  std::vector<std::string> ids_of(std::string_view name);
  /// All ids, sorted. Reads no file.
  [[nodiscard]] std::vector<std::string> ids() const;
  /// All devices, sorted by id.
  std::vector<CatalogDevice> devices();
  [[nodiscard]] const std::vector<std::string>& folders() const { return folders_; }

 private:
  struct Meaning {
    std::string id, source;
  };
  using Meanings = std::multimap<std::string, Meaning>;  ///< by the name's key

  const CatalogDevice* by_id(const std::string& id);
  const Meanings& aliases();
  std::set<std::string> meant_by(const std::string& key, std::string_view source);
  [[nodiscard]] std::string unknown(std::string_view name);

  std::vector<std::string> folders_;
  std::map<std::string, std::string> files_;  ///< id -> path
  std::map<std::string, CatalogDevice> loaded_;
  std::optional<Meanings> aliases_;
};

/// Id -> path of the files in a subfolder of each folder; the first folder that has an id wins.
std::map<std::string, std::string> catalog_files(const std::vector<std::string>& folders,
                                                 std::string_view subfolder);

/// The catalogue of this program, read once.
Catalog& catalog();

}  // namespace nightwatt
