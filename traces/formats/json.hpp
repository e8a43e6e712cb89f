#pragma once

#include <simdjson.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "traces/builder.hpp"
#include "traces/diagnostics.hpp"

namespace nightwatt {

/// A JSON file that is read once, front to back, by simdjson's on-demand parser, with the position
/// of everything that is wrong with it. A fault of the syntax ends the reading (`broken`); a value
/// of the wrong type is gathered and the reading goes on.
class JsonFile {
 public:
  using Value = simdjson::ondemand::value;

  /// Indexes the text. simdjson reads up to 32 bytes behind the text: they are appended to `text`
  /// and taken away again by the destructor.
  /// @throws InputError if the text is not UTF-8, empty, has an open string or exceeds 4 GiB
  JsonFile(std::string& text, std::string_view file, Diagnostics& faults);
  ~JsonFile();
  JsonFile(const JsonFile&) = delete;
  JsonFile& operator=(const JsonFile&) = delete;

  /// The outermost array or object; nothing, and a fault, if it is something else.
  std::optional<simdjson::ondemand::array> root_array(std::string_view what);
  std::optional<simdjson::ondemand::object> root_object(std::string_view what);
  /// To be called when all has been read.
  /// @throws InputError if something follows the outermost value
  void expect_end();

  /// Calls `take(value)` for each element of an array.
  template <class Take>
  void each(simdjson::ondemand::array& array, Take&& take) {
    for (auto element : array) take(unwrap(element));
  }
  /// Calls `take(key, key_position, value)` for each field of an object; values that `take` leaves
  /// alone are skipped.
  template <class Take>
  void each(simdjson::ondemand::object& object, Take&& take) {
    for (auto entry : object) {
      auto field = unwrap(entry);
      const char* where = field.key().raw() - 1;
      take(key_of(field), where, field.value());
    }
  }

  /// A value as a finite number, a text, an array or an object; nothing if it is not that (it may
  /// then still be asked for something else).
  std::optional<double> number(Value& value);
  std::optional<std::string_view> text(Value& value);
  std::optional<simdjson::ondemand::array> array(Value& value);
  std::optional<simdjson::ondemand::object> object(Value& value);
  /// Null, and only null.
  bool is_null(Value& value);

  /// Where a value starts, for `position` and `error`.
  const char* start(Value& value);
  /// The value as the file has it, for messages: "'1.5'", "an array", "an object".
  std::string shown(Value& value);

  [[nodiscard]] const char* begin() const { return begin_; }
  /// The line of a place in the text, from 1. Cheap if asked from front to back, else O(log lines)
  /// after one pass over the text.
  std::uint64_t line(const char* where);
  Position position(const char* where);
  void error(const char* where, std::string message);

 private:
  /// Most keys hold no escape: they need no copy.
  std::string_view key_of(simdjson::ondemand::field& field) {
    const char* first = field.key().raw();
    const char* last = first;
    while (*last != '"' && *last != '\\') ++last;
    if (*last == '"') return {first, static_cast<std::size_t>(last - first)};
    return unwrap(field.unescaped_key());
  }
  template <class T>
  T unwrap(simdjson::simdjson_result<T> result) {
    T value;
    if (const auto fault = std::move(result).get(value); fault) broken(fault);
    return value;
  }
  [[noreturn]] void broken(simdjson::error_code fault);
  [[noreturn]] void broken_at(const char* where, std::string message);
  [[nodiscard]] const char* first_invalid_utf8() const;
  struct Scan {
    const char* last_text;    ///< the quote that opens the last text
    const char* control;      ///< the first control character inside a text
    const char* behind_root;  ///< what follows the outermost array or object
  };
  [[nodiscard]] Scan scan() const;
  [[nodiscard]] const char* end() const { return begin_ + size_; }

  std::string& text_;
  std::string file_;
  Diagnostics& faults_;
  const char* begin_ = nullptr;
  std::size_t size_ = 0;
  simdjson::ondemand::parser parser_;
  simdjson::ondemand::document document_;
  bool started_ = false;
  const char* line_start_ = nullptr;  // of the line that was asked for last
  const char* searched_ = nullptr;    // up to here from line_start_ on: a file may be one line
  std::uint64_t line_ = 1;
  std::vector<const char*> lines_;  // where each begins, once they are looked up
};

/// One object of a JSON file that becomes a row. What is wrong with its fields is handed to the
/// builder as faults of one row ("LIST[3].FIELD: expected ..., got ..."), and `ok` tells whether
/// the row can be used.
class JsonRow {
 public:
  /// @param list   what the messages call the list that the row stands in
  /// @param where  the start of the row; it must lie in the text of `file`
  JsonRow(JsonFile& file, WorkloadBuilder& builder, std::string_view list, std::size_t index,
          const char* where);

  /// A number from `least` to `most`. Where it is none: a fault, and NaN.
  double number(JsonFile::Value& value, std::string_view field, std::string_view expected,
                double least, double most);
  /// A text. Where it is none: a fault, and "".
  std::string_view text(JsonFile::Value& value, std::string_view field,
                        std::string_view expected = "a text");
  /// The fields of the row itself. Where it is no object: a fault that calls it `what` ("a job").
  std::optional<simdjson::ondemand::object> fields(JsonFile::Value& value, std::string_view what);
  /// A field that is not `expected`.
  void wrong(JsonFile::Value& value, std::string_view field, std::string_view expected);
  /// Any other fault: "LIST[3].FIELD: MESSAGE"; without a field, of the row itself.
  void fault(const char* where, std::string_view field, std::string_view message);
  /// A field that the row must have (`seen` of it is false): a fault if it is missing.
  void require(std::uint32_t bit, std::string_view field);
  /// To be called for each field that is read: a second one of that name is a fault.
  void seen(std::uint32_t bit, const char* where, std::string_view field);

  [[nodiscard]] bool ok() const { return !bad_; }
  [[nodiscard]] std::uint64_t line() const { return line_; }
  [[nodiscard]] const char* start() const { return where_; }

 private:
  JsonFile* file_;
  WorkloadBuilder* builder_;
  std::string_view list_;
  std::size_t index_;
  const char* where_;
  std::uint64_t line_;
  std::uint32_t seen_ = 0;
  bool bad_ = false;
};

}  // namespace nightwatt
