#include "traces/table.hpp"

#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <bit>
#include <charconv>
#include <cmath>
#include <cstring>
#include <utility>

namespace nightwatt {

namespace {

bool blank(char c) { return c == ' ' || c == '\t'; }

constexpr std::size_t block_bytes = 64;
static_assert(LineReader::readable_bytes_behind >= block_bytes);

/// Bit i tells whether begin[i] is `wanted`, for the 64 bytes from `begin` on.
std::uint64_t matches(const char* begin, char wanted) {
  std::uint64_t mask = 0;
#ifdef __SSE2__
  const __m128i pattern = _mm_set1_epi8(wanted);
  for (unsigned i = 0; i < block_bytes; i += 16) {
    const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(begin + i));
    const auto equal =
        static_cast<std::uint32_t>(_mm_movemask_epi8(_mm_cmpeq_epi8(bytes, pattern)));
    mask |= std::uint64_t{equal} << i;
  }
#else
  for (unsigned i = 0; i < block_bytes; ++i) {
    mask |= static_cast<std::uint64_t>(begin[i] == wanted) << i;
  }
#endif
  return mask;
}

/// Bits of the bytes before `end`, of the 64 from `block` on.
std::uint64_t bits_before(const char* block, const char* end) {
  const auto left = static_cast<std::size_t>(end - block);
  return left < block_bytes ? (std::uint64_t{1} << left) - 1 : ~std::uint64_t{0};
}

}  // namespace

std::optional<double> parse_number(std::string_view text) {
  text = trimmed(text);
  if (text == "-1") return -1.0;  // "unknown" in many traces
  // Up to 15 digits, a point among them or not: both the digits and the power of ten are exact in
  // a double, so that one division gives the nearest double.
  if (text.size() <= 16) {
    static constexpr std::array<double, 16> powers = {1e0, 1e1, 1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                                      1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15};
    const char* at = text.data();
    const char* const end = at + text.size();
    const bool minus = at < end && *at == '-';
    if (minus) ++at;
    const char* const first = at;
    const char* point = nullptr;
    std::uint64_t digits = 0;
    for (; at < end; ++at) {
      const unsigned digit = static_cast<unsigned char>(*at) - unsigned{'0'};
      if (digit <= 9) {
        digits = digits * 10 + digit;
      } else if (*at == '.' && point == nullptr) {
        point = at;
      } else {
        break;
      }
    }
    const auto count = (end - first) - (point != nullptr ? 1 : 0);
    if (at == end && count > 0 && count <= 15) {
      auto number = static_cast<double>(digits);
      if (point != nullptr) number /= powers[static_cast<std::size_t>(end - point - 1)];
      return minus && digits > 0 ? -number : number;
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
  const char* first = nullptr;  // of the field that is open
  std::uint64_t blank_before = 1;
  for (const char* block = begin; block < end; block += block_bytes) {
    const std::uint64_t blanks =
        matches(block, ' ') | matches(block, '\t') | ~bits_before(block, end);
    // Where blanks begin or end: fields begin and end in turn.
    std::uint64_t edges = blanks ^ (blanks << 1 | blank_before);
    blank_before = blanks >> 63;
    for (; edges != 0; edges &= edges - 1) {
      const char* const at = block + std::countr_zero(edges);
      if (first == nullptr) {
        first = at;
      } else {
        push({first, static_cast<std::size_t>(at - first)},
             static_cast<std::size_t>(first - begin));
        first = nullptr;
        if (size_ == form_.max_fields) return;
      }
    }
  }
  if (first != nullptr) {
    push({first, static_cast<std::size_t>(end - first)}, static_cast<std::size_t>(first - begin));
  }
}

void Table::split_plain() {
  const std::string_view line = lines_.line();
  const char* const begin = line.data();
  const char* const end = begin + line.size();
  const char* first = begin;
  const auto add = [&](const char* at) {
    push(trimmed({first, static_cast<std::size_t>(at - first)}),
         static_cast<std::size_t>(first - begin));
    first = at + 1;
    return size_ != form_.max_fields;
  };
  for (const char* block = begin; block < end; block += block_bytes) {
    std::uint64_t found = matches(block, form_.delimiter) & bits_before(block, end);
    for (; found != 0; found &= found - 1) {
      if (!add(block + std::countr_zero(found))) return;
    }
  }
  add(end);
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
                             quote({&form_.delimiter, 1}), quote(record.substr(rest, at - rest)));
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
