#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "traces/diagnostics.hpp"
#include "traces/input.hpp"

namespace nightwatt {

/// How a delimited text is written.
struct TableForm {
  char delimiter = ',';        ///< ' ' = any run of blanks and tabs
  bool quotes = true;          ///< fields may stand in "..." with "" for a quote (RFC 4180)
  bool header = true;          ///< the first row names the columns
  char comment = '\0';         ///< lines that begin with it are no rows; NUL = there are none
  std::size_t max_fields = 0;  ///< fields after these are not looked at; 0 = all are
};

/// The rows of a delimited text, one at a time. Empty lines are passed over. Blanks around a field
/// do not belong to it (unless it is quoted).
///
///     Table table(input);                       // reads the header
///     const Column id = table.column("job_id");
///     while (table.next()) use(table[id]);
class Table {
 public:
  /// Reads the header line where `form` has one.
  /// @throws InputError for an unreadable file; a file without any row has an empty header
  explicit Table(Input& input, TableForm form = {},
                 std::function<void(std::string_view line)> on_comment = nullptr);

  /// Goes to the next row; false at the end.
  /// @throws InputError where reading cannot go on (see Input, LineReader; a quote never closed)
  bool next();

  [[nodiscard]] std::size_t size() const { return size_; }
  /// The field's text, without quotes; "" beyond the last one. Valid until the next row.
  [[nodiscard]] std::string_view operator[](std::size_t index) const {
    return index < size_ ? fields_[index].text : std::string_view();
  }
  /// What is wrong with the form of this row (text behind a closing quote), or "".
  [[nodiscard]] const std::string& fault() const { return fault_; }
  [[nodiscard]] std::size_t fault_field() const { return fault_field_; }

  /// Line of the row (its first) and of a field, column of a field; from 1, columns in bytes. The
  /// position of a field that is missing is the end of the row.
  [[nodiscard]] std::uint64_t line() const { return lines_.number(); }
  [[nodiscard]] Position position(std::size_t index) const;
  [[nodiscard]] Position row_position() const { return {lines_.name(), line(), 0}; }

  /// Column names as written, without surrounding blanks.
  [[nodiscard]] const std::vector<std::string>& header() const { return header_; }
  [[nodiscard]] std::uint64_t header_line() const { return header_line_; }
  /// Index of the column of that name.
  [[nodiscard]] std::optional<std::size_t> find(std::string_view name) const;
  /// The same; a column that is missing is a fault (with a hint), and the result useless.
  std::size_t require(std::string_view name, Diagnostics& diagnostics) const;

 private:
  struct Field {
    std::string_view text;
    std::size_t offset = 0;  ///< of the field as written, in the record
  };

  /// A field of a row with quotes, by offsets in the record.
  struct Piece {
    std::size_t begin, end;  ///< of its text, without the quotes
    std::size_t offset;      ///< of the field as written
    bool doubled;            ///< has "" in it
  };

  bool next_record();
  [[nodiscard]] Position place(std::size_t offset) const;
  void split_plain();
  void split_blanks();
  void split_quoted();

  LineReader lines_;
  TableForm form_;
  std::function<void(std::string_view)> on_comment_;
  /// Adds a field; the array only grows, so that rows cost no allocation.
  void push(std::string_view text, std::size_t offset) {
    if (size_ == fields_.size()) fields_.resize(2 * size_ + 16);
    fields_[size_++] = {text, offset};
  }

  std::vector<Field> fields_;  ///< of the row: the first size_
  std::size_t size_ = 0;
  std::vector<Piece> pieces_;
  std::string unquoted_;  ///< fields with doubled quotes, as they read
  std::string fault_;
  std::size_t fault_field_ = 0;
  std::vector<std::string> header_;
  std::uint64_t header_line_ = 0;
};

/// A finite decimal number ("12", "-3.5", "1e6"); blanks around it are allowed, all else is not.
std::optional<double> parse_number(std::string_view text);
/// A whole number, also when written with a zero fraction ("66.0"), in the range of int64.
std::optional<std::int64_t> parse_whole(std::string_view text);
/// `text` without blanks and tabs at both ends.
inline std::string_view trimmed(std::string_view text) {
  const auto blank = [](char c) { return c == ' ' || c == '\t'; };
  while (!text.empty() && blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && blank(text.back())) text.remove_suffix(1);
  return text;
}

}  // namespace nightwatt
