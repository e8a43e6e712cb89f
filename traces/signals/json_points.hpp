#pragma once

#include <limits>
#include <optional>
#include <string>
#include <string_view>

#include "traces/formats/json.hpp"
#include "traces/signals/builder.hpp"

namespace nightwatt {

/// A number of a JSON file with the place where it stands; NaN for null or a value that is missing.
struct JsonNumber {
  double value = std::numeric_limits<double>::quiet_NaN();
  const char* where = nullptr;
};

/// The values of a JSON series while the file is read once, front to back.
class JsonPoints {
 public:
  JsonPoints(JsonFile& file, SignalBuilder& builder)
      : file_(file), builder_(builder), times_(builder) {}

  [[nodiscard]] Position at(const char* where) { return file_.position(where); }

  /// A number or null. Anything else is told to the builder and gives nothing.
  std::optional<JsonNumber> number(JsonFile::Value& value, std::string_view field) {
    JsonNumber read{.where = file_.start(value)};
    if (file_.is_null(value)) return read;
    if (const auto number = file_.number(value)) {
      read.value = *number;
      return read;
    }
    builder_.bad_row(at(read.where),
                     std::string(field) + ": expected a number, got " + file_.shown(value));
    return {};
  }

  /// An instant: a date (UTC where it names no offset). Anything else is told to the builder.
  std::optional<JsonNumber> time(JsonFile::Value& value, std::string_view field) {
    const char* where = file_.start(value);
    const auto text = file_.text(value);
    if (!text) {
      builder_.bad_row(at(where), std::string(field) +
                                      ": expected a date and time such as '2022-01-01T00:00Z', "
                                      "got " +
                                      file_.shown(value));
      return {};
    }
    const auto unix_s = times_.read(*text, field, at(where));
    if (!unix_s) return {};
    return JsonNumber{*unix_s, where};
  }

  /// A text, "" (and a fault) if it is none.
  std::string text(JsonFile::Value& value, std::string_view field) {
    if (const auto text = file_.text(value)) return std::string(*text);
    file_.error(file_.start(value),
                std::string(field) + ": expected a text, got " + file_.shown(value));
    return {};
  }

 private:
  JsonFile& file_;
  SignalBuilder& builder_;
  UtcTimes times_;
};

}  // namespace nightwatt
