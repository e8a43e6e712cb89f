#include <gtest/gtest.h>

#include <cmath>

#include "tests/unit/traces/read_text.hpp"

namespace nightwatt::testing {
namespace {

Workload read(std::string_view text, const Rules& rules = {}, const std::string& zone = "UTC") {
  return read_text("philly-json", text, rules, zone);
}
std::string fault(std::string_view text, const Rules& rules = {}) {
  return fault_of("philly-json", text, rules, "UTC");
}

/// An attempt on `nodes` nodes with that many GPUs each; times of 2017-10-10, "None" or null.
std::string attempt(const std::string& start, const std::string& end, int nodes = 1, int gpus = 1) {
  const auto time = [](const std::string& clock) {
    if (clock == "null") return clock;
    return clock.size() == 8 ? "\"2017-10-10 " + clock + "\"" : "\"" + clock + "\"";
  };
  std::string detail;
  for (int node = 0; node < nodes; ++node) {
    detail += (node > 0 ? ", " : "") + ("{\"ip\": \"m" + std::to_string(node)) + "\", \"gpus\": [";
    for (int gpu = 0; gpu < gpus; ++gpu) {
      detail += (gpu > 0 ? ", " : "") + ("\"gpu" + std::to_string(gpu)) + "\"";
    }
    detail += "]}";
  }
  return "{\"start_time\": " + time(start) + ", \"end_time\": " + time(end) + ", \"detail\": [" +
         detail + "]}";
}

std::string job(const std::string& id, const std::string& attempts,
                const std::string& submitted = "\"2017-10-10 10:00:00\"") {
  return "{\"status\": \"Pass\", \"vc\": \"ee9e8c\", \"jobid\": \"" + id + "\", \"attempts\": [" +
         attempts + "], \"submitted_time\": " + submitted + ", \"user\": \"ce2f4c\"}";
}

/// A list of jobs, one a line, from line 2 on; the last one is always fine, and called `good`.
std::string jobs(const std::string& list) {
  return "[\n" + list + (list.empty() ? "" : ",\n") +
         job("good", attempt("11:00:00", "12:00:00"), "\"2017-10-10 11:00:00\"") + "]";
}

/// 2017-10-10 00:00:00 UTC.
constexpr double day_s = 1507593600.0;

TEST(PhillyJson, ReadsAJobWithOneAttempt) {
  const Workload w = read(R"([{
  "status": "Killed", "vc": "ee9e8c", "jobid": "application_1_2",
  "attempts": [{
    "start_time": "2017-10-07 01:12:09", "end_time": "2017-10-07 01:13:23",
    "detail": [{"ip": "m47", "gpus": ["gpu0", "gpu1", "gpu2"]}, {"ip": "m48", "gpus": ["gpu5"]}]
  }],
  "submitted_time": "2017-10-07 01:11:39", "user": "ce2f4c"}])");
  ASSERT_EQ(w.jobs.size(), 1U);
  const Job& one = w.jobs[0];
  EXPECT_EQ(w.id_text(one), "application_1_2");
  EXPECT_EQ(w.origin_unix_s, 1507338699) << "2017-10-07 01:11:39 UTC";
  EXPECT_EQ(one.submit_s, 0.0);
  EXPECT_EQ(one.start_s, 30.0);
  EXPECT_EQ(one.run_s, 74.0);
  EXPECT_EQ(one.gpu_milli, 4000U);
  EXPECT_EQ(one.nodes, 2U);
  EXPECT_EQ(one.pieces, 1U);
  EXPECT_EQ(one.row, 1U);
  EXPECT_EQ(one.state, TraceState::cancelled);
  EXPECT_EQ(w.users[one.user], "ce2f4c");
  EXPECT_EQ(w.queues[one.queue], "ee9e8c");
  EXPECT_TRUE(std::isnan(one.limit_s));
  EXPECT_EQ(w.reports.front().rows, 1U);
  EXPECT_TRUE(w.reports.front().skipped.empty());
  EXPECT_TRUE(w.reports.front().adjusted.empty());
  EXPECT_TRUE(w.reports.front().notes.empty());
}

TEST(PhillyJson, AssumesSeattlesZoneAndSaysSo) {
  const std::string text = jobs("");
  const Workload w = read(text, {}, "");
  EXPECT_EQ(w.origin_unix_s, static_cast<std::int64_t>(day_s) + (11 + 7) * 3600) << "PDT";
  ASSERT_EQ(w.reports.front().notes.size(), 1U);
  EXPECT_EQ(w.reports.front().notes[0], "zone assumed: America/Los_Angeles (the trace names none)");
  EXPECT_EQ(read(text, {}, "+01:00").origin_unix_s, static_cast<std::int64_t>(day_s) + 10 * 3600);
}

TEST(PhillyJson, StatesAndMissingNames) {
  const auto with = [](const std::string& status) {
    return "[{\"jobid\": \"a\", \"vc\": null, \"user\": null, \"status\": " + status +
           ", \"submitted_time\": \"2017-10-10 10:00:00\", \"attempts\": [" +
           attempt("11:00:00", "12:00:00") + "]}]";
  };
  EXPECT_EQ(read(with("\"Pass\"")).jobs[0].state, TraceState::completed);
  EXPECT_EQ(read(with("\"Failed\"")).jobs[0].state, TraceState::failed);
  EXPECT_EQ(read(with("\"Other\"")).jobs[0].state, TraceState::unknown);
  EXPECT_EQ(adjusted(read(with("\"Other\"")), "unknown_state"), 1U);
  EXPECT_EQ(fault(with("\"Other\""), {{"unknown_state", "error"}}),
            "trace:1:2: error: status: is no state of a job (rule unknown_state: keep would accept "
            "the file)");
  EXPECT_EQ(read(with("null")).jobs[0].state, TraceState::unknown);
  EXPECT_EQ(read(with("null")).jobs[0].user, -1);
  EXPECT_EQ(read(with("null")).jobs[0].queue, -1);
}

// Attempts of 600 s on 2 GPUs of one node, of 1,800 s on 16 GPUs of two, with 300 s between them.
TEST(PhillyJson, SeveralAttempts) {
  const std::string text = jobs(job(
      "a", attempt("10:05:00", "10:15:00", 1, 2) + "," + attempt("10:20:00", "10:50:00", 2, 8)));
  const auto one = [&](const char* choice) {
    const Workload w = read(text, {{"several_attempts", choice}});
    EXPECT_EQ(adjusted(w, "several_attempts"), 1U);
    return job_of(w, "a");
  };
  const Workload w = read(text);
  EXPECT_EQ(job_of(w, "a").run_s, 2400.0);
  EXPECT_EQ(job_of(w, "a").start_s, 300.0) << "of the first attempt";
  EXPECT_EQ(job_of(w, "a").gpu_milli, 16'000U) << "of the largest attempt";
  EXPECT_EQ(job_of(w, "a").nodes, 2U);
  EXPECT_EQ(one("span").run_s, 2700.0);
  EXPECT_EQ(one("first").run_s, 600.0);
  EXPECT_EQ(one("first").gpu_milli, 2000U);
  EXPECT_EQ(one("first").nodes, 1U);
  EXPECT_EQ(one("last").run_s, 1800.0);
  EXPECT_EQ(one("last").start_s, 1200.0);
  EXPECT_EQ(one("last").gpu_milli, 16'000U);
  EXPECT_EQ(ids_of(read(text, {{"several_attempts", "skip"}})), "good");
  EXPECT_EQ(skipped(read(text, {{"several_attempts", "skip"}}), "several_attempts"), 1U);
  EXPECT_EQ(fault(text, {{"several_attempts", "error"}}),
            "trace:2:1: error: attempts: the job has several of them (rule several_attempts: sum "
            "or span or first or last or skip would accept the file)");
}

// [10:00, 10:30], [10:10, 10:20] inside it, [10:25, 10:40] across its end, [11:00, 11:10] apart:
// the union is 40 + 10 min, the sum 30 + 10 + 15 + 10 min.
TEST(PhillyJson, OverlappingAttempts) {
  const std::string text = jobs(
      job("a", attempt("10:10:00", "10:20:00", 1, 4) + "," + attempt("10:00:00", "10:30:00") + "," +
                   attempt("11:00:00", "11:10:00") + "," + attempt("10:25:00", "10:40:00", 1, 2)));
  const auto one = [&](const char* choice) {
    const Workload w = read(text, {{"overlapping_attempts", choice}});
    EXPECT_EQ(adjusted(w, "overlapping_attempts"), 1U);
    EXPECT_EQ(adjusted(w, "several_attempts"), 0U);
    return job_of(w, "a");
  };
  EXPECT_EQ(one("union").run_s, 3000.0);
  EXPECT_EQ(one("union").start_s, 0.0) << "the earliest, in whatever order they stand";
  EXPECT_EQ(one("union").gpu_milli, 4000U);
  EXPECT_EQ(one("sum").run_s, 3900.0);
  EXPECT_EQ(one("first").run_s, 1800.0);
  EXPECT_EQ(one("first").gpu_milli, 1000U);
  EXPECT_EQ(one("last").run_s, 600.0);
  EXPECT_EQ(ids_of(read(text, {{"overlapping_attempts", "skip"}})), "good");
  EXPECT_EQ(fault(text, {{"overlapping_attempts", "error"}}),
            "trace:2:1: error: attempts: some of them overlap in time (rule overlapping_attempts: "
            "union or sum or first or last or skip would accept the file)");
  // One that starts when the other ends does not overlap it.
  const Workload touching =
      read(jobs(job("a", attempt("10:00:00", "10:30:00") + "," + attempt("10:30:00", "10:40:00"))));
  EXPECT_EQ(adjusted(touching, "overlapping_attempts"), 0U);
  EXPECT_EQ(adjusted(touching, "several_attempts"), 1U);
}

TEST(PhillyJson, NoAttempts) {
  for (const std::string none : {"[]", "null"}) {
    const std::string text = "[\n{\"jobid\": \"a\", \"attempts\": " + none +
                             ", \"submitted_time\": \"2017-10-10 10:00:00\"}," +
                             job("good", attempt("11:00:00", "12:00:00")) + "]";
    const Workload w = read(text);
    EXPECT_EQ(ids_of(w), "good");
    EXPECT_EQ(skipped(w, "no_attempts"), 1U);
    EXPECT_EQ(w.reports.front().rows, 2U);
    EXPECT_EQ(fault(text, {{"no_attempts", "error"}}),
              "trace:2:1: error: attempts: the job never ran (rule no_attempts: skip would accept "
              "the file)");
  }
}

TEST(PhillyJson, MissingEnd) {
  for (const std::string none : {"None", "null", ""}) {
    // The first attempt has no end; the second starts 30 min after it and takes 10 min.
    const std::string text =
        jobs(job("a", attempt("10:00:00", none) + "," + attempt("10:30:00", "10:40:00")));
    Workload w = read(text);
    EXPECT_EQ(ids_of(w), "good");
    EXPECT_EQ(skipped(w, "missing_end"), 1U);
    w = read(text, {{"missing_end", "drop"}});
    EXPECT_EQ(job_of(w, "a").run_s, 600.0);
    EXPECT_EQ(job_of(w, "a").start_s, 1800.0);
    EXPECT_EQ(adjusted(w, "missing_end"), 1U);
    w = read(text, {{"missing_end", "next"}});
    EXPECT_EQ(job_of(w, "a").run_s, 2400.0);
    EXPECT_EQ(job_of(w, "a").start_s, 0.0);
    EXPECT_EQ(adjusted(w, "missing_end"), 1U);
    EXPECT_EQ(fault(text, {{"missing_end", "error"}}),
              "trace:2:1: error: attempts: one has no end_time (rule missing_end: skip or drop or "
              "next would accept the file)");
  }
  // The last one still ran: there is no next attempt.
  const std::string running =
      jobs(job("a", attempt("10:00:00", "10:10:00") + "," + attempt("10:30:00", "None")));
  Workload w = read(running, {{"missing_end", "next"}});
  EXPECT_EQ(ids_of(w), "good");
  EXPECT_EQ(skipped(w, "missing_end"), 1U);
  EXPECT_EQ(job_of(read(running, {{"missing_end", "drop"}}), "a").run_s, 600.0);
  // Nothing is left.
  w = read(jobs(job("a", attempt("10:00:00", "None"))), {{"missing_end", "drop"}});
  EXPECT_EQ(skipped(w, "no_attempts"), 1U);
}

TEST(PhillyJson, MissingStart) {
  const std::string text =
      jobs(job("a", attempt("None", "10:20:00") + "," + attempt("10:30:00", "10:40:00")));
  Workload w = read(text);
  EXPECT_EQ(job_of(w, "a").run_s, 600.0);
  EXPECT_EQ(adjusted(w, "missing_start"), 1U);
  w = read(text, {{"missing_start", "skip"}});
  EXPECT_EQ(ids_of(w), "good");
  EXPECT_EQ(skipped(w, "missing_start"), 1U);
  EXPECT_EQ(fault(text, {{"missing_start", "error"}}),
            "trace:2:1: error: attempts: one has no start_time (rule missing_start: drop or skip "
            "would accept the file)");
}

TEST(PhillyJson, MissingSubmit) {
  const std::string text = jobs(job("a", attempt("10:00:00", "10:10:00"), "\"None\""));
  EXPECT_EQ(ids_of(read(text)), "good");
  EXPECT_EQ(skipped(read(text), "missing_submit"), 1U);
  EXPECT_EQ(fault(text, {{"missing_submit", "error"}}),
            "trace:2:1: error: submitted_time: the job has none (rule missing_submit: skip would "
            "accept the file)");
}

TEST(PhillyJson, NegativeDuration) {
  const std::string text =
      jobs(job("a", attempt("10:30:00", "10:20:00") + "," + attempt("10:40:00", "10:50:00")));
  Workload w = read(text);
  EXPECT_EQ(ids_of(w), "good");
  EXPECT_EQ(skipped(w, "negative_duration"), 1U);
  w = read(text, {{"negative_duration", "zero"}});
  EXPECT_EQ(job_of(w, "a").run_s, 600.0);
  EXPECT_EQ(adjusted(w, "negative_duration"), 1U);
  EXPECT_EQ(fault(text, {{"negative_duration", "error"}}),
            "trace:2:1: error: attempts: one ends before it starts (rule negative_duration: skip "
            "or zero would accept the file)");
}

TEST(PhillyJson, ZeroDuration) {
  const std::string text = jobs(job("a", attempt("10:30:00", "10:30:00")));
  EXPECT_EQ(job_of(read(text), "a").run_s, 0.0);
  EXPECT_EQ(ids_of(read(text, {{"zero_duration", "skip"}})), "good");
}

TEST(PhillyJson, NoGpus) {
  const std::string text = jobs(job("a", attempt("10:30:00", "10:40:00", 0, 0)) + ",\n" +
                                job("b", attempt("10:30:00", "10:40:00", 2, 0)));
  EXPECT_EQ(ids_of(read(text)), "good");
  EXPECT_EQ(skipped(read(text), "no_gpus"), 2U);
  EXPECT_EQ(ids_of(read(text, {{"no_gpus", "keep"}})), "good") << "the trace has no cores either";
  EXPECT_NE(fault(text, {{"no_gpus", "error"}}).find("trace:3:1"), std::string::npos);
}

TEST(PhillyJson, DuplicateIds) {
  const std::string text =
      jobs(job("a", attempt("10:30:00", "10:40:00")) + ",\n" +
           job("a", attempt("10:30:00", "10:50:00"), "\"2017-10-10 10:00:01\""));
  EXPECT_NE(fault(text).find("trace:3: error: job id 'a' is used twice (also in line 2)"),
            std::string::npos);
  EXPECT_EQ(job_of(read(text, {{"duplicate_ids", "keep_first"}}), "a").run_s, 600.0);
  EXPECT_EQ(job_of(read(text, {{"duplicate_ids", "keep_last"}}), "a").run_s, 1200.0);
  EXPECT_EQ(ids_of(read(text, {{"duplicate_ids", "renumber"}})), "a a#2 good");
}

// In Seattle the hour from 01:00 to 02:00 came twice on 2017-11-05 and not at all, an hour later,
// on 2017-03-12.
TEST(PhillyJson, ClockChanges) {
  const std::string twice =
      R"([{"jobid": "a", "submitted_time": "2017-11-05 00:30:00", "attempts": [
{"start_time": "2017-11-05 01:30:00", "end_time": "2017-11-05 03:00:00",
 "detail": [{"gpus": ["g"]}]}]}])";
  const auto zoned = [](const std::string& text, const Rules& rules) {
    return read_text("philly-json", text, rules, "America/Los_Angeles");
  };
  EXPECT_EQ(zoned(twice, {}).jobs[0].run_s, 2.5 * 3600);
  EXPECT_EQ(adjusted(zoned(twice, {}), "repeated_hour"), 1U);
  EXPECT_EQ(zoned(twice, {{"repeated_hour", "second"}}).jobs[0].run_s, 1.5 * 3600);
  EXPECT_EQ(fault_of("philly-json", twice, {{"repeated_hour", "error"}}, ""),
            "trace:2:16: error: jobs[0].start_time: expected a local time that exists once in its "
            "zone (rule repeated_hour: first or second would accept the file), got "
            "'\"2017-11-05 01:30:00\"'");
  const std::string never =
      R"([{"jobid": "a", "submitted_time": "2017-03-12 01:00:00", "attempts": [
{"start_time": "2017-03-12 02:30:00", "end_time": "2017-03-12 04:00:00",
 "detail": [{"gpus": ["g"]}]}]}])";
  EXPECT_EQ(zoned(never, {}).jobs[0].run_s, 1800.0) << "02:30 is read as 03:30";
  EXPECT_EQ(adjusted(zoned(never, {}), "missing_hour"), 1U);
  EXPECT_NE(fault_of("philly-json", never, {{"missing_hour", "error"}}, "")
                .find("expected a local time that exists in its zone (rule missing_hour"),
            std::string::npos);
}

TEST(PhillyJson, SaysWhatIsWrongWithAField) {
  EXPECT_EQ(
      fault("[{\"jobid\": 7, \"submitted_time\": \"yesterday\", \"attempts\": 5},\n"
            "{\"jobid\": \"\", \"submitted_time\": 5, \"attempts\": [5]},\n"
            "7,\n"
            "{},\n"
            "{\"jobid\": \"a\", \"jobid\": \"a\", \"submitted_time\": null, \"attempts\": [\n"
            "{\"detail\": 5, \"start_time\": \"2017-13-01 00:00:00\", \"start_time\": null}]},\n"
            "{\"jobid\": \"b\", \"submitted_time\": null, \"attempts\": [{\"detail\": [5]},\n"
            "{\"detail\": [{\"gpus\": {}}]}]}]"),
      "trace:1:12: error: jobs[0].jobid: expected the id of the job, a text, got '7'\n"
      "trace:1:33: error: jobs[0].submitted_time: expected a date such as '2019-01-01 08:55:55', "
      "got '\"yesterday\"'\n"
      "trace:1:58: error: jobs[0].attempts: expected an array, got '5'\n"
      "trace:2:11: error: jobs[1].jobid: expected the id of the job, a text, got '\"\"'\n"
      "trace:2:33: error: jobs[1].submitted_time: expected a date such as '2017-10-07 01:12:09', "
      "'None' or null, got '5'\n"
      "trace:2:49: error: jobs[1].attempts: expected an array of objects, got '5'\n"
      "trace:3:1: error: jobs[2]: expected a job (a JSON object), got '7'\n"
      "trace:4:1: error: jobs[3].jobid: is missing\n"
      "trace:4:1: error: jobs[3].submitted_time: is missing\n"
      "trace:4:1: error: jobs[3].attempts: is missing\n"
      "trace:5:16: error: jobs[4].jobid: stands here a second time\n"
      "trace:6:12: error: jobs[4].detail: expected an array, got '5'\n"
      "trace:6:29: error: jobs[4].start_time: expected a date such as '2019-01-01 08:55:55', got "
      "'\"2017-13-01 00:00:00\"'\n"
      "trace:6:52: error: jobs[4].start_time: stands here a second time\n"
      "trace:7:65: error: jobs[5].detail: expected an array of objects, got '5'\n"
      "trace:8:22: error: jobs[5].gpus: expected an array, got an object");
  const Workload w = read(jobs("7,\n{}"), {{"bad_row", "skip"}});
  EXPECT_EQ(ids_of(w), "good");
  EXPECT_EQ(skipped(w, "bad_row"), 2U);
}

TEST(PhillyJson, BrokenJson) {
  EXPECT_EQ(fault("{}"),
            "trace:1:1: error: expected the jobs of Philly's cluster_job_log, a JSON array");
  EXPECT_EQ(fault("[]"), "trace: error: the file holds no job");
  EXPECT_EQ(fault("[{\"jobid\": \"a\"}"),
            "trace:1:16: error: the file ends before its arrays and objects are closed");
  EXPECT_EQ(fault("[{\"jobid\": \"a\" \"b\"}]"),
            "trace:1:16: error: not JSON: The JSON document has an improper structure: missing or "
            "superfluous commas, braces, missing keys, etc.");
  EXPECT_NE(fault("[" + std::string(5000, '{') + "]"), "");
  EXPECT_NE(fault("[{\"attempts\": [[[[[[[]"), "");
}

TEST(PhillyJson, IsRecognised) {
  EXPECT_EQ(read_text("auto", jobs("")).reports.front().format, "philly-json");
}

}  // namespace
}  // namespace nightwatt::testing
