#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "analysis/text.hpp"
#include "cli/command.hpp"
#include "energy/operators.hpp"
#include "policies/registry.hpp"
#include "scenarios/catalog.hpp"
#include "scenarios/facility_catalog.hpp"
#include "scenarios/mix_catalog.hpp"
#include "scenarios/model_catalog.hpp"
#include "scenarios/node_catalog.hpp"
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

const char* kind_name(DeviceKind kind) {
  switch (kind) {
    case DeviceKind::gpu:
      return "gpu";
    case DeviceKind::tpu:
      return "tpu";
    case DeviceKind::asic:
      return "asic";
    case DeviceKind::cpu:
      return "cpu";
    case DeviceKind::cpu_core:
      return "cpu_core";
  }
  return "";
}

/// A figure that the catalogue does not know is null.
Json known(double value) { return value > 0.0 ? Json(value) : Json(nullptr); }

/// "19.5", "-" where it is not known.
std::string scaled(double value, double unit) {
  return value > 0.0 ? fmt::format("{:.4g}", value / unit) : "-";
}

Json link_json(const Link& link) {
  if (link.bytes_per_s == 0.0) return nullptr;
  return {{"bandwidth_bytes_per_s", link.bytes_per_s},
          {"latency_s", link.latency ? Json(to_seconds(*link.latency)) : Json(nullptr)}};
}

Json device_json(const CatalogDevice& entry) {
  const Device& device = entry.device;
  Json aliases = Json::array(), aliases_of = Json::object();
  for (const Alias& alias : device.aliases) {
    (alias.source.empty() ? aliases : aliases_of[alias.source]).push_back(alias.name);
  }
  Json caps = nullptr;
  if (device.max_cap > Watts{}) caps = {to_watts(device.min_cap), to_watts(device.max_cap)};
  Json peaks = Json::object();
  for (std::size_t i = 0; i < precision_count; ++i) {
    const auto precision = static_cast<Precision>(i);
    if (device.peak(precision) > 0.0) {
      peaks[std::string(precision_name(precision))] = device.peak(precision);
    }
  }
  Json voltage = Json::array(), idle_curve = Json::array(), terms = Json::object();
  for (const VoltagePoint& p : device.voltage) voltage.push_back({p.clock_mhz, p.volts});
  for (const IdlePoint& p : device.idle_curve) {
    idle_curve.push_back({p.clock_mhz, to_watts(p.power)});
  }
  for (const auto& [name, term] : device.terms) {
    terms[name] = {{"value", term.value}, {"data", term.data}};
  }
  return {{"id", device.id},
          {"summary", device.summary},
          {"kind", kind_name(device.kind)},
          {"vendor", device.vendor},
          {"architecture", device.architecture},
          {"year", device.year},
          {"units_per_board", device.units_per_board},
          {"idle_power_w", to_watts(device.idle)},
          {"busy_power_w", to_watts(device.busy)},
          {"tdp_w", known(to_watts(device.tdp))},
          {"power_cap_range_w", caps},
          {"peak_per_s", peaks},
          {"memory_bytes", known(device.memory_bytes)},
          {"memory_bandwidth_bytes_per_s", known(device.memory_bytes_per_s)},
          {"l2_bytes", known(device.l2_bytes)},
          {"sms", known(device.sms)},
          {"clocks_mhz",
           {{"min", known(device.min_mhz)},
            {"base", known(device.base_mhz)},
            {"boost", known(device.boost_mhz)},
            {"memory", known(device.memory_mhz)}}},
          {"voltage_v_by_mhz", voltage},
          {"idle_power_w_by_mhz", idle_curve},
          {"scale_up", link_json(device.scale_up)},
          {"pcie", link_json(device.host_link)},
          {"aliases", aliases},
          {"aliases_by_source", aliases_of},
          {"terms", terms},
          {"sources", entry.sources},
          {"assumed", entry.assumed}};
}

Listing devices() {
  Listing listing;
  TextTable table({Align::left, Align::right, Align::right, Align::left, Align::right, Align::right,
                   Align::right, Align::left});
  table.row({"device", "idle", "busy", "power cap", "TFLOP/s", "GB", "GB/s", "assumed"});
  Catalog catalog;
  for (const CatalogDevice& entry : catalog.devices()) {
    const Device& device = entry.device;
    const bool capped = device.max_cap > Watts{};
    const double matrix = std::max(device.peak(Precision::fp16), device.peak(Precision::bf16));
    const std::string rate =
        matrix > 0.0 ? scaled(matrix, 1e12) : scaled(device.peak(Precision::fp32), 1e12) + " fp32";
    table.row({device.id, power_text(device.idle), power_text(device.busy),
               capped ? fmt::format("{} to {} W", number_text(to_watts(device.min_cap)),
                                    number_text(to_watts(device.max_cap)))
                      : "none",
               matrix > 0.0 || device.peak(Precision::fp32) > 0.0 ? rate : "-",
               scaled(device.memory_bytes, 1e9), scaled(device.memory_bytes_per_s, 1e9),
               fmt::format("{} of {}", entry.assumed.size(),
                           entry.assumed.size() + entry.sources.size())});
    listing.json.push_back(device_json(entry));
  }
  listing.table = table.text();
  listing.table +=
      "TFLOP/s: FP16 or BF16 on matrix units, without sparsity. assumed: figures without a "
      "source.\n";
  return listing;
}

Listing nodes() {
  Listing listing;
  TextTable table({Align::left, Align::left, Align::right, Align::right, Align::right, Align::right,
                   Align::left});
  table.row(
      {"node", "devices", "host idle", "active a device", "fans at full", "NICs GB/s", "assumed"});
  NodeCatalog& catalog = node_catalog();
  for (const std::string& id : catalog.ids()) {
    const CatalogNode& node = catalog.node(id);
    table.row(
        {node.id, fmt::format("{} x {}", node.devices, node.device), power_text(node.host_idle),
         power_text(node.host_active_per_device), power_text(node.fans_full),
         node.nics > 0 ? fmt::format("{} x {:g}", node.nics, node.nic_bytes_per_s / 1e9) : "-",
         fmt::format("{} of {}", node.assumed.size(), node.assumed.size() + node.sources.size())});
    Json supply = Json::array();
    for (const auto& [load, efficiency] : node.supply) supply.push_back({load, efficiency});
    listing.json.push_back(
        {{"id", node.id},
         {"summary", node.summary},
         {"device", node.device},
         {"devices", node.devices},
         {"host_idle_w", to_watts(node.host_idle)},
         {"host_active_per_device_w", to_watts(node.host_active_per_device)},
         {"fans_idle_w", to_watts(node.fans_idle)},
         {"fans_full_w", to_watts(node.fans_full)},
         {"cpu", node.cpu.empty() ? Json(nullptr) : Json(node.cpu)},
         {"cpus", node.cpus},
         {"nics", node.nics},
         {"nic_bandwidth_bytes_per_s", known(node.nic_bytes_per_s)},
         {"max_power_w", node.max_power ? Json(to_watts(*node.max_power)) : Json(nullptr)},
         {"supply_rating_w", known(to_watts(node.supply_rating))},
         {"supply_efficiency_by_load", supply},
         {"sources", node.sources},
         {"assumed", node.assumed}});
  }
  listing.table = table.text();
  return listing;
}

Listing models() {
  Listing listing;
  TextTable table({Align::left, Align::left, Align::right, Align::right, Align::left});
  table.row({"model", "family", "parameters", "layers", "summary"});
  ModelCatalog catalog;
  for (const CatalogModel& entry : catalog.models()) {
    const Model& model = entry.model;
    const ModelSize size = size_of(model);
    table.row({model.id, model.family, scaled(size.all(), 1e6) + " M", number_text(size.layers),
               printable(model.summary)});
    Json phases = {"training", "inference"};
    if (model.vocabulary > 0 && size.kept_per_token + size.state_per_sequence > 0) {
      for (const char* phase : {"prefill", "decode", "serving"}) phases.push_back(phase);
    }
    listing.json.push_back({{"id", model.id},
                            {"summary", model.summary},
                            {"family", model.family},
                            {"parameters", size.all()},
                            {"active_parameters", size.active_parameters},
                            {"layers", size.layers},
                            {"phases", phases},
                            {"aliases", entry.aliases},
                            {"source", entry.source},
                            {"assumed", entry.assumed}});
  }
  listing.table = table.text();
  return listing;
}

Listing mixes() {
  Listing listing;
  TextTable table({Align::left, Align::left});
  table.row({"mix", "summary"});
  for (const std::string& id : catalog_mixes()) {
    const CatalogMix& mix = catalog_mix(id);
    table.row({mix.id, printable(mix.summary)});
    listing.json.push_back({{"id", mix.id},
                            {"summary", mix.summary},
                            {"source", mix.source},
                            {"assumed", mix.assumed}});
  }
  listing.table = table.text();
  return listing;
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
    case ParamKind::time_of_day:
      return "time of day";
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

/// "15 °C: 1.07"
std::string point_text(double celsius, double pue) {
  return fmt::format("{:.4g} °C: {:.4g}", celsius, pue);
}

Listing facilities() {
  Listing listing;
  TextTable table({});
  table.row({"facility", "follows", "free to", "chiller from", "1/K", "most", "what"});
  for (const std::string& id : facility_ids()) {
    const CatalogFacility& one = catalog_facility(id);
    const PueCurve& curve = one.curve;
    const char* driver = curve.driver == PueCurve::Driver::wet_bulb ? "wet-bulb" : "dry-bulb";
    table.row({id, driver, point_text(curve.free_until_c, curve.free_pue),
               point_text(curve.chiller_from_c, curve.chiller_pue),
               fmt::format("{:.4g}", curve.per_kelvin), fmt::format("{:.4g}", curve.most),
               one.summary});
    listing.json.push_back({{"id", id},
                            {"summary", one.summary},
                            {"driver", driver},
                            {"free_until_c", curve.free_until_c},
                            {"free_pue", curve.free_pue},
                            {"chiller_from_c", curve.chiller_from_c},
                            {"chiller_pue", curve.chiller_pue},
                            {"per_kelvin", curve.per_kelvin},
                            {"most", curve.most},
                            {"sources", one.sources},
                            {"assumed", one.assumed}});
  }
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
  add("nodes", "Nodes of the catalogue", nodes);
  add("facilities", "Facilities of the catalogue: how their PUE follows the weather", facilities);
  add("models", "AI models of the catalogue", models);
  add("mixes", "Published mixes of jobs, for traces that do not tell what their jobs are", mixes);
  add("policies", "Policies by question, with their parameters", policies);
  add("formats", "Formats of workload traces and of signals, with their rules", formats);
}

}  // namespace nightwatt::cli
