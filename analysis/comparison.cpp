#include "analysis/comparison.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>
#include <set>
#include <utility>

#include "analysis/reached.hpp"
#include "analysis/text.hpp"
#include "scenarios/yaml_tree.hpp"
#include "sim/timeline/timeline.hpp"
#include "traces/diagnostics.hpp"

namespace nightwatt {
namespace {

/// Fewer submission days give no interval.
constexpr std::size_t least_days = 5;
/// From so many weeks on, blocks are weeks.
constexpr std::size_t weeks_for_week_blocks = 8;
/// Up to so many seeds the bootstrap's widest interval (all resamples) covers less than 95 %: each
/// seed is below the middle with probability 1/2, all n on one side with 2^(1-n).
constexpr std::size_t few_seeds = 5;

struct Member {
  std::size_t file;  ///< index into the opened files
  std::int64_t seed;
};
/// Files of one scenario, in order of the seed.
using Members = std::vector<Member>;

/// The canonical scenario without its seed.
std::string without_seed(const std::string& yaml) {
  std::string text;
  for (std::size_t at = 0; at < yaml.size();) {
    const std::size_t end = std::min(yaml.find('\n', at), yaml.size() - 1) + 1;
    const std::string_view line(yaml.data() + at, end - at);
    if (!line.starts_with("seed:")) text += line;
    at = end;
  }
  return text;
}

std::vector<Members> group_by_seed(const std::vector<TimelineFile>& files) {
  std::vector<Members> groups;
  std::vector<std::string> scenarios;
  for (std::size_t f = 0; f < files.size(); ++f) {
    const TimelineHeader& header = files[f].header();
    const std::string scenario = without_seed(header.scenario_yaml);
    const Member member = {f, header.seed};
    std::size_t g = 0;
    for (; g < groups.size(); ++g) {
      const bool has_seed = std::any_of(groups[g].begin(), groups[g].end(),
                                        [&](const Member& m) { return m.seed == member.seed; });
      if (scenarios[g] == scenario && !has_seed) break;
    }
    if (g == groups.size()) {
      groups.emplace_back();
      scenarios.push_back(scenario);
    }
    groups[g].push_back(member);
  }
  // Runs that differ in their seeds only: then the seeds are what is compared.
  if (groups.size() == 1) {
    groups.clear();
    for (std::size_t f = 0; f < files.size(); ++f) groups.push_back({{f, files[f].header().seed}});
  }
  for (Members& group : groups) {
    std::stable_sort(group.begin(), group.end(),
                     [](const Member& a, const Member& b) { return a.seed < b.seed; });
  }
  return groups;
}

Variant variant_of(const Members& members, const std::vector<TimelineFile>& files,
                   const std::vector<std::string>& titles = {}) {
  Variant variant;
  const std::size_t first = members.front().file;
  variant.title = titles.empty() ? files[first].header().title : titles.at(first);
  for (const Member& member : members) {
    variant.files.push_back(files[member.file].path().string());
    variant.seeds.push_back(member.seed);
  }
  return variant;
}

std::string instant_of(const TimelineHeader& header, double since_start_s) {
  return instant_text(header.period_start_unix_s +
                      std::llround(header.period_start_fraction_s + since_start_s));
}

std::string shown(const YamlNode* node) { return node == nullptr ? "not given" : flow_text(*node); }

void add_changes(const YamlNode* base, const YamlNode* other, const std::string& path,
                 std::vector<std::string>& changes) {
  if (base != nullptr && other != nullptr && base->is_map() && other->is_map()) {
    const auto below = [&](const std::string& key) {
      add_changes(base->find(key), other->find(key), path.empty() ? key : path + "." + key,
                  changes);
    };
    for (const YamlNode& key : base->keys) below(key.text);
    for (const YamlNode& key : other->keys) {
      if (base->find(key.text) == nullptr) below(key.text);
    }
  } else if (base != nullptr && other != nullptr && base->is_list() && other->is_list() &&
             base->values.size() == other->values.size()) {
    for (std::size_t i = 0; i < base->values.size(); ++i) {
      add_changes(&base->values[i], &other->values[i], fmt::format("{}[{}]", path, i), changes);
    }
  } else if (const std::string a = shown(base), b = shown(other); a != b) {
    changes.push_back(fmt::format("{}: {} -> {}", path, a, b));
  }
}

/// Keys of the scenarios that differ, apart from title and seed.
std::vector<std::string> changes_of(const TimelineFile& base, const TimelineFile& other) {
  std::vector<std::string> changes;
  const YamlNode a = parse_yaml(base.header().scenario_yaml, base.path().string());
  const YamlNode b = parse_yaml(other.header().scenario_yaml, other.path().string());
  add_changes(&a, &b, "", changes);
  std::erase_if(changes, [](const std::string& change) {
    return change.starts_with("name: ") || change.starts_with("seed: ");
  });
  return changes;
}

/// What must be the same before two runs can be compared at all.
void check_belong_together(const TimelineFile& base, const TimelineFile& other,
                           Diagnostics& faults) {
  const TimelineHeader& a = base.header();
  const TimelineHeader& b = other.header();
  const auto fault = [&](const std::string& text) {
    faults.error({other.path().string(), 0, 0}, text);
  };
  const auto period = [](const TimelineHeader& h) {
    return fmt::format("{} to {}", instant_of(h, 0.0), instant_of(h, h.period_end_s));
  };
  if (a.period_start_unix_s != b.period_start_unix_s ||
      a.period_start_fraction_s != b.period_start_fraction_s || a.period_end_s != b.period_end_s) {
    fault(fmt::format("period: expected that of {} ({}), got {}", base.path().string(), period(a),
                      period(b)));
  }
  const auto sites = [](const TimelineFile& file) {
    std::set<std::string> names;
    for (const SiteResult& site : file.sites()) names.insert(quote(site.name));
    return names;
  };
  if (const auto expected = sites(base), got = sites(other); expected != got) {
    fault(fmt::format("sites: expected those of {} ({}), got {}", base.path().string(),
                      fmt::join(expected, ", "), fmt::join(got, ", ")));
  }
  const auto currency = [](const TimelineFile& file) {
    for (const SiteResult& site : file.sites()) {
      if (!site.currency.empty()) return site.currency;
    }
    return std::string();
  };
  const std::string expected = currency(base), got = currency(other);
  if (!expected.empty() && !got.empty() && expected != got) {
    fault(fmt::format("currency: expected that of {} ({}), got {}", base.path().string(),
                      printable(expected), printable(got)));
  }
}

/// Jobs in order of their ids.
struct Jobs {
  std::vector<std::string> text_ids;  ///< where ids are no numbers
  std::vector<std::int64_t> ids;
  std::vector<double> gpu_s;  ///< completed reference GPU-seconds
  std::vector<double> submit_s;
  std::vector<std::size_t> order;
  std::set<std::string> trace_hashes;

  explicit Jobs(const TimelineFile& file)
      : gpu_s(file.jobs_double("completed_reference_s")),
        submit_s(file.jobs_double("submit_time")),
        order(file.job_count()) {
    const auto& columns = file.job_columns();
    const bool are_text = std::any_of(columns.begin(), columns.end(), [](const ColumnInfo& column) {
      return column.name == "job_id" && column.type == ColumnInfo::Type::text;
    });
    if (are_text) {
      text_ids = file.jobs_text("job_id");
    } else {
      ids = file.jobs_int("job_id");
    }
    const auto gpus = file.jobs_double("gpus");
    for (std::size_t i = 0; i < gpu_s.size(); ++i) gpu_s[i] *= gpus[i];
    std::iota(order.begin(), order.end(), std::size_t{0});
    // Ids that come twice stay in the file's order.
    std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
      return are_text ? text_ids[a] < text_ids[b] : ids[a] < ids[b];
    });
    for (const InputFile& input : file.inputs()) {
      if (input.role == "workload" && !input.report.sha256.empty()) {
        trace_hashes.insert(input.report.sha256);
      }
    }
  }

  [[nodiscard]] std::string name(std::size_t row) const {
    return text_ids.empty() ? std::to_string(ids[row]) : printable(text_ids[row]);
  }
};

/// The order of job a of one run and job b of another.
int order_of(const Jobs& x, std::size_t a, const Jobs& y, std::size_t b) {
  if (x.text_ids.empty() && y.text_ids.empty()) {
    return x.ids[a] < y.ids[b] ? -1 : x.ids[a] > y.ids[b] ? 1 : 0;
  }
  return x.name(a).compare(y.name(b));
}

SameWork work_of(const Jobs& base, const Jobs& other, bool& same_submissions) {
  SameWork work;
  std::size_t i = 0, j = 0;
  while (i < base.order.size() || j < other.order.size()) {
    const int order = i == base.order.size() ? 1
                      : j == other.order.size()
                          ? -1
                          : order_of(base, base.order[i], other, other.order[j]);
    if (order < 0) {
      if (work.example.empty()) {
        work.example = fmt::format("job {} is only in BASE", base.name(base.order[i]));
      }
      ++work.only_base;
      work.base_gpu_s += base.gpu_s[base.order[i++]];
      continue;
    }
    if (order > 0) {
      if (work.example.empty()) {
        work.example = fmt::format("job {} is only in the other run", other.name(other.order[j]));
      }
      ++work.only_other;
      work.other_gpu_s += other.gpu_s[other.order[j++]];
      continue;
    }
    const std::size_t a = base.order[i++], b = other.order[j++];
    const double x = base.gpu_s[a], y = other.gpu_s[b];
    ++work.jobs;
    work.base_gpu_s += x;
    work.other_gpu_s += y;
    if (base.submit_s[a] != other.submit_s[b]) same_submissions = false;
    if (std::abs(x - y) > same_work_tolerance * std::max(std::abs(x), std::abs(y))) {
      if (work.unequal == 0) {
        work.example = fmt::format("job {} completed {} reference GPU-seconds in BASE, {} here",
                                   base.name(a), number_text(x), number_text(y));
      }
      ++work.unequal;
    }
  }
  if (work.only_base + work.only_other > 0) same_submissions = false;
  return work;
}

void add(SameWork& sum, const SameWork& more) {
  sum.jobs += more.jobs;
  sum.only_base += more.only_base;
  sum.only_other += more.only_other;
  sum.unequal += more.unequal;
  sum.base_gpu_s += more.base_gpu_s;
  sum.other_gpu_s += more.other_gpu_s;
  if (sum.example.empty()) sum.example = more.example;
}

/// Pairs of runs with the same seed; with one run each the seeds may differ.
std::vector<std::pair<std::size_t, std::size_t>> pairs_of(const Members& base, const Members& other,
                                                          const std::vector<TimelineFile>& files) {
  std::vector<std::pair<std::size_t, std::size_t>> pairs;
  if (base.size() == 1 && other.size() == 1) return {{base.front().file, other.front().file}};
  Diagnostics faults;
  const auto partner = [&](const Member& of, const Members& among) -> const Member* {
    for (const Member& member : among) {
      if (member.seed == of.seed) return &member;
    }
    faults.error({files[of.file].path().string(), 0, 0},
                 fmt::format("seed {} has no partner: {} was run with seed {}", of.seed,
                             files[among.front().file].path().string(),
                             fmt::join(variant_of(among, files).seeds, ", ")));
    return nullptr;
  };
  for (const Member& member : base) {
    if (const Member* with = partner(member, other)) pairs.emplace_back(member.file, with->file);
  }
  for (const Member& member : other) (void)partner(member, base);
  faults.throw_if_any();
  return pairs;
}

/// The figures of one group in each pair of runs; a group that a run does not have is null.
using GroupPairs = std::vector<std::pair<const FigureGroup*, const FigureGroup*>>;

const FigureGroup* named(const std::vector<FigureGroup>& groups, const std::string& name) {
  for (const FigureGroup& group : groups) {
    if (group.name == name) return &group;
  }
  return nullptr;
}

const RunFigure* figure_like(const FigureGroup* group, const RunFigure& figure) {
  if (group == nullptr) return nullptr;
  for (const RunFigure& each : group->figures) {
    if (each.section == figure.section && each.key == figure.key) return &each;
  }
  return nullptr;
}

/// What is drawn again.
struct Draw {
  Variation variation;
  std::size_t warmup_days = 0;  ///< in which no job counts
  Resampling how;
};

bool counts_jobs(const RunFigure& figure) { return figure.section == "jobs"; }

GroupDifference differences(const std::string& name, const GroupPairs& pairs, const Draw& draw) {
  GroupDifference result;
  result.name = name;
  const FigureGroup* pattern = nullptr;
  for (const auto& [base, other] : pairs) {
    if (pattern == nullptr) pattern = base != nullptr ? base : other;
    if (base == nullptr) continue;
    result.jobs += base->jobs;
    result.warmup_jobs += base->warmup_jobs;
  }
  if (pattern == nullptr) return result;
  // Job statistics draw from the days in which jobs count, all else from all days.
  std::vector<PairedFigure> all_units, counting_units;
  std::vector<std::size_t> of_all, of_counting;
  for (const RunFigure& figure : pattern->figures) {
    FigureDifference out = {figure.section, figure.key, figure.title, figure.unit, 0, 0, {}, {}};
    PairedFigure by_seed;
    for (const auto& [base, other] : pairs) {
      const RunFigure* x = figure_like(base, figure);
      const RunFigure* y = figure_like(other, figure);
      by_seed.base.push_back(x == nullptr ? unknown : x->value);
      by_seed.other.push_back(y == nullptr ? unknown : y->value);
    }
    const auto count = static_cast<double>(pairs.size());
    out.base = std::accumulate(by_seed.base.begin(), by_seed.base.end(), 0.0) / count;
    out.other = std::accumulate(by_seed.other.begin(), by_seed.other.end(), 0.0) / count;
    const auto& [base, other] = pairs.front();
    if (draw.variation.source == Variation::Source::seeds) {
      by_seed.base_count.assign(pairs.size(), 1.0);
      by_seed.other_count = by_seed.base_count;
      of_all.push_back(result.figures.size());
      all_units.push_back(std::move(by_seed));
    } else if (draw.variation.source == Variation::Source::days && figure.sum != DailySum::none &&
               base != nullptr && other != nullptr) {
      const std::size_t skipped = counts_jobs(figure) ? draw.warmup_days : 0;
      const auto daily = [&](const FigureGroup& of, DailySum which) {
        if (which == DailySum::none) return std::vector<double>();
        const auto& days = of.days[static_cast<std::size_t>(which)];
        return std::vector<double>(days.begin() + static_cast<std::ptrdiff_t>(skipped), days.end());
      };
      (counts_jobs(figure) ? of_counting : of_all).push_back(result.figures.size());
      (counts_jobs(figure) ? counting_units : all_units)
          .push_back({daily(*base, figure.sum), daily(*other, figure.sum),
                      daily(*base, figure.count), daily(*other, figure.count)});
    }
    result.figures.push_back(std::move(out));
  }
  const auto draw_units = [&](const std::vector<PairedFigure>& figures,
                              const std::vector<std::size_t>& places) {
    if (figures.empty()) return;
    const auto intervals = paired_intervals(figures, figures.front().base.size(), draw.how);
    for (std::size_t i = 0; i < places.size(); ++i) {
      result.figures[places[i]].difference_95 = intervals[i].difference;
      result.figures[places[i]].relative_95 = intervals[i].relative;
    }
  };
  draw_units(all_units, of_all);
  draw_units(counting_units, of_counting);
  return result;
}

/// Names of groups, those of the first run first.
std::vector<std::string> names_of(const std::vector<std::pair<RunFigures, RunFigures>>& pairs,
                                  std::vector<FigureGroup> RunFigures::*which) {
  std::vector<std::string> names;
  const auto take = [&](const std::vector<FigureGroup>& groups) {
    for (const FigureGroup& group : groups) {
      if (std::find(names.begin(), names.end(), group.name) == names.end()) {
        names.push_back(group.name);
      }
    }
  };
  for (const auto& [base, other] : pairs) {
    take(base.*which);
    take(other.*which);
  }
  return names;
}

bool same_values(const FigureGroup& a, const FigureGroup& b) {
  return std::equal(a.figures.begin(), a.figures.end(), b.figures.begin(), b.figures.end(),
                    [](const RunFigure& x, const RunFigure& y) {
                      return x.value == y.value || (std::isnan(x.value) && std::isnan(y.value));
                    });
}

Draw draw_of(const std::vector<std::pair<RunFigures, RunFigures>>& pairs, double period_s,
             double warmup_s, const Resampling& how) {
  Draw draw;
  draw.how = how;
  if (pairs.size() > 1) {
    draw.variation = {Variation::Source::seeds, pairs.size(), 1};
  } else {
    const std::size_t days = days_of(period_s);
    draw.warmup_days = std::min(days - 1, static_cast<std::size_t>(warmup_s / 86400.0));
    const std::size_t counting = days - draw.warmup_days;
    if (counting >= least_days) {
      draw.variation = {Variation::Source::days, days,
                        days >= 7 * weeks_for_week_blocks ? std::size_t{7} : std::size_t{1}};
    }
  }
  draw.how.block = draw.variation.block;
  return draw;
}

}  // namespace

const FigureDifference* GroupDifference::find(std::string_view section,
                                              std::string_view key) const {
  for (const FigureDifference& figure : figures) {
    if (figure.section == section && figure.key == key) return &figure;
  }
  return nullptr;
}

const char* Variation::name() const {
  switch (source) {
    case Source::days:
      return "days";
    case Source::seeds:
      return "seeds";
    case Source::none:
      break;
  }
  return "none";
}

std::string SameWork::text() const {
  if (equal()) {
    return fmt::format(
        "equal: {} jobs, each with the same completed reference GPU-seconds ({} h "
        "in all)",
        grouped(jobs), number_text(base_gpu_s / 3600.0));
  }
  std::vector<std::string> parts;
  if (unequal > 0) {
    parts.push_back(fmt::format("{} of {} jobs differ in completed reference GPU-seconds",
                                grouped(unequal), grouped(jobs)));
  }
  if (only_base > 0) parts.push_back(fmt::format("{} jobs are only in BASE", grouped(only_base)));
  if (only_other > 0) {
    parts.push_back(fmt::format("{} jobs are only in the other run", grouped(only_other)));
  }
  return fmt::format("UNEQUAL: {}; {} h against {} h in BASE ({})", fmt::join(parts, ", "),
                     number_text(other_gpu_s / 3600.0), number_text(base_gpu_s / 3600.0), example);
}

Comparison compare_runs(const std::vector<std::filesystem::path>& paths,
                        const CompareOptions& options) {
  if (paths.size() < 2) throw InputError("compare: expected BASE and at least one other file");
  std::vector<TimelineFile> files;
  Diagnostics faults;
  for (const auto& path : paths) {
    try {
      files.push_back(read_timeline(path));
    } catch (const InputError& error) {
      faults.append(error);
    }
  }
  faults.throw_if_any();
  for (const TimelineFile& file : files) check_belong_together(files.front(), file, faults);
  faults.throw_if_any();

  Comparison result;
  const TimelineHeader& first = files.front().header();
  result.period_start_unix_s = first.period_start_unix_s;
  result.period_end_s = first.period_end_s;
  result.slowdown_tau_s = first.slowdown_tau_s;
  const TimelineFile* last = &files.front();
  bool fixed = false;
  for (const TimelineFile& file : files) {
    if (file.header().file_end_s > last->header().file_end_s) last = &file;
    result.warmup_s = std::max(result.warmup_s, file.header().warmup_s);
    for (const SiteResult& site : file.sites()) {
      fixed = fixed || site.to_file_end.fixed.facility_energy_j != 0.0;
      if (result.currency.empty()) result.currency = site.currency;
    }
  }
  result.horizon_s = last->header().file_end_s;
  if (options.horizon_unix_s) {
    const double asked = *options.horizon_unix_s - static_cast<double>(first.period_start_unix_s) -
                         first.period_start_fraction_s;
    if (asked < result.horizon_s) {
      throw InputError(fmt::format(
          "horizon: expected {} or later, since {} is charged until then, got {}",
          instant_of(first, result.horizon_s), last->path().string(), instant_of(first, asked)));
    }
    result.horizon_s = asked;
  }
  result.fixed_shares = fixed ? std::vector<double>{0.0, 0.5} : std::vector<double>{0.5};

  const std::vector<Members> groups = group_by_seed(files);
  std::vector<const TimelineFile*> compared;  // beside result.runs
  result.base = variant_of(groups.front(), files, options.titles);
  FigureOptions how;
  how.horizon_s = result.horizon_s;
  how.warmup_s = result.warmup_s;
  how.slowdown_tau_s = result.slowdown_tau_s;
  how.fixed_shares = result.fixed_shares;
  const auto site_names = [](const TimelineFile& file) {
    std::vector<std::string> names;
    for (const SiteResult& site : file.sites()) names.push_back(site.name);
    return names;
  };

  // BASE is read once, however many runs are compared with it.
  std::map<std::size_t, Jobs> jobs_of_base;
  std::map<std::size_t, RunFigures> figures_of_base;
  for (const Member& member : groups.front()) {
    jobs_of_base.emplace(member.file, files[member.file]);
    figures_of_base.emplace(member.file, figures_of(files[member.file], how));
  }

  for (std::size_t g = 1; g < groups.size(); ++g) {
    RunDifference run;
    run.run = variant_of(groups[g], files, options.titles);
    run.changes = changes_of(files[groups.front().front().file], files[groups[g].front().file]);
    std::vector<std::pair<RunFigures, RunFigures>> figures;
    const auto pairs = pairs_of(groups.front(), groups[g], files);
    for (const auto& [base, other] : pairs) {
      const Jobs& base_jobs = jobs_of_base.at(base);
      const Jobs other_jobs(files[other]);
      bool same_submissions = true;
      add(run.work, work_of(base_jobs, other_jobs, same_submissions));
      if (!same_submissions && base_jobs.trace_hashes != other_jobs.trace_hashes) {
        faults.error({files[other].path().string(), 0, 0},
                     fmt::format("trace: expected that of {}, got another one",
                                 files[base].path().string()));
      }
    }
    faults.throw_if_any();
    if (!run.work.equal() && !options.allow_unequal) {
      faults.error({run.run.files.front(), 0, 0},
                   fmt::format("work: {}; no savings are shown (--allow-unequal shows the "
                               "differences all the same)",
                               run.work.text()));
      continue;
    }
    for (const auto& [base, other] : pairs) {
      FigureOptions own = how;
      const RunFigures& of_base = figures_of_base.at(base);
      // The facility with a fixed share is the same in both: sites in the order of each file.
      const auto base_names = site_names(files[base]);
      for (const std::string& name : site_names(files[other])) {
        const auto at = static_cast<std::size_t>(
            std::find(base_names.begin(), base_names.end(), name) - base_names.begin());
        own.reference.horizon_w.push_back(of_base.mean_it.horizon_w.at(at));
        own.reference.period_w.push_back(of_base.mean_it.period_w.at(at));
      }
      figures.emplace_back(of_base, figures_of(files[other], own));
    }
    const bool seeds_matter = std::any_of(figures.begin(), figures.end(), [&](const auto& pair) {
      return !same_values(pair.first.total, figures.front().first.total) ||
             !same_values(pair.second.total, figures.front().second.total);
    });
    if (figures.size() > 1 && !seeds_matter) {
      result.notes.push_back(
          fmt::format("{}: the {} seeds give the same figures, so they say "
                      "nothing of how the differences vary",
                      run.run.files.front(), figures.size()));
      figures.resize(1);
    }
    const Draw draw = draw_of(figures, result.period_end_s, result.warmup_s, options.resampling);
    run.variation = draw.variation;
    if (draw.variation.source == Variation::Source::seeds && figures.size() <= few_seeds) {
      result.notes.push_back(fmt::format(
          "{}: {} seeds are few; an interval from them spans at most their own extremes and holds "
          "the truth less often than 95 times in 100 ({:.0f})",
          run.run.files.front(), figures.size(),
          100.0 * (1.0 - std::pow(2.0, 1.0 - static_cast<double>(figures.size())))));
    }
    GroupPairs total;
    for (const auto& [base, other] : figures) total.emplace_back(&base.total, &other.total);
    run.total = differences("", total, draw);
    const auto each_group = [&](std::vector<FigureGroup> RunFigures::*which,
                                std::vector<GroupDifference>& out) {
      for (const std::string& name : names_of(figures, which)) {
        GroupPairs group;
        for (const auto& [base, other] : figures) {
          group.emplace_back(named(base.*which, name), named(other.*which, name));
        }
        out.push_back(differences(name, group, draw));
      }
    };
    each_group(&RunFigures::sites, run.sites);
    each_group(&RunFigures::classes, run.classes);
    result.runs.push_back(std::move(run));
    compared.push_back(&files[groups[g].front().file]);
  }
  faults.throw_if_any();
  const TimelineFile& base = files[groups.front().front().file];
  const bool seeds =
      std::any_of(groups.begin(), groups.end(), [](const Members& m) { return m.size() > 1; });
  if (base.job_count() > options.bound_jobs) {
    if (options.bound_jobs > 0) {
      result.notes.push_back(fmt::format(
          "no bound: it takes long for {} jobs (--bound asks for it)", base.job_count()));
    }
  } else if (!seeds) {  // each seed has jobs of its own
    add_reached(result, base, compared);
  }
  return result;
}

}  // namespace nightwatt
