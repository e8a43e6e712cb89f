#include "scenarios/units.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <regex>
#include <tuple>
#include <vector>

namespace nightwatt {
namespace {

struct Case {
  Dimension dimension;
  const char* text;
  double value;
};

class EveryUnit : public testing::TestWithParam<Case> {};

TEST_P(EveryUnit, ReadsAndMatchesItsPattern) {
  const auto& [dimension, text, value] = GetParam();
  const QuantityText read = parse_quantity(dimension, text);
  ASSERT_TRUE(read.value) << text << ": " << read.hint;
  EXPECT_DOUBLE_EQ(*read.value, value) << text;
  EXPECT_TRUE(std::regex_match(text, std::regex(quantity_pattern(dimension)))) << text;
}

INSTANTIATE_TEST_SUITE_P(
    Units, EveryUnit,
    testing::Values(
        Case{Dimension::duration, "90 s", 90}, Case{Dimension::duration, "250 ms", 0.25},
        Case{Dimension::duration, "5 us", 5e-6}, Case{Dimension::duration, "5 ns", 5e-9},
        Case{Dimension::duration, "30 min", 1800}, Case{Dimension::duration, "1.5 h", 5400},
        Case{Dimension::duration, "1 day", 86400}, Case{Dimension::duration, "7 days", 604800},
        Case{Dimension::duration, "1 week", 604800}, Case{Dimension::duration, "2 weeks", 1209600},
        Case{Dimension::duration, "-3 min", -180}, Case{Dimension::power, "350 W", 350},
        Case{Dimension::power, "1.2 kW", 1200}, Case{Dimension::power, "3 MW", 3e6},
        Case{Dimension::power, "5 mW", 0.005}, Case{Dimension::power, "1 GW", 1e9},
        Case{Dimension::power, "350W", 350}, Case{Dimension::energy, "2 kWh", 2},
        Case{Dimension::energy, "3600000 J", 1}, Case{Dimension::energy, "3600 kJ", 1},
        Case{Dimension::energy, "3.6 MJ", 1}, Case{Dimension::energy, "500 Wh", 0.5},
        Case{Dimension::energy, "4 MWh", 4000}, Case{Dimension::energy, "1 GWh", 1e6},
        Case{Dimension::carbon_intensity, "420 gCO2e/kWh", 420},
        Case{Dimension::carbon_intensity, "420 gCO2/kWh", 420},
        Case{Dimension::carbon_intensity, "420 gCO2eq/kWh", 420},
        Case{Dimension::carbon_intensity, "420 g/kWh", 420},
        Case{Dimension::carbon_intensity, "0.42 kgCO2e/kWh", 420},
        Case{Dimension::carbon_intensity, "0.42 kgCO2/kWh", 420},
        Case{Dimension::carbon_intensity, "0.42 kg/kWh", 420},
        Case{Dimension::carbon_intensity, "420 kgCO2e/MWh", 420},
        Case{Dimension::carbon_intensity, "420 kgCO2/MWh", 420},
        Case{Dimension::carbon_intensity, "420 kg/MWh", 420},
        Case{Dimension::carbon_intensity, "0.42 tCO2e/MWh", 420},
        Case{Dimension::carbon_intensity, "0.42 tCO2/MWh", 420},
        Case{Dimension::carbon_intensity, "1000 lbCO2e/MWh", 453.59237},
        Case{Dimension::carbon_intensity, "1000 lbCO2/MWh", 453.59237},
        Case{Dimension::energy_per_data, "0.06 kWh/GB", 216000},
        Case{Dimension::energy_per_data, "5 J/GB", 5},
        Case{Dimension::energy_per_data, "60 kWh/TB", 216000},
        Case{Dimension::water, "1.8 L/kWh", 1.8}, Case{Dimension::water, "2 m3/MWh", 2},
        Case{Dimension::carbon_mass, "1.3 tCO2e", 1300},
        Case{Dimension::carbon_mass, "500 gCO2e", 0.5},
        Case{Dimension::demand_charge, "15 USD/kW", 15}, Case{Dimension::price, "60 USD/MWh", 0.06},
        Case{Dimension::price, "0.3 EUR/kWh", 0.3}, Case{Dimension::price, "-4.5 USD/MWh", -0.0045},
        Case{Dimension::bandwidth, "8 B/s", 8}, Case{Dimension::bandwidth, "8 kB/s", 8e3},
        Case{Dimension::bandwidth, "8 MB/s", 8e6}, Case{Dimension::bandwidth, "25 GB/s", 25e9},
        Case{Dimension::bandwidth, "1 TB/s", 1e12}, Case{Dimension::bandwidth, "8 bit/s", 1},
        Case{Dimension::bandwidth, "8 kbit/s", 1e3}, Case{Dimension::bandwidth, "8 Mbit/s", 1e6},
        Case{Dimension::bandwidth, "200 Gbit/s", 25e9},
        Case{Dimension::bandwidth, "1.6 Tbit/s", 2e11}, Case{Dimension::data, "16 B", 16},
        Case{Dimension::data, "16 kB", 16e3}, Case{Dimension::data, "16 MB", 16e6},
        Case{Dimension::data, "16 GB", 16e9}, Case{Dimension::data, "16 TB", 16e12},
        Case{Dimension::data, "1 KiB", 1024}, Case{Dimension::data, "1 MiB", 1048576},
        Case{Dimension::data, "1 GiB", 1073741824}, Case{Dimension::data, "1 TiB", 1099511627776.0},
        Case{Dimension::fraction, "40 %", 0.4}, Case{Dimension::fraction, "40%", 0.4}));

TEST(Units, PlainFraction) { EXPECT_EQ(*parse_quantity(Dimension::fraction, "0.4").value, 0.4); }

TEST(Units, SubscriptTwo) {
  EXPECT_EQ(*parse_quantity(Dimension::carbon_intensity, "420 gCO₂e/kWh").value, 420);
}

TEST(Units, PriceNamesItsCurrency) {
  EXPECT_EQ(parse_quantity(Dimension::price, "60 USD/MWh").currency, "USD");
  EXPECT_EQ(parse_quantity(Dimension::price, "60 EUR/MWh").currency, "EUR");
}

TEST(Units, RefusedWithAHint) {
  const auto hint = [](Dimension d, const char* text) {
    const QuantityText read = parse_quantity(d, text);
    EXPECT_FALSE(read.value) << text;
    return read.hint;
  };
  EXPECT_EQ(hint(Dimension::power, "350"), "no unit");
  EXPECT_EQ(hint(Dimension::power, "350 kw"), "unknown unit 'kw'; did you mean 'kW'?");
  EXPECT_EQ(hint(Dimension::power, "350 Watt"), "unknown unit 'Watt'; known: W, mW, kW, MW, GW");
  // 'mw' could be milli or mega: no guess.
  EXPECT_EQ(hint(Dimension::power, "350 mw"), "unknown unit 'mw'; known: W, mW, kW, MW, GW");
  EXPECT_EQ(hint(Dimension::price, "60 UDS/MWh"),
            "unknown unit 'UDS/MWh'; expected an ISO 4217 code over kWh or MWh");
  EXPECT_EQ(hint(Dimension::price, "60 USD"),
            "unknown unit 'USD'; expected an ISO 4217 code over kWh or MWh");
  EXPECT_EQ(hint(Dimension::power, "1e400 W"), "number out of range");
  EXPECT_EQ(hint(Dimension::power, "1e308 GW"), "number out of range");
  for (const char* text : {"", "W", "abc", ".nan", ".inf", "nan W", "inf W", "012 W", "0x10 W",
                           "1,000 W", "1_000 W", "+5 W", ".5 W", "5. W", "--5 W", "1 e5 W"}) {
    EXPECT_FALSE(parse_quantity(Dimension::power, text).value) << text;
  }
}

TEST(Units, CanonicalTextReadsBack) {
  EXPECT_EQ(format_quantity(Dimension::duration, 300), "5 min");
  EXPECT_EQ(format_quantity(Dimension::duration, 86400), "1 day");
  EXPECT_EQ(format_quantity(Dimension::duration, 604800), "7 days");
  EXPECT_EQ(format_quantity(Dimension::duration, 5400), "90 min");
  EXPECT_EQ(format_quantity(Dimension::duration, 0), "0 s");
  EXPECT_EQ(format_quantity(Dimension::duration, 0.25), "0.25 s");
  EXPECT_EQ(format_quantity(Dimension::power, 1200), "1200 W");
  EXPECT_EQ(format_quantity(Dimension::power, 60000), "60 kW");
  EXPECT_EQ(format_quantity(Dimension::bandwidth, 25e9), "25 GB/s");
  EXPECT_EQ(format_quantity(Dimension::bandwidth, 1.6e12), "1.6 TB/s");
  EXPECT_EQ(format_quantity(Dimension::power, 0), "0 W");
  EXPECT_EQ(format_quantity(Dimension::price, 0.06, "USD"), "0.06 USD/kWh");
  for (const auto& [d, v] :
       std::vector<std::pair<Dimension, double>>{{Dimension::duration, 0.1},
                                                 {Dimension::duration, 12345.678901234567},
                                                 {Dimension::duration, 1e300},
                                                 {Dimension::power, 1.0 / 3.0},
                                                 {Dimension::carbon_intensity, 453.59237},
                                                 {Dimension::bandwidth, 1e12 / 7},
                                                 {Dimension::fraction, 0.1},
                                                 {Dimension::energy, 1e-300}}) {
    EXPECT_EQ(*parse_quantity(d, format_quantity(d, v)).value, v);
  }
}

TEST(Units, Instants) {
  const auto unix_s = [](const char* text) { return parse_instant(text).value->unix_s; };
  // 2022-10-03 is day 19268 since 1970-01-01.
  EXPECT_EQ(unix_s("2022-10-03T00:00:00Z"), 19268LL * 86400);
  EXPECT_EQ(unix_s("2022-10-03T00:00Z"), 19268LL * 86400);
  EXPECT_EQ(unix_s("2022-10-03 02:00:00 +02:00"), 19268LL * 86400);
  EXPECT_EQ(unix_s("2022-10-02T17:30:00-0630"), 19268LL * 86400);
  EXPECT_EQ(unix_s("1969-12-31T23:59:59Z"), -1);
  EXPECT_EQ(parse_instant("2022-10-03T00:00:00.25Z").value->ns, 250'000'000);
  EXPECT_EQ(format_instant({-1, 0}), "1969-12-31T23:59:59Z");
  EXPECT_EQ(format_instant({19268LL * 86400 + 3661, 250'000'000}), "2022-10-03T01:01:01.25Z");
  EXPECT_EQ(format_instant({951782400, 0}), "2000-02-29T00:00:00Z");
}

TEST(Units, InstantsRefused) {
  EXPECT_EQ(parse_instant("2022-10-03").hint,
            "no time and offset; add T00:00:00Z for midnight UTC");
  EXPECT_EQ(parse_instant("2022-10-03T00:00:00").hint,
            "no offset; add Z for UTC or an offset such as +02:00");
  EXPECT_EQ(parse_instant("2022-02-29T00:00:00Z").hint, "no such day");
  EXPECT_EQ(parse_instant("2022-10-03T24:00:00Z").hint, "no such time of day");
  EXPECT_EQ(parse_instant("2022-10-03T00:00:00+19:00").hint, "no such offset");
  for (const char* text : {"", "yesterday", "2022", "2022-10-3T00:00:00Z", "2022-10-03T0:00Z",
                           "2022-10-03T00:00:00Zulu", "2022-10-03T00:00:00.Z", "2022-10-03X",
                           "2022-10-03T00:00:00+1", "2022-10-03T00:00:00.1234567891Z"}) {
    EXPECT_FALSE(parse_instant(text).value) << text;
  }
}

TEST(Units, Currencies) {
  EXPECT_TRUE(is_currency("USD"));
  EXPECT_TRUE(is_currency("AED"));
  EXPECT_TRUE(is_currency("ZWL"));
  for (const char* code : {"", "US", "usd", "ED ", "D A", "USDE", "XXX"}) {
    EXPECT_FALSE(is_currency(code)) << code;
  }
}

}  // namespace
}  // namespace nightwatt
