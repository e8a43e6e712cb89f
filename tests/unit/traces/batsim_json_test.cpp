#include <gtest/gtest.h>

#include <chrono>
#include <cmath>
#include <string>

#include "tests/unit/traces/read_text.hpp"

namespace nightwatt::testing {
namespace {

Workload read(std::string_view text, const Rules& rules = {}) {
  return read_text("batsim-json", text, rules);
}
std::string fault(std::string_view text, const Rules& rules = {}) {
  return fault_of("batsim-json", text, rules);
}

/// A workload with one job on four hosts and these profiles.
std::string with_profiles(const std::string& profiles, const std::string& used = "p") {
  return R"({"nb_res": 8, "jobs": [
{"id": "j", "subtime": 5, "res": 4, "profile": ")" +
         used + "\"}],\n\"profiles\": {" + profiles + "}}";
}

TEST(BatsimJson, ReadsDelaysOfBothVersions) {
  const Workload w = read(R"({
  "description": "ignored", "command": ["ignored", {"too": 1}], "date": null,
  "nb_res": 8,
  "jobs": [
    {"id": 1, "subtime": 10.5, "res": 2, "profile": "d20", "walltime": 100},
    {"id": "2", "subtime": 0, "res": 8, "profile": "d1.25", "walltime": -1, "extra_data": "{}"},
    {"id": "3", "subtime": 7, "res": 1, "profile": "late", "walltime": null},
    {"id": "4", "subtime": 7, "res": 1, "profile": "d20"}
  ],
  "profiles": {
    "d20": {"type": "delay", "delay": 20},
    "d1.25": {"type": "DelayProfile", "delay": 1.25, "ret": 0},
    "late": {"type": "delay", "delay": 3e1, "ret": 1}
  }
})");
  EXPECT_EQ(ids_of(w), "2 3 4 1");
  EXPECT_FALSE(w.ids_are_text);
  const Job& one = job_of(w, "1");
  EXPECT_EQ(one.submit_s, 10.5);
  EXPECT_EQ(one.run_s, 20.0);
  EXPECT_EQ(one.limit_s, 100.0);
  EXPECT_EQ(one.cores, 2U);
  EXPECT_EQ(one.row, 5U);
  EXPECT_EQ(one.state, TraceState::unknown);
  EXPECT_TRUE(std::isnan(one.start_s));
  EXPECT_EQ(job_of(w, "2").run_s, 1.25);
  EXPECT_TRUE(std::isnan(job_of(w, "2").limit_s)) << "-1 is no limit";
  EXPECT_EQ(job_of(w, "2").state, TraceState::completed);
  EXPECT_EQ(job_of(w, "3").run_s, 30.0);
  EXPECT_TRUE(std::isnan(job_of(w, "3").limit_s));
  EXPECT_EQ(job_of(w, "3").state, TraceState::failed);
  EXPECT_TRUE(std::isnan(job_of(w, "4").limit_s));
  EXPECT_FALSE(w.origin_unix_s.has_value());
  EXPECT_EQ(w.reports.front().rows, 4U);
  ASSERT_EQ(w.reports.front().notes.size(), 2U);
  EXPECT_EQ(w.reports.front().notes[1], "the workload was made for 8 hosts (nb_res)");
}

TEST(BatsimJson, HostsAreGpusOrCores) {
  const std::string text = with_profiles(R"("p": {"type": "delay", "delay": 1})");
  const auto counts = [&](const Rules& rules) {
    const Job job = read(text, rules).jobs.at(0);
    return std::pair(job.gpu_milli, job.cores);
  };
  EXPECT_EQ(counts({}), std::pair(4000U, 4U));
  EXPECT_EQ(counts({{"processors", "gpus"}}), std::pair(4000U, 0U));
  EXPECT_EQ(counts({{"processors", "cores"}}), std::pair(0U, 4U));
  EXPECT_EQ(read(text, {{"processors", "cores"}}).reports.front().notes[0],
            "a host (res) counts as one core (rule processors)");
}

TEST(BatsimJson, TextIds) {
  const Workload w = read(R"({"jobs": [
{"id": "w0!2", "subtime": 0, "res": 1, "profile": "p"},
{"id": "w0!10", "subtime": 0, "res": 1, "profile": "p"},
{"id": 3, "subtime": 0, "res": 1, "profile": "p"}],
"profiles": {"p": {"type": "delay", "delay": 1}}})");
  EXPECT_TRUE(w.ids_are_text);
  EXPECT_EQ(ids_of(w), "3 w0!10 w0!2") << "bytewise";
}

// 4 hosts of 1e9 flop/s.
TEST(BatsimJson, ParallelTasksTakeFlopOverSpeed) {
  const Rules speed = {{"flops_per_s", "1e9"}};
  const auto run_s = [&](const std::string& profile) {
    const Workload w = read(with_profiles("\"p\": " + profile), speed);
    EXPECT_EQ(adjusted(w, "flops_per_s"), 1U);
    return w.jobs.at(0).run_s;
  };
  // The slowest host decides.
  EXPECT_EQ(run_s(R"({"type": "parallel", "cpu": [1e9, 5e9, 0, 2e9], "com": [0,0,0,0]})"), 5.0);
  EXPECT_EQ(run_s(R"({"type": "ParallelTaskProfile", "cpu": [1e9, 5e9, 0, 2e9]})"), 5.0);
  EXPECT_EQ(run_s(R"({"type": "parallel_homogeneous", "cpu": 3e9, "com": 0})"), 3.0);
  EXPECT_EQ(run_s(R"({"cpu": 3e9, "type": "ParallelTaskHomogeneousProfile",
                      "generation_strategy": "DefinedAmountsUsedForEachValue"})"),
            3.0);
  EXPECT_EQ(run_s(R"({"type": "parallel_homogeneous_total", "cpu": 3e9, "com": 0})"), 0.75);
  EXPECT_EQ(run_s(R"({"type": "ParallelTaskHomogeneousProfile", "cpu": 3e9,
                      "generation_strategy": "DefinedAmountsSpreadUniformly"})"),
            0.75);
}

TEST(BatsimJson, ParallelTasksNeedTheSpeedOfAHost) {
  const std::string text =
      with_profiles(R"("p": {"type": "parallel_homogeneous", "cpu": 3e9, "com": 0})");
  EXPECT_EQ(fault(text),
            "trace:2:48: error: profile: 'p' computes, so its run time needs the speed of a host: "
            "give rules.flops_per_s in flop/s, as '1e9' (job 'j')");
  EXPECT_EQ(fault(text, {{"flops_per_s", "-1"}}),
            "error: rules.flops_per_s: expected error or a number above 0, got '-1'");
  EXPECT_EQ(fault(text, {{"flops_per_s", "NUMBER"}}),
            "error: rules.flops_per_s: expected error or a number above 0, got 'NUMBER'");
}

TEST(BatsimJson, CommunicationIsCountedOrRefused) {
  const std::string text = with_profiles(
      R"("p": {"type": "parallel", "cpu": [1, 1, 1, 1], "com": [0, 7, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]})");
  const Workload w = read(text, {{"flops_per_s", "1"}});
  EXPECT_EQ(w.jobs.at(0).run_s, 1.0);
  EXPECT_EQ(adjusted(w, "communication"), 1U);
  EXPECT_EQ(fault(text, {{"flops_per_s", "1"}, {"communication", "error"}}),
            "trace:2:48: error: profile: its communication takes a time that is not known here "
            "(rule communication: ignore would accept the file)");
}

TEST(BatsimJson, SequencesAddUpAndRepeat) {
  const std::string profiles = R"(
"all": {"type": "composed", "repeat": 4, "seq": ["a", "inner", "a"]},
"inner": {"type": "SequentialCompositionProfile", "seq": ["work", "a"], "repeat": 2},
"a": {"type": "delay", "delay": 10},
"work": {"type": "parallel_homogeneous_total", "cpu": 8e9, "com": 0})";
  // inner = 2 x (8e9 / 4 / 1e9 + 10) = 24; all = 4 x (10 + 24 + 10) = 176.
  const Workload w = read(with_profiles(profiles, "all"), {{"flops_per_s", "1e9"}});
  EXPECT_EQ(w.jobs.at(0).run_s, 176.0);
}

TEST(BatsimJson, SequencesThatCannotBe) {
  EXPECT_EQ(fault(with_profiles(R"("p": {"type": "composed", "seq": ["q"]},
"q": {"type": "composed", "seq": ["r"]},
"r": {"type": "composed", "seq": ["q"]})")),
            "trace:5:35: error: profiles.r.seq: a sequence contains itself: q -> r -> q (job 'j')");
  EXPECT_EQ(fault(with_profiles(R"("p": {"type": "composed", "seq": ["delya"]},
"delay": {"type": "delay", "delay": 1})")),
            "trace:3:48: error: profiles.p.seq: there is no profile 'delya'; did you mean "
            "'delay'? (job 'j')");
  EXPECT_EQ(fault(with_profiles(R"("p": {"type": "composed", "repeat": 0, "seq": []})")),
            "trace:3:50: error: profiles.p.repeat: expected a whole number >= 1, got '0' (job "
            "'j')");
  EXPECT_EQ(fault(with_profiles(R"("p": {"type": "composed", "seq": ["a"], "repeat": 1e300},
"a": {"type": "delay", "delay": 1e11})")),
            "trace:2:48: error: profile: the run time of 'p' is above 1e+12 s (job 'j')");
}

TEST(BatsimJson, DeepSequencesAreNoTrouble) {
  std::string profiles;
  constexpr int depth = 200'000;
  for (int i = 0; i < depth; ++i) {
    profiles += "\"p" + std::to_string(i) + "\": {\"type\": \"composed\", \"seq\": [\"p" +
                std::to_string(i + 1) + "\"]},\n";
  }
  profiles += "\"p" + std::to_string(depth) + "\": {\"type\": \"delay\", \"delay\": 7}";
  EXPECT_EQ(read(with_profiles(profiles, "p0")).jobs.at(0).run_s, 7.0);
}

TEST(BatsimJson, UnsupportedProfilesAreNamedWhereAJobUsesThem) {
  const std::string unused =
      R"("x": {"type": "smpi", "trace": "t"}, "p": {"type": "delay", "delay": 1})";
  EXPECT_EQ(read(with_profiles(unused)).jobs.size(), 1U);
  for (const char* type : {"parallel_homogeneous_pfs", "ParallelTaskOnStorageHomogeneousProfile",
                           "data_staging", "ParallelTaskDataStagingBetweenStoragesProfile", "smpi",
                           "usage_trace", "TraceReplayProfile"}) {
    EXPECT_EQ(fault(with_profiles(std::string(R"("p": {"type": ")") + type + "\"}")),
              std::string("trace:3:28: error: profiles.p.type: profile type '") + type +
                  "' is not supported: its run time depends on storage or on a trace of its own "
                  "(job 'j')");
  }
  EXPECT_EQ(fault(with_profiles(R"("p": {"type": "dealy", "delay": "x"})")),
            "trace:3:28: error: profiles.p.type: unknown profile type 'dealy'; did you mean "
            "'delay'? (job 'j')");
}

TEST(BatsimJson, BadProfilesAreShownOnceOrSkippedForEachJob) {
  const std::string text = R"({"jobs": [
{"id": 1, "subtime": 0, "res": 1, "profile": "bad"},
{"id": 2, "subtime": 0, "res": 1, "profile": "bad"},
{"id": 3, "subtime": 0, "res": 1, "profile": "none"},
{"id": 4, "subtime": 0, "res": 1, "profile": "good"}],
"profiles": {"good": {"type": "delay", "delay": 1},
"bad": {"type": "delay", "delay": -1}}})";
  EXPECT_EQ(fault(text),
            "trace:7:35: error: profiles.bad.delay: expected seconds >= 0, got '-1' (job '1')\n"
            "trace:4:46: error: profile: there is no profile 'none' (job '3')");
  const Workload w = read(text, {{"bad_row", "skip"}});
  EXPECT_EQ(ids_of(w), "4");
  EXPECT_EQ(skipped(w, "bad_row"), 3U);
}

TEST(BatsimJson, ProfilesThatDoNotFit) {
  EXPECT_EQ(
      fault(with_profiles(R"("p": {"type": "parallel", "cpu": [1, 2]})"), {{"flops_per_s", "1"}}),
      "trace:2:48: error: profile: 'p' is written for 2 hosts, the job asks for 4 (job 'j')");
  EXPECT_EQ(fault(with_profiles(R"("p": {"type": "composed", "seq": ["a", "b"]},
"a": {"type": "parallel", "cpu": [1, 2, 3, 4]},
"b": {"type": "parallel", "cpu": [1, 2]})"),
                  {{"flops_per_s", "1"}}),
            "trace:3:53: error: profiles.p.seq: its parts are written for 4 and for 2 hosts (job "
            "'j')");
  const auto message = [](const std::string& profile) {
    std::string text = fault(with_profiles("\"p\": " + profile));
    return text.substr(text.find("profiles."));
  };
  EXPECT_EQ(message("[]"), "profiles.p: expected an object, got an array (job 'j')");
  EXPECT_EQ(message("{}"), "profiles.p.type: is missing (job 'j')");
  EXPECT_EQ(message(R"({"type": 5})"),
            "profiles.p.type: expected the name of a profile type, got '5' (job 'j')");
  EXPECT_EQ(message(R"({"type": "delay"})"),
            "profiles.p.delay: is missing in a profile of type delay (job 'j')");
  EXPECT_EQ(message(R"({"type": "delay", "delay": "10"})"),
            "profiles.p.delay: expected seconds >= 0, got '\"10\"' (job 'j')");
  EXPECT_EQ(message(R"({"type": "delay", "delay": 1, "delay": 2})"),
            "profiles.p.delay: stands here a second time (job 'j')");
  EXPECT_EQ(message(R"({"type": "delay", "delay": 1e999})"),
            "profiles.p.delay: expected seconds >= 0, got '1e999' (job 'j')");
  EXPECT_EQ(message(R"({"type": "parallel", "cpu": 5})"),
            "profiles.p.cpu: expected an array with the flop of each host (job 'j')");
  EXPECT_EQ(message(R"({"type": "parallel", "cpu": []})"),
            "profiles.p.cpu: expected at least one entry (job 'j')");
  EXPECT_EQ(message(R"({"type": "parallel", "cpu": [1, "x"]})"),
            "profiles.p.cpu: expected a number >= 0, got '\"x\"' (job 'j')");
  EXPECT_EQ(message(R"({"type": "parallel"})"),
            "profiles.p.cpu: is missing in a profile of type parallel (job 'j')");
  EXPECT_EQ(message(R"({"type": "parallel_homogeneous", "cpu": [5]})"),
            "profiles.p.cpu: expected a number of flop, got an array (job 'j')");
  EXPECT_EQ(message(R"({"type": "parallel_homogeneous", "cpu": 5, "generation_strategy": "x"})"),
            "profiles.p.generation_strategy: expected DefinedAmountsUsedForEachValue or "
            "DefinedAmountsSpreadUniformly, got '\"x\"' (job 'j')");
  EXPECT_EQ(message(R"({"type": "composed"})"),
            "profiles.p.seq: is missing in a profile of type composed (job 'j')");
  EXPECT_EQ(message(R"({"type": "composed", "seq": [1]})"),
            "profiles.p.seq: expected the name of a profile, got '1' (job 'j')");
}

TEST(BatsimJson, JobsThatCannotBe) {
  const auto text = [](const std::string& job) {
    return "{\"jobs\": [\n" + job +
           "],\n\"profiles\": {\"p\": {\"type\": \"delay\", \"delay\": 1}}}";
  };
  EXPECT_EQ(fault(text(R"({"id": 1.5, "subtime": -1, "res": 0, "profile": 7, "walltime": 0})")),
            "trace:2:8: error: jobs[0].id: expected a text or a whole number, got '1.5'\n"
            "trace:2:24: error: jobs[0].subtime: expected a time in seconds >= 0, got '-1'\n"
            "trace:2:35: error: jobs[0].res: expected a whole number of hosts from 1 to 4000000, "
            "got '0'\n"
            "trace:2:49: error: jobs[0].profile: expected the name of a profile, got '7'\n"
            "trace:2:64: error: jobs[0].walltime: expected seconds > 0, or -1 for none, got '0'");
  EXPECT_EQ(fault(text("{}")),
            "trace:2:1: error: jobs[0].id: is missing\n"
            "trace:2:1: error: jobs[0].subtime: is missing\n"
            "trace:2:1: error: jobs[0].res: is missing\n"
            "trace:2:1: error: jobs[0].profile: is missing");
  EXPECT_EQ(fault(text(R"({"id": 1, "id": 2, "subtime": 0, "res": 2.5, "profile": "p"}, 5)")),
            "trace:2:11: error: jobs[0].id: stands here a second time\n"
            "trace:2:41: error: jobs[0].res: expected a whole number of hosts, got '2.5'\n"
            "trace:2:63: error: jobs[1]: expected a job (a JSON object), got '5'");
  EXPECT_EQ(fault(text(R"({"id": 1, "subtime": 0, "res": 5000000, "profile": "p"})")),
            "trace:2:32: error: jobs[0].res: expected a whole number of hosts from 1 to 4000000, "
            "got '5000000'");
  const Workload w = read(text(R"({"id": 1, "subtime": "x", "res": "y", "profile": "p"},
{"id": 2, "subtime": 0, "res": 1, "profile": "p"})"),
                          {{"bad_row", "skip"}});
  EXPECT_EQ(ids_of(w), "2");
  EXPECT_EQ(skipped(w, "bad_row"), 1U) << "two faults, one job";
}

TEST(BatsimJson, DuplicateIds) {
  const std::string text = R"({"jobs": [
{"id": 1, "subtime": 0, "res": 1, "profile": "p"},
{"id": "1", "subtime": 1, "res": 1, "profile": "p"}],
"profiles": {"p": {"type": "delay", "delay": 1}}})";
  EXPECT_NE(fault(text).find("job id '1' is used twice"), std::string::npos);
  EXPECT_EQ(ids_of(read(text, {{"duplicate_ids", "renumber"}})), "1 2");
}

TEST(BatsimJson, WorkloadsThatCannotBe) {
  EXPECT_EQ(fault("[]"), "trace:1:1: error: expected a Batsim workload, a JSON object");
  EXPECT_EQ(fault("  7"), "trace:1:3: error: expected a Batsim workload, a JSON object");
  EXPECT_EQ(fault("{}"),
            "trace:1:1: error: jobs: the workload has no such field\n"
            "trace:1:1: error: profiles: the workload has no such field");
  EXPECT_EQ(fault(R"({"jobs": {}, "profiles": [], "nb_res": 0, "jobs": []})"),
            "trace:1:10: error: jobs: expected an array of jobs, got an object\n"
            "trace:1:26: error: profiles: expected an object of profiles, got an array\n"
            "trace:1:40: error: nb_res: expected a whole number >= 1, got '0'\n"
            "trace:1:43: error: jobs: stands here a second time");
  EXPECT_EQ(fault(R"({"jobs": [], "profiles": {"p": {"type": "delay", "delay": 1}, "p": {}}})"),
            "trace:1:63: error: profiles: 'p' stands here a second time");
  // A profile that stands there twice, last, and used.
  EXPECT_EQ(fault(R"({"jobs": [{"id": 1, "subtime": 0, "res": 1, "profile": "p"}],
"profiles": {"p": {"type": "delay", "delay": 1}, "p": {"type": "delay", "delay": 2}}})"),
            "trace:2:50: error: profiles: 'p' stands here a second time");
  EXPECT_EQ(fault(R"({"jobs": [], "profiles": {}})"), "trace: error: the file holds no job");
}

TEST(BatsimJson, BrokenJson) {
  EXPECT_EQ(fault(""), "trace:1:1: error: expected JSON, the file is empty");
  EXPECT_EQ(fault("{\"jobs\": [\n{\"id\": 1, \"subtime\": 0"),
            "trace:2:23: error: the file ends before its arrays and objects are closed");
  EXPECT_EQ(fault("{\"jobs\": [],\n \"prof"),
            "trace:2:2: error: a text that starts here is never closed by '\"'");
  EXPECT_EQ(fault("{\"jobs\": [],\n \"a\": \"b\nc\"}"),
            "trace:2:9: error: a text may not hold a line break or another control character");
  EXPECT_EQ(fault("{\"jobs\": [],\n \"a\": \"\xff\"}"),
            "trace:2:8: error: expected JSON in UTF-8, got bytes that are not UTF-8");
  EXPECT_EQ(fault(R"({"jobs": [], "profiles": {}} x)"),
            "trace:1:30: error: expected the end of the file after the JSON value");
  EXPECT_EQ(fault(R"({"jobs": [], "profiles": {}} [])"),
            "trace:1:30: error: expected the end of the file after the JSON value");
  EXPECT_EQ(fault(R"({"jobs": [], "profiles": {}} {})"),
            "trace:1:30: error: expected the end of the file after the JSON value");
  for (const char* text : {R"({"jobs": [1 2], "profiles": {}})", R"({"jobs" [], "profiles": {}})",
                           R"({"jobs": [], 5: {}})", R"({"jobs": [}, "profiles": {}})",
                           R"({"jobs": [{]}, "profiles": {}})", R"({,})", R"({"jobs":})"}) {
    const std::string message = fault(text);
    EXPECT_EQ(message.rfind("trace:1:", 0), 0U) << text << " -> " << message;
  }
  // Nesting costs nothing, closed or not.
  const std::string deep(100'000, '[');
  EXPECT_NE(fault("{\"x\": " + deep), "");
  const std::string closed = deep + std::string(100'000, ']');
  EXPECT_EQ(
      read(R"({"x": )" + closed + R"(, "jobs": [{"id": 1, "subtime": 0, "res": 1,
    "profile": "p", "y": )" +
           closed + R"(}], "profiles": {"p": {"type": "delay", "delay": 1, "z": )" + closed + "}}}")
          .jobs.size(),
      1U);
}

TEST(BatsimJson, IsRecognised) {
  EXPECT_EQ(read_text("auto", with_profiles(R"("p": {"type": "delay", "delay": 1})"))
                .reports.front()
                .format,
            "batsim-json");
}

// The same jobs in both forms; Batsim's own file has the run time in the delay profile's name.
TEST(BatsimJson, RealFileEqualsItsTwinInSwf) {
  const std::string path = real_file("peer-schedules/w10000");
  if (path.empty()) GTEST_SKIP() << "NIGHTWATT_DATA is not set";
  ReadRequest request;
  request.path = path + ".json.gz";
  const Workload json = read_workload(request);
  request.path = path + ".swf.gz";
  const Workload swf = read_workload(request);
  ASSERT_EQ(json.jobs.size(), 10'000U);
  ASSERT_EQ(swf.jobs.size(), 10'000U);
  for (std::size_t i = 0; i < json.jobs.size(); ++i) {
    const Job& a = json.jobs[i];
    const Job& b = swf.jobs[i];
    ASSERT_EQ(a.id, b.id);
    ASSERT_EQ(a.submit_s, b.submit_s) << a.id;
    ASSERT_EQ(a.run_s, b.run_s) << a.id;
    ASSERT_EQ(a.limit_s, b.limit_s) << a.id;
    ASSERT_EQ(a.gpu_milli, b.gpu_milli) << a.id;
    ASSERT_EQ(a.cores, b.cores) << a.id;
    ASSERT_EQ(a.nodes, b.nodes) << a.id;
  }
}

/// As programs write it. Looking for the line of each job from the start of its line takes half a
/// minute for these; a file of many lines 0.1 s.
TEST(BatsimJson, AFileOnOneLineTakesAsLongAsOneOnMany) {
  std::string lines = "{\"nb_res\": 8, \"jobs\": [";
  for (int i = 0; i < 50'000; ++i) {
    const std::string n = std::to_string(i);
    lines += (i == 0 ? "\n" : ",\n");
    lines += R"({"id": ")" + n + R"(", "subtime": )" + n + R"(, "res": 1, "profile": "p"})";
  }
  lines += "\n],\"profiles\": {\"p\": {\"type\": \"delay\", \"delay\": 5}}}";
  std::string line = lines;
  std::erase(line, '\n');
  const auto seconds = [](const std::string& text) {
    const auto start = std::chrono::steady_clock::now();
    EXPECT_EQ(read(text).jobs.size(), 50'000U);
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  };
  const double of_many_s = seconds(lines);
  EXPECT_LT(seconds(line), 1.0 + 10.0 * of_many_s);
  // Places are still right, in either direction.
  const std::string faults = fault(
      R"({"profiles": {"p": {"type": "delay", "delay": -1}}, "jobs": [{"id": 7, "subtime": -1}]})");
  EXPECT_NE(faults.find("trace:1:83: error: jobs[0].subtime"), std::string::npos) << faults;
}

}  // namespace
}  // namespace nightwatt::testing
