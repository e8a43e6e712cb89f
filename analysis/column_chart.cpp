#include "analysis/column_chart.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

namespace nightwatt {
namespace {

constexpr int lines = 6;
constexpr int eighths = 8;
constexpr std::array<const char*, eighths + 1> blocks{" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
/// The smallest value stands this many eighths of a line high, so that it can be seen.
constexpr int least_eighths = 2;

}  // namespace

std::string column_chart(const std::vector<double>& values, const std::vector<std::string>& names) {
  double low = std::numeric_limits<double>::infinity();
  double high = -low;
  for (const double value : values) {
    if (std::isnan(value)) continue;
    low = std::min(low, value);
    high = std::max(high, value);
  }
  const auto height = [&](double value) {
    if (std::isnan(value)) return 0;
    const double share = high > low ? (value - low) / (high - low) : 0.0;
    return least_eighths + static_cast<int>(std::lround(share * (lines * eighths - least_eighths)));
  };
  std::size_t width = 2;  // of a column, without the blank after it
  for (const std::string& name : names) width = std::max(width, name.size());
  std::string text;
  for (int line = lines - 1; line >= 0; --line) {
    const std::string label = line == lines - 1 ? fmt::format("{:.4g}", high)
                              : line == 0       ? fmt::format("{:.4g}", low)
                                                : "";
    std::string row = fmt::format("{:>9} ", label);
    for (const double value : values) {
      const auto fill =
          static_cast<std::size_t>(std::clamp(height(value) - line * eighths, 0, eighths));
      for (std::size_t i = 0; i < width; ++i) row += blocks.at(fill);
      row += ' ';
    }
    row.erase(row.find_last_not_of(' ') + 1);
    text += row + '\n';
  }
  text += std::string(10, ' ');
  for (const std::string& name : names) text += fmt::format("{:<{}} ", name, width);
  text.pop_back();
  return text + '\n';
}

}  // namespace nightwatt
