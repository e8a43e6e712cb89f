#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace date {
class time_zone;
}

namespace nightwatt {

/// A date and time as it is written: local seconds since 1970-01-01 00:00 on the clock that wrote
/// it, and that clock's offset from UTC where the text names one.
struct WrittenTime {
  std::int64_t local_s = 0;
  double fraction_s = 0;  ///< [0, 1)
  std::optional<std::int32_t> offset_s;
  bool has_time = true;  ///< false for a bare date, which stands for its midnight
};

/// Reads `2019-01-01 08:55:55`, `2019-01-01T08:55:55.25Z`, `... +00:00`, `...-0600`, `2019-01-01`,
/// `2019/01/01 08:55`, `1/31/2019 3:05:00 PM` (month first), `31.1.2019 15:05` (day first). Seconds
/// may be missing; 24:00 is the next midnight; a leap second (:60) is the second after it. None
/// where the text is no date.
std::optional<WrittenTime> parse_datetime(std::string_view text);

/// Turns local times of one zone into Unix seconds; quick for times that lie close together.
class LocalClock {
 public:
  /// How often a local time exists: clocks go back once a year, and forward once.
  enum class Kind : std::uint8_t { once, twice, never };
  struct Result {
    std::int64_t unix_s = 0;    ///< `twice`: the first of both; `never`: moved forward by the gap
    std::int64_t second_s = 0;  ///< `twice`: the second of both; else as `unix_s`
    Kind kind = Kind::once;
  };

  /// @param zone  IANA name ("America/Chicago"; rules of the system's tzdata), "UTC", "Z", or a
  ///              fixed offset ("+08:00", "-0600", "UTC+8")
  /// @throws InputError for an unknown zone, with a hint
  explicit LocalClock(std::string_view zone);

  [[nodiscard]] Result to_unix(std::int64_t local_s);
  /// Offset from UTC (s) at an instant.
  [[nodiscard]] std::int32_t offset_at(std::int64_t unix_s) const;

 private:
  const date::time_zone* zone_ = nullptr;  ///< none for a fixed offset
  std::int64_t offset_s_ = 0;              ///< in the span below
  std::int64_t once_from_ = 0;             ///< local times in [from, to) exist once, at this offset
  std::int64_t once_to_ = 0;
};

/// Dates of one file, whose zone is given where the dates name none.
class DateReader {
 public:
  enum class Result : std::uint8_t {
    ok,
    not_a_date,
    needs_zone,  ///< the date names no offset and no zone was given; its value is as if in UTC
    twice,       ///< a local time of the hour that is repeated: the first of both
    never        ///< a local time of the hour that is left out: moved forward by the gap
  };

  /// @param zone  for dates without an offset; "" = none
  /// @throws InputError for an unknown zone
  explicit DateReader(std::string_view zone);

  /// Sets `unix_s` (and `second_s` for `twice`) unless the result is `not_a_date`.
  Result read(std::string_view text, double& unix_s);
  /// After `twice`: the second of both.
  [[nodiscard]] double second_s() const { return second_s_; }

 private:
  std::optional<LocalClock> clock_;
  double second_s_ = 0;
};

/// Unix seconds of a civil date's midnight in UTC; the date must exist.
std::int64_t unix_midnight(int year, int month, int day);

/// Unix seconds at which calendar months begin in a zone: from that month on in which `from_s` lies
/// to the last that begins not after `until_s`.
/// @throws InputError for an unknown zone
std::vector<std::int64_t> month_starts(std::string_view zone, std::int64_t from_s,
                                       std::int64_t until_s);

}  // namespace nightwatt
