#include "analysis/signal_info.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <nlohmann/json.hpp>
#include <sstream>

#include "analysis/column_chart.hpp"
#include "analysis/text.hpp"

namespace nightwatt {
namespace {

TEST(ColumnChart, FromTheLeastToTheMost) {
  // Six lines of eight eighths; the least value is 2 eighths high, the most 48, the middle 25.
  EXPECT_EQ(column_chart({10.0, 20.0, NAN, 15.0}, {"a", "b", "c", "d"}),
            "       20    ██\n"
            "             ██\n"
            "             ██    ▁▁\n"
            "             ██    ██\n"
            "             ██    ██\n"
            "       10 ▂▂ ██    ██\n"
            "          a  b  c  d \n");
}

/// Three days of hours from 2022-01-01 on at +02:00: the value is the local hour.
SignalData hours_of_the_day() {
  SignalData data;
  data.meaning = {SignalKind::carbon, 1.0, ""};
  data.unit = "gCO2e/kWh";
  data.time_zone = "+02:00";
  data.utc_offset_s = 7200;
  data.start_unix_s = 1640995200.0 - 7200.0;
  data.step_s = 3600.0;
  for (int i = 0; i < 72; ++i) data.values.push_back(i % 24);
  data.report.path = "in.csv";
  data.report.format = "csv";
  data.report.rows = 72;
  return data;
}

TEST(SignalInfo, ProfilesFollowTheFilesClock) {
  SignalData data = hours_of_the_day();
  data.values[5] = 1000.0;  // a gap that a rule filled counts for nothing
  data.filled = {5};
  data.estimated = 18;
  const auto json = nlohmann::json::parse(signal_info_json(data));
  for (int hour = 0; hour < 24; ++hour) EXPECT_EQ(json["mean_by_hour"][hour], hour);
  EXPECT_EQ(json["max"], 23.0);
  EXPECT_EQ(json["gaps"], 1);
  EXPECT_EQ(json["estimated_share"], 0.25);
  EXPECT_NEAR(json["mean"].get<double>(), (3 * 276.0 - 5.0) / 71.0, 1e-12);
  EXPECT_NEAR(json["mean_by_month"][0].get<double>(), (3 * 276.0 - 5.0) / 71.0, 1e-12);
  EXPECT_TRUE(json["mean_by_month"][1].is_null());
  EXPECT_EQ(json["profile_time_zone"], "+02:00");
}

TEST(SignalInfo, LongStepsAreSpreadOverTheirHours) {
  SignalData data = hours_of_the_day();
  data.utc_offset_s = 0;
  data.start_unix_s = 1640995200.0;
  data.step_s = 15 * 3600.0;
  data.values = {1.0, 2.0};  // 00 to 15 h, 15 to 06 h
  const auto json = nlohmann::json::parse(signal_info_json(data));
  EXPECT_EQ(json["mean_by_hour"][3], 1.5);
  EXPECT_EQ(json["mean_by_hour"][10], 1.0);
  EXPECT_EQ(json["mean_by_hour"][20], 2.0);
  EXPECT_EQ(json["mean"], 1.5);
}

TEST(SignalInfo, FitsTheTerminal) {
  std::istringstream lines(signal_info_table(hours_of_the_day()));
  std::string line;
  std::string all;
  while (std::getline(lines, line)) {
    EXPECT_LE(display_width(line), 100U) << line;
    all += line + "\n";
  }
  EXPECT_THAT(all, testing::HasSubstr("mean by hour of the day, gCO2e/kWh (+02:00)"));
  EXPECT_THAT(all, testing::HasSubstr("Dec"));
  EXPECT_THAT(all, testing::HasSubstr("0 at 2021-12-31 22:00:00 UTC"));
}

}  // namespace
}  // namespace nightwatt
