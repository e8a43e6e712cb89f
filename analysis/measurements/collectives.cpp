#include <fmt/format.h>

#include <array>
#include <cmath>
#include <map>
#include <set>

#include "analysis/least_squares.hpp"
#include "analysis/measurements/study.hpp"
#include "energy/collective_curve.hpp"

/// Latency of collectives within a node: three constants for each fabric, collective and number of
/// devices. A device that nobody measured takes those of its fabric; a fabric that nobody measured
/// those of the fabric nearest in rate.
namespace nightwatt {
namespace {

/// Bytes that a device moves in a ring, for each byte of the message.
double ring_share(const std::string& collective, double devices) {
  const double part = (devices - 1.0) / devices;
  return collective == "all_reduce" ? 2.0 * part : part;
}
bool known(const std::string& collective) {
  static const std::set<std::string> names = {"all_reduce", "all_gather", "reduce_scatter",
                                              "alltoall"};
  return names.count(collective) != 0;
}

struct Sample {
  std::size_t row = 0;
  std::string device, fabric, collective;
  int devices = 0;
  double message_bytes = 0.0, moved_bytes = 0.0, link_bytes_per_s = 0.0, latency_s = 0.0;
};

struct Samples {
  std::vector<Sample> rows;
  std::vector<NotCovered> not_covered;
};

Samples samples_of(const MeasuredFile& file, Catalog& catalog) {
  const auto& gpu = file.text("gpu");
  const auto& link = file.text("link");
  const auto& collective = file.text("collective");
  const auto& devices = file.number("num_gpus");
  Samples out;
  std::map<std::string, DeviceMatch> matches;
  for (std::size_t row = 0; row < file.rows(); ++row) {
    auto found = matches.find(gpu[row]);
    if (found == matches.end()) {
      found = matches.emplace(gpu[row], catalog.find_device(gpu[row], file.kind().source)).first;
    }
    const CatalogDevice* device = found->second.device;
    std::string why;
    if (device == nullptr) {
      why = found->second.reason;
    } else if (device->device.scale_up.bytes_per_s <= 0.0) {
      why = "the catalogue has no rate of the links to its peers";
    } else if (!known(collective[row])) {
      why = "the model does not know this collective";
    } else if (devices[row] < 2.0) {
      why = "a collective needs at least two devices";
    }
    if (!why.empty()) {
      out.not_covered.push_back({row, gpu[row], collective[row], "collective", why});
      continue;
    }
    const double bytes = file.number("message_bytes")[row];
    out.rows.push_back(
        {row, device->device.id, link[row], collective[row], static_cast<int>(devices[row]), bytes,
         bytes * ring_share(collective[row], devices[row]), device->device.scale_up.bytes_per_s,
         file.number("latency_us")[row] * 1e-6});
  }
  return out;
}

/// Curves by owner (a device, or a fabric) and collective.
struct Curves {
  std::map<std::string, std::map<std::string, std::map<int, CollectiveCurve>>> of;
  std::map<std::string, double> fabric_rate;  ///< B/s, of the fabrics
};

const std::map<int, CollectiveCurve>* find(const Curves& curves, const std::string& owner,
                                           const std::string& collective) {
  const auto a = curves.of.find(owner);
  if (a == curves.of.end()) return nullptr;
  const auto b = a->second.find(collective);
  return b == a->second.end() || b->second.empty() ? nullptr : &b->second;
}

CollectiveCurve curve_of(const Curves& curves, const Sample& sample) {
  for (const std::string& owner : {sample.device, sample.fabric}) {
    if (const auto* found = find(curves, owner, sample.collective)) {
      return curve_for(*found, sample.devices);
    }
  }
  const std::map<int, CollectiveCurve>* nearest = nullptr;
  double distance = 0.0;
  for (const auto& [fabric, rate] : curves.fabric_rate) {
    const auto* found = find(curves, fabric, sample.collective);
    const double d = std::abs(std::log(rate / sample.link_bytes_per_s));
    if (found == nullptr || (nearest != nullptr && d >= distance)) continue;
    nearest = found;
    distance = d;
  }
  return nearest == nullptr ? CollectiveCurve{} : curve_for(*nearest, sample.devices);
}

CollectiveCurve fit_curve(const std::vector<const Sample*>& rows) {
  const CollectiveCurve prior;
  const auto curve = [](std::span<const double> v) {
    return CollectiveCurve{std::exp(v[0]), std::exp(v[1]), std::exp(v[2])};
  };
  const RobustFit fit =
      fit_robust({{std::log(prior.start_us), std::log(0.5), std::log(500.0), 0.02},
                  {std::log(prior.bend_us), std::log(0.05), std::log(2000.0), 0.02},
                  {std::log(prior.efficiency), std::log(0.02), std::log(4.0), 0.02}},
                 rows.size(),
                 [&](std::span<const double> values, std::span<double> out) {
                   const CollectiveCurve c = curve(values);
                   for (std::size_t i = 0; i < rows.size(); ++i) {
                     const Seconds t = c.at(rows[i]->moved_bytes, rows[i]->link_bytes_per_s);
                     out[i] = std::log(to_seconds(t) / rows[i]->latency_s);
                   }
                 },
                 {.outlier_scale = 0.05});
  return curve(fit.values);
}

/// Curves of all devices and fabrics from the samples that `use` takes.
template <class Use>
Curves fit_curves(const std::vector<Sample>& samples, const Use& use) {
  std::map<std::string, std::map<std::string, std::map<int, std::vector<const Sample*>>>> groups;
  Curves out;
  for (const Sample& sample : samples) {
    if (!use(sample)) continue;
    groups[sample.device][sample.collective][sample.devices].push_back(&sample);
    groups[sample.fabric][sample.collective][sample.devices].push_back(&sample);
    out.fabric_rate[sample.fabric] = sample.link_bytes_per_s;
  }
  for (const auto& [owner, collectives] : groups) {
    for (const auto& [collective, by_number] : collectives) {
      for (const auto& [devices, rows] : by_number) {
        out.of[owner][collective][devices] = fit_curve(rows);
      }
    }
  }
  return out;
}

template <class Ask>
std::vector<Prediction> predict(const std::vector<Sample>& samples, const Curves& curves,
                                const Ask& ask) {
  std::vector<Prediction> out;
  for (const Sample& sample : samples) {
    if (!ask(sample)) continue;
    const Seconds t = curve_of(curves, sample).at(sample.moved_bytes, sample.link_bytes_per_s);
    out.push_back({sample.row, sample.device,
                   fmt::format("{} of {}", sample.collective, sample.devices), "collective", "time",
                   to_seconds(t), sample.latency_s, false});
  }
  return out;
}

/// Leaves out the groups that `key` tells apart, one at a time.
template <class Key>
std::vector<Prediction> leave_out(const std::vector<Sample>& samples, const Key& key) {
  std::set<decltype(key(samples.front()))> groups;
  for (const Sample& sample : samples) groups.insert(key(sample));
  std::vector<Prediction> out;
  if (groups.size() < 2) return out;
  for (const auto& group : groups) {
    const Curves curves = fit_curves(samples, [&](const Sample& s) { return key(s) != group; });
    for (Prediction& p :
         predict(samples, curves, [&](const Sample& s) { return key(s) == group; })) {
      out.push_back(std::move(p));
    }
  }
  return out;
}

// "OWNER/COLLECTIVE/DEVICES/start_us" and "FABRIC/link_bytes_per_s".
const std::array<std::pair<const char*, double CollectiveCurve::*>, 3> constants = {
    {{"start_us", &CollectiveCurve::start_us},
     {"bend_us", &CollectiveCurve::bend_us},
     {"efficiency", &CollectiveCurve::efficiency}}};
constexpr const char* rate_name = "link_bytes_per_s";

SharedTerms terms_of(const Curves& curves) {
  SharedTerms out;
  for (const auto& [owner, collectives] : curves.of) {
    for (const auto& [collective, by_number] : collectives) {
      for (const auto& [devices, curve] : by_number) {
        for (const auto& [name, member] : constants) {
          out.values[fmt::format("{}/{}/{}/{}", owner, collective, devices, name)] =
              rounded(curve.*member);
        }
      }
    }
  }
  for (const auto& [fabric, rate] : curves.fabric_rate) {
    out.values[fabric + "/" + rate_name] = rate;
  }
  return out;
}

Curves curves_of(const SharedTerms& terms) {
  Curves out;
  for (const auto& [path, value] : terms.values) {
    std::vector<std::string> parts(1);
    for (const char c : path) {
      if (c == '/') {
        parts.emplace_back();
      } else {
        parts.back() += c;
      }
    }
    if (parts.size() == 2 && parts[1] == rate_name) out.fabric_rate[parts[0]] = value;
    if (parts.size() != 4) continue;
    for (const auto& [name, member] : constants) {
      if (parts[3] != name) continue;
      CollectiveCurve& curve = out.of[parts[0]][parts[1]][std::atoi(parts[2].c_str())];
      curve.*member = value;
    }
  }
  return out;
}

}  // namespace

Evaluation evaluate_collectives(const MeasuredFile& file, Catalog& catalog) {
  Samples samples = samples_of(file, catalog);
  const Curves curves = curves_of(shared_terms(catalog.folders(), "collectives"));
  return {predict(samples.rows, curves, [](const Sample&) { return true; }),
          std::move(samples.not_covered)};
}

void calibrate_collectives(const std::vector<const MeasuredFile*>& files, Catalog& catalog,
                           Calibration& out) {
  std::vector<Sample> samples;
  std::vector<TermData> data;
  for (const MeasuredFile* file : files) {
    const Samples of = samples_of(*file, catalog);
    for (const Sample& sample : of.rows) out.saw(*file, sample.row);
    data.push_back(term_data(*file, of.rows.size()));
    samples.insert(samples.end(), of.rows.begin(), of.rows.end());
  }
  if (samples.empty()) return;
  SharedTerms terms = terms_of(fit_curves(samples, [](const Sample&) { return true; }));
  terms.summary = "Collectives within a node (docs/models/calibration.md)";
  terms.data = std::move(data);
  out.shared["collectives"] = std::move(terms);
  const std::string name = file_name(files.front()->path());
  out.cross_validation.push_back(
      {name, "message size", leave_out(samples, [](const Sample& s) { return s.message_bytes; })});
  out.cross_validation.push_back(
      {name, "number of GPUs", leave_out(samples, [](const Sample& s) { return s.devices; })});
  out.cross_validation.push_back(
      {name, "GPU", leave_out(samples, [](const Sample& s) { return s.device; })});
}

}  // namespace nightwatt
