#include "traces/datetime.hpp"

#include <date/date.h>
#include <date/tz.h>
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <stdexcept>
#include <vector>

#include "traces/diagnostics.hpp"
#include "traces/table.hpp"

namespace nightwatt {

namespace {

constexpr std::int64_t day_s = 86'400;

/// Reads a text from the left; every step tells whether it found what it asked for.
class Scanner {
 public:
  explicit Scanner(std::string_view text) : at_(text.data()), end_(text.data() + text.size()) {}

  [[nodiscard]] bool done() const { return at_ == end_; }
  [[nodiscard]] char look() const { return at_ < end_ ? *at_ : '\0'; }
  bool take(char c) {
    if (look() != c) return false;
    ++at_;
    return true;
  }
  /// From `least` to `most` digits.
  bool digits(int least, int most, int& value) {
    value = 0;
    int count = 0;
    while (count < most && look() >= '0' && look() <= '9') {
      value = value * 10 + (*at_++ - '0');
      ++count;
    }
    return count >= least;
  }
  bool fraction(double& value) {
    std::uint64_t digits = 0;
    std::uint64_t power = 1;
    int count = 0;
    for (; look() >= '0' && look() <= '9'; ++at_, ++count) {
      if (count < 15) {
        digits = digits * 10 + static_cast<std::uint64_t>(*at_ - '0');
        power *= 10;
      }
    }
    value = static_cast<double>(digits) / static_cast<double>(power);
    return count > 0;
  }
  void blanks() {
    while (look() == ' ') ++at_;
  }
  bool word(std::string_view upper) {
    if (static_cast<std::size_t>(end_ - at_) < upper.size()) return false;
    for (std::size_t i = 0; i < upper.size(); ++i) {
      if ((at_[i] & ~0x20) != upper[i]) return false;
    }
    at_ += upper.size();
    return true;
  }

 private:
  const char* at_;
  const char* end_;
};

/// "+08:00", "-0600", "+8": seconds east of UTC.
bool read_offset(Scanner& in, std::int32_t& offset_s) {
  const bool west = in.look() == '-';
  if (!in.take('+') && !in.take('-')) return false;
  int hours = 0;
  int minutes = 0;
  if (!in.digits(1, 2, hours)) return false;
  if (in.take(':')) {
    if (!in.digits(2, 2, minutes)) return false;
  } else if (!in.done() && !in.digits(2, 2, minutes)) {
    return false;
  }
  if (hours > 14 || minutes > 59) return false;
  offset_s = (hours * 60 + minutes) * 60 * (west ? -1 : 1);
  return true;
}

bool read_date(Scanner& in, std::int64_t& midnight_s) {
  int first = 0;
  int month = 0;
  int day = 0;
  int year = 0;
  Scanner start = in;
  if (in.digits(4, 4, year)) {
    const char separator = in.look();
    if ((separator != '-' && separator != '/') || !in.take(separator)) return false;
    if (!in.digits(1, 2, month) || !in.take(separator) || !in.digits(1, 2, day)) return false;
  } else {  // with points the day is first, with slashes, American, the month
    in = start;
    if (!in.digits(1, 2, first)) return false;
    const char separator = in.look();
    if ((separator != '/' && separator != '.') || !in.take(separator)) return false;
    int second = 0;
    if (!in.digits(1, 2, second) || !in.take(separator) || !in.digits(4, 4, year)) return false;
    month = separator == '/' ? first : second;
    day = separator == '/' ? second : first;
  }
  const date::year_month_day civil{date::year{year}, date::month{static_cast<unsigned>(month)},
                                   date::day{static_cast<unsigned>(day)}};
  if (!civil.ok()) return false;
  midnight_s = std::int64_t{date::sys_days{civil}.time_since_epoch().count()} * day_s;
  return true;
}

bool read_time(Scanner& in, WrittenTime& time) {
  int hour = 0;
  int minute = 0;
  int second = 0;
  if (!in.digits(1, 2, hour) || !in.take(':') || !in.digits(2, 2, minute)) return false;
  if (in.take(':')) {
    if (!in.digits(2, 2, second)) return false;
    if (in.take('.') && !in.fraction(time.fraction_s)) return false;
  }
  in.blanks();
  if (in.look() == 'A' || in.look() == 'a' || in.look() == 'P' || in.look() == 'p') {
    const bool afternoon = in.word("PM");
    if ((!afternoon && !in.word("AM")) || hour < 1 || hour > 12) return false;
    hour = hour % 12 + (afternoon ? 12 : 0);
    in.blanks();
  }
  const bool midnight = hour == 24 && minute == 0 && second == 0 && time.fraction_s == 0;
  if ((hour > 23 && !midnight) || minute > 59 || second > 60) return false;
  time.local_s += (hour * 60 + minute) * 60 + second;
  return true;
}

bool read_fixed_zone(std::string_view zone, std::int32_t& offset_s) {
  Scanner in(zone);
  offset_s = 0;
  if (in.word("Z") && in.done()) return true;
  in = Scanner(zone);
  if ((in.word("UTC") || in.word("GMT")) && in.done()) return true;
  return read_offset(in, offset_s) && in.done();
}

const date::time_zone* locate(std::string_view zone) {
  const date::tzdb* zones = nullptr;
  try {
    zones = &date::get_tzdb();
    return date::locate_zone(zone);
  } catch (const std::runtime_error&) {
    if (zones == nullptr) {
      throw InputError("zone: the system's time zone data cannot be read (package tzdata)");
    }
  }
  std::vector<std::string_view> names;
  std::vector<std::string_view> cities;
  std::string_view by_city;
  for (const date::time_zone& one : zones->zones) {
    const std::string_view name = one.name();
    names.push_back(name);
    cities.push_back(name.substr(name.rfind('/') + 1));
  }
  std::string hint = did_you_mean(zone, names);
  if (hint.empty()) {
    const std::string_view city = nearest(zone.substr(zone.rfind('/') + 1), cities);
    for (std::size_t i = 0; i < cities.size() && by_city.empty(); ++i) {
      if (!city.empty() && cities[i] == city) by_city = names[i];
    }
    hint = by_city.empty() ? "" : fmt::format("; did you mean '{}'?", by_city);
  }
  throw InputError(fmt::format(
      "zone: expected an IANA time zone such as 'America/Chicago' or an offset such as '+08:00', "
      "got {}{}",
      quote(zone), hint));
}

/// "2019-01-01 08:55:55" or with T: the form of nearly all traces, read without branches. Anything
/// that it does not take (another form, a date that does not exist) is left to the general reader.
std::optional<std::int64_t> parse_plain(std::string_view text) {
  if (text.size() != 19) return {};
  unsigned wrong = 0;
  const auto digit = [&](std::size_t i) {
    const unsigned value = static_cast<unsigned char>(text[i]) - unsigned{'0'};
    wrong |= static_cast<unsigned>(value > 9);
    return value;
  };
  const auto two = [&](std::size_t i) { return 10 * digit(i) + digit(i + 1); };
  const unsigned year = 100 * two(0) + two(2);
  const unsigned month = two(5);
  const unsigned day = two(8);
  const unsigned hour = two(11);
  const unsigned minute = two(14);
  const unsigned second = two(17);
  wrong |= static_cast<unsigned>(text[4] != '-') | static_cast<unsigned>(text[7] != '-') |
           static_cast<unsigned>(text[13] != ':') | static_cast<unsigned>(text[16] != ':') |
           static_cast<unsigned>(text[10] != ' ' && text[10] != 'T') |
           static_cast<unsigned>(hour > 23) | static_cast<unsigned>(minute > 59) |
           static_cast<unsigned>(second > 59);
  const date::year_month_day civil{date::year{static_cast<int>(year)}, date::month{month},
                                   date::day{day}};
  if (wrong != 0 || !civil.ok()) return {};
  return std::int64_t{date::sys_days{civil}.time_since_epoch().count()} * day_s +
         (hour * 60 + minute) * 60 + second;
}

}  // namespace

std::int64_t unix_midnight(int year, int month, int day) {
  const date::year_month_day civil{date::year{year}, date::month{static_cast<unsigned>(month)},
                                   date::day{static_cast<unsigned>(day)}};
  return std::int64_t{date::sys_days{civil}.time_since_epoch().count()} * day_s;
}

std::vector<std::int64_t> month_starts(std::string_view zone, std::int64_t from_s,
                                       std::int64_t until_s) {
  LocalClock clock(zone);
  const auto local_day =
      std::chrono::floor<date::days>(std::chrono::seconds(from_s + clock.offset_at(from_s)));
  const date::year_month_day first{date::sys_days(local_day)};
  std::vector<std::int64_t> starts;
  for (date::year_month month = first.year() / first.month();; month += date::months(1)) {
    const std::int64_t start_s =
        clock
            .to_unix(unix_midnight(static_cast<int>(month.year()),
                                   static_cast<int>(static_cast<unsigned>(month.month())), 1))
            .unix_s;
    if (start_s > until_s) return starts;
    starts.push_back(start_s);
  }
}

std::optional<WrittenTime> parse_datetime(std::string_view text) {
  if (const auto plain = parse_plain(text)) return WrittenTime{*plain, 0, {}, true};
  Scanner in(trimmed(text));
  WrittenTime time;
  if (!read_date(in, time.local_s)) return {};
  if (in.done()) {
    time.has_time = false;
    return time;
  }
  if (!in.take('T') && !in.take('t') && !in.take(' ')) return {};
  in.blanks();
  if (!read_time(in, time)) return {};
  if (in.done()) return time;
  std::int32_t offset_s = 0;
  if (in.word("UTC") || in.word("Z")) {
    if (!in.done()) return {};
  } else if (!read_offset(in, offset_s) || !in.done()) {
    return {};
  }
  time.offset_s = offset_s;
  return time;
}

LocalClock::LocalClock(std::string_view zone) {
  std::int32_t offset_s = 0;
  if (read_fixed_zone(zone, offset_s)) {
    offset_s_ = offset_s;
    once_from_ = std::numeric_limits<std::int64_t>::min();
    once_to_ = std::numeric_limits<std::int64_t>::max();
  } else {
    zone_ = locate(zone);
  }
}

LocalClock::Result LocalClock::to_unix(std::int64_t local_s) {
  if (local_s >= once_from_ && local_s < once_to_) {
    return {local_s - offset_s_, local_s - offset_s_, Kind::once};
  }
  const date::local_info info = zone_->get_info(date::local_seconds{std::chrono::seconds{local_s}});
  const std::int64_t first = local_s - info.first.offset.count();
  switch (info.result) {
    case date::local_info::unique: {
      // All local times that are a day away from both ends of the span exist once, too.
      offset_s_ = info.first.offset.count();
      once_from_ = info.first.begin.time_since_epoch().count() + offset_s_ + day_s;
      once_to_ = info.first.end.time_since_epoch().count() + offset_s_ - day_s;
      return {first, first, Kind::once};
    }
    case date::local_info::ambiguous:
      return {first, local_s - info.second.offset.count(), Kind::twice};
    default:
      // Read on the clock of before, 02:30 is half an hour after the change: 03:30 of the new one.
      return {first, first, Kind::never};
  }
}

std::int32_t LocalClock::offset_at(std::int64_t unix_s) const {
  if (zone_ == nullptr) return static_cast<std::int32_t>(offset_s_);
  return static_cast<std::int32_t>(
      zone_->get_info(date::sys_seconds{std::chrono::seconds{unix_s}}).offset.count());
}

DateReader::DateReader(std::string_view zone) {
  if (!zone.empty()) clock_.emplace(zone);
}

DateReader::Result DateReader::read(std::string_view text, double& unix_s) {
  const std::optional<WrittenTime> time = parse_datetime(text);
  if (!time) return Result::not_a_date;
  const auto seconds = [&](std::int64_t whole) {
    return static_cast<double>(whole) + time->fraction_s;
  };
  if (time->offset_s || !clock_) {
    unix_s = seconds(time->local_s - time->offset_s.value_or(0));
    return time->offset_s ? Result::ok : Result::needs_zone;
  }
  const LocalClock::Result found = clock_->to_unix(time->local_s);
  unix_s = seconds(found.unix_s);
  second_s_ = seconds(found.second_s);
  switch (found.kind) {
    case LocalClock::Kind::twice:
      return Result::twice;
    case LocalClock::Kind::never:
      return Result::never;
    default:
      return Result::ok;
  }
}

}  // namespace nightwatt
