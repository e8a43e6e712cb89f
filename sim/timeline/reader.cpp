#include <fmt/format.h>

#include <algorithm>
#include <concepts>
#include <map>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "sim/timeline/file_reader.hpp"
#include "sim/timeline/hdf5_handle.hpp"
#include "sim/timeline/schema.hpp"
#include "sim/timeline/timeline.hpp"

namespace nightwatt {

namespace timeline {

namespace {

/// Columns that early files of this schema do not have; their values are then unknown.
bool came_later(std::string_view column) { return column == "pue" || column == "tail_power_w"; }

/// @throws Hdf5Error if there is no such index
template <class T, std::integral Index>
const T& at(const std::vector<T>& values, Index index, const std::string& what) {
  if (index < 0 || std::cmp_greater_equal(index, values.size())) {
    throw Hdf5Error(fmt::format("{}: index {} of {}", what, index, values.size()));
  }
  return values[static_cast<std::size_t>(index)];
}

std::vector<RuleCount> read_rules(const Group& group) {
  const auto names = group.texts("rule_name");
  const auto choices = group.texts("rule_choice");
  const auto rows = group.numbers<std::int64_t>("rule_rows");
  std::vector<RuleCount> rules;
  for (std::size_t i = 0; i < names.size(); ++i) {
    rules.push_back({names[i], at(choices, i, "rule_choice"),
                     static_cast<std::uint64_t>(at(rows, i, "rule_rows"))});
  }
  return rules;
}

std::vector<TailStep> read_steps(const Group& group) {
  std::vector<TailStep> steps;
  for (const auto& field : step_fields) {
    if (came_later(field.name) && !group.holds(field.name)) continue;
    const auto values = group.numbers<double>(field.name);
    steps.resize(values.size());
    for (std::size_t i = 0; i < values.size(); ++i) steps[i].*field.value = values[i];
  }
  return steps;
}

/// One value a row of each dataset; a scalar is one row.
void read_statistics(const Group& group, const std::vector<JobStatistics*>& rows) {
  const auto fill = [&](const std::string& column, auto type, auto member) {
    const auto values = group.numbers<decltype(type)>(column);
    for (std::size_t i = 0; i < rows.size(); ++i) {
      auto& value = member(*rows[i]);
      value = static_cast<std::remove_reference_t<decltype(value)>>(at(values, i, column));
    }
  };
  for (const auto& field : statistics_counts) {
    fill(
        field.name, std::int64_t{}, [&](JobStatistics & s) -> auto& { return s.*field.value; });
  }
  for (const auto& field : statistics_numbers) {
    fill(
        field.name, double{}, [&](JobStatistics & s) -> auto& { return s.*field.value; });
  }
  for (const auto& field : distribution_fields) {
    for (const auto& part : distribution_parts) {
      fill(
          fmt::format("{}_{}", part.name, field.name),
          double{}, [&](JobStatistics & s) -> auto& { return s.*field.value.*part.value; });
    }
  }
}

}  // namespace

}  // namespace timeline

using timeline::at;
using timeline::Group;
using timeline::guarded;
using timeline::Handle;
using timeline::Hdf5Error;

struct TimelineFile::Content {
  explicit Content(const std::filesystem::path& where);

  void read_header();
  void read_summary();
  void read_tables();
  void read_sites();
  void read_partitions(const Group& site_group, const SiteResult& site);
  void read_inputs();
  void read_bounds();
  void read_counts();
  void read_job_columns();
  const ColumnInfo& job_column(std::string_view name) const;
  const Group& site_group(std::size_t site) const { return site_groups.at(site); }

  std::filesystem::path path;
  Handle file;
  std::unique_ptr<Group> root, jobs;
  std::vector<Group> site_groups;
  std::vector<std::string> site_group_names;

  TimelineHeader header;
  Summary summary;
  std::optional<LowerBounds> bounds;
  std::vector<SiteResult> sites;
  std::vector<PartitionTotals> partitions;
  std::vector<InputFile> inputs;
  std::vector<RuleCount> counts;
  std::vector<std::string> notes;
  std::map<std::string, std::vector<std::string>, std::less<>> tables;
  std::size_t job_count = 0;
  std::vector<ColumnInfo> columns;
};

namespace timeline {

namespace {

void check_schema(const std::filesystem::path& path, Hid root) {
  if (!has_attribute(root, "schema_version") || !has_attribute(root, "scenario_sha256")) {
    refuse(path, "an HDF5 file, but not a timeline of nightwatt (no schema_version)");
  }
  const auto version = number_attribute<std::int64_t>(root, "schema_version");
  if (version == timeline_schema_version) return;
  refuse(path,
         fmt::format("schema_version: expected {}, got {} (written by {}; {})",
                     timeline_schema_version, version, quote(text_attribute(root, "source")),
                     version > timeline_schema_version ? "read it with that program or a newer one"
                                                       : "run the scenario again"));
}

}  // namespace

}  // namespace timeline

TimelineFile::Content::Content(const std::filesystem::path& where)
    : path(where), file(timeline::open_file(where, "a timeline file")) {
  timeline::check_schema(path, file.get());
  root = std::make_unique<Group>(file.get(), "", "/");
  jobs = std::make_unique<Group>(file.get(), "/", "jobs");
  read_header();
  read_tables();
  read_summary();
  read_sites();
  read_inputs();
  read_bounds();
  read_counts();
  read_job_columns();
}

void TimelineFile::Content::read_header() {
  using timeline::number_attribute;
  using timeline::text_attribute;
  const auto id = root->id();
  header.title = text_attribute(id, "title");
  header.source = text_attribute(id, "source");
  header.scenario_sha256 = text_attribute(id, "scenario_sha256");
  header.scenario_yaml = at(root->texts("scenario_yaml"), 0, "scenario_yaml");
  header.seed = number_attribute<std::int64_t>(id, "seed");
  header.period_start_unix_s = number_attribute<std::int64_t>(id, "period_start_unix_s");
  header.period_start_fraction_s = number_attribute<double>(id, "period_start_fraction_s");
  header.period_end_s = number_attribute<double>(id, "period_end_s");
  header.file_end_s = number_attribute<double>(id, "file_end_s");
  header.bin_s = number_attribute<double>(id, "bin_s");
  header.slowdown_tau_s = number_attribute<double>(id, "slowdown_tau_s");
  header.warmup_s = number_attribute<double>(id, "warmup_s");
  header.conservative_depth =
      static_cast<std::uint32_t>(number_attribute<std::int64_t>(id, "conservative_depth"));
  if (timeline::has_attribute(id, "network_j_per_gb")) {
    header.network_j_per_gb = number_attribute<double>(id, "network_j_per_gb");
  }
  header.interrupted = number_attribute<std::int32_t>(id, "interrupted") != 0;
}

void TimelineFile::Content::read_tables() {
  const Group group(*root, "tables");
  for (const std::string& name : group.names()) tables[name] = group.texts(name);
}

void TimelineFile::Content::read_summary() {
  const Group group(*root, "summary");
  for (const auto& field : timeline::summary_numbers) {
    summary.*field.value = group.number<double>(field.name);
  }
  for (const auto& field : timeline::optional_summary) {
    if (group.holds(field.name)) summary.*field.value = group.number<double>(field.name);
  }
  timeline::read_statistics(group, {&summary});

  const Group classes(group, "classes");
  std::vector<JobStatistics*> rows;
  const auto names = classes.numbers<std::int64_t>("name");
  summary.classes.resize(names.size());
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (names[i] >= 0) summary.classes[i].name = at(tables["class"], names[i], "class");
    rows.push_back(&summary.classes[i]);
  }
  timeline::read_statistics(classes, rows);
}

void TimelineFile::Content::read_sites() {
  const Group all(*root, "sites");
  for (const std::string& name : all.names()) {
    const Group group(all, name);
    SiteResult site;
    site.name = timeline::text_attribute(group.id(), "name");
    site.timezone = timeline::text_attribute(group.id(), "timezone");
    site.currency = timeline::text_attribute(group.id(), "currency");

    site.accounted_carbon = {timeline::text_attribute(group.id(), "carbon_accounted_by"),
                             timeline::text_attribute(group.id(), "carbon_accounted_basis")};
    site.decided_carbon = {timeline::text_attribute(group.id(), "carbon_decided_by"),
                           timeline::text_attribute(group.id(), "carbon_decided_basis")};
    const Group totals(group, "totals");
    const auto pair = [&](const std::string& column, auto member) {
      const auto values = totals.numbers<double>(column);
      member(site.to_period_end) = at(values, 0, column);
      member(site.to_file_end) = at(values, 1, column);
    };
    for (const auto& field : timeline::total_fields) {
      pair(field.name, [&](SiteTotals& t) -> double& { return t.*field.value; });
    }
    for (const auto& field : timeline::optional_totals) {
      if (!totals.holds(field.name)) continue;
      pair(field.name, [&](SiteTotals& t) -> double& { return t.*field.value; });
    }
    for (std::size_t t = 0; t < term_count; ++t) {
      pair(fmt::format("{}_energy_j", term_names[t]),
           [&](SiteTotals& each) -> double& { return each.term_j[t]; });
    }
    for (const auto& field : timeline::charge_fields) {
      const std::string charge = field.name;
      pair(charge, [&](SiteTotals& t) -> double& { return t.total.*field.value; });
      pair("fixed_" + charge, [&](SiteTotals& t) -> double& { return t.fixed.*field.value; });
      site.unattributed.*field.value = totals.number<double>("unattributed_" + charge);
    }
    site.peak_facility_w = totals.number<double>("peak_facility_power_w");
    site.peak_window_s = totals.number<double>("peak_window_s");
    site.over_budget_s = totals.number<double>("over_budget_s");
    site.over_budget_j = totals.number<double>("over_budget_j");
    site.over_budget_w = totals.number<double>("over_budget_power_w");

    const Group tail(group, "tail");
    site.tail = timeline::read_steps(tail);
    if (timeline::has(group.id(), "steps")) {
      const Group steps(group, "steps");
      site.steps = timeline::read_steps(steps);
      site.steps_end_s = steps.number<double>("end_time");
    }
    if (tail.holds("until_s")) site.tail_until_s = tail.number<double>("until_s");
    for (std::size_t t = 0; t < term_count; ++t) {
      site.tail_term_w[t] = tail.number<double>(fmt::format("{}_power_w", term_names[t]));
    }
    if (group.holds("demand")) {
      const Group demand(group, "demand");
      for (const auto& field : timeline::demand_fields) {
        const auto values = demand.numbers<double>(field.name);
        site.demand.resize(values.size());
        for (std::size_t i = 0; i < values.size(); ++i) site.demand[i].*field.value = values[i];
      }
      site.demand_rate.per_kw = demand.number<double>("charge_per_kw");
      site.demand_rate.by_time = demand.number<std::int64_t>("by_time") != 0;
      site.open_window_j = demand.number<double>("open_window_j");
    }
    read_partitions(group, site);
    sites.push_back(std::move(site));
    site_groups.emplace_back(all, name);
    site_group_names.push_back(name);
  }
}

void TimelineFile::Content::read_partitions(const Group& site_group, const SiteResult& site) {
  const Group group(site_group, "partitions");
  const auto name = group.numbers<std::int64_t>("name");
  const auto device = group.numbers<std::int64_t>("device");
  const auto unit = group.numbers<std::int64_t>("unit");
  std::vector<PartitionTotals> found(name.size());
  for (std::size_t i = 0; i < found.size(); ++i) {
    found[i].site = site.name;
    found[i].name = at(tables["partition"], name[i], "partition");
    found[i].device = at(tables["device"], at(device, i, "device"), "device");
    found[i].counts_cores = at(unit, i, "unit") == 1;
  }
  const auto fill = [&](const std::string& column, auto set) {
    const auto values = group.numbers<double>(column);
    for (std::size_t i = 0; i < found.size(); ++i) {
      set(found[i], at(values, i, column));
    }
  };
  for (const auto& field : timeline::partition_numbers) {
    if (timeline::came_later(field.name) && !group.holds(field.name)) continue;
    fill(field.name, [&](PartitionTotals& p, double value) { p.*field.value = value; });
  }
  for (const auto& field : timeline::partition_counts) {
    fill(field.name, [&](PartitionTotals& p, double value) {
      p.*field.value = static_cast<std::uint64_t>(value);
    });
  }
  for (const auto& field : timeline::charge_fields) {
    fill(std::string("overhead_") + field.name,
         [&](PartitionTotals& p, double value) { p.overhead.*field.value = value; });
  }
  std::move(found.begin(), found.end(), std::back_inserter(partitions));
}

void TimelineFile::Content::read_inputs() {
  const Group group(*root, "inputs");
  const auto text = [&](const char* name, auto member) {
    const auto values = group.texts(name);
    inputs.resize(values.size());
    for (std::size_t i = 0; i < values.size(); ++i) member(inputs[i]) = values[i];
  };
  text("role", [](InputFile& f) -> std::string& { return f.role; });
  text("path", [](InputFile& f) -> std::string& { return f.report.path; });
  text("format", [](InputFile& f) -> std::string& { return f.report.format; });
  text("sha256", [](InputFile& f) -> std::string& { return f.report.sha256; });
  const auto rows = group.numbers<std::int64_t>("rows_read");
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    inputs[i].report.rows = static_cast<std::uint64_t>(at(rows, i, "rows_read"));
  }
  const auto report = [&](std::int64_t index, const char* column) -> ReadReport& {
    at(inputs, index, column);
    return inputs[static_cast<std::size_t>(index)].report;
  };
  const auto rules = timeline::read_rules(group);
  const auto rule_file = group.numbers<std::int64_t>("rule_file");
  const auto rule_kind = group.numbers<std::int64_t>("rule_kind");
  for (std::size_t i = 0; i < rules.size(); ++i) {
    ReadReport& of = report(at(rule_file, i, "rule_file"), "rule_file");
    (at(rule_kind, i, "rule_kind") == 1 ? of.adjusted : of.skipped).push_back(rules[i]);
  }
  const auto note_text = group.texts("note_text");
  const auto note_file = group.numbers<std::int64_t>("note_file");
  for (std::size_t i = 0; i < note_text.size(); ++i) {
    report(at(note_file, i, "note_file"), "note_file").notes.push_back(note_text[i]);
  }
}

void TimelineFile::Content::read_bounds() {
  if (!timeline::has(root->id(), "bounds")) return;
  const Group group(*root, "bounds");
  const auto text = [&](const std::string& name) { return at(group.texts(name), 0, name); };
  const auto get = [&](const std::string& name, LowerBound& bound) {
    bound.value = group.number<double>("bound_" + name);
    bound.booked = group.number<double>("booked_" + name);
    bound.method = text("method_" + name);
  };
  bounds.emplace();
  bounds->freedom = text("freedom");
  get("carbon_g", bounds->carbon);
  get("cost", bounds->cost);
  bounds->jobs = static_cast<std::uint64_t>(group.number<std::int64_t>("jobs"));
  bounds->cells = static_cast<std::uint64_t>(group.number<std::int64_t>("cells"));
}

void TimelineFile::Content::read_counts() {
  const Group group(*root, "counts");
  counts = timeline::read_rules(group);
  notes = group.texts("note_text");
}

void TimelineFile::Content::read_job_columns() {
  for (const std::string& name : jobs->names()) {
    const Handle set = jobs->open(name);
    const auto shape = jobs->shape(name);
    if (shape.size() != 1) throw Hdf5Error("/jobs/" + name);
    if (name == "job") {  // the dimension
      job_count = shape[0];
      continue;
    }
    if (shape[0] != job_count) throw Hdf5Error("/jobs/" + name + " differs in length");
    ColumnInfo column{.name = name,
                      .units = timeline::text_attribute(set.get(), "units"),
                      .long_name = timeline::text_attribute(set.get(), "long_name"),
                      .table = "",
                      .type = timeline::column_type(set)};
    if (timeline::has_attribute(set.get(), "table")) {
      column.table = timeline::text_attribute(set.get(), "table");
      constexpr std::string_view folder = "/tables/";
      if (column.table.starts_with(folder)) column.table.erase(0, folder.size());
    }
    columns.push_back(std::move(column));
  }
}

const ColumnInfo& TimelineFile::Content::job_column(std::string_view name) const {
  const auto found = std::find_if(columns.begin(), columns.end(),
                                  [&](const ColumnInfo& c) { return c.name == name; });
  if (found == columns.end()) throw timeline::missing(fmt::format("column /jobs/{}", name));
  return *found;
}

TimelineFile::TimelineFile(std::unique_ptr<Content> content) : content_(std::move(content)) {}
TimelineFile::~TimelineFile() = default;
TimelineFile::TimelineFile(TimelineFile&&) noexcept = default;
TimelineFile& TimelineFile::operator=(TimelineFile&&) noexcept = default;

const std::filesystem::path& TimelineFile::path() const { return content_->path; }
const TimelineHeader& TimelineFile::header() const { return content_->header; }
const Summary& TimelineFile::summary() const { return content_->summary; }
const std::optional<LowerBounds>& TimelineFile::bounds() const { return content_->bounds; }
const std::vector<SiteResult>& TimelineFile::sites() const { return content_->sites; }
const std::vector<PartitionTotals>& TimelineFile::partitions() const {
  return content_->partitions;
}
const std::vector<InputFile>& TimelineFile::inputs() const { return content_->inputs; }
const std::vector<RuleCount>& TimelineFile::counts() const { return content_->counts; }
const std::vector<std::string>& TimelineFile::notes() const { return content_->notes; }
std::size_t TimelineFile::job_count() const { return content_->job_count; }
const std::vector<ColumnInfo>& TimelineFile::job_columns() const { return content_->columns; }

const std::vector<std::string>& TimelineFile::table(std::string_view name) const {
  const auto found = content_->tables.find(name);
  if (found == content_->tables.end()) {
    timeline::refuse(content_->path, fmt::format("the file has no table {}", quote(name)));
  }
  return found->second;
}

std::vector<double> TimelineFile::jobs_double(std::string_view name) const {
  return guarded(content_->path,
                 [&] { return content_->jobs->numbers<double>(content_->job_column(name).name); });
}

std::vector<std::int64_t> TimelineFile::jobs_int(std::string_view name) const {
  return guarded(content_->path, [&] {
    const ColumnInfo& column = content_->job_column(name);
    if (column.type == ColumnInfo::Type::float64 || column.type == ColumnInfo::Type::float32) {
      throw Hdf5Error(fmt::format("the column /jobs/{} does not hold integers", name));
    }
    return content_->jobs->numbers<std::int64_t>(column.name);
  });
}

std::vector<std::string> TimelineFile::jobs_text(std::string_view name) const {
  return guarded(content_->path, [&] {
    const ColumnInfo& column = content_->job_column(name);
    std::vector<std::string> texts;
    const auto convert = [&](const auto& values, auto text) {
      texts.reserve(values.size());
      for (const auto value : values) texts.push_back(text(value));
    };
    const auto plain = [](auto value) { return fmt::format("{}", value); };
    switch (column.type) {
      case ColumnInfo::Type::text:
        texts = content_->jobs->texts(column.name);
        break;
      case ColumnInfo::Type::float64:
        convert(content_->jobs->numbers<double>(column.name), plain);
        break;
      case ColumnInfo::Type::float32:
        convert(content_->jobs->numbers<float>(column.name), plain);
        break;
      default: {
        const auto values = content_->jobs->numbers<std::int64_t>(column.name);
        if (column.table.empty()) {
          convert(values, plain);
        } else {
          const auto& table = content_->tables[column.table];
          convert(values, [&](std::int64_t index) {
            return index == -1 ? std::string() : at(table, index, column.name);
          });
        }
      }
    }
    return texts;
  });
}

std::vector<double> TimelineFile::site_column(std::size_t site, std::string_view name) const {
  return guarded(content_->path,
                 [&] { return content_->site_group(site).numbers<double>(std::string(name)); });
}

SiteBins TimelineFile::site_bins(std::size_t site) const {
  SiteBins bins;
  for (const auto& field : timeline::bin_fields) {
    bins.*field.value = site_column(site, field.name);
  }
  for (std::size_t t = 0; t < term_count; ++t) {
    bins.term_power_w[t] = site_column(site, fmt::format("{}_power_w", term_names[t]));
  }
  return bins;
}

NodeBins TimelineFile::nodes(std::size_t site) const {
  return guarded(content_->path, [&] {
    NodeBins bins;
    const std::string& name = content_->site_group_names.at(site);
    if (!timeline::has(content_->file.get(), "nodes")) return bins;
    const Group nodes(*content_->root, "nodes");
    if (!timeline::has(nodes.id(), name)) return bins;
    const Group group(nodes, name);
    const auto shape = group.shape("power_w");
    if (shape.size() != 2) throw Hdf5Error(group.path() + "power_w has no two dimensions");
    bins.power_w = group.numbers<float>("power_w");
    bins.gpus_busy = group.numbers<float>("gpus_busy");
    bins.bins = shape[0];
    bins.nodes = shape[1];
    return bins;
  });
}

std::vector<Event> TimelineFile::events() const {
  return guarded(content_->path, [&] {
    std::vector<Event> events;
    if (!timeline::has(content_->file.get(), "events")) return events;
    const Group group(*content_->root, "events");
    const auto time = group.numbers<double>("time");
    const auto job = group.numbers<std::int64_t>("job");
    const auto what = group.numbers<std::int64_t>("event");
    const auto why = group.numbers<std::int64_t>("reason");
    for (std::size_t i = 0; i < time.size(); ++i) {
      Event event;
      event.time_s = time[i];
      if (const auto row = at(job, i, "job"); row >= 0) {
        event.job = static_cast<std::uint32_t>(row);
      }
      event.what = at(content_->tables["event"], at(what, i, "event"), "event");
      event.why = at(content_->tables["reason"], at(why, i, "reason"), "reason");
      events.push_back(std::move(event));
    }
    return events;
  });
}

TimelineFile read_timeline(const std::filesystem::path& path) {
  return guarded(path, [&] { return TimelineFile(std::make_unique<TimelineFile::Content>(path)); });
}

}  // namespace nightwatt
