#include <gtest/gtest.h>

#include "tests/unit/traces/read_text.hpp"

namespace nightwatt {
namespace {

using testing::adjusted;
using testing::ids_of;
using testing::skipped;

Workload read(std::string_view text, const ColumnMap& map, const testing::Rules& rules = {},
              const std::string& zone = "") {
  ReadRequest request;
  request.path = "trace";
  request.columns = map;  // a column map alone makes it format csv
  request.rules = rules;
  request.zone = zone;
  Input input = Input::from_memory("trace", text);
  return read_workload(request, input);
}

std::string fault(std::string_view text, const ColumnMap& map, const testing::Rules& rules = {},
                  const std::string& zone = "") {
  try {
    read(text, map, rules, zone);
  } catch (const InputError& error) {
    return error.what();
  }
  return "";
}

ColumnMap basic() {
  ColumnMap map;
  map.columns = {{"id", "job"}, {"submit", "at"}, {"run", "took"}, {"gpus", "n"}};
  return map;
}

TEST(Csv, ReadsMappedColumns) {
  ColumnMap map;
  map.columns = {{"id", "i"},    {"submit", "s"},      {"start", "b"},     {"end", "e"},
                 {"limit", "l"}, {"deadline", "d"},    {"gpus", "g"},      {"nodes", "n"},
                 {"cores", "c"}, {"gpu_type", "t"},    {"user", "u"},      {"queue", "q"},
                 {"state", "x"}, {"utilization", "z"}, {"depends_on", "w"}};
  const Workload workload = read(
      "i,s,b,e,l,d,g,n,c,t,u,q,x,z,w\n"
      "1,100,110,140,60,200,1.5,1,4,A100,ann,short,Completed,75%,\n"
      "2,120,145,150,,,2,,,,,,failed,0.5,1\n",
      map);
  ASSERT_EQ(workload.jobs.size(), 2U);
  const Job& job = workload.jobs[0];
  EXPECT_EQ(job.submit_s, 100.0);
  EXPECT_EQ(job.start_s, 110.0);
  EXPECT_EQ(job.run_s, 30.0);
  EXPECT_EQ(job.limit_s, 60.0);
  EXPECT_EQ(job.deadline_s, 200.0);
  EXPECT_EQ(job.gpu_milli, 1500U);
  EXPECT_EQ(job.nodes, 1U);
  EXPECT_EQ(job.cores, 4U);
  EXPECT_EQ(workload.gpu_types[job.gpu_type], "A100");
  EXPECT_EQ(workload.users[job.user], "ann");
  EXPECT_EQ(workload.queues[job.queue], "short");
  EXPECT_EQ(job.state, TraceState::completed);
  EXPECT_FLOAT_EQ(job.utilization, 0.75F);
  EXPECT_TRUE(std::isnan(workload.jobs[1].limit_s));
  EXPECT_TRUE(std::isnan(workload.jobs[1].deadline_s));
  EXPECT_EQ(workload.jobs[1].user, -1);
  ASSERT_EQ(workload.dependencies.size(), 1U);
  EXPECT_EQ(workload.dependencies[0].on, 0U);
}

TEST(Csv, TimesHaveUnitsAndForms) {
  ColumnMap map = basic();
  map.time_unit = "min";
  map.duration_unit = "h";
  Workload workload = read("job,at,took,n\n1,2,0.5,1\n", map);
  EXPECT_EQ(workload.jobs[0].submit_s, 120.0);
  EXPECT_EQ(workload.jobs[0].run_s, 1800.0);
  EXPECT_FALSE(workload.origin_unix_s.has_value());

  map = basic();
  map.time_unit = "ms";
  map.time_form = "epoch";
  workload = read("job,at,took,n\n1,1714550400250,1,1\n2,1714550401750,1,1\n", map);
  EXPECT_EQ(workload.origin_unix_s, 1714550400);
  EXPECT_EQ(workload.jobs[0].submit_s, 0.25);
  EXPECT_EQ(workload.jobs[1].submit_s, 1.75);

  map = basic();
  workload = read("job,at,took,n\n1,1714550400,1,1\n", map);
  EXPECT_EQ(workload.origin_unix_s, 1714550400);
  EXPECT_EQ(workload.reports[0].notes[0],
            "times are taken for Unix time because of their size (columns.time_form: relative "
            "otherwise)");
  map.time_form = "relative";
  EXPECT_FALSE(read("job,at,took,n\n1,1714550400,1,1\n", map).origin_unix_s.has_value());

  map = basic();
  workload = read("job,at,took,n\n1,2024-05-01 10:00,1,1\n", map, {}, "Europe/Berlin");
  EXPECT_EQ(workload.origin_unix_s, 1714550400);
  EXPECT_EQ(fault("job,at,took,n\n1,2024-05-01 10:00,1,1\n2,5,1,1\n", map, {}, "UTC"),
            "trace:3:3: error: at: expected a date such as '2019-01-01 08:55:55', got '5'");
}

TEST(Csv, DeadlinesMayCountFromTheSubmission) {
  ColumnMap map = basic();
  map.columns["deadline"] = "due";
  map.deadline_from = "submit";
  map.time_unit = "min";
  EXPECT_EQ(read("job,at,took,n,due\n1,2,5,1,10\n", map).jobs[0].deadline_s, 720.0);
}

TEST(Csv, SharesOfGpus) {
  ColumnMap map = basic();
  map.columns.erase("gpus");
  map.columns["gpu_milli"] = "n";
  EXPECT_EQ(read("job,at,took,n\n1,0,1,460\n", map).jobs[0].gpu_milli, 460U);
  map.columns["gpus"] = "k";
  EXPECT_EQ(read("job,at,took,n,k\n1,0,1,500,3\n", map).jobs[0].gpu_milli, 1500U);
  map.columns.erase("gpus");
  map.columns.erase("gpu_milli");
  map.columns["gpu_fraction"] = "n";
  EXPECT_EQ(read("job,at,took,n\n1,0,1,0.25\n", map).jobs[0].gpu_milli, 250U);
  EXPECT_EQ(fault("job,at,took,n\n1,0,1,0.33333\n2,0,1,-1\n", map),
            "trace:2:7: error: n: expected whole 1/1000 of a GPU, up to 4000000 GPUs, got "
            "'0.33333'\n"
            "trace:3:7: error: n: expected a share of a GPU of at least 0, got '-1'");
}

TEST(Csv, WorksWithoutHeaderAndWithOtherDelimiters) {
  ColumnMap map;
  map.columns = {{"submit", "#1"}, {"run", "#3"}, {"gpus", "#2"}};
  map.header = false;
  map.delimiter = ";";
  const Workload workload = read("5;2;10\n3;1;20;more\n", map);
  ASSERT_EQ(workload.jobs.size(), 2U);
  EXPECT_EQ(workload.jobs[0].id, 1);
  EXPECT_EQ(workload.jobs[0].submit_s, 3.0);
  EXPECT_EQ(workload.jobs[1].gpu_milli, 2000U);
  EXPECT_EQ(fault("5;2\n", map), "trace:1:4: error: expected 3 fields, got 2");
  map.columns["run"] = "took";
  EXPECT_EQ(fault("5;2;10\n", map),
            "error: columns.run: a file without header needs column numbers such as '#3', got "
            "'took'");
  map.delimiter = "tab";
  map.columns["run"] = "#3";
  EXPECT_EQ(read("5\t2\t10\n", map).jobs[0].run_s, 10.0);
}

TEST(Csv, RulesDecideAboutRows) {
  ColumnMap map = basic();
  const std::string text = "job,at,took,n\n1,0,10,1\n2,0,,1\n3,,5,1\n1,5,10,1\n4,0,10,0\n";
  EXPECT_EQ(fault(text, map),
            "trace:4:3: error: submit: is empty (rule missing_submit: skip would "
            "accept the file)");
  const Workload workload = read(text, map, {{"missing_submit", "skip"}});
  EXPECT_EQ(ids_of(workload),
            "1 2");  // the second job 1 is numbered anew: above the largest id kept
  EXPECT_EQ(adjusted(workload, "duplicate_ids"), 1U);
  EXPECT_EQ(skipped(workload, "missing_run"), 1U);
  EXPECT_EQ(skipped(workload, "no_gpus"), 1U);  // no cores are known either
}

TEST(Csv, RefusesAMapThatCannotWork) {
  ColumnMap map;
  map.columns = {{"sumbit", "at"}, {"start", "b"}};
  map.time_unit = "fortnight";
  map.time_form = "rel";
  map.deadline_from = "start";
  EXPECT_EQ(fault("at,b\n", map),
            "error: columns: unknown field 'sumbit'; did you mean 'submit'?\n"
            "error: columns: submit is required for format csv\n"
            "error: columns: run, or start and end, are required for format csv\n"
            "error: columns: gpus, gpu_milli, gpu_fraction or cores is required for format csv\n"
            "error: columns.time_unit: expected s, ms, us, ns, min, h or d, got 'fortnight'\n"
            "error: columns.time_form: expected auto or date or epoch or relative, got 'rel'\n"
            "error: columns.deadline_from: expected origin or submit, got 'start'");
  map = basic();
  map.columns["run"] = "tok";
  map.columns["user"] = "#9";
  EXPECT_EQ(fault("job,at,took,n\n", map),
            "trace:1: error: tok: the header has no such column; did you mean 'took'?\n"
            "trace:1: error: columns.user: the header has 4 columns, no column '#9'");
  map = basic();
  map.delimiter = "::";
  EXPECT_NE(fault("job,at,took,n\n", map).find("columns.delimiter: expected one character"),
            std::string::npos);
}

TEST(Csv, SaysWhatIsWrongWithARow) {
  ColumnMap map = basic();
  map.columns["limit"] = "max";
  map.columns["utilization"] = "u";
  EXPECT_EQ(fault("job,at,took,n,max,u\n,7,1e,-1,0,2\n,x,1,1,1,1\n\"a\"b,1,1,1,1,1\n", map),
            "trace:2:4: error: took: expected a number or nothing, got '1e'\n"
            "trace:2:7: error: n: expected a number of GPUs of at least 0, got '-1'\n"
            "trace:2:12: error: u: expected a number from 0 to 1, or a percentage with %, got '2'\n"
            "trace:3:2: error: at: expected a number, got 'x'\n"
            "trace:4:1: error: expected ',' or the end of the row after the closing quote, got "
            "'b'");
}

}  // namespace
}  // namespace nightwatt
