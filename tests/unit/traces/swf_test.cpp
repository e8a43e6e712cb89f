#include <gtest/gtest.h>

#include "tests/unit/traces/read_text.hpp"

namespace nightwatt {
namespace {

using testing::adjusted;
using testing::fault_of;
using testing::ids_of;
using testing::job_of;
using testing::read_text;
using testing::skipped;

constexpr const char* log =
    "; Version: 2.2\n"
    "; UnixStartTime: 1356996147\n"
    ";\n"
    "; Note: two jobs\n"
    "1 10 5 100 4 -1 -1 8 200 -1 1 3 1 1 2 7 -1 -1\n"
    "2 30 -1 50.5 2 -1 -1 -1 -1 -1 0 -1 1 1 -1 7 1 60 extra {1,2} text\n";

TEST(Swf, ReadsTheFieldsOfTheDefinition) {
  const Workload workload = read_text("swf", log);
  ASSERT_EQ(workload.jobs.size(), 2U);
  EXPECT_EQ(workload.origin_unix_s, 1356996147);
  EXPECT_FALSE(workload.ids_are_text);
  const Job& first = workload.jobs[0];
  EXPECT_EQ(first.id, 1);
  EXPECT_EQ(first.row, 5U);
  EXPECT_EQ(first.submit_s, 10.0);
  EXPECT_EQ(first.start_s, 15.0);  // submit + wait
  EXPECT_EQ(first.run_s, 100.0);
  EXPECT_EQ(first.limit_s, 200.0);
  EXPECT_EQ(first.gpu_milli, 8000U);  // as requested, not as allocated
  EXPECT_EQ(first.cores, 8U);
  EXPECT_EQ(first.nodes, 0U);
  EXPECT_EQ(first.state, TraceState::completed);
  EXPECT_EQ(workload.users[first.user], "3");
  EXPECT_EQ(workload.queues[first.queue], "2");
  const Job& second = workload.jobs[1];
  EXPECT_TRUE(std::isnan(second.start_s));
  EXPECT_TRUE(std::isnan(second.limit_s));
  EXPECT_EQ(second.run_s, 50.5);
  EXPECT_EQ(second.cores, 2U);  // allocated: the request is unknown
  EXPECT_EQ(second.user, -1);
  EXPECT_EQ(workload.queues[second.queue], "7");  // the partition, where there is no queue
  EXPECT_EQ(second.state, TraceState::failed);
  ASSERT_EQ(workload.dependencies.size(), 1U);
  EXPECT_EQ(workload.dependencies[0].job, 1U);
  EXPECT_EQ(workload.dependencies[0].on, 0U);
  EXPECT_EQ(workload.dependencies[0].think_s, 60.0);
  EXPECT_EQ(workload.reports[0].rows, 2U);
  EXPECT_EQ(workload.reports[0].notes,
            (std::vector<std::string>{
                "a processor counts as one core and as one GPU (rule processors): the partition "
                "decides which of them it counts",
                "fields after the 18th are not read"}));
}

TEST(Swf, ProcessorsAreWhatTheUserSays) {
  const Workload gpus = read_text("swf", log, {{"processors", "gpus"}, {"size", "allocated"}});
  EXPECT_EQ(gpus.jobs[0].gpu_milli, 4000U);
  EXPECT_EQ(gpus.jobs[0].cores, 0U);
  const Workload cores = read_text("swf", log, {{"processors", "cores"}});
  EXPECT_EQ(cores.jobs[0].gpu_milli, 0U);
  EXPECT_EQ(cores.jobs[0].cores, 8U);
}

std::string row(const std::string& first_four, const std::string& rest = "1 -1 -1 1 -1 -1 1") {
  return first_four + " " + rest + " 1 1 1 1 1 -1 -1\n";
}

TEST(Swf, TimesCountFromWhatTheRuleSays) {
  const std::string unix_times = row("1 1356996150 2 10");
  EXPECT_EQ(read_text("swf", unix_times).origin_unix_s, 1356996150);
  EXPECT_EQ(read_text("swf", unix_times).jobs[0].submit_s, 0.0);
  EXPECT_EQ(read_text("swf", unix_times).jobs[0].start_s, 2.0);
  EXPECT_FALSE(read_text("swf", unix_times, {{"swf_time", "relative"}}).origin_unix_s.has_value());
  EXPECT_EQ(read_text("swf", unix_times, {{"swf_time", "relative"}}).jobs[0].submit_s, 1356996150);
  EXPECT_FALSE(read_text("swf", row("1 7 2 10")).origin_unix_s.has_value());
  EXPECT_EQ(read_text("swf", row("1 7 2 10"), {{"swf_time", "unix"}}).origin_unix_s, 7);
  // Synthetic logs write 0 for "no date".
  EXPECT_FALSE(
      read_text("swf", "; UnixStartTime: 0\n" + row("1 7 2 10")).origin_unix_s.has_value());
  EXPECT_EQ(fault_of("swf", "; UnixStartTime: soon\n" + row("1 7 2 10")),
            "trace:1: error: UnixStartTime: expected Unix seconds, got 'soon'");
}

TEST(Swf, RulesDecideAboutRows) {
  const std::string text = row("1 0 -1 -1") +                         // unknown run time
                           row("2 0 -1 -1360000000") +                // below zero
                           row("3 -1 -1 10") +                        // unknown submit
                           row("4 0 -1 10", "-1 -1 -1 -1 -1 -1 1") +  // unknown size
                           row("5 0 -1 10", "1 -1 -1 1 -1 -1 3") +    // a part of a job
                           row("6 0 -1 10", "1 -1 -1 1 5 -1 1") +     // over its limit
                           row("7 0 -1 0");                           // no run time
  EXPECT_EQ(fault_of("swf", text),
            "trace:3:3: error: submit time: is unknown (rule missing_submit: skip would accept the "
            "file)");
  const Workload workload = read_text("swf", text, {{"missing_submit", "skip"}});
  EXPECT_EQ(ids_of(workload), "6 7");
  EXPECT_EQ(workload.reports[0].rows, 7U);
  EXPECT_EQ(skipped(workload, "missing_run"), 1U);
  EXPECT_EQ(skipped(workload, "negative_duration"), 1U);
  EXPECT_EQ(skipped(workload, "missing_submit"), 1U);
  EXPECT_EQ(skipped(workload, "missing_processors"), 1U);
  EXPECT_EQ(skipped(workload, "partial_runs"), 1U);
  EXPECT_EQ(adjusted(workload, "over_limit"), 1U);
  EXPECT_EQ(adjusted(workload, "zero_duration"), 1U);
  const Workload other = read_text("swf", text,
                                   {{"missing_submit", "skip"},
                                    {"negative_duration", "zero"},
                                    {"over_limit", "clip"},
                                    {"zero_duration", "skip"},
                                    {"partial_runs", "keep"}});
  EXPECT_EQ(ids_of(other), "2 5 6");
  EXPECT_EQ(job_of(other, "2").run_s, 0.0);
  EXPECT_EQ(job_of(other, "6").run_s, 5.0);
  EXPECT_EQ(
      fault_of("swf", text,
               {{"missing_submit", "skip"},
                {"missing_run", "error"},
                {"missing_processors", "error"},
                {"partial_runs", "error"},
                {"over_limit", "error"},
                {"zero_duration", "error"},
                {"negative_duration", "error"}}),
      "trace:1:8: error: run time: is unknown (rule missing_run: skip would accept the file)\n"
      "trace:2: error: the run time is below zero (rule negative_duration: skip or zero would "
      "accept the file)\n"
      "trace:4:20: error: requested processors: neither they nor the allocated ones are known "
      "(rule missing_processors: skip would accept the file)\n"
      "trace:5:27: error: status: the row is a part of a job that was interrupted (rule "
      "partial_runs: skip or keep would accept the file)\n"
      "trace:6: error: the job ran longer than its limit (rule over_limit: keep or clip would "
      "accept the file)\n"
      "trace:7: error: the run time is 0 (rule zero_duration: keep or skip would accept the "
      "file)");
}

TEST(Swf, SaysWhatIsWrongWithARow) {
  EXPECT_EQ(fault_of("swf", row("1 x 2 nan")),
            "trace:1:3: error: submit time: expected a number, got 'x'\n"
            "trace:1:7: error: run time: expected a number, got 'nan'");
  EXPECT_EQ(fault_of("swf", row("1.5 1 2 3")),
            "trace:1:1: error: job number: expected a whole number from -2000000000000000 to "
            "2000000000000000, got '1.5'");
  EXPECT_EQ(fault_of("swf", row("1 1 2 3", "2.5 -1 -1 -1 -1 -1 1")),
            "trace:1:9: error: allocated processors: expected a whole number up to 4000000, or -1, "
            "got '2.5'");
  EXPECT_EQ(
      fault_of("swf", "1 2 3 4 5\n"),
      "trace:1:10: error: expected 18 fields, got 5 (rule short_row: pad or skip would accept "
      "the file)");
  EXPECT_EQ(ids_of(read_text("swf", row("1 1 2 3") + row("2 x y z"), {{"bad_row", "skip"}})), "1");
  EXPECT_EQ(
      skipped(read_text("swf", row("1 1 2 3") + row("2 x y z"), {{"bad_row", "skip"}}), "bad_row"),
      1U);
}

TEST(Swf, ShortRowsAreDecidedByARule) {
  const std::string text = row("1 1 2 3") + "2 5 -1 7 4\n3 6\n";
  EXPECT_EQ(ids_of(read_text("swf", text, {{"short_row", "skip"}})), "1");
  EXPECT_EQ(fault_of("swf", text, {{"short_row", "pad"}}),
            "trace:3:4: error: expected 5 fields, got 2");
  const Workload padded = read_text("swf", text, {{"short_row", "pad"}, {"bad_row", "skip"}});
  EXPECT_EQ(ids_of(padded), "1 2");
  EXPECT_EQ(padded.jobs[1].cores, 4U);
  EXPECT_EQ(padded.jobs[1].user, -1);
}

TEST(Swf, DependenciesThatTheRecordContradictsAreDecidedByARule) {
  // Job 2 started at 5 s, and job 1, for which it is said to wait, ended at 100 s.
  const std::string text =
      "1 0 0 100 1 -1 -1 1 -1 -1 1 1 1 1 1 1 1 1\n"
      "2 0 5 10 1 -1 -1 1 -1 -1 1 1 1 1 1 1 1 1\n"
      "3 0 100 10 1 -1 -1 1 -1 -1 1 1 1 1 1 1 1 1\n";
  const Workload workload = read_text("swf", text);
  ASSERT_EQ(workload.dependencies.size(), 1U);
  EXPECT_EQ(workload.jobs[workload.dependencies[0].job].id, 3);
  EXPECT_EQ(adjusted(workload, "contradicted_dependency"), 2U);  // job 1 waits for itself, too
  EXPECT_TRUE(read_text("swf", text, {{"dependencies", "ignore"}}).dependencies.empty());
  EXPECT_EQ(fault_of("swf", text, {{"contradicted_dependency", "keep"}}),
            "trace:1: error: dependencies: expected no job to wait for itself, got the ring 1 -> 1 "
            "(each job waits for the next)");
}

TEST(Swf, IsRecognisedByItsContent) {
  EXPECT_EQ(read_text("auto", log).reports[0].format, "swf");
  EXPECT_EQ(read_text("auto", row("1 0 -1 10")).reports[0].format, "swf");
}

}  // namespace
}  // namespace nightwatt
