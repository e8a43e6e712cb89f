#include "scenarios/study.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <filesystem>
#include <memory>
#include <set>
#include <tuple>
#include <utility>

#include "scenarios/binding.hpp"
#include "scenarios/yaml_tree.hpp"

namespace nightwatt {
namespace {

/// A mapping from keys of the scenario ("policies.cap") to values.
class SettingsKind final : public Kind<std::vector<Setting>> {
 public:
  bool read(const YamlNode& node, const ReadContext& context,
            std::vector<Setting>& out) const override {
    out.clear();
    if (!node.is_map()) {
      context.expected(node, expected());
      return false;
    }
    for (std::size_t i = 0; i < node.keys.size(); ++i) {
      out.push_back({node.keys[i].text, node.keys[i].where, node.values[i]});
    }
    return true;
  }
  [[nodiscard]] YamlNode write(const std::vector<Setting>& value) const override {
    YamlNode node = YamlNode::make_map();
    for (const Setting& setting : value) node.set(setting.path, setting.value);
    return node;
  }
  [[nodiscard]] YamlNode schema() const override { return binding::type_schema("object"); }
  [[nodiscard]] std::string expected() const override {
    return "a mapping of keys of the scenario to values, as {policies.cap: none}";
  }
};

/// The points of an axis: a list of values of one key, or named variants.
class PointsKind final : public Kind<std::vector<StudyPoint>> {
 public:
  bool read(const YamlNode& node, const ReadContext& context,
            std::vector<StudyPoint>& out) const override {
    out.clear();
    if (!node.is_list() && !node.is_map()) {
      context.expected(node, expected());
      return false;
    }
    bool good = true;
    for (std::size_t i = 0; i < node.values.size(); ++i) {
      StudyPoint point;
      const YamlNode& value = node.values[i];
      if (node.is_list()) {
        // Which key it is of, its axis knows.
        point.label = flow_text(value);
        point.settings.push_back({{}, value.where, value});
      } else {
        point.label = node.keys[i].text;
        good &= settings_.read(value, context.key(point.label), point.settings);
      }
      for (const StudyPoint& other : out) {
        if (other.label != point.label) continue;
        context.error(value, fmt::format("{} stands twice", quote(point.label)));
        good = false;
        break;
      }
      out.push_back(std::move(point));
    }
    if (out.empty()) {
      context.error(node, "expected at least one value, got none");
      return false;
    }
    return good;
  }
  [[nodiscard]] YamlNode write(const std::vector<StudyPoint>&) const override { return {}; }
  [[nodiscard]] YamlNode schema() const override {
    YamlNode values = binding::type_schema("array");
    values.set("minItems", YamlNode::make_literal("1"));
    YamlNode named = binding::type_schema("object");
    named.set("additionalProperties", settings_.schema());
    named.set("minProperties", YamlNode::make_literal("1"));
    YamlNode either = YamlNode::make_map();
    either.set("anyOf", YamlNode::make_list({std::move(values), std::move(named)}));
    return either;
  }
  [[nodiscard]] std::string expected() const override {
    return "a list of values, or a mapping of names to what they change";
  }

 private:
  SettingsKind settings_;
};

class GridKind final : public Kind<std::vector<StudyAxis>> {
 public:
  bool read(const YamlNode& node, const ReadContext& context,
            std::vector<StudyAxis>& out) const override {
    out.clear();
    if (!node.is_map()) {
      context.expected(node, expected());
      return false;
    }
    bool good = true;
    for (std::size_t i = 0; i < node.keys.size(); ++i) {
      StudyAxis axis;
      axis.name = node.keys[i].text;
      if (axis.name == "seed" || axis.name == "seeds") {
        context.error(node.keys[i], "seeds stand beside the grid: 'seeds: 5'");
        good = false;
        continue;
      }
      good &= points_.read(node.values[i], context.key(axis.name), axis.points);
      if (node.values[i].is_list()) {
        for (StudyPoint& point : axis.points) {
          Setting& setting = point.settings.front();
          setting.path = axis.name;
          setting.where = node.keys[i].where;
        }
      }
      out.push_back(std::move(axis));
    }
    return good;
  }
  [[nodiscard]] YamlNode write(const std::vector<StudyAxis>&) const override { return {}; }
  [[nodiscard]] YamlNode schema() const override {
    YamlNode map = binding::type_schema("object");
    map.set("additionalProperties", points_.schema());
    return map;
  }
  [[nodiscard]] std::string expected() const override {
    return "a mapping of keys of the scenario to lists of values, as {policies.backfill: [none, "
           "easy]}";
  }

 private:
  PointsKind points_;
};

/// A list of seeds, or how many: 1, 2, ...
class SeedsKind final : public Kind<std::vector<std::uint64_t>> {
 public:
  bool read(const YamlNode& node, const ReadContext& context,
            std::vector<std::uint64_t>& out) const override {
    out.clear();
    if (node.is_scalar()) {
      std::int64_t count = 0;
      if (!count_->read(node, context, count)) return false;
      for (std::int64_t i = 1; i <= count; ++i) out.push_back(static_cast<std::uint64_t>(i));
      return true;
    }
    if (!node.is_list()) {
      context.expected(node, expected());
      return false;
    }
    if (!list_->read(node, context, out)) return false;
    std::set<std::uint64_t> seen;
    for (std::size_t i = 0; i < out.size(); ++i) {
      if (seen.insert(out[i]).second) continue;
      context.index(i).error(node.values[i], fmt::format("seed {} stands twice", out[i]));
      return false;
    }
    return true;
  }
  [[nodiscard]] YamlNode write(const std::vector<std::uint64_t>& value) const override {
    return list_->write(value);
  }
  [[nodiscard]] YamlNode schema() const override {
    YamlNode either = YamlNode::make_map();
    either.set("anyOf", YamlNode::make_list({count_->schema(), list_->schema()}));
    return either;
  }
  [[nodiscard]] std::string expected() const override {
    return "how many seeds, or a list of them, as [1, 2, 3]";
  }

 private:
  KindPtr<std::int64_t> count_ = integer_kind(1, 10'000);
  KindPtr<std::vector<std::uint64_t>> list_ = list_of(seed_kind(), 1);
};

const Object<Study>& study_object() {
  static const Object<Study> object = [] {
    Object<Study> o;
    o.required("name", &Study::name, text_kind("a title"), "Title, for tables and pictures.")
        .required("scenario", &Study::scenario, path_kind(),
                  "The scenario that the runs change, relative to this file.")
        .sparse("set", &Study::set, KindPtr<std::vector<Setting>>(std::make_shared<SettingsKind>()),
                "Keys of the scenario that are changed in all runs.")
        .required("grid", &Study::grid,
                  KindPtr<std::vector<StudyAxis>>(std::make_shared<GridKind>()),
                  "What is varied; every combination is run. KEY: [values], or NAME: {variant: "
                  "{KEY: value, ...}, ...}. The first of each is the base.")
        .sparse("seeds", &Study::seeds,
                KindPtr<std::vector<std::uint64_t>>(std::make_shared<SeedsKind>()),
                "With which every combination is run: how many, or a list; left out: the "
                "scenario's.")
        .check([](const Study& study, const YamlNode& node, const ReadContext& context) {
          double runs = static_cast<double>(std::max<std::size_t>(study.seeds.size(), 1));
          for (const StudyAxis& axis : study.grid) runs *= static_cast<double>(axis.points.size());
          if (runs > static_cast<double>(max_study_runs)) {
            context.key("grid").error(
                *node.find("grid"),
                fmt::format("expected at most {} runs, got {:.0f}", max_study_runs, runs));
          }
        });
    return o;
  }();
  return object;
}

/// What a file name may hold of a label.
std::string slug(std::string_view label) {
  std::string out;
  for (const char c : label) {
    const bool plain =
        (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.';
    if (plain) {
      out += c;
    } else if (!out.empty() && out.back() != '-') {
      out += '-';
    }
  }
  while (!out.empty() && (out.back() == '-' || out.back() == '.')) out.pop_back();
  return out.substr(0, 32);
}

std::string file_name(const Study& study, const StudyRun& run) {
  std::string name;
  for (std::size_t a = 0; a < run.point.size(); ++a) {
    const std::string part = slug(study.grid[a].points[run.point[a]].label);
    if (!part.empty()) name += part + "_";
  }
  // Names stay within what file systems take.
  if (name.size() > 120) name.resize(120);
  return fmt::format("{}s{}_{}", name, run.seed, run.loaded.sha256.substr(0, 12));
}

}  // namespace

std::string StudyRun::title(const Study& study) const {
  std::vector<std::string> parts;
  for (std::size_t a = 0; a < point.size(); ++a) {
    parts.push_back(
        fmt::format("{} = {}", study.grid[a].name, study.grid[a].points[point[a]].label));
  }
  parts.push_back(fmt::format("seed {}", seed));
  return fmt::format("{}", fmt::join(parts, ", "));
}

Study parse_study(std::string_view text, const std::string& path) {
  Diagnostics faults;
  YamlNode root = parse_yaml(text, path, faults);
  if (root.kind == YamlNode::Kind::null) {
    root = YamlNode::make_map();
    root.where = {path, 1, 1};
  }
  Study study;
  study_object().read(root, {"", &faults}, study);
  faults.throw_if_any();
  study.path = path;
  return study;
}

Study load_study(const std::string& path) { return parse_study(read_yaml_text(path), path); }

std::vector<StudyRun> study_runs(Study& study) {
  const std::string scenario =
      (std::filesystem::path(study.path).parent_path() / study.scenario).string();
  const std::string text = read_yaml_text(scenario);
  if (study.seeds.empty()) {
    study.seeds = {parse_scenario(text, scenario, {.settings = study.set}).scenario.seed};
  }
  std::vector<StudyRun> runs;
  Diagnostics faults;
  std::set<std::tuple<std::string, std::uint64_t, std::uint64_t, std::string>> seen;
  std::vector<std::size_t> point(study.grid.size(), 0);
  for (bool more = true; more;) {
    Overrides overrides = {.settings = study.set};
    for (std::size_t a = 0; a < point.size(); ++a) {
      const auto& settings = study.grid[a].points[point[a]].settings;
      overrides.settings.insert(overrides.settings.end(), settings.begin(), settings.end());
    }
    for (const std::uint64_t seed : study.seeds) {
      overrides.seed = seed;
      try {
        StudyRun run = {point, seed, parse_scenario(text, scenario, overrides), {}};
        run.name = file_name(study, run);
        runs.push_back(std::move(run));
      } catch (const InputError& error) {
        // A fault of one value is one of all runs that have it.
        for (const Diagnostic& fault : error.faults()) {
          const Position& at = fault.where;
          if (seen.emplace(at.file, at.line, at.column, fault.message).second) {
            faults.error(at, fault.message);
          }
        }
        break;  // other seeds do not change it
      }
    }
    more = false;
    for (std::size_t a = point.size(); a-- > 0;) {
      if (++point[a] < study.grid[a].points.size()) {
        more = true;
        break;
      }
      point[a] = 0;
    }
  }
  faults.throw_if_any();
  return runs;
}

std::string study_schema() { return schema_document("nightwatt study", study_object().schema()); }

}  // namespace nightwatt
