#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "scenarios/binding.hpp"
#include "scenarios/scenario.hpp"

/// How the parts of a scenario are read, written and described, for the files that do so.
namespace nightwatt {

/// The place of a key of a mapping; of the mapping itself where the key is not there.
inline const YamlNode& place(const YamlNode& node, std::string_view key) {
  const YamlNode* found = node.find(key);
  return found != nullptr ? *found : node;
}

// scenario_signals.cpp
enum class SignalKey : std::uint8_t { pue, carbon, price, water };
/// A constant or a series; a PUE may follow the weather, a carbon intensity have several series, a
/// price a demand charge beside it.
KindPtr<SignalSpec> signal_kind(SignalKey what);
/// A series in a file: {file: ..., format: ...}
KindPtr<SignalFile> signal_file_kind();
/// A constant or a series of any dimension.
KindPtr<SignalSource> source_kind(Dimension dimension, KindPtr<SignalFile> file, Bounds bounds);
KindPtr<SiteForecastSpec> site_forecast_kind();

// scenario_policies.cpp
/// "21:00", as seconds since midnight; "24:00" is the end of the day.
KindPtr<double> time_of_day_kind();
/// NAME, or {NAME: {PARAMETER: value}}, checked against the registry.
KindPtr<PolicySpec> policy_kind(Question question);
KindPtr<PoliciesSpec> policies_kind();

// scenario_sites.cpp
/// A number in the unit that its key names, or a quantity with a unit of its own.
/// @param scale  of the dimension's canonical unit, for the key's unit
KindPtr<double> number_or_quantity_kind(Dimension dimension, double scale);
using FindName = std::function<std::string(std::string_view)>;  ///< the id; throws InputError
using ListNames = std::function<std::vector<std::string>()>;
/// A name that a catalogue knows: written as the id that it stands for.
KindPtr<std::string> catalog_name(std::string what, FindName find, ListNames ids);
const KindPtr<std::string>& catalog_device_kind();
KindPtr<SiteSpec> site_kind();
KindPtr<NetworkSpec> network_kind();

// scenario_workload.cpp
KindPtr<WorkloadSpec> workload_kind();

}  // namespace nightwatt
