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

const std::string helios =
    "job_id,user,vc,gpu_num,cpu_num,node_num,state,submit_time,start_time,end_time,duration,"
    "queue\n";

TEST(Helios, ReadsItsColumns) {
  const std::string text = helios +
                           "12,u1,vc7,16,32,2,COMPLETED,2020-04-01 00:00:23,2020-04-01 00:01:23,"
                           "2020-04-01 01:01:23,3600,60\n"
                           "7,u2,vc7,0,8,1,CANCELLED,2020-04-01 00:00:20,2020-04-01 00:00:20,"
                           "2020-04-01 00:00:50,30,0\n";
  const Workload workload = read_text("auto", text, {}, "Asia/Shanghai");
  EXPECT_EQ(workload.reports[0].format, "helios");
  ASSERT_EQ(ids_of(workload), "12");  // the other asks for no GPU
  EXPECT_EQ(skipped(workload, "no_gpus"), 1U);
  const Job& job = workload.jobs[0];
  EXPECT_EQ(workload.origin_unix_s, 1585670423);  // 2020-03-31 16:00:23 UTC
  EXPECT_EQ(job.start_s - job.submit_s, 60.0);
  EXPECT_EQ(job.run_s, 3600.0);
  EXPECT_EQ(job.gpu_milli, 16'000U);
  EXPECT_EQ(job.cores, 32U);
  EXPECT_EQ(job.nodes, 2U);
  EXPECT_EQ(job.state, TraceState::completed);
  EXPECT_EQ(workload.users[job.user], "u1");
  EXPECT_EQ(workload.queues[job.queue], "vc7");
  EXPECT_EQ(ids_of(read_text("helios", text, {{"no_gpus", "keep"}}, "Asia/Shanghai")), "7 12");
  EXPECT_EQ(fault_of("helios", text, {{"no_gpus", "error"}}, "UTC"),
            "trace:3: error: the job asks for no GPU (rule no_gpus: skip or keep would accept the "
            "file)");
}

TEST(Helios, AsksForTheZoneOnce) {
  EXPECT_EQ(fault_of("helios", helios + "1,u,v,1,1,1,COMPLETED,2020-04-01 00:00:23,"
                                        "2020-04-01 00:01:23,2020-04-01 01:01:23,3600,60\n"),
            "trace: error: zone: the date '2020-04-01 00:00:23' names no time zone; say in which "
            "zone the file's dates are, for example zone: America/Chicago");
}

TEST(Helios, RulesDecideAboutTimesThatAreMissing) {
  const std::string text =
      helios +
      "1,u,v,1,1,1,CANCELLED,2020-04-01 00:00:00,None,None,,0\n"            // never started
      "2,u,v,1,1,1,RUNNING,2020-04-01 00:00:00,2020-04-01 00:01:00,,,60\n"  // no end
      "3,u,v,1,1,1,COMPLETED,2020-04-01 00:00:00,2020-04-01 00:01:00,"
      "2020-04-01 00:00:30,,60\n"  // ends too early
      "4,u,v,1,1,1,STRANGE,2020-04-01 00:00:00,2020-04-01 00:01:00,"
      "2020-04-01 00:02:30,,60\n";  // end - start
  const Workload workload = read_text("helios", text, {}, "UTC");
  EXPECT_EQ(ids_of(workload), "4");
  EXPECT_EQ(workload.jobs[0].run_s, 90.0);
  EXPECT_EQ(skipped(workload, "missing_start"), 1U);
  EXPECT_EQ(skipped(workload, "missing_end"), 1U);
  EXPECT_EQ(skipped(workload, "negative_duration"), 1U);
  EXPECT_EQ(adjusted(workload, "unknown_state"), 1U);
  EXPECT_EQ(
      fault_of("helios", text,
               {{"missing_start", "error"}, {"missing_end", "error"}, {"unknown_state", "error"}},
               "UTC"),
      "trace:2:43: error: start_time: the job never started (rule missing_start: skip would "
      "accept the file)\n"
      "trace:3:61: error: end_time: the job has no end (rule missing_end: skip would accept "
      "the file)\n"
      "trace:5:13: error: state: is no state of a job (rule unknown_state: keep would accept "
      "the file)");
}

TEST(Helios, DuplicateIdsAreDecidedByARule) {
  const auto row = [](const char* id, const char* hour) {
    return std::string(id) + ",u,v,1,1,1,COMPLETED,2020-04-01 0" + hour + ":00:00,2020-04-01 0" +
           hour + ":00:00,,60,0\n";
  };
  const std::string text = helios + row("5", "3") + row("5", "1") + row("6", "2") + row("5", "4");
  EXPECT_EQ(fault_of("helios", text, {}, "UTC"),
            "trace:2: error: job id '5' is used 3 times (also in line 3) (rule "
            "duplicate_ids: keep_first or keep_last or renumber would accept the file)");
  const Workload first = read_text("helios", text, {{"duplicate_ids", "keep_first"}}, "UTC");
  EXPECT_EQ(ids_of(first), "5 6");
  EXPECT_EQ(skipped(first, "duplicate_ids"), 2U);
  EXPECT_EQ(ids_of(read_text("helios", text, {{"duplicate_ids", "keep_last"}}, "UTC")), "6 5");
  const Workload fresh = read_text("helios", text, {{"duplicate_ids", "renumber"}}, "UTC");
  EXPECT_EQ(ids_of(fresh), "5 6 7 8");
  EXPECT_EQ(adjusted(fresh, "duplicate_ids"), 2U);
  const std::string words =
      helios + row("a", "3") + row("a", "1") + row("a#2", "2") + row("a", "4");
  EXPECT_EQ(ids_of(read_text("helios", words, {{"duplicate_ids", "renumber"}}, "UTC")),
            "a a#2 a#2# a#3");
}

TEST(Acme, ReadsSerenAndKalos) {
  const std::string seren =
      "job_id,user,node_num,gpu_num,cpu_num,type,state,submit_time,start_time,end_time,duration,"
      "queue,gpu_time\n"
      "dlctk696s0jbvitv,uf794,1,8,32,Pretrain,COMPLETED,2023-03-01 00:00:05+08:00,"
      "2023-03-01 00:00:08+08:00,2023-03-01 00:01:08+08:00,60,3,480\n";
  const Workload workload = read_text("auto", seren);
  EXPECT_EQ(workload.reports[0].format, "acme");
  EXPECT_TRUE(workload.ids_are_text);
  EXPECT_EQ(ids_of(workload), "dlctk696s0jbvitv");
  EXPECT_EQ(workload.origin_unix_s, 1677600005);
  EXPECT_EQ(workload.jobs[0].start_s, 3.0);
  EXPECT_EQ(workload.jobs[0].gpu_milli, 8000U);
  EXPECT_EQ(workload.queues[workload.jobs[0].queue], "Pretrain");
  const std::string kalos =
      "job_id,user,node_num,gpu_num,cpu_num,mem_per_pod_GB,shared_mem_per_pod,type,state,"
      "submit_time,start_time,end_time,fail_time,stop_time,duration,queue,gpu_time\n"
      "k1,u,2,16,64,900,100,Evaluation,FAILED,2023-05-17 11:00:58+00:00,2023-05-17 11:01:08+00:00,"
      "2023-05-17 11:02:08+00:00,,,60,10,960\n";
  const Workload other = read_text("auto", kalos);
  EXPECT_EQ(other.reports[0].format, "acme");
  EXPECT_EQ(other.jobs[0].state, TraceState::failed);
  EXPECT_EQ(other.jobs[0].nodes, 2U);
  EXPECT_EQ(other.jobs[0].gpu_milli, 16'000U);
}

}  // namespace
}  // namespace nightwatt
