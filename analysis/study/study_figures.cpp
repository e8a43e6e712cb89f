#include "analysis/study/study_figures.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <nlohmann/json.hpp>
#include <numeric>
#include <optional>
#include <tuple>
#include <utility>

#include "analysis/comparison.hpp"
#include "analysis/run_figures.hpp"
#include "analysis/text.hpp"
#include "sim/timeline/timeline.hpp"
#include "traces/diagnostics.hpp"

namespace nightwatt {
namespace {

constexpr std::size_t most_open = 256;  ///< files at a time
constexpr const char* work_metric = "reference_gpu_s";

/// Share of facility power beyond IT for which figures are given besides the runs' own.
constexpr double shown_fixed_share = 0.5;

/// "carbon_g" to the horizon, "period_carbon_g", "carbon_g_fixed_share_0.5".
std::string name_of(const RunFigure& figure) {
  std::string section = figure.section, share;
  if (const auto at = section.find("_fixed_share_"); at != std::string::npos) {
    share = section.substr(at);
    section.resize(at);
  }
  return (section == "period" ? "period_" : "") + figure.key + share;
}

std::string long_name_of(const RunFigure& figure) {
  std::string text = figure.title;
  const auto at = figure.section.find("_fixed_share_");
  const std::string span = figure.section.substr(0, at);
  if (span == "horizon") text += ", to the horizon";
  if (span == "period") text += ", in the period";
  if (at != std::string::npos) {
    text += ", at fixed share " + figure.section.substr(figure.section.rfind('_') + 1);
  }
  return text;
}

std::string currency_of(const TimelineFile& file) {
  for (const SiteResult& site : file.sites()) {
    if (!site.currency.empty()) return site.currency;
  }
  return {};
}

std::vector<std::string> site_names(const TimelineFile& file) {
  std::vector<std::string> names;
  for (const SiteResult& site : file.sites()) names.push_back(site.name);
  return names;
}

/// The sites of a base and the power that their facilities are referred to.
struct Reference {
  std::vector<std::string> sites;
  MeanPower power;
};

/// A figure of one run, as it stands in the index.
struct RunMetric {
  std::string name, units, long_name;
  bool money = false;
  double value = unknown;
};

RunFigure work_of(const TimelineFile& file) {
  const auto gpus = file.jobs_double("gpus");
  const auto reference_s = file.jobs_double("completed_reference_s");
  const double sum = std::inner_product(gpus.begin(), gpus.end(), reference_s.begin(), 0.0);
  return {"jobs", work_metric, "work done, as GPU-seconds on the reference device", Unit::seconds,
          sum};
}

std::vector<RunMetric> metrics_of(const TimelineFile& file, const FigureOptions& how) {
  std::vector<RunFigure> figures = figures_of(file, how).total.figures;
  figures.push_back(work_of(file));
  const std::string currency = currency_of(file);
  std::vector<RunMetric> metrics;
  for (const RunFigure& figure : figures) {
    metrics.push_back({name_of(figure), unit_name(figure.unit, currency), long_name_of(figure),
                       figure.unit == Unit::money, figure.value});
  }
  return metrics;
}

/// For the way from one process to another; CBOR keeps every double as it is.
std::string packed(const std::vector<RunMetric>& metrics) {
  nlohmann::json list = nlohmann::json::array();
  for (const RunMetric& m : metrics) {
    list.push_back({m.name, m.units, m.long_name, m.money, m.value});
  }
  std::string bytes;
  nlohmann::json::to_cbor(list, bytes);
  return bytes;
}

std::vector<RunMetric> unpacked(const std::string& bytes) {
  std::vector<RunMetric> metrics;
  for (const nlohmann::json& m : nlohmann::json::from_cbor(bytes)) {
    metrics.push_back({m[0], m[1], m[2], m[3], m[4]});
  }
  return metrics;
}

std::vector<std::string> one_by_one(std::size_t count,
                                    const std::function<std::string(std::size_t)>& work) {
  std::vector<std::string> results;
  for (std::size_t i = 0; i < count; ++i) results.push_back(work(i));
  return results;
}

/// What decides to when each run is charged.
class Ends {
 public:
  void take(const TimelineFile& file) {
    const TimelineHeader& header = file.header();
    const auto period =
        std::tuple(header.period_start_unix_s, header.period_start_fraction_s, header.period_end_s);
    if (!period_) period_ = period;
    one_period_ = one_period_ && period == *period_;
    latest_s_ = std::max(latest_s_, header.file_end_s);
    for (const SiteResult& site : file.sites()) {
      // Runs that stopped with jobs running cannot be charged further.
      const bool stopped = site.tail_term_w[static_cast<std::size_t>(Term::jobs)] > 0.0;
      tails_s_ = std::min(tails_s_, stopped || std::isnan(site.tail_until_s) ? header.file_end_s
                                                                             : site.tail_until_s);
    }
  }
  /// Whether all can be charged to one instant.
  [[nodiscard]] bool common() const { return one_period_ && latest_s_ <= tails_s_; }
  [[nodiscard]] double latest_s() const { return latest_s_; }
  [[nodiscard]] std::string words() const {
    if (common() && period_) {
      return instant_text(std::get<0>(*period_) + std::llround(std::get<1>(*period_) + latest_s_)) +
             ", the latest end of all runs";
    }
    return one_period_ ? "the end of each run: signals do not reach the latest end of all"
                       : "the end of each run: their periods differ";
  }

 private:
  std::optional<std::tuple<std::int64_t, double, double>> period_;
  bool one_period_ = true;
  double latest_s_ = 0.0;  ///< since the period's start
  double tails_s_ = std::numeric_limits<double>::infinity();
};

}  // namespace

StudyIndex study_figures(const Study& study, const std::vector<StudyRun>& runs,
                         const std::vector<std::string>& files, const std::filesystem::path& folder,
                         const std::function<bool()>& interrupted, const Spread& spread) {
  const auto read = [&](const std::string& name) {
    if (interrupted && interrupted()) throw WriteInterrupted();
    return read_timeline(folder / name);
  };
  StudyIndex index;
  index.title = study.name;
  for (const StudyAxis& axis : study.grid) {
    index.axes.push_back({axis.name, {}});
    for (const StudyPoint& point : axis.points) index.axes.back().labels.push_back(point.label);
  }
  for (const std::uint64_t seed : study.seeds) {
    index.seeds.push_back(static_cast<std::int64_t>(seed));
  }
  index.files = files;
  for (const StudyRun& run : runs) index.sha256.push_back(run.loaded.sha256);
  index.scenario_yaml = runs.front().loaded.canonical_yaml;

  Ends ends;
  std::vector<std::size_t> present;
  // Of few runs the files stay open until they are read a second time.
  std::vector<std::optional<TimelineFile>> open(files.size());
  for (std::size_t r = 0; r < files.size(); ++r) {
    if (files[r].empty()) continue;
    present.push_back(r);
    TimelineFile file = read(files[r]);
    ends.take(file);
    if (index.program.empty()) index.program = file.header().source;
    if (files.size() <= most_open) open[r].emplace(std::move(file));
  }
  index.horizon = ends.words();

  const auto with_file = [&](std::size_t r, auto&& use) {
    return open[r] ? use(*open[r]) : use(read(files[r]));
  };
  // A facility with a fixed share has the reference power of the base: the first run of a seed.
  std::map<std::uint64_t, Reference> bases;
  for (const std::size_t r : present) {
    if (!ends.common() || bases.contains(runs[r].seed)) continue;
    with_file(r, [&](const TimelineFile& file) {
      bases.emplace(runs[r].seed,
                    Reference{site_names(file), mean_it_power(file, ends.latest_s())});
    });
  }
  const auto figures = [&](std::size_t i) {
    if (interrupted && interrupted()) throw WriteInterrupted();
    const std::size_t r = present[i];
    return with_file(r, [&](const TimelineFile& file) {
      FigureOptions how;
      how.horizon_s = ends.common() ? ends.latest_s() : file.header().file_end_s;
      how.warmup_s = file.header().warmup_s;
      how.slowdown_tau_s = file.header().slowdown_tau_s;
      how.fixed_shares = {shown_fixed_share};
      const auto base = bases.find(runs[r].seed);
      if (base != bases.end() && base->second.sites == site_names(file)) {
        how.reference = base->second.power;
      }
      return packed(metrics_of(file, how));
    });
  };
  const std::vector<std::string> rows =
      (spread ? spread : Spread(one_by_one))(present.size(), figures);

  std::map<std::string, std::size_t> places;
  for (std::size_t i = 0; i < present.size(); ++i) {
    for (const RunMetric& figure : unpacked(rows[i])) {
      const auto [place, is_new] = places.emplace(figure.name, index.metrics.size());
      if (is_new) {
        index.metrics.push_back({figure.name, figure.units, figure.long_name,
                                 std::vector<double>(runs.size(), unknown)});
      }
      IndexMetric& metric = index.metrics[place->second];
      if (figure.money && figure.units != unit_name(Unit::money, "")) {
        if (metric.units == unit_name(Unit::money, "")) metric.units = figure.units;
        // Money of two currencies cannot stand in one array.
        if (metric.units != figure.units) continue;
      }
      metric.values[present[i]] = figure.value;
    }
  }
  return index;
}

double mean_at(const StudyIndex& index, const IndexMetric& metric, std::size_t point) {
  double sum = 0.0;
  for (std::size_t s = 0; s < index.seeds.size(); ++s) {
    sum += metric.values[point * index.seeds.size() + s];
  }
  return sum / static_cast<double>(index.seeds.size());
}

Sensitivity sensitivity(const StudyIndex& index, const IndexMetric& metric) {
  const std::size_t points = index.points(), seeds = index.seeds.size();
  Sensitivity out;
  std::vector<double> at_point;
  for (std::size_t p = 0; p < points; ++p) {
    at_point.push_back(mean_at(index, metric, p));
    out.mean += at_point.back() / static_cast<double>(points);
  }
  double between = 0.0, within = 0.0;  // means of squares over all runs
  for (std::size_t p = 0; p < points; ++p) {
    between += (at_point[p] - out.mean) * (at_point[p] - out.mean) / static_cast<double>(points);
    for (std::size_t s = 0; s < seeds; ++s) {
      const double off = metric.values[p * seeds + s] - at_point[p];
      within += off * off / static_cast<double>(points * seeds);
    }
  }
  const double all = between + within;
  // What is left by rounding is no variance.
  const bool varies = all > 1e-24 * out.mean * out.mean;
  const auto share = [&](double part) { return varies ? part / all : unknown; };
  double alone = 0.0;
  for (std::size_t a = 0; a < index.axes.size(); ++a) {
    const std::size_t labels = index.axes[a].labels.size();
    AxisEffect effect;
    effect.means.assign(labels, 0.0);
    for (std::size_t p = 0; p < points; ++p) {
      effect.means[index.coordinates(p)[a]] +=
          at_point[p] * static_cast<double>(labels) / static_cast<double>(points);
    }
    double part = 0.0;
    for (const double mean : effect.means) {
      part += (mean - out.mean) * (mean - out.mean) / static_cast<double>(labels);
    }
    effect.share = share(part);
    alone += part;
    out.axes.push_back(std::move(effect));
  }
  out.interactions = share(std::max(0.0, between - alone));
  out.seeds = share(within);
  return out;
}

std::vector<std::size_t> bases(const StudyIndex& index) {
  const IndexMetric* work = index.find(work_metric);
  const std::size_t seeds = index.seeds.size();
  const auto same = [&](std::size_t a, std::size_t b) {
    for (std::size_t s = 0; s < seeds; ++s) {
      const double x = work->values[a * seeds + s], y = work->values[b * seeds + s];
      // What failed says nothing.
      if (std::abs(x - y) > same_work_tolerance * std::max(std::abs(x), std::abs(y))) return false;
    }
    return true;
  };
  std::vector<std::size_t> of;
  for (std::size_t p = 0; p < index.points(); ++p) {
    of.push_back(work == nullptr ? 0 : p);
    for (std::size_t q = 0; q < p && of[p] == p; ++q) {
      if (of[q] == q && same(q, p)) of[p] = q;
    }
  }
  return of;
}

std::vector<std::size_t> telling_points(const StudyIndex& index, std::size_t most) {
  std::vector<std::size_t> points = {0};
  const auto base_of = bases(index);
  const auto take = [&](std::size_t point) {
    if (points.size() == most || base_of[point] != 0) return;
    if (std::find(points.begin(), points.end(), point) == points.end()) points.push_back(point);
  };
  for (const char* name :
       {"carbon_g", "facility_energy_j", "cost", "mean_wait_s", "mean_bounded_slowdown"}) {
    const IndexMetric* metric = index.find(name);
    if (metric == nullptr) continue;
    std::optional<std::size_t> best;
    for (std::size_t p = 0; p < index.points(); ++p) {
      const double value = mean_at(index, *metric, p);
      if (base_of[p] != 0 || std::isnan(value)) continue;
      if (!best || value < mean_at(index, *metric, *best)) best = p;
    }
    if (best) take(*best);
  }
  for (std::size_t p = 0; p < index.points(); ++p) take(p);
  std::sort(points.begin(), points.end());
  return points;
}

std::string study_table(const StudyIndex& index) {
  struct Column {
    const char* metric;
    const char* title;
    bool relative;
  };
  static constexpr Column columns[] = {{"facility_energy_j", "facility", true},
                                       {"carbon_g", "carbon", true},
                                       {"cost", "cost", true},
                                       {"mean_wait_s", "wait, mean", false},
                                       {"mean_bounded_slowdown", "slowdown", false}};
  const auto text = [](const IndexMetric& metric, double value) {
    if (std::isnan(value)) return std::string("n/a");
    if (metric.units == "J") return energy_text(joules(value));
    if (metric.units == "g") return carbon_text(grams_co2e(value));
    if (metric.units == "s") return span_text(seconds(value));
    if (metric.name == "cost") return cost_text(money(value), metric.units);
    return number_text(value);
  };
  std::vector<std::pair<Column, const IndexMetric*>> shown;
  for (const Column& column : columns) {
    const IndexMetric* metric = index.find(column.metric);
    if (metric == nullptr) continue;
    const bool known = std::any_of(metric->values.begin(), metric->values.end(),
                                   [](double value) { return !std::isnan(value); });
    if (known) shown.emplace_back(column, metric);
  }
  std::vector<TextTable::Align> align;
  std::vector<std::string> head;
  for (const auto& [column, metric] : shown) {
    head.emplace_back(column.title);
    align.push_back(TextTable::Align::right);
    if (!column.relative) continue;
    head.emplace_back("in %");
    align.push_back(TextTable::Align::right);
  }
  std::vector<std::string> varied;
  for (const IndexAxis& axis : index.axes) varied.push_back(printable(axis.name));
  head.push_back(fmt::format("{}", fmt::join(varied, ", ")));
  TextTable table(align);
  table.row(head);
  const auto base_of = bases(index);
  for (std::size_t p = 0; p < index.points(); ++p) {
    std::vector<std::string> row;
    for (const auto& [column, metric] : shown) {
      const double value = mean_at(index, *metric, p), base = mean_at(index, *metric, base_of[p]);
      row.push_back(text(*metric, value));
      if (!column.relative) continue;
      const double change = (value - base) / base;
      row.push_back(p == base_of[p]         ? "base"
                    : std::isfinite(change) ? fmt::format("{:+.1f}", 100.0 * change)
                                            : "n/a");
    }
    row.push_back(printable(index.title_of(p)));
    table.row(row);
  }
  return table.text();
}

StudyFiles study_files(const StudyIndex& index, const std::filesystem::path& path,
                       const std::vector<std::string>& where) {
  const auto refuse = [&](const std::string& message) {
    throw InputError(Diagnostic{{path.string(), 0, 0}, message});
  };
  std::vector<std::optional<std::size_t>> wanted(index.axes.size());
  for (const std::string& condition : where) {
    // Names and labels may hold '='.
    std::vector<std::string> names;
    bool found = false;
    for (std::size_t a = 0; a < index.axes.size() && !found; ++a) {
      for (std::size_t l = 0; l < index.axes[a].labels.size(); ++l) {
        names.push_back(index.axes[a].name + "=" + index.axes[a].labels[l]);
        if (names.back() != condition) continue;
        wanted[a] = l;
        found = true;
      }
    }
    if (!found) {
      refuse(fmt::format("--where: expected one of {}, got {}{}", fmt::join(names, ", "),
                         quote(condition), did_you_mean(condition, {names.begin(), names.end()})));
    }
  }
  const auto base_of = bases(index);
  std::vector<std::size_t> points;
  for (std::size_t p = 0; p < index.points(); ++p) {
    const auto at = index.coordinates(p);
    bool take = true;
    for (std::size_t a = 0; a < at.size(); ++a) take = take && at[a] == wanted[a].value_or(at[a]);
    if (take) points.push_back(p);
  }

  const std::size_t seeds = index.seeds.size();
  std::vector<std::size_t> complete;
  std::size_t present = 0;
  for (std::size_t s = 0; s < seeds; ++s) {
    bool all = true;
    for (const std::size_t p : points) {
      const bool there = !index.files[p * seeds + s].empty();
      present += there ? 1 : 0;
      all = all && there;
    }
    if (all) complete.push_back(s);
  }
  if (complete.empty()) {
    refuse(
        "with each seed at least one run failed: no runs are paired; run the study again, or name "
        "its timelines");
  }
  StudyFiles out;
  out.left_out = present - complete.size() * points.size();
  for (const std::size_t p : points) {
    out.same_work = out.same_work && base_of[p] == base_of[points.front()];
    for (const std::size_t s : complete) {
      out.files.push_back(path.parent_path() / index.files[p * seeds + s]);
      out.titles.push_back(index.title_of(p));
      out.points.push_back(p);
    }
  }
  return out;
}

}  // namespace nightwatt
