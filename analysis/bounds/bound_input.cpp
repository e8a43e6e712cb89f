#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <map>
#include <optional>
#include <queue>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>

#include "analysis/bounds/lower_bound.hpp"
#include "analysis/text.hpp"
#include "policies/decisions.hpp"
#include "policies/node_index.hpp"
#include "sim/demand.hpp"
#include "sim/placement_shape.hpp"
#include "traces/diagnostics.hpp"

namespace nightwatt {
namespace {

/// Powers of a run are whole nanowatts of 1/1000 GPU; what is closer than this is equal.
constexpr double equal_within = 1e-7;
/// How near the least energy over all caps is looked for.
constexpr double cap_search_tolerance = 1e-3;

BoundInput::Site site_of(const SiteResult& result) {
  BoundInput::Site site;
  site.name = result.name;
  site.end_s = result.steps_end_s;
  for (const TailStep& step : result.steps) {
    site.from_s.push_back(step.time_s);
    site.carbon_g_per_j.push_back(step.a * step.carbon_intensity_g_per_kwh / joules_per_kwh);
    site.cost_per_j.push_back(step.a * step.price_per_kwh / joules_per_kwh);
  }
  return site;
}

std::vector<BoundInput::Partition> partitions_of(const std::vector<PartitionTotals>& partitions,
                                                 const std::vector<SiteResult>& sites) {
  std::vector<BoundInput::Partition> all;
  for (const PartitionTotals& p : partitions) {
    const auto site = std::find_if(sites.begin(), sites.end(),
                                   [&](const SiteResult& s) { return s.name == p.site; });
    all.push_back({static_cast<std::size_t>(site - sites.begin()), p.name, p.device,
                   static_cast<double>(p.gpus)});
  }
  return all;
}

/// What a second of the trace's run comes to on a device.
struct PerWork {
  double least_j = 0.0, most_j = 0.0;  ///< for each whole GPU
  double run_s = 0.0;                  ///< the shortest
};

/// Asks the energy model what jobs would draw elsewhere or otherwise; answers are kept.
class OperatingPoints {
 public:
  explicit OperatingPoints(const Setup& setup) : setup_(setup) {}

  /// On as few nodes as hold the job, alone on its GPUs: it is nowhere faster, and what it draws
  /// while it waits for others comes on top of that.
  PerWork of(JobIndex job, const PartitionSetup& partition, std::uint64_t milli, bool any_cap) {
    const std::int16_t profile = setup_.job_profile.empty() ? 0 : setup_.job_profile[job];
    const float utilization = setup_.workload->jobs[job].utilization;
    const Asked asked{profile, &partition, milli, std::bit_cast<std::uint32_t>(utilization),
                      any_cap};
    const auto known = known_.find(asked);
    if (known != known_.end()) return known->second;
    const PlacementShape shape = compact_shape(partition, milli);
    const auto point = [&](Watts cap) {
      return setup_.model->query(profile, partition.device, shape, utilization, cap);
    };
    const Device& device = setup_.devices[static_cast<std::size_t>(partition.device)];
    PerWork answer = of_point(point(no_cap));
    if (any_cap && device.max_cap > Watts{}) answer = over_caps(device, point, answer);
    return known_.emplace(asked, answer).first->second;
  }

 private:
  using Asked = std::tuple<std::int16_t, const PartitionSetup*, std::uint64_t, std::uint32_t, bool>;

  static PerWork of_point(const OperatingPoint& point) {
    const double energy = to_watts(point.gpu + point.host) / point.rate;
    return {energy, energy, 1.0 / point.rate};
  }

  /// The least over all legal caps, whole watts or not. A lower cap neither speeds a job up nor
  /// makes it draw more; so between two caps it takes no less than the power at the lower one for
  /// the time at the higher one, and intervals are halved until that is near the best that was
  /// seen.
  template <class PointAt>
  static PerWork over_caps(const Device& device, PointAt point, PerWork free) {
    struct Interval {
      double least_j, from_w, to_w;
      OperatingPoint from, to;
      bool operator<(const Interval& other) const { return least_j > other.least_j; }
    };
    const auto interval = [](double from_w, const OperatingPoint& from, double to_w,
                             const OperatingPoint& to) {
      const double least = to_watts(from.gpu + from.host) / std::max(from.rate, to.rate);
      return Interval{least, from_w, to_w, from, to};
    };
    PerWork best = free;
    const auto see = [&best](const OperatingPoint& p) {
      const PerWork seen = of_point(p);
      best.least_j = std::min(best.least_j, seen.least_j);
      best.run_s = std::min(best.run_s, seen.run_s);
    };
    std::priority_queue<Interval> open;
    constexpr int slices = 16;
    double from_w = to_watts(device.min_cap);
    OperatingPoint from = point(device.min_cap);
    see(from);
    for (int i = 1; i <= slices; ++i) {
      const double share = static_cast<double>(i) / slices;
      const Watts limit = device.min_cap * (1.0 - share) + device.max_cap * share;
      const OperatingPoint to = point(std::min(limit, device.max_cap));
      see(to);
      best.most_j = std::max(best.most_j, to_watts(to.gpu + to.host) / from.rate);
      open.push(interval(from_w, from, to_watts(limit), to));
      from_w = to_watts(limit);
      from = to;
    }
    while (open.top().least_j < best.least_j * (1.0 - cap_search_tolerance)) {
      const Interval widest = open.top();
      open.pop();
      const double middle_w = 0.5 * (widest.from_w + widest.to_w);
      const OperatingPoint middle = point(watts(middle_w));
      see(middle);
      open.push(interval(widest.from_w, widest.from, middle_w, middle));
      open.push(interval(middle_w, middle, widest.to_w, widest.to));
    }
    best.least_j = std::min(best.least_j, open.top().least_j);
    return best;
  }

  const Setup& setup_;
  std::map<Asked, PerWork> known_;
};

/// The least of a step function over any span, in O(1): the least of every 1, 2, 4, ... steps.
class LeastOf {
 public:
  LeastOf(const std::vector<TailStep>& steps, double TailStep::*value) {
    for (const TailStep& step : steps) from_s_.push_back(step.time_s);
    least_.emplace_back();
    for (const TailStep& step : steps) least_.front().push_back(step.*value);
    for (std::size_t span = 2; span <= steps.size(); span *= 2) {
      const std::vector<double>& half = least_.back();
      std::vector<double> whole;
      for (std::size_t i = 0; i + span <= steps.size(); ++i)
        whole.push_back(std::min(half[i], half[i + span / 2]));
      least_.push_back(std::move(whole));
    }
  }
  /// Over [from, to]; 0 where nothing is known.
  [[nodiscard]] double over(double from_s, double to_s) const {
    if (from_s_.empty()) return 0.0;
    const std::size_t first = step_at(from_s), last = step_at(std::max(from_s, to_s));
    const auto level = static_cast<std::size_t>(std::bit_width(last - first + 1)) - 1;
    const std::vector<double>& row = least_[level];
    const double least = std::min(row[first], row[last + 1 - (std::size_t{1} << level)]);
    return std::isnan(least) ? 0.0 : least;
  }

 private:
  [[nodiscard]] std::size_t step_at(double t) const {
    const auto after = std::upper_bound(from_s_.begin() + 1, from_s_.end(), t);
    return static_cast<std::size_t>(after - from_s_.begin()) - 1;
  }
  std::vector<double> from_s_;
  std::vector<std::vector<double>> least_;  ///< [power of two][first step]
};

/// What moving a job's data to a site comes to at least: half of the energy at either end, each at
/// the lowest intensity (price) that there is while the job may be on its way. Data that make a
/// detour take both halves as well, and more in between, unless prices below 0 pay for it.
class LeastTransfer {
 public:
  /// @param sites  with the steps of their signals
  /// @param detours  whether data may be moved again before the job starts
  LeastTransfer(std::span<const SiteResult* const> sites, bool detours) {
    bool below_zero = false;
    for (const SiteResult* site : sites) {
      carbon_.emplace_back(site->steps, &TailStep::carbon_intensity_g_per_kwh);
      price_.emplace_back(site->steps, &TailStep::price_per_kwh);
      below_zero = below_zero || price_.back().over(0.0, 1e300) < 0.0;
    }
    counts_cost_ = !detours || !below_zero;
  }

  [[nodiscard]] bool counts_cost() const { return counts_cost_; }
  /// Of data that take so much energy, in the window of the job.
  [[nodiscard]] Charge charge(const BoundInput::Job& job, std::size_t from, std::size_t to,
                              double energy_j) const {
    Charge least;
    if (from == to || !(energy_j > 0.0)) return least;
    const double half_kwh = 0.5 * energy_j / joules_per_kwh;
    const auto of = [&](const std::vector<LeastOf>& signal) {
      return half_kwh *
             (signal[from].over(job.from_s, job.to_s) + signal[to].over(job.from_s, job.to_s));
    };
    least.carbon_g = of(carbon_);
    if (counts_cost_) least.cost = of(price_);
    return least;
  }

 private:
  bool counts_cost_ = false;
  std::vector<LeastOf> carbon_, price_;  ///< by site
};

bool is_named(const Setup& setup, Question question, std::string_view usual) {
  const std::string& name = setup.policies[static_cast<std::size_t>(question)].name;
  return !name.empty() && name != usual;
}

[[noreturn]] void refuse(const TimelineFile& file, const std::string& what) {
  throw InputError(Diagnostic{{file.path().string(), 0, 0}, what});
}

}  // namespace

Freedom freedom_of_run(const Setup& setup, const RunResult& result) {
  Freedom freedom;
  freedom.interruption =
      is_named(setup, Question::pause, "never") ||
      std::any_of(result.jobs.begin(), result.jobs.end(),
                  [](const JobRecord& r) { return r.preemptions > 0 || r.paused_s > 0.0; });
  freedom.site = setup.sites.size() > 1 && is_named(setup, Question::site, "home");
  freedom.cap = is_named(setup, Question::cap, "none");
  std::set<std::int32_t> devices;
  for (const SiteSetup& site : setup.sites) {
    if (!freedom.site) devices.clear();
    for (const PartitionSetup& p : site.partitions) devices.insert(p.device);
    freedom.device = freedom.device || devices.size() > 1;
  }
  return freedom;
}

BoundInput bound_input(const Setup& setup, const RunResult& result, Freedom freedom) {
  BoundInput input;
  input.freedom = freedom;
  for (const SiteResult& site : result.sites) input.sites.push_back(site_of(site));
  input.partitions = partitions_of(result.partitions, result.sites);

  std::vector<const PartitionSetup*> partitions;
  std::vector<Capacity> empty;
  for (const SiteSetup& site : setup.sites) {
    for (const PartitionSetup& p : site.partitions) {
      partitions.push_back(&p);
      empty.emplace_back(p.nodes, p.units_per_node, true);
    }
  }
  const bool caps = is_named(setup, Question::cap, "none");
  OperatingPoints points(setup);
  std::optional<LeastTransfer> transfer;
  if (freedom.site && setup.network.given()) {
    std::vector<const SiteResult*> sites;
    for (const SiteResult& site : result.sites) sites.push_back(&site);
    transfer.emplace(sites, setup.rebalance_s > 0.0);
  }
  for (const JobRecord& r : result.jobs) {
    if (!(r.it_energy_j > 0.0)) continue;
    const Job& job = setup.workload->jobs[r.job];
    const double submit_s = result.submit_s(r);
    const double end_s = std::isnan(r.end_s) ? result.file_end_s : r.end_s;
    input.jobs.push_back({submit_s, std::max(submit_s + result.slack_s(r) + r.run_s, end_s),
                          static_cast<std::uint32_t>(input.options.size()), r.carbon_g, r.cost});
    if (transfer && r.transfer_energy_j > 0.0) {
      input.jobs.back().booked_carbon_g += r.transfer_carbon_g;
      if (transfer->counts_cost()) input.jobs.back().booked_cost += r.transfer_cost;
    }
    const auto own = static_cast<std::size_t>(r.partition);
    const BoundInput::Option booked{static_cast<std::uint32_t>(own),
                                    r.gpu_seconds / r.run_s,
                                    r.power_changed != 0 ? 0.0 : r.run_s,
                                    r.it_energy_j,
                                    r.it_energy_j,
                                    true};
    for (std::size_t p = 0; p < partitions.size(); ++p) {
      const BoundInput::Partition& there = input.partitions[p];
      const bool same_device = there.device == input.partitions[own].device;
      if (!freedom.site && there.site != input.partitions[own].site) continue;
      if (!freedom.device && !same_device) continue;
      const Request request = Request::of(job, partitions[p]->units_per_node,
                                          partitions[p]->counts_cores, setup.shape == Shape::any);
      if (p != own && !accepts(setup, static_cast<std::int16_t>(p), empty[p], job, request)) {
        continue;
      }
      BoundInput::Option option = booked;
      option.partition = static_cast<std::uint32_t>(p);
      // Under a cap that is not free, what was booked is all that is known of the same device.
      if (!caps || freedom.cap || !same_device) {
        const auto milli = request.total_milli();
        const PerWork work = points.of(r.job, *partitions[p], milli, freedom.cap);
        const double units = static_cast<double>(milli) * 1e-3 * r.completed_reference_s;
        option.gpus = static_cast<double>(milli) * 1e-3;
        option.least_j = work.least_j * units;
        option.most_j = work.most_j * units;
        // Jobs on one GPU may speed each other up only if the scenario says so.
        option.run_s = work.run_s * r.completed_reference_s / std::max(1.0, setup.contention_rate);
        option.steady = !freedom.cap && setup.contention_rate == 1.0;
        if (p == own) {
          const auto near = [](double a, double b) { return std::abs(a - b) <= equal_within * b; };
          const bool as_booked = option.steady && r.power_changed == 0 &&
                                 near(option.least_j, r.it_energy_j) && near(option.run_s, r.run_s);
          if (as_booked) {
            option = booked;
          } else {
            option.steady = false;
            option.least_j = std::min(option.least_j, r.it_energy_j);
            option.most_j = std::max(option.most_j, r.it_energy_j);
            option.run_s = std::min(option.run_s, r.run_s);
          }
        }
      }
      if (transfer) {
        const Charge least =
            transfer->charge(input.jobs.back(), static_cast<std::size_t>(r.home_site), there.site,
                             result.data_gb(r) * result.network_j_per_gb);
        option.extra_carbon_g = least.carbon_g;
        option.extra_cost = least.cost;
      }
      input.options.push_back(option);
    }
  }
  return input;
}

BoundInput bound_input(std::span<const TimelineFile* const> files, Freedom freedom) {
  BoundInput input;
  input.freedom = freedom;
  if (files.empty()) return input;
  if (freedom.device || freedom.cap) {
    throw InputError(
        "freedom: expected start, interruption or site: files do not tell what jobs would draw on "
        "other devices or under other caps");
  }
  // The file whose signals reach farthest speaks for all.
  const TimelineFile& first = *files.front();
  std::vector<const SiteResult*> farthest;
  for (const SiteResult& site : first.sites()) {
    input.sites.push_back(site_of(site));
    farthest.push_back(&site);
  }
  input.partitions = partitions_of(first.partitions(), first.sites());
  const std::size_t jobs = first.job_count();
  const std::vector<std::string> ids = first.jobs_text("job_id");
  for (const TimelineFile* file : files) {
    if (file->sites().size() != input.sites.size() ||
        file->partitions().size() != input.partitions.size()) {
      refuse(*file, fmt::format("bound: other sites or partitions than in {}",
                                printable(first.path().string())));
    }
    for (std::size_t s = 0; s < input.sites.size(); ++s) {
      BoundInput::Site here = site_of(file->sites()[s]);
      if (here.from_s.empty()) {
        refuse(*file, "bound: the file does not hold the steps of its signals; run it again");
      }
      BoundInput::Site& known = input.sites[s];
      const std::size_t common = std::min(here.from_s.size(), known.from_s.size());
      const auto same = [&](const std::vector<double>& a, const std::vector<double>& b) {
        return std::equal(
            a.begin(), a.begin() + static_cast<std::ptrdiff_t>(common), b.begin(),
            [](double x, double y) { return x == y || (std::isnan(x) && std::isnan(y)); });
      };
      if (here.name != known.name || !same(here.from_s, known.from_s) ||
          !same(here.carbon_g_per_j, known.carbon_g_per_j) ||
          !same(here.cost_per_j, known.cost_per_j)) {
        refuse(*file, fmt::format("bound: other signals of {} than in {}", quote(here.name),
                                  printable(first.path().string())));
      }
      if (here.end_s > known.end_s) {
        known = std::move(here);
        farthest[s] = &file->sites()[s];
      }
    }
    for (std::size_t p = 0; p < input.partitions.size(); ++p) {
      const PartitionTotals& here = file->partitions()[p];
      const BoundInput::Partition& known = input.partitions[p];
      if (here.name != known.name || here.device != known.device ||
          static_cast<double>(here.gpus) != known.gpus) {
        refuse(*file, fmt::format("bound: another partition {} than in {}", quote(here.name),
                                  printable(first.path().string())));
      }
    }
    if (file->jobs_text("job_id") != ids) {
      refuse(*file, fmt::format("bound: other jobs than in {}", printable(first.path().string())));
    }
  }

  // A row of every file at a time: the partitions it ran in, and the least that it drew.
  struct Columns {
    std::vector<double> submit, slack, end, run, gpu_s, energy, carbon, cost;
    std::vector<std::int64_t> changed;
    std::vector<std::string> site, partition;
    // Where moving data takes energy:
    std::vector<std::string> home;
    std::vector<double> data_gb, moved_g, moved_cost;
  };
  std::vector<Columns> columns;
  const auto moves_data = [](const TimelineFile* file) {
    const auto& all = file->job_columns();
    return std::any_of(all.begin(), all.end(), [](const auto& c) { return c.name == "data_gb"; });
  };
  std::optional<LeastTransfer> transfer;  // files do not tell whether data may make detours
  if (freedom.site && std::all_of(files.begin(), files.end(), moves_data)) {
    transfer.emplace(farthest, true);
  }
  for (const TimelineFile* file : files) {
    const auto column = [&](const char* name) { return file->jobs_double(name); };
    Columns& c = columns.emplace_back();
    c.submit = column("submit_time");
    c.slack = column("slack_s");
    c.end = column("end_time");
    c.run = column("run_s");
    c.gpu_s = column("gpu_seconds");
    c.energy = column("it_energy_j");
    c.carbon = column("carbon_g");
    c.cost = column("cost");
    c.changed = file->jobs_int("power_changed");
    c.site = file->jobs_text("site");
    c.partition = file->jobs_text("partition");
    if (!transfer) continue;
    c.home = file->jobs_text("home_site");
    c.data_gb = column("data_gb");
    c.moved_g = column("transfer_carbon_g");
    c.moved_cost = column("transfer_cost");
  }
  std::map<std::pair<std::string, std::string>, std::size_t> partition_of;
  for (std::size_t p = 0; p < input.partitions.size(); ++p) {
    const BoundInput::Partition& partition = input.partitions[p];
    partition_of[{input.sites[partition.site].name, partition.name}] = p;
  }
  std::map<std::string, std::size_t> site_of_name;
  for (std::size_t s = 0; s < input.sites.size(); ++s) site_of_name[input.sites[s].name] = s;
  // The least that any of the files would have charged for moving the data of a job.
  const auto least_transfer = [&](std::size_t j, const BoundInput::Job& job, std::size_t to) {
    Charge least;
    for (std::size_t f = 0; f < files.size(); ++f) {
      const auto home = site_of_name.find(columns[f].home[j]);
      if (home == site_of_name.end()) return Charge();
      const double energy_j = columns[f].data_gb[j] * files[f]->header().network_j_per_gb;
      const Charge here = transfer->charge(job, home->second, to, energy_j);
      least.carbon_g = f == 0 ? here.carbon_g : std::min(least.carbon_g, here.carbon_g);
      least.cost = f == 0 ? here.cost : std::min(least.cost, here.cost);
    }
    return least;
  };
  for (std::size_t j = 0; j < jobs; ++j) {
    BoundInput::Job job{columns.front().submit[j], 0.0,
                        static_cast<std::uint32_t>(input.options.size()), 0.0, 0.0};
    job.booked_carbon_g = columns.front().carbon[j];
    job.booked_cost = columns.front().cost[j];
    if (transfer && columns.front().moved_g[j] != 0.0) {
      job.booked_carbon_g += columns.front().moved_g[j];
      if (transfer->counts_cost()) job.booked_cost += columns.front().moved_cost[j];
    }
    BoundInput::Option option;
    std::set<std::size_t> sites;
    std::set<std::string> devices;
    for (std::size_t f = 0; f < files.size(); ++f) {
      const Columns& c = columns[f];
      if (!(c.energy[j] > 0.0)) continue;
      const auto ran = partition_of.find({c.site[j], c.partition[j]});
      if (ran == partition_of.end()) refuse(*files[f], "bound: a job of no partition");
      const BoundInput::Partition& partition = input.partitions[ran->second];
      const double end_s = std::isnan(c.end[j]) ? files[f]->header().file_end_s : c.end[j];
      job.to_s = std::max({job.to_s, c.submit[j] + c.slack[j] + c.run[j], end_s});
      BoundInput::Option here{
          0,           c.gpu_s[j] / c.run[j], c.changed[j] != 0 ? 0.0 : c.run[j],
          c.energy[j], c.energy[j],           true};
      if (devices.empty()) {
        option = here;
      } else {
        const auto near = [](double a, double b) { return std::abs(a - b) <= equal_within * b; };
        option.steady =
            option.steady && near(option.least_j, here.least_j) && near(option.run_s, here.run_s);
        option.least_j = std::min(option.least_j, here.least_j);
        option.most_j = std::max(option.most_j, here.most_j);
        option.run_s = std::min(option.run_s, here.run_s);
        option.gpus = std::min(option.gpus, here.gpus);
      }
      sites.insert(partition.site);
      devices.insert(partition.device);
    }
    if (devices.empty()) continue;
    input.jobs.push_back(job);
    for (std::size_t p = 0; p < input.partitions.size(); ++p) {
      const BoundInput::Partition& partition = input.partitions[p];
      if (!devices.contains(partition.device)) continue;
      if (!freedom.site && !sites.contains(partition.site)) continue;
      option.partition = static_cast<std::uint32_t>(p);
      if (transfer) {
        const Charge least = least_transfer(j, job, partition.site);
        option.extra_carbon_g = least.carbon_g;
        option.extra_cost = least.cost;
      }
      input.options.push_back(option);
    }
  }
  return input;
}

}  // namespace nightwatt
