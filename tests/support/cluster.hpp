#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "energy/utilization_model.hpp"
#include "sim/engine/test_engine.hpp"
#include "sim/simulation.hpp"

namespace nightwatt::test {

/// A workload and a cluster built by hand. Devices draw 50 W idle and 250 W busy unless changed;
/// hosts draw nothing. One site "here" with PUE 1 and neither carbon nor price.
class Cluster {
 public:
  Cluster(std::uint32_t nodes, std::uint32_t gpus_per_node) {
    Device device;
    device.id = "gpu";
    device.idle = watts(50);
    device.busy = watts(250);
    setup.devices = {device};
    setup.profiles = {{"default", 1.0}};
    setup.period_end_s = 86400.0;
    setup.workload = &workload;
    SiteSetup site;
    site.name = "here";
    site.timezone = "UTC";
    PartitionSetup partition;
    partition.name = "gpus";
    partition.nodes = nodes;
    partition.units_per_node = gpus_per_node;
    site.partitions = {partition};
    setup.sites = {site};
    workload.origin_unix_s = 0;
    workload.reports.push_back({"by hand", "test", "", 0, {}, {}, {}});
    policy(Question::backfill, "none");
  }

  PartitionSetup& partition(std::size_t i = 0) { return setup.sites[0].partitions[i]; }

  /// Ids count from 1 in order of the calls; submit times must not fall.
  Job& job(double submit_s, double run_s, std::uint32_t gpus, double limit_s = unknown) {
    Job j;
    j.id = static_cast<std::int64_t>(workload.jobs.size()) + 1;
    j.submit_s = submit_s;
    j.run_s = run_s;
    j.gpu_milli = gpus * 1000;
    j.limit_s = limit_s;
    workload.jobs.push_back(j);
    return workload.jobs.back();
  }

  /// Names a policy; parameters that are not given take their defaults.
  void policy(Question question, const std::string& name,
              std::vector<std::pair<std::string, double>> numbers = {},
              std::vector<std::pair<std::string, std::string>> texts = {}) {
    const PolicyInfo* info = find_policy(question, name);
    if (info == nullptr) throw std::logic_error("no policy " + name);
    ParamValues values;
    for (const ParamInfo& p : info->params) {
      if (p.kind == ParamKind::text) {
        values.texts[p.name] = p.default_text;
      } else {
        // Defaults of the policies of this project are given in seconds here.
        values.numbers[p.name] = p.name == "depth"       ? 1000.0
                                 : p.name == "half_life" ? 604800.0
                                 : p.name == "refresh"   ? 300.0
                                                         : 0.0;
      }
    }
    for (auto& [key, value] : numbers) values.numbers[key] = value;
    for (auto& [key, value] : texts) values.texts[key] = value;
    setup.policies[static_cast<std::size_t>(question)] = {name, values};
  }

  void signals(StepSeries pue, StepSeries carbon_g_per_kwh, StepSeries price_per_kwh) {
    for (double& v : carbon_g_per_kwh.values) v /= joules_per_kwh;
    for (double& v : price_per_kwh.values) v /= joules_per_kwh;
    setup.sites[0].signals =
        SiteSignals(std::move(pue), std::move(carbon_g_per_kwh), std::move(price_per_kwh));
  }

  RunResult run(const RunHooks& hooks = {}) {
    const auto engine = make_test_engine();
    return run(*engine, hooks);
  }
  RunResult run(EventEngine& engine, const RunHooks& hooks = {}) {
    if (!setup.model) {
      std::vector<NodePower> nodes(setup.devices.size());
      for (const SiteSetup& site : setup.sites) {
        for (const PartitionSetup& p : site.partitions)
          nodes[static_cast<std::size_t>(p.device)] = p.node;
      }
      setup.model = std::make_shared<UtilizationModel>(setup.devices, nodes, setup.profiles);
    }
    return simulate(setup, engine, hooks);
  }

  /// Start times by job, in order of the calls.
  static std::vector<double> starts(const RunResult& result) {
    std::vector<double> all;
    for (const JobRecord& r : result.jobs) all.push_back(r.start_s);
    return all;
  }
  static std::vector<double> ends(const RunResult& result) {
    std::vector<double> all;
    for (const JobRecord& r : result.jobs) all.push_back(r.end_s);
    return all;
  }

  Workload workload;
  Setup setup;
};

/// Equal steps of `step_s` seconds from second 0.
inline StepSeries steps(double step_s, std::vector<double> values, Beyond beyond = Beyond::hold) {
  StepSeries s;
  s.step = SimTime::from_seconds(step_s);
  s.values = std::move(values);
  s.beyond = beyond;
  return s;
}

}  // namespace nightwatt::test
