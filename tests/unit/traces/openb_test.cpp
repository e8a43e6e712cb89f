#include <gtest/gtest.h>

#include "tests/unit/traces/read_text.hpp"

namespace nightwatt::testing {
namespace {

const std::string header =
    "name,cpu_milli,memory_mib,num_gpu,gpu_milli,gpu_spec,qos,pod_phase,creation_time,"
    "deletion_time,scheduled_time\n";

Workload read(const std::string& rows, const Rules& rules = {}) {
  return read_text("openb", header + rows, rules);
}
std::string fault(const std::string& rows, const Rules& rules = {}) {
  return fault_of("openb", header + rows, rules);
}

TEST(Openb, ReadsSharesAndWholeGpus) {
  const Workload w = read(
      "pod-a,12000,16384,1,1000,,LS,Running,0,12537496,0\n"
      "pod-b,6001,12288,1,460,V100M16|V100M32,BE,Succeeded,100,400,150\n"
      "pod-c,96000,786432,8,1000,,BE,Failed,200,1400,200\n");
  ASSERT_EQ(w.jobs.size(), 3U);
  EXPECT_FALSE(w.origin_unix_s.has_value());
  const Job& a = job_of(w, "pod-a");
  EXPECT_EQ(a.gpu_milli, 1000U);
  EXPECT_EQ(a.submit_s, 0.0);
  EXPECT_EQ(a.start_s, 0.0);
  EXPECT_EQ(a.run_s, 12537496.0);
  EXPECT_EQ(a.cores, 12U);
  EXPECT_EQ(a.nodes, 1U);
  EXPECT_EQ(a.pieces, 1U);
  EXPECT_EQ(a.gpu_type, -1);
  EXPECT_EQ(a.row, 2U);
  EXPECT_EQ(a.state, TraceState::running);
  EXPECT_EQ(w.queues[a.queue], "LS");
  const Job& b = job_of(w, "pod-b");
  EXPECT_EQ(b.gpu_milli, 460U);
  EXPECT_EQ(b.start_s - b.submit_s, 50.0);
  EXPECT_EQ(b.run_s, 250.0);
  EXPECT_EQ(b.cores, 7U) << "6.001 cores need seven";
  EXPECT_EQ(w.gpu_types[b.gpu_type], "V100M16|V100M32");
  EXPECT_EQ(b.state, TraceState::completed);
  EXPECT_EQ(job_of(w, "pod-c").gpu_milli, 8000U);
  EXPECT_EQ(job_of(w, "pod-c").state, TraceState::failed);
  EXPECT_TRUE(std::isnan(a.limit_s));
  EXPECT_EQ(w.reports.front().rows, 3U);
  EXPECT_TRUE(w.reports.front().skipped.empty());
}

TEST(Openb, PendingPodsAreLeftOutOrRefused) {
  const std::string rows =
      "pod-a,1000,1,1,500,,LS,Pending,10,50,\n"
      "pod-b,1000,1,1,500,,LS,Running,10,50,20\n";
  const Workload w = read(rows);
  EXPECT_EQ(ids_of(w), "pod-b");
  EXPECT_EQ(w.reports.front().rows, 2U);
  EXPECT_EQ(skipped(w, "missing_start"), 1U);
  EXPECT_EQ(fault(rows, {{"missing_start", "error"}}),
            "trace:2:38: error: scheduled_time: is empty, the pod never started (rule "
            "missing_start: skip would accept the file)");
}

TEST(Openb, MissingEndAndSubmit) {
  const std::string rows =
      "pod-a,1000,1,1,500,,LS,Running,10,,20\n"
      "pod-b,1000,1,1,500,,LS,Running,,50,20\n"
      "pod-c,1000,1,1,500,,LS,Running,10,50,20\n";
  const Workload w = read(rows, {{"missing_submit", "skip"}});
  EXPECT_EQ(ids_of(w), "pod-c");
  EXPECT_EQ(skipped(w, "missing_end"), 1U);
  EXPECT_EQ(skipped(w, "missing_submit"), 1U);
  EXPECT_EQ(fault(rows, {{"missing_end", "error"}}),
            "trace:2:35: error: deletion_time: is empty, the pod has no end (rule missing_end: "
            "skip would accept the file)\n"
            "trace:3:32: error: creation_time: is empty (rule missing_submit: skip would accept "
            "the file)");
}

TEST(Openb, PodsWithoutGpu) {
  const std::string rows =
      "cpu,2500,1,0,0,,LS,Running,10,50,20\n"
      "gpu,1000,1,1,500,,LS,Running,10,50,20\n";
  Workload w = read(rows);
  EXPECT_EQ(ids_of(w), "gpu");
  EXPECT_EQ(skipped(w, "no_gpus"), 1U);
  w = read(rows, {{"no_gpus", "keep"}});
  EXPECT_EQ(ids_of(w), "cpu gpu");
  EXPECT_EQ(job_of(w, "cpu").cores, 3U);
  EXPECT_NE(fault(rows, {{"no_gpus", "error"}}).find("no GPU"), std::string::npos);
}

TEST(Openb, NegativeRunTimes) {
  const std::string rows = "a,1000,1,1,500,,LS,Failed,10,15,20\nb,0,1,1,500,,LS,Failed,10,50,20\n";
  Workload w = read(rows);
  EXPECT_EQ(ids_of(w), "b");
  EXPECT_EQ(skipped(w, "negative_duration"), 1U);
  w = read(rows, {{"negative_duration", "zero"}});
  EXPECT_EQ(job_of(w, "a").run_s, 0.0);
  EXPECT_EQ(adjusted(w, "negative_duration"), 1U);
  EXPECT_NE(fault(rows, {{"negative_duration", "error"}}).find("trace:2"), std::string::npos);
}

TEST(Openb, SaysWhatIsWrongWithAField) {
  EXPECT_EQ(fault("a,1000,1,1,1001,,LS,Failed,10,50,20\n"
                  "b,1000,1,2,500,,LS,Failed,10,50,20\n"
                  "c,-5,1,1,500,,LS,Failed,ten,50,20\n"
                  "d,1000,1,99999999999,500,,LS,Failed,10,50,20\n"
                  "e,1000\n"),
            "trace:2:12: error: gpu_milli: expected a whole number from 1 to 1000, got '1001'\n"
            "trace:3:12: error: gpu_milli: expected 1000 where num_gpu is above 1, got '500'\n"
            "trace:4:25: error: creation_time: expected seconds, got 'ten'\n"
            "trace:4:3: error: cpu_milli: expected a whole number from 0 to 2000000000, got '-5'\n"
            "trace:5:10: error: num_gpu: expected a whole number from 0 to 4000000, got "
            "'99999999999'\n"
            "trace:6:7: error: expected 11 fields, got 2");
  EXPECT_EQ(fault_of("openb", "name,num_gpu,gpu_mili,creation_time,deletion_time,scheduled_time\n"),
            "trace:1: error: gpu_milli: the header has no such column; did you mean 'gpu_mili'?");
}

TEST(Openb, PhasesThatNobodyKnows) {
  const std::string row = "a,0,1,1,500,,LS,Evicted,10,50,20\n";
  EXPECT_EQ(read(row).jobs.at(0).state, TraceState::unknown);
  EXPECT_EQ(adjusted(read(row), "unknown_state"), 1U);
  EXPECT_NE(fault(row, {{"unknown_state", "error"}}).find("trace:2:17: error: pod_phase"),
            std::string::npos);
}

TEST(Openb, DuplicateNames) {
  const std::string rows = "a,0,1,1,500,,LS,Failed,10,50,20\na,0,1,1,500,,LS,Failed,11,50,20\n";
  EXPECT_NE(fault(rows).find("job id 'a' is used twice"), std::string::npos);
  EXPECT_EQ(read(rows, {{"duplicate_ids", "keep_last"}}).jobs.at(0).submit_s, 11.0);
}

TEST(Openb, IsRecognised) {
  EXPECT_EQ(read_text("auto", header + "a,0,1,1,500,,LS,Failed,10,50,20\n").reports.front().format,
            "openb");
}

// Figures of the file itself, taken from it with a short Python script (csv module); the counts
// and means of the scheduled pods also stand in the trace's own description.
TEST(Openb, RealFile) {
  ReadRequest request;
  request.path = NIGHTWATT_SOURCE_DIR "/traces/samples/openb_pod_list_default.csv";
  Workload w = read_workload(request);
  EXPECT_EQ(w.reports.front().rows, 8152U);
  EXPECT_EQ(skipped(w, "missing_start"), 897U);
  EXPECT_EQ(skipped(w, "no_gpus"), 1052U);
  EXPECT_EQ(w.jobs.size(), 6203U);
  EXPECT_NEAR(gpu_seconds(w), 185294426.970, 1e-3) << "51,470.67 GPU-hours";
  EXPECT_EQ(w.queues.size(), 4U);

  request.rules = {{"no_gpus", "keep"}};
  w = read_workload(request);
  ASSERT_EQ(w.jobs.size(), 7255U);
  double run_s = 0.0, wait_s = 0.0;
  for (const Job& job : w.jobs) {
    run_s += job.run_s;
    wait_s += job.start_s - job.submit_s;
  }
  EXPECT_EQ(run_s, 210028342.0) << "mean 28,949 s";
  EXPECT_EQ(wait_s, 444748.0) << "mean 61.3 s";
  EXPECT_EQ(w.jobs.front().submit_s, 0.0) << "the 58 early pods stay";
  EXPECT_EQ(std::count_if(w.jobs.begin(), w.jobs.end(),
                          [](const Job& job) { return job.submit_s < 10.0e6; }),
            58);
}

}  // namespace
}  // namespace nightwatt::testing
