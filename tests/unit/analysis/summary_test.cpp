#include "analysis/summary.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <sstream>

namespace nightwatt {
namespace {

using testing::HasSubstr;
using testing::Not;

RunResult two_sites() {
  RunResult result;
  result.title = "two\tsites";
  result.period_start_unix_s = 1664755200;
  result.period_end_s = 7 * 86400.0;
  result.file_end_s = result.period_end_s + 3600.0;
  result.summary.jobs_completed = 12345;
  result.summary.wait_s = {125.0, 0.0, 600.0, 3600.0};
  result.summary.jct_s = {4000.0, 1200.0, 7200.0, 86400.0};
  result.summary.bounded_slowdown = {1.5, 1.0, 3.25, 40.0};
  for (const char* name : {"dallas", "Zürich"}) {
    SiteResult site;
    site.name = name;
    site.currency = "USD";
    site.to_file_end.total = {3.6e9, 4.32e9, 2e6, 150.0};
    site.to_file_end.term_j = {2.7e9, 0.9e9};
    site.to_file_end.x_s = 0.2 * result.file_end_s;
    site.to_file_end.peak_it_w = 5e4;
    site.peak_facility_w = 6e4;
    site.to_period_end = site.to_file_end;
    site.to_period_end.total.it_energy_j = 1.8e9;
    result.sites.push_back(site);
  }
  return result;
}

TEST(Summary, TableScalesAndAddsUpTheSites) {
  const std::string table = summary_table(two_sites(), {2.0, 12345, 50 << 20});
  EXPECT_THAT(table, HasSubstr("2022-10-03 00:00:00 UTC to 2022-10-10 00:00:00 UTC (7 d)"));
  EXPECT_THAT(table, HasSubstr("12,345 completed"));
  EXPECT_THAT(
      table,
      HasSubstr(
          "dallas             1 MWh   1.2 MWh  1.2     2 t  150.00 USD    50 kW          60 kW"));
  EXPECT_THAT(
      table,
      HasSubstr(
          "Zürich             1 MWh   1.2 MWh  1.2     2 t  150.00 USD    50 kW          60 kW"));
  EXPECT_THAT(table, HasSubstr("total              2 MWh   2.4 MWh  1.2     4 t  300.00 USD\n"));
  EXPECT_THAT(table, HasSubstr("in the period      1 MWh"));
  EXPECT_THAT(table, HasSubstr("jobs 75.0 %, idle 25.0 %"));
  EXPECT_THAT(table, HasSubstr("2 min 5 s"));
  EXPECT_THAT(table, HasSubstr("6,173 jobs/s"));
  EXPECT_THAT(table, HasSubstr("two?sites"));
  EXPECT_THAT(table, Not(HasSubstr("missing")));
}

TEST(Summary, TableShowsDistributionsAndClasses) {
  RunResult result = two_sites();
  EXPECT_THAT(summary_table(result, {}), Not(HasSubstr("missed")));
  result.summary.jobs_with_deadline = 4;
  result.summary.deadline_misses = 1;
  ClassStatistics urgent;
  urgent.name = "urgent";
  urgent.jobs_completed = 2000;
  urgent.wait_s = {1.0, 0.0, 3.0, 60.0};
  urgent.utilization = 0.25;
  urgent.jobs_it_energy_j = 3.6e9;
  urgent.jobs_facility_energy_j = 7.2e9;
  urgent.jobs_with_deadline = 4;
  urgent.deadline_misses = 1;
  result.summary.classes = {urgent, {}};
  const std::string table = summary_table(result, {});
  EXPECT_THAT(table, HasSubstr("1 of 4 missed"));
  EXPECT_THAT(table, HasSubstr("mean   median      p95      p99"));
  EXPECT_THAT(table, HasSubstr("wait             2 min 5 s      0 s   10 min      1 h"));
  EXPECT_THAT(table, HasSubstr("  urgent               1 s      0 s      3 s    1 min"));
  EXPECT_THAT(table, HasSubstr("slowdown               1.5        1     3.25       40"));
  EXPECT_THAT(table, HasSubstr("urgent             2,000       25.0 %            1 MWh     2 MWh"));
  EXPECT_THAT(table, HasSubstr("(of no class)"));
}

TEST(Summary, TableNamesTheSitesWithoutSeries) {
  RunResult result = two_sites();
  result.sites[1].to_file_end.total.carbon_g = unknown;
  result.sites[1].to_file_end.x_s = 0.0;
  const std::string table = summary_table(result, {});
  EXPECT_THAT(table, HasSubstr("carbon intensity is not given, so carbon is unknown (Zürich)"));
  EXPECT_THAT(table, HasSubstr("no PUE above 1, so the facility draws what IT draws (Zürich)"));
  EXPECT_THAT(table, HasSubstr("total              2 MWh   2.4 MWh  1.2  unknown"));
  EXPECT_THAT(table, Not(HasSubstr("price is not given")));
}

TEST(Summary, TableShowsWhatWasCountedAndAssumed) {
  RunResult result = two_sites();
  InputFile input;
  input.role = "workload";
  input.report.path = "week.csv";
  input.report.format = "csv";
  input.report.rows = 1000;
  input.report.skipped = {{"duplicate", "skip", 40}, {"negative_duration", "skip", 0}};
  result.inputs.push_back(input);
  result.counts = {{"overrun", "counted as ending now", 7}};
  result.notes = {"week.csv: zone assumed: America/Los_Angeles"};
  const std::string table = summary_table(result, {});
  EXPECT_THAT(table, HasSubstr("week.csv (csv, 1,000 rows)"));
  EXPECT_THAT(table, HasSubstr("rows skipped  duplicate  40  skip"));
  EXPECT_THAT(table, HasSubstr("run           overrun     7  counted as ending now"));
  EXPECT_THAT(table, HasSubstr("-  week.csv: zone assumed: America/Los_Angeles"));
  EXPECT_THAT(table, Not(HasSubstr("negative_duration")));
}

TEST(Summary, TableFitsInAHundredColumns) {
  RunResult result = two_sites();
  for (int i = 0; i < 20; ++i)
    result.notes.push_back("a note that goes on and on " + std::string(40, 'x'));
  result.notes.push_back("many short words: " + [] {
    std::string words;
    for (int i = 0; i < 60; ++i) words += "word ";
    return words;
  }());
  std::istringstream lines(summary_table(result, {}));
  for (std::string line; std::getline(lines, line);) EXPECT_LE(line.size(), 102u) << line;
}

TEST(Summary, JsonReadsBackAsTheSameNumbers) {
  RunResult result;
  Summary& summary = result.summary;
  summary.it_energy_j = 1.0 / 3.0 * 1e9;
  summary.jobs_completed = 18446744073709551615ULL;
  summary.wait_s.mean = 0.1 + 0.2;
  const auto json = nlohmann::json::parse(summary_json(result, {2.0, 10, 123456789012345ULL}));
  EXPECT_EQ(json["it_energy_j"].get<double>(), summary.it_energy_j);
  EXPECT_EQ(json["mean_wait_s"].get<double>(), 0.1 + 0.2);
  EXPECT_EQ(json["jobs_completed"].get<std::uint64_t>(), summary.jobs_completed);
  EXPECT_TRUE(json["carbon_g"].is_null());
  EXPECT_EQ(json["jobs_per_s"], 5.0);
  EXPECT_TRUE(json["p99_jct_s"].is_null());
  EXPECT_TRUE(json["classes"].empty());
  EXPECT_EQ(json["peak_rss_bytes"], 123456789012345ULL);
}

TEST(Summary, JsonHasClassesAndSites) {
  RunResult result = two_sites();
  ClassStatistics urgent;
  urgent.name = "urgent";
  urgent.wait_s.p95 = 3.5;
  urgent.deadline_misses = 2;
  result.summary.classes = {urgent, {}};
  const auto json = nlohmann::json::parse(summary_json(result, {}));
  ASSERT_EQ(json["classes"].size(), 2u);
  EXPECT_EQ(json["classes"][0]["class"], "urgent");
  EXPECT_EQ(json["classes"][0]["p95_wait_s"], 3.5);
  EXPECT_EQ(json["classes"][0]["deadline_misses"], 2);
  EXPECT_TRUE(json["classes"][1]["class"].is_null());
  ASSERT_EQ(json["sites"].size(), 2u);
  EXPECT_EQ(json["sites"][1]["site"], "Zürich");
  EXPECT_EQ(json["sites"][1]["peak_it_power_w"], 5e4);
  EXPECT_EQ(json["sites"][1]["carbon_g"], 2e6);
}

}  // namespace
}  // namespace nightwatt
