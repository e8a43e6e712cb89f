#include "analysis/export.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "analysis/output_text.hpp"
#include "tests/support/cluster.hpp"
#include "tests/unit/timeline/sample_result.hpp"
#include "traces/diagnostics.hpp"

namespace nightwatt {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;
using testing::UnorderedElementsAre;

std::vector<std::string> lines_of(const fs::path& path) {
  std::istringstream text(sample::bytes_of(path));
  std::vector<std::string> lines;
  for (std::string line; std::getline(text, line);) lines.push_back(line);
  return lines;
}

TEST(CsvRow, QuotesWhatNeedsIt) {
  EXPECT_EQ(csv_row({"a", "b c", "d,e", "say \"hi\"", "two\nlines", ""}),
            "a,b c,\"d,e\",\"say \"\"hi\"\"\",\"two\nlines\",\n");
  EXPECT_EQ(csv_number(0.1), "0.1");
  EXPECT_EQ(csv_number(unknown), "");
}

class Export : public testing::Test {
 protected:
  Export() { write_timeline(sample::by_hand()->result, folder_.path() / "run.h5"); }
  [[nodiscard]] TimelineFile file() const { return read_timeline(folder_.path() / "run.h5"); }
  sample::TemporaryFolder folder_;
};

TEST_F(Export, CsvFiles) {
  const fs::path out = folder_.path() / "csv";
  const auto names = export_timeline(file(), ExportForm::csv, out);
  EXPECT_THAT(names,
              UnorderedElementsAre("jobs.csv", "sites.csv", "totals.csv", "partitions.csv",
                                   "summary.csv", "inputs.csv", "events.csv", "scenario.yaml"));
  const auto jobs = lines_of(out / "jobs.csv");
  ASSERT_EQ(jobs.size(), 6U);
  EXPECT_THAT(jobs[0], testing::StartsWith("job_id,submit_time_s,eligible_time_s,start_time_s,"));
  // Names for indices, words for codes, nothing for what never was.
  EXPECT_THAT(jobs[1], testing::StartsWith("100,0,60,100,3700,100,1800,60,40,3600,3600,3600,"));
  EXPECT_THAT(jobs[1], HasSubstr(",dallas,,gpu,v100,zeta,normal,"));
  EXPECT_THAT(jobs[2], HasSubstr(",killed_at_limit,timeout,"));
  EXPECT_THAT(jobs[3], HasSubstr("102,20,,,,,0,,,0,,0,,"));
  const auto sites = lines_of(out / "sites.csv");
  EXPECT_EQ(sites.size(), 1U + 2 * 5);
  EXPECT_THAT(sites[1], testing::StartsWith("dallas,0,1000,2000,,4000,"));
  EXPECT_THAT(lines_of(out / "totals.csv"), testing::Contains("dallas,file,peak_it_power_w,7.5"));
  EXPECT_THAT(lines_of(out / "summary.csv"), testing::Contains("batch,jobs_it_energy_j,1.5"));
  EXPECT_THAT(lines_of(out / "events.csv"),
              testing::ElementsAre("time_s,job,event,reason", "60,0,start,fits",
                                   "70,,wake,asked for", "80,1,start,fits"));
}

TEST_F(Export, BatsimByHand) {
  // Job 1 runs from 0 to 60 s, job 2 waits for it and runs until 120 s, on one GPU of 50 W idle
  // and 250 W busy; job 3 comes at 200 s and runs 50 s. Charged until 400 s.
  test::Cluster c(1, 1);
  c.setup.period_end_s = 400;
  c.job(0, 60, 1);
  c.job(0, 60, 1);
  c.job(200, 50, 1);
  write_timeline(c.run(), folder_.path() / "hand.h5");
  const fs::path out = folder_.path() / "batsim";
  const TimelineFile file_of_jobs = read_timeline(folder_.path() / "hand.h5");
  const auto names = export_timeline(file_of_jobs, ExportForm::batsim, out);
  EXPECT_EQ(names, (std::vector<std::string>{"jobs.csv", "schedule.csv"}));
  const auto jobs = lines_of(out / "jobs.csv");
  ASSERT_EQ(jobs.size(), 4U);
  EXPECT_EQ(jobs[0],
            "job_id,workload_name,profile,submission_time,requested_number_of_resources,"
            "requested_time,success,final_state,starting_time,execution_time,finish_time,"
            "waiting_time,turnaround_time,stretch,allocated_resources,consumed_energy,metadata");
  const std::string energy_j = csv_number(file_of_jobs.jobs_double("it_energy_j")[1]);
  EXPECT_NEAR(std::stod(energy_j), 15000, 1e-9);
  EXPECT_EQ(jobs[2],
            "2,w0,default,0,1,,1,COMPLETED_SUCCESSFULLY,60,60,120,60,120,2,," + energy_j + ",");
  EXPECT_THAT(jobs[3], testing::StartsWith(
                           "3,w0,default,200,1,,1,COMPLETED_SUCCESSFULLY,200,50,250,0,50,1,,"));
  const auto schedule = lines_of(out / "schedule.csv");
  ASSERT_EQ(schedule.size(), 2U);
  EXPECT_THAT(schedule[0], testing::StartsWith("batsim_version,consumed_joules,makespan,"));
  // 170 s at 250 W and 80 s at 50 W from the first submission to the last end.
  EXPECT_NEAR(std::stod(schedule[1].substr(schedule[1].find(',') + 1)), 46500, 1e-6);
  EXPECT_THAT(schedule[1], HasSubstr(",250,2,120,60,"));
  EXPECT_THAT(schedule[1], testing::EndsWith(",1,0,3,3,0,0,3,0,1,170,80,0,0,0,0"));
}

TEST_F(Export, AFolderWithSomethingInItStaysAsItIs) {
  const fs::path out = folder_.path() / "full";
  fs::create_directory(out);
  std::ofstream(out / "jobs.csv") << "mine";
  try {
    (void)export_timeline(file(), ExportForm::csv, out);
    ADD_FAILURE() << "no error";
  } catch (const InputError& error) {
    EXPECT_THAT(error.what(), HasSubstr("full: error: output: the folder is not empty"));
  }
  EXPECT_EQ(sample::bytes_of(out / "jobs.csv"), "mine");
  EXPECT_EQ(lines_of(out / "jobs.csv").size(), 1U);
  EXPECT_THROW((void)export_timeline(file(), ExportForm::csv, folder_.path() / "run.h5"),
               InputError);
  EXPECT_THROW((void)export_timeline(file(), ExportForm::csv, folder_.path() / "no" / "parent"),
               InputError);
}

TEST_F(Export, AnEmptyFolderWillDo) {
  const fs::path out = folder_.path() / "empty";
  fs::create_directory(out);
  EXPECT_EQ(export_timeline(file(), ExportForm::batsim, out).size(), 2U);
}

TEST_F(Export, InterruptedItLeavesNothing) {
  const fs::path out = folder_.path() / "cut";
  int asked = 0;
  EXPECT_THROW((void)export_timeline(file(), ExportForm::csv, out, [&] { return ++asked > 2; }),
               WriteInterrupted);
  EXPECT_FALSE(fs::exists(out));
}

}  // namespace
}  // namespace nightwatt
