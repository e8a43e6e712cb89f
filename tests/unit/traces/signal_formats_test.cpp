// One small file of each signal format by hand, what its quirks become, and its faults; then the
// real files, against what a short script of another language takes from them (tests/validation).

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <string>

#include "traces/diagnostics.hpp"
#include "traces/signals/signal_file.hpp"

namespace nightwatt {
namespace {

using testing::AllOf;
using testing::DoubleEq;
using testing::DoubleNear;
using testing::ElementsAre;
using testing::HasSubstr;

SignalData read_text(const std::string& text, SignalRequest request = {}) {
  if (request.path.empty()) request.path = "in";
  Input input = Input::from_memory(request.path, text);
  return read_signal(request, input);
}

std::string faults_of(const std::string& text, const SignalRequest& request = {}) {
  try {
    read_text(text, request);
  } catch (const InputError& error) {
    return error.what();
  }
  return "no error";
}

SignalRequest column(std::string name, std::map<std::string, std::string> rules = {}) {
  SignalRequest request;
  request.column = std::move(name);
  request.rules = std::move(rules);
  return request;
}

SignalRequest rules(std::map<std::string, std::string> chosen) { return column("", chosen); }

std::uint64_t count_of(const SignalData& data, const std::string& rule) {
  for (const auto* counts : {&data.report.adjusted, &data.report.skipped}) {
    for (const RuleCount& one : *counts) {
      if (one.rule == rule) return one.rows;
    }
  }
  return 0;
}

constexpr double jan_1_2022 = 1640995200.0;
constexpr double hour = 3600.0;

// ---- EIA mix ----

const std::string mix_header = "timestamp,WND,SUN,WAT,OIL,NG,COL,NUC,OTH,avg_CI\n";

TEST(EiaMix, GivenOrMadeFromTheGeneration) {
  const std::string text = mix_header +
                           "2022-01-01 00:00:00+00:00,100,0,0,0,100,0,0,0,250.5\n"
                           "2022-01-01 01:00:00+00:00,0,0,0,0,0,300,100,0,618\n"
                           "2022-01-01 02:00:00+00:00,0,-5,0,0,50,50,0,0,655\n";
  const SignalData given = read_text(text);
  EXPECT_EQ(given.report.format, "eia-mix");
  EXPECT_EQ(given.basis, CarbonBasis::lifecycle);
  EXPECT_THAT(given.values, ElementsAre(250.5, 618, 655));
  EXPECT_EQ(given.start_unix_s, jan_1_2022);
  // (11 + 490) / 2; (300 820 + 100 12) / 400; (490 + 820) / 2, the night's -5 of the sun as 0.
  const SignalData made = read_text(text, column("lifecycle"));
  EXPECT_THAT(made.values, ElementsAre(DoubleEq(250.5), DoubleEq(618), DoubleEq(655)));
  EXPECT_EQ(count_of(made, "negative_generation"), 1U);
  const SignalData direct = read_text(text, column("direct"));
  EXPECT_EQ(direct.basis, CarbonBasis::direct);
  EXPECT_THAT(direct.values, ElementsAre(DoubleEq(185), DoubleEq(570), DoubleEq(565)));
  EXPECT_EQ(faults_of(text, column("direct", {{"negative_generation", "error"}})),
            "in:4:29: error: SUN: expected a number >= 0, got '-5' (rule negative_generation: zero "
            "or keep would accept the file)");
}

TEST(EiaMix, RowsWithoutNumbersAreGaps) {
  const std::string text = mix_header +
                           "2022-01-01 00:00:00+00:00,0,0,0,0,10,0,0,0,490\n"
                           "2022-01-01 01:00:00+00:00,,,,,,,,,\n"
                           "2022-01-01 02:00:00+00:00,0,0,0,0,0,10,0,0,820\n";
  for (const char* name : {"avg_CI", "lifecycle"}) {
    EXPECT_THAT(faults_of(text, column(name)), HasSubstr("no value at 2022-01-01T01:00:00Z"));
    const SignalData data = read_text(text, column(name, {{"gap", "interpolate"}}));
    EXPECT_THAT(data.values, ElementsAre(DoubleEq(490), DoubleEq(655), DoubleEq(820)));
    EXPECT_THAT(data.filled, ElementsAre(1));
  }
}

// ---- CarbonCast ----

TEST(CarbonCast, WhatItCountsStandsInTheNames) {
  const std::string text =
      ",UTC time,carbon_intensity,coal,nat_gas\n0,2020-01-01 00:00:00,233.8,1,6616\n"
      "1,2020-01-01 01:00:00,237,2,6162\n";
  SignalRequest request;
  request.path = "data/ISNE_direct_emissions.csv";
  const SignalData direct = read_text(text, request);
  EXPECT_EQ(direct.report.format, "carboncast");
  EXPECT_EQ(direct.basis, CarbonBasis::direct);
  EXPECT_THAT(direct.values, ElementsAre(233.8, 237));
  request.path = "SE_lifecycle_emissions.csv";
  EXPECT_EQ(read_text(text, request).basis, CarbonBasis::lifecycle);
  request.path = "direct/x.csv";  // a folder's name says nothing
  EXPECT_EQ(read_text(text, request).basis, CarbonBasis::unknown);
}

/// Two blocks of three hours, the second an hour later.
const std::string forecasts =
    ",UTC time,actual_carbon_intensity_lifecycle,forecasted_carbon_intensity_lifecycle\n"
    "0,2021-07-01 00:00:00,100,110\n1,2021-07-01 01:00:00,101,111\n2,2021-07-01 02:00:00,102,112\n"
    "3,2021-07-01 01:00:00,201,211\n4,2021-07-01 02:00:00,202,212\n5,2021-07-01 03:00:00,203,213\n";

TEST(CarbonCast, LaterForecastsReplaceEarlierOnes) {
  const SignalData actual = read_text(forecasts);
  EXPECT_EQ(actual.basis, CarbonBasis::lifecycle);
  EXPECT_THAT(actual.values, ElementsAre(100, 201, 202, 203));
  EXPECT_EQ(count_of(actual, "overlap"), 2U);
  EXPECT_THAT(read_text(forecasts, column("forecast")).values, ElementsAre(110, 211, 212, 213));
  EXPECT_EQ(read_text(forecasts, column("forecasted_carbon_intensity_lifecycle")).values,
            read_text(forecasts, column("forecast")).values);
  EXPECT_THAT(read_text(forecasts, column("forecast", {{"overlap", "earliest"}})).values,
              ElementsAre(110, 111, 112, 213));
  EXPECT_THAT(faults_of(forecasts, rules({{"overlap", "error"}})),
              HasSubstr("in:5: error: time: 2021-07-01T01:00:00Z stands in line 3, too (rule "
                        "overlap: latest or earliest would accept the file)"));
}

TEST(CarbonCast, AStepBackInsideABlockIsAFault) {
  const std::string text = forecasts + "6,2021-07-01 02:00:00,1,1\n7,2021-07-01 01:00:00,1,1\n";
  EXPECT_THAT(faults_of(text), HasSubstr("in:9: error: time: 2021-07-01T01:00:00Z comes after"));
}

// ---- WattTime ----

std::string watttime(const std::string& points, const std::string& signal = "co2_moer",
                     const std::string& units = "lbs_co2_per_mwh") {
  return "{\"data\": [" + points +
         "],\n \"meta\": {\"data_point_period_seconds\": 300, \"region\": \"CAISO_NORTH\",\n"
         "  \"signal_type\": \"" +
         signal + "\", \"units\": \"" + units +
         "\", \"warnings\": [], \"model\": {\"date\": \"2023-03-01\"}}}";
}
const std::string two_points =
    "{\"point_time\": \"2022-07-15T00:00:00+00:00\", \"value\": 1000.0, \"last_updated\": "
    "\"x\"},\n{\"point_time\": \"2022-07-15T00:05:00+00:00\", \"value\": 500.5, "
    "\"imputed_data_used\": true}";

TEST(WattTime, MarginalPoundsPerMegawattHour) {
  const SignalData data = read_text(watttime(two_points));
  EXPECT_EQ(data.report.format, "watttime");
  EXPECT_EQ(data.basis, CarbonBasis::marginal);
  EXPECT_EQ(data.zone_name, "CAISO_NORTH");
  EXPECT_EQ(data.step_s, 300.0);
  EXPECT_EQ(data.estimated, 1U);
  EXPECT_THAT(data.values, ElementsAre(1000, 500.5));
  // 1000 lb/MWh = 453.59237 kg/MWh.
  EXPECT_DOUBLE_EQ(data.meaning.in_own_unit(data.values[0]), 453.59237);
  EXPECT_THAT(data.report.notes, ElementsAre(HasSubstr("marginal")));
  EXPECT_EQ(read_text(watttime(two_points, "co2_aoer")).basis, CarbonBasis::direct);
}

TEST(WattTime, OtherSignalsAndUnitsAreFaults) {
  EXPECT_EQ(faults_of(watttime(two_points, "health_damage", "g_per_kwh")),
            "in:4:18: error: meta.signal_type: expected co2_moer or co2_aoer, got 'health_damage'\n"
            "in:4:44: error: meta.units: expected lbs_co2_per_mwh, got 'g_per_kwh'");
  EXPECT_EQ(faults_of("{\"data\": [" + two_points + "]}"),
            "in:1:1: error: meta: the file does not say what it holds");
  EXPECT_THAT(
      faults_of(watttime("{\"point_time\": \"soon\", \"value\": \"x\"}, 7, {\"value\": 1}")),
      AllOf(HasSubstr("in:1:26: error: point_time: expected a date and time"),
            HasSubstr("in:1:43: error: value: expected a number, got '\"x\"'"),
            HasSubstr("data: expected an object, got '7'"), HasSubstr("point_time: is missing")));
}

TEST(WattTime, PastForecasts) {
  const auto run = [](const char* made, const char* a, const char* b, int value) {
    return "{\"generated_at\": \"" + std::string(made) + "\", \"forecast\": [{\"point_time\": \"" +
           a + "\", \"value\": " + std::to_string(value) + "}, {\"point_time\": \"" + b +
           "\", \"value\": " + std::to_string(value + 1) + "}]}";
  };
  const SignalData data = read_text(watttime(
      run("2022-07-15T00:00:00Z", "2022-07-15T00:00:00Z", "2022-07-15T00:05:00Z", 10) + "," +
      run("2022-07-15T00:05:00Z", "2022-07-15T00:05:00Z", "2022-07-15T00:10:00Z", 20)));
  EXPECT_THAT(data.values, ElementsAre(10, 20, 21));
  EXPECT_EQ(count_of(data, "overlap"), 1U);
}

// ---- NESO ----

std::string half_hour(const std::string& from, const std::string& to,
                      const std::string& intensity) {
  return "{\"from\": \"2018-01-20T" + from + "Z\", \"to\": \"2018-01-20T" + to +
         "Z\", \"intensity\": {" + intensity + ", \"index\": \"moderate\"}}";
}

TEST(Neso, NationalActualsAndForecasts) {
  const std::string text =
      "{\"data\": [" + half_hour("12:00", "12:30", "\"forecast\": 266, \"actual\": 263") + "," +
      half_hour("12:30", "13:00", "\"forecast\": 270, \"actual\": null") + "," +
      half_hour("13:00", "13:30", "\"forecast\": 280, \"actual\": 281") + "]}";
  const SignalData data = read_text(text, column("actual", {{"no_actual", "forecast"}}));
  EXPECT_EQ(data.report.format, "neso");
  EXPECT_EQ(data.zone_name, "GB");
  EXPECT_EQ(data.step_s, 1800.0);
  EXPECT_EQ(data.start_unix_s, 1516449600.0);
  EXPECT_THAT(data.values, ElementsAre(263, 270, 281));
  EXPECT_EQ(count_of(data, "no_actual"), 1U);
  EXPECT_THAT(read_text(text, column("forecast")).values, ElementsAre(266, 270, 280));
  EXPECT_THAT(faults_of(text), HasSubstr("actual: no value at 2018-01-20T12:30:00Z"));
  SignalRequest pounds = column("forecast");
  pounds.unit = "lbs/MWh";
  EXPECT_EQ(faults_of(text, pounds),
            "in:1: error: unit: the values of 'forecast' are in gCO2/kWh, got 'lbs/MWh'");
}

TEST(Neso, RegionsBothWays) {
  const auto region = [](int id, const char* name, int forecast) {
    return "{\"regionid\": " + std::to_string(id) + ", \"dnoregion\": \"x\", \"shortname\": \"" +
           name + "\", \"intensity\": {\"forecast\": " + std::to_string(forecast) +
           ", \"index\": \"low\"}, \"generationmix\": [{\"fuel\": \"gas\", \"perc\": 43.6}]}";
  };
  const auto period = [&](const char* from, const char* to, int forecast) {
    return "{\"from\": \"2018-01-20T" + std::string(from) + "Z\", \"to\": \"2018-01-20T" + to +
           "Z\", \"regions\": [" + region(13, "London", forecast) + "," +
           region(17, "Wales", forecast + 100) + "]}";
  };
  const std::string all =
      "{\"data\": [" + period("12:00", "12:30", 1) + "," + period("12:30", "13:00", 2) + "]}";
  EXPECT_EQ(faults_of(all), "in: error: region: the file holds 2 (London, Wales); name one");
  SignalRequest request;
  for (const char* name : {"Wales", "17"}) {
    request.region = name;
    const SignalData wales = read_text(all, request);
    EXPECT_THAT(wales.values, ElementsAre(101, 102));
    EXPECT_EQ(wales.zone_name, name);
    EXPECT_THAT(wales.report.notes, ElementsAre(HasSubstr("no actual values")));
  }
  request.region = "Whales";
  EXPECT_EQ(faults_of(all, request),
            "in: error: region: the file does not hold 'Whales'; did you mean 'Wales'?");
  // One region: its periods stand inside it.
  const std::string one = "{\"data\": {\"regionid\": 13, \"shortname\": \"London\", \"data\": [" +
                          half_hour("12:00", "12:30", "\"forecast\": 5") + "," +
                          half_hour("12:30", "13:00", "\"forecast\": 6") + "]}}";
  const SignalData london = read_text(one);
  EXPECT_THAT(london.values, ElementsAre(5, 6));
  EXPECT_EQ(london.zone_name, "London");
}

// ---- EIA-930 ----

const std::string balance_2019 =
    "Balancing Authority,Data Date,Hour Number,Local Time at End of Hour,UTC Time at End of Hour,"
    "Demand (MW),Net Generation (MW),Net  Generation (MW) from Coal,Net Generation (MW) from "
    "Natural "
    "Gas,Net Generation (MW) from Hydropower and Pumped Storage,Net Generation (MW) from Wind,Net "
    "Generation (MW) from Coal (Imputed),Net Generation (MW) from Coal (Adjusted),Region\n";
std::string balance(const std::string& grid, const std::string& utc, const std::string& fuels) {
  return grid + ",01/01/2022,1,01/01/2022 1:00:00 AM," + utc + ",\"1,000\",900," + fuels + ",TEX\n";
}

TEST(Eia930, FactorsByFuelForTheHourThatEnds) {
  const std::string text = balance_2019 +
                           balance("ERCO", "01/01/2022 7:00:00 AM", "100,100,100,100,,100") +
                           balance("ERCO", "01/01/2022 8:00:00 AM", "\"1,000\",0,0,0,,\"1,000\"") +
                           balance("ERCO", "01/01/2022 9:00:00 AM", ",100,-50,0,300,300");
  const SignalData direct = read_text(text, column("direct"));
  EXPECT_EQ(direct.report.format, "eia-930");
  EXPECT_EQ(direct.zone_name, "ERCO");
  EXPECT_EQ(direct.start_unix_s, jan_1_2022 + 6 * hour);
  // (760 + 370) / 4; 760; (300 imputed 760 + 100 370) / 400, pumping left out.
  EXPECT_THAT(direct.values, ElementsAre(DoubleEq(282.5), DoubleEq(760), DoubleEq(662.5)));
  EXPECT_EQ(direct.estimated, 1U);
  EXPECT_EQ(count_of(direct, "negative_generation"), 1U);
  EXPECT_THAT(read_text(text, column("lifecycle")).values,
              ElementsAre(DoubleEq((820 + 490 + 24 + 11) / 4.0), DoubleEq(820), DoubleEq(737.5)));
}

TEST(Eia930, SeveralGridsInOneFile) {
  std::string text = balance_2019;
  for (const char* grid : {"CISO", "ERCO"}) {
    for (const char* utc : {"01/01/2022 11:00:00 PM", "01/02/2022 12:00:00 AM"}) {
      text += balance(grid, utc, std::string(grid) == "ERCO" ? "0,9,0,0,," : "0,0,9,0,,");
    }
  }
  EXPECT_EQ(faults_of(text), "in: error: region: the file holds 2 (CISO, ERCO); name one");
  SignalRequest request = column("direct");
  request.region = "ERCO";
  EXPECT_THAT(read_text(text, request).values, ElementsAre(370, 370));
  request.region = "CISO";
  EXPECT_THAT(read_text(text, request).values, ElementsAre(0, 0));
}

TEST(Eia930, StorageOfTheNewColumnsIsLeftOut) {
  const std::string text =
      "Balancing Authority,UTC Time at End of Hour,Net Generation (MW) from Coal,Net Generation "
      "(MW) "
      "from Hydropower Excluding Pumped Storage,Net Generation (MW) from Pumped Storage,Net "
      "Generation (MW) from Solar without Integrated Battery Storage,Net Generation (MW) from "
      "Battery "
      "Storage,Net Generation (MW) from Geothermal\n"
      "A,07/01/2024 1:00:00 AM,50,20,500,20,700,10\nA,07/01/2024 2:00:00 "
      "AM,50,20,-500,20,-700,10\n";
  const SignalData data = read_text(text, column("lifecycle"));
  const double expected = (50 * 820 + 20 * 24 + 20 * 41 + 10 * 38) / 100.0;
  EXPECT_THAT(data.values, ElementsAre(DoubleEq(expected), DoubleEq(expected)));
}

// ---- EPW ----

const std::string epw_head =
    "LOCATION,Aurora,CO,USA,TMY3,724695,39.72,-104.75,-7.0,1726.0\nDESIGN CONDITIONS,0\n"
    "TYPICAL/EXTREME PERIODS,0\nGROUND TEMPERATURES,0\nHOLIDAYS/DAYLIGHT SAVINGS,No,0,0,0\n"
    "COMMENTS 1,x\nCOMMENTS 2,y\nDATA PERIODS,1,1,Data,Sunday, 1/ 1,12/31\n";
std::string epw_row(int year, int month, int day, int hour_of_day, const std::string& dry,
                    const std::string& humidity) {
  return std::to_string(year) + "," + std::to_string(month) + "," + std::to_string(day) + "," +
         std::to_string(hour_of_day) + ",0,?9?9," + dry + ",-8.0," + humidity + ",81100,0\n";
}

TEST(Epw, HoursThatEndInAYearOfItsOwn) {
  const std::string text = epw_head + epw_row(2019, 1, 1, 1, "20.0", "50") +
                           epw_row(2019, 1, 1, 2, "21.0", "60") +
                           epw_row(2019, 1, 1, 3, "99.9", "999");
  const SignalData dry = read_text(text, rules({{"gap", "hold"}}));
  EXPECT_EQ(dry.report.format, "epw");
  EXPECT_EQ(dry.zone_name, "Aurora, CO, USA");
  EXPECT_EQ(dry.time_zone, "-07:00");
  EXPECT_FALSE(dry.typical_year);
  EXPECT_EQ(dry.start_unix_s, 1546300800.0 + 7 * hour);  // 2019-01-01 00:00 local
  EXPECT_THAT(dry.values, ElementsAre(20, 21, 21));
  EXPECT_THAT(dry.filled, ElementsAre(2));
  const SignalData wet = read_text(text, column("wet-bulb", {{"gap", "hold"}}));
  EXPECT_NEAR(wet.values[0], 13.7, 0.05);  // Stull's own example
  EXPECT_THAT(read_text(text, column("humidity", {{"gap", "interpolate"}})).values,
              ElementsAre(50, 60, 60));
}

TEST(Epw, MonthsOfSeveralYearsAreATypicalYear) {
  std::string text = epw_head;
  const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  int of_year = 0;
  for (int month = 1; month <= 12; ++month) {
    for (int day = 1; day <= days[month - 1]; ++day, ++of_year) {
      for (int end = 1; end <= 24; ++end) {
        text +=
            epw_row(1990 + 7 * month % 13, month, day, end, std::to_string(of_year / 10.0), "50");
      }
    }
  }
  const SignalData data = read_text(text);
  EXPECT_TRUE(data.typical_year);
  ASSERT_EQ(data.values.size(), 8760U);
  // Over a leap year, from the local New Year on: 28 February stands for the 29th, too.
  const double jan_1_2024 = 1704067200.0;
  const SignalData placed = data.over_years(jan_1_2024 + 30 * 24 * hour, jan_1_2024 + 9e6);
  EXPECT_EQ(placed.start_unix_s, jan_1_2024 + 7 * hour);
  ASSERT_EQ(placed.values.size(), 8784U);
  EXPECT_EQ(placed.values[58 * 24], data.values[58 * 24]);  // 28 February
  EXPECT_EQ(placed.values[59 * 24], data.values[58 * 24]);  // 29 February
  EXPECT_EQ(placed.values[60 * 24], data.values[59 * 24]);  // 1 March
  EXPECT_EQ(placed.values.back(), data.values.back());
  // New Year of the place, not of Greenwich, divides the years.
  const SignalData two = data.over_years(jan_1_2024, jan_1_2024 + hour);
  EXPECT_EQ(two.start_unix_s, 1672531200.0 + 7 * hour);  // 2023
  const SignalData own = read_text(text, rules({{"year", "typical"}}));
  EXPECT_EQ(own.values, data.values);
}

TEST(Epw, Faults) {
  EXPECT_THAT(
      faults_of("LOCATION,a,b,c,d,e,1,2,east,0\n" + epw_head.substr(epw_head.find('\n') + 1)),
      HasSubstr("in:1:24: error: LOCATION: expected the hours from UTC (-12 to 14) in field "
                "9, got 'east'"));
  EXPECT_THAT(faults_of(epw_head + epw_row(2019, 2, 30, 1, "20", "50") +
                        epw_row(2019, 1, 1, 25, "20", "50") + epw_row(2019, 1, 1, 1, "x", "50")),
              AllOf(HasSubstr("in:9:6: error: day: month 2 has no day 30"),
                    HasSubstr("in:10:10: error: hour: expected a number from 1 to 24, got '25'"),
                    HasSubstr("in:11:19: error: dry bulb: expected a number")));
  EXPECT_THAT(faults_of("LOCATION,a,b,c,d,e,1,2,0,0\nDESIGN CONDITIONS\n"),
              HasSubstr("expected 8 lines before the data, got 2"));
}

// ---- Open-Meteo ----

std::string meteo(const std::string& hourly, const std::string& units = "°C",
                  const std::string& zone = "America/Chicago") {
  return "{\"latitude\": 32.79, \"utc_offset_seconds\": -18000,\n\"timezone\": \"" + zone +
         "\",\n\"hourly_units\": {\"time\": \"iso8601\", \"temperature_2m\": \"" + units +
         "\", \"relative_humidity_2m\": \"%\"},\n\"hourly\": {" + hourly + "}}";
}
const std::string two_hours =
    "\"time\": [\"2022-01-01T00:00\", \"2022-01-01T01:00\"],\n\"temperature_2m\": [20.0, 30.0],\n"
    "\"relative_humidity_2m\": [50, 50]";

TEST(OpenMeteo, OneOffsetForTheWholeFile) {
  const SignalData dry = read_text(meteo(two_hours));
  EXPECT_EQ(dry.report.format, "open-meteo");
  EXPECT_EQ(dry.zone_name, "America/Chicago");
  EXPECT_EQ(dry.time_zone, "-05:00");
  EXPECT_EQ(dry.start_unix_s, jan_1_2022 + 5 * hour);
  EXPECT_THAT(dry.values, ElementsAre(20, 30));
  EXPECT_NEAR(read_text(meteo(two_hours), column("wet-bulb")).values[0], 13.7, 0.05);
  EXPECT_THAT(read_text(meteo(two_hours), column("humidity")).values, ElementsAre(50, 50));
  EXPECT_THAT(read_text(meteo(two_hours, "°F")).values,
              ElementsAre(DoubleNear(-20 / 3.0, 1e-12), DoubleNear(-10 / 9.0, 1e-12)));
}

TEST(OpenMeteo, Faults) {
  EXPECT_THAT(
      faults_of(meteo(two_hours, "lbs/MWh")),
      HasSubstr("in:3:55: error: temperature_2m: expected the unit °C or °F, got 'lbs/MWh'"));
  EXPECT_THAT(faults_of(meteo(two_hours, "°C", "America/Chicgo")),
              HasSubstr("in:2:13: error: timezone: "));
  EXPECT_THAT(faults_of(meteo("\"time\": [\"2022-01-01T00:00\"], \"temperature_2m\": [1, 2]")),
              HasSubstr("in:4:1: error: hourly: expected as many values of temperature_2m as times "
                        "(1), got 2"));
  EXPECT_THAT(faults_of("{\"latitude\": 1, \"utc_offset_seconds\": null, \"hourly\": {}}"),
              HasSubstr("utc_offset_seconds: expected the offset"));
  EXPECT_THAT(
      faults_of(meteo("\"time\": [\"2022-01-01T01:00\", \"2022-01-01T00:00\"], "
                      "\"temperature_2m\": [1, null]")),
      HasSubstr("in:4: error: time: 2022-01-01T05:00:00Z comes after 2022-01-01T06:00:00Z"));
  const std::string times = "\"time\": [\"2022-01-01T00:00\", \"2022-01-01T01:00\"], ";
  EXPECT_THAT(faults_of(meteo(times + "\"temperature_2m\": [9, \"x\"]")),
              HasSubstr("in:4:84: error: temperature_2m: expected a number, got '\"x\"'"));
  EXPECT_THAT(faults_of(meteo(times + "\"temperature_2m\": [9, 999]")),
              HasSubstr("dry-bulb: expected a temperature of the air (-100 to 100 °C), got '999'"));
}

// ---- GFS ----

const std::string gfs_head =
    "datetime,param,level,latitude,longitude,Analysis,3 hr fcst,6 hr fcst,9 hr fcst,12 hr fcst,15 "
    "hr "
    "fcst,18 hr fcst,21 hr fcst,24 hr fcst,27 hr fcst,30 hr fcst,33 hr fcst,36 hr fcst,39 hr "
    "fcst,42 "
    "hr fcst,45 hr fcst\n";
std::string gfs_row(const std::string& date, double first_c) {
  std::string row = date + " 00:00:00,TMP,2 m above ground,40.0,-74.25";
  for (int k = 0; k < 16; ++k) row += "," + std::to_string(273.15 + first_c + k);
  return row + "\n";
}

TEST(Gfs, RunsReadAcross) {
  const SignalData data =
      read_text(gfs_head + gfs_row("2021-12-03", 0) + gfs_row("2021-12-04", 20));
  EXPECT_EQ(data.report.format, "gfs");
  EXPECT_EQ(data.step_s, 3 * hour);
  ASSERT_EQ(data.values.size(), 16U);
  for (std::size_t i = 0; i < 16; ++i) {
    EXPECT_NEAR(data.values[i], i < 8 ? static_cast<double>(i) : 12.0 + static_cast<double>(i),
                1e-6);
  }
}

TEST(Gfs, RepeatedAndMissingRuns) {
  const std::string text =
      gfs_head + gfs_row("2021-12-04", 0) + gfs_row("2021-12-04", 50) + gfs_row("2021-12-06", 20);
  const SignalData data = read_text(text);
  ASSERT_EQ(data.values.size(), 24U);
  EXPECT_NEAR(data.values[15], 15.0, 1e-6);  // 45 h forecast of the first run
  EXPECT_EQ(count_of(data, "repeated_run"), 1U);
  EXPECT_EQ(count_of(data, "missing_run"), 8U);
  EXPECT_TRUE(data.filled.empty());
  EXPECT_NEAR(read_text(text, rules({{"repeated_run", "last"}})).values[0], 50.0, 1e-6);
  EXPECT_THAT(faults_of(text, rules({{"missing_run", "gap"}})), HasSubstr("8 rows are missing"));
  EXPECT_THAT(faults_of(text, rules({{"repeated_run", "error"}})),
              HasSubstr("in:3:1: error: datetime: the run stands in line 2, too"));
}

TEST(Gfs, AWetBulbNeedsAHumidity) {
  const std::string text = gfs_head + gfs_row("2021-12-03", 20);
  EXPECT_THAT(faults_of(text, column("wet-bulb")), HasSubstr("the file has no humidity"));
  EXPECT_NEAR(read_text(text, column("wet-bulb", {{"humidity", "50"}})).values[0], 13.7, 0.05);
}

// ---- PUE ----

TEST(PueWue, FaultsOfTheMeter) {
  const auto step = [](int i, const char* pue, const char* least, const char* most) {
    return "{\"timestamp\": " + std::to_string(1385856000000LL + i * 54000000LL) +
           ", \"temperature\": 50, \"humidity\": 40, \"pue\": " + pue + ", \"min_pue\": " + least +
           ", \"max_pue\": " + most + ", \"wue\": 0.02}";
  };
  const std::string text =
      "[" + step(0, "1.10", "1.06", "1.2") + "," + step(1, "0.90", "-33.9", "1.1") + "," +
      step(2, "1.25", "1.05", "117.8") + "," + step(3, "1.40", "1.3", "1.5") + "]";
  const SignalData held = read_text(text);
  EXPECT_EQ(held.report.format, "puewue");
  EXPECT_EQ(held.step_s, 15 * hour);
  EXPECT_THAT(held.values, ElementsAre(1.1, 1.1, 1.1, 1.4));
  EXPECT_THAT(held.filled, ElementsAre(1, 2));
  EXPECT_EQ(count_of(held, "meter_fault"), 2U);
  EXPECT_EQ(count_of(held, "gap"), 0U);
  EXPECT_THAT(read_text(text, rules({{"meter_fault", "interpolate"}})).values,
              ElementsAre(1.1, DoubleEq(1.2), DoubleEq(1.3), 1.4));
  EXPECT_THAT(faults_of(text, rules({{"meter_fault", "error"}})),
              HasSubstr("pue: expected values between 1 and 3, got 0.9 (from -33.9 to 1.1) (rule "
                        "meter_fault: hold or interpolate or keep would accept the file)"));
  EXPECT_THAT(faults_of(text, rules({{"meter_fault", "keep"}})),
              HasSubstr("pue: expected a PUE >= 1, got '0.9'"));
  EXPECT_THAT(read_text(text, column("dry-bulb")).values, testing::Each(DoubleEq(10.0)));
}

// ---- What all have in common ----

struct Sample {
  const char* format;
  std::string good, back;  ///< a file, and one whose time steps back
};

std::vector<Sample> samples() {
  const auto swap = [](std::string text, const std::string& a, const std::string& b) {
    const std::size_t i = text.find(a);
    const std::size_t j = text.find(b);
    text.replace(j, b.size(), a);
    text.replace(i, a.size(), b);
    return text;
  };
  std::vector<Sample> all;
  const auto add = [&](const char* format, const std::string& good, const char* a, const char* b) {
    all.push_back({format, good, swap(good, a, b)});
  };
  add("eia-mix",
      mix_header +
          "2022-01-01 00:00:00+00:00,0,0,0,0,1,0,0,0,490\n"
          "2022-01-01 01:00:00+00:00,0,0,0,0,1,0,0,0,490\n",
      "00:00:00+", "01:00:00+");
  add("carboncast",
      ",UTC time,carbon_intensity,coal\n0,2020-01-01 00:00:00,1,1\n"
      "1,2020-01-01 01:00:00,2,1\n",
      "00:00:00", "01:00:00");
  add("watttime", watttime(two_points), "00:00:00+", "00:05:00+");
  add("neso",
      "{\"data\": [" + half_hour("12:00", "20:00", "\"forecast\": 1") + "," +
          half_hour("12:30", "20:30", "\"forecast\": 2") + "]}",
      "T12:00Z", "T12:30Z");
  add("eia-930",
      balance_2019 + balance("A", "01/01/2022 7:00:00 AM", "1,1,1,1,,1") +
          balance("A", "01/01/2022 8:00:00 AM", "1,1,1,1,,1"),
      "7:00:00", "8:00:00");
  add("epw", epw_head + epw_row(2019, 1, 1, 1, "20", "50") + epw_row(2019, 1, 1, 2, "20", "50"),
      "1,1,1,0", "1,1,2,0");
  add("open-meteo", meteo(two_hours), "T00:00", "T01:00");
  add("gfs", gfs_head + gfs_row("2021-12-03", 0) + gfs_row("2021-12-04", 0), "2021-12-03",
      "2021-12-04");
  add("puewue",
      "[{\"timestamp\": 1385856000000, \"pue\": 1.1}, {\"timestamp\": 1385910000000, "
      "\"pue\": 1.1}]",
      "1385856", "1385910");
  return all;
}

TEST(SignalFormats, AreRecognisedAndRefuseTimesThatStepBack) {
  for (const Sample& one : samples()) {
    SCOPED_TRACE(one.format);
    EXPECT_EQ(read_text(one.good).report.format, one.format);
    EXPECT_THAT(faults_of(one.back),
                AllOf(HasSubstr("comes after"), HasSubstr("(rule order: sort")));
    SignalRequest sorted = rules({{"order", "sort"}});
    EXPECT_EQ(count_of(read_text(one.back, sorted), "order"), 1U);
  }
}

TEST(SignalFormats, RefuseUnitsZonesAndColumnsThatAreNotTheirs) {
  for (const Sample& one : samples()) {
    SCOPED_TRACE(one.format);
    SignalRequest request;
    request.unit = "lbs/MWh";
    if (std::string(one.format) != "watttime") {
      EXPECT_THAT(faults_of(one.good, request), HasSubstr("got 'lbs/MWh'"));
    }
    request.unit = "";
    request.zone = "Mars/Olympus";
    EXPECT_THAT(faults_of(one.good, request), HasSubstr("got 'Mars/Olympus'"));
    request.zone = "";
    request.column = "nonsense";
    request.format = one.format;
    EXPECT_THAT(faults_of(one.good, request), HasSubstr("column: expected "));
    request.column = "";
    request.time_column = "when";
    EXPECT_THAT(faults_of(one.good, request), HasSubstr("time_column: format "));
  }
}

TEST(SignalData, OverYearsKeepsSeriesShorterThanAYear) {
  SignalData data;
  data.step_s = hour;
  data.start_unix_s = jan_1_2022;
  data.values.assign(364 * 24, 1.0);
  EXPECT_EQ(data.over_years(0, 1e9).start_unix_s, jan_1_2022);
  // Two years repeat as two: a week of 2030 is that of 2022.
  data.values.clear();
  for (int i = 0; i < 730 * 24; ++i) data.values.push_back(i);
  const double march_2030 = 1898640000.0;
  const SignalData far = data.over_years(march_2030, march_2030 + 7 * 24 * hour);
  const auto at = static_cast<std::size_t>((march_2030 - far.start_unix_s) / hour);
  EXPECT_EQ(far.values.at(at), (31 + 28 + 1) * 24);  // 2030-03-02 is 2022-03-02
}

}  // namespace
}  // namespace nightwatt
