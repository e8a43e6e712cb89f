#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "sim/timeline/file_writer.hpp"
#include "sim/timeline/hdf5_handle.hpp"
#include "sim/timeline/job_columns.hpp"
#include "sim/timeline/schema.hpp"
#include "sim/timeline/timeline.hpp"

namespace nightwatt {

namespace timeline {

namespace {

constexpr std::size_t rows_at_once = 512;  ///< of JobRow; they stay in the cache

template <class S, class V>
Label label_of(const Field<S, V>& field, const Units& units) {
  return {field.name, units.of(field.units), field.long_name};
}

/// Takes one member from each struct of a list.
template <class T, class List, class Get>
std::vector<T> gather(const List& list, Get get) {
  std::vector<T> values;
  values.reserve(std::size(list));
  for (const auto& each : list) values.push_back(static_cast<T>(get(each)));
  return values;
}

template <class T>
std::span<const T> view(const std::vector<T>& values) {
  return values;
}

class TimelineWriter {
 public:
  TimelineWriter(const RunResult& result, const WriteOptions& options, FileWriter& file)
      : result_(result), options_(options), file_(file), units_(result), tables_(result) {}

  void write() {
    write_header();
    write_inputs();
    write_jobs();
    write_sites();
    write_nodes();
    if (!result_.events.empty()) write_events();
    write_summary();
    if (result_.bounds) write_bounds(*result_.bounds);
    write_counts();
    write_tables();
  }

 private:
  void write_header() {
    const Hid root = file_.root();
    const std::string since = time_units(result_.period_start_unix_s,  //
                                         result_.period_start_fraction_s);
    file_.attribute(root, "Conventions", std::string("CF-1.10"));
    file_.attribute(root, "title", result_.title);
    file_.attribute(root, "source", result_.program);
    file_.attribute(root, "schema_version", timeline_schema_version);
    file_.attribute(root, "seed", result_.seed);
    file_.attribute(root, "scenario_sha256", result_.scenario_sha256);
    file_.attribute(root, "period_start", since.substr(std::strlen("seconds since ")));
    file_.attribute(root, "period_start_unix_s", result_.period_start_unix_s);
    file_.attribute(root, "period_start_fraction_s", result_.period_start_fraction_s);
    file_.attribute(root, "period_end_s", result_.period_end_s);
    file_.attribute(root, "file_end_s", result_.file_end_s);
    file_.attribute(root, "bin_s", result_.bin_s);
    file_.attribute(root, "slowdown_tau_s", result_.slowdown_tau_s);
    file_.attribute(root, "warmup_s", result_.warmup_s);
    file_.attribute(root, "conservative_depth",
                    static_cast<std::int64_t>(result_.conservative_depth));
    file_.attribute(root, "network_j_per_gb", result_.network_j_per_gb);
    file_.attribute(root, "interrupted", std::int32_t{result_.interrupted});
    file_.value(root, {"scenario_yaml", "1", "scenario with all defaults filled in"},
                result_.scenario_yaml);
  }

  void write_inputs() {
    const Handle group = file_.group(file_.root(), "inputs");
    const Hid id = group.get();
    const auto& inputs = result_.inputs;
    std::vector<std::int32_t> rule_file, note_file;
    std::vector<std::int8_t> rule_kind;
    std::vector<RuleCount> rules;
    std::vector<std::string> notes;
    std::vector<std::int64_t> skipped;
    for (std::size_t i = 0; i < inputs.size(); ++i) {
      const ReadReport& report = inputs[i].report;
      const auto file = static_cast<std::int32_t>(i);
      skipped.push_back(0);
      for (const bool kept : {false, true}) {
        for (const RuleCount& rule : kept ? report.adjusted : report.skipped) {
          rule_file.push_back(file);
          rule_kind.push_back(kept ? 1 : 0);
          rules.push_back(rule);
          if (!kept) skipped.back() += static_cast<std::int64_t>(rule.rows);
        }
      }
      for (const std::string& note : report.notes) {
        note_file.push_back(file);
        notes.push_back(note);
      }
    }
    const Dimension file = file_.dimension(id, "file", inputs.size());
    const auto text = [&](const char* name, const char* long_name, auto get) {
      file_.column(id, {name, "1", long_name}, file, gather<std::string>(inputs, get));
    };
    text("role", "what the file is for", [](const InputFile& f) { return f.role; });
    text("path", "path as given", [](const InputFile& f) { return f.report.path; });
    text("format", "format it was read as", [](const InputFile& f) { return f.report.format; });
    text("sha256", "SHA-256 of the file's bytes",
         [](const InputFile& f) { return f.report.sha256; });
    file_.column(
        id, {"rows_read", "1", "rows read"}, file,
        view(gather<std::int64_t>(inputs, [](const InputFile& f) { return f.report.rows; })));
    file_.column(id, {"rows_skipped", "1", "rows left out by rules"}, file, view(skipped));

    const Dimension rule = file_.dimension(id, "rule", rules.size());
    file_.column(id, {"rule_file", "1", "file, counted from 0"}, rule, view(rule_file));
    file_.column(id, {"rule_kind", "1", "what happened to the rows", "", "skipped adjusted"}, rule,
                 view(rule_kind));
    write_rules(id, rule, rules);

    const Dimension note = file_.dimension(id, "note", notes.size());
    file_.column(id, {"note_file", "1", "file, counted from 0"}, note, view(note_file));
    file_.column(id, {"note_text", "1", "assumption made while reading"}, note, notes);
  }

  void write_rules(Hid group, const Dimension& dim, const std::vector<RuleCount>& rules) {
    file_.column(group, {"rule_name", "1", "what was met"}, dim,
                 gather<std::string>(rules, [](const RuleCount& r) { return r.rule; }));
    file_.column(group, {"rule_choice", "1", "what was done"}, dim,
                 gather<std::string>(rules, [](const RuleCount& r) { return r.choice; }));
    file_.column(group, {"rule_rows", "1", "how often"}, dim,
                 view(gather<std::int64_t>(rules, [](const RuleCount& r) { return r.rows; })));
  }

  /// Block by block of rows: all columns of a block are made in one pass over its records.
  void write_jobs() {
    const Handle group = file_.group(file_.root(), "jobs");
    const std::size_t count = result_.jobs.size();
    const Dimension dim = file_.dimension(group.get(), "job", count);
    const bool text_ids = result_.workload != nullptr && result_.workload->ids_are_text;
    Handle ids;
    if (text_ids) {
      const std::array size = {count};
      ids = file_.text_dataset(group.get(), {"job_id", "1", "id in the trace"}, size);
      file_.attach(ids, dim, 0);
    }
    const std::vector<JobColumn> columns = job_columns(result_);
    std::vector<NumberSet> sets;
    const std::array sizes = {count};
    for (const JobColumn& column : columns) {
      sets.push_back(file_.dataset(
          group.get(),
          {column.name, units_.of(column.units), column.long_name, column.table, column.flags},
          column.type, sizes, true));
      file_.attach(sets.back().handle, dim, 0);
      if (column.name == std::string_view("bounded_slowdown")) {
        file_.attribute(sets.back().handle.get(), "tau_s", result_.slowdown_tau_s);
      }
    }
    const JobRows source(result_, tables_);
    const std::size_t block = std::min(count, chunk_rows);
    std::vector<std::vector<std::byte>> values;
    for (const JobColumn& column : columns) values.emplace_back(block * size_of(column.type));
    std::vector<JobRow> rows(std::min(count, rows_at_once));
    for (std::size_t first = 0; first < count; first += block) {
      stop_if_asked();
      const std::size_t used = std::min(block, count - first);
      for (std::size_t done = 0; done < used; done += rows_at_once) {
        const std::span part = std::span(rows).first(std::min(rows_at_once, used - done));
        source.make(first + done, part);
        for (std::size_t c = 0; c < columns.size(); ++c) {
          columns[c].fill(part, values[c].data() + done * size_of(columns[c].type));
        }
      }
      for (std::size_t c = 0; c < columns.size(); ++c) {
        std::fill(values[c].begin() + used * size_of(columns[c].type), values[c].end(),
                  std::byte{0});
      }
      write_block(columns, sets, values, first);
      if (text_ids) write_ids(ids.get(), first, used);
    }
  }

  /// Columns that are equal in this block (released at once: eligible = submit) are encoded once.
  void write_block(std::span<const JobColumn> columns, const std::vector<NumberSet>& sets,
                   const std::vector<std::vector<std::byte>>& values, std::size_t first) {
    std::vector<bool> written(columns.size(), false);
    for (std::size_t c = 0; c < columns.size(); ++c) {
      if (written[c]) continue;
      if (sets[c].rows_of_chunk == 0) {
        file_.write(sets[c], values[c]);
        continue;
      }
      const std::span encoded = file_.codec().encode(values[c], size_of(columns[c].type));
      for (std::size_t same = c; same < columns.size(); ++same) {
        if (written[same] || size_of(columns[same].type) != size_of(columns[c].type)) continue;
        // By memcmp, which comparing the vectors would not become.
        if (same != c &&
            std::memcmp(values[same].data(), values[c].data(), values[c].size()) != 0) {
          continue;
        }
        file_.write_chunk(sets[same], first, encoded);
        written[same] = true;
      }
    }
  }

  void write_ids(Hid set, std::size_t first, std::size_t count) {
    constexpr std::size_t at_once = 4096;
    std::vector<std::string> texts;
    for (std::size_t done = 0; done < count; done += at_once) {
      texts.clear();
      for (std::size_t i = done; i < std::min(count, done + at_once); ++i) {
        const Job& job = result_.workload->jobs[result_.jobs[first + i].job];
        texts.push_back(result_.workload->id_text(job));
      }
      file_.write_texts(set, first + done, texts);
    }
  }

  void write_sites() {
    const Handle sites = file_.group(file_.root(), "sites");
    for (std::size_t i = 0; i < result_.sites.size(); ++i) {
      const SiteResult& site = result_.sites[i];
      const Units units(result_, site);
      const Handle group = file_.group(sites.get(), group_name(site.name, i));
      file_.attribute(group.get(), "name", site.name);
      file_.attribute(group.get(), "timezone", site.timezone);
      file_.attribute(group.get(), "currency", site.currency);
      file_.attribute(group.get(), "bin_s", result_.bin_s);
      file_.attribute(group.get(), "carbon_accounted_by", site.accounted_carbon.name);
      file_.attribute(group.get(), "carbon_accounted_basis", site.accounted_carbon.basis);
      file_.attribute(group.get(), "carbon_decided_by", site.decided_carbon.name);
      file_.attribute(group.get(), "carbon_decided_basis", site.decided_carbon.basis);
      write_bins(group.get(), site.bins, units);
      write_totals(group.get(), site, units);
      write_tail(group.get(), site, units);
      const Handle steps = file_.group(group.get(), "steps");
      write_steps(steps.get(), site.steps, units);
      file_.value(steps.get(), {"end_time", units.of(unit_time), "end of the last step"},
                  site.steps_end_s);
      write_partitions(group.get(), site.name, units);
      if (!site.demand.empty()) write_demand(group.get(), site, units);
    }
  }

  void write_bins(Hid group, const SiteBins& bins, const Units& units) {
    const std::vector<double> starts = bin_starts(bins.it_power_w.size());
    const Dimension time =
        file_.coordinate(group, {"time", units.of(unit_time), "start of the bin"}, view(starts));
    const auto column = [&](Label label, const std::vector<double>& values) {
      label.cell_methods = "time: mean";
      file_.column(group, label, time, view(values));
    };
    for (const auto& field : bin_fields) column(label_of(field, units), bins.*field.value);
    for (std::size_t t = 0; t < term_count; ++t) {
      column({fmt::format("{}_power_w", term_names[t]), "W",
              fmt::format("IT power: {}", term_meanings[t])},
             bins.term_power_w[t]);
    }
  }

  void write_totals(Hid parent, const SiteResult& site, const Units& units) {
    const Handle group = file_.group(parent, "totals");
    const Hid id = group.get();
    const Dimension span = file_.coordinate(
        id, {"span", "1", "from the period's start to the period's or the file's end"},
        std::vector<std::string>(span_names.begin(), span_names.end()));
    const auto pair = [&](const Label& label, auto get) {
      const std::array values = {get(site.to_period_end), get(site.to_file_end)};
      file_.column(id, label, span, std::span<const double>(values));
    };
    const auto charge = [&](const char* prefix, const char* subject, Charge SiteTotals::*part) {
      for (const auto& field : charge_fields) {
        pair({fmt::format("{}{}", prefix, field.name), units.of(field.units),
              fmt::format("{} {}", field.long_name, subject)},
             [&](const SiteTotals& totals) { return totals.*part.*field.value; });
      }
    };
    for (const auto& field : total_fields) {
      pair(label_of(field, units), [&](const SiteTotals& totals) { return totals.*field.value; });
    }
    for (const auto& field : optional_totals) {
      if (std::isnan(site.to_file_end.*field.value)) continue;
      pair(label_of(field, units), [&](const SiteTotals& totals) { return totals.*field.value; });
    }
    for (std::size_t t = 0; t < term_count; ++t) {
      pair({fmt::format("{}_energy_j", term_names[t]), "J",
            fmt::format("IT energy: {}", term_meanings[t])},
           [&](const SiteTotals& totals) { return totals.term_j[t]; });
    }
    charge("", "of the site", &SiteTotals::total);
    charge("fixed_", "of the facility power that does not depend on IT power", &SiteTotals::fixed);
    for (const auto& field : charge_fields) {
      file_.value(id,
                  {fmt::format("unattributed_{}", field.name), units.of(field.units),
                   fmt::format("{} that no job's full column holds", field.long_name)},
                  site.unattributed.*field.value);
    }
    file_.value(id, {"peak_facility_power_w", "W", "largest mean facility power of a peak window"},
                site.peak_facility_w);
    file_.value(id, {"peak_window_s", "s", "length of a peak window"}, site.peak_window_s);
    file_.value(id, {"over_budget_s", "s", "time in which the power budget was not kept"},
                site.over_budget_s);
    file_.value(id, {"over_budget_j", "J", "energy above the power budget"}, site.over_budget_j);
    file_.value(id, {"over_budget_power_w", "W", "largest power above the power budget"},
                site.over_budget_w);
  }

  void write_steps(Hid group, const std::vector<TailStep>& steps, const Units& units) {
    std::optional<Dimension> time;
    for (const auto& field : step_fields) {
      const Label label = label_of(field, units);
      const auto values =
          gather<double>(steps, [&](const TailStep& step) { return step.*field.value; });
      if (!time) {
        time = file_.coordinate(group, label, view(values));
      } else {
        file_.column(group, label, *time, view(values));
      }
    }
  }

  void write_tail(Hid parent, const SiteResult& site, const Units& units) {
    const Handle group = file_.group(parent, "tail");
    write_steps(group.get(), site.tail, units);
    file_.value(group.get(),
                {"until_s", "s",
                 "end of the last step, from the period's start; infinite: it holds for ever"},
                site.tail_until_s);
    for (std::size_t t = 0; t < term_count; ++t) {
      file_.value(group.get(),
                  {fmt::format("{}_power_w", term_names[t]), "W",
                   fmt::format("static IT power after the last event: {}", term_meanings[t])},
                  site.tail_term_w[t]);
    }
  }

  void write_demand(Hid parent, const SiteResult& site, const Units& units) {
    const Handle group = file_.group(parent, "demand");
    std::optional<Dimension> month;
    for (const auto& field : demand_fields) {
      const Label label = label_of(field, units);
      const auto values =
          gather<double>(site.demand, [&](const MonthDemand& m) { return m.*field.value; });
      if (!month) {
        month = file_.coordinate(group.get(), label, view(values));
      } else {
        file_.column(group.get(), label, *month, view(values));
      }
    }
    file_.value(group.get(), {"charge_per_kw", units.of(unit_money), "price of a kW for a month"},
                site.demand_rate.per_kw);
    file_.value(group.get(),
                {"by_time", "1", "whether a part of a month costs that share", "", "no yes"},
                std::int8_t{site.demand_rate.by_time});
    file_.value(group.get(),
                {"open_window_j", "J", "facility energy of the window that the file's end cuts"},
                site.open_window_j);
  }

  void write_partitions(Hid parent, const std::string& site, const Units& units) {
    std::vector<PartitionTotals> partitions;
    std::vector<std::int32_t> name, device;
    for (std::size_t i = 0; i < result_.partitions.size(); ++i) {
      if (result_.partitions[i].site != site) continue;
      partitions.push_back(result_.partitions[i]);
      name.push_back(tables_.partition[static_cast<std::int32_t>(i)]);
      device.push_back(tables_.device_of_partition[i]);
    }
    const Handle group = file_.group(parent, "partitions");
    const Hid id = group.get();
    const Dimension dim = file_.dimension(id, "partition", partitions.size());
    file_.column(id, {"name", "1", "partition", "partition"}, dim, view(name));
    file_.column(id, {"device", "1", "device of the partition", "device"}, dim, view(device));
    file_.column(id, {"unit", "1", "what the partition counts", "", "gpu core"}, dim,
                 view(gather<std::int8_t>(
                     partitions, [](const PartitionTotals& p) { return p.counts_cores ? 1 : 0; })));
    for (const auto& field : partition_counts) {
      file_.column(id, label_of(field, units), dim,
                   view(gather<std::int64_t>(
                       partitions, [&](const PartitionTotals& p) { return p.*field.value; })));
    }
    for (const auto& field : partition_numbers) {
      file_.column(id, label_of(field, units), dim,
                   view(gather<double>(partitions,
                                       [&](const PartitionTotals& p) { return p.*field.value; })));
    }
    for (const auto& field : charge_fields) {
      file_.column(id,
                   {fmt::format("overhead_{}", field.name), units.of(field.units),
                    fmt::format("{} of idle, base, loss, asleep and boot", field.long_name)},
                   dim, view(gather<double>(partitions, [&](const PartitionTotals& p) {
                     return p.overhead.*field.value;
                   })));
    }
  }

  void write_nodes() {
    if (result_.nodes.empty()) return;
    const Handle nodes = file_.group(file_.root(), "nodes");
    for (std::size_t i = 0; i < result_.sites.size(); ++i) {
      const auto found = result_.nodes.find(result_.sites[i].name);
      if (found == result_.nodes.end()) continue;
      stop_if_asked();
      const NodeBins& bins = found->second;
      const Handle group = file_.group(nodes.get(), group_name(found->first, i));
      file_.attribute(group.get(), "name", found->first);
      file_.attribute(group.get(), "bin_s", result_.bin_s);
      const std::vector<double> starts = bin_starts(bins.bins);
      const Dimension time = file_.coordinate(
          group.get(), {"time", units_.of(unit_time), "start of the bin"}, view(starts));
      const Dimension node = file_.dimension(group.get(), "node", bins.nodes);
      const auto matrix = [&](Label label, const std::vector<float>& values) {
        label.cell_methods = "time: mean";
        file_.array(group.get(), label, std::array{&time, &node}, view(values));
      };
      matrix({"power_w", "W", "IT power of the node"}, bins.power_w);
      matrix({"gpus_busy", "1", "GPUs (or cores) held by jobs"}, bins.gpus_busy);
      std::vector<std::int32_t> partition;
      for (std::size_t p = 0; p < result_.partitions.size(); ++p) {
        if (result_.partitions[p].site != found->first) continue;
        partition.insert(partition.end(), result_.partitions[p].nodes,
                         tables_.partition[static_cast<std::int32_t>(p)]);
      }
      file_.column(group.get(), {"partition", "1", "partition of the node", "partition"}, node,
                   view(partition));
    }
  }

  void write_events() {
    const auto& events = result_.events;
    std::vector<std::int32_t> job, what, why;
    for (std::size_t i = 0; i < events.size(); ++i) {
      job.push_back(events[i].job == Event{}.job ? -1 : static_cast<std::int32_t>(events[i].job));
      what.push_back(tables_.event.index_of[i]);
      why.push_back(tables_.reason.index_of[i]);
    }
    const Handle group = file_.group(file_.root(), "events");
    const Hid id = group.get();
    const Dimension dim = file_.dimension(id, "row", events.size());
    file_.column(id, {"time", units_.of(unit_time), "when it was decided"}, dim,
                 view(gather<double>(events, [](const Event& e) { return e.time_s; })));
    file_.column(id, {"job", "1", "row of /jobs, counted from 0; -1 = none"}, dim, view(job));
    file_.column(id, {"event", "1", "what was decided", "event"}, dim, view(what));
    file_.column(id, {"reason", "1", "why", "reason"}, dim, view(why));
  }

  void write_summary() {
    const Handle group = file_.group(file_.root(), "summary");
    const Summary& summary = result_.summary;
    for (const auto& field : summary_numbers) {
      file_.value(group.get(), label_of(field, units_), summary.*field.value);
    }
    for (const auto& field : optional_summary) {
      if (!result_.has(field.value)) continue;
      file_.value(group.get(), label_of(field, units_), summary.*field.value);
    }
    write_statistics(
        [&](const Label& label, auto get) { file_.value(group.get(), label, get(summary)); });

    const Handle classes = file_.group(group.get(), "classes");
    const Dimension dim = file_.dimension(classes.get(), "class", summary.classes.size());
    std::vector<std::int32_t> name;
    for (std::size_t i = 0; i < summary.classes.size(); ++i) {
      name.push_back(i < result_.classes.size() ? tables_.job_class[static_cast<std::int32_t>(i)]
                                                : -1);
    }
    file_.column(classes.get(), {"name", "1", "job class; -1 = jobs of none", "class"}, dim,
                 view(name));
    write_statistics([&](const Label& label, auto get) {
      using Value = decltype(get(JobStatistics{}));
      file_.column(classes.get(), label, dim, view(gather<Value>(summary.classes, get)));
    });
  }

  /// `put` writes one dataset of what `get` takes from a JobStatistics.
  template <class Put>
  void write_statistics(Put put) {
    for (const auto& field : statistics_counts) {
      put(label_of(field, units_),
          [&](const JobStatistics& s) { return static_cast<std::int64_t>(s.*field.value); });
    }
    for (const auto& field : statistics_numbers) {
      put(label_of(field, units_), [&](const JobStatistics& s) { return s.*field.value; });
    }
    for (const auto& field : distribution_fields) {
      for (const auto& part : distribution_parts) {
        put({fmt::format("{}_{}", part.name, field.name), field.units,
             fmt::format("{} of {}", part.long_name, field.long_name)},
            [&](const JobStatistics& s) { return s.*field.value.*part.value; });
      }
    }
  }

  void write_bounds(const LowerBounds& bounds) {
    const Handle group = file_.group(file_.root(), "bounds");
    const Hid id = group.get();
    const auto put = [&](const char* name, const char* units, const char* what,
                         const LowerBound& bound) {
      const std::string unit = units_.of(units);
      file_.value(id, {fmt::format("bound_{}", name), unit, fmt::format("lower bound of {}", what)},
                  bound.value);
      file_.value(id, {fmt::format("booked_{}", name), unit, fmt::format("{} in this run", what)},
                  bound.booked);
      file_.value(id,
                  {fmt::format("gap_{}", name), "1", "(booked - bound) / booked, of the same jobs"},
                  bound.gap());
      file_.value(id, {fmt::format("method_{}", name), "1", "how the bound was found, or why not"},
                  bound.method);
    };
    file_.value(id, {"freedom", "1", "what a schedule may choose"}, bounds.freedom);
    put("carbon_g", "g", "CO2 equivalent of the jobs", bounds.carbon);
    put("cost", unit_money, "cost of energy of the jobs", bounds.cost);
    file_.value(id, {"jobs", "1", "jobs that draw energy"}, static_cast<std::int64_t>(bounds.jobs));
    file_.value(id, {"cells", "1", "hours x partitions, or finer where signals are"},
                static_cast<std::int64_t>(bounds.cells));
  }

  void write_counts() {
    const Handle group = file_.group(file_.root(), "counts");
    const Dimension rule = file_.dimension(group.get(), "rule", result_.counts.size());
    write_rules(group.get(), rule, result_.counts);
    const Dimension note = file_.dimension(group.get(), "note", result_.notes.size());
    file_.column(group.get(), {"note_text", "1", "assumption made in the run"}, note,
                 result_.notes);
  }

  void write_tables() {
    const Handle group = file_.group(file_.root(), "tables");
    const auto table = [&](const char* name, const TextTable& content) {
      file_.coordinate(group.get(), {name, "1", fmt::format("strings of {}", name)}, content.texts);
    };
    table("site", tables_.site);
    table("partition", tables_.partition);
    table("device", tables_.device);
    table("profile", tables_.profile);
    table("class", tables_.job_class);
    table("user", tables_.user);
    if (!result_.events.empty()) {
      table("event", tables_.event);
      table("reason", tables_.reason);
    }
  }

  [[nodiscard]] std::vector<double> bin_starts(std::size_t bins) const {
    std::vector<double> starts(bins);
    for (std::size_t i = 0; i < bins; ++i) starts[i] = static_cast<double>(i) * result_.bin_s;
    return starts;
  }

  void stop_if_asked() const {
    if (options_.interrupted && options_.interrupted()) throw WriteInterrupted();
  }

  const RunResult& result_;
  const WriteOptions& options_;
  FileWriter& file_;
  const Units units_;
  const TextTables tables_;
};

}  // namespace

}  // namespace timeline

void write_timeline(const RunResult& result, const std::filesystem::path& path,
                    const WriteOptions& options) {
  timeline::write_file(path, options.compression, [&](timeline::FileWriter& file) {
    timeline::TimelineWriter(result, options, file).write();
  });
}

}  // namespace nightwatt
