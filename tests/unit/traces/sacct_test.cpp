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

const std::string header =
    "JobID|JobName|User|Partition|State|Submit|Start|End|Elapsed|Timelimit|NNodes|NCPUS|AllocTRES|"
    "ReqTRES\n";

std::string row(const std::string& id, const std::string& state, const std::string& times,
                const std::string& tres) {
  return id + "|name|alice|gpu|" + state + "|" + times + "|1-00:00:00|2|64|" + tres + "\n";
}

constexpr const char* hour = "2024-05-01T10:00:00|2024-05-01T10:05:00|2024-05-01T11:05:00|01:00:00";

TEST(Sacct, ReadsTheColumnsByName) {
  const Workload workload = read_text(
      "auto", header + row("123", "COMPLETED", hour, "billing=64,cpu=64,gres/gpu=4,mem=1T,node=2|"),
      {}, "Europe/Berlin");
  EXPECT_EQ(workload.reports[0].format, "sacct");
  ASSERT_EQ(workload.jobs.size(), 1U);
  const Job& job = workload.jobs[0];
  EXPECT_EQ(job.id, 123);
  EXPECT_EQ(workload.origin_unix_s, 1714550400);  // 08:00 UTC
  EXPECT_EQ(job.start_s, 300.0);
  EXPECT_EQ(job.run_s, 3600.0);
  EXPECT_EQ(job.limit_s, 86'400.0);
  EXPECT_EQ(job.gpu_milli, 4000U);
  EXPECT_EQ(job.gpu_type, -1);
  EXPECT_EQ(job.cores, 64U);
  EXPECT_EQ(job.nodes, 2U);
  EXPECT_EQ(job.state, TraceState::completed);
  EXPECT_EQ(workload.users[job.user], "alice");
  EXPECT_EQ(workload.queues[job.queue], "gpu");
}

TEST(Sacct, ColumnsMayStandInAnyOrderAndForm) {
  const Workload workload =
      read_text("sacct",
                "State|ElapsedRaw|TimelimitRaw|JobIDRaw|Submit|AllocTRES\n"
                "COMPLETED|90|30|77|1714550400|cpu=8,gres/gpu:a100=2,gres/gpu:h100=1,node=1\n");
  EXPECT_EQ(workload.jobs[0].id, 77);
  EXPECT_EQ(workload.origin_unix_s, 1714550400);
  EXPECT_EQ(workload.jobs[0].run_s, 90.0);
  EXPECT_EQ(workload.jobs[0].limit_s, 1800.0);
  EXPECT_EQ(workload.jobs[0].gpu_milli, 3000U);
  EXPECT_EQ(workload.gpu_types[workload.jobs[0].gpu_type], "a100|h100");
  EXPECT_EQ(workload.jobs[0].cores, 8U);
  EXPECT_EQ(workload.jobs[0].nodes, 1U);
}

TEST(Sacct, CountsPlainOrTypedGpusNotBoth) {
  const auto gpus = [&](const std::string& tres) {
    return read_text("sacct", header + row("1", "COMPLETED", hour, tres), {}, "UTC").jobs[0];
  };
  EXPECT_EQ(gpus("gres/gpu=4,gres/gpu:a100=4|").gpu_milli, 4000U);
  EXPECT_EQ(gpus("gres/gpu:a100=4|").gpu_milli, 4000U);
  EXPECT_EQ(gpus("|gres/gpu=2").gpu_milli, 2000U);  // nothing allocated is listed: as requested
  EXPECT_EQ(gpus("cpu=4|gres/gpu=2").gpu_milli, 0U);
  EXPECT_EQ(gpus("cpu=4,gres/gpumem=80G|").gpu_milli, 0U);
}

TEST(Sacct, ReadsSpans) {
  const auto run = [&](const std::string& elapsed) {
    return read_text("sacct",
                     header + row("1", "COMPLETED",
                                  "2024-05-01T10:00:00|2024-05-01T10:05:00|2024-05-01T11:05:00|" +
                                      elapsed,
                                  "cpu=1|"),
                     {}, "UTC")
        .jobs[0]
        .run_s;
  };
  EXPECT_EQ(run("05:10"), 310.0);
  EXPECT_EQ(run("01:05:10"), 3910.0);
  EXPECT_EQ(run("2-01:05:10"), 176'710.0);
  EXPECT_EQ(run("00:05.500"), 5.5);
  EXPECT_EQ(run(""), 3600.0);  // end - start
}

TEST(Sacct, ReadsStatesArraysAndSteps) {
  const Workload workload =
      read_text("sacct",
                header + row("123_4", "CANCELLED by 1001", hour, "cpu=1|") +
                    row("123_4.batch", "COMPLETED", hour, "cpu=1|") +
                    row("123_4.0", "COMPLETED", hour, "cpu=1|") +
                    row("124", "OUT_OF_MEMORY", hour, "cpu=1|") +
                    row("9", "NODE_FAIL", hour, "cpu=1|") + row("7+1", "TIMEOUT", hour, "cpu=1|"),
                {}, "UTC");
  EXPECT_EQ(ids_of(workload), "123_4 124 7+1 9");  // bytewise, as not all are numbers
  EXPECT_EQ(job_of(workload, "123_4").state, TraceState::cancelled);
  EXPECT_EQ(job_of(workload, "124").state, TraceState::out_of_memory);
  EXPECT_EQ(job_of(workload, "9").state, TraceState::node_fail);
  EXPECT_EQ(job_of(workload, "7+1").state, TraceState::timeout);
  EXPECT_EQ(skipped(workload, "steps"), 2U);
  EXPECT_EQ(workload.reports[0].rows, 6U);
}

TEST(Sacct, RulesDecideAboutJobsThatDidNotEnd) {
  const std::string text =
      header + row("1", "PENDING", "2024-05-01T10:00:00|Unknown|Unknown|00:00:00", "|cpu=1") +
      row("2", "RUNNING", "2024-05-01T10:00:00|2024-05-01T10:05:00|Unknown|00:10:00", "cpu=1|") +
      row("3", "CANCELLED", "2024-05-01T10:00:00|None|2024-05-01T10:05:00|00:00:00", "|cpu=1") +
      row("4", "COMPLETED", hour, "cpu=1|");
  const Workload workload = read_text("sacct", text, {}, "UTC");
  EXPECT_EQ(ids_of(workload), "4");
  EXPECT_EQ(skipped(workload, "missing_start"), 2U);
  EXPECT_EQ(skipped(workload, "missing_end"), 1U);
  const Workload so_far = read_text("sacct", text, {{"missing_end", "elapsed"}}, "UTC");
  EXPECT_EQ(job_of(so_far, "2").run_s, 600.0);
  EXPECT_EQ(job_of(so_far, "2").state, TraceState::running);
  EXPECT_EQ(adjusted(so_far, "missing_end"), 1U);
}

TEST(Sacct, LimitsMayBeMissing) {
  for (const char* limit : {"UNLIMITED", "Partition_Limit", ""}) {
    std::string text = header + row("1", "COMPLETED", hour, "cpu=1|");
    text.replace(text.find("1-00:00:00"), 10, limit);
    EXPECT_TRUE(std::isnan(read_text("sacct", text, {}, "UTC").jobs[0].limit_s)) << limit;
  }
}

TEST(Sacct, SaysWhatIsWrong) {
  EXPECT_EQ(fault_of("sacct", "JobIDs|Submits\n1|2\n"),
            "trace:1: error: Submit: the header has no such column; did you mean 'Submits'?\n"
            "trace:1: error: JobID: the header has neither JobID nor JobIDRaw\n"
            "trace:1: error: Elapsed: the header has neither Elapsed nor ElapsedRaw nor both Start "
            "and End");
  EXPECT_EQ(fault_of("sacct",
                     header + row("1", "COMPLETED", "10 o'clock|Unknown|Unknown|1h", "gres/gpu=x|"),
                     {}, "UTC"),
            "trace:2:28: error: Submit: expected a date such as '2019-01-01 08:55:55', got '10 "
            "o'clock'\n"
            "trace:2:74: error: AllocTRES: expected entries such as 'cpu=8' and 'gres/gpu=2', got "
            "'gres/gpu=x'\n"
            "trace:2:55: error: Elapsed: expected a span such as '1-02:03:04', got '1h'");
  EXPECT_EQ(fault_of("sacct", header + row("1", "COMPLETED", hour, "cpu=1|")),
            "trace: error: zone: the date '2024-05-01T10:00:00' names no time zone; say in which "
            "zone the file's dates are, for example zone: America/Chicago");
  EXPECT_EQ(
      fault_of("sacct", header + row("1", "COMPLETED", hour, "cpu=1|"), {}, "Europe/Berlim"),
      "error: zone: expected an IANA time zone such as 'America/Chicago' or an offset such as "
      "'+08:00', got 'Europe/Berlim'; did you mean 'Europe/Berlin'?");
}

}  // namespace
}  // namespace nightwatt
