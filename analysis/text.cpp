#include "analysis/text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <utility>

namespace nightwatt {
namespace {

struct Unit {
  double size;
  const char* name;
};

/// In the largest unit of which there is at least one, else in the smallest. Units ascend.
template <std::size_t N>
std::string scaled(double value, const std::array<Unit, N>& units) {
  if (std::isnan(value)) return "unknown";
  const Unit* best = &units.front();
  for (const Unit& unit : units) {
    // 999.96 would be shown as 1000.
    if (std::abs(value) >= unit.size * 0.99995) best = &unit;
  }
  return fmt::format("{} {}", number_text(value / best->size), best->name);
}

}  // namespace

std::string grouped(std::uint64_t number) {
  std::string text = std::to_string(number);
  for (std::size_t at = text.size(); at > 3;) {
    at -= 3;
    text.insert(at, ",");
  }
  return text;
}

std::string number_text(double number) {
  if (std::isnan(number)) return "unknown";
  const double size = std::abs(number);
  if (size >= 1e15 || (size > 0.0 && size < 1e-3)) return fmt::format("{:.3e}", number);
  if (size >= 999.95) {
    return (number < 0 ? "-" : "") + grouped(static_cast<std::uint64_t>(std::llround(size)));
  }
  std::string text = size >= 99.995   ? fmt::format("{:.1f}", number)
                     : size >= 9.9995 ? fmt::format("{:.2f}", number)
                                      : fmt::format("{:.3f}", number);
  while (text.back() == '0') text.pop_back();
  if (text.back() == '.') text.pop_back();
  return text;
}

std::string energy_text(Joules energy) {
  static constexpr std::array<Unit, 5> units = {
      {{1e-3, "Wh"}, {1.0, "kWh"}, {1e3, "MWh"}, {1e6, "GWh"}, {1e9, "TWh"}}};
  return scaled(to_kwh(energy), units);
}

std::string power_text(Watts power) {
  static constexpr std::array<Unit, 4> units = {
      {{1.0, "W"}, {1e3, "kW"}, {1e6, "MW"}, {1e9, "GW"}}};
  return scaled(to_watts(power), units);
}

std::string carbon_text(GramsCO2e carbon) {
  static constexpr std::array<Unit, 4> units = {{{1.0, "g"}, {1e3, "kg"}, {1e6, "t"}, {1e9, "kt"}}};
  return scaled(to_grams(carbon), units);
}

std::string cost_text(Money cost, std::string_view currency) {
  const double value = to_money(cost);
  if (std::isnan(value)) return "unknown";
  std::string text;
  if (std::abs(value) < 1e13) {
    const auto cents = static_cast<std::uint64_t>(std::llround(std::abs(value) * 100.0));
    text = fmt::format("{}{}.{:02}", value < 0 && cents > 0 ? "-" : "", grouped(cents / 100),
                       cents % 100);
  } else {
    text = number_text(value);
  }
  return currency.empty() ? text : fmt::format("{} {}", text, printable(currency));
}

std::string span_text(Seconds span) {
  const double s = to_seconds(span);
  if (std::isnan(s)) return "unknown";
  if (s < 0) return "-" + span_text(seconds(-s));
  if (s < 59.995) return number_text(s) + " s";
  if (s >= 1e15) return number_text(s / 86400.0) + " d";
  const auto whole = static_cast<std::uint64_t>(std::llround(s));
  // A long span is rounded to its second unit before it is split, so that "1 h 60 min" cannot be.
  static constexpr std::array<std::pair<std::uint64_t, const char*>, 4> units = {
      {{86400, "d"}, {3600, "h"}, {60, "min"}, {1, "s"}}};
  for (std::size_t i = 0; i + 1 < units.size(); ++i) {
    const auto [large, large_name] = units[i];
    const auto [small, small_name] = units[i + 1];
    const std::uint64_t rounded = (whole + small / 2) / small * small;
    if (rounded < large) continue;
    const std::uint64_t rest = rounded % large / small;
    std::string text = fmt::format("{} {}", grouped(rounded / large), large_name);
    if (rest > 0) text += fmt::format(" {} {}", rest, small_name);
    return text;
  }
  return number_text(s) + " s";
}

std::string percent_text(double ratio) {
  if (std::isnan(ratio)) return "unknown";
  return fmt::format("{:.1f} %", ratio * 100.0);
}

std::string instant_text(std::int64_t unix_s) {
  const std::chrono::sys_seconds instant{std::chrono::seconds(unix_s)};
  const auto day = std::chrono::floor<std::chrono::days>(instant);
  const std::chrono::year_month_day date{day};
  const std::chrono::hh_mm_ss clock{instant - day};
  return fmt::format("{:04}-{:02}-{:02} {:02}:{:02}:{:02} UTC", static_cast<int>(date.year()),
                     static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                     clock.hours().count(), clock.minutes().count(), clock.seconds().count());
}

std::size_t display_width(std::string_view text) {
  // fmt pads by columns of the terminal; what it adds to a wide enough field tells the width.
  const std::size_t field = text.size() + 1;
  return field - (fmt::format("{:<{}}", text, field).size() - text.size());
}

std::string printable(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = '?';
  }
  return out;
}

void TextTable::row(std::vector<std::string> cells) { rows_.push_back(std::move(cells)); }

std::string TextTable::text(std::size_t width) const {
  std::vector<std::size_t> widths;
  for (const auto& row : rows_) {
    if (widths.size() < row.size()) widths.resize(row.size());
    // A row's last cell may run on; it does not widen its column for the others.
    for (std::size_t i = 0; i + 1 < row.size(); ++i) {
      widths[i] = std::max(widths[i], display_width(row[i]));
    }
  }
  for (const auto& row : rows_) {
    const std::size_t last = row.empty() ? 0 : row.size() - 1;
    if (last < align_.size() && align_[last] == Align::right) {
      widths[last] = std::max(widths[last], display_width(row[last]));
    }
  }
  std::string out;
  for (const auto& row : rows_) {
    std::string line;
    for (std::size_t i = 0; i < row.size(); ++i) {
      if (i > 0) line += "  ";
      if (i < align_.size() && align_[i] == Align::right) {
        line += fmt::format("{:>{}}", row[i], widths[i]);
      } else if (i + 1 < row.size()) {
        line += fmt::format("{:<{}}", row[i], widths[i]);
      } else {
        const std::size_t indent = display_width(line);
        std::size_t column = indent;
        std::string_view rest = row[i];
        while (!rest.empty()) {
          const std::size_t space = rest.find(' ');
          const std::string_view word = rest.substr(0, space);
          const std::size_t word_width = display_width(word);
          if (column > indent && column + 1 + word_width > width) {
            line += '\n' + std::string(indent, ' ');
            column = indent;
          }
          if (column > indent) {
            line += ' ';
            ++column;
          }
          line += word;
          column += word_width;
          rest = space == std::string_view::npos ? std::string_view{} : rest.substr(space + 1);
        }
      }
    }
    while (!line.empty() && line.back() == ' ') line.pop_back();
    out += line + '\n';
  }
  return out;
}

}  // namespace nightwatt
