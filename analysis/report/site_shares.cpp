#include <algorithm>
#include <map>
#include <utility>
#include <vector>

#include "analysis/report/parts.hpp"

namespace nightwatt::report {

Json site_shares(const TimelineFile& file, const JobColumns& jobs) {
  constexpr double s_per_hour = 3600.0;
  struct Share {
    std::uint64_t jobs = 0;
    double gpu_hours = 0.0, it_energy_j = 0.0;
    void add(const JobColumns& columns, std::size_t j) {
      ++jobs;
      gpu_hours += columns.gpu_seconds(j) / s_per_hour;
      it_energy_j += columns.it_energy_j[j];
    }
  };
  const auto& names = file.table("site");
  const auto& columns = file.job_columns();
  // With one site all stays at home.
  const bool homes_known = file.sites().size() > 1 &&
                           std::any_of(columns.begin(), columns.end(), [](const ColumnInfo& c) {
                             return c.name == "home_site" && c.table == "site";
                           });
  const std::vector<std::int64_t> home =
      homes_known ? file.jobs_int("home_site") : std::vector<std::int64_t>();

  std::map<std::int64_t, Share> ran;
  std::map<std::pair<std::int64_t, std::int64_t>, Share> flows;  // home, where it ran
  for (std::size_t j = 0; j < jobs.size(); ++j) {
    if (jobs.site[j] < 0) continue;
    ran[jobs.site[j]].add(jobs, j);
    if (homes_known && home[j] >= 0) flows[{home[j], jobs.site[j]}].add(jobs, j);
  }
  const auto name = [&](std::int64_t index) { return names.at(static_cast<std::size_t>(index)); };
  Json out = {{"ran", Json::array()}, {"flows", Json::array()}};
  for (const auto& [site, share] : ran) {
    out["ran"].push_back({{"site", name(site)},
                          {"jobs", share.jobs},
                          {"gpu_hours", share.gpu_hours},
                          {"it_energy_j", share.it_energy_j}});
  }
  for (const auto& [way, share] : flows) {
    out["flows"].push_back({{"home", name(way.first)},
                            {"site", name(way.second)},
                            {"jobs", share.jobs},
                            {"gpu_hours", share.gpu_hours},
                            {"it_energy_j", share.it_energy_j}});
  }
  return out;
}

}  // namespace nightwatt::report
