#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "energy/workload.hpp"

namespace nightwatt {

/// One file of the catalogue's `models` folder: a network and where its dimensions come from.
struct CatalogModel {
  Model model;
  std::string source;
  std::vector<std::string> aliases;
  std::vector<std::string> assumed;  ///< keys whose figure has no published source
  std::string file;                  ///< "models/bert-large.yaml"
  std::string sha256;
};

/// @throws InputError at file:line:column
CatalogModel read_model(const std::string& id, const std::string& path);

/// The folders of `models/*.yaml`, read when asked. Ids are file names; aliases are looked at only
/// when no file has the name.
class ModelCatalog {
 public:
  /// The folders of the device catalogue.
  ModelCatalog();
  explicit ModelCatalog(std::vector<std::string> folders);

  /// By id or alias, in any case.
  /// @throws InputError if there is none ("did you mean"), or if an alias names several; the
  /// message has no position, so that the caller can add its own.
  const CatalogModel& model(std::string_view name);
  /// Null where model() would throw because there is none.
  const CatalogModel* find(std::string_view name);
  [[nodiscard]] std::vector<std::string> ids() const;  ///< sorted; no file is read
  /// All models, sorted by id.
  std::vector<CatalogModel> models();

 private:
  const CatalogModel* by_id(const std::string& id);
  const std::map<std::string, std::string>& aliases();

  std::map<std::string, std::string> files_;  ///< id -> path
  std::map<std::string, CatalogModel> loaded_;
  std::optional<std::map<std::string, std::string>> aliases_;  ///< lower case -> id
};

/// The model catalogue of this program; each file is read once.
ModelCatalog& model_catalog();

}  // namespace nightwatt
