#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace nightwatt {

struct Device;
struct DeviceCapTerms;
class Terms;
enum class Stack : std::uint8_t;

/// A file of measurements that terms were fitted to.
struct TermData {
  std::string file;       ///< its name, without folders
  std::string sha256;     ///< of its bytes
  std::int64_t rows = 0;  ///< that the fit used
  friend bool operator==(const TermData&, const TermData&) = default;
};

/// Fitted terms that belong to no single device: `terms/NAME.yaml` of the catalogue.
struct SharedTerms {
  std::string summary;
  std::vector<TermData> data;
  std::map<std::string, double> values;  ///< dimensionless, or with the unit in the name
  friend bool operator==(const SharedTerms&, const SharedTerms&) = default;

  [[nodiscard]] bool empty() const { return values.empty(); }
  /// `otherwise` where there is none of that name.
  [[nodiscard]] double value(const std::string& name, double otherwise) const;
};

/// Why this is the name of no term, with the nearest one; empty if it is.
std::string unknown_term(std::string_view name);
/// Reads one file. @throws InputError with positions
SharedTerms read_shared_terms(const std::string& path);
/// `terms/NAME.yaml` of the first folder that has it; empty if none has.
SharedTerms shared_terms(const std::vector<std::string>& folders, const std::string& name);
/// Terms of a device for a way of use: the standard values, then `terms/NAME.yaml` (names "TERM"
/// for all devices, "DEVICE/TERM" for one), then what the device's own file says ("TERM",
/// "NAME.TERM").
/// @param name  of a stack ("kernel", "eager", "engine") or of a file of the same form
/// @throws InputError for a name that is no term
Terms terms_for(const std::vector<std::string>& folders, const std::string& name,
                const Device& device);
/// The same from terms that are at hand instead of a file.
Terms terms_from(const SharedTerms& shared, const std::string& name, const Device& device);
Terms stack_terms(const std::vector<std::string>& folders, Stack stack, const Device& device);
/// How a device answers power caps, from `terms/caps.yaml`: its own terms, or those of an unseen
/// one.
DeviceCapTerms cap_terms_of(const SharedTerms& terms, const std::string& device);
/// As a file that reads back as the same terms.
std::string write_shared_terms(const SharedTerms& terms);

/// Errors of one quantity, relative to what was measured.
struct BandError {
  std::string quantity;  ///< "time", "power", "energy"
  double mean = 0.0;     ///< of the sizes
  double p90 = 0.0;      ///< a tenth are larger
  double bias = 0.0;     ///< mean with sign
  std::int64_t rows = 0;
  friend bool operator==(const BandError&, const BandError&) = default;
};
/// How far the model is off on what its fit has not seen: cross-validated errors of one set of
/// terms in one phase.
struct ErrorBand {
  std::string terms;                 ///< "eager" of `terms/eager.yaml`
  std::string phase;                 ///< as in phase_name()
  std::string left_out;              ///< of the fits that predicted: "model", "GPU", "all of it"
  std::vector<std::string> devices;  ///< whose rows were predicted
  std::vector<TermData> data;        ///< that has these rows
  std::vector<BandError> errors;
  friend bool operator==(const ErrorBand&, const ErrorBand&) = default;
};
/// `terms/errors.yaml` of the first folder that has it; none if none has.
/// @throws InputError with positions
std::vector<ErrorBand> error_bands(const std::vector<std::string>& folders);
/// As a file that reads back as the same bands.
std::string write_error_bands(const std::vector<ErrorBand>& bands);

}  // namespace nightwatt
