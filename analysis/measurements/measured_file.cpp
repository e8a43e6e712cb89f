#include "analysis/measurements/measured_file.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>
#include <stdexcept>

#include "traces/table.hpp"

namespace nightwatt {
namespace {

constexpr double most = 1e9;  // of what is counted: more does not fit an int
constexpr double nan = std::numeric_limits<double>::quiet_NaN();

bool is_text(Cell cell) { return cell == Cell::text || cell == Cell::optional_text; }

std::string_view expected(Cell cell) {
  switch (cell) {
    case Cell::text:
      return "a text";
    case Cell::number:
    case Cell::optional_number:
      return "a number";
    case Cell::positive:
      return "a number above 0";
    case Cell::optional_positive:
    case Cell::not_negative:
      return "a number of at least 0";
    case Cell::count:
      return "a whole number from 1 to 1000000000";
    case Cell::whole:
      return "a whole number from 0 to 1000000000";
    case Cell::optional_text:
      break;
  }
  return "a text or nothing";
}

/// The number of a cell; none where it is not one of those expected.
std::optional<double> number_in(std::string_view text, Cell cell) {
  const bool optional = cell == Cell::optional_number || cell == Cell::optional_positive;
  if (text.empty()) return optional ? std::optional(nan) : std::nullopt;
  const auto number = parse_number(text);
  if (!number) return {};
  const double x = *number;
  switch (cell) {
    case Cell::positive:
      if (!(x > 0.0)) return {};
      break;
    case Cell::not_negative:
      if (!(x >= 0.0)) return {};
      break;
    case Cell::count:
      if (!(x >= 1.0 && x <= most) || x != std::floor(x)) return {};
      break;
    case Cell::whole:
      if (!(x >= 0.0 && x <= most) || x != std::floor(x)) return {};
      break;
    case Cell::optional_positive:
      if (!(x >= 0.0)) return {};
      if (x == 0.0) return nan;
      break;
    default:
      break;
  }
  return x;
}

std::vector<std::string_view> missing_columns(const MeasurementKind& kind, const Table& table) {
  std::vector<std::string_view> missing;
  for (const ColumnSpec& column : kind.columns) {
    if (!table.find(column.name)) missing.push_back(column.name);
  }
  return missing;
}

/// The kind all of whose columns are there; of several the one with most columns.
const MeasurementKind& kind_of(const Table& table, const std::string& path) {
  const MeasurementKind* found = nullptr;
  const MeasurementKind* nearest_kind = nullptr;
  double nearest_share = 0.0;
  for (const MeasurementKind& kind : measurement_kinds()) {
    const std::size_t missing = missing_columns(kind, table).size();
    if (missing == 0 && (found == nullptr || kind.columns.size() > found->columns.size())) {
      found = &kind;
    }
    const double share =
        1.0 - static_cast<double>(missing) / static_cast<double>(kind.columns.size());
    if (share > nearest_share) {
      nearest_share = share;
      nearest_kind = &kind;
    }
  }
  if (found != nullptr) return *found;
  const Position top{path, std::max<std::uint64_t>(table.header_line(), 1), 0};
  // Half of the columns are no coincidence.
  if (nearest_kind == nullptr || nearest_share < 0.5) {
    std::vector<std::string_view> names;
    for (const MeasurementKind& kind : measurement_kinds()) names.push_back(kind.name);
    throw InputError({top, fmt::format("header: expected the columns of a known kind of "
                                       "measurements, got {} columns of none (known: {})",
                                       table.header().size(), fmt::join(names, ", "))});
  }
  Diagnostics faults;
  for (const std::string_view column : missing_columns(*nearest_kind, table)) {
    const auto& header = table.header();
    faults.error(
        top, fmt::format("header: expected a column {} of kind {}, got none{}", quote(column),
                         nearest_kind->name, did_you_mean(column, {header.begin(), header.end()})));
  }
  faults.throw_if_any();
  return *nearest_kind;
}

}  // namespace

MeasuredFile MeasuredFile::read(const std::string& path) {
  Input input = Input::open(path, path);
  return read(input);
}

MeasuredFile MeasuredFile::read(Input& input) {
  MeasuredFile file;
  file.path_ = input.name();
  Table table(input);
  file.kind_ = &kind_of(table, file.path_);

  struct Target {
    std::size_t index;
    ColumnSpec spec;
    std::vector<std::string>* texts;
    std::vector<double>* numbers;
  };
  std::vector<Target> targets;
  Diagnostics faults;
  for (const ColumnSpec& column : file.kind_->columns) {
    const auto& header = table.header();
    if (std::count(header.begin(), header.end(), column.name) > 1) {
      faults.error({file.path_, table.header_line(), 0},
                   fmt::format("header: the column {} stands there twice", quote(column.name)));
    }
    targets.push_back({*table.find(column.name), column,
                       is_text(column.cell) ? &file.texts_[column.name] : nullptr,
                       is_text(column.cell) ? nullptr : &file.numbers_[column.name]});
  }
  faults.throw_if_any();

  while (table.next()) {
    if (!table.fault().empty()) {
      faults.error(table.position(table.fault_field()), table.fault());
      continue;
    }
    file.lines_.push_back(table.line());
    if (table.size() > table.header().size()) {
      faults.error(table.position(table.header().size()),
                   fmt::format("expected {} fields as in the header, got {}", table.header().size(),
                               table.size()));
    }
    for (const Target& target : targets) {
      const std::string_view cell = trimmed(table[target.index]);
      bool good = true;
      if (target.texts != nullptr) {
        good = !cell.empty() || target.spec.cell == Cell::optional_text;
        target.texts->emplace_back(cell);
      } else {
        const auto number = number_in(cell, target.spec.cell);
        good = number.has_value();
        target.numbers->push_back(number.value_or(nan));
      }
      if (!good) {
        faults.error(
            table.position(target.index),
            fmt::format("{}: expected {}, got {}", target.spec.name, expected(target.spec.cell),
                        cell.empty() ? "nothing" : quote(cell)));
      }
    }
  }
  if (file.lines_.empty() && faults.empty()) {
    faults.error({file.path_, 0, 0}, "expected at least one row of measurements, got none");
  }
  faults.throw_if_any();
  file.sha256_ = input.sha256();
  return file;
}

const std::vector<std::string>& MeasuredFile::text(std::string_view column) const {
  const auto found = texts_.find(column);
  if (found == texts_.end()) throw std::logic_error(fmt::format("no text column {}", column));
  return found->second;
}

const std::vector<double>& MeasuredFile::number(std::string_view column) const {
  const auto found = numbers_.find(column);
  if (found == numbers_.end()) throw std::logic_error(fmt::format("no number column {}", column));
  return found->second;
}

std::uint32_t MeasuredFile::fingerprint(std::size_t row) const {
  std::string said(kind_->name);
  for (const ColumnSpec& column : kind_->columns) {
    said += '\n';
    if (is_text(column.cell)) {
      said += text(column.name)[row];
    } else {
      said += fmt::format("{:.9g}", number(column.name)[row]);
    }
  }
  // FNV-1a, 64 bits folded to 32.
  std::uint64_t hash = 14695981039346656037ULL;
  for (const char c : said) {
    hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211ULL;
  }
  return static_cast<std::uint32_t>(hash ^ (hash >> 32));
}

}  // namespace nightwatt
