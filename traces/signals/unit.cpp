#include <algorithm>
#include <array>
#include <string>
#include <utility>

#include "traces/signals/signal_file.hpp"

namespace nightwatt {
namespace {

/// Without blanks, and with a plain 2 for the one below the line.
std::string plain(std::string_view text) {
  constexpr std::string_view subscript_two = "₂";
  std::string result;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text.substr(i).starts_with(subscript_two)) {
      result += '2';
      i += subscript_two.size() - 1;
    } else if (text[i] != ' ') {
      result += text[i];
    }
  }
  return result;
}

/// kWh of a unit of energy, or 0.
double kwh_of(std::string_view unit) {
  for (const auto& [name, kwh] : {std::pair<std::string_view, double>{"kWh", 1.0},
                                  {"MWh", 1e3},
                                  {"GWh", 1e6},
                                  {"Wh", 1e-3}}) {
    if (unit == name) return kwh;
  }
  return 0.0;
}

/// Grams of a unit of mass, or 0. An avoirdupois pound is 453.59237 g by definition.
double grams_of(std::string_view unit) {
  for (const auto& [name, grams] : {std::pair<std::string_view, double>{"g", 1.0},
                                    {"kg", 1e3},
                                    {"t", 1e6},
                                    {"mg", 1e-3},
                                    {"lb", 453.59237},
                                    {"lbs", 453.59237}}) {
    if (unit == name) return grams;
  }
  return 0.0;
}

}  // namespace

std::string_view signal_kind_name(SignalKind kind) {
  switch (kind) {
    case SignalKind::carbon:
      return "carbon intensity";
    case SignalKind::price:
      return "price";
    case SignalKind::pue:
      return "PUE";
    case SignalKind::temperature:
      return "temperature";
    case SignalKind::humidity:
      return "humidity";
    case SignalKind::water:
      return "water usage";
    case SignalKind::power:
      return "power";
  }
  return "";
}

std::string_view carbon_basis_name(CarbonBasis basis) {
  switch (basis) {
    case CarbonBasis::unknown:
      return "unknown";
    case CarbonBasis::direct:
      return "direct";
    case CarbonBasis::lifecycle:
      return "lifecycle";
    case CarbonBasis::marginal:
      return "marginal";
  }
  return "";
}

std::optional<SignalUnit> parse_signal_unit(std::string_view text) {
  if (text == "1" || text == "PUE" || text == "pue") return SignalUnit{SignalKind::pue, 1.0, ""};
  if (text == "°C" || text == "C" || text == "degC") return SignalUnit{SignalKind::temperature};
  if (text == "K") return SignalUnit{SignalKind::temperature, 1.0, "", -273.15};
  if (text == "°F" || text == "F" || text == "degF") {
    return SignalUnit{SignalKind::temperature, 5.0 / 9.0, "", -160.0 / 9.0};
  }
  if (text == "%") return SignalUnit{SignalKind::humidity};
  for (const auto& [name, factor] :
       {std::pair<std::string_view, double>{"W", 1.0}, {"kW", 1e3}, {"MW", 1e6}, {"GW", 1e9}}) {
    if (text == name) return SignalUnit{SignalKind::power, factor};
  }
  const std::size_t slash = text.find('/');
  if (slash == std::string_view::npos) return {};
  const double kwh = kwh_of(text.substr(slash + 1));
  if (kwh == 0.0) return {};
  const std::string above = plain(text.substr(0, slash));
  if (above == "L" || above == "l") return SignalUnit{SignalKind::water, 1.0 / kwh};
  if (above == "m3" || above == "m³") return SignalUnit{SignalKind::water, 1000.0 / kwh};
  const auto capital = [](char c) { return c >= 'A' && c <= 'Z'; };
  if (above.size() == 3 && std::all_of(above.begin(), above.end(), capital)) {
    return SignalUnit{SignalKind::price, 1.0 / kwh, above};
  }
  std::string_view mass = above;
  for (const std::string_view gas : {"CO2eq", "CO2-eq", "CO2e", "CO2"}) {
    if (mass.ends_with(gas)) {
      mass.remove_suffix(gas.size());
      break;
    }
  }
  const double grams = grams_of(mass);
  if (grams == 0.0) return {};
  return SignalUnit{SignalKind::carbon, grams / kwh, ""};
}

}  // namespace nightwatt
