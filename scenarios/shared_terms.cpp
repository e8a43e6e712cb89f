#include "scenarios/shared_terms.hpp"

#include <filesystem>
#include <memory>
#include <string_view>

#include "energy/device.hpp"
#include "energy/terms.hpp"
#include "energy/utilization_model.hpp"
#include "scenarios/binding.hpp"
#include "traces/input.hpp"

namespace nightwatt {
namespace {

KindPtr<std::vector<TermData>> data_kind() {
  auto data = std::make_shared<Object<TermData>>();
  data->required("file", &TermData::file, text_kind(), "Name of the file.")
      .required("sha256", &TermData::sha256, text_kind(), "Of its bytes.")
      .required("rows", &TermData::rows, integer_kind(0), "Rows that were used.");
  return list_of<TermData>(data);
}

const Object<SharedTerms>& shared_terms_object() {
  static const Object<SharedTerms> object = [] {
    Object<SharedTerms> o;
    o.required("summary", &SharedTerms::summary, text_kind(), "What the terms belong to.")
        .required("data", &SharedTerms::data, data_kind(), "What they were fitted to.")
        .required("terms", &SharedTerms::values, map_of(number_kind()), "Values by name.");
    return o;
  }();
  return object;
}

struct ErrorsFile {
  std::vector<ErrorBand> bands;
};

const Object<ErrorsFile>& errors_object() {
  static const Object<ErrorsFile> object = [] {
    const auto text = text_kind();
    auto error = std::make_shared<Object<BandError>>();
    error->required("quantity", &BandError::quantity, text, "time, power or energy.")
        .required("mean", &BandError::mean, number_kind(not_negative), "Of the sizes.")
        .required("p90", &BandError::p90, number_kind(not_negative), "A tenth are larger.")
        .required("bias", &BandError::bias, number_kind(), "Mean with sign.")
        .required("rows", &BandError::rows, integer_kind(1), "That were predicted.");
    auto band = std::make_shared<Object<ErrorBand>>();
    band->required("terms", &ErrorBand::terms, text, "The file of terms.")
        .required("phase", &ErrorBand::phase, text, "Of the jobs.")
        .required("left_out", &ErrorBand::left_out, text, "What the fits had not seen.")
        .required("devices", &ErrorBand::devices, list_of(text), "Whose rows were predicted.")
        .required("data", &ErrorBand::data, data_kind(), "That has these rows.")
        .required("errors", &ErrorBand::errors, list_of<BandError>(error), "By quantity.");
    Object<ErrorsFile> o;
    o.required("bands", &ErrorsFile::bands, list_of<ErrorBand>(band), "By terms and phase.");
    return o;
  }();
  return object;
}

/// Path of `terms/NAME.yaml` in the first folder that has it; empty if none has.
std::string terms_path(const std::vector<std::string>& folders, const std::string& name) {
  namespace fs = std::filesystem;
  for (const std::string& folder : folders) {
    const fs::path path = fs::path(folder) / "terms" / (name + ".yaml");
    std::error_code error;
    if (fs::exists(path, error)) return path.string();
  }
  return {};
}

/// @param check  called with the file's tree and the context of its root
template <class T, class Check>
T read_file(const Object<T>& object, const std::string& path, Check check) {
  Input input = Input::open(path, path);
  Diagnostics faults;
  const YamlNode root = parse_yaml(input.read_all(), path, faults);
  T out;
  const ReadContext context{"", &faults};
  object.read(root, context, out);
  check(root, context);
  faults.throw_if_any();
  return out;
}

template <class T>
T read_file(const Object<T>& object, const std::string& path) {
  return read_file(object, path, [](const YamlNode&, const ReadContext&) {});
}

/// The TERM of "TERM" and "DEVICE/TERM".
std::string_view term_of(std::string_view name) { return name.substr(name.find('/') + 1); }

void check_term_names(const YamlNode& root, const ReadContext& context) {
  const YamlNode* const terms = root.find("terms");
  if (terms == nullptr) return;
  for (const YamlNode& key : terms->keys) {
    const std::string fault = unknown_term(term_of(key.text));
    if (!fault.empty()) context.key("terms").error(key, fault);
  }
}

}  // namespace

std::string unknown_term(std::string_view name) {
  if (term_by_name(name)) return {};
  std::vector<std::string_view> known;
  for (std::size_t i = 0; i < static_cast<std::size_t>(TermId::count); ++i) {
    known.push_back(term_info(static_cast<TermId>(i)).name);
  }
  return "no such term " + quote(name) + did_you_mean(name, known);
}

double SharedTerms::value(const std::string& name, double otherwise) const {
  const auto found = values.find(name);
  return found == values.end() ? otherwise : found->second;
}

SharedTerms read_shared_terms(const std::string& path) {
  return read_file(shared_terms_object(), path);
}

SharedTerms shared_terms(const std::vector<std::string>& folders, const std::string& name) {
  const std::string path = terms_path(folders, name);
  return path.empty() ? SharedTerms{} : read_shared_terms(path);
}

Terms terms_for(const std::vector<std::string>& folders, const std::string& name,
                const Device& device) {
  const std::string path = terms_path(folders, name);
  return terms_from(
      path.empty() ? SharedTerms{} : read_file(shared_terms_object(), path, check_term_names), name,
      device);
}

Terms terms_from(const SharedTerms& shared, const std::string& name, const Device& device) {
  Terms terms;
  const auto set = [&](std::string_view term, double value) {
    const std::string fault = unknown_term(term);
    if (!fault.empty()) throw InputError("terms/" + name + ".yaml: " + fault);
    terms[*term_by_name(term)] = value;
  };
  for (const auto& [key, value] : shared.values) {
    if (key.find('/') == std::string::npos) set(key, value);
  }
  for (const auto& [key, value] : shared.values) {
    if (key.starts_with(device.id + '/')) set(term_of(key), value);
  }
  for (const auto& [key, term] : device.terms) {
    const std::size_t dot = key.find('.');
    if (dot == std::string::npos) {
      set(key, term.value);
    } else if (key.substr(0, dot) == name) {
      set(std::string_view(key).substr(dot + 1), term.value);
    }
  }
  return terms;
}

Terms stack_terms(const std::vector<std::string>& folders, Stack stack, const Device& device) {
  return terms_for(folders, std::string(stack_name(stack)), device);
}

DeviceCapTerms cap_terms_of(const SharedTerms& terms, const std::string& device) {
  DeviceCapTerms out;
  const auto take = [&](const std::string& name, double& value) {
    value = terms.value(name, value);
  };
  take("busy_share", out.shared.busy_share);
  take("clock_share", out.shared.clock_share);
  take("hidden_slope", out.shared.hidden_slope);
  take("hidden_demand", out.shared.hidden_demand);
  const std::string owner = terms.values.count(device + "/knee") > 0 ? device : "unseen";
  take(owner + "/voltage_floor", out.device.voltage_floor);
  take(owner + "/knee", out.device.knee);
  take(owner + "/static_share", out.device.static_share);
  return out;
}

std::string write_shared_terms(const SharedTerms& terms) {
  return "# Written by `nightwatt calibrate`.\n" + write_yaml(shared_terms_object().write(terms));
}

std::vector<ErrorBand> error_bands(const std::vector<std::string>& folders) {
  const std::string path = terms_path(folders, "errors");
  if (path.empty()) return {};
  return read_file(errors_object(), path).bands;
}

std::string write_error_bands(const std::vector<ErrorBand>& bands) {
  return "# Written by `nightwatt calibrate`.\n" +
         write_yaml(errors_object().write(ErrorsFile{bands}));
}

}  // namespace nightwatt
