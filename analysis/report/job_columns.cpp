#include <algorithm>
#include <string>

#include "analysis/report/parts.hpp"

namespace nightwatt::report {

Budget Budget::of(const std::vector<TimelineFile>& files) {
  // 4 MB of series: 13 columns of 4 bytes as base64 (4/3), and their indices.
  constexpr std::size_t bytes_a_bin = 100, series_bytes = 4'000'000;
  std::size_t groups = 0;
  for (const TimelineFile& file : files) {
    groups += file.sites().size() + (file.sites().size() > 1 ? 1 : 0);
  }
  groups = std::max<std::size_t>(1, groups);
  const std::size_t runs = std::max<std::size_t>(1, files.size());
  Budget out{};
  out.bins = std::clamp<std::size_t>(series_bytes / bytes_a_bin / groups, 512, 16384);
  out.jobs = std::clamp<std::size_t>(15000 / runs, 200, 5000);
  out.bars = std::clamp<std::size_t>(9000 / runs, 100, 3000);
  out.quantiles = std::clamp<std::size_t>(20000 / runs, 200, 1000);
  return out;
}

JobColumns::JobColumns(const TimelineFile& file)
    : submit_s(file.jobs_double("submit_time")),
      start_s(file.jobs_double("start_time")),
      end_s(file.jobs_double("end_time")),
      wait_s(file.jobs_double("wait_s")),
      run_s(file.jobs_double("run_s")),
      slowdown(file.jobs_double("bounded_slowdown")),
      gpus(file.jobs_double("gpus")),
      it_energy_j(file.jobs_double("it_energy_j")),
      facility_energy_j(file.jobs_double("facility_energy_j")),
      carbon_g(file.jobs_double("carbon_g")),
      cost(file.jobs_double("cost")),
      cap_w(file.jobs_double("cap_w")),
      site(file.jobs_int("site")),
      partition(file.jobs_int("partition")),
      device(file.jobs_int("device")),
      profile(file.jobs_int("profile")),
      job_class(file.jobs_int("class")),
      user(file.jobs_int("user")),
      state(file.jobs_int("state")),
      deadline_missed(file.jobs_int("deadline_missed")) {}

}  // namespace nightwatt::report
