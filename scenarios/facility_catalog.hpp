#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "energy/pue_curve.hpp"
#include "scenarios/binding.hpp"

namespace nightwatt {

/// One file of the catalogue's `facilities` folder: how a kind of facility follows the weather.
struct CatalogFacility {
  std::string id;  ///< "midsize-air"
  std::string summary;
  PueCurve curve;
  std::map<std::string, std::string> sources;  ///< figure -> its source
  std::vector<std::string> assumed;            ///< figures without a published source
  std::string file;                            ///< "facilities/midsize-air.yaml"
  std::string sha256;
};

/// Reads one file. @throws InputError with all faults at file:line:column
CatalogFacility read_facility(const std::string& id, const std::string& path);

/// By id, from the folders of the device catalogue.
/// @throws InputError without a position if there is none ("did you mean")
const CatalogFacility& catalog_facility(std::string_view id);
/// All ids, sorted. Reads no file.
std::vector<std::string> facility_ids();

/// The keys driver, free and chiller of a curve that is written out.
KindPtr<PueCurve> pue_curve_kind();

}  // namespace nightwatt
