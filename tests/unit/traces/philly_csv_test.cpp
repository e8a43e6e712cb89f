#include <gtest/gtest.h>

#include "tests/unit/traces/read_text.hpp"

namespace nightwatt {
namespace {

using testing::adjusted;
using testing::fault_of;
using testing::read_text;
using testing::skipped;

const std::string header = "timestamp,duration,num_gpus,gpu_time,cluster\n";

TEST(PhillyCsv, ReadsItsColumns) {
  const Workload workload =
      read_text("auto", header +
                            "2017-10-09 07:01:55,66.0,1,66.0,11cb48\n"
                            "2017-10-09 06:13:03,2951.0,4,11804.0,6214e9\n\n");
  EXPECT_EQ(workload.reports[0].format, "philly-csv");
  ASSERT_EQ(workload.jobs.size(), 2U);
  // 06:13:03 of Los Angeles in summer is 13:13:03 UTC
  EXPECT_EQ(workload.origin_unix_s, 1507554783);
  EXPECT_EQ(workload.jobs[0].id, 1);  // numbered in order of submission
  EXPECT_EQ(workload.jobs[0].row, 3U);
  EXPECT_EQ(workload.jobs[0].submit_s, 0.0);
  EXPECT_EQ(workload.jobs[0].run_s, 2951.0);
  EXPECT_EQ(workload.jobs[0].gpu_milli, 4000U);
  EXPECT_EQ(workload.queues[workload.jobs[0].queue], "6214e9");
  EXPECT_EQ(workload.jobs[1].submit_s, 2932.0);
  EXPECT_EQ(workload.jobs[0].state, TraceState::unknown);
  EXPECT_EQ(workload.reports[0].notes[0],
            "zone assumed: America/Los_Angeles (the trace names none)");
}

TEST(PhillyCsv, TheUsersZoneCounts) {
  const Workload workload =
      read_text("philly-csv", header + "2017-10-09 06:13:03,1,1,1,a\n", {}, "UTC");
  EXPECT_EQ(workload.origin_unix_s, 1507529583);
  for (const std::string& note : workload.reports[0].notes) {
    EXPECT_EQ(note.find("zone"), std::string::npos);
  }
}

TEST(PhillyCsv, DuplicatesAreDecidedByARule) {
  const std::string text = header +
                           "2017-10-09 06:13:03,10,1,10,a\n2017-10-09 06:13:03,10,1,10,b\n"
                           "2017-10-09 06:13:03,10,1,10,a\n";
  EXPECT_EQ(read_text("philly-csv", text).jobs.size(), 3U);
  EXPECT_EQ(adjusted(read_text("philly-csv", text), "duplicate_rows"), 1U);
  EXPECT_EQ(read_text("philly-csv", text, {{"duplicate_rows", "drop"}}).jobs.size(), 2U);
  EXPECT_EQ(fault_of("philly-csv", text, {{"duplicate_rows", "error"}}),
            "trace:4: error: the row says the same as an earlier one (rule duplicate_rows: keep or "
            "drop would accept the file)");
}

TEST(PhillyCsv, RepeatedAndMissingHoursAreDecidedByRules) {
  const std::string repeated =
      header + "2017-11-05 00:30:00,1,1,1,a\n2017-11-05 01:30:00,1,1,1,a\n";
  EXPECT_EQ(read_text("philly-csv", repeated).jobs[1].submit_s, 3600.0);
  EXPECT_EQ(adjusted(read_text("philly-csv", repeated), "repeated_hour"), 1U);
  EXPECT_EQ(read_text("philly-csv", repeated, {{"repeated_hour", "second"}}).jobs[1].submit_s,
            7200.0);
  EXPECT_EQ(fault_of("philly-csv", repeated, {{"repeated_hour", "error"}}),
            "trace:3:1: error: timestamp: expected a local time that exists once in its zone (rule "
            "repeated_hour: first or second would accept the file), got '2017-11-05 01:30:00'");
  const std::string missing = header + "2017-03-12 01:30:00,1,1,1,a\n2017-03-12 02:30:00,1,1,1,a\n";
  EXPECT_EQ(read_text("philly-csv", missing).jobs[1].submit_s, 3600.0);
  EXPECT_EQ(adjusted(read_text("philly-csv", missing), "missing_hour"), 1U);
  EXPECT_NE(fault_of("philly-csv", missing, {{"missing_hour", "error"}}), "");
}

TEST(PhillyCsv, SaysWhatIsWrong) {
  EXPECT_EQ(fault_of("philly-csv", "timestamp,durations,num_gpus\n"),
            "trace:1: error: duration: the header has no such column; did you mean 'durations'?\n"
            "trace:1: error: cluster: the header has no such column");
  EXPECT_EQ(fault_of("philly-csv", header + "2017-13-09 06:13:03,ten,-1,1,a\n"
                                            "2017-10-09 06:13:03,1,1\n"
                                            "2017-10-09 06:13:03,1,1.5,1,a\n"),
            "trace:2:1: error: timestamp: expected a date such as '2019-01-01 08:55:55', got "
            "'2017-13-09 06:13:03'\n"
            "trace:2:21: error: duration: expected a number, got 'ten'\n"
            "trace:2:25: error: num_gpus: expected a whole number from 0 to 4000000, got '-1'\n"
            "trace:3:24: error: expected 5 fields, got 3\n"
            "trace:4:23: error: num_gpus: expected a whole number from 0 to 4000000, got '1.5'");
  const Workload rest = read_text(
      "philly-csv", header + "2017-13-09 06:13:03,ten,-1,1,a\nx\n2017-10-09 06:13:03,1,1,1,a\n",
      {{"bad_row", "skip"}});
  EXPECT_EQ(rest.jobs.size(), 1U);
  EXPECT_EQ(rest.reports[0].rows, 3U);
  EXPECT_EQ(skipped(rest, "bad_row"), 2U);
  EXPECT_EQ(fault_of("philly-csv", header), "trace: error: the file holds no job");
  EXPECT_EQ(fault_of("philly-csv", header + "2017-10-09 06:13:03,1,0,1,a\n"),
            "trace: error: none of the 1 rows is a job to simulate; 1 left out by rule no_gpus");
}

}  // namespace
}  // namespace nightwatt
