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

const Object<SharedTerms>& shared_terms_object() {
  static const Object<SharedTerms> object = [] {
    auto data = std::make_shared<Object<TermData>>();
    data->required("file", &TermData::file, text_kind(), "Name of the file.")
        .required("sha256", &TermData::sha256, text_kind(), "Of its bytes.")
        .required("rows", &TermData::rows, integer_kind(0), "Rows that the fit used.");
    Object<SharedTerms> o;
    o.required("summary", &SharedTerms::summary, text_kind(), "What the terms belong to.")
        .required("data", &SharedTerms::data, list_of<TermData>(data), "What they were fitted to.")
        .required("terms", &SharedTerms::values, map_of(number_kind()), "Values by name.");
    return o;
  }();
  return object;
}

}  // namespace

double SharedTerms::value(const std::string& name, double otherwise) const {
  const auto found = values.find(name);
  return found == values.end() ? otherwise : found->second;
}

SharedTerms read_shared_terms(const std::string& path) {
  Input input = Input::open(path, path);
  const YamlNode root = parse_yaml(input.read_all(), path);
  SharedTerms terms;
  Diagnostics faults;
  shared_terms_object().read(root, {"", &faults}, terms);
  faults.throw_if_any();
  return terms;
}

SharedTerms shared_terms(const std::vector<std::string>& folders, const std::string& name) {
  namespace fs = std::filesystem;
  for (const std::string& folder : folders) {
    const fs::path path = fs::path(folder) / "terms" / (name + ".yaml");
    std::error_code error;
    if (fs::exists(path, error)) return read_shared_terms(path.string());
  }
  return {};
}

Terms terms_for(const std::vector<std::string>& folders, const std::string& name,
                const Device& device) {
  Terms terms;
  const auto set = [&](std::string_view term, double value) {
    const auto id = term_by_name(term);
    if (!id) {
      throw InputError("terms/" + name + ".yaml: no such term " +
                       nightwatt::quoted(std::string(term)));
    }
    terms[*id] = value;
  };
  const SharedTerms shared = shared_terms(folders, name);
  for (const auto& [key, value] : shared.values) {
    if (key.find('/') == std::string::npos) set(key, value);
  }
  for (const auto& [key, value] : shared.values) {
    const std::size_t slash = key.find('/');
    if (slash != std::string::npos && key.substr(0, slash) == device.id) {
      set(std::string_view(key).substr(slash + 1), value);
    }
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

}  // namespace nightwatt
