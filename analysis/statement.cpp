#include "analysis/statement.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <map>
#include <string_view>

#include "analysis/cap_saving.hpp"
#include "analysis/comparison.hpp"
#include "analysis/output_text.hpp"
#include "analysis/run_figures.hpp"
#include "analysis/text.hpp"
#include "scenarios/yaml_tree.hpp"
#include "traces/diagnostics.hpp"

namespace nightwatt {
namespace {

constexpr double day_s = 86400.0, hour_s = 3600.0;
constexpr std::array<double, 2> shares = {0.0, 0.5};
/// Sums of power that moves away and of power that comes differ by this much where both are the
/// same, relative to all of it.
constexpr double rounding = 1e-12;

/// The jobs that the statement is of, by row.
std::vector<std::size_t> selected(const TimelineFile& file, const StatementSubset& subset) {
  std::vector<std::size_t> rows(file.job_count());
  for (std::size_t i = 0; i < rows.size(); ++i) rows[i] = i;
  const auto keep = [&](const char* option, const char* column, const std::string& wanted) {
    if (wanted.empty()) return;
    const auto texts = file.jobs_text(column);
    std::vector<std::size_t> kept;
    for (const std::size_t row : rows) {
      if (texts[row] == wanted) kept.push_back(row);
    }
    if (kept.empty()) {
      std::vector<std::string_view> names(texts.begin(), texts.end());
      std::sort(names.begin(), names.end());
      names.erase(std::unique(names.begin(), names.end()), names.end());
      throw InputError(Diagnostic{{file.path().string(), 0, 0},
                                  fmt::format("{}: no job matches {}{}", option, quote(wanted),
                                              did_you_mean(wanted, names))});
    }
    rows = std::move(kept);
  };
  keep("--user", "user", subset.user);
  keep("--class", "class", subset.job_class);
  keep("--job", "job_id", subset.job);
  return rows;
}

double sum_of(const std::vector<double>& values, const std::vector<std::size_t>& rows) {
  double sum = 0.0;
  for (const std::size_t row : rows) sum += values[row];
  return sum;
}

Charge sum_of_jobs(const TimelineFile& file, const std::vector<std::size_t>& rows,
                   const std::array<const char*, 4>& columns) {
  return {sum_of(file.jobs_double(columns[0]), rows), sum_of(file.jobs_double(columns[1]), rows),
          sum_of(file.jobs_double(columns[2]), rows), sum_of(file.jobs_double(columns[3]), rows)};
}

/// The signals of a site by bin, and how much of PUE - 1 followed IT power in the run.
HourlyGrid grid_of(const TimelineFile& file, std::size_t site, const SiteBins& bins) {
  const SiteTotals& t = file.sites()[site].to_file_end;
  const double followed =
      t.it_x_j == 0.0
          ? 1.0
          : (t.total.facility_energy_j - t.fixed.facility_energy_j - t.total.it_energy_j) /
                t.it_x_j;
  // b = f (PUE - 1) P: the watts of f P.
  const double fixed_w = t.x_s == 0.0 ? 0.0 : t.fixed.facility_energy_j / t.x_s;
  HourlyGrid grid;
  grid.bin_s = file.header().bin_s;
  grid.carbon_g_per_kwh = bins.carbon_intensity_g_per_kwh;
  grid.price_per_kwh = bins.price_per_kwh;
  for (std::size_t i = 0; i < bins.it_power_w.size(); ++i) {
    const double it_w = bins.it_power_w[i];
    grid.excess.push_back((bins.facility_power_w[i] - it_w) / (followed * it_w + fixed_w));
  }
  return grid;
}

/// Power of the selected jobs at one site beyond that of the idle GPUs which they hold: what moves
/// with them. Constant from start to end of a job.
std::vector<double> moving_power(const TimelineFile& file, std::size_t site, const SiteBins& bins,
                                 const std::vector<std::size_t>& rows) {
  const double bin_s = file.header().bin_s;
  double idle_gpu_s = 0.0;
  for (const double idle : bins.gpus_idle) idle_gpu_s += idle * bin_s;
  const double idle_j = file.sites()[site].to_file_end.term_j[static_cast<std::size_t>(Term::idle)];
  const double idle_w = idle_gpu_s > 0.0 ? idle_j / idle_gpu_s : 0.0;
  const auto start_s = file.jobs_double("start_time");
  const auto end_s = file.jobs_double("end_time");
  const auto energy_j = file.jobs_double("it_energy_j");
  const auto gpu_seconds = file.jobs_double("gpu_seconds");
  const auto of_site = file.jobs_text("site");
  std::vector<double> power_w(bins.it_power_w.size(), 0.0);
  for (const std::size_t row : rows) {
    const double from = start_s[row];
    const double to = std::isnan(end_s[row]) ? file.header().file_end_s : end_s[row];
    if (of_site[row] != file.sites()[site].name || !(to > from)) continue;
    const double w = (energy_j[row] - idle_w * gpu_seconds[row]) / (to - from);
    const auto first = static_cast<std::size_t>(from / bin_s);
    for (std::size_t i = first; i < power_w.size(); ++i) {
      const double bin_from = static_cast<double>(i) * bin_s;
      if (bin_from >= to) break;
      power_w[i] += w * (std::min(to, bin_from + bin_s) - std::max(from, bin_from)) / bin_s;
    }
  }
  return power_w;
}

/// "-1.2 kWh (-3.4 %)"
std::string change_text(const std::string& text, double difference, double of) {
  if (std::isnan(difference)) return "n/a";
  if (difference == 0.0) return "no change";
  return fmt::format("{}{} ({})", difference > 0.0 ? "+" : "", text,
                     signed_percent_text(relative_difference(of, of + difference)));
}

std::string money_text(double value, const std::string& currency) {
  return std::isnan(value) ? "n/a" : cost_text(money(value), currency);
}

StatementSaving saving_of(std::string choice, const std::array<ChargeChange, 2>& change,
                          const std::array<Charge, 2>& of, const std::string& currency) {
  StatementSaving saving;
  saving.choice = std::move(choice);
  const auto row = [&](const char* what, auto text, auto difference, auto base) {
    std::array<std::string, 2> cells;
    for (std::size_t i = 0; i < 2; ++i) {
      double value = difference(change[i]);
      if (std::abs(value) <= rounding * base(of[i])) value = 0.0;
      cells[i] = change_text(std::isnan(value) ? "" : text(value), value, base(of[i]));
    }
    saving.rows.push_back({what, cells[0], cells[1]});
  };
  row(
      "facility energy", [](double j) { return energy_text(joules(j)); },
      [](const ChargeChange& c) { return c.facility_j; },
      [](const Charge& c) { return c.facility_energy_j; });
  row(
      "carbon", [](double g) { return carbon_text(grams_co2e(g)); },
      [](const ChargeChange& c) { return c.carbon_g; }, [](const Charge& c) { return c.carbon_g; });
  row(
      "cost", [&](double m) { return money_text(m, currency); },
      [](const ChargeChange& c) { return c.cost; }, [](const Charge& c) { return c.cost; });
  return saving;
}

void add(ChargeChange& sum, const ChargeChange& more) {
  sum.facility_j += more.facility_j;
  sum.carbon_g += more.carbon_g;
  sum.cost += more.cost;
}

/// The hours of the day at which the same power would have been charged least and most.
void add_hours(const TimelineFile& file, const std::vector<HourlyGrid>& grids,
               const std::array<Charge, 2>& of, const std::string& currency, Statement& out) {
  std::array<std::array<ChargeChange, 2>, 24> change{};
  for (const HourlyGrid& grid : grids) {
    for (int hours = 0; hours < 24; ++hours) {
      for (std::size_t f = 0; f < shares.size(); ++f) {
        const auto site = shifted(grid, hours, shares[f]);
        if (!site) return;
        add(change[static_cast<std::size_t>(hours)][f], *site);
      }
    }
  }
  const bool has_carbon = !std::isnan(change[1][0].carbon_g);
  const auto size = [&](std::size_t hours) {
    return has_carbon ? change[hours][0].carbon_g : change[hours][0].facility_j;
  };
  if (std::isnan(size(1))) return;
  // What rounding alone makes of no change is none.
  const double noise = rounding * (has_carbon ? of[0].carbon_g : of[0].facility_energy_j);
  std::size_t least = 0, most = 0;
  for (std::size_t hours = 1; hours < 24; ++hours) {
    if (size(hours) < size(least) - noise) least = hours;
    if (size(hours) > size(most) + noise) most = hours;
  }
  const char* by = has_carbon ? "carbon" : "facility energy";
  const auto name = [&](std::size_t hours, const char* which) {
    return hours == 0 ? fmt::format("{} {} of all hours of the day: as it was", which, by)
                      : fmt::format("{} {} of all hours of the day: everything {} h later", which,
                                    by, hours);
  };
  if (least == 0 && most == 0) {
    out.assumptions.push_back(
        "PUE, carbon intensity and price are the same at all hours, so another hour would have "
        "changed nothing.");
    return;
  }
  out.savings.push_back(saving_of(name(least, "Least"), change[least], of, currency));
  out.savings.push_back(saving_of(name(most, "Most"), change[most], of, currency));
  const double rest_s =
      file.header().file_end_s - std::floor(file.header().file_end_s / day_s) * day_s;
  out.assumptions.push_back(fmt::format(
      "Another hour: each day's power moves by whole hours within its day (24 h from the period's "
      "start), and from the end of the day to its beginning; the day's own PUE, carbon intensity "
      "and price hold. Queues are not scheduled again, and what does not move stays.{}",
      rest_s > 0.0 ? fmt::format(" The last {} of the run, which are no whole day, stay where they "
                                 "are.",
                                 span_text(seconds(rest_s)))
                   : ""));
}

/// What a cap would have changed, by the energy model.
void add_cap(const TimelineFile& file, const std::vector<std::size_t>& rows, const CapChoice& cap,
             const std::array<Charge, 2>& of, const std::string& currency, Statement& out) {
  const CapSaving saved = cap_saving(file, rows, cap, shares);
  std::vector<std::string> limits;
  for (const auto& [device, limit] : saved.limits) {
    limits.push_back(fmt::format("{} at {}", device, power_text(limit)));
  }
  StatementSaving saving =
      saving_of(fmt::format("A power cap, no job waiting longer: {}", fmt::join(limits, ", ")),
                saved.change, of, currency);
  const auto row = [&](const char* what, const std::string& amount, double value, double base) {
    const std::string text = change_text(amount, value, base);
    saving.rows.push_back({what, text, text});
  };
  row("IT energy of the jobs", energy_text(joules(saved.jobs_it_j)), saved.jobs_it_j,
      saved.jobs_it_of_j);
  row("completion time, mean", span_text(seconds(saved.completion_s)), saved.completion_s,
      saved.completion_of_s);
  out.savings.push_back(std::move(saving));
  out.assumptions.push_back(fmt::format(
      "A power cap is computed, not simulated: each job starts when it did, and runs longer and "
      "draws "
      "less as the run's energy model has it for such a job on its device ({} of {} jobs would "
      "have "
      "been slowed). While it holds a GPU longer, that GPU does not idle; losses of power supplies "
      "stay. {}",
      grouped(saved.slowed), grouped(saved.jobs),
      saved.waited == 0 ? "No job waited in a queue; none is taken to wait now."
                        : grouped(saved.waited) +
                              " jobs waited in a queue, and would have waited longer behind longer "
                              "jobs: simulate the cap to know (--against)."));
  for (const std::string& note : saved.notes) {
    out.assumptions.push_back("Of the cap: " + printable(note) + ".");
  }
}

void add_comparison(const std::filesystem::path& file, const std::filesystem::path& against,
                    Statement& out) {
  const Comparison comparison = compare_runs({file, against});
  const RunDifference& run = comparison.runs.front();
  StatementSaving saving;
  const std::string changes = fmt::format("{}", fmt::join(run.changes, "; "));
  saving.choice = changes.empty() ? printable(run.run.title) : printable(changes);
  // At share 0 and 0.5, whatever the run's own.
  const bool own_share = comparison.fixed_shares.size() > 1;
  const auto row = [&](const char* key, auto text) {
    const auto cell = [&](const std::string& section) {
      const FigureDifference* figure = run.total.find(section, key);
      const double value = figure->difference();
      return change_text(std::isnan(value) ? "" : text(value), value, figure->base);
    };
    saving.rows.push_back({run.total.find("horizon", key)->title,
                           cell(own_share ? "horizon_fixed_share_0" : "horizon"),
                           cell("horizon_fixed_share_0.5")});
  };
  row("facility_energy_j", [](double j) { return energy_text(joules(j)); });
  row("carbon_g", [](double g) { return carbon_text(grams_co2e(g)); });
  row("cost", [&](double m) { return money_text(m, comparison.currency); });
  for (const char* key : {"mean_jct_s", "mean_wait_s"}) {
    const FigureDifference* figure = run.total.find("jobs", key);
    const std::string text =
        change_text(span_text(seconds(figure->difference())), figure->difference(), figure->base);
    saving.rows.push_back({figure->title, text, text});
  }
  out.savings.push_back(std::move(saving));
  out.assumptions.push_back(fmt::format(
      "{}: simulated with the same jobs, which did the same work; both runs are charged until {} "
      "(nightwatt compare).",
      printable(against.string()),
      instant_text(comparison.period_start_unix_s + std::llround(comparison.horizon_s))));
}

/// What a scenario says of a site's carbon series: "direct", "lifecycle", or nothing.
std::string intensity_kind(const YamlNode& scenario, std::size_t site) {
  const YamlNode* sites = scenario.find("sites");
  if (sites == nullptr || !sites->is_list() || site >= sites->values.size()) return {};
  const YamlNode* carbon = sites->values[site].find("carbon");
  if (carbon == nullptr) return {};
  if (carbon->is_scalar()) return "a constant of " + carbon->text;
  const YamlNode* path = carbon->find("file");
  const YamlNode* column = carbon->find("column");
  std::string text;
  if (path != nullptr) text = std::filesystem::path(path->text).filename().string();
  if (column != nullptr) text += fmt::format("{}{}", text.empty() ? "" : ", ", column->text);
  return text;
}

void add_facts(const TimelineFile& file, const StatementSubset& subset,
               const std::vector<std::size_t>& rows, const Charge& booked, const Charge& full,
               const std::string& currency, Statement& out) {
  const TimelineHeader& header = file.header();
  const auto fact = [&](std::string what, std::string how) {
    out.facts.emplace_back(std::move(what), std::move(how));
  };
  const auto instant = [&](double s) {
    return instant_text(header.period_start_unix_s +
                        std::llround(header.period_start_fraction_s + s));
  };

  std::vector<std::string> parts;
  if (!subset.user.empty()) parts.push_back("user " + printable(subset.user));
  if (!subset.job_class.empty()) parts.push_back("class " + printable(subset.job_class));
  if (!subset.job.empty()) parts.push_back("job " + printable(subset.job));
  fact("jobs", fmt::format("{}{}", grouped(rows.size()),
                           parts.empty() ? "" : fmt::format(" ({})", fmt::join(parts, ", "))));

  const auto gpu_seconds = file.jobs_double("gpu_seconds");
  const auto device = file.jobs_text("device");
  const auto site = file.jobs_text("site");
  std::map<std::pair<std::string, std::string>, double> hours;  // by site and device
  double held_s = 0.0;
  for (const std::size_t row : rows) {
    if (site[row].empty()) continue;  // rejected
    hours[{site[row], device[row]}] += gpu_seconds[row] / hour_s;
    held_s += gpu_seconds[row];
  }
  for (const PartitionTotals& partition : file.partitions()) {
    if (!hours.contains({partition.site, partition.device})) continue;
    fact("hardware",
         fmt::format("{}, {}: {} {} in {} nodes", printable(partition.site),
                     printable(partition.device), grouped(partition.gpus),
                     partition.counts_cores ? "cores" : "GPUs", grouped(partition.nodes)));
  }
  for (const auto& entry : hours) {
    // No structured binding: clang 14 cannot capture one.
    const auto& where = entry.first;
    const auto& all = file.partitions();
    const bool cores = std::any_of(all.begin(), all.end(), [&](const PartitionTotals& partition) {
      return partition.counts_cores && std::pair(partition.site, partition.device) == where;
    });
    fact(cores ? "core-hours held" : "GPU-hours held",
         fmt::format("{} ({}, {})", number_text(entry.second), printable(where.first),
                     printable(where.second)));
  }
  double from_s = 0.0, to_s = header.file_end_s;
  if (!subset.is_all()) {
    const auto start_s = file.jobs_double("start_time");
    const auto end_s = file.jobs_double("end_time");
    from_s = to_s = unknown;
    for (const std::size_t row : rows) {
      if (!(start_s[row] >= from_s) && !std::isnan(start_s[row])) from_s = start_s[row];
      if (!(end_s[row] <= to_s) && !std::isnan(end_s[row])) to_s = end_s[row];
    }
  }
  if (!std::isnan(from_s) && !std::isnan(to_s)) {
    fact("time", fmt::format("{} to {}", instant(from_s), instant(to_s)));
  }
  fact("IT energy of the jobs", energy_text(joules(booked.it_energy_j)));
  if (held_s > 0.0) {
    fact("mean power of a GPU held", power_text(watts(booked.it_energy_j / held_s)));
  }
  const char* with_share =
      subset.is_all() ? " of the data centre" : " with its share of idle and fixed draw";
  fact(fmt::format("IT energy{}", with_share), energy_text(joules(full.it_energy_j)));
  fact(fmt::format("facility energy{}", with_share), energy_text(joules(full.facility_energy_j)));
  fact("PUE (facility over IT energy)", number_text(full.facility_energy_j / full.it_energy_j));
  if (!std::isnan(full.carbon_g)) {
    fact(fmt::format("carbon{}", with_share), carbon_text(grams_co2e(full.carbon_g)) + " CO2e");
    fact("mean carbon intensity paid",
         number_text(full.carbon_g / (full.facility_energy_j / joules_per_kwh)) + " g/kWh");
  } else {
    fact("carbon", "not known: no carbon intensity was given");
  }
  if (!std::isnan(full.cost)) {
    fact(fmt::format("cost{}", with_share), money_text(full.cost, currency));
  }
  const YamlNode scenario = parse_yaml(header.scenario_yaml, file.path().string());
  for (std::size_t s = 0; s < file.sites().size(); ++s) {
    const SiteResult& each = file.sites()[s];
    const std::string kind = intensity_kind(scenario, s);
    fact("place", fmt::format("{} ({}){}", printable(each.name), printable(each.timezone),
                              kind.empty() ? "" : "; carbon intensity: " + printable(kind)));
  }
}

std::string latex_text(std::string_view text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '\\':
        out += "\\textbackslash{}";
        break;
      case '~':
        out += "\\textasciitilde{}";
        break;
      case '^':
        out += "\\textasciicircum{}";
        break;
      case '&':
      case '%':
      case '$':
      case '#':
      case '_':
      case '{':
      case '}':
        out += '\\';
        out += c;
        break;
      case '<':
      case '>':
        out += fmt::format("$ {} $", c);
        break;
      default:
        out += c;
    }
  }
  return out;
}

std::string markdown_text(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '|' || c == '\\' || c == '*' || c == '_' || c == '`' || c == '<') out += '\\';
    out += c;
  }
  return out;
}

}  // namespace

std::optional<ChargeChange> shifted(const HourlyGrid& grid, int hours, double fixed_share) {
  const double per_hour = hour_s / grid.bin_s;
  const auto bins_of_hour = static_cast<std::size_t>(std::llround(per_hour));
  if (bins_of_hour == 0 || std::abs(per_hour - static_cast<double>(bins_of_hour)) > 1e-9) {
    return std::nullopt;
  }
  const std::size_t day = 24 * bins_of_hour;
  const std::size_t step = static_cast<std::size_t>(hours) * bins_of_hour;
  ChargeChange change;
  for (std::size_t first = 0; first + day <= grid.power_w.size(); first += day) {
    for (std::size_t i = 0; i < day; ++i) {
      const std::size_t to = first + (i + step) % day;
      // This bin's power there less the power that was there.
      const double facility_j = (grid.power_w[first + i] - grid.power_w[to]) * grid.bin_s *
                                (1.0 + (1.0 - fixed_share) * grid.excess[to]);
      change.facility_j += facility_j;
      change.carbon_g += facility_j / joules_per_kwh * grid.carbon_g_per_kwh[to];
      change.cost += facility_j / joules_per_kwh * grid.price_per_kwh[to];
    }
  }
  return change;
}

Statement make_statement(const std::filesystem::path& path, const StatementSubset& subset,
                         const std::optional<std::filesystem::path>& against,
                         const std::optional<CapChoice>& cap) {
  const TimelineFile file = read_timeline(path);
  if (against && !subset.is_all()) {
    throw InputError("--against: compares whole runs; leave out --user, --class and --job");
  }
  const auto rows = selected(file, subset);
  Statement out;
  out.title = file.header().title;
  std::string currency;
  for (const SiteResult& site : file.sites()) {
    if (currency.empty()) currency = site.currency;
  }
  const Charge booked =
      sum_of_jobs(file, rows, {"it_energy_j", "facility_energy_j", "carbon_g", "cost"});
  Charge full;
  std::array<Charge, 2> at_share;
  std::vector<HourlyGrid> grids;
  for (std::size_t s = 0; s < file.sites().size(); ++s) {
    const SiteResult& site = file.sites()[s];
    const SiteBins bins = file.site_bins(s);
    grids.push_back(grid_of(file, s, bins));
    grids.back().power_w = subset.is_all() ? bins.it_power_w : moving_power(file, s, bins, rows);
    const double mean_w = site.to_file_end.total.it_energy_j / file.header().file_end_s;
    for (std::size_t f = 0; f < shares.size(); ++f) {
      const Charge charge = at_fixed_share(site.to_file_end, shares[f], mean_w);
      at_share[f].facility_energy_j += charge.facility_energy_j;
      at_share[f].carbon_g += charge.carbon_g;
      at_share[f].cost += charge.cost;
    }
  }
  if (subset.is_all()) {
    const Summary& summary = file.summary();
    full = {summary.it_energy_j, summary.facility_energy_j, summary.carbon_g, summary.cost};
  } else {
    full = sum_of_jobs(
        file, rows, {"it_energy_full_j", "facility_energy_full_j", "carbon_full_g", "cost_full"});
    at_share = {full, full};
  }
  add_facts(file, subset, rows, booked, full, currency, out);
  out.assumptions.push_back(fmt::format(
      "Simulated by {}, scenario {} (SHA-256), seed {}; the figures are no measurements.",
      printable(file.header().source), file.header().scenario_sha256.substr(0, 16),
      file.header().seed));
  out.assumptions.push_back(
      "At fixed share 0 all facility power beyond IT follows IT power; at 0.5 half of it is drawn "
      "whatever IT draws, with the run's mean IT power as reference, so that less of a saving at "
      "the chips is one at the meter.");
  if (!subset.is_all()) {
    out.assumptions.push_back(
        "Of another hour only the jobs' draw above that of idle devices counts, constant from "
        "their "
        "start to their end; percentages are of what they paid with their share of idle and fixed "
        "draw.");
  }
  add_hours(file, grids, at_share, currency, out);
  if (cap) {
    add_cap(file, rows, *cap, at_share, currency, out);
  } else if (!against) {
    try {
      add_cap(file, rows, usual_cap, at_share, currency, out);
    } catch (const InputError& error) {
      out.assumptions.push_back(fmt::format("What a power cap would have saved is not told: {}.",
                                            printable(error.what())));
    }
  }
  if (against) add_comparison(path, *against, out);
  for (const std::string& note : file.notes()) out.assumptions.push_back(printable(note));
  return out;
}

std::string statement_markdown(const Statement& statement) {
  std::string out = fmt::format("## Energy statement\n\n{}\n\n| | |\n| :-- | :-- |\n",
                                markdown_text(printable(statement.title)));
  for (const auto& [what, how] : statement.facts) {
    out += fmt::format("| {} | {} |\n", markdown_text(what), markdown_text(how));
  }
  if (!statement.savings.empty()) {
    out +=
        "\nWhat other choices would have changed:\n\n| choice | | at fixed share 0 | at fixed "
        "share 0.5 |\n| :-- | :-- | --: | --: |\n";
    for (const StatementSaving& saving : statement.savings) {
      std::string choice = markdown_text(saving.choice);
      for (const StatementSaving::Row& row : saving.rows) {
        out += fmt::format("| {} | {} | {} | {} |\n", choice, row.what, row.at_share_0,
                           row.at_share_half);
        choice.clear();
      }
    }
  }
  out += "\nAssumptions:\n\n";
  for (const std::string& each : statement.assumptions) {
    out += fmt::format("- {}\n", markdown_text(each));
  }
  return out;
}

std::string statement_latex(const Statement& statement) {
  std::string out = fmt::format(
      "\\section*{{Energy statement}}\n{}\n\n\\noindent\\begin{{tabular}}{{lp{{0.6\\linewidth}}}}\n"
      "\\hline\n",
      latex_text(printable(statement.title)));
  for (const auto& [what, how] : statement.facts) {
    out += fmt::format("{} & {} \\\\\n", latex_text(what), latex_text(how));
  }
  out += "\\hline\n\\end{tabular}\n";
  if (!statement.savings.empty()) {
    out +=
        "\n\\medskip\\noindent What other choices would have changed:\n\n"
        "\\noindent\\begin{tabular}{lrr}\n\\hline\n & fixed share 0 & fixed share 0.5 \\\\\n"
        "\\hline\n";
    for (const StatementSaving& saving : statement.savings) {
      out += fmt::format("\\multicolumn{{3}}{{p{{0.9\\linewidth}}}}{{{}}} \\\\\n",
                         latex_text(saving.choice));
      for (const StatementSaving::Row& row : saving.rows) {
        out += fmt::format("\\quad {} & {} & {} \\\\\n", latex_text(row.what),
                           latex_text(row.at_share_0), latex_text(row.at_share_half));
      }
    }
    out += "\\hline\n\\end{tabular}\n";
  }
  out += "\n\\medskip\\noindent Assumptions:\n\\begin{itemize}\n";
  for (const std::string& each : statement.assumptions) {
    out += fmt::format("\\item {}\n", latex_text(each));
  }
  return out + "\\end{itemize}\n";
}

}  // namespace nightwatt
