#include <algorithm>
#include <cmath>
#include <functional>
#include <map>
#include <numeric>
#include <string>
#include <vector>

#include "analysis/report/parts.hpp"

namespace nightwatt::report {
namespace {

/// Of users: those with the most energy. The others are one row.
constexpr std::size_t most_users = 200;

/// The rows that a page shows: all, if they fit; else those with the most energy, the longest wait,
/// and a missed deadline (longest wait first), in the order of the file.
std::vector<std::uint32_t> that_matter(const JobColumns& jobs, std::size_t most) {
  std::vector<std::uint32_t> all(jobs.size());
  std::iota(all.begin(), all.end(), 0U);
  if (all.size() <= most) return all;
  std::vector<char> chosen(jobs.size(), 0);
  std::size_t count = 0;
  const auto choose = [&](std::size_t up_to, const std::function<double(std::uint32_t)>& worth) {
    std::vector<std::uint32_t> order;
    for (const std::uint32_t j : all) {
      if (chosen[j] == 0 && worth(j) > 0.0) order.push_back(j);
    }
    const std::size_t wanted = std::min(order.size(), up_to - std::min(up_to, count));
    std::partial_sort(order.begin(), order.begin() + static_cast<std::ptrdiff_t>(wanted),
                      order.end(), [&](std::uint32_t a, std::uint32_t b) {
                        const double x = worth(a), y = worth(b);
                        return x > y || (x == y && a < b);
                      });
    for (std::size_t k = 0; k < wanted; ++k) chosen[order[k]] = 1;
    count += wanted;
  };
  // NaN is not above 0: jobs that never started have no wait to be sorted by.
  choose(most * 2 / 5, [&](std::uint32_t j) { return jobs.it_energy_j[j]; });
  choose(most * 4 / 5, [&](std::uint32_t j) { return jobs.wait_s[j]; });
  choose(most, [&](std::uint32_t j) {
    return jobs.deadline_missed[j] != 0 ? 1.0 + std::max(0.0, jobs.wait_s[j]) : 0.0;
  });
  // What deadlines leave is filled with the next ones by energy.
  choose(most, [&](std::uint32_t j) { return jobs.it_energy_j[j]; });
  std::erase_if(all, [&](std::uint32_t j) { return chosen[j] == 0; });
  return all;
}

/// Names that the rows use, and their indices into these. A table of users may be long.
Json names_used(const std::vector<std::string>& table, const std::vector<std::int64_t>& column,
                const std::vector<std::uint32_t>& rows) {
  std::map<std::int64_t, std::size_t> place;
  Json names = Json::array(), indices = Json::array();
  for (const std::uint32_t row : rows) {
    const std::int64_t index = column[row];
    if (index < 0) {
      indices.push_back(-1);
      continue;
    }
    const auto [at, fresh] = place.emplace(index, names.size());
    if (fresh) names.push_back(table.at(static_cast<std::size_t>(index)));
    indices.push_back(at->second);
  }
  return {{"names", std::move(names)}, {"index", std::move(indices)}};
}

struct Totals {
  std::uint64_t jobs = 0, ended = 0, missed = 0, waited = 0;
  double gpu_hours = 0.0, it_energy_j = 0.0, facility_energy_j = 0.0, carbon_g = 0.0, cost = 0.0;
  double wait_s = 0.0;

  void add(const JobColumns& columns, std::size_t j) {
    constexpr double s_per_hour = 3600.0;
    ++jobs;
    ended += std::isnan(columns.end_s[j]) ? 0 : 1;
    missed += columns.deadline_missed[j] != 0 ? 1 : 0;
    gpu_hours += columns.gpu_seconds(j) / s_per_hour;
    it_energy_j += columns.it_energy_j[j];
    facility_energy_j += columns.facility_energy_j[j];
    if (columns.site[j] >= 0) {  // the others were charged nothing
      carbon_g += columns.carbon_g[j];
      cost += columns.cost[j];
    }
    if (!std::isnan(columns.wait_s[j])) {
      ++waited;
      wait_s += columns.wait_s[j];
    }
  }
  void add(const Totals& other) {
    jobs += other.jobs;
    ended += other.ended;
    missed += other.missed;
    waited += other.waited;
    gpu_hours += other.gpu_hours;
    it_energy_j += other.it_energy_j;
    facility_energy_j += other.facility_energy_j;
    carbon_g += other.carbon_g;
    cost += other.cost;
    wait_s += other.wait_s;
  }
  [[nodiscard]] Json row(Json name) const {
    return {{"name", std::move(name)},
            {"jobs", jobs},
            {"ended", ended},
            {"missed", missed},
            {"gpu_hours", gpu_hours},
            {"it_energy_j", it_energy_j},
            {"facility_energy_j", facility_energy_j},
            {"carbon_g", carbon_g},
            {"cost", cost},
            {"mean_wait_s", waited > 0 ? wait_s / static_cast<double>(waited) : unknown}};
  }
};

Json totals_by(const JobColumns& jobs, const std::vector<std::int64_t>& column,
               const std::vector<std::string>& table, std::size_t most) {
  std::vector<Totals> totals(table.size() + 1);  // the last: of none
  for (std::size_t j = 0; j < jobs.size(); ++j) {
    totals[column[j] < 0 ? table.size() : static_cast<std::size_t>(column[j])].add(jobs, j);
  }
  std::vector<std::size_t> order;
  for (std::size_t i = 0; i < totals.size(); ++i) {
    if (totals[i].jobs > 0) order.push_back(i);
  }
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    return totals[a].it_energy_j > totals[b].it_energy_j;
  });
  Json rows = Json::array();
  Totals others;
  for (std::size_t k = 0; k < order.size(); ++k) {
    const std::size_t i = order[k];
    if (k < most) {
      rows.push_back(totals[i].row(i < table.size() ? Json(table[i]) : Json()));
    } else {
      others.add(totals[i]);
    }
  }
  Json out = {{"rows", std::move(rows)}};
  if (order.size() > most) {
    out["others"] = others.row(nullptr);
    out["others_count"] = order.size() - most;
  }
  return out;
}

}  // namespace

Json job_tables(const TimelineFile& file, const JobColumns& jobs, const Budget& budget) {
  const std::vector<std::uint32_t> rows = that_matter(jobs, budget.jobs);
  const auto ids = file.jobs_text("job_id");
  Json id = Json::array();
  for (const std::uint32_t row : rows) id.push_back(ids[row]);
  const auto numbers = [&](const std::vector<double>& column) {
    std::vector<double> out;
    for (const std::uint32_t row : rows) out.push_back(column[row]);
    return float32_column(out);
  };
  const auto indices = [&](const std::vector<std::int64_t>& column) {
    std::vector<double> out;
    for (const std::uint32_t row : rows) out.push_back(static_cast<double>(column[row]));
    return float32_column(out);
  };
  Json out = {{"all", jobs.size()},
              {"shown", rows.size()},
              {"id", std::move(id)},
              {"submit_s", numbers(jobs.submit_s)},
              {"wait_s", numbers(jobs.wait_s)},
              {"run_s", numbers(jobs.run_s)},
              {"slowdown", numbers(jobs.slowdown)},
              {"gpus", numbers(jobs.gpus)},
              {"it_energy_j", numbers(jobs.it_energy_j)},
              {"facility_energy_j", numbers(jobs.facility_energy_j)},
              {"carbon_g", numbers(jobs.carbon_g)},
              {"cost", numbers(jobs.cost)},
              {"cap_w", numbers(jobs.cap_w)},
              {"state", indices(jobs.state)},
              {"missed", indices(jobs.deadline_missed)},
              {"site", names_used(file.table("site"), jobs.site, rows)},
              {"partition", names_used(file.table("partition"), jobs.partition, rows)},
              {"class", names_used(file.table("class"), jobs.job_class, rows)},
              {"user", names_used(file.table("user"), jobs.user, rows)}};
  out["by_class"] = totals_by(jobs, jobs.job_class, file.table("class"), most_users);
  out["by_user"] = totals_by(jobs, jobs.user, file.table("user"), most_users);
  return out;
}

}  // namespace nightwatt::report
