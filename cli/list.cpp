#include <fmt/format.h>
#include <fmt/ranges.h>

#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "analysis/text.hpp"
#include "cli/command.hpp"
#include "policies/registry.hpp"
#include "scenarios/catalog.hpp"
#include "traces/reader.hpp"
#include "traces/signals/signal_file.hpp"

namespace nightwatt::cli {
namespace {

using Align = TextTable::Align;
using Json = nlohmann::ordered_json;

/// What a list looks like in both forms.
struct Listing {
  std::string table;
  Json json = Json::array();
};

Listing devices() {
  Listing listing;
  TextTable table({Align::left, Align::right, Align::right, Align::left});
  table.row({"device", "idle", "busy", "power cap", "summary"});
  Catalog catalog;
  for (const CatalogDevice& entry : catalog.devices()) {
    const Device& device = entry.device;
    const bool capped = device.max_cap > watts(0);
    table.row({device.id, power_text(device.idle), power_text(device.busy),
               capped ? fmt::format("{} to {} W", number_text(to_watts(device.min_cap)),
                                    number_text(to_watts(device.max_cap)))
                      : "none",
               printable(device.summary) + (device.assumed ? " (some figures assumed)" : "")});
    Json aliases = Json::array();
    for (const Alias& alias : device.aliases) aliases.push_back(alias.name);
    Json caps = nullptr;
    if (capped) caps = {to_watts(device.min_cap), to_watts(device.max_cap)};
    listing.json.push_back({{"id", device.id},
                            {"summary", device.summary},
                            {"kind", device.kind == DeviceKind::gpu ? "gpu" : "cpu_core"},
                            {"vendor", device.vendor},
                            {"year", device.year},
                            {"idle_power_w", to_watts(device.idle)},
                            {"busy_power_w", to_watts(device.busy)},
                            {"power_cap_range_w", caps},
                            {"aliases", aliases},
                            {"sources", entry.sources},
                            {"assumed", entry.assumed}});
  }
  listing.table = table.text();
  return listing;
}

/// Jobs have no models yet whose power is known from inside; `utilization` profiles stand in the
/// scenario.
Listing models() {
  return {
      "The catalogue has no models: a scenario gives its jobs a utilization (workload.profiles).\n",
      Json::array()};
}

const char* kind_name(ParamKind kind) {
  switch (kind) {
    case ParamKind::number:
      return "number";
    case ParamKind::integer:
      return "whole number";
    case ParamKind::seconds:
      return "duration";
    case ParamKind::watts:
      return "power";
    case ParamKind::fraction:
      return "fraction";
    case ParamKind::text:
      return "text";
  }
  return "";
}

std::string param_text(const ParamInfo& param) {
  std::string what = kind_name(param.kind);
  if (!param.choices.empty()) what = fmt::format("{}", fmt::join(param.choices, " | "));
  return fmt::format("{} ({}, {}): {}", param.name, what,
                     param.default_text.empty() ? "required" : "default " + param.default_text,
                     param.summary);
}

Listing policies() {
  Listing listing;
  TextTable table({Align::left, Align::left});
  for (const PolicyInfo& policy : list_policies()) {
    table.row({std::string(question_name(policy.question)), policy.name, policy.summary});
    for (const ParamInfo& param : policy.params) table.row({"", "", "  " + param_text(param)});
    if (!policy.source.empty()) table.row({"", "", "  source: " + policy.source});
    Json params = Json::array();
    for (const ParamInfo& param : policy.params) {
      params.push_back(
          {{"name", param.name},
           {"kind", kind_name(param.kind)},
           {"summary", param.summary},
           {"default", param.default_text.empty() ? Json(nullptr) : Json(param.default_text)},
           {"choices", param.choices}});
    }
    listing.json.push_back({{"question", question_name(policy.question)},
                            {"name", policy.name},
                            {"summary", policy.summary},
                            {"source", policy.source},
                            {"params", params}});
  }
  listing.table = table.text();
  return listing;
}

void add_formats(const char* what, const std::vector<FormatInfo>& formats, TextTable& table,
                 Json& json) {
  for (const FormatInfo& format : formats) {
    table.row({what, format.name,
               format.summary + (format.seen_in_wild ? "" : " (not yet seen in the wild)")});
    Json rules = Json::array();
    for (const RuleInfo& rule : format.rules) {
      table.row({"", "",
                 fmt::format("  rule {} ({}): {}", rule.name, fmt::join(rule.choices, " | "),
                             rule.summary)});
      rules.push_back({{"name", rule.name}, {"summary", rule.summary}, {"choices", rule.choices}});
    }
    json.push_back({{"of", what},
                    {"name", format.name},
                    {"summary", format.summary},
                    {"source", format.source},
                    {"seen_in_wild", format.seen_in_wild},
                    {"rules", rules}});
  }
}

Listing formats() {
  Listing listing;
  TextTable table({Align::left, Align::left});
  add_formats("workload", workload_formats(), table, listing.json);
  add_formats("signal", signal_formats(), table, listing.json);
  listing.table = table.text();
  return listing;
}

}  // namespace

void add_list(CLI::App& app, const Globals&, Action& action) {
  CLI::App* list = app.add_subcommand("list", "What scenarios may name");
  list->require_subcommand(1)->fallthrough();
  list->footer(example("nightwatt list policies"));
  const auto json = std::make_shared<bool>(false);
  list->add_flag("--json", *json, "Print it as JSON");
  const auto add = [&](const char* name, const char* summary, Listing (*make)()) {
    CLI::App* command = list->add_subcommand(name, summary);
    command->footer(example(fmt::format("nightwatt list {}", name)));
    command->callback([=, &action] {
      action = [=] {
        const Listing listing = make();
        print(*json ? listing.json.dump(2) + "\n" : listing.table);
        return static_cast<int>(Exit::done);
      };
    });
  };
  add("devices", "Devices of the catalogue", devices);
  add("models", "AI models of the catalogue", models);
  add("policies", "Policies by question, with their parameters", policies);
  add("formats", "Formats of workload traces and of signals, with their rules", formats);
}

}  // namespace nightwatt::cli
