#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace nightwatt {

/// One line of a CSV file (RFC 4180, but with a plain line feed): fields with a comma, a quote or a
/// line end are quoted.
std::string csv_row(const std::vector<std::string>& fields);
/// The shortest text that reads back as the same double; empty for NaN.
std::string csv_number(double value);

/// "+12.3 %" of a ratio, with two decimals below 10 %; "0 %" of 0, "n/a" of NaN.
std::string signed_percent_text(double ratio);

/// Writes a whole text file: beside its name first, and renamed when it is complete, so that an
/// older file is replaced by a complete one or stays as it was. @throws InputError
void replace_file(const std::string& path, std::string_view text);

}  // namespace nightwatt
