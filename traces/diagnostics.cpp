#include "traces/diagnostics.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <utility>

namespace nightwatt {

namespace {

std::string joined(const std::vector<Diagnostic>& faults, std::size_t more) {
  std::string text;
  for (const Diagnostic& fault : faults) {
    if (!text.empty()) text += '\n';
    text += fault.text();
  }
  if (more > 0) {
    text += "\nand " + std::to_string(more) + (more == 1 ? " more error" : " more errors");
  }
  return text;
}

char lower(char c) { return static_cast<char>(std::tolower(static_cast<unsigned char>(c))); }

/// Insertions, deletions, replacements and swaps of neighbours that turn one word into the other,
/// upper and lower case being the same letter; gives up above `limit`.
std::size_t edit_distance(std::string_view a, std::string_view b, std::size_t limit) {
  const std::size_t shorter = std::min(a.size(), b.size());
  const std::size_t longer = std::max(a.size(), b.size());
  if (longer - shorter > limit) return limit + 1;
  std::vector<std::size_t> before(b.size() + 1), last(b.size() + 1), row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) last[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const bool same = lower(a[i - 1]) == lower(b[j - 1]);
      row[j] = std::min({last[j] + 1, row[j - 1] + 1, last[j - 1] + (same ? 0 : 1)});
      if (i > 1 && j > 1 && lower(a[i - 1]) == lower(b[j - 2]) &&
          lower(a[i - 2]) == lower(b[j - 1])) {
        row[j] = std::min(row[j], before[j - 2] + 1);
      }
    }
    std::swap(before, last);
    std::swap(last, row);
  }
  return last[b.size()];
}

/// Length of the UTF-8 sequence that begins at `text[at]`, 0 where it is not valid.
std::size_t utf8_length(std::string_view text, std::size_t at) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char first = byte(at);
  const std::size_t length = first < 0x80                     ? 1
                             : first >= 0xC2 && first <= 0xDF ? 2
                             : first >= 0xE0 && first <= 0xEF ? 3
                             : first >= 0xF0 && first <= 0xF4 ? 4
                                                              : 0;
  if (length == 0 || at + length > text.size()) return 0;
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(at + i) & 0xC0) != 0x80) return 0;
  }
  if (length >= 3) {  // overlong forms, surrogates, above U+10FFFF
    const unsigned char second = byte(at + 1);
    if (first == 0xE0 && second < 0xA0) return 0;
    if (first == 0xED && second > 0x9F) return 0;
    if (first == 0xF0 && second < 0x90) return 0;
    if (first == 0xF4 && second > 0x8F) return 0;
  }
  return length;
}

}  // namespace

std::string Diagnostic::text() const {
  std::string out;
  if (!where.file.empty()) {
    out += where.file;
    if (where.line > 0) {
      out += ':' + std::to_string(where.line);
      if (where.column > 0) out += ':' + std::to_string(where.column);
    }
    out += ": ";
  }
  return out + "error: " + message;
}

InputError::InputError(std::vector<Diagnostic> faults, std::size_t more)
    : faults_(std::move(faults)), text_(joined(faults_, more)) {}

InputError::InputError(Diagnostic fault)
    : InputError(std::vector<Diagnostic>{std::move(fault)}, 0) {}

void Diagnostics::error(Position where, std::string message) {
  if (faults_.size() < max_kept) {
    faults_.push_back({std::move(where), std::move(message)});
  } else {
    ++more_;
  }
}

void Diagnostics::append(const InputError& other) {
  for (const Diagnostic& fault : other.faults()) error(fault.where, fault.message);
}

void Diagnostics::throw_if_any() {
  if (!faults_.empty()) throw InputError(std::exchange(faults_, {}), std::exchange(more_, 0));
}

std::string_view nearest(std::string_view word, const std::vector<std::string_view>& candidates) {
  const std::size_t limit = std::max<std::size_t>(1, word.size() / 3);
  std::string_view best;
  std::size_t best_distance = limit + 1;
  if (word.empty()) return best;
  for (const std::string_view candidate : candidates) {
    const std::size_t distance = edit_distance(word, candidate, limit);
    if (distance < best_distance) {
      best = candidate;
      best_distance = distance;
    }
  }
  return best;
}

std::string did_you_mean(std::string_view word, const std::vector<std::string_view>& candidates) {
  const std::string_view found = nearest(word, candidates);
  return found.empty() ? std::string() : "; did you mean '" + std::string(found) + "'?";
}

std::string quote(std::string_view text) {
  constexpr std::size_t max_shown = 60;
  static constexpr std::string_view hex = "0123456789abcdef";
  std::string out = "'";
  std::size_t shown = 0;
  for (std::size_t at = 0; at < text.size(); ++shown) {
    if (shown == max_shown) {
      out += "...";
      break;
    }
    const unsigned char c = static_cast<unsigned char>(text[at]);
    const std::size_t length = utf8_length(text, at);
    // C1 control characters (U+0080 to U+009F) can steer a terminal as well as C0 can.
    const bool control =
        c < 0x20 || c == 0x7F ||
        (length == 2 && c == 0xC2 && static_cast<unsigned char>(text[at + 1]) < 0xA0);
    if (length == 0 || control) {
      switch (c) {
        case '\n':
          out += "\\n";
          break;
        case '\r':
          out += "\\r";
          break;
        case '\t':
          out += "\\t";
          break;
        default:
          out += {'\\', 'x', hex[c >> 4], hex[c & 15]};
      }
      ++at;
    } else {
      out += text.substr(at, length);
      at += length;
    }
  }
  return out + "'";
}

}  // namespace nightwatt
