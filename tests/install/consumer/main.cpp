// One job on one GPU, simulated from another project: the package brings headers, libraries and
// what they need. 8 hours at 250 W are 7.2 MJ.
#include <cstdio>
#include <memory>

#include "analysis/summary.hpp"
#include "energy/utilization_model.hpp"
#include "sim/engine/simgrid_engine.hpp"
#include "sim/simulation.hpp"

using namespace nightwatt;

int main() {
  Workload workload;
  Job job;
  job.id = 1;
  job.run_s = 8 * 3600.0;
  job.gpu_milli = 1000;
  workload.jobs = {job};

  Device device;
  device.id = "gpu";
  device.idle = watts(50);
  device.busy = watts(250);
  PartitionSetup partition;
  partition.name = "gpus";
  partition.nodes = 1;
  partition.units_per_node = 1;
  SiteSetup site;
  site.name = "here";
  site.timezone = "UTC";
  site.partitions = {partition};
  Setup setup;
  setup.period_end_s = 8 * 3600.0;
  setup.sites = {site};
  setup.devices = {device};
  setup.profiles = {{"default", 1.0}};
  setup.model =
      std::make_shared<UtilizationModel>(setup.devices, std::vector{NodePower{}}, setup.profiles);
  setup.workload = &workload;

  const auto engine = make_simgrid_engine();
  const RunResult result = simulate(setup, *engine);
  std::printf("energy %.1f MJ, %zu policies\n", result.summary.it_energy_j / 1e6,
              list_policies().size());
  return result.summary.jobs_completed == 1 ? 0 : 1;
}
