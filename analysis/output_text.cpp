#include "analysis/output_text.hpp"

#include <fmt/format.h>

#include <cmath>

#include "analysis/text_file.hpp"

namespace nightwatt {

std::string csv_row(const std::vector<std::string>& fields) {
  std::string row;
  for (const std::string& field : fields) {
    if (&field != &fields.front()) row += ',';
    if (field.find_first_of(",\"\r\n") == std::string::npos) {
      row += field;
      continue;
    }
    row += '"';
    for (const char c : field) {
      if (c == '"') row += '"';
      row += c;
    }
    row += '"';
  }
  return row + '\n';
}

std::string csv_number(double value) { return std::isnan(value) ? "" : fmt::format("{}", value); }

std::string signed_percent_text(double ratio) {
  if (std::isnan(ratio)) return "n/a";
  const double percent = 100.0 * ratio;
  if (percent == 0.0) return "0 %";
  return std::abs(percent) < 9.995 ? fmt::format("{:+.2f} %", percent)
                                   : fmt::format("{:+.1f} %", percent);
}

void replace_file(const std::string& path, std::string_view text) {
  TextFile file(path);
  file.write(text);
  file.commit();
}

}  // namespace nightwatt
