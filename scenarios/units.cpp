#include "scenarios/units.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <cmath>
#include <span>
#include <utility>
#include <vector>

#include "traces/diagnostics.hpp"
#include "traces/signals/signal_file.hpp"

namespace nightwatt {
namespace {

/// value in canonical units = number * num / den; two exact integers keep 5 mW exact.
struct Unit {
  std::string_view text;
  double num = 1.0, den = 1.0;
};

constexpr std::array duration_units = {
    Unit{"s"},
    Unit{"ms", 1, 1e3},
    Unit{"us", 1, 1e6},
    Unit{"ns", 1, 1e9},
    Unit{"min", 60},
    Unit{"h", 3600},
    Unit{"day", 86400},
    Unit{"days", 86400},
    Unit{"week", 604800},
    Unit{"weeks", 604800},
};
constexpr std::array power_units = {
    Unit{"W"}, Unit{"mW", 1, 1e3}, Unit{"kW", 1e3}, Unit{"MW", 1e6}, Unit{"GW", 1e9},
};
constexpr std::array energy_units = {
    Unit{"kWh"},        Unit{"J", 1, 3.6e6}, Unit{"kJ", 1e3, 3.6e6}, Unit{"MJ", 1e6, 3.6e6},
    Unit{"Wh", 1, 1e3}, Unit{"MWh", 1e3},    Unit{"GWh", 1e6},
};
constexpr std::array bandwidth_units = {
    Unit{"B/s"},
    Unit{"kB/s", 1e3},
    Unit{"MB/s", 1e6},
    Unit{"GB/s", 1e9},
    Unit{"TB/s", 1e12},
    Unit{"bit/s", 1, 8},
    Unit{"kbit/s", 1e3, 8},
    Unit{"Mbit/s", 1e6, 8},
    Unit{"Gbit/s", 1e9, 8},
    Unit{"Tbit/s", 1e12, 8},
};
constexpr std::array data_units = {
    Unit{"B"},
    Unit{"kB", 1e3},
    Unit{"MB", 1e6},
    Unit{"GB", 1e9},
    Unit{"TB", 1e12},
    Unit{"KiB", 1024},
    Unit{"MiB", 1048576},
    Unit{"GiB", 1073741824},
    Unit{"TiB", 1099511627776.0},
};
constexpr std::array frequency_units = {
    Unit{"MHz"},
    Unit{"GHz", 1e3},
    Unit{"kHz", 1, 1e3},
    Unit{"Hz", 1, 1e6},
};
constexpr std::array voltage_units = {Unit{"V"}, Unit{"mV", 1, 1e3}};
constexpr std::array rate_units = {
    Unit{"FLOP/s"},        Unit{"GFLOP/s", 1e9}, Unit{"TFLOP/s", 1e12},
    Unit{"PFLOP/s", 1e15}, Unit{"OP/s"},         Unit{"TOP/s", 1e12},
};
constexpr std::array temperature_units = {Unit{"°C"}, Unit{"degC"}};
constexpr std::array fraction_units = {Unit{"%", 1, 100}};
constexpr std::array energy_per_data_units = {
    Unit{"J/GB"},          Unit{"kJ/GB", 1e3},  Unit{"MJ/GB", 1e6},
    Unit{"kWh/GB", 3.6e6}, Unit{"Wh/GB", 3600}, Unit{"kWh/TB", 3600},
};
constexpr std::array water_units = {
    Unit{"L/kWh"}, Unit{"l/kWh"}, Unit{"mL/kWh", 1, 1e3}, Unit{"L/MWh", 1, 1e3}, Unit{"m3/MWh"},
};
constexpr std::array carbon_mass_units = {
    Unit{"kgCO2e"},
    Unit{"gCO2e", 1, 1e3},
    Unit{"tCO2e", 1e3},
};
struct DimensionInfo {
  std::string_view name, example;
  std::span<const Unit> units;  ///< the first is the canonical one (fraction: none)
};

const DimensionInfo& info(Dimension dimension) {
  static const std::array table = {
      DimensionInfo{"a duration", "30 min", duration_units},
      DimensionInfo{"a power", "350 W", power_units},
      DimensionInfo{"an energy", "2.5 kWh", energy_units},
      DimensionInfo{"a carbon intensity", "420 gCO2e/kWh", {}},  // units: parse_signal_unit
      DimensionInfo{"a price", "60 USD/MWh", {}},
      DimensionInfo{"a bandwidth", "25 GB/s", bandwidth_units},
      DimensionInfo{"a size", "16 GB", data_units},
      DimensionInfo{"a fraction", "0.4' or '40 %", fraction_units},
      DimensionInfo{"a clock", "1410 MHz", frequency_units},
      DimensionInfo{"a voltage", "0.9 V", voltage_units},
      DimensionInfo{"a rate", "19.5 TFLOP/s", rate_units},
      DimensionInfo{"a temperature", "18 °C", temperature_units},
      DimensionInfo{"an energy per data", "0.06 kWh/GB", energy_per_data_units},
      DimensionInfo{"a water usage", "1.8 L/kWh", water_units},
      DimensionInfo{"a mass of carbon", "164 kgCO2e", carbon_mass_units},
      DimensionInfo{"a demand charge", "15 USD/kW", {}},
  };
  return table[static_cast<std::size_t>(dimension)];
}

/// ISO 4217 codes in use (six amendments up to 2024), without funds and metals.
constexpr std::string_view currencies =
    "AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BHD BIF BMD BND BOB BRL BSD BTN BWP "
    "BYN BZD CAD CDF CHF CLP CNY COP CRC CUP CVE CZK DJF DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP "
    "GEL GHS GIP GMD GNF GTQ GYD HKD HNL HTG HUF IDR ILS INR IQD IRR ISK JMD JOD JPY KES KGS KHR "
    "KMF KPW KRW KWD KYD KZT LAK LBP LKR LRD LSL LYD MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK "
    "MXN MYR MZN NAD NGN NIO NOK NPR NZD OMR PAB PEN PGK PHP PKR PLN PYG QAR RON RSD RUB RWF SAR "
    "SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TND TOP TRY TTD TWD TZS "
    "UAH UGX USD UYU UZS VES VND VUV WST XAF XCD XOF XPF YER ZAR ZMW ZWL ";

std::string_view trim(std::string_view text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  return text;
}

bool is_digit(char c) { return c >= '0' && c <= '9'; }

/// Length of the decimal number at the start of the text, 0 if there is none.
std::size_t number_length(std::string_view text) {
  std::size_t i = 0;
  const auto digits = [&] {
    const std::size_t from = i;
    while (i < text.size() && is_digit(text[i])) ++i;
    return i - from;
  };
  if (i < text.size() && text[i] == '-') ++i;
  const std::size_t first = i;
  const std::size_t whole = digits();
  if (whole == 0 || (whole > 1 && text[first] == '0')) return 0;
  if (i < text.size() && text[i] == '.') {
    ++i;
    if (digits() == 0) return 0;
  }
  // The exponent only where digits follow: the "E" of "1 EUR" and of "1E" is not one.
  if (i < text.size() && (text[i] == 'e' || text[i] == 'E')) {
    const std::size_t mark = i++;
    if (i < text.size() && (text[i] == '-' || text[i] == '+')) ++i;
    if (digits() == 0) i = mark;
  }
  return i;
}

std::optional<double> to_double(std::string_view text) {
  double value = 0.0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::string escape_pattern(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '/' || c == '.') out += '\\';
    out += c;
  }
  return out;
}

}  // namespace

bool is_currency(std::string_view code) {
  if (code.size() != 3 || code.find(' ') != std::string_view::npos) return false;
  for (std::size_t at = 0; at < currencies.size(); at += 4) {
    if (currencies.substr(at, 3) == code) return true;
  }
  return false;
}

std::optional<double> read_number(std::string_view text) {
  if (text.empty() || number_length(text) != text.size()) return std::nullopt;
  return to_double(text);
}

std::optional<std::int64_t> read_integer(std::string_view text) {
  if (text.empty() || text.find_first_not_of("-0123456789") != std::string_view::npos ||
      number_length(text) != text.size()) {
    return std::nullopt;
  }
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc()) return std::nullopt;
  return value;
}

std::string format_number(double value) {
  std::array<char, 32> buffer{};
  const auto [end, error] = std::to_chars(buffer.data(), buffer.data() + buffer.size(),
                                          value == 0.0 ? 0.0 : value);  // no "-0"
  return {buffer.data(), end};
}

QuantityText parse_quantity(Dimension dimension, std::string_view text) {
  text = trim(text);
  QuantityText out;
  const std::size_t length = number_length(text);
  if (length == 0) return out;
  const std::optional<double> number = to_double(text.substr(0, length));
  if (!number) {
    out.hint = "number out of range";
    return out;
  }
  const std::string_view unit = trim(text.substr(length));
  const DimensionInfo& d = info(dimension);
  if (unit.empty()) {
    if (dimension == Dimension::fraction) {
      out.value = number;
    } else {
      out.hint = "no unit";
    }
    return out;
  }
  if (dimension == Dimension::carbon_intensity || dimension == Dimension::price) {
    const bool price = dimension == Dimension::price;
    const auto meaning = parse_signal_unit(unit);
    if (!meaning || meaning->kind != (price ? SignalKind::price : SignalKind::carbon) ||
        (price && !is_currency(meaning->currency))) {
      out.hint = fmt::format("unknown unit {}; {}", quote(unit),
                             price ? "expected an ISO 4217 code over kWh or MWh"
                                   : "expected g, kg, t or lb of CO2e over kWh or MWh");
      return out;
    }
    out.currency = meaning->currency;
    // Dividing by a power of ten rounds once: 60 USD/MWh is 0.06 USD/kWh.
    out.value =
        meaning->factor < 1.0 ? *number / (1.0 / meaning->factor) : *number * meaning->factor;
    return out;
  }
  if (dimension == Dimension::demand_charge) {
    if (unit.size() == 6 && unit.ends_with("/kW") && is_currency(unit.substr(0, 3))) {
      out.value = number;
      out.currency = unit.substr(0, 3);
    } else {
      out.hint = fmt::format("unknown unit {}; expected an ISO 4217 code over kW", quote(unit));
    }
    return out;
  }
  for (const Unit& u : d.units) {
    if (u.text == unit) {
      const double value = *number * u.num / u.den;
      if (std::isfinite(value)) {
        out.value = value;
      } else {
        out.hint = "number out of range";
      }
      return out;
    }
  }
  std::vector<std::string_view> known;
  for (const Unit& u : d.units) known.push_back(u.text);
  out.hint = fmt::format("unknown unit {}", quote(unit));
  // Units are short, so that only a difference of case counts as a slip.
  const auto lower = [](std::string_view s) {
    std::string t(s);
    std::transform(t.begin(), t.end(), t.begin(),
                   [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
    return t;
  };
  std::vector<std::string_view> near;
  std::copy_if(known.begin(), known.end(), std::back_inserter(near),
               [&](std::string_view k) { return lower(k) == lower(unit); });
  if (near.size() == 1) {
    out.hint += fmt::format("; did you mean '{}'?", near.front());
  } else {
    out.hint += fmt::format("; known: {}", fmt::join(known, ", "));
  }
  return out;
}

std::string format_quantity(Dimension dimension, double value, std::string_view currency) {
  if (dimension == Dimension::fraction) return format_number(value);
  if (dimension == Dimension::price)
    return fmt::format("{} {}/kWh", format_number(value), currency);
  if (dimension == Dimension::demand_charge)
    return fmt::format("{} {}/kW", format_number(value), currency);
  if (dimension == Dimension::carbon_intensity) return format_number(value) + " gCO2e/kWh";
  if (dimension == Dimension::duration) {
    constexpr std::array<std::pair<double, const char*>, 3> larger = {
        std::pair{86400.0, "day"}, std::pair{3600.0, "h"}, std::pair{60.0, "min"}};
    for (const auto& [scale, name] : larger) {
      const double n = value / scale;
      if (value != 0.0 && n == std::floor(n) && std::abs(n) < 1e6 && n * scale == value) {
        return fmt::format("{} {}{}", format_number(n), name,
                           scale == 86400.0 && n != 1.0 ? "s" : "");
      }
    }
  }
  // The shortest of the texts that read back as the same value: "25 GB/s", not "2.5e+10 B/s".
  std::string best;
  for (const Unit& u : info(dimension).units) {
    const double n = value / u.num;
    if (u.den != 1.0 || n * u.num != value) continue;
    std::string text = format_number(n) + " " + std::string(u.text);
    if (best.empty() || text.size() < best.size()) best = std::move(text);
  }
  return best;
}

std::string_view dimension_name(Dimension dimension) { return info(dimension).name; }

std::string expected_quantity(Dimension dimension) {
  return fmt::format("{} such as '{}'", info(dimension).name, info(dimension).example);
}

std::string quantity_pattern(Dimension dimension) {
  constexpr std::string_view number = R"(-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?)";
  if (dimension == Dimension::carbon_intensity) {
    return fmt::format("^{} *(m|k)?(g|t|lbs?)(CO(2|₂)(-?eq|e)?)?/[kMG]?Wh$", number);
  }
  if (dimension == Dimension::price) return fmt::format("^{} *[A-Z]{{3}}/[kMG]?Wh$", number);
  if (dimension == Dimension::demand_charge) return fmt::format("^{} *[A-Z]{{3}}/kW$", number);
  std::vector<std::string> units;
  for (const Unit& u : info(dimension).units) units.push_back(escape_pattern(u.text));
  const std::string unit = fmt::format("({})", fmt::join(units, "|"));
  return fmt::format("^{} *{}$", number, unit);
}

namespace {

/// Reads exactly `n` digits at `at` and moves on; -1 if they are not there.
int digits_at(std::string_view text, std::size_t& at, std::size_t n) {
  if (at + n > text.size()) return -1;
  int value = 0;
  for (std::size_t i = 0; i < n; ++i) {
    if (!is_digit(text[at + i])) return -1;
    value = value * 10 + (text[at + i] - '0');
  }
  at += n;
  return value;
}

bool skip(std::string_view text, std::size_t& at, char c) {
  if (at >= text.size() || text[at] != c) return false;
  ++at;
  return true;
}

/// The calendar day at `at`; none if malformed, an empty hint if it does not exist.
std::optional<std::int64_t> day_at(std::string_view text, std::size_t& at, bool& exists) {
  exists = true;
  const int y = digits_at(text, at, 4);
  if (y < 0 || !skip(text, at, '-')) return std::nullopt;
  const int m = digits_at(text, at, 2);
  if (m < 0 || !skip(text, at, '-')) return std::nullopt;
  const int d = digits_at(text, at, 2);
  if (d < 0) return std::nullopt;
  const std::chrono::year_month_day date{std::chrono::year(y),
                                         std::chrono::month(static_cast<unsigned>(m)),
                                         std::chrono::day(static_cast<unsigned>(d))};
  if (!date.ok()) {
    exists = false;
    return std::nullopt;
  }
  return std::chrono::sys_days(date).time_since_epoch().count();
}

}  // namespace

std::optional<std::int64_t> parse_day(std::string_view text) {
  std::size_t at = 0;
  bool exists = true;
  const auto day = day_at(text, at, exists);
  return day && at == text.size() ? day : std::nullopt;
}

InstantText parse_instant(std::string_view text) {
  text = trim(text);
  InstantText out;
  std::size_t at = 0;
  bool exists = true;
  const auto day = day_at(text, at, exists);
  if (!exists) out.hint = "no such day";
  if (!day) return out;
  if (at == text.size()) {
    out.hint = "no time and offset; add T00:00:00Z for midnight UTC";
    return out;
  }
  if (text[at] != 'T' && text[at] != 't' && text[at] != ' ') return out;
  ++at;
  const int hour = digits_at(text, at, 2);
  if (hour < 0 || !skip(text, at, ':')) return out;
  const int minute = digits_at(text, at, 2);
  if (minute < 0) return out;
  int second = 0;
  std::int64_t ns = 0;
  if (skip(text, at, ':')) {
    second = digits_at(text, at, 2);
    if (second < 0) return out;
    if (skip(text, at, '.')) {
      std::int64_t scale = 100'000'000;
      const std::size_t from = at;
      for (; at < text.size() && is_digit(text[at]); ++at, scale /= 10) {
        ns += (text[at] - '0') * scale;
      }
      if (at == from) return out;
      if (at - from > 9) {
        out.hint = "more than nine decimals of a second";
        return out;
      }
    }
  }
  if (hour > 23 || minute > 59 || second > 59) {
    out.hint = "no such time of day";
    return out;
  }
  while (at < text.size() && text[at] == ' ') ++at;
  std::int64_t offset_s = 0;
  if (at == text.size()) {
    out.hint = "no offset; add Z for UTC or an offset such as +02:00";
    return out;
  }
  if (!skip(text, at, 'Z') && !skip(text, at, 'z')) {
    const char sign = text[at++];
    if (sign != '+' && sign != '-') return out;
    const int oh = digits_at(text, at, 2);
    skip(text, at, ':');
    const int om = digits_at(text, at, 2);
    if (oh < 0 || om < 0) return out;
    if (oh > 18 || om > 59) {
      out.hint = "no such offset";
      return out;
    }
    offset_s = (sign == '-' ? -1 : 1) * (oh * 3600 + om * 60);
  }
  if (at != text.size()) return out;
  out.value = Instant{*day * 86400 + hour * 3600 + minute * 60 + second - offset_s,
                      static_cast<std::int32_t>(ns)};
  return out;
}

std::string format_instant(const Instant& instant) {
  const std::int64_t day =
      instant.unix_s >= 0 ? instant.unix_s / 86400 : -((-instant.unix_s + 86399) / 86400);
  const std::int64_t second = instant.unix_s - day * 86400;
  const std::chrono::year_month_day date{std::chrono::sys_days(std::chrono::days(day))};
  std::string out =
      fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}", static_cast<int>(date.year()),
                  static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                  second / 3600, second / 60 % 60, second % 60);
  if (instant.ns != 0) {
    std::string fraction = fmt::format("{:09}", instant.ns);
    fraction.erase(fraction.find_last_not_of('0') + 1);
    out += "." + fraction;
  }
  return out + "Z";
}

std::string instant_pattern() {
  return R"(^[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,9})?)? *([Zz]|[+-][0-9]{2}:?[0-9]{2})$)";
}

}  // namespace nightwatt
