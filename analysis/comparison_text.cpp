#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "analysis/comparison.hpp"
#include "analysis/output_text.hpp"
#include "analysis/text.hpp"

namespace nightwatt {
namespace {

using Align = TextTable::Align;

constexpr const char* not_known = "n/a";

/// A table before it is laid out for the terminal or for Markdown.
struct Table {
  std::string title;
  std::vector<std::string> head;
  std::vector<std::vector<std::string>> rows;
};

std::string value_text(Unit unit, double value) {
  if (std::isnan(value)) return not_known;
  switch (unit) {
    case Unit::joules:
      return energy_text(joules(value));
    case Unit::grams:
      return carbon_text(grams_co2e(value));
    case Unit::money:
      return cost_text(money(value), "");
    case Unit::watts:
      return power_text(watts(value));
    case Unit::seconds:
      return span_text(seconds(value));
    case Unit::ratio:
      return percent_text(value);
    case Unit::number:
    case Unit::count:
      break;
  }
  return number_text(value);
}

std::string difference_text(Unit unit, double value) {
  if (std::isnan(value)) return not_known;
  // Percentages of another kind than those of the next column: points.
  if (unit == Unit::ratio) {
    return value == 0.0 ? "0 points" : fmt::format("{:+.1f} points", 100.0 * value);
  }
  return (value > 0.0 ? "+" : "") + value_text(unit, value);
}

std::string interval_text(const Interval& interval) {
  if (std::isnan(interval.low)) return "";
  std::string low = signed_percent_text(interval.low);
  low.resize(low.size() - 2);  // the sign stands once
  return fmt::format("{} to {}", low, signed_percent_text(interval.high));
}

std::string instant_of(const Comparison& comparison, double since_start_s) {
  return instant_text(comparison.period_start_unix_s + std::llround(since_start_s));
}

std::string name_of(const Variant& variant) {
  std::string text = printable(variant.files.front());
  if (variant.files.size() > 1) text += fmt::format(" and {} more", variant.files.size() - 1);
  return text;
}

std::string description_of(const Variant& variant) {
  const std::string seeds =
      variant.files.size() > 1 ? fmt::format(" (seeds {})", fmt::join(variant.seeds, ", ")) : "";
  return fmt::format("{}{}: {}", name_of(variant), seeds, printable(variant.title));
}

std::string variation_text(const Variation& variation, const Comparison& comparison) {
  switch (variation.source) {
    case Variation::Source::days:
      return fmt::format(
          "days: 95 % intervals from {} submission days, drawn in blocks of {}; paired bootstrap",
          variation.units, variation.block == 1 ? "a day" : "a week");
    case Variation::Source::seeds:
      return fmt::format("seeds: means of {} seeds, 95 % intervals from them; paired bootstrap",
                         variation.units);
    case Variation::Source::none:
      break;
  }
  return fmt::format("none: no intervals ({} of submissions, one seed)",
                     span_text(seconds(comparison.period_end_s - comparison.warmup_s)));
}

std::string title_of(const Comparison& comparison, const RunDifference& run, std::string what) {
  return fmt::format("{}{} against BASE ({}){}",
                     run.work.equal() ? "" : "UNEQUAL WORK: ", name_of(run.run),
                     name_of(comparison.base), what);
}

void add_row(const FigureDifference& figure, std::string title, Table& table) {
  // The same sum in another order differs in its last digits, which are no difference of the runs.
  const bool rounding = std::abs(figure.relative()) < 1e-12;
  table.rows.push_back({std::move(title), value_text(figure.unit, figure.base),
                        value_text(figure.unit, figure.other),
                        difference_text(figure.unit, rounding ? 0.0 : figure.difference()),
                        signed_percent_text(rounding ? 0.0 : figure.relative()),
                        interval_text(figure.relative_95)});
}

std::vector<std::string> head_of(std::string first) {
  return {std::move(first), "BASE", "run", "difference", "in %", "95 % interval"};
}

/// Energy, carbon and cost of a span, and under each what a facility with a fixed share would show.
void add_charges(const Comparison& comparison, const GroupDifference& group,
                 const std::string& section, Table& table) {
  for (const FigureDifference& figure : group.figures) {
    if (figure.section != section) continue;
    const bool priced = figure.unit == Unit::money && !comparison.currency.empty();
    add_row(
        figure,
        "  " + figure.title + (priced ? fmt::format(" ({})", printable(comparison.currency)) : ""),
        table);
    for (const double share : comparison.fixed_shares) {
      const auto* fixed =
          group.find(fmt::format("{}_fixed_share_{:g}", section, share), figure.key);
      if (fixed != nullptr) add_row(*fixed, fmt::format("    at fixed share {:g}", share), table);
    }
  }
}

void heading(std::string text, Table& table) { table.rows.push_back({std::move(text)}); }

std::string jobs_heading(const GroupDifference& group) {
  if (group.warmup_jobs == 0) return fmt::format("jobs ({})", grouped(group.jobs));
  return fmt::format("jobs ({}, {} of the warm-up left out)", grouped(group.jobs),
                     grouped(group.warmup_jobs));
}

bool is_shown(const FigureDifference& figure) {
  // Without deadlines none are missed; without lost jobs all complete.
  const bool counts_nothing = figure.base == 0.0 && figure.other == 0.0;
  if (figure.key == "deadline_misses") return !counts_nothing;
  if (figure.key == "jobs_completed") return figure.base != figure.other;
  return true;
}

Table total_table(const Comparison& comparison, const RunDifference& run) {
  Table table = {title_of(comparison, run, ""), head_of(""), {}};
  const bool one_span = comparison.horizon_s == comparison.period_end_s;
  heading(one_span ? "in the period, which is charged to its end"
                   : fmt::format("to {}", instant_of(comparison, comparison.horizon_s)),
          table);
  add_charges(comparison, run.total, "horizon", table);
  if (!one_span) {
    heading("in the period", table);
    add_charges(comparison, run.total, "period", table);
  }
  heading("booked to jobs", table);
  add_charges(comparison, run.total, "booked", table);
  heading(jobs_heading(run.total), table);
  for (const FigureDifference& figure : run.total.figures) {
    if (figure.section == "jobs" && is_shown(figure)) add_row(figure, "  " + figure.title, table);
  }
  if (run.sites.size() == 1) {
    heading("site", table);
    for (const FigureDifference& figure : run.sites.front().figures) {
      if (figure.section == "peaks") add_row(figure, "  " + figure.title, table);
    }
  }
  return table;
}

Table site_table(const Comparison& comparison, const RunDifference& run) {
  Table table = {title_of(comparison, run, ", by site, to the horizon"), head_of("site"), {}};
  for (const GroupDifference& site : run.sites) {
    heading(printable(site.name), table);
    add_charges(comparison, site, "horizon", table);
    for (const FigureDifference& figure : site.figures) {
      if (figure.section == "peaks") add_row(figure, "  " + figure.title, table);
    }
  }
  return table;
}

Table class_table(const Comparison& comparison, const RunDifference& run) {
  Table table = {title_of(comparison, run, ", by class, to the horizon"), head_of("class"), {}};
  for (const GroupDifference& of : run.classes) {
    heading(fmt::format("{}: {}", of.name.empty() ? "(of no class)" : printable(of.name),
                        jobs_heading(of)),
            table);
    add_charges(comparison, of, "horizon", table);
    for (const FigureDifference& figure : of.figures) {
      // Means and tails; the median and the last percent are in JSON and CSV.
      const bool shown = figure.key.starts_with("mean_") || figure.key.starts_with("p95_") ||
                         figure.key == "deadline_misses" || figure.key == "jobs_completed";
      if (figure.section == "jobs" && shown && is_shown(figure)) {
        add_row(figure, "  " + figure.title, table);
      }
    }
  }
  return table;
}

std::vector<Table> tables_of(const Comparison& comparison, const RunDifference& run) {
  std::vector<Table> tables = {total_table(comparison, run)};
  if (run.sites.size() > 1) tables.push_back(site_table(comparison, run));
  if (!run.classes.empty()) tables.push_back(class_table(comparison, run));
  return tables;
}

/// (name, text) pairs that stand before the tables.
using Facts = std::vector<std::pair<std::string, std::string>>;

Facts facts_of(const Comparison& comparison) {
  Facts facts;
  facts.emplace_back("BASE", description_of(comparison.base));
  facts.emplace_back("period", fmt::format("{} to {} ({})", instant_of(comparison, 0.0),
                                           instant_of(comparison, comparison.period_end_s),
                                           span_text(seconds(comparison.period_end_s))));
  const double behind_s = comparison.horizon_s - comparison.period_end_s;
  facts.emplace_back(
      "horizon",
      fmt::format("{}{}; all runs are charged to it", instant_of(comparison, comparison.horizon_s),
                  behind_s > 0.0
                      ? fmt::format(" ({} after the period)", span_text(seconds(behind_s)))
                      : ""));
  if (comparison.warmup_s > 0.0) {
    facts.emplace_back("warm-up",
                       fmt::format("jobs of the first {} are left out of waits, completion times, "
                                   "slowdowns and deadlines",
                                   span_text(seconds(comparison.warmup_s))));
  }
  return facts;
}

std::string share_text(double share) { return fmt::format("{:.1f} %", 100.0 * share); }

Facts facts_of(const Comparison& comparison, const RunDifference& run) {
  Facts facts;
  facts.emplace_back("run", description_of(run.run));
  facts.emplace_back("work", run.work.text());
  if (!run.changes.empty()) {
    facts.emplace_back("changed", printable(fmt::format("{}", fmt::join(run.changes, "; "))));
  }
  if (run.reached) {
    std::vector<std::string> parts;
    if (run.reached->carbon) parts.push_back(share_text(*run.reached->carbon) + " for carbon");
    if (run.reached->cost) parts.push_back(share_text(*run.reached->cost) + " for cost");
    facts.emplace_back("reached", fmt::format("of the possible saving {} (bound: {})",
                                              fmt::join(parts, ", "), run.reached->freedoms));
  }
  facts.emplace_back("variation", variation_text(run.variation, comparison));
  return facts;
}

constexpr const char* legend =
    "Percentages are of BASE. At fixed share f that part of the facility's power beyond IT does "
    "not "
    "follow IT power; its reference is the mean IT power of BASE at each site.";

std::string terminal(const Facts& facts) {
  TextTable table({Align::left});
  for (const auto& [name, text] : facts) table.row({name, text});
  return table.text();
}

std::string terminal(const Table& of) {
  // Names are at the left, or in a last column that is wrapped.
  std::vector<Align> align(of.head.size(), Align::right);
  align[of.head.back() == "run" ? of.head.size() - 1 : 0] = Align::left;
  TextTable table(std::move(align));
  table.row(of.head);
  for (const auto& row : of.rows) table.row(row);
  TextTable title({Align::left});
  title.row({of.title});
  return title.text() + table.text();
}

std::string markdown_cell(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '|' || c == '\\' || c == '*' || c == '_' || c == '`' || c == '<') out += '\\';
    out += c;
  }
  return out;
}

std::string markdown(const Table& table) {
  std::string out = fmt::format("### {}\n\n", markdown_cell(table.title));
  const auto row = [&](const std::vector<std::string>& cells) {
    out += '|';
    for (std::size_t i = 0; i < table.head.size(); ++i) {
      std::string cell = i < cells.size() ? cells[i] : std::string();
      const std::size_t indent = std::min(cell.find_first_not_of(' '), cell.size());
      std::string text = markdown_cell(cell.substr(indent));
      if (cells.size() == 1 && i == 0) text = "**" + text + "**";
      for (std::size_t level = 0; level < indent / 2; ++level) text = "&emsp;" + text;
      out += " " + text + " |";
    }
    out += '\n';
  };
  row(table.head);
  out += "| :-- |";
  for (std::size_t i = 1; i < table.head.size(); ++i) out += " --: |";
  out += '\n';
  for (const auto& cells : table.rows) row(cells);
  return out;
}

std::string markdown(const Facts& facts) {
  std::string out;
  for (const auto& [name, text] : facts)
    out += fmt::format("- **{}**: {}\n", name, markdown_cell(text));
  return out;
}

using Json = nlohmann::ordered_json;

Json json_of(const Interval& interval) {
  if (std::isnan(interval.low)) return nullptr;
  return {interval.low, interval.high};
}

Json json_of(const GroupDifference& group) {
  Json json = {{"jobs_counted", group.jobs}, {"jobs_in_warmup", group.warmup_jobs}};
  for (const FigureDifference& figure : group.figures) {
    json[figure.section][figure.key] = {{"base", figure.base},
                                        {"run", figure.other},
                                        {"difference", figure.difference()},
                                        {"difference_95", json_of(figure.difference_95)},
                                        {"relative", figure.relative()},
                                        {"relative_95", json_of(figure.relative_95)}};
  }
  return json;
}

Json json_of(const Variant& variant) {
  Json json = {
      {"title", printable(variant.title)}, {"files", Json::array()}, {"seeds", variant.seeds}};
  for (const std::string& file : variant.files) json["files"].push_back(printable(file));
  return json;
}

/// Several runs in one table: a row a run, with its differences from BASE and their intervals.
Table overview_table(const Comparison& comparison) {
  static constexpr std::pair<const char*, const char*> shown[] = {
      {"facility_energy_j", "facility energy"}, {"carbon_g", "carbon"}, {"cost", "cost"}};
  Table table = {"All runs, in % of BASE", {}, {}};
  std::vector<const char*> keys;
  for (const auto& [key, title] : shown) {
    const bool known = std::any_of(
        comparison.runs.begin(), comparison.runs.end(), [&, key = key](const RunDifference& run) {
          const FigureDifference* figure = run.total.find("horizon", key);
          return figure != nullptr && !std::isnan(figure->relative());
        });
    if (!known) continue;
    keys.push_back(key);
    table.head.emplace_back(title);
  }
  table.head.insert(table.head.end(), {"wait, mean", "run"});
  std::set<std::string> titles = {comparison.base.title};
  for (const RunDifference& run : comparison.runs) titles.insert(run.run.title);
  const bool by_title = titles.size() == comparison.runs.size() + 1;
  const auto percent = [](double ratio) {
    if (std::isnan(ratio)) return std::string(not_known);
    const std::string text = fmt::format("{:+.2f}", 100.0 * ratio);
    return text.substr(1) == "0.00" ? "0.00" : text;
  };
  const FigureDifference* waits = nullptr;
  for (const RunDifference& run : comparison.runs) {
    std::vector<std::string> row;
    for (const char* key : keys) {
      const FigureDifference* figure = run.total.find("horizon", key);
      if (figure == nullptr) {
        row.emplace_back(not_known);
        continue;
      }
      std::string text = percent(figure->relative());
      const Interval& interval = figure->relative_95;
      if (!std::isnan(interval.low)) {
        text += fmt::format(" ({} to {})", percent(interval.low), percent(interval.high));
      }
      row.push_back(std::move(text));
    }
    const FigureDifference* wait = run.total.find("jobs", "mean_wait_s");
    row.push_back(wait == nullptr ? not_known : value_text(wait->unit, wait->other));
    if (waits == nullptr) waits = wait;
    row.push_back((run.work.equal() ? "" : "UNEQUAL WORK: ") +
                  (by_title ? printable(run.run.title) : name_of(run.run)));
    table.rows.push_back(std::move(row));
  }
  std::vector<std::string> base(keys.size(), "0");
  base.push_back(waits == nullptr ? not_known : value_text(waits->unit, waits->base));
  base.push_back("BASE: " +
                 (by_title ? printable(comparison.base.title) : name_of(comparison.base)));
  table.rows.insert(table.rows.begin(), std::move(base));
  return table;
}

}  // namespace

std::string comparison_table(const Comparison& comparison) {
  std::string out;
  // What decides whether the rest means anything comes first.
  for (const RunDifference& run : comparison.runs) {
    if (run.work.equal()) continue;
    TextTable warning({Align::left});
    warning.row({"UNEQUAL WORK", fmt::format("{}: differences are no savings", name_of(run.run))});
    out += warning.text();
  }
  out += terminal(facts_of(comparison));
  if (comparison.runs.size() > 1) out += '\n' + terminal(overview_table(comparison));
  for (const RunDifference& run : comparison.runs) {
    out += '\n' + terminal(facts_of(comparison, run));
    for (const Table& table : tables_of(comparison, run)) out += '\n' + terminal(table);
  }
  TextTable below({Align::left});
  below.row({"-", legend});
  for (const std::string& note : comparison.notes) below.row({"-", printable(note)});
  return out + '\n' + below.text();
}

std::string comparison_markdown(const Comparison& comparison) {
  std::string out = "## Comparison\n\n" + markdown(facts_of(comparison));
  if (comparison.runs.size() > 1) out += '\n' + markdown(overview_table(comparison));
  for (const RunDifference& run : comparison.runs) {
    out += '\n' + markdown(facts_of(comparison, run));
    for (const Table& table : tables_of(comparison, run)) out += '\n' + markdown(table);
  }
  out += fmt::format("\n{}\n", legend);
  for (const std::string& note : comparison.notes)
    out += fmt::format("\n{}\n", markdown_cell(note));
  return out;
}

std::string comparison_csv(const Comparison& comparison) {
  std::string out =
      "run,work,variation,group,name,section,key,unit,base,other,difference,difference_low_95,"
      "difference_high_95,relative,relative_low_95,relative_high_95\n";
  for (const RunDifference& run : comparison.runs) {
    const auto group = [&](const char* kind, const GroupDifference& of) {
      for (const FigureDifference& figure : of.figures) {
        const std::string unit = unit_name(figure.unit, comparison.currency);
        out += csv_row({run.run.files.front(), run.work.equal() ? "equal" : "unequal",
                        run.variation.name(), kind, of.name, figure.section, figure.key, unit,
                        csv_number(figure.base), csv_number(figure.other),
                        csv_number(figure.difference()), csv_number(figure.difference_95.low),
                        csv_number(figure.difference_95.high), csv_number(figure.relative()),
                        csv_number(figure.relative_95.low), csv_number(figure.relative_95.high)});
      }
    };
    group("total", run.total);
    for (const GroupDifference& site : run.sites) group("site", site);
    for (const GroupDifference& of : run.classes) group("class", of);
  }
  return out;
}

std::string comparison_json(const Comparison& comparison) {
  // Numbers that are not finite are written as null.
  Json json = {{"base", json_of(comparison.base)},
               {"period_start_unix_s", comparison.period_start_unix_s},
               {"period_s", comparison.period_end_s},
               {"horizon_s", comparison.horizon_s},
               {"warmup_s", comparison.warmup_s},
               {"slowdown_tau_s", comparison.slowdown_tau_s},
               {"currency", printable(comparison.currency)},
               {"notes", comparison.notes},
               {"runs", Json::array()}};
  for (const RunDifference& run : comparison.runs) {
    Json row = {{"run", json_of(run.run)},
                {"changes", run.changes},
                {"work",
                 {{"equal", run.work.equal()},
                  {"jobs", run.work.jobs},
                  {"jobs_only_in_base", run.work.only_base},
                  {"jobs_only_in_run", run.work.only_other},
                  {"jobs_unequal", run.work.unequal},
                  {"base_reference_gpu_s", run.work.base_gpu_s},
                  {"run_reference_gpu_s", run.work.other_gpu_s}}},
                {"variation",
                 {{"source", run.variation.name()},
                  {"units", run.variation.units},
                  {"block", run.variation.block}}}};
    if (run.reached) {
      const auto value = [](const std::optional<double>& share) {
        return share ? Json(*share) : Json();
      };
      row["reached"] = {{"carbon", value(run.reached->carbon)},
                        {"cost", value(run.reached->cost)},
                        {"bound_carbon_g", run.reached->bound_carbon_g},
                        {"bound_cost", run.reached->bound_cost},
                        {"freedoms", run.reached->freedoms}};
    }
    row["total"] = json_of(run.total);
    const auto groups = [&](const char* key, const char* name,
                            const std::vector<GroupDifference>& of) {
      row[key] = Json::array();
      for (const GroupDifference& each : of) {
        Json group = {{name, each.name.empty() ? Json() : Json(printable(each.name))}};
        group.update(json_of(each));
        row[key].push_back(std::move(group));
      }
    };
    groups("sites", "site", run.sites);
    groups("classes", "class", run.classes);
    json["runs"].push_back(std::move(row));
  }
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace nightwatt
