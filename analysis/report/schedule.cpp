#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "analysis/report/lanes.hpp"
#include "analysis/report/parts.hpp"

namespace nightwatt::report {
namespace {

constexpr std::size_t most_rows = 256, most_columns = 640;

/// A partition's name in the tables and its place among the totals are told apart by site.
Json bars(const TimelineFile& file, const JobColumns& jobs) {
  const auto ids = file.jobs_text("job_id");
  const auto& sites = file.table("site");
  const auto& names = file.table("partition");
  const double end = file.header().file_end_s;
  Json out = Json::array();
  for (const PartitionTotals& partition : file.partitions()) {
    std::vector<LaneJob> lanes;
    std::vector<std::size_t> of;
    for (std::size_t j = 0; j < jobs.size(); ++j) {
      if (jobs.partition[j] < 0 || jobs.site[j] < 0 || std::isnan(jobs.start_s[j])) continue;
      if (names[static_cast<std::size_t>(jobs.partition[j])] != partition.name ||
          sites[static_cast<std::size_t>(jobs.site[j])] != partition.site) {
        continue;
      }
      lanes.push_back({jobs.start_s[j], std::isnan(jobs.end_s[j]) ? end : jobs.end_s[j],
                       static_cast<std::uint32_t>(std::llround(jobs.gpus[j] * 1000))});
      of.push_back(j);
    }
    const std::vector<LanePart> parts = pack_lanes(lanes);
    if (parts.empty()) continue;
    std::vector<std::uint32_t> job, from, to;
    for (const LanePart& part : parts) {
      job.push_back(part.job);
      from.push_back(static_cast<std::uint32_t>(part.from));
      to.push_back(static_cast<std::uint32_t>(part.to));
    }
    Json id = Json::array();
    std::vector<double> start_s, end_s, gpus, job_class, submit_s, energy_j;
    for (std::size_t k = 0; k < of.size(); ++k) {
      const std::size_t j = of[k];
      id.push_back(ids[j]);
      start_s.push_back(lanes[k].start_s);
      end_s.push_back(lanes[k].end_s);
      submit_s.push_back(jobs.submit_s[j]);
      gpus.push_back(jobs.gpus[j]);
      energy_j.push_back(jobs.it_energy_j[j]);
      job_class.push_back(static_cast<double>(jobs.job_class[j]));
    }
    out.push_back({{"site", partition.site},
                   {"partition", partition.name},
                   {"cores", partition.counts_cores},
                   {"gpus", partition.gpus},
                   {"part_job", uint32_column(job)},
                   {"part_from_milli", uint32_column(from)},
                   {"part_to_milli", uint32_column(to)},
                   {"id", std::move(id)},
                   {"submit_s", float32_column(submit_s)},
                   {"start_s", float32_column(start_s)},
                   {"end_s", float32_column(end_s)},
                   {"gpus_held", float32_column(gpus)},
                   {"it_energy_j", float32_column(energy_j)},
                   {"class", float32_column(job_class)}});
  }
  return out;
}

/// Mean and largest power of cells that hold several nodes and bins, as parts of the largest of
/// all in 16 bits.
Json node_power(const TimelineFile& file, std::size_t site) {
  const NodeBins nodes = file.nodes(site);
  if (nodes.bins == 0 || nodes.nodes == 0) return {};
  const std::size_t rows = std::min(most_rows, nodes.nodes);
  const std::size_t columns = std::min(most_columns, nodes.bins);
  std::vector<double> mean(rows * columns);
  std::vector<float> most(rows * columns);
  std::vector<std::uint32_t> count(rows * columns);
  for (std::size_t bin = 0; bin < nodes.bins; ++bin) {
    const std::size_t column = bin * columns / nodes.bins;
    for (std::size_t node = 0; node < nodes.nodes; ++node) {
      const std::size_t cell = (node * rows / nodes.nodes) * columns + column;
      const float w = nodes.power_w[bin * nodes.nodes + node];
      mean[cell] += static_cast<double>(w);
      most[cell] = std::max(most[cell], w);
      ++count[cell];
    }
  }
  const double scale = static_cast<double>(*std::max_element(most.begin(), most.end()));
  const auto part = [&](double w) {
    constexpr double full = std::numeric_limits<std::uint16_t>::max();
    return static_cast<std::uint16_t>(scale > 0.0 ? std::lround(w / scale * full) : 0);
  };
  std::vector<std::uint16_t> mean_part, most_part;
  for (std::size_t i = 0; i < mean.size(); ++i) {
    mean_part.push_back(part(mean[i] / count[i]));
    most_part.push_back(part(static_cast<double>(most[i])));
  }
  return {{"site", file.sites()[site].name},
          {"nodes", nodes.nodes},
          {"bins", nodes.bins},
          {"rows", rows},
          {"columns", columns},
          {"largest_w", scale},
          {"mean", uint16_column(mean_part)},
          {"largest", uint16_column(most_part)}};
}

}  // namespace

Json schedule(const TimelineFile& file, const JobColumns& jobs, const Budget& budget) {
  Json out = {{"most_bars", budget.bars}, {"bars", Json::array()}, {"nodes", Json::array()}};
  if (jobs.size() <= budget.bars) out["bars"] = bars(file, jobs);
  for (std::size_t s = 0; s < file.sites().size(); ++s) {
    Json nodes = node_power(file, s);
    if (!nodes.is_null()) out["nodes"].push_back(std::move(nodes));
  }
  return out;
}

}  // namespace nightwatt::report
