#include "traces/transform.hpp"

#include <date/date.h>
#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <utility>
#include <vector>

#include "traces/datetime.hpp"
#include "traces/diagnostics.hpp"

namespace nightwatt {
namespace {

constexpr std::int64_t day_s = 86400;
constexpr std::uint32_t nowhere = std::numeric_limits<std::uint32_t>::max();

std::int64_t floor_div(std::int64_t a, std::int64_t b) { return a / b - (a % b < 0 ? 1 : 0); }
std::int64_t whole(double seconds) { return static_cast<std::int64_t>(std::floor(seconds)); }

std::string instant_text(double unix_s) {
  return fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(static_cast<std::time_t>(whole(unix_s))));
}

/// Days since 1970-01-01 and the civil date.
date::year_month_day civil(std::int64_t day) {
  return date::year_month_day(date::sys_days(date::days(day)));
}
std::int64_t day_number(const date::year_month_day& date) {
  return date::sys_days(date).time_since_epoch().count();
}

/// A move of the calendar by whole days or whole years.
struct CalendarMove {
  std::int64_t days = 0;
  int years = 0;

  /// Where a local time goes. 29 February goes to 1 March where the year has none.
  [[nodiscard]] std::int64_t operator()(std::int64_t local_s) const {
    if (years == 0) return local_s + days * day_s;
    const std::int64_t day = floor_div(local_s, day_s);
    date::year_month_day to = civil(day) + date::years(years);
    if (!to.ok()) to = to.year() / date::March / 1;
    return local_s + (day_number(to) - day) * day_s;
  }
};

/// Moves instants by the calendar of one zone and counts what daylight saving time makes of them.
class Mover {
 public:
  explicit Mover(const std::string& zone) : clock_(zone) {}

  [[nodiscard]] std::int64_t local(std::int64_t unix_s) {
    // Most days have one offset: it is looked up once.
    const std::int64_t day = floor_div(unix_s, day_s);
    if (day != cached_day_) {
      cached_day_ = day;
      offset_s_ = clock_.offset_at(day * day_s);
      one_offset_ = offset_s_ == clock_.offset_at((day + 1) * day_s);
    }
    return unix_s + (one_offset_ ? offset_s_ : clock_.offset_at(unix_s));
  }
  [[nodiscard]] std::int64_t unix_of_local(std::int64_t local_s) {
    return clock_.to_unix(local_s).unix_s;
  }
  [[nodiscard]] std::int64_t local_day(std::int64_t unix_s) {
    return floor_div(local(unix_s), day_s);
  }

  /// By how many seconds an instant moves.
  std::int64_t delta(std::int64_t unix_s, const CalendarMove& move) {
    const std::int64_t from = local(unix_s);
    const LocalClock::Result to = clock_.to_unix(move(from));
    if (to.kind == LocalClock::Kind::never) ++skipped_hour;
    if (to.kind == LocalClock::Kind::twice) {
      const LocalClock::Result origin = clock_.to_unix(from);
      const bool second = origin.kind == LocalClock::Kind::twice && unix_s == origin.second_s;
      return (second ? to.second_s : to.unix_s) - unix_s;
    }
    return to.unix_s - unix_s;
  }

  std::uint64_t skipped_hour = 0;

 private:
  LocalClock clock_;
  std::int64_t cached_day_ = std::numeric_limits<std::int64_t>::min();
  std::int64_t offset_s_ = 0;
  bool one_offset_ = false;
};

void move_job(Job& job, double by_s) {
  if (by_s == 0.0) return;
  job.submit_s += by_s;
  job.start_s += by_s;
  job.deadline_s += by_s;
}

/// Puts the jobs in order of (submit time, id) again; dependencies follow.
void sort_jobs(Workload& workload) {
  const auto before = [](const Job& a, const Job& b) {
    return a.submit_s != b.submit_s ? a.submit_s < b.submit_s : a.id < b.id;
  };
  if (std::is_sorted(workload.jobs.begin(), workload.jobs.end(), before)) return;
  std::vector<std::uint32_t> order(workload.jobs.size());
  std::iota(order.begin(), order.end(), 0U);
  std::stable_sort(order.begin(), order.end(), [&](std::uint32_t a, std::uint32_t b) {
    return before(workload.jobs[a], workload.jobs[b]);
  });
  std::vector<Job> jobs;
  jobs.reserve(order.size());
  std::vector<std::uint32_t> place(order.size());
  for (std::uint32_t i = 0; i < order.size(); ++i) {
    place[order[i]] = i;
    jobs.push_back(workload.jobs[order[i]]);
  }
  workload.jobs = std::move(jobs);
  for (Dependency& one : workload.dependencies) {
    one.job = place[one.job];
    one.on = place[one.on];
  }
}

void sort_dependencies(Workload& workload) {
  std::sort(workload.dependencies.begin(), workload.dependencies.end(),
            [](const Dependency& a, const Dependency& b) {
              return a.job != b.job ? a.job < b.job : a.on < b.on;
            });
}

ReadReport& report_of(Workload& workload) {
  if (workload.reports.empty()) workload.reports.emplace_back();
  return workload.reports.front();
}

/// Whole years from one day to another, the number that comes nearest.
int nearest_years(std::int64_t from_day, double days) {
  const auto target = static_cast<double>(from_day) + days;
  const int guess =
      static_cast<int>(civil(whole(target)).year()) - static_cast<int>(civil(from_day).year());
  int best = guess;
  double least = std::numeric_limits<double>::infinity();
  for (int years = guess - 1; years <= guess + 1; ++years) {
    const CalendarMove move{0, years};
    const double miss = std::abs(static_cast<double>(move(from_day * day_s) / day_s) - target);
    if (miss < least) {
      least = miss;
      best = years;
    }
  }
  return best;
}

void shift_dated(Workload& workload, const ShiftRequest& request, Mover& mover) {
  const std::int64_t origin = *workload.origin_unix_s;
  const double first =
      static_cast<double>(origin) + (workload.jobs.empty() ? 0.0 : workload.jobs.front().submit_s);
  const auto unix_of = [&](const ShiftPoint& point) {
    switch (point.kind) {
      case ShiftPoint::Kind::day:
        return static_cast<double>(mover.unix_of_local(whole(point.seconds)));
      case ShiftPoint::Kind::instant:
        return point.seconds;
      case ShiftPoint::Kind::trace_second:
        return static_cast<double>(origin) + point.seconds;
      default:
        return first;
    }
  };
  const double from = unix_of(request.from);
  const double to = unix_of(request.to);
  const Keep keep = request.keep.value_or(Keep::weekday);
  if (keep == Keep::nothing) {
    const double by = to - from;
    workload.origin_unix_s = origin + whole(by);
    for (Job& job : workload.jobs) move_job(job, by - std::floor(by));
    report_of(workload).notes.push_back(fmt::format("shifted by {} days: {} is now {}", by / day_s,
                                                    instant_text(from), instant_text(to)));
    return;
  }
  // The asked shift in local time; days are compared with days.
  const std::int64_t from_day = mover.local_day(whole(from));
  const double days =
      request.to.kind == ShiftPoint::Kind::day
          ? static_cast<double>(mover.local_day(whole(to)) - from_day)
          : static_cast<double>(mover.local(whole(to)) - mover.local(whole(from))) / day_s;
  CalendarMove move;
  std::string by;
  if (keep == Keep::weekday) {
    const auto weeks = static_cast<std::int64_t>(std::floor(days / 7.0 + 0.5));
    move.days = 7 * weeks;
    by = fmt::format("{} week{}", weeks, weeks == 1 ? "" : "s");
  } else {
    move.years = nearest_years(from_day, days);
    by = fmt::format("{} year{}", move.years, move.years == 1 ? "" : "s");
  }
  const std::int64_t origin_delta = mover.delta(origin, move);
  const auto first_delta = static_cast<double>(mover.delta(whole(first), move));
  mover.skipped_hour = 0;
  for (Job& job : workload.jobs) {
    const std::int64_t at = origin + whole(job.submit_s);
    move_job(job, static_cast<double>(mover.delta(at, move) - origin_delta));
  }
  workload.origin_unix_s = origin + origin_delta;
  report_of(workload).notes.push_back(fmt::format(
      "shifted by {}, {} and clock time of {} kept: the first submission moved from {} to {}", by,
      keep == Keep::weekday ? "weekday" : "date", request.timezone, instant_text(first),
      instant_text(first + first_delta)));
}

void shift_undated(Workload& workload, const ShiftRequest& request, Mover& mover) {
  if (request.keep.value_or(Keep::nothing) != Keep::nothing) {
    throw InputError(
        "keep: the trace has no dates, so it has no weekdays or dates to keep; use keep: nothing");
  }
  double from = workload.jobs.empty() ? 0.0 : workload.jobs.front().submit_s;
  if (request.from.kind == ShiftPoint::Kind::trace_second) {
    from = request.from.seconds;
  } else if (request.from.kind != ShiftPoint::Kind::first_submission) {
    throw InputError("from: the trace has no dates; expected a time since its second 0, or none");
  }
  const double to = request.to.kind == ShiftPoint::Kind::day
                        ? static_cast<double>(mover.unix_of_local(whole(request.to.seconds)))
                        : request.to.seconds;
  const double origin = to - from;
  workload.origin_unix_s = whole(origin);
  for (Job& job : workload.jobs) move_job(job, origin - std::floor(origin));
  report_of(workload).notes.push_back(
      fmt::format("the trace has no dates: its second {} is set to {}", from, instant_text(to)));
}

/// Gives the jobs from `first_copy` on ids of their own: numbers above `last`, or texts with the
/// number of the copy (`copy`, from 1) behind.
void name_copies(Workload& workload, std::size_t first_copy, const std::vector<std::uint32_t>& copy,
                 std::int64_t last) {
  std::vector<Job>& jobs = workload.jobs;
  if (!workload.ids_are_text) {
    const auto room = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()) -
                      static_cast<std::uint64_t>(last);
    if (last > 0 && room < jobs.size() - first_copy) {
      throw InputError("repeat: there are no numbers left above the largest job id");
    }
    for (std::size_t i = first_copy; i < jobs.size(); ++i) jobs[i].id = ++last;
    return;
  }
  for (std::size_t i = first_copy; i < jobs.size(); ++i) {
    const std::string text = workload.id_text(jobs[i]);
    std::size_t known = 0;
    for (std::uint32_t number = copy[i - first_copy] + 1;; ++number) {
      known = workload.text_ids.size();
      jobs[i].id = workload.text_ids.intern(fmt::format("{}#{}", text, number));
      if (workload.text_ids.size() > known) break;
    }
  }
  // Indices compare as the texts do.
  const std::vector<std::int32_t> place = workload.text_ids.sort();
  for (Job& job : jobs) job.id = place[static_cast<std::size_t>(job.id)];
}

}  // namespace

ShiftPoint parse_shift_point(std::string_view key, std::string_view text) {
  if (text.empty()) return {};
  const auto written = parse_datetime(text);
  if (!written) {
    throw InputError(
        fmt::format("{}: expected a day such as '2022-10-03' or an instant such as "
                    "'2022-10-03T00:00:00Z', got {}",
                    key, quote(text)));
  }
  if (!written->has_time) {
    return {ShiftPoint::Kind::day, static_cast<double>(written->local_s)};
  }
  if (!written->offset_s) {
    throw InputError(
        fmt::format("{}: expected an instant with its offset from UTC such as "
                    "'2022-10-03T00:00:00Z', got {}",
                    key, quote(text)));
  }
  return {ShiftPoint::Kind::instant,
          static_cast<double>(written->local_s - *written->offset_s) + written->fraction_s};
}

Workload shift(Workload workload, const ShiftRequest& request) {
  if (request.to.kind != ShiftPoint::Kind::day && request.to.kind != ShiftPoint::Kind::instant) {
    throw InputError("to: expected a day or an instant");
  }
  Mover mover(request.timezone);
  if (workload.origin_unix_s) {
    shift_dated(workload, request, mover);
  } else {
    shift_undated(workload, request, mover);
  }
  if (mover.skipped_hour > 0) {
    report_of(workload).adjusted.push_back({"missing_hour", "forward", mover.skipped_hour});
  }
  sort_jobs(workload);
  sort_dependencies(workload);
  return workload;
}

Workload repeat(Workload workload, const RepeatRequest& request) {
  if (!workload.origin_unix_s) {
    throw InputError("repeat: the trace has no dates; give it some with workload.shift");
  }
  if (workload.jobs.empty()) throw InputError("repeat: the trace has no jobs");
  Mover mover(request.timezone);
  const std::int64_t origin = *workload.origin_unix_s;
  const auto unix_of = [&](const Job& job) { return static_cast<double>(origin) + job.submit_s; };
  const std::int64_t first_day = mover.local_day(whole(unix_of(workload.jobs.front())));
  const std::int64_t end_day = mover.local_day(whole(unix_of(workload.jobs.back()))) + 1;
  const auto begin_unix = static_cast<double>(mover.unix_of_local(first_day * day_s));
  const auto end_unix = static_cast<double>(mover.unix_of_local(end_day * day_s));
  if (begin_unix >= request.period_end_unix_s || end_unix <= request.period_start_unix_s) {
    throw InputError(fmt::format(
        "repeat: the trace ({} to {}) does not touch the period; move it with workload.shift",
        instant_text(begin_unix), instant_text(end_unix)));
  }
  const bool before = begin_unix > request.period_start_unix_s;
  const bool after = end_unix < request.period_end_unix_s;
  if (!before && !after) {
    report_of(workload).notes.push_back("repeat: the trace covers the period, nothing was added");
    return workload;
  }

  const std::int64_t tile_days = std::max<std::int64_t>(1, (end_day - first_day) / 7) * 7;
  const std::int64_t tile_end = first_day + tile_days;
  std::vector<Job> jobs;            // originals that stay, then copies
  std::vector<std::uint32_t> tile;  // those of the tile
  std::vector<std::uint32_t> place(workload.jobs.size(), nowhere);
  std::uint64_t behind = 0;
  for (std::uint32_t i = 0; i < workload.jobs.size(); ++i) {
    const Job& job = workload.jobs[i];
    const bool in_tile = mover.local_day(whole(unix_of(job))) < tile_end;
    if (!in_tile && after) {
      ++behind;
      continue;
    }
    place[i] = static_cast<std::uint32_t>(jobs.size());
    if (in_tile) tile.push_back(place[i]);
    jobs.push_back(job);
  }
  const std::size_t first_copy = jobs.size();

  std::uint64_t broken = 0;
  std::vector<Dependency> dependencies;
  const auto link = [&](const Dependency& one) {
    if (place[one.job] == nowhere) return;
    if (place[one.on] == nowhere) {
      ++broken;
    } else {
      dependencies.push_back({place[one.job], place[one.on], one.think_s});
    }
  };
  for (const Dependency& one : workload.dependencies) link(one);
  const std::vector<Dependency> of_originals = dependencies;

  const auto tile_of = [&](double unix_s) {
    return floor_div(mover.local_day(whole(unix_s)) - first_day, tile_days);
  };
  const std::int64_t first_tile = before ? tile_of(request.period_start_unix_s) : 0;
  const std::int64_t last_tile = after ? tile_of(std::ceil(request.period_end_unix_s) - 1) : 0;
  std::vector<std::uint32_t> copy;  ///< number of the copy, by job from first_copy on
  std::uint32_t copies = 0;
  for (std::int64_t k = first_tile; k <= last_tile; ++k) {
    if (k == 0) continue;
    ++copies;
    const CalendarMove move{k * tile_days, 0};
    place.assign(first_copy, nowhere);
    for (const std::uint32_t i : tile) {
      Job job = jobs[i];
      const std::uint64_t skipped = mover.skipped_hour;
      move_job(job, static_cast<double>(mover.delta(whole(unix_of(job)), move)));
      if (unix_of(job) < request.period_start_unix_s || unix_of(job) >= request.period_end_unix_s) {
        mover.skipped_hour = skipped;
        continue;
      }
      if (jobs.size() >= nowhere) throw InputError("repeat: more than 2^32 - 1 jobs");
      place[i] = static_cast<std::uint32_t>(jobs.size());
      copy.push_back(copies);
      jobs.push_back(job);
    }
    for (const Dependency& one : of_originals) link(one);
  }

  std::int64_t last_id = workload.jobs.front().id;
  for (const Job& job : workload.jobs) last_id = std::max(last_id, job.id);
  workload.jobs = std::move(jobs);
  workload.dependencies = std::move(dependencies);
  name_copies(workload, first_copy, copy, last_id);
  ReadReport& report = report_of(workload);
  const std::uint64_t added = workload.jobs.size() - first_copy;
  report.adjusted.push_back({"repeat", "copied", added});
  if (behind > 0) report.skipped.push_back({"behind_last_whole_week", "skip", behind});
  if (broken > 0) report.adjusted.push_back({"repeat_dependencies", "dropped", broken});
  if (mover.skipped_hour > 0) {
    report.adjusted.push_back({"missing_hour", "forward", mover.skipped_hour});
  }
  report.notes.push_back(
      fmt::format("repeated: {} whole week{} from {} on, {} jobs with fresh ids added",
                  tile_days / 7, tile_days == 7 ? "" : "s", instant_text(begin_unix), added));
  if (end_day - first_day < 7) {
    report.notes.push_back(
        fmt::format("repeated: the trace has {} day{}; the others of each week are empty",
                    end_day - first_day, end_day - first_day == 1 ? "" : "s"));
  }
  sort_jobs(workload);
  sort_dependencies(workload);
  return workload;
}

}  // namespace nightwatt
