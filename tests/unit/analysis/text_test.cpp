#include "analysis/text.hpp"

#include <gtest/gtest.h>

#include "traces/job.hpp"

namespace nightwatt {
namespace {

TEST(Text, EnergyIsScaledToTheUnitThatFits) {
  EXPECT_EQ(energy_text(joules(0)), "0 Wh");
  EXPECT_EQ(energy_text(joules(1800)), "0.5 Wh");
  EXPECT_EQ(energy_text(kilowatt_hours(1)), "1 kWh");
  EXPECT_EQ(energy_text(kilowatt_hours(12345.6)), "12.35 MWh");
  EXPECT_EQ(energy_text(kilowatt_hours(999.96)), "1 MWh");
  EXPECT_EQ(energy_text(joules(unknown)), "unknown");
}

TEST(Text, CarbonPowerAndCost) {
  EXPECT_EQ(carbon_text(grams_co2e(350)), "350 g");
  EXPECT_EQ(carbon_text(grams_co2e(1.2345e6)), "1.234 t");
  EXPECT_EQ(power_text(kilowatts(1234)), "1.234 MW");
  EXPECT_EQ(cost_text(money(1234567.891), "EUR"), "1,234,567.89 EUR");
  EXPECT_EQ(cost_text(money(-0.001), ""), "0.00");
  EXPECT_EQ(cost_text(money(-2.5), "USD"), "-2.50 USD");
  EXPECT_EQ(cost_text(money(unknown), "EUR"), "unknown");
}

TEST(Text, SpansAreRoundedBeforeTheyAreSplit) {
  EXPECT_EQ(span_text(seconds(0)), "0 s");
  EXPECT_EQ(span_text(seconds(4.25)), "4.25 s");
  EXPECT_EQ(span_text(seconds(59.999)), "1 min");
  EXPECT_EQ(span_text(seconds(3599.7)), "1 h");
  EXPECT_EQ(span_text(seconds(125)), "2 min 5 s");
  EXPECT_EQ(span_text(seconds(86400 * 3 + 4 * 3600 + 20)), "3 d 4 h");
  EXPECT_EQ(span_text(seconds(-90)), "-1 min 30 s");
  EXPECT_EQ(span_text(seconds(unknown)), "unknown");
}

TEST(Text, Numbers) {
  EXPECT_EQ(number_text(1234567.4), "1,234,567");
  EXPECT_EQ(number_text(-1234.0), "-1,234");
  EXPECT_EQ(number_text(1.5), "1.5");
  EXPECT_EQ(number_text(0.000012345), "1.234e-05");
  EXPECT_EQ(percent_text(0.1234), "12.3 %");
  EXPECT_EQ(grouped(0), "0");
  EXPECT_EQ(grouped(1000), "1,000");
}

TEST(Text, InstantsAreUtc) {
  EXPECT_EQ(instant_text(0), "1970-01-01 00:00:00 UTC");
  EXPECT_EQ(instant_text(1664755200), "2022-10-03 00:00:00 UTC");
  EXPECT_EQ(instant_text(-1), "1969-12-31 23:59:59 UTC");
}

TEST(Text, ControlBytesOfAFileDoNotReachTheTerminal) {
  EXPECT_EQ(printable("a\x1b[2Jb\n"), "a?[2Jb?");
}

TEST(Text, ColumnsLineUpWhateverTheAlphabet) {
  TextTable table({TextTable::Align::left, TextTable::Align::right});
  table.row({"Zürich", "1"});
  table.row({"東京", "20"});
  table.row({"Rome", "300"});
  EXPECT_EQ(table.text(),
            "Zürich    1\n"
            "東京     20\n"
            "Rome    300\n");
}

TEST(Text, TheLastColumnWrapsUnderItself) {
  TextTable table({TextTable::Align::left});
  table.row({"note", "one two three four"});
  EXPECT_EQ(table.text(15),
            "note  one two\n"
            "      three\n"
            "      four\n");
}

}  // namespace
}  // namespace nightwatt
