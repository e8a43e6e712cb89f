#include "traces/reader.hpp"

#include <gtest/gtest.h>

#include <random>

#include "tests/unit/traces/read_text.hpp"

namespace nightwatt {
namespace {

using testing::fault_of;
using testing::ids_of;
using testing::read_text;
using testing::real_file;
using testing::TemporaryFile;

const std::string samples = NIGHTWATT_SOURCE_DIR "/traces/samples/";

ReadRequest request_for(const std::string& path) {
  ReadRequest request;
  request.path = path;
  return request;
}

ReadRequest eagle_request(const std::string& path) {
  ReadRequest request = request_for(path);
  request.zone = "America/Denver";
  request.columns.columns = {
      {"id", "job_id"},       {"submit", "submit_time"},   {"start", "start_time"},
      {"end", "end_time"},    {"run", "run_time"},         {"limit", "wallclock_req"},
      {"nodes", "nodes_req"}, {"cores", "processors_req"}, {"gpus", "gpus_req"},
      {"user", "user"},       {"queue", "partition"},      {"state", "state"}};
  return request;
}

ReadRequest chronus_request(const std::string& path) {
  ReadRequest request = request_for(path);
  request.columns.columns = {{"id", "job_id"},    {"submit", "submit_time"},
                             {"run", "duration"}, {"gpus", "num_gpu"},
                             {"user", "user"},    {"deadline", "expect_time_list"}};
  request.columns.time_unit = "min";
  request.columns.duration_unit = "min";
  request.columns.deadline_from = "submit";
  return request;
}

/// All that two workloads say, apart from where the jobs stand in their files.
bool same(const Workload& a, const Workload& b) {
  const auto equal = [](double x, double y) { return x == y || (std::isnan(x) && std::isnan(y)); };
  if (a.jobs.size() != b.jobs.size() || a.origin_unix_s != b.origin_unix_s ||
      a.ids_are_text != b.ids_are_text || a.users.texts() != b.users.texts() ||
      a.queues.texts() != b.queues.texts() || a.gpu_types.texts() != b.gpu_types.texts() ||
      a.text_ids.texts() != b.text_ids.texts() || a.dependencies.size() != b.dependencies.size()) {
    return false;
  }
  for (std::size_t i = 0; i < a.jobs.size(); ++i) {
    const Job& x = a.jobs[i];
    const Job& y = b.jobs[i];
    if (x.id != y.id || x.submit_s != y.submit_s || !equal(x.start_s, y.start_s) ||
        x.run_s != y.run_s || !equal(x.limit_s, y.limit_s) || !equal(x.deadline_s, y.deadline_s) ||
        x.gpu_milli != y.gpu_milli || x.cores != y.cores || x.nodes != y.nodes ||
        x.gpu_type != y.gpu_type || x.user != y.user || x.queue != y.queue || x.state != y.state ||
        !equal(x.utilization, y.utilization)) {
      return false;
    }
  }
  for (std::size_t i = 0; i < a.dependencies.size(); ++i) {
    const Dependency& x = a.dependencies[i];
    const Dependency& y = b.dependencies[i];
    if (x.job != y.job || x.on != y.on || x.think_s != y.think_s) return false;
  }
  return true;
}

/// The file's text with its data lines in another order.
std::string shuffled(const std::string& path, std::size_t header_lines, unsigned seed) {
  std::string text = Input::open(path, path).read_all();
  std::vector<std::string> lines;
  std::size_t begin = 0;
  while (begin < text.size()) {
    const std::size_t end = std::min(text.find('\n', begin), text.size());
    if (end > begin) lines.push_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  std::mt19937 random(seed);
  std::shuffle(lines.begin() + static_cast<std::ptrdiff_t>(header_lines), lines.end(), random);
  std::string out;
  for (const std::string& line : lines) out += line + "\n";
  return out;
}

void expect_shuffle_invariance(const ReadRequest& request, std::size_t header_lines) {
  const Workload in_order = read_workload(request);
  for (unsigned seed : {1U, 2U}) {
    const std::string text = shuffled(request.path, header_lines, seed);
    Input input = Input::from_memory("shuffled", text);
    EXPECT_TRUE(same(in_order, read_workload(request, input))) << request.path;
  }
}

TEST(ReadWorkload, TheOrderOfRowsDoesNotMatter) {
  expect_shuffle_invariance(request_for(samples + "philly_2017-09-04_2017-11-05.csv.gz"), 1);
  expect_shuffle_invariance(request_for(samples + "easy_mediumWL_smallPF.swf"), 0);
  expect_shuffle_invariance(eagle_request(samples + "sample_eagle_data.csv"), 1);
  expect_shuffle_invariance(chronus_request(samples + "trace_job_Philly_SLO.csv.gz"), 1);
}

/// Figures of tests/validation/trace_totals.py for the same file.
void expect_totals(const ReadRequest& request, std::size_t jobs, double gpu_hours,
                   double core_hours) {
  const Workload workload = read_workload(request);
  double gpu_s = 0;
  double core_s = 0;
  for (const Job& job : workload.jobs) {
    gpu_s += job.gpu_milli / 1000.0 * job.run_s;
    core_s += job.cores * job.run_s;
  }
  EXPECT_EQ(workload.jobs.size(), jobs) << request.path;
  EXPECT_NEAR(gpu_s / 3600, gpu_hours, 1e-9 * gpu_hours) << request.path;
  EXPECT_NEAR(core_s / 3600, core_hours, 1e-9 * core_hours) << request.path;
}

TEST(ReadWorkload, CountsWhatAnIndependentScriptCounts) {
  expect_totals(request_for(samples + "lublin_256.swf.gz"), 10'000, 581328.1022222223,
                581328.1022222223);
  expect_totals(request_for(samples + "easy_mediumWL_smallPF.swf"), 800, 71.21165388888889,
                71.21165388888889);
  expect_totals(request_for(samples + "philly_2017-09-04_2017-11-05.csv.gz"), 55'803,
                691623.6130555555, 0);
  expect_totals(chronus_request(samples + "trace_job_Philly_SLO.csv.gz"), 30'735, 368510.9166666667,
                0);
  expect_totals(eagle_request(samples + "sample_eagle_data.csv"), 1000, 10.135, 113557.3411111111);
}

TEST(ReadWorkload, ReadsTheWideLogOfMetaCentrum) {
  const std::string path = real_file("hpc-traces/wagap-2013.swf.gz");
  if (path.empty()) GTEST_SKIP() << "NIGHTWATT_DATA does not name the folder of traces";
  expect_totals(request_for(path), 17'898, 2679792.8405555557, 2679792.8405555557);
  const Workload workload = read_workload(request_for(path));
  EXPECT_EQ(workload.origin_unix_s, 1356996147);
  EXPECT_EQ(testing::skipped(workload, "negative_duration"), 2U);
  EXPECT_EQ(testing::adjusted(workload, "over_limit"), 702U);
  // Field 17 is 1 in every row: jobs that ran beside job 1 cannot have waited for it.
  EXPECT_EQ(testing::adjusted(workload, "contradicted_dependency"), 1112U);
  expect_shuffle_invariance(request_for(path), 0);
}

TEST(ReadWorkload, SortsBySubmissionAndId) {
  const std::string text =
      "10 5 -1 1 1 -1 -1 1 -1 -1 1 1 1 1 1 1 -1 -1\n"
      "9 5 -1 1 1 -1 -1 1 -1 -1 1 1 1 1 1 1 -1 -1\n"
      "-3 5 -1 1 1 -1 -1 1 -1 -1 1 1 1 1 1 1 -1 -1\n"
      "11 4 -1 1 1 -1 -1 1 -1 -1 1 1 1 1 1 1 -1 -1\n";
  EXPECT_EQ(ids_of(read_text("swf", text)), "11 -3 9 10");
}

TEST(ReadWorkload, IdsAreNumbersOnlyWhereAllOfThemAre) {
  const auto read = [](const std::string& ids) {
    ReadRequest request;
    request.path = "t";
    request.columns.columns = {{"id", "i"}, {"submit", "s"}, {"run", "r"}, {"gpus", "g"}};
    std::string text = "i,s,r,g\n";
    for (std::size_t at = 0; at < ids.size();) {
      const std::size_t end = std::min(ids.find(' ', at), ids.size());
      text += ids.substr(at, end - at) + ",0,1,1\n";
      at = end + 1;
    }
    Input input = Input::from_memory("t", text);
    return read_workload(request, input);
  };
  EXPECT_FALSE(read("10 9 -5").ids_are_text);
  EXPECT_EQ(ids_of(read("10 9 -5")), "-5 9 10");
  EXPECT_TRUE(read("10 9 a").ids_are_text);
  EXPECT_EQ(ids_of(read("10 9 a")), "10 9 a");
  for (const char* odd : {"007", "+1", "-0", "1.0", "9223372036854775808"}) {
    const Workload workload = read("10 " + std::string(odd));
    EXPECT_TRUE(workload.ids_are_text) << odd;
    EXPECT_EQ(workload.jobs.size(), 2U) << odd;
  }
  EXPECT_FALSE(read("9223372036854775807 -9223372036854775808").ids_are_text);
}

TEST(ReadWorkload, DependenciesFollowTheirJobs) {
  ReadRequest request;
  request.path = "t";
  request.columns.columns = {
      {"id", "i"}, {"submit", "s"}, {"run", "r"}, {"gpus", "g"}, {"depends_on", "d"}};
  const auto read = [&](std::string_view text) {
    Input input = Input::from_memory("t", text);
    return read_workload(request, input);
  };
  // Rows out of order, ids become text in the middle, one job is left out.
  const Workload workload =
      read("i,s,r,g,d\n3,30,1,1,1;2\n2,20,1,1,1 x\n1,10,1,1,\nx,5,1,1,\n4,40,-1,1,1\n5,50,1,1,4\n");
  ASSERT_EQ(ids_of(workload), "x 1 2 3 5");
  std::string found;
  for (const Dependency& one : workload.dependencies) {
    found += workload.id_text(workload.jobs[one.job]) + "<" +
             workload.id_text(workload.jobs[one.on]) + " ";
  }
  EXPECT_EQ(found, "2<x 2<1 3<1 3<2 ");
  EXPECT_EQ(testing::adjusted(workload, "missing_dependency"), 1U);
  request.rules = {{"missing_dependency", "error"}};
  EXPECT_THROW(read("i,s,r,g,d\n5,50,1,1,4\n"), InputError);
  try {
    read("i,s,r,g,d\n5,50,1,1,4\n");
  } catch (const InputError& error) {
    EXPECT_STREQ(error.what(),
                 "t:2:10: error: the job waits for job '4', which is not among the jobs read (rule "
                 "missing_dependency: ignore would accept the file)");
  }
}

TEST(ReadWorkload, ReportsTheFile) {
  const Workload workload = read_workload(request_for(samples + "easy_mediumWL_smallPF.swf"));
  ASSERT_EQ(workload.reports.size(), 1U);
  EXPECT_EQ(workload.reports[0].path, samples + "easy_mediumWL_smallPF.swf");
  EXPECT_EQ(workload.reports[0].format, "swf");
  EXPECT_EQ(workload.reports[0].rows, 800U);
  // sha256sum easy_mediumWL_smallPF.swf
  EXPECT_EQ(workload.reports[0].sha256,
            "463d46c4cdf9a94548034491c6e10335b34311d6f803179024e9edb87ec83ea6");
}

TEST(ReadWorkload, RefusesWhatIsNoTrace) {
  EXPECT_EQ(
      fault_of("auto", "hello,world\n1,2\n"),
      "trace: error: format: the content is none of the workload formats that were tried "
      "(acme, batsim-json, helios, openb, pai, philly-csv, philly-json, sacct, swf); it begins "
      "with 'hello,world'. Name the format, or use format csv with a column map");
  EXPECT_NE(fault_of("auto", ""), "");
  EXPECT_EQ(fault_of("phily-csv", "x"),
            "error: format: unknown workload format 'phily-csv'; did you mean 'philly-csv'?");
  EXPECT_EQ(fault_of("parquet", "x"),
            "error: format: unknown workload format 'parquet'; known are acme, batsim-json, csv, "
            "helios, openb, pai, philly-csv, philly-json, sacct, swf");
  EXPECT_EQ(fault_of("swf", "; Version: 2\n"), "trace: error: the file holds no job");
}

TEST(ReadWorkload, ShowsFaultsThatCameBeforeTheOneThatEndsTheReading) {
  using namespace std::string_literals;
  EXPECT_EQ(fault_of("swf", "1 2 x 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18\n1\0\n"s),
            "trace:1:5: error: wait time: expected a number, got 'x'\n"
            "trace:2:2: error: NUL byte: this is not a text file");
}

TEST(ReadWorkload, OpensTheResolvedPathAndNamesTheOther) {
  const TemporaryFile file("log.swf", "1 2 x 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18\n");
  ReadRequest request = request_for("traces/log.swf");
  request.resolved_path = file.path();
  try {
    read_workload(request);
    FAIL();
  } catch (const InputError& error) {
    EXPECT_STREQ(error.what(), "traces/log.swf:1:5: error: wait time: expected a number, got 'x'");
  }
}

TEST(WorkloadFormats, AreSortedAndDescribed) {
  const std::vector<FormatInfo> formats = workload_formats();
  EXPECT_GE(formats.size(), 10U);
  for (std::size_t i = 0; i < formats.size(); ++i) {
    if (i > 0) {
      EXPECT_LT(formats[i - 1].name, formats[i].name);
    }
    EXPECT_FALSE(formats[i].summary.empty());
    EXPECT_FALSE(formats[i].source.empty());
    for (const RuleInfo& rule : formats[i].rules) {
      EXPECT_FALSE(rule.summary.empty()) << rule.name;
      EXPECT_GE(rule.choices.size(), 2U) << rule.name;
    }
  }
}

}  // namespace
}  // namespace nightwatt
