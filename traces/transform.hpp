#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "traces/job.hpp"

namespace nightwatt {

/// What stays of a job's calendar when its trace is moved.
enum class Keep : std::uint8_t {
  weekday,  ///< weekday and clock time: whole weeks, the number nearest to the asked shift
  date,     ///< month, day and clock time: whole years, the number nearest to the asked shift
  nothing,  ///< only the distances: all times move by exactly the asked shift
};

/// One end of a shift.
struct ShiftPoint {
  enum class Kind : std::uint8_t {
    first_submission,
    day,           ///< a calendar day of the timezone
    instant,       ///< Unix time
    trace_second,  ///< of a trace without dates
  };
  Kind kind = Kind::first_submission;
  double seconds = 0.0;  ///< day: local midnight since 1970-01-01 00:00; else as the kind says
};
/// Reads "2022-10-03" (a day) or "2022-10-03T12:00:00Z" (an instant, with its offset from UTC);
/// "" is the first submission. @throws InputError that begins with the key
ShiftPoint parse_shift_point(std::string_view key, std::string_view text);

struct ShiftRequest {
  ShiftPoint from;
  ShiftPoint to;  ///< a day or an instant
  /// none: weekday for traces with dates, nothing for those without
  std::optional<Keep> keep;
  std::string timezone = "UTC";  ///< of days, weekdays and clock times
};

/// Moves a trace to another time of the calendar; a trace without dates gets them.
///
/// With `nothing`, `from` lands on `to` exactly (a day stands for its local midnight). With the
/// other two, clock times are those of the timezone, whatever daylight saving time does between: a
/// job keeps its local time, and one that lands in the hour that the clock leaves out moves forward
/// by it (counted); in the doubled hour it is the first, unless the job came from a second one.
/// Recorded starts and deadlines move with their job's submission, so that waits and slacks stay.
/// All jobs move, also those before `from`. What was done is said in the first report's notes.
/// @throws InputError for a zone that is not known, for dates asked of a trace without dates
Workload shift(Workload workload, const ShiftRequest& request);

struct RepeatRequest {
  double period_start_unix_s = 0.0;
  double period_end_unix_s = 0.0;
  std::string timezone = "UTC";
};

/// Fills the period with copies of the trace's whole weeks.
///
/// The tile begins at the local midnight of the first submission and has as many whole weeks as the
/// trace's days fill (a shorter trace fills one week in part). Copies are laid before and after it,
/// weekday and clock time kept, as far as the period reaches; jobs behind the tile are left out
/// where a copy takes their place. Copies get fresh ids (numbers above the largest, or the text
/// with
/// "#2", "#3", ... behind), their recorded starts, deadlines and dependencies move along. A trace
/// that covers the period stays as it is. Counts and notes are in the first report.
/// @throws InputError for a trace without dates, without jobs, or that does not touch the period
Workload repeat(Workload workload, const RepeatRequest& request);

}  // namespace nightwatt
