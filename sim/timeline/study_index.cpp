#include "sim/timeline/study_index.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <set>
#include <span>
#include <stdexcept>

#include "sim/timeline/file_reader.hpp"
#include "sim/timeline/file_writer.hpp"
#include "traces/diagnostics.hpp"

namespace nightwatt {

namespace timeline {

namespace {

constexpr const char* axis_mark = "study_axis";
constexpr const char* metric_mark = "study_metric";

/// A dimension's name: netCDF allows no slash, and two datasets cannot have the same.
std::string dataset_name(std::string name, std::set<std::string>& taken) {
  std::replace(name.begin(), name.end(), '/', '_');
  while (!taken.insert(name).second) name += "_axis";
  return name;
}

void write_index(const StudyIndex& index, FileWriter& file) {
  const Hid root = file.root();
  file.attribute(root, "Conventions", std::string("CF-1.10"));
  file.attribute(root, "title", index.title);
  file.attribute(root, "source", index.program);
  file.attribute(root, "study_schema_version", study_schema_version);
  file.attribute(root, "horizon", index.horizon);

  std::set<std::string> taken = {"seed", "file", "scenario_sha256", "study_yaml", "scenario_yaml"};
  for (const IndexMetric& metric : index.metrics) taken.insert(metric.name);
  std::vector<Dimension> dimensions;
  for (const IndexAxis& axis : index.axes) {
    dimensions.push_back(file.coordinate(
        root, {dataset_name(axis.name, taken), "1", "what is varied: " + axis.name}, axis.labels));
    file.attribute(dimensions.back().scale.get(), axis_mark, axis.name);
  }
  dimensions.push_back(file.coordinate(root, {"seed", "1", "of every random draw"},
                                       std::span<const std::int64_t>(index.seeds)));
  std::vector<const Dimension*> all;
  for (const Dimension& dimension : dimensions) all.push_back(&dimension);

  file.array(root, {"file", "1", "timeline of the run, relative to this file; empty: it failed"},
             all, index.files);
  file.array(root, {"scenario_sha256", "1", "SHA-256 of the run's scenario with all defaults"}, all,
             index.sha256);
  for (const IndexMetric& metric : index.metrics) {
    const Handle set = file.array(root, {metric.name, metric.units, metric.long_name}, all,
                                  std::span<const double>(metric.values));
    file.attribute(set.get(), metric_mark, std::int32_t{1});
  }
  file.value(root, {"study_yaml", "1", "file of the study"}, index.study_yaml);
  file.value(root, {"scenario_yaml", "1", "scenario of the first run with all defaults filled in"},
             index.scenario_yaml);
}

StudyIndex read_index(const std::filesystem::path& path) {
  const Handle file = open_file(path, "the index of a study");
  const Hid id = file.get();
  if (!has_attribute(id, "study_schema_version")) {
    refuse(path, "an HDF5 file, but not the index of a study (no study_schema_version)");
  }
  const auto version = number_attribute<std::int64_t>(id, "study_schema_version");
  if (version != study_schema_version) {
    refuse(path, fmt::format("study_schema_version: expected {}, got {} (written by {}; run the "
                             "study again)",
                             study_schema_version, version, quote(text_attribute(id, "source"))));
  }
  const Group root(id, "", "/");
  StudyIndex index;
  index.title = text_attribute(id, "title");
  index.program = text_attribute(id, "source");
  index.horizon = text_attribute(id, "horizon");
  index.seeds = root.numbers<std::int64_t>("seed");
  std::vector<std::size_t> shape;
  for (const std::string& name : root.names()) {
    const Handle set = root.open(name);
    if (has_attribute(set.get(), axis_mark)) {
      index.axes.push_back({text_attribute(set.get(), axis_mark), root.texts(name)});
      shape.push_back(index.axes.back().labels.size());
    }
  }
  shape.push_back(index.seeds.size());
  const auto fits = [&](const std::string& name) {
    if (root.shape(name) != shape) throw Hdf5Error("/" + name + " has other dimensions");
  };
  for (const char* name : {"file", "scenario_sha256"}) fits(name);
  index.files = root.texts("file");
  index.sha256 = root.texts("scenario_sha256");
  for (const std::string& name : root.names()) {
    const Handle set = root.open(name);
    if (!has_attribute(set.get(), metric_mark)) continue;
    fits(name);
    index.metrics.push_back({name, text_attribute(set.get(), "units"),
                             text_attribute(set.get(), "long_name"), root.numbers<double>(name)});
  }
  const auto single = [&](const char* name) {
    const auto texts = root.texts(name);
    if (texts.size() != 1) throw Hdf5Error(fmt::format("/{} is not a single text", name));
    return texts.front();
  };
  index.study_yaml = single("study_yaml");
  index.scenario_yaml = single("scenario_yaml");
  return index;
}

}  // namespace

}  // namespace timeline

std::size_t StudyIndex::points() const {
  std::size_t count = 1;
  for (const IndexAxis& axis : axes) count *= axis.labels.size();
  return count;
}

const IndexMetric* StudyIndex::find(std::string_view name) const {
  for (const IndexMetric& metric : metrics) {
    if (metric.name == name) return &metric;
  }
  return nullptr;
}

std::vector<std::size_t> StudyIndex::coordinates(std::size_t point) const {
  std::vector<std::size_t> at(axes.size());
  for (std::size_t a = axes.size(); a-- > 0;) {
    at[a] = point % axes[a].labels.size();
    point /= axes[a].labels.size();
  }
  return at;
}

std::string StudyIndex::title_of(std::size_t point) const {
  std::vector<std::string> parts;
  const auto at = coordinates(point);
  for (std::size_t a = 0; a < axes.size(); ++a) {
    parts.push_back(axes[a].labels[at[a]]);
  }
  return fmt::format("{}", fmt::join(parts, ", "));
}

void write_study_index(const StudyIndex& index, const std::filesystem::path& path) {
  timeline::write_file(path, 1,
                       [&](timeline::FileWriter& file) { timeline::write_index(index, file); });
}

bool is_study_index(const std::filesystem::path& path) {
  try {
    return timeline::guarded(path, [&] {
      const timeline::Handle file = timeline::open_file(path, "an HDF5 file");
      return timeline::has_attribute(file.get(), "study_schema_version");
    });
  } catch (const InputError&) {
    return false;
  }
}

StudyIndex read_study_index(const std::filesystem::path& path) {
  return timeline::guarded(path, [&] { return timeline::read_index(path); });
}

}  // namespace nightwatt
