#include "traces/table.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstring>
#include <utility>

namespace nightwatt {

namespace {

bool blank(char c) { return c == ' ' || c == '\t'; }

}  // namespace

std::optional<double> parse_number(std::string_view text) {
  text = trimmed(text);
  if (!text.empty() && text.size() <= 15) {  // whole numbers that a double holds exactly
    const bool minus = text.front() == '-';
    std::uint64_t value = 0;
    std::size_t at = minus ? 1 : 0;
    for (; at < text.size(); ++at) {
      const unsigned digit = static_cast<unsigned char>(text[at]) - unsigned{'0'};
      if (digit > 9) break;
      value = value * 10 + digit;
    }
    if (at == text.size() && at > (minus ? 1 : 0)) {
      const auto number = static_cast<double>(value);
      return minus && value > 0 ? -number : number;
    }
  }
  if (text.size() > 1 && text.front() == '+' && text[1] != '-') text.remove_prefix(1);
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || !std::isfinite(value)) return {};
  return value == 0 ? 0.0 : value;  // "-0.0" is 0
}

std::optional<std::int64_t> parse_whole(std::string_view text) {
  text = trimmed(text);
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error == std::errc() && end == text.data() + text.size()) return value;
  const std::optional<double> number = parse_number(text);
  if (!number || *number != std::floor(*number) || std::abs(*number) > 9e15) return {};
  return static_cast<std::int64_t>(*number);
}

Table::Table(Input& input, TableForm form, std::function<void(std::string_view)> on_comment)
    : lines_(input), form_(form), on_comment_(std::move(on_comment)) {
  if (!form_.header) return;
  if (!next()) return;
  header_line_ = line();
  for (std::size_t i = 0; i < size_; ++i) header_.emplace_back(trimmed(fields_[i].text));
}

bool Table::next_record() {
  while (lines_.next()) {
    const std::string_view line = lines_.line();
    if (line.empty()) continue;
    if (form_.comment != '\0' && line.front() == form_.comment) {
      if (on_comment_) on_comment_(line);
      continue;
    }
    if (blank(line.front()) && trimmed(line).empty()) continue;
    return true;
  }
  return false;
}

bool Table::next() {
  size_ = 0;
  if (!fault_.empty()) fault_.clear();
  if (!next_record()) return false;
  const std::string_view line = lines_.line();
  if (form_.delimiter == ' ') {
    split_blanks();
  } else if (form_.quotes && std::memchr(line.data(), '"', line.size()) != nullptr) {
    split_quoted();
  } else {
    split_plain();
  }
  return true;
}

void Table::split_blanks() {
  const std::string_view line = lines_.line();
  const char* const begin = line.data();
  const char* const end = begin + line.size();
  const char* at = begin;
  while (true) {
    while (at < end && blank(*at)) ++at;
    if (at == end) return;
    const char* const first = at;
    while (at < end && !blank(*at)) ++at;
    push({first, static_cast<std::size_t>(at - first)}, static_cast<std::size_t>(first - begin));
    if (size_ == form_.max_fields) return;
  }
}

void Table::split_plain() {
  const std::string_view line = lines_.line();
  const char* const begin = line.data();
  const char* const end = begin + line.size();
  const char* first = begin;
  while (true) {
    const char* at = first;
    while (at < end && *at != form_.delimiter) ++at;
    push(trimmed({first, static_cast<std::size_t>(at - first)}),
         static_cast<std::size_t>(first - begin));
    if (at == end || size_ == form_.max_fields) return;
    first = at + 1;
  }
}

void Table::split_quoted() {
  // The record may grow (and move) while a quoted field goes on in the next line, so that first
  // offsets are noted, and texts are taken at the end.
  pieces_.clear();
  std::size_t at = 0;
  std::string_view record = lines_.line();
  while (true) {
    const std::size_t offset = at;
    while (at < record.size() && blank(record[at]) && record[at] != form_.delimiter) ++at;
    if (at < record.size() && record[at] == '"') {
      const std::size_t begin = ++at;
      bool doubled = false;
      while (true) {
        at = record.find('"', at);
        if (at == std::string_view::npos) {
          at = record.size();
          // A line's own end is not part of line(); `extend` brings it back.
          if (!lines_.extend()) {
            throw InputError(
                Diagnostic{place(offset), "the quote that opens this field is never closed"});
          }
          record = lines_.line();
        } else if (at + 1 < record.size() && record[at + 1] == '"') {
          doubled = true;
          at += 2;
        } else {
          break;
        }
      }
      pieces_.push_back({begin, at, offset, doubled});
      ++at;
      const std::size_t rest = at;
      while (at < record.size() && record[at] != form_.delimiter) ++at;
      if (fault_.empty() && !trimmed(record.substr(rest, at - rest)).empty()) {
        fault_ = fmt::format("expected {} or the end of the row after the closing quote, got {}",
                             quoted({&form_.delimiter, 1}), quoted(record.substr(rest, at - rest)));
        fault_field_ = pieces_.size() - 1;
      }
    } else {
      at = std::min(record.find(form_.delimiter, at), record.size());
      const std::string_view text = trimmed(record.substr(offset, at - offset));
      const std::size_t begin =
          text.empty() ? offset : static_cast<std::size_t>(text.data() - record.data());
      pieces_.push_back({begin, begin + text.size(), offset, false});
    }
    if (at >= record.size()) break;
    ++at;
  }
  unquoted_.clear();
  unquoted_.reserve(record.size());  // so that it does not move while views into it are taken
  for (const Piece& piece : pieces_) {
    std::string_view text = record.substr(piece.begin, piece.end - piece.begin);
    if (piece.doubled) {
      const std::size_t begin = unquoted_.size();
      for (std::size_t i = 0; i < text.size(); ++i) {
        unquoted_ += text[i];
        if (text[i] == '"') ++i;
      }
      text = std::string_view(unquoted_).substr(begin);
    }
    push(text, piece.offset);
    if (size_ == form_.max_fields) break;
  }
}

Position Table::position(std::size_t index) const {
  return place(index < size_ ? fields_[index].offset : lines_.line().size());
}

/// The position of a field that is written from `offset` of the record on.
Position Table::place(std::size_t offset) const {
  const std::string_view record = lines_.line();
  while (offset < record.size() && record[offset] == ' ') ++offset;  // blanks before the field
  const std::string_view before = record.substr(0, offset);
  const auto breaks = static_cast<std::uint64_t>(std::count(before.begin(), before.end(), '\n'));
  const std::size_t last = before.rfind('\n');
  return {lines_.name(), line() + breaks,
          last == std::string_view::npos ? offset + 1 : offset - last};
}

std::optional<std::size_t> Table::find(std::string_view name) const {
  const auto found = std::find(header_.begin(), header_.end(), name);
  if (found == header_.end()) return {};
  return static_cast<std::size_t>(found - header_.begin());
}

std::size_t Table::require(std::string_view name, Diagnostics& diagnostics) const {
  if (const auto found = find(name)) return *found;
  diagnostics.error({lines_.name(), std::max<std::uint64_t>(header_line_, 1), 0},
                    fmt::format("{}: the header has no such column{}", name,
                                did_you_mean(name, {header_.begin(), header_.end()})));
  return 0;
}

}  // namespace nightwatt
