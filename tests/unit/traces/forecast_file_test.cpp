#include "traces/signals/forecast_file.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <string>

#include "traces/datetime.hpp"

namespace nightwatt {
namespace {

ForecastData read(const std::string& text, ForecastRequest request = {}) {
  request.path = "f.csv";
  Input input = Input::from_memory("f.csv", text);
  return read_forecasts(request, input);
}
std::string fault(const std::string& text, ForecastRequest request = {}) {
  try {
    read(text, request);
  } catch (const InputError& e) {
    return e.what();
  }
  return "accepted";
}

TEST(ForecastFile, IssuesOfPlainCsv) {
  const ForecastData data = read(
      "target_time,value (kgCO2e/MWh),issue_time\n"
      "2022-01-01T01:00:00Z,200,2022-01-01T00:00:00Z\n"
      "2022-01-01T03:00:00Z,300,2022-01-01T02:00:00Z\n"
      "2022-01-01T02:00:00Z,,2022-01-01T00:00:00Z\n"
      "2022-01-01T03:00:00Z,250,2022-01-01T00:00:00Z\n"
      "2022-01-01T04:00:00Z,350,2022-01-01T02:00:00Z\n");
  ASSERT_EQ(data.issues.size(), 2U);
  EXPECT_EQ(data.issues[0].issued_unix_s, 1640995200.0);
  EXPECT_EQ(data.issues[0].values, (std::vector<double>{200, 250}));
  EXPECT_EQ(data.issues[1].times_unix_s,
            (std::vector<double>{1640995200.0 + 3 * 3600, 1640995200.0 + 4 * 3600}));
  EXPECT_EQ(data.step_s, 3600.0);
  EXPECT_EQ(data.meaning.in_own_unit(200), 200.0);
  EXPECT_EQ(data.report.rows, 5U);
  ASSERT_EQ(data.report.skipped.size(), 1U);
  EXPECT_EQ(data.report.skipped[0].rows, 1U);
}

TEST(ForecastFile, BlocksOfCarbonCast) {
  // A block for each day of two hours, the second beginning before the first ends.
  const ForecastData data = read(
      ",UTC time,actual_carbon_intensity_lifecycle,forecasted_carbon_intensity_lifecycle\n"
      "0,2021-07-01 00:00:00,1,10\n1,2021-07-01 01:00:00,2,20\n2,2021-07-01 02:00:00,2,25\n"
      "3,2021-07-01 01:00:00,2,30\n4,2021-07-01 02:00:00,3,40\n");
  ASSERT_EQ(data.issues.size(), 2U);
  EXPECT_EQ(data.issues[0].issued_unix_s, data.issues[0].times_unix_s[0]);
  EXPECT_EQ(data.issues[1].issued_unix_s, data.issues[0].times_unix_s[1]);
  EXPECT_EQ(data.issues[1].values, (std::vector<double>{30, 40}));
  EXPECT_EQ(data.basis, CarbonBasis::lifecycle);
  EXPECT_EQ(data.report.format, "carboncast");
}

TEST(ForecastFile, FaultsSayWhere) {
  const std::string head = "issue_time,target_time,value (gCO2e/kWh)\n";
  EXPECT_EQ(fault("issue_time,target_time,other\n"),
            "f.csv:1: error: value: the header has no such column");
  EXPECT_EQ(fault("issue_time,target_time,value\n"),
            "f.csv:1: error: value: expected a unit in brackets in its name, or 'unit'");
  EXPECT_EQ(fault("issue_time,target_time,value (USD/MWh)\n"),
            "f.csv:1: error: value (USD/MWh): expected the unit of a carbon intensity, got "
            "'USD/MWh'");
  EXPECT_EQ(fault(head), "f.csv:1: error: expected at least one forecast, got none");
  EXPECT_EQ(fault(head + "2022-01-01T00:00:00Z,soon,3\n"),
            "f.csv:2:22: error: target_time: expected a date with its time, got 'soon'");
  EXPECT_EQ(fault(head + "2022-01-01 00:00:00,2022-01-01T01:00:00Z,3\n"),
            "f.csv:2:1: error: issue_time: expected a date with its offset, or 'zone', got "
            "'2022-01-01 00:00:00'");
  EXPECT_EQ(fault(head + "2022-01-01T00:00:00Z,2022-01-01T01:00:00Z,-3\n"),
            "f.csv:2:43: error: value (gCO2e/kWh): expected a number >= 0, got '-3'");
  const std::string row = "2022-01-01T00:00:00Z,2022-01-01T01:00:00Z,3\n";
  EXPECT_EQ(fault(head + row + row),
            "f.csv:3:22: error: target_time: the same issue has this time twice");
}

/// The forecasts to which the noisy ones are fitted: 181 blocks of four days each, of which two
/// begin on 4 December and none on the 5th.
TEST(ForecastFile, CarbonCastOfCalifornia) {
  const char* data = std::getenv("NIGHTWATT_DATA");
  if (data == nullptr) GTEST_SKIP() << "NIGHTWATT_DATA is not set";
  ForecastRequest request;
  request.path =
      std::string(data) + "/carbon/CISO_carbon_from_src_forecasts_lifecycle_Jul_Dec_2021.csv";
  const ForecastData read = read_forecasts(request);
  ASSERT_EQ(read.issues.size(), 180U);
  ASSERT_EQ(read.report.adjusted.size(), 1U);
  EXPECT_EQ(read.report.adjusted[0].rows, 1U);
  for (std::size_t i = 0; i < read.issues.size(); ++i) {
    EXPECT_EQ(read.issues[i].values.size(), 96U);
    EXPECT_EQ(read.issues[i].issued_unix_s, static_cast<double>(unix_midnight(2021, 7, 1)) +
                                                86400.0 * static_cast<double>(i < 157 ? i : i + 1));
  }
  EXPECT_EQ(read.issues[0].values[0], 253.58);
  EXPECT_EQ(read.issues[1].values[0], 248.54);
}

}  // namespace
}  // namespace nightwatt
