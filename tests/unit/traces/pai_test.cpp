#include <gtest/gtest.h>

#include <cmath>

#include "tests/unit/traces/read_text.hpp"

namespace nightwatt::testing {
namespace {

constexpr const char* job_header = "job_name,inst_id,user,status,start_time,end_time\n";
constexpr const char* task_header =
    "job_name,task_name,inst_num,status,start_time,end_time,plan_cpu,plan_mem,plan_gpu,gpu_type\n";

Workload read(std::string_view jobs, std::string_view tasks, const Rules& rules = {},
              const std::string& format = "pai") {
  const TemporaryFile file("tasks.csv", tasks);
  ReadRequest request;
  request.path = "jobs";
  request.tasks_path = "tasks";
  request.resolved_tasks_path = file.path();
  request.format = format;
  request.rules = rules;
  Input input = Input::from_memory("jobs", jobs);
  return read_workload(request, input);
}

std::string fault(std::string_view jobs, std::string_view tasks, const Rules& rules = {}) {
  try {
    read(jobs, tasks, rules);
  } catch (const InputError& error) {
    return error.what();
  }
  return "";
}

/// Job `a`, submitted at 100 s.
const std::string job_a = "a,i1,u1,Terminated,100.0,500.0\n";
/// The usual other job, so that a file never ends up empty.
const std::string job_z = "z,i2,u2,Failed,900,1000\n";
const std::string task_z = "z,tensorflow,1.0,Failed,900.0,1000.0,600.0,29.3,100.0,T4\n";

TEST(Pai, ReadsAShareOfAGpu) {
  const Workload w = read("4b3f04b6,8cb3bec2,58540f19,Terminated,4550879.0,4551416.0\n",
                          "4b3f04b6,tensorflow,1.0,Terminated,4550939.0,4551416.0,600.0,29.296875,"
                          "50.0,MISC\n");
  ASSERT_EQ(w.jobs.size(), 1U);
  const Job& job = w.jobs[0];
  EXPECT_EQ(w.id_text(job), "4b3f04b6");
  EXPECT_EQ(w.origin_unix_s, 0);
  EXPECT_EQ(job.submit_s, 4550879.0);
  EXPECT_EQ(job.start_s - job.submit_s, 60.0);
  EXPECT_EQ(job.run_s, 477.0);
  EXPECT_EQ(job.gpu_milli, 500U);
  EXPECT_EQ(job.pieces, 1U);
  EXPECT_EQ(job.nodes, 0U);
  EXPECT_EQ(job.cores, 6U);
  EXPECT_EQ(w.gpu_types[job.gpu_type], "MISC");
  EXPECT_EQ(w.users[job.user], "58540f19");
  EXPECT_EQ(job.queue, -1);
  EXPECT_EQ(job.state, TraceState::completed);
  EXPECT_EQ(job.row, 1U);
  ASSERT_EQ(w.reports.size(), 2U);
  EXPECT_EQ(w.reports[0].path, "jobs");
  EXPECT_EQ(w.reports[0].rows, 1U);
  EXPECT_EQ(w.reports[1].path, "tasks");
  EXPECT_EQ(w.reports[1].rows, 1U);
  EXPECT_EQ(w.reports[1].sha256.size(), 64U);
  EXPECT_EQ(w.reports[0].notes.size(), 2U);
  EXPECT_TRUE(w.reports[0].adjusted.empty());
}

TEST(Pai, HeaderLinesMayStandThere) {
  // Columns in another order, as somebody's export may have them.
  const Workload w =
      read("user,job_name,inst_id,status,start_time,end_time\nu,a,i,Failed,10,90\n",
           "gpu_type,plan_gpu,plan_mem,plan_cpu,end_time,start_time,status,inst_num,task_name,"
           "job_name\nV100,800,10,50,80,20,Failed,2,worker,a\n");
  EXPECT_EQ(w.jobs.at(0).gpu_milli, 16'000U);
  EXPECT_EQ(w.jobs[0].pieces, 2U);
  EXPECT_EQ(w.jobs[0].run_s, 60.0);
  EXPECT_EQ(w.jobs[0].cores, 1U);
  EXPECT_EQ(w.jobs[0].row, 2U);
  EXPECT_EQ(w.reports[1].rows, 1U);
}

// As the trace is handed out. The two files were made for this test, with tar and gzip.
TEST(Pai, ArchivesMayStandThere) {
  ReadRequest request;
  request.path = NIGHTWATT_TEST_DATA "/pai/pai_job_table.tar.gz";
  request.tasks_path = NIGHTWATT_TEST_DATA "/pai/pai_task_table.tar.gz";
  const Workload w = read_workload(request);
  EXPECT_EQ(w.reports.at(0).format, "pai");
  EXPECT_EQ(w.jobs.at(0).gpu_milli, 2000U);
  EXPECT_EQ(w.jobs[0].cores, 22U);
}

// A parameter server without GPU, 4 workers with half a GPU each: the example of the trace's own
// description, with more workers.
TEST(Pai, ParameterServersBringCoresOnly) {
  const Workload w = read(job_a,
                          "a,ps,1,Terminated,90,600,600,10,0,CPU\n"
                          "a,worker,4,Terminated,150,450,400,10,50,P100\n");
  const Job& job = w.jobs.at(0);
  EXPECT_EQ(job.gpu_milli, 2000U);
  EXPECT_EQ(job.pieces, 4U);
  EXPECT_EQ(job.start_s, 150.0);
  EXPECT_EQ(job.run_s, 300.0);
  EXPECT_EQ(job.cores, 22U);
  EXPECT_EQ(adjusted(w, "several_tasks"), 0U);
}

// Chief and 3 workers with one P100 each, not at the same times.
TEST(Pai, GangsAndSplitJobs) {
  const std::string tasks = "a,chief,1,Terminated,120,450,100,10,100,P100\n" + task_z +
                            "a,worker,3,Terminated,150,480,200,10,100,P100\n";
  Workload w = read(job_a + job_z, tasks);
  EXPECT_EQ(ids_of(w), "a z");
  EXPECT_EQ(job_of(w, "a").gpu_milli, 4000U);
  EXPECT_EQ(job_of(w, "a").pieces, 4U);
  EXPECT_EQ(job_of(w, "a").start_s, 120.0);
  EXPECT_EQ(job_of(w, "a").run_s, 360.0);
  EXPECT_EQ(job_of(w, "a").cores, 7U);
  EXPECT_EQ(adjusted(w, "several_tasks"), 1U);

  w = read(job_a + job_z, tasks, {{"several_tasks", "split"}});
  EXPECT_EQ(ids_of(w), "a/chief a/worker z");
  EXPECT_EQ(job_of(w, "a/chief").run_s, 330.0);
  EXPECT_EQ(job_of(w, "a/worker").gpu_milli, 3000U);
  EXPECT_EQ(job_of(w, "a/worker").pieces, 3U);
  EXPECT_EQ(job_of(w, "a/worker").submit_s, 100.0);
  EXPECT_EQ(job_of(w, "a/worker").cores, 6U);
  EXPECT_EQ(adjusted(w, "several_tasks"), 1U);

  w = read(job_a + job_z, tasks, {{"several_tasks", "skip"}});
  EXPECT_EQ(ids_of(w), "z");
  EXPECT_EQ(skipped(w, "several_tasks"), 1U);
  EXPECT_EQ(fault(job_a + job_z, tasks, {{"several_tasks", "error"}}),
            "jobs:1: error: job_name: the job has several tasks with GPUs (rule several_tasks: "
            "gang or split or skip would accept the file)");
}

TEST(Pai, UnequalGangs) {
  for (const std::string other : {"200,P100", "100,T4"}) {
    const std::string tasks = task_z + "a,chief,1,Terminated,120,450,100,10,100,P100\n" +
                              "a,worker,3,Terminated,150,480,200,10," + other + "\n";
    Workload w = read(job_a + job_z, tasks);
    EXPECT_EQ(ids_of(w), "a/chief a/worker z");
    EXPECT_EQ(adjusted(w, "unequal_tasks"), 1U);
    w = read(job_a + job_z, tasks, {{"unequal_tasks", "skip"}});
    EXPECT_EQ(ids_of(w), "z");
    EXPECT_EQ(skipped(w, "unequal_tasks"), 1U);
    EXPECT_EQ(fault(job_a + job_z, tasks, {{"unequal_tasks", "error"}}),
              "jobs:1: error: job_name: the instances of the job's tasks differ in plan_gpu or "
              "gpu_type (rule unequal_tasks: split or skip would accept the file)");
  }
}

TEST(Pai, JobsWithoutTasksAndTasksWithoutJob) {
  const std::string tasks = task_z + "b,worker,1,Terminated,150,450,400,10,50,P100\n";
  const Workload w = read(job_a + job_z, tasks);
  EXPECT_EQ(ids_of(w), "z");
  EXPECT_EQ(skipped(w, "no_tasks"), 1U);
  EXPECT_EQ(skipped(w, "unknown_job"), 1U);
  EXPECT_EQ(fault(job_a + job_z, tasks, {{"no_tasks", "error"}, {"unknown_job", "error"}}),
            "tasks:2:1: error: job_name: the job table has no such job (rule unknown_job: skip "
            "would accept the file)\n"
            "jobs:1: error: job_name: the task table has no task of this job (rule no_tasks: skip "
            "would accept the file)");
}

TEST(Pai, MissingTimes) {
  const std::string whole = "a,w1,1,Terminated,150,450,400,10,50,P100\n";
  for (const std::string none : {"", "0", "0.0"}) {
    const std::string waiting = task_z + whole + "a,w2,1,Waiting," + none + ",,400,10,50,P100\n";
    Workload w = read(job_a + job_z, waiting);
    EXPECT_EQ(job_of(w, "a").gpu_milli, 500U);
    EXPECT_EQ(adjusted(w, "missing_start"), 1U);
    w = read(job_a + job_z, waiting, {{"missing_start", "skip"}});
    EXPECT_EQ(ids_of(w), "z");
    EXPECT_EQ(skipped(w, "missing_start"), 1U);
    EXPECT_EQ(fault(job_a + job_z, waiting, {{"missing_start", "error"}}),
              "tasks:3: error: start_time: a task of the job never started (rule missing_start: "
              "drop or skip would accept the file)");

    const std::string running = task_z + whole + "a,w2,1,Running,200," + none + ",400,10,50,P100\n";
    w = read(job_a + job_z, running);
    EXPECT_EQ(ids_of(w), "z");
    EXPECT_EQ(skipped(w, "missing_end"), 1U);
    w = read(job_a + job_z, running, {{"missing_end", "drop"}});
    EXPECT_EQ(job_of(w, "a").gpu_milli, 500U);
    EXPECT_EQ(fault(job_a + job_z, running, {{"missing_end", "error"}}),
              "tasks:3: error: end_time: a task of the job has no end (rule missing_end: skip or "
              "drop would accept the file)");
  }
  // Nothing of the job is left.
  const Workload w = read(job_a + job_z, task_z + "a,w,1,Waiting,,,400,10,50,P100\n");
  EXPECT_EQ(ids_of(w), "z");
  EXPECT_EQ(skipped(w, "missing_start"), 1U);
  // No submit time.
  const std::string unsubmitted = "a,i,u,Waiting,,\n" + job_z;
  EXPECT_EQ(ids_of(read(unsubmitted, task_z)), "z");
  EXPECT_EQ(skipped(read(unsubmitted, task_z), "missing_submit"), 1U);
  EXPECT_EQ(fault(unsubmitted, task_z, {{"missing_submit", "error"}}),
            "jobs:1:15: error: start_time: is empty or 0 (rule missing_submit: skip would accept "
            "the file)");
}

TEST(Pai, GpusThatAreNoWholeNumber) {
  const auto with = [](const std::string& gpu, const Rules& rules = {}) {
    return read(job_a, "a,w,2,Terminated,150,450,400,10," + gpu + ",P100\n", rules);
  };
  EXPECT_EQ(with("150").jobs.at(0).gpu_milli, 4000U) << "two instances of 2 GPUs";
  EXPECT_EQ(adjusted(with("150"), "mixed_gpus"), 1U);
  EXPECT_EQ(with("150", {{"mixed_gpus", "keep"}}).jobs.at(0).gpu_milli, 3000U);
  EXPECT_EQ(with("300").jobs.at(0).gpu_milli, 6000U);
  EXPECT_EQ(adjusted(with("300"), "mixed_gpus"), 0U);
  EXPECT_EQ(with("33.333").jobs.at(0).gpu_milli, 666U);
  EXPECT_EQ(adjusted(with("33.333"), "fine_share"), 1U);
  EXPECT_EQ(with("0.001").jobs.at(0).gpu_milli, 2U) << "at least 1/1000";
  EXPECT_EQ(with("12.3").jobs.at(0).gpu_milli, 246U);
  EXPECT_EQ(adjusted(with("12.3"), "fine_share"), 0U);
  const auto message = [](const std::string& gpu, const Rules& rules) {
    return fault(job_a, "a,w,2,Terminated,150,450,400,10," + gpu + ",P100\n", rules);
  };
  EXPECT_EQ(message("150", {{"mixed_gpus", "error"}}),
            "tasks:1:33: error: plan_gpu: is above one GPU and no whole number of GPUs (rule "
            "mixed_gpus: round_up or keep would accept the file)");
  EXPECT_EQ(message("33.333", {{"fine_share", "error"}}),
            "tasks:1:33: error: plan_gpu: is no whole number of 1/1000 GPU (rule fine_share: "
            "nearest would accept the file)");
}

TEST(Pai, JobsWithoutGpu) {
  const std::string tasks = task_z + "a,w,3,Terminated,150,450,250,10,,CPU\n";
  Workload w = read(job_a + job_z, tasks);
  EXPECT_EQ(ids_of(w), "z");
  EXPECT_EQ(skipped(w, "no_gpus"), 1U);
  w = read(job_a + job_z, tasks, {{"no_gpus", "keep"}});
  EXPECT_EQ(job_of(w, "a").cores, 8U);
  EXPECT_EQ(job_of(w, "a").pieces, 3U);
  EXPECT_EQ(job_of(w, "a").run_s, 300.0);
  EXPECT_EQ(job_of(w, "a").gpu_type, -1);
}

TEST(Pai, StatesThatNobodyKnows) {
  const std::string job = "z,i2,u2,Interrupted,900,1000\n";
  EXPECT_EQ(read(job, task_z).jobs.at(0).state, TraceState::unknown);
  EXPECT_EQ(adjusted(read(job, task_z), "unknown_state"), 1U);
  EXPECT_EQ(fault(job, task_z, {{"unknown_state", "error"}}),
            "jobs:1:9: error: status: is no state of a job (rule unknown_state: keep would accept "
            "the file)");
}

TEST(Pai, NegativeAndDuplicate) {
  Workload w = read(job_a + job_z, task_z + "a,w,1,Failed,450,150,250,10,50,T4\n");
  EXPECT_EQ(ids_of(w), "z");
  EXPECT_EQ(skipped(w, "negative_duration"), 1U);
  EXPECT_NE(fault(job_a + job_a, "a,w,1,Failed,150,450,250,10,50,T4\n").find("used twice"),
            std::string::npos);
}

TEST(Pai, SaysWhatIsWrongWithAField) {
  EXPECT_EQ(fault("a,i,u,Failed,ten,20\n,i,u,Failed,10,20\nz,i,u,Failed\n" + job_z, task_z),
            "jobs:1:14: error: start_time: expected a number or nothing, got 'ten'\n"
            "jobs:2:1: error: job_name: expected the name of a job, got ''\n"
            "jobs:3:13: error: expected 6 fields, got 4");
  EXPECT_EQ(fault(job_z,
                  "z,w,0,Failed,900,1000,600,29,100,T4\n"
                  "z,w,1,Failed,900,1000,x,29,-5,T4\n"
                  "z,w,4000000,Failed,900,1000,1,29,200,T4\n"
                  "z,w,1,Failed,9e99,1000,1,29,200,T4\n"
                  "z,w\n"),
            "tasks:1:5: error: inst_num: expected a whole number from 1 to 4000000, got '0'\n"
            "tasks:2:28: error: plan_gpu: expected a percentage of one GPU, got '-5'\n"
            "tasks:2:23: error: plan_cpu: expected a number or nothing, got 'x'\n"
            "tasks:3:5: error: inst_num: expected a task of at most 4000000 GPUs in all, got "
            "'4000000'\n"
            "tasks:4:14: error: start_time: expected seconds, got '9e99'\n"
            "tasks:5:4: error: expected 10 fields, got 2");
  EXPECT_EQ(fault("job_name,inst_id,user,status,start_time,end_time,job_name\n" + job_z, task_z),
            "jobs:2:24: error: expected 7 fields, got 6");
  // Each task is fine, their sum is not.
  EXPECT_EQ(fault(job_z,
                  "z,w1,4000000,Failed,900,1000,1,29,100,T4\nz,w2,1,Failed,900,1000,1,29,100,T4\n"),
            "jobs:1: error: the tasks of the job ask for 4000001 GPUs and 40000 cores in 4000001 "
            "instances, expected at most 4000000, 2000000000 and 2000000000");
}

TEST(Pai, NeedsTheTaskTable) {
  EXPECT_EQ(fault_of("pai", job_a),
            "trace: error: the GPUs of PAI jobs are in a second file: give the task table (tasks: "
            "pai_task_table.csv)");
  ReadRequest request;
  request.path = "jobs";
  request.tasks_path = "no/such/file";
  request.format = "pai";
  Input input = Input::from_memory("jobs", job_a);
  try {
    read_workload(request, input);
    FAIL() << "a missing task table was accepted";
  } catch (const InputError& error) {
    EXPECT_NE(std::string(error.what()).find("no/such/file"), std::string::npos);
  }
}

TEST(Pai, IsRecognisedWithAndWithoutHeader) {
  EXPECT_EQ(read(job_z, task_z, {}, "auto").reports.front().format, "pai");
  EXPECT_EQ(read(job_header + job_z, task_header + task_z, {}, "auto").reports.front().format,
            "pai");
}

}  // namespace
}  // namespace nightwatt::testing
