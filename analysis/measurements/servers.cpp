#include <algorithm>
#include <array>
#include <cmath>
#include <set>
#include <span>

#include "analysis/least_squares.hpp"
#include "analysis/measurements/study.hpp"
#include "energy/cap_response.hpp"
#include "energy/utilization_model.hpp"

/// Whole servers under full load of inference (MLPerf): wall power, and the throughput that a cap
/// leaves. The devices run at their limit: the cap, or what the benchmark draws of TDP.
namespace nightwatt {
namespace {

/// Wall power of a server with its devices under load.
struct ServerTerms {
  double base_w = 300;       ///< host, drives, fans
  double device_w = 50;      ///< host, fans and supply losses for a device
  double linked_w = 60;      ///< on top, for a device on a board with links of its own (SXM)
  double busy_share = 0.85;  ///< power of a device that nothing limits, of TDP
  double cap_share = 0.97;   ///< of a device under a cap, of the cap
};
constexpr std::array<std::pair<const char*, double ServerTerms::*>, 5> names = {
    {{"base_w", &ServerTerms::base_w},
     {"device_w", &ServerTerms::device_w},
     {"linked_w", &ServerTerms::linked_w},
     {"busy_share", &ServerTerms::busy_share},
     {"cap_share", &ServerTerms::cap_share}}};

struct Server {
  std::size_t row = 0;
  const Device* device = nullptr;
  std::string system, benchmark;
  double devices = 1;
  double cap_w = 0;  ///< 0 = none
  double wall_w = 0;
  double kept = 0;  ///< share of the throughput without the cap; 0 = not measured
};

struct Servers {
  std::vector<Server> servers;
  std::vector<NotCovered> not_covered;
};

Servers servers_of(const MeasuredFile& file, Catalog& catalog) {
  Servers out;
  for (std::size_t row = 0; row < file.rows(); ++row) {
    const std::string& accelerator = file.text("accelerator")[row];
    const std::string& benchmark = file.text("benchmark")[row];
    const auto number = [&](const char* column) { return file.number(column)[row]; };
    const auto leave_out = [&](const std::string& why) {
      out.not_covered.push_back({row, accelerator, benchmark, "inference", why});
    };
    const DeviceMatch match = catalog.find_device(accelerator, file.kind().source);
    if (match.device == nullptr) {
      leave_out(match.reason);
      continue;
    }
    Server s;
    s.row = row;
    s.device = &match.device->device;
    s.system = file.text("system")[row];
    s.benchmark = benchmark;
    s.devices = number("accelerators");
    s.wall_w = number("mean_system_wall_power_w");
    const double cap = number("gpu_power_limit_w_from_config");
    if (!std::isnan(cap)) {
      s.cap_w = cap;
      const double kept = number("throughput_ratio_maxq_to_default");
      // Only here is all that the server can do measured; elsewhere queries come at a rate.
      if (file.text("scenario")[row] == "Offline" && !std::isnan(kept)) s.kept = kept;
    } else if (s.system.find("MaxQ") != std::string::npos) {
      leave_out("a limit acts (MaxQ), and the file does not say which");
      continue;
    }
    out.servers.push_back(s);
  }
  return out;
}

double wall_w(const Server& s, const ServerTerms& t) {
  const double limit = to_watts(s.device->tdp) * t.busy_share;
  const double device = s.cap_w > 0 ? std::min(limit, t.cap_share * s.cap_w) : limit;
  const double linked = s.device->scale_up.bytes_per_s > 0 ? t.linked_w : 0;
  return t.base_w + s.devices * (t.device_w + linked + device);
}

ServerTerms fit(const std::vector<const Server*>& servers) {
  const ServerTerms prior;
  std::map<std::string, double> count;
  for (const Server* s : servers) ++count[s->system];
  const auto unpack = [](std::span<const double> values) {
    ServerTerms terms;
    for (std::size_t i = 0; i < names.size(); ++i) terms.*names[i].second = values[i];
    return terms;
  };
  const RobustFit solved =
      fit_robust({{prior.base_w, 50, 1500, 0.002},
                  {prior.device_w, 5, 300, 0.01},
                  {prior.linked_w, 1, 300, 0.01},
                  {prior.busy_share, 0.4, 1.1, 2.0},
                  {prior.cap_share, 0.8, 1.0, 5.0}},
                 servers.size(), [&](std::span<const double> values, std::span<double> out) {
                   const ServerTerms terms = unpack(values);
                   for (std::size_t i = 0; i < servers.size(); ++i) {
                     // Each system counts the same, however many benchmarks it ran.
                     out[i] = std::sqrt(10.0 / count.at(servers[i]->system)) *
                              std::log(wall_w(*servers[i], terms) / servers[i]->wall_w);
                   }
                 });
  return unpack(solved.values);
}

/// Throughput under the cap over that without, from the response to caps of training.
double kept_at_cap(const Server& s, const SharedTerms& caps) {
  const DeviceCapTerms terms = cap_terms_of(caps, s.device->id);
  const CapDevice device{s.device->tdp, s.device->max_cap, s.device->idle};
  // All of the time busy, and without the cap already at the limit.
  const CapLoad load{1.0, terms.shared.clock_share, s.device->max_cap * terms.shared.hidden_demand};
  return 1 / ratio_at_cap(load, terms.device, device, watts(s.cap_w)).time;
}

void predict(const Server& s, const ServerTerms& terms, const SharedTerms& caps,
             std::vector<Prediction>& out) {
  const auto add = [&](const char* quantity, double predicted, double measured) {
    out.push_back(
        {s.row, s.device->id, s.benchmark, "inference", quantity, predicted, measured, false});
  };
  add("power", wall_w(s, terms), s.wall_w);
  const bool legal = s.cap_w > to_watts(s.device->idle) && s.cap_w < to_watts(s.device->max_cap);
  if (s.kept > 0 && legal) add("throughput_at_cap", kept_at_cap(s, caps), s.kept);
}

}  // namespace

Evaluation evaluate_servers(const MeasuredFile& file, Catalog& catalog) {
  Servers all = servers_of(file, catalog);
  const SharedTerms shared = shared_terms(catalog.folders(), "server-power");
  const SharedTerms caps = shared_terms(catalog.folders(), "caps");
  ServerTerms terms;
  for (const auto& [name, member] : names) terms.*member = shared.value(name, terms.*member);
  Evaluation out;
  out.not_covered = std::move(all.not_covered);
  for (const Server& s : all.servers) predict(s, terms, caps, out.predictions);
  return out;
}

void calibrate_servers(const std::vector<const MeasuredFile*>& files, Catalog& catalog,
                       Calibration& out) {
  std::vector<Server> all;
  SharedTerms shared;
  shared.summary = "Wall power of servers in inference (docs/models/calibration.md)";
  for (const MeasuredFile* file : files) {
    const Servers of = servers_of(*file, catalog);
    for (const Server& s : of.servers) out.saw(*file, s.row);
    shared.data.push_back(term_data(*file, of.servers.size()));
    all.insert(all.end(), of.servers.begin(), of.servers.end());
  }
  if (all.empty()) return;
  std::vector<const Server*> every;
  for (const Server& s : all) every.push_back(&s);
  const ServerTerms terms = fit(every);
  for (const auto& [name, member] : names) shared.values[name] = rounded(terms.*member);
  out.shared["server-power"] = std::move(shared);

  const auto fitted_caps = out.shared.find("caps");
  const SharedTerms caps = fitted_caps != out.shared.end()
                               ? fitted_caps->second
                               : shared_terms(catalog.folders(), "caps");
  const auto leave_out = [&](const char* label, auto key) {
    CrossValidation validation{file_name(files.front()->path()), label, {}};
    std::set<std::string> keys;
    for (const Server& s : all) keys.insert(key(s));
    for (const std::string& out_key : keys) {
      std::vector<const Server*> others;
      for (const Server& s : all) {
        if (key(s) != out_key) others.push_back(&s);
      }
      if (others.empty()) continue;
      const ServerTerms without = fit(others);
      for (const Server& s : all) {
        if (key(s) == out_key) predict(s, without, caps, validation.predictions);
      }
    }
    out.cross_validation.push_back(std::move(validation));
  };
  leave_out("server", [](const Server& s) { return s.system; });
  leave_out("GPU", [](const Server& s) { return s.device->id; });
}

}  // namespace nightwatt
