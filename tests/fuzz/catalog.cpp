// Any bytes as a file of the catalogue, of each kind: read, or refused with InputError; terms that
// are read survive writing.
#include <algorithm>
#include <array>
#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "scenarios/device_file.hpp"
#include "scenarios/facility_catalog.hpp"
#include "scenarios/mix_catalog.hpp"
#include "scenarios/model_catalog.hpp"
#include "scenarios/node_catalog.hpp"
#include "scenarios/shared_terms.hpp"
#include "tests/fuzz/target.hpp"
#include "tests/support/temporary_folder.hpp"
#include "traces/diagnostics.hpp"

namespace {

using namespace nightwatt;
using test::TemporaryFolder;

template <class Read>
bool taken(Read&& read) {
  try {
    read();
    return true;
  } catch (const InputError& error) {
    if (error.faults().empty()) std::abort();
  }
  return false;
}

}  // namespace

NIGHTWATT_FUZZ_TARGET(catalog) {
  static const TemporaryFolder folder, copies;
  const std::string path = folder.file("terms/errors.yaml", bytes);
  std::optional<SharedTerms> terms;
  std::optional<std::vector<ErrorBand>> bands;
  const std::array kinds = {
      taken([&] { (void)read_aliases(bytes, path); }) && taken([&] { read_device("x", path); }),
      taken([&] { read_node("x", path); }),
      taken([&] { read_model("x", path); }),
      taken([&] { read_facility("x", path); }),
      taken([&] { read_mix("x", path); }),
      taken([&] { terms = read_shared_terms(path); }),
      taken([&] { bands = error_bands({folder.path().string()}); })};
  // Outside of what catches.
  if (terms) {
    const std::string copy = copies.file("terms/terms.yaml", write_shared_terms(*terms));
    if (!(read_shared_terms(copy) == *terms)) std::abort();
  }
  if (bands) {
    (void)copies.file("terms/errors.yaml", write_error_bands(*bands));
    if (error_bands({copies.path().string()}) != *bands) std::abort();
  }
  return std::find(kinds.begin(), kinds.end(), true) != kinds.end();
}
