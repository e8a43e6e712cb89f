#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "traces/diagnostics.hpp"
#include "traces/input.hpp"

/// Files of measurements as their sources publish them: the header decides the kind.
namespace nightwatt {

/// What a cell may hold.
enum class Cell : std::uint8_t {
  text,  ///< at least one character
  optional_text,
  number,             ///< finite
  positive,           ///< > 0
  not_negative,       ///< >= 0
  count,              ///< a whole number in [1, 10^9]
  whole,              ///< a whole number in [0, 10^9]
  optional_number,    ///< NaN where empty
  optional_positive,  ///< NaN where empty; a 0 means "not measured" and is NaN, too
};

struct ColumnSpec {
  std::string_view name;
  Cell cell = Cell::text;
};

/// A kind of file, told by its columns; others may stand between them, in any order.
struct MeasurementKind {
  std::string_view name;     ///< "power-caps"
  std::string_view summary;  ///< one line
  std::string_view source;   ///< in whose catalogue names a bare device name is to be read
  std::vector<ColumnSpec> columns;
};

/// All kinds that are known, in the order in which they are tried.
const std::vector<MeasurementKind>& measurement_kinds();

/// A file of one kind, its columns checked and typed.
class MeasuredFile {
 public:
  /// @param path  as the user wrote it; compressed files are read as they are
  /// @throws InputError for a file that cannot be read, a header of no known kind (with the kind
  ///   that comes nearest and what it lacks), and all cells that are wrong, with their places
  static MeasuredFile read(const std::string& path);
  static MeasuredFile read(Input& input);

  [[nodiscard]] const MeasurementKind& kind() const { return *kind_; }
  [[nodiscard]] const std::string& path() const { return path_; }
  /// Of the bytes on disk, hexadecimal.
  [[nodiscard]] const std::string& sha256() const { return sha256_; }
  [[nodiscard]] std::size_t rows() const { return lines_.size(); }
  [[nodiscard]] Position position(std::size_t row) const { return {path_, lines_.at(row), 0}; }

  /// A column of the kind. @throws std::logic_error if the kind has none of that name and type
  [[nodiscard]] const std::vector<std::string>& text(std::string_view column) const;
  [[nodiscard]] const std::vector<double>& number(std::string_view column) const;

  /// 32 bits of a hash over what the row says, whatever the file's layout: the same measurement in
  /// another file has the same one.
  [[nodiscard]] std::uint32_t fingerprint(std::size_t row) const;

 private:
  const MeasurementKind* kind_ = nullptr;
  std::string path_, sha256_;
  std::vector<std::uint64_t> lines_;
  std::map<std::string_view, std::vector<std::string>> texts_;
  std::map<std::string_view, std::vector<double>> numbers_;
};

}  // namespace nightwatt
