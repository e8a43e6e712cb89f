#include "analysis/output_text.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <cmath>
#include <cstdio>
#include <cstring>

#include "sim/timeline/output_file.hpp"

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

void replace_file(const std::string& path, std::string_view text) {
  const timeline::FileSizeSignalIgnored no_signal;
  timeline::OutputFile output(path);
  std::FILE* file = std::fopen(output.temporary().c_str(), "w");
  if (file == nullptr) output.fail(std::strerror(errno));
  const bool written = std::fwrite(text.data(), 1, text.size(), file) == text.size();
  const int reason = errno;
  if (std::fclose(file) != 0) output.fail(std::strerror(errno));
  if (!written) output.fail(std::strerror(reason));
  output.commit();
}

}  // namespace nightwatt
