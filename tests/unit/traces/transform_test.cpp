#include "traces/transform.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <vector>

#include "traces/datetime.hpp"
#include "traces/diagnostics.hpp"

namespace nightwatt {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

const std::string chicago = "America/Chicago";

double unix_of(const std::string& text) {
  return parse_shift_point("t", text).seconds;  // with an offset
}

/// Jobs with ids 1, 2, ... submitted at those instants.
Workload dated(const std::vector<std::string>& submits) {
  Workload workload;
  workload.origin_unix_s = static_cast<std::int64_t>(unix_of(submits.front())) - 100;
  for (const std::string& text : submits) {
    Job job;
    job.id = static_cast<std::int64_t>(workload.jobs.size()) + 1;
    job.submit_s = unix_of(text) - static_cast<double>(*workload.origin_unix_s);
    job.run_s = 60;
    workload.jobs.push_back(job);
  }
  return workload;
}

std::vector<double> submits_of(const Workload& workload) {
  std::vector<double> list;
  for (const Job& job : workload.jobs) {
    list.push_back(job.submit_s + static_cast<double>(workload.origin_unix_s.value()));
  }
  return list;
}

std::vector<double> unix_list(const std::vector<std::string>& texts) {
  std::vector<double> list;
  for (const std::string& text : texts) list.push_back(unix_of(text));
  return list;
}

std::vector<std::int64_t> ids_of(const Workload& workload) {
  std::vector<std::int64_t> list;
  for (const Job& job : workload.jobs) list.push_back(job.id);
  return list;
}

ShiftRequest by(const std::string& from, const std::string& to, std::optional<Keep> keep = {},
                const std::string& zone = chicago) {
  return {parse_shift_point("from", from), parse_shift_point("to", to), keep, zone};
}

std::uint64_t count_of(const std::vector<RuleCount>& counts, const std::string& rule) {
  for (const RuleCount& one : counts) {
    if (one.rule == rule) return one.rows;
  }
  return 0;
}

template <class Call>
std::string fault_of(Call call) {
  try {
    call();
  } catch (const InputError& error) {
    return error.what();
  }
  return "no error";
}

// ---- Shift ----

TEST(ShiftPoint, DaysAndInstants) {
  EXPECT_EQ(parse_shift_point("to", "").kind, ShiftPoint::Kind::first_submission);
  EXPECT_EQ(parse_shift_point("to", "1970-01-02").kind, ShiftPoint::Kind::day);
  EXPECT_EQ(parse_shift_point("to", "1970-01-02").seconds, 86400.0);
  EXPECT_EQ(parse_shift_point("to", "1970-01-02T00:00:00-06:00").kind, ShiftPoint::Kind::instant);
  EXPECT_EQ(parse_shift_point("to", "1970-01-02T00:00:00-06:00").seconds, 108000.0);
  EXPECT_THAT(fault_of([] { parse_shift_point("to", "1970-01-02 00:00"); }),
              HasSubstr("to: expected an instant with its offset from UTC"));
  EXPECT_THAT(fault_of([] { parse_shift_point("from", "soon"); }), HasSubstr("got 'soon'"));
}

TEST(Shift, WholeWeeksKeepWeekdayAndClock) {
  // 2 October 2017 and 3 October 2022 are Mondays, 1,827 days apart; both have summer time.
  const Workload moved = shift(dated({"2017-10-02T09:00:00-05:00", "2017-10-04T23:30:00.25-05:00"}),
                               by("2017-10-02", "2022-10-03", Keep::weekday));
  EXPECT_EQ(submits_of(moved),
            unix_list({"2022-10-03T09:00:00-05:00", "2022-10-05T23:30:00.25-05:00"}));
  ASSERT_EQ(moved.reports.size(), 1U);
  EXPECT_THAT(
      moved.reports[0].notes,
      ElementsAre("shifted by 261 weeks, weekday and clock time of America/Chicago kept: the "
                  "first submission moved from 2017-10-02T14:00:00Z to "
                  "2022-10-03T14:00:00Z"));
}

TEST(Shift, TheNearestWeekIsTaken) {
  const auto first = [](const char* to) {
    return submits_of(shift(dated({"2017-10-02T09:00:00-05:00"}), by("2017-10-02", to))).front();
  };
  EXPECT_EQ(first("2022-10-06"), unix_of("2022-10-03T09:00:00-05:00"));  // a Thursday: 3 days off
  EXPECT_EQ(first("2022-10-07"), unix_of("2022-10-10T09:00:00-05:00"));  // a Friday: 3 days off
  EXPECT_EQ(first("2017-10-02"), unix_of("2017-10-02T09:00:00-05:00"));
  EXPECT_EQ(first("2017-09-28"), unix_of("2017-09-25T09:00:00-05:00"));  // backwards, 4 days asked
  EXPECT_EQ(first("2017-09-29"), unix_of("2017-10-02T09:00:00-05:00"));  // 3 days asked
}

TEST(Shift, FromDefaultsToTheFirstSubmission) {
  // Thursday 20:00 to a Monday is 4 days of the calendar, so one week, though only 3 d 4 h.
  EXPECT_EQ(submits_of(shift(dated({"2022-10-06T20:00:00-05:00"}), by("", "2022-10-10"))).front(),
            unix_of("2022-10-13T20:00:00-05:00"));
  // With instants the hours count: 3 d 4 h are nearer to no week.
  EXPECT_EQ(
      submits_of(shift(dated({"2022-10-06T20:00:00-05:00"}), by("", "2022-10-10T00:00:00-05:00")))
          .front(),
      unix_of("2022-10-06T20:00:00-05:00"));
  EXPECT_EQ(submits_of(shift(dated({"2022-10-06T20:00:00-05:00", "2022-10-06T21:00:00-05:00"}),
                             by("", "2022-10-10", Keep::nothing))),
            unix_list({"2022-10-10T00:00:00-05:00", "2022-10-10T01:00:00-05:00"}));
}

TEST(Shift, SummerTimeBetween) {
  // From July (UTC-5) to January (UTC-6): 09:00 stays 09:00.
  EXPECT_EQ(submits_of(shift(dated({"2022-07-04T09:00:00-05:00"}), by("2022-07-04", "2022-01-03"))),
            unix_list({"2022-01-03T09:00:00-06:00"}));
  // Without it, the distance is what the two midnights have: an hour more.
  EXPECT_EQ(submits_of(shift(dated({"2022-07-04T09:00:00-05:00"}),
                             by("2022-07-04", "2022-01-03", Keep::nothing))),
            unix_list({"2022-01-03T09:00:00-06:00"}));
  EXPECT_EQ(submits_of(shift(dated({"2022-07-04T09:00:00-05:00"}),
                             by("2022-07-04T00:00:00Z", "2022-01-03T00:00:00Z", Keep::nothing))),
            unix_list({"2022-01-03T08:00:00-06:00"}));
}

TEST(Shift, SummerTimeEndsInsideTheTrace) {
  // Noon to noon is 25 h on 5 November 2022, 24 h a week earlier. Waits and slacks stay.
  Workload trace = dated({"2022-11-05T12:00:00-05:00", "2022-11-06T12:00:00-06:00"});
  for (Job& job : trace.jobs) {
    job.start_s = job.submit_s + 10;
    job.deadline_s = job.submit_s + 1000;
  }
  const Workload moved = shift(trace, by("2022-11-05", "2022-10-29"));
  EXPECT_EQ(submits_of(moved),
            unix_list({"2022-10-29T12:00:00-05:00", "2022-10-30T12:00:00-05:00"}));
  for (const Job& job : moved.jobs) {
    EXPECT_EQ(job.start_s - job.submit_s, 10.0);
    EXPECT_EQ(job.deadline_s - job.submit_s, 1000.0);
    EXPECT_EQ(job.run_s, 60.0);
  }
}

TEST(Shift, IntoTheHourThatIsSkipped) {
  // 02:30 does not exist on 13 March 2022: an hour later on the clock, the same instant counted on.
  const Workload moved = shift(dated({"2022-03-06T01:59:00-06:00", "2022-03-06T02:30:00-06:00",
                                      "2022-03-06T03:10:00-06:00"}),
                               by("2022-03-06", "2022-03-13"));
  EXPECT_EQ(submits_of(moved), unix_list({"2022-03-13T01:59:00-06:00", "2022-03-13T03:10:00-05:00",
                                          "2022-03-13T03:30:00-05:00"}));
  EXPECT_THAT(ids_of(moved), ElementsAre(1, 3, 2));  // sorted again
  EXPECT_EQ(count_of(moved.reports[0].adjusted, "missing_hour"), 1U);
}

TEST(Shift, IntoAndOutOfTheDoubledHour) {
  EXPECT_EQ(submits_of(shift(dated({"2022-10-30T01:30:00-05:00"}), by("2022-10-30", "2022-11-06"))),
            unix_list({"2022-11-06T01:30:00-05:00"}));  // the first of the two
  EXPECT_EQ(submits_of(shift(dated({"2021-11-07T01:30:00-05:00", "2021-11-07T01:30:00-06:00"}),
                             by("2021-11-07", "2022-11-06"))),
            unix_list({"2022-11-06T01:30:00-05:00", "2022-11-06T01:30:00-06:00"}));
  EXPECT_EQ(submits_of(shift(dated({"2022-11-06T01:30:00-05:00", "2022-11-06T01:15:00-06:00"}),
                             by("2022-11-06", "2022-11-13"))),
            unix_list({"2022-11-13T01:15:00-06:00", "2022-11-13T01:30:00-06:00"}));
}

TEST(Shift, DateKeepsMonthAndDay) {
  EXPECT_EQ(submits_of(shift(dated({"2020-02-28T12:00:00-06:00", "2020-02-29T12:00:00-06:00",
                                    "2020-07-01T12:00:00-05:00"}),
                             by("2020-01-01", "2022-01-01", Keep::date))),
            unix_list({"2022-02-28T12:00:00-06:00", "2022-03-01T12:00:00-06:00",
                       "2022-07-01T12:00:00-05:00"}));
  // 200 days are nearer to one year than to none.
  EXPECT_EQ(submits_of(shift(dated({"2020-06-01T12:00:00-05:00"}),
                             by("2020-06-01", "2020-12-18", Keep::date))),
            unix_list({"2021-06-01T12:00:00-05:00"}));
}

TEST(Shift, JobsBeforeFromMoveAlong) {
  const Workload moved = shift(dated({"2017-09-28T08:00:00-05:00", "2017-10-02T09:00:00-05:00"}),
                               by("2017-10-02", "2022-10-03"));
  EXPECT_EQ(submits_of(moved),
            unix_list({"2022-09-29T08:00:00-05:00", "2022-10-03T09:00:00-05:00"}));
}

TEST(Shift, DependenciesFollowTheirJobs) {
  Workload trace = dated(
      {"2022-03-06T01:59:00-06:00", "2022-03-06T02:30:00-06:00", "2022-03-06T03:10:00-06:00"});
  trace.dependencies = {{2, 1, 5.0}};  // job 3 on job 2, which will come after it
  const Workload moved = shift(trace, by("2022-03-06", "2022-03-13"));
  ASSERT_EQ(moved.dependencies.size(), 1U);
  EXPECT_EQ(moved.jobs[moved.dependencies[0].job].id, 3);
  EXPECT_EQ(moved.jobs[moved.dependencies[0].on].id, 2);
  EXPECT_EQ(moved.dependencies[0].think_s, 5.0);
}

TEST(Shift, TracesWithoutDatesGetSome) {
  Workload trace;
  for (const double s : {9437.25, 9500.0}) {
    Job job;
    job.submit_s = s;
    job.start_s = s + 1;
    trace.jobs.push_back(job);
  }
  const Workload moved = shift(trace, by("", "2022-10-03"));
  EXPECT_EQ(submits_of(moved),
            unix_list({"2022-10-03T00:00:00-05:00", "2022-10-03T00:01:02.75-05:00"}));
  EXPECT_EQ(moved.jobs[0].start_s - moved.jobs[0].submit_s, 1.0);
  ShiftRequest zero = by("", "2022-10-03T00:00:00Z");
  zero.from = {ShiftPoint::Kind::trace_second, 0.0};
  EXPECT_EQ(submits_of(shift(trace, zero)).front(), unix_of("2022-10-03T02:37:17.25Z"));
  EXPECT_THAT(fault_of([&] { shift(trace, by("", "2022-10-03", Keep::weekday)); }),
              HasSubstr("keep: the trace has no dates"));
  EXPECT_THAT(fault_of([&] { shift(trace, by("2017-10-02", "2022-10-03")); }),
              HasSubstr("from: the trace has no dates"));
  EXPECT_THAT(fault_of([&] { shift(trace, by("", "")); }), HasSubstr("to: expected a day"));
  EXPECT_THAT(fault_of([&] { shift(trace, by("", "2022-10-03", {}, "America/Chikago")); }),
              HasSubstr("zone: expected an IANA time zone"));
}

// ---- Repeat ----

RepeatRequest period(const std::string& from, const std::string& to,
                     const std::string& zone = chicago) {
  return {unix_of(from), unix_of(to), zone};
}

TEST(Repeat, TilesWholeWeeks) {
  // Two weeks of a Monday and a Sunday; five weeks asked: copies 1 (whole) and 2 (half).
  Workload trace = dated({"2022-05-02T09:00:00-05:00", "2022-05-15T23:59:59-05:00"});
  trace.jobs[1].start_s = trace.jobs[1].submit_s + 7;
  trace.jobs[1].deadline_s = trace.jobs[1].submit_s + 70;
  const Workload tiled =
      repeat(trace, period("2022-05-02T00:00:00-05:00", "2022-06-06T00:00:00-05:00"));
  EXPECT_EQ(submits_of(tiled), unix_list({"2022-05-02T09:00:00-05:00", "2022-05-15T23:59:59-05:00",
                                          "2022-05-16T09:00:00-05:00", "2022-05-29T23:59:59-05:00",
                                          "2022-05-30T09:00:00-05:00"}));
  EXPECT_THAT(ids_of(tiled), ElementsAre(1, 2, 3, 4, 5));
  EXPECT_EQ(tiled.jobs[3].start_s - tiled.jobs[3].submit_s, 7.0);
  EXPECT_EQ(tiled.jobs[3].deadline_s - tiled.jobs[3].submit_s, 70.0);
  EXPECT_EQ(count_of(tiled.reports[0].adjusted, "repeat"), 3U);
  EXPECT_THAT(tiled.reports[0].notes,
              ElementsAre("repeated: 2 whole weeks from 2022-05-02T05:00:00Z on, 3 jobs with fresh "
                          "ids added"));
}

TEST(Repeat, AShorterTraceFillsItsDaysOfEachWeek) {
  const Workload tiled = repeat(dated({"2022-05-03T09:00:00-05:00", "2022-05-05T10:00:00-05:00"}),
                                period("2022-05-03T00:00:00-05:00", "2022-05-18T00:00:00-05:00"));
  EXPECT_EQ(submits_of(tiled), unix_list({"2022-05-03T09:00:00-05:00", "2022-05-05T10:00:00-05:00",
                                          "2022-05-10T09:00:00-05:00", "2022-05-12T10:00:00-05:00",
                                          "2022-05-17T09:00:00-05:00"}));
  EXPECT_THAT(tiled.reports[0].notes.back(), HasSubstr("the trace has 3 days"));
}

TEST(Repeat, JobsBehindTheLastWholeWeekMakeRoom) {
  // Ten days: one whole week. The job at the week's very end is behind it, the one before is not.
  Workload trace = dated({"2022-05-02T09:00:00-05:00", "2022-05-08T23:59:59-05:00",
                          "2022-05-09T00:00:00-05:00", "2022-05-11T09:00:00-05:00"});
  trace.dependencies = {{2, 0, 0.0}, {1, 0, 1.0}, {1, 3, 0.0}};
  const Workload tiled =
      repeat(trace, period("2022-05-02T00:00:00-05:00", "2022-05-16T00:00:00-05:00"));
  EXPECT_EQ(submits_of(tiled),
            unix_list({"2022-05-02T09:00:00-05:00", "2022-05-08T23:59:59-05:00",
                       "2022-05-09T09:00:00-05:00", "2022-05-15T23:59:59-05:00"}));
  EXPECT_THAT(ids_of(tiled), ElementsAre(1, 2, 5, 6));  // above all old ids
  EXPECT_EQ(count_of(tiled.reports[0].skipped, "behind_last_whole_week"), 2U);
  ASSERT_EQ(tiled.dependencies.size(), 2U);
  EXPECT_EQ(tiled.dependencies[0].job, 1U);
  EXPECT_EQ(tiled.dependencies[0].on, 0U);
  EXPECT_EQ(tiled.dependencies[1].job, 3U);
  EXPECT_EQ(tiled.dependencies[1].on, 2U);
  EXPECT_EQ(tiled.dependencies[1].think_s, 1.0);
  EXPECT_EQ(count_of(tiled.reports[0].adjusted, "repeat_dependencies"), 1U);
}

TEST(Repeat, ATraceThatCoversThePeriodStays) {
  const Workload trace = dated({"2022-05-02T09:00:00-05:00", "2022-05-11T09:00:00-05:00"});
  const Workload same =
      repeat(trace, period("2022-05-03T00:00:00-05:00", "2022-05-12T00:00:00-05:00"));
  EXPECT_EQ(submits_of(same), submits_of(trace));
  EXPECT_THAT(same.reports[0].notes.back(), HasSubstr("nothing was added"));
}

TEST(Repeat, BeforeTheTraceToo) {
  // The period begins in the middle of a week: of the copy before only what lies inside.
  const Workload tiled = repeat(dated({"2022-05-09T09:00:00-05:00", "2022-05-15T10:00:00-05:00"}),
                                period("2022-05-05T00:00:00-05:00", "2022-05-16T00:00:00-05:00"));
  EXPECT_EQ(submits_of(tiled), unix_list({"2022-05-08T10:00:00-05:00", "2022-05-09T09:00:00-05:00",
                                          "2022-05-15T10:00:00-05:00"}));
  EXPECT_THAT(ids_of(tiled), ElementsAre(3, 1, 2));
}

TEST(Repeat, ClockTimesStayOverSummerTime) {
  const Workload tiled = repeat(dated({"2022-10-31T09:00:00-05:00"}),
                                period("2022-10-31T00:00:00-05:00", "2022-11-14T00:00:00-06:00"));
  EXPECT_EQ(submits_of(tiled),
            unix_list({"2022-10-31T09:00:00-05:00", "2022-11-07T09:00:00-06:00"}));
}

TEST(Repeat, TextIds) {
  Workload trace = dated({"2022-05-02T09:00:00-05:00", "2022-05-02T09:00:00-05:00"});
  trace.ids_are_text = true;
  trace.jobs[0].id = trace.text_ids.intern("a");
  trace.jobs[1].id = trace.text_ids.intern("a#2");  // taken already
  const Workload tiled =
      repeat(trace, period("2022-05-02T00:00:00-05:00", "2022-05-23T00:00:00-05:00"));
  std::vector<std::string> ids;
  for (const Job& job : tiled.jobs) ids.push_back(tiled.id_text(job));
  EXPECT_THAT(ids, ElementsAre("a", "a#2", "a#2#2", "a#3", "a#2#3", "a#4"));
  const auto texts = tiled.text_ids.texts();
  EXPECT_TRUE(std::is_sorted(texts.begin(), texts.end()));
}

TEST(Repeat, Faults) {
  const auto may = period("2022-05-02T00:00:00-05:00", "2022-05-16T00:00:00-05:00");
  EXPECT_THAT(fault_of([&] { repeat(dated({"2021-05-02T09:00:00-05:00"}), may); }),
              HasSubstr("does not touch the period; move it with workload.shift"));
  EXPECT_THAT(fault_of([&] { repeat(Workload{}, may); }), HasSubstr("has no dates"));
  Workload empty;
  empty.origin_unix_s = 0;
  EXPECT_THAT(fault_of([&] { repeat(empty, may); }), HasSubstr("has no jobs"));
}

}  // namespace
}  // namespace nightwatt
