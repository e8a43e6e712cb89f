#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

#include "traces/diagnostics.hpp"
#include "traces/signals/signal_file.hpp"

namespace nightwatt {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

SignalData read_text(const std::string& text, SignalRequest request = {}) {
  if (request.path.empty()) request.path = "in.csv";
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

SignalRequest csv(std::string unit = "USD/MWh", std::string zone = "UTC") {
  SignalRequest request;
  request.format = "csv";
  request.unit = std::move(unit);
  request.zone = std::move(zone);
  return request;
}

SignalRequest with(SignalRequest request, std::map<std::string, std::string> rules) {
  request.rules = std::move(rules);
  return request;
}

std::uint64_t count_of(const std::vector<RuleCount>& counts, const std::string& rule) {
  for (const RuleCount& one : counts) {
    if (one.rule == rule) return one.rows;
  }
  return 0;
}

constexpr double jan_1_2022 = 1640995200.0;

const std::string maps_2022 =
    "Datetime (UTC),Country,Zone Name,Zone Id,Carbon Intensity gCO₂eq/kWh (direct),Carbon "
    "Intensity "
    "gCO₂eq/kWh (LCA),Low Carbon Percentage,Renewable Percentage,Data Source,Data Estimated,Data "
    "Estimation Method\n";
const std::string maps_2025 =
    "Datetime (UTC),Country,Zone name,Zone id,Carbon intensity gCO₂eq/kWh (direct),Carbon "
    "intensity "
    "gCO₂eq/kWh (Life cycle),Carbon-free energy percentage (CFE%),Renewable energy percentage "
    "(RE%),Data source,Data estimated,Data estimation method\n";
std::string maps_row(const std::string& time, const std::string& direct, const std::string& lca,
                     const std::string& estimated = "false", const std::string& zone = "DE") {
  return time + ",Germany,Germany," + zone + "," + direct + "," + lca +
         ",81.25,73.73,\"entsoe.eu; b\"," + estimated + ",\n";
}

// ---- Units ----

TEST(SignalUnit, ReadsTheUsualOnes) {
  struct Case {
    const char* text;
    SignalKind kind;
    double factor;
    const char* currency;
  };
  for (const Case& one :
       {Case{"gCO₂eq/kWh", SignalKind::carbon, 1.0, ""},
        Case{"gCO2e/kWh", SignalKind::carbon, 1.0, ""}, Case{"g/kWh", SignalKind::carbon, 1.0, ""},
        Case{"kgCO2/MWh", SignalKind::carbon, 1.0, ""},
        Case{"t CO2e/MWh", SignalKind::carbon, 1000.0, ""},
        Case{"lbs/MWh", SignalKind::carbon, 0.45359237, ""},
        Case{"USD/MWh", SignalKind::price, 1e-3, "USD"},
        Case{"EUR/kWh", SignalKind::price, 1.0, "EUR"}, Case{"1", SignalKind::pue, 1.0, ""},
        Case{"PUE", SignalKind::pue, 1.0, ""}, Case{"W", SignalKind::power, 1.0, ""},
        Case{"kW", SignalKind::power, 1000.0, ""}}) {
    const auto unit = parse_signal_unit(one.text);
    ASSERT_TRUE(unit) << one.text;
    EXPECT_EQ(unit->kind, one.kind) << one.text;
    EXPECT_DOUBLE_EQ(unit->factor, one.factor) << one.text;
    EXPECT_EQ(unit->currency, one.currency) << one.text;
  }
  for (const char* text :
       {"", "/", "g", "USD", "USD/", "/kWh", "g/h", "usd/MWh", "w", "USD/MW", "CO2/kWh", "2"}) {
    EXPECT_FALSE(parse_signal_unit(text)) << text;
  }
}

// ---- Electricity Maps ----

TEST(ElectricityMaps, BothGenerationsOfTheHeader) {
  for (const std::string& header : {maps_2022, maps_2025}) {
    const std::string text = header + maps_row("2022-01-01 00:00:00", "163.46", "213.79") +
                             maps_row("2022-01-01 01:00:00", "166.66", "218.0", "true") +
                             maps_row("2022-01-01 02:00:00", "170", "219");
    SignalRequest request;
    request.column = "direct";
    const SignalData direct = read_text(text, request);
    EXPECT_EQ(direct.report.format, "electricity-maps");
    EXPECT_EQ(direct.zone_name, "DE");
    EXPECT_EQ(direct.unit, "gCO₂eq/kWh");
    EXPECT_THAT(direct.values, ElementsAre(163.46, 166.66, 170));
    EXPECT_EQ(direct.start_unix_s, jan_1_2022);
    EXPECT_EQ(direct.step_s, 3600.0);
    EXPECT_EQ(direct.end_unix_s(), jan_1_2022 + 3 * 3600);
    EXPECT_EQ(direct.estimated, 1U);
    EXPECT_EQ(count_of(direct.report.adjusted, "estimated"), 1U);
    EXPECT_EQ(direct.report.rows, 3U);
    EXPECT_EQ(direct.report.sha256.size(), 64U);
    request.column = "lifecycle";
    EXPECT_THAT(read_text(text, request).values, ElementsAre(213.79, 218, 219));
    request.column = "";
    const SignalData assumed = read_text(text, request);
    EXPECT_EQ(assumed.values, direct.values);
    EXPECT_THAT(assumed.report.notes, ElementsAre(HasSubstr("column assumed: direct")));
    request.column = "lifecylce";
    EXPECT_EQ(faults_of(text, request),
              "error: column: expected direct or lifecycle, got 'lifecylce'; did you mean "
              "'lifecycle'?");
  }
}

TEST(ElectricityMaps, EmptyValuesByRule) {
  const std::string text =
      maps_2022 + maps_row("2022-01-01 00:00:00", "100", "1") +
      maps_row("2022-01-01 01:00:00", "", "1") + maps_row("2022-01-01 02:00:00", "", "1") +
      maps_row("2022-01-01 03:00:00", "400", "1") + maps_row("2022-01-01 04:00:00", "", "1");
  EXPECT_THAT(faults_of(text),
              testing::StartsWith(
                  "in.csv:3: error: Carbon Intensity gCO₂eq/kWh (direct): no value at "
                  "2022-01-01T01:00:00Z (rule gap: hold or interpolate would accept the file)\n"
                  "in.csv:4: error: "));
  const SignalData held = read_text(text, with({}, {{"gap", "hold"}}));
  EXPECT_THAT(held.values, ElementsAre(100, 100, 100, 400, 400));
  EXPECT_EQ(count_of(held.report.adjusted, "gap"), 3U);
  const SignalData line = read_text(text, with({}, {{"gap", "interpolate"}}));
  EXPECT_THAT(line.values, ElementsAre(100, 200, 300, 400, 400));
}

TEST(ElectricityMaps, EstimatedHoursCanBeRefusedOrTakenForGaps) {
  const std::string text = maps_2022 + maps_row("2022-01-01 00:00:00", "100", "1") +
                           maps_row("2022-01-01 01:00:00", "999", "1", "true") +
                           maps_row("2022-01-01 02:00:00", "300", "1");
  EXPECT_THAT(faults_of(text, with({}, {{"estimated", "error"}})),
              HasSubstr("in.csv:3:40: error: Carbon Intensity gCO₂eq/kWh (direct): the value is "
                        "estimated"));
  EXPECT_THAT(read_text(text, with({}, {{"estimated", "gap"}, {"gap", "interpolate"}})).values,
              ElementsAre(100, 200, 300));
}

TEST(ElectricityMaps, MissingRowsAreAGap) {
  const std::string first = maps_row("2022-01-01 00:00:00", "100", "1");
  std::string text = maps_2022 + first;
  for (int h = 1; h < 24; ++h) {
    if (h == 5 || h == 6) continue;
    text += maps_row("2022-01-01 " + std::to_string(h) + ":00", std::to_string(100 + h), "1");
  }
  EXPECT_EQ(faults_of(text),
            "in.csv:7: error: time: 2 rows are missing between 2022-01-01T04:00:00Z and "
            "2022-01-01T07:00:00Z (rule gap: hold or interpolate would accept the file)");
  const SignalData filled = read_text(text, with({}, {{"gap", "interpolate"}}));
  ASSERT_EQ(filled.values.size(), 24U);
  EXPECT_DOUBLE_EQ(filled.values[5], 105.0);
  EXPECT_DOUBLE_EQ(filled.values[6], 106.0);
  EXPECT_EQ(filled.step_s, 3600.0);
  EXPECT_EQ(count_of(filled.report.adjusted, "gap"), 2U);
}

TEST(ElectricityMaps, OrderAndDuplicates) {
  const std::string a = maps_row("2022-01-01 00:00:00", "1", "1");
  const std::string b = maps_row("2022-01-01 01:00:00", "2", "1");
  const std::string b2 = maps_row("2022-01-01 01:00:00", "4", "1");
  const std::string c = maps_row("2022-01-01 02:00:00", "3", "1");
  const SignalData sorted = read_text(maps_2022 + c + a + b, with({}, {{"order", "sort"}}));
  EXPECT_THAT(sorted.values, ElementsAre(1, 2, 3));
  EXPECT_EQ(count_of(sorted.report.adjusted, "order"), 1U);
  EXPECT_EQ(
      faults_of(maps_2022 + c + a + b),
      "in.csv:3: error: time: 2022-01-01T00:00:00Z comes after 2022-01-01T02:00:00Z of line 2 "
      "(rule order: sort would accept the file)");
  EXPECT_EQ(faults_of(maps_2022 + a + b + b2 + c),
            "in.csv:4: error: time: 2022-01-01T01:00:00Z stands in line 3, too (rule "
            "duplicate_times: first or last or mean would accept the file)");
  const auto by = [&](const char* choice) {
    return read_text(maps_2022 + a + b + b2 + c, with({}, {{"duplicate_times", choice}}));
  };
  EXPECT_THAT(by("first").values, ElementsAre(1, 2, 3));
  EXPECT_THAT(by("last").values, ElementsAre(1, 4, 3));
  EXPECT_THAT(by("mean").values, ElementsAre(1, 3, 3));
  EXPECT_EQ(count_of(by("mean").report.skipped, "duplicate_times"), 1U);
}

TEST(ElectricityMaps, FaultsAreGatheredWithTheirPositions) {
  const std::string text = maps_2022 + maps_row("2022-01-01 00:00:00", "100", "1") +
                           maps_row("2022-01-32 01:00:00", "100", "1") +
                           maps_row("2022-01-01 02:00:00", "-5", "1") +
                           maps_row("2022-01-01 03:00:00", "1O0", "1") + "2022-01-01 04:00:00,x\n" +
                           maps_row("2022-01-01 05:00:00", "100", "1", "false", "FR");
  EXPECT_EQ(faults_of(text),
            "in.csv:3:1: error: Datetime (UTC): expected a date and time such as '2022-01-01 "
            "00:00:00', got '2022-01-32 01:00:00'\n"
            "in.csv:4:40: error: Carbon Intensity gCO₂eq/kWh (direct): expected a number >= 0, got "
            "'-5'\n"
            "in.csv:5:40: error: Carbon Intensity gCO₂eq/kWh (direct): expected a number, got "
            "'1O0'\n"
            "in.csv:6: error: expected at least 11 fields, got 2\n"
            "in.csv:7:37: error: zone: the file begins with 'DE', here stands 'FR'; a series is of "
            "one zone");
  EXPECT_EQ(faults_of(maps_2022),
            "in.csv: error: expected at least two rows with a time, got 0: one alone does not say "
            "how long it holds");
  EXPECT_THAT(faults_of("Datetime (UTC),Carbon Intensity gCO₂eq/kWh (direct)\n",
                        with({}, {{"gaps", "hold"}})),
              HasSubstr("unknown rule 'gaps'; did you mean 'gap'?"));
  SignalRequest lifecycle;
  lifecycle.column = "lifecycle";
  EXPECT_THAT(faults_of("Datetime (UTC),Carbon Intensity gCO₂eq/kWh (direct)\n", lifecycle),
              HasSubstr("in.csv:1: error: Carbon intensity gCO₂eq/kWh (life cycle): the header has "
                        "no such column"));
}

TEST(ElectricityMaps, OneWrongYearDoesNotFillTheMemory) {
  std::string text = maps_2022;
  for (int h = 0; h < 24; ++h) {
    text += maps_row("2022-01-01 " + std::to_string(h) + ":00", "100", "1");
  }
  text += maps_row("2122-01-01 00:00", "100", "1");
  EXPECT_THAT(faults_of(text, with({}, {{"gap", "hold"}})),
              HasSubstr("in.csv:26: error: time: 876552 rows are missing between"));
}

// ---- Generic CSV ----

TEST(SignalCsv, UnitAndColumnsFromTheHeader) {
  SignalRequest request;
  request.zone = "UTC";
  const SignalData price = read_text(
      "Datetime,Price (USD/MWh)\r\n2021-12-31 08:00:00,60.5\r\n2021-12-31 09:00:00,-4.5", request);
  EXPECT_EQ(price.report.format, "csv");
  EXPECT_EQ(price.unit, "USD/MWh");
  EXPECT_EQ(price.meaning.currency, "USD");
  EXPECT_EQ(price.meaning.kind, SignalKind::price);
  EXPECT_EQ(price.column, "Price (USD/MWh)");
  EXPECT_THAT(price.values, ElementsAre(60.5, -4.5));
  EXPECT_EQ(price.start_unix_s, jan_1_2022 - 16 * 3600);
}

TEST(SignalCsv, NamedColumnsOtherDelimitersAndEpochs) {
  SignalRequest request = csv("EUR/kWh");
  request.time_column = "when";
  request.column = "eur";
  const auto values = ElementsAre(0.1, 0.2);
  EXPECT_THAT(read_text("x;when;eur\n1;1640995200;0.1\n2;1640998800;0.2\n", request).values,
              values);
  const SignalData ms =
      read_text("x\twhen\teur\n1\t1640995200000\t0.1\n2\t1640995200500\t0.2\n", request);
  EXPECT_THAT(ms.values, values);
  EXPECT_EQ(ms.step_s, 0.5);
  SignalRequest numbered = csv("1");
  numbered.time_column = "#1";
  numbered.column = "#3";
  const SignalData bare = read_text("2022-01-01T00:00Z,a,1.1\n2022-01-01T00:05Z,b,1.2\n", numbered);
  EXPECT_THAT(bare.values, ElementsAre(1.1, 1.2));
  EXPECT_EQ(bare.step_s, 300.0);
  EXPECT_EQ(bare.report.rows, 2U);
  const SignalData headed =
      read_text("t,a,b\n2022-01-01T00:00Z,a,1.1\n2022-01-01T00:05Z,b,1.2\n", numbered);
  EXPECT_EQ(headed.values, bare.values);
}

TEST(SignalCsv, OffsetsMakeTheHoursWhole) {
  // Texas, 13 March 2022: 02:00 does not exist. 6 November: 01:00 twice, with different offsets.
  const SignalData spring = read_text(
      "Datetime,Price (USD/MWh)\n2022-03-13 00:00:00-06:00,1\n2022-03-13 01:00:00-06:00,2\n"
      "2022-03-13 03:00:00-05:00,3\n2022-03-13 04:00:00-05:00,4\n");
  EXPECT_EQ(spring.step_s, 3600.0);
  EXPECT_THAT(spring.values, ElementsAre(1, 2, 3, 4));
  const SignalData autumn = read_text(
      "Datetime,Price (USD/MWh)\n2022-11-06 00:00:00-05:00,1\n2022-11-06 01:00:00-05:00,2\n"
      "2022-11-06 01:00:00-06:00,3\n2022-11-06 02:00:00-06:00,4\n");
  EXPECT_EQ(autumn.step_s, 3600.0);
  EXPECT_THAT(autumn.values, ElementsAre(1, 2, 3, 4));
}

TEST(SignalCsv, ALocalZoneWithoutOffsets) {
  const std::string spring =
      "Datetime,p\n2022-03-13 00:00,1\n2022-03-13 01:00,2\n2022-03-13 03:00,3\n2022-03-13 "
      "04:00,4\n";
  EXPECT_EQ(read_text(spring, csv("USD/MWh", "America/Chicago")).step_s, 3600.0);
  const std::string autumn =
      "Datetime,p\n2022-11-06 00:00,1\n2022-11-06 01:00,2\n2022-11-06 01:00,3\n2022-11-06 "
      "02:00,4\n";
  const SignalData in_order = read_text(autumn, csv("USD/MWh", "America/Chicago"));
  EXPECT_EQ(in_order.step_s, 3600.0);
  EXPECT_THAT(in_order.values, ElementsAre(1, 2, 3, 4));
  EXPECT_EQ(count_of(in_order.report.adjusted, "repeated_hour"), 2U);
  EXPECT_THAT(
      faults_of(autumn, with(csv("USD/MWh", "America/Chicago"), {{"repeated_hour", "error"}})),
      HasSubstr("in.csv:3:1: error: Datetime: '2022-11-06 01:00' exists twice in this zone"));
  // Half hours come back together, too.
  const SignalData halves = read_text(
      "Datetime,p\n2022-11-06 00:30,0\n2022-11-06 01:00,1\n2022-11-06 01:30,2\n2022-11-06 01:00,3\n"
      "2022-11-06 01:30,4\n2022-11-06 02:00,5\n",
      csv("USD/MWh", "America/Chicago"));
  EXPECT_EQ(halves.step_s, 1800.0);
  EXPECT_THAT(halves.values, ElementsAre(0, 1, 2, 3, 4, 5));
  // A file that lists the hour that does not exist: by default it moves forward, onto the next.
  EXPECT_THAT(faults_of("Datetime,p\n2022-03-13 01:00,2\n2022-03-13 02:00,9\n2022-03-13 03:00,3\n",
                        csv("USD/MWh", "America/Chicago")),
              HasSubstr("in.csv:4: error: time: 2022-03-13T08:00:00Z stands in line 3, too"));
  EXPECT_THAT(faults_of("Datetime,p\n2022-03-13 01:00,2\n2022-03-13 02:00,9\n",
                        with(csv("USD/MWh", "America/Chicago"), {{"missing_hour", "error"}})),
              HasSubstr("'2022-03-13 02:00' does not exist in this zone"));
}

TEST(SignalCsv, DecimalCommasAndDatesWithPoints) {
  const std::string text =
      "Datum;Preis (EUR/MWh)\n01.02.2022 00:00;12,5\n01.02.2022 01:00;-1.000,25\n01.02.2022 "
      "02:00;7\n";
  SignalRequest request;
  request.time_column = "Datum";  // which says that it is a CSV
  request.zone = "Europe/Berlin";
  request.rules = {{"decimal", "comma"}};
  const SignalData data = read_text(text, request);
  EXPECT_THAT(data.values, ElementsAre(12.5, -1000.25, 7));
  EXPECT_EQ(data.start_unix_s, 1643670000.0);  // 2022-01-31T23:00:00Z
  EXPECT_EQ(data.step_s, 3600.0);
  EXPECT_THAT(
      read_text("time (UTC),value (USD/MWh)\n2022-01-01 00:00,1\n2022-01-01 01:00,2\n").values,
      ElementsAre(1, 2));
  request.rules.clear();
  EXPECT_THAT(faults_of(text, request),
              HasSubstr("in.csv:2:18: error: Preis (EUR/MWh): expected a number, got '12,5'; rule "
                        "decimal: comma would read it as a decimal comma"));
}

TEST(SignalCsv, AZoneIsNeededWhereTheFileNamesNone) {
  EXPECT_EQ(
      faults_of("Datetime,p\n2022-01-01 00:00,1\n2022-01-01 01:00,1\n", csv("USD/MWh", "")),
      "in.csv:2:1: error: Datetime: expected a date with its offset from UTC, got '2022-01-01 "
      "00:00'; say zone: UTC, or the zone in which it is written");
  EXPECT_EQ(read_text("UTC time,p\n2022-01-01 00:00,1\n2022-01-01 01:00,1\n", csv("USD/MWh", ""))
                .start_unix_s,
            jan_1_2022);
  EXPECT_EQ(
      read_text("Datetime,p\n2022-01-01 00:00,1\n2022-01-01 01:00,1\n", csv("USD/MWh", "-06:00"))
          .start_unix_s,
      jan_1_2022 + 6 * 3600);
  EXPECT_THAT(faults_of("Datetime,p\n2022-01-01 00:00,1\n", csv("USD/MWh", "America/Chicgo")),
              HasSubstr("did you mean 'America/Chicago'?"));
}

TEST(SignalCsv, StampsAtTheEndOfTheStep) {
  const std::string text = "time,p\n2022-01-01 01:00,1\n2022-01-01 02:00,2\n";
  EXPECT_EQ(read_text(text, csv()).start_unix_s, jan_1_2022 + 3600);
  const SignalData ended = read_text(text, with(csv(), {{"stamp", "end"}}));
  EXPECT_EQ(ended.start_unix_s, jan_1_2022);
  EXPECT_EQ(ended.end_unix_s(), jan_1_2022 + 7200);
}

TEST(SignalCsv, IrregularSteps) {
  const std::string text =
      "time,pue\n2022-01-01 00:00,1.1\n2022-01-01 00:10,1.2\n2022-01-01 01:00,1.3\n"
      "2022-01-01 01:10,1.4\n2022-01-01 03:00,1.6\n";
  EXPECT_EQ(faults_of(text, csv("1")),
            "in.csv:4: error: time: expected a step of 600 s as in most rows, got 3000 s up to "
            "2022-01-01T01:00:00Z (2 of 4 steps differ) (rule mixed_steps: keep would accept the "
            "file)");
  const SignalData steps = read_text(text, with(csv("1"), {{"mixed_steps", "keep"}}));
  EXPECT_EQ(count_of(steps.report.adjusted, "mixed_steps"), 2U);
  EXPECT_EQ(steps.step_s, 0.0);
  EXPECT_THAT(steps.times_unix_s,
              ElementsAre(jan_1_2022, jan_1_2022 + 600, jan_1_2022 + 3600, jan_1_2022 + 4200,
                          jan_1_2022 + 10800, jan_1_2022 + 11400));
  EXPECT_THAT(steps.report.notes, ElementsAre(HasSubstr("2 of 4 are not 600 s")));
  EXPECT_DOUBLE_EQ(steps.mean(),
                   (1.1 * 600 + 1.2 * 3000 + 1.3 * 600 + 1.4 * 6600 + 1.6 * 600) / 11400);
  const SignalData ended =
      read_text(text, with(csv("1"), {{"stamp", "end"}, {"mixed_steps", "keep"}}));
  EXPECT_EQ(ended.times_unix_s.front(), jan_1_2022 - 600);
  EXPECT_EQ(ended.end_unix_s(), jan_1_2022 + 10800);
}

TEST(SignalCsv, PueBelowOne) {
  const std::string text =
      "time,pue\n2022-01-01 00:00,1.1\n2022-01-01 01:00,0.9\n2022-01-01 02:00,1.3\n";
  SignalRequest request = csv("");
  request.kind = SignalKind::pue;  // needs no unit
  EXPECT_EQ(faults_of(text, request),
            "in.csv:3:18: error: pue: expected a PUE >= 1, got '0.9' (rule below_one: clip or gap "
            "would accept the file)");
  EXPECT_THAT(read_text(text, with(request, {{"below_one", "clip"}})).values,
              ElementsAre(1.1, 1.0, 1.3));
  EXPECT_THAT(read_text(text, with(request, {{"below_one", "gap"}, {"gap", "interpolate"}})).values,
              ElementsAre(1.1, testing::DoubleEq(1.2), 1.3));
}

TEST(SignalCsv, Faults) {
  EXPECT_THAT(faults_of(""), HasSubstr("none of the signal formats"));
  EXPECT_THAT(faults_of("", csv()), HasSubstr("the file has no rows"));
  EXPECT_THAT(faults_of("a,b\n1,2\n"), HasSubstr("it begins with 'a,b'"));
  EXPECT_THAT(faults_of("a,b\n1,2\n", csv()),
              HasSubstr("in.csv:1: error: time_column: no column has a usual name for a time; name "
                        "one (there are 'a', 'b')"));
  EXPECT_THAT(faults_of("time,p\n1,2\n", csv("")), HasSubstr("unit: expected a unit such as"));
  EXPECT_THAT(faults_of("time,p\n1,2\n", csv("parsec")), HasSubstr("got 'parsec'"));
  EXPECT_THAT(faults_of("time,p,q\n", csv()), HasSubstr("column: which column holds the values?"));
  EXPECT_THAT(faults_of("time,datetime,q\n", csv()), HasSubstr("both 'time' and 'datetime'"));
  SignalRequest request = csv();
  request.column = "prise";
  EXPECT_THAT(faults_of("time,price\n", request), HasSubstr("did you mean 'price'?"));
  request.column = "time";
  EXPECT_THAT(faults_of("time,price\n", request), HasSubstr("from one column"));
  request.format = "cvs";
  EXPECT_THAT(faults_of("time,price\n", request), HasSubstr("did you mean 'csv'?"));
  SignalRequest carbon = csv("USD/MWh");
  carbon.kind = SignalKind::carbon;
  EXPECT_THAT(faults_of("time,p\n", carbon),
              HasSubstr("p: expected a unit of carbon intensity, got 'USD/MWh'"));
  EXPECT_THAT(faults_of("time,p\nyesterday,1\n12,2\n9999-01-01,4\n2022-01-01 00:00\n", csv()),
              testing::AllOf(HasSubstr("in.csv:2:1: error: time: expected a date and time"),
                             HasSubstr("in.csv:3:1: error: time: expected a date"),
                             HasSubstr("in.csv:4:1: error: time: expected a time between"),
                             HasSubstr("in.csv:5: error: expected at least 2 fields, got 1")));
  const SignalData kept =
      read_text("time,p\n2022-01-01,1\nnoise\n2022-01-02,2\n", with(csv(), {{"bad_row", "skip"}}));
  EXPECT_THAT(kept.values, ElementsAre(1, 2));
  EXPECT_EQ(count_of(kept.report.skipped, "bad_row"), 1U);
  SignalRequest nowhere;
  nowhere.path = "no/such/file.csv";
  EXPECT_THROW(read_signal(nowhere), InputError);
}

// ---- On the simulation's clock ----

TEST(SignalData, SeriesInBaseUnits) {
  const SignalData carbon =
      read_text("time,ci\n2022-01-01 00:00,360\n2022-01-01 01:00,720\n", csv("g/kWh"));
  const auto origin = static_cast<std::int64_t>(jan_1_2022) + 1800;
  const StepSeries series = carbon.series(origin, 500'000'000, Beyond::hold);
  EXPECT_EQ(series.start, SimTime::from_seconds(-1800.5));
  EXPECT_EQ(series.step, SimTime::from_seconds(3600));
  EXPECT_EQ(series.beyond, Beyond::hold);
  EXPECT_THAT(series.values, ElementsAre(testing::DoubleEq(1e-4), testing::DoubleEq(2e-4)));
  const StepSeries price =
      read_text("time,p\n2022-01-01 00:00,36\n2022-01-01 01:00,72\n2022-01-01 04:00,36\n",
                with(csv(), {{"mixed_steps", "keep"}}))
          .series(static_cast<std::int64_t>(jan_1_2022), 0, Beyond::error);
  EXPECT_EQ(price.step.ns(), 0);
  EXPECT_THAT(price.times,
              ElementsAre(SimTime(), SimTime::from_seconds(3600), SimTime::from_seconds(4 * 3600),
                          SimTime::from_seconds(5 * 3600)));
  EXPECT_NEAR(price.at(SimTime()) * 3.6e6, 0.036, 1e-16);
  EXPECT_THROW((void)carbon.series(-4'000'000'000, 0, Beyond::hold), InputError);
}

TEST(SignalFormats, AreListedByName) {
  const auto formats = signal_formats();
  std::string names;
  for (const FormatInfo& format : formats) {
    names += format.name + " ";
    EXPECT_FALSE(format.summary.empty() || format.source.empty() || format.rules.empty());
  }
  EXPECT_EQ(names,
            "carboncast csv eia-930 eia-mix electricity-maps epw gfs neso open-meteo puewue "
            "watttime ");
}

// ---- Real files ----

struct Figures {  // of the data's own README, rounded there to one digit
  const char* file;
  double mean, min, max;
  std::size_t rows;
  std::uint64_t estimated = 0;
};

void expect_figures(const SignalData& data, const Figures& figures) {
  EXPECT_NEAR(data.mean(), figures.mean, 0.0501) << figures.file;
  EXPECT_NEAR(data.min(), figures.min, 0.0501) << figures.file;
  EXPECT_NEAR(data.max(), figures.max, 0.0501) << figures.file;
  EXPECT_EQ(data.values.size(), figures.rows) << figures.file;
  EXPECT_EQ(data.step_s, 3600.0) << figures.file;
  EXPECT_EQ(data.estimated, figures.estimated) << figures.file;
}

TEST(ShippedSignals, CarbonAndPrice) {
  const std::string folder = std::string(NIGHTWATT_SOURCE_DIR) + "/scenarios/data/";
  for (const Figures& one : {Figures{"US-TEX-ERCO_2022_hourly.csv.gz", 338.2, 105.8, 518.6, 8760},
                             Figures{"DE-LU_2022_hourly.csv.gz", 411.0, 117.4, 681.4, 8760}}) {
    SignalRequest request;
    request.path = one.file;
    request.resolved_path = folder + one.file;
    request.column = "direct";
    request.kind = SignalKind::carbon;
    const SignalData data = read_signal(request);
    expect_figures(data, one);
    EXPECT_EQ(data.start_unix_s, jan_1_2022);
    EXPECT_TRUE(data.report.adjusted.empty() && data.report.skipped.empty());
  }
  SignalRequest request;
  request.path = "US-TEX-ERCO_electricity_prices_2022_processed.csv.gz";
  request.resolved_path = folder + request.path;
  request.kind = SignalKind::price;
  const SignalData price = read_signal(request);
  expect_figures(price, {"price", 64.3, 1.2, 2539.2, 8760});
  EXPECT_EQ(price.start_unix_s, jan_1_2022 + 6 * 3600);  // midnight in Texas
}

class RealSignals : public testing::Test {
 protected:
  void SetUp() override {
    const char* folder = std::getenv("NIGHTWATT_DATA");
    if (folder == nullptr) GTEST_SKIP() << "NIGHTWATT_DATA is not set";
    folder_ = folder;
  }
  SignalRequest request(const std::string& file) const {
    SignalRequest one;
    one.path = file;
    one.resolved_path = folder_ + "/" + file;
    return one;
  }
  std::string folder_;
};

TEST_F(RealSignals, ElectricityMaps) {
  for (const Figures& one :
       {Figures{"carbon/DE-LU_2022_hourly.csv", 411.0, 117.4, 681.4, 8760},
        Figures{"carbon/DE-LU_2023_hourly.csv", 307.7, 84.4, 640.0, 8760, 30},
        Figures{"carbon/GB_2022_hourly.csv", 155.7, 7.0, 297.2, 8760},
        Figures{"carbon/US-CAL-CISO_2022_hourly.csv", 196, 53.1, 349, 8760, 8},
        Figures{"carbon/US-CAL-CISO_2023_hourly.csv", 194, 54.5, 331.7, 8760, 2},
        Figures{"carbon/US-TEX-ERCO_2022_hourly.csv", 338.2, 105.8, 518.6, 8760},
        Figures{"carbon/SG_2022_hourly.csv", 372.4, 348.3, 381.9, 8760, 722},
        Figures{"carbon/IN-WE_2022_hourly.csv", 690, 613.3, 728.1, 8760, 8760},
        Figures{"carbon/BR-SP_2022_hourly.csv", 66.6, 26.9, 121.5, 8760, 158},
        Figures{"carbon/KR_2021_hourly.csv", 424.1, 372.0, 500.3, 8760, 7}}) {
    SignalRequest asked = request(one.file);
    asked.column = "direct";
    const SignalData direct = read_signal(asked);
    EXPECT_EQ(direct.report.format, "electricity-maps");
    expect_figures(direct, one);
    asked.column = "lifecycle";
    const SignalData lifecycle = read_signal(asked);
    EXPECT_GT(lifecycle.mean(), direct.mean()) << one.file;
  }
}

TEST_F(RealSignals, Prices) {
  for (const auto& [figures, zone] :
       {std::pair{Figures{"price/US-CAL-CISO_electricity_prices_2022_processed.csv", 89.0, -4.5,
                          1262.8, 8784},
                  "UTC"},
        std::pair{Figures{"price/US-CAL-CISO_electricity_prices_2023_processed.csv", 61.5, -19.0,
                          1090.9, 8784},
                  "UTC"},
        std::pair{Figures{"price/US-TEX-ERCO_electricity_prices_2022_processed.csv", 64.3, 1.2,
                          2539.2, 8760},
                  ""}}) {
    SignalRequest asked = request(figures.file);
    asked.zone = zone;
    asked.kind = SignalKind::price;
    expect_figures(read_signal(asked), figures);
  }
  SignalRequest standardized =
      request("price/US-TEX-ERCO_electricity_prices_2022_standardized.csv");
  standardized.time_column = "Datetime (UTC)";
  standardized.column = "Price (USD/MWh)";
  const SignalData smoothed = read_signal(standardized);
  EXPECT_NEAR(smoothed.max(), 2456.7, 0.0501);
  standardized.time_column = "Datetime (Local)";
  EXPECT_EQ(read_signal(standardized).values, smoothed.values);
}

}  // namespace
}  // namespace nightwatt
