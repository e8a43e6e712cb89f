#include "traces/formats/json.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

namespace nightwatt {

namespace ondemand = simdjson::ondemand;

JsonFile::JsonFile(std::string& text, std::string_view file, Diagnostics& faults)
    : text_(text), file_(file), faults_(faults) {
  if (text.size() >= std::numeric_limits<std::uint32_t>::max()) {
    throw InputError(Diagnostic{{file_, 0, 0}, "JSON of 4 GiB or more cannot be read"});
  }
  size_ = text.size();
  // Blanks, because simdjson 3.0 would take a bracket behind the end for a part of the text.
  text_.append(simdjson::SIMDJSON_PADDING, ' ');
  begin_ = line_start_ = searched_ = text_.data();
  try {
    const auto fault =
        parser_.iterate(simdjson::padded_string_view(begin_, size_, text_.size())).get(document_);
    if (fault) broken(fault);
    started_ = true;
  } catch (...) {
    text_.resize(size_);  // the destructor does not run
    throw;
  }
}

JsonFile::~JsonFile() { text_.resize(size_); }

std::optional<ondemand::array> JsonFile::root_array(std::string_view what) {
  ondemand::json_type type;
  if (const auto fault = document_.type().get(type); fault) broken(fault);
  if (type != ondemand::json_type::array) {
    const char* first = begin_ + std::min(text_.find_first_not_of(" \t\r\n"), size_);
    error(first, fmt::format("expected {}, a JSON array", what));
    return std::nullopt;
  }
  return unwrap(document_.get_array());
}

std::optional<ondemand::object> JsonFile::root_object(std::string_view what) {
  ondemand::json_type type;
  if (const auto fault = document_.type().get(type); fault) broken(fault);
  if (type != ondemand::json_type::object) {
    const char* first = begin_ + std::min(text_.find_first_not_of(" \t\r\n"), size_);
    error(first, fmt::format("expected {}, a JSON object", what));
    return std::nullopt;
  }
  return unwrap(document_.get_object());
}

void JsonFile::expect_end() {
  const char* where = nullptr;
  if (!document_.current_location().get(where)) {
    broken_at(where, "expected the end of the file after the JSON value");
  }
}

std::optional<double> JsonFile::number(Value& value) {
  double number = 0.0;
  if (value.get_double().get(number) || !std::isfinite(number)) return std::nullopt;
  return number;
}

std::optional<std::string_view> JsonFile::text(Value& value) {
  std::string_view text;
  if (value.get_string().get(text)) return std::nullopt;
  return text;
}

std::optional<ondemand::array> JsonFile::array(Value& value) {
  if (*start(value) != '[') return std::nullopt;
  return unwrap(value.get_array());
}

std::optional<ondemand::object> JsonFile::object(Value& value) {
  if (*start(value) != '{') return std::nullopt;
  return unwrap(value.get_object());
}

bool JsonFile::is_null(Value& value) {
  bool null = false;
  return !value.is_null().get(null) && null;
}

const char* JsonFile::start(Value& value) { return value.raw_json_token().data(); }

std::string JsonFile::shown(Value& value) {
  std::string_view token = value.raw_json_token();
  if (token.data() >= end()) return "the end of the file";
  if (token.front() == '[') return "an array";
  if (token.front() == '{') return "an object";
  token = token.substr(0, static_cast<std::size_t>(end() - token.data()));
  return quote(token.substr(0, token.find_last_not_of(" \t\r\n") + 1));
}

std::uint64_t JsonFile::line(const char* where) {
  if (where < line_start_ && lines_.empty()) {
    // Arrays side by side are asked for in turns: from now on lines are looked up.
    const char* const end = begin_ + size_;
    lines_.push_back(begin_);
    for (const char* at = begin_; (at = std::find(at, end, '\n')) != end;) lines_.push_back(++at);
  }
  if (!lines_.empty()) {
    const auto next = std::upper_bound(lines_.begin(), lines_.end(), where);
    line_start_ = *(next - 1);
    line_ = static_cast<std::uint64_t>(next - lines_.begin());
    return line_;
  }
  if (where <= searched_) return line_;
  while (const void* newline =
             std::memchr(searched_, '\n', static_cast<std::size_t>(where - searched_))) {
    searched_ = line_start_ = static_cast<const char*>(newline) + 1;
    ++line_;
  }
  searched_ = where;
  return line_;
}

Position JsonFile::position(const char* where) {
  const auto row = line(where);
  return {file_, row, static_cast<std::uint64_t>(where - line_start_) + 1};
}

void JsonFile::error(const char* where, std::string message) {
  faults_.error(position(where), std::move(message));
}

void JsonFile::broken_at(const char* where, std::string message) {
  error(where, std::move(message));
  faults_.throw_if_any();
  throw std::logic_error("a fault was not kept");
}

void JsonFile::broken(simdjson::error_code fault) {
  switch (fault) {
    case simdjson::UTF8_ERROR:
      broken_at(first_invalid_utf8(), "expected JSON in UTF-8, got bytes that are not UTF-8");
    case simdjson::UNCLOSED_STRING:
      broken_at(scan().last_text, "a text that starts here is never closed by '\"'");
    case simdjson::UNESCAPED_CHARS:
      broken_at(scan().control, "a text may not hold a line break or another control character");
    case simdjson::EMPTY:
      broken_at(begin_, "expected JSON, the file is empty");
    case simdjson::INCOMPLETE_ARRAY_OR_OBJECT:
      if (const char* where = scan().behind_root; where != end()) {
        broken_at(where, "expected the end of the file after the JSON value");
      }
      broken_at(end(), "the file ends before its arrays and objects are closed");
    case simdjson::MEMALLOC:
      throw std::bad_alloc();
    default:
      break;
  }
  const char* where = end();
  if (!started_ || document_.current_location().get(where) || where > end()) where = end();
  broken_at(where, fmt::format("not JSON: {}", simdjson::error_message(fault)));
}

const char* JsonFile::first_invalid_utf8() const {
  const char* at = begin_;
  while (at < end()) {
    std::size_t length = 1;  // of the character that starts here
    while (length <= 4 && at + length <= end() && !simdjson::validate_utf8(at, length)) ++length;
    if (length > 4 || at + length > end()) return at;
    at += length;
  }
  return at;
}

/// Walks over the text as a tokenizer would, for the position of what simdjson names without one.
JsonFile::Scan JsonFile::scan() const {
  Scan found{end(), end(), end()};
  std::size_t depth = 0;
  bool inside = false;  // a text
  bool closed = false;  // the outermost value
  for (const char* at = begin_; at < end(); ++at) {
    const auto byte = static_cast<unsigned char>(*at);
    if (inside && byte < 0x20 && found.control == end()) found.control = at;
    if (closed && found.behind_root == end() && std::strchr(" \t\r\n", *at) == nullptr) {
      found.behind_root = at;
    }
    if (inside && *at == '\\') {
      ++at;
    } else if (*at == '"') {
      inside = !inside;
      if (inside) found.last_text = at;
    } else if (!inside && (*at == '[' || *at == '{')) {
      ++depth;
    } else if (!inside && (*at == ']' || *at == '}')) {
      closed = closed || depth <= 1;
      --depth;
    }
  }
  return found;
}

JsonRow::JsonRow(JsonFile& file, WorkloadBuilder& builder, std::string_view list, std::size_t index,
                 const char* where)
    : file_(&file),
      builder_(&builder),
      list_(list),
      index_(index),
      where_(where),
      line_(file.line(where)) {
  builder.count_row();
}

double JsonRow::number(JsonFile::Value& value, std::string_view field, std::string_view expected,
                       double least, double most) {
  const auto number = file_->number(value);
  if (number && *number >= least && *number <= most) return *number;
  wrong(value, field, expected);
  return unknown;
}

std::string_view JsonRow::text(JsonFile::Value& value, std::string_view field,
                               std::string_view expected) {
  if (const auto text = file_->text(value)) return *text;
  wrong(value, field, expected);
  return {};
}

std::optional<ondemand::object> JsonRow::fields(JsonFile::Value& value, std::string_view what) {
  auto object = file_->object(value);
  if (!object) {
    fault(where_, "",
          fmt::format("expected {} (a JSON object), got {}", what, file_->shown(value)));
  }
  return object;
}

void JsonRow::wrong(JsonFile::Value& value, std::string_view field, std::string_view expected) {
  fault(file_->start(value), field,
        fmt::format("expected {}, got {}", expected, file_->shown(value)));
}

void JsonRow::fault(const char* where, std::string_view field, std::string_view message) {
  builder_->bad_row(
      file_->position(where),
      fmt::format("{}[{}]{}{}: {}", list_, index_, field.empty() ? "" : ".", field, message), bad_);
  bad_ = true;
}

void JsonRow::require(std::uint32_t bit, std::string_view field) {
  if ((seen_ & bit) == 0) fault(where_, field, "is missing");
}

void JsonRow::seen(std::uint32_t bit, const char* where, std::string_view field) {
  if ((seen_ & bit) != 0) fault(where, field, "stands here a second time");
  seen_ |= bit;
}

}  // namespace nightwatt
