#include "traces/datetime.hpp"

#include <gtest/gtest.h>

#include "traces/diagnostics.hpp"

namespace nightwatt {
namespace {

using Kind = LocalClock::Kind;
using Result = DateReader::Result;

/// Unix seconds of a date that says its offset.
double unix_of(std::string_view text) {
  DateReader reader("");
  double unix_s = -1;
  EXPECT_EQ(reader.read(text, unix_s), Result::ok) << text;
  return unix_s;
}

TEST(ParseDatetime, ReadsTheFormsThatTracesUse) {
  // date -u -d '2019-01-01 08:55:55' +%s
  constexpr std::int64_t expected = 1546332955;
  for (const char* text : {"2019-01-01 08:55:55", "2019-01-01T08:55:55", "2019/01/01 08:55:55",
                           "2019-1-1 8:55:55", "01/01/2019 8:55:55 AM", "1/1/2019 08:55:55",
                           " 2019-01-01 08:55:55 ", "1/1/2019 8:55:55 am"}) {
    const auto time = parse_datetime(text);
    ASSERT_TRUE(time.has_value()) << text;
    EXPECT_EQ(time->local_s, expected) << text;
    EXPECT_FALSE(time->offset_s.has_value()) << text;
    EXPECT_TRUE(time->has_time);
  }
  EXPECT_EQ(parse_datetime("31.1.2019 12:05")->local_s, parse_datetime("1/31/2019 12:05")->local_s);
  EXPECT_FALSE(parse_datetime("1.31.2019 12:05"));
  EXPECT_FALSE(parse_datetime("31.1/2019 12:05"));
  EXPECT_EQ(parse_datetime("1/31/2019 12:05 PM")->local_s,
            parse_datetime("2019-01-31 12:05")->local_s);
  EXPECT_EQ(parse_datetime("1/31/2019 12:05 AM")->local_s,
            parse_datetime("2019-01-31 00:05")->local_s);
  EXPECT_EQ(parse_datetime("2019-01-01")->local_s, 1546300800);
  EXPECT_FALSE(parse_datetime("2019-01-01")->has_time);
  EXPECT_EQ(parse_datetime("2019-01-01 24:00")->local_s, 1546300800 + 86'400);
  EXPECT_EQ(parse_datetime("2016-12-31 23:59:60")->local_s, parse_datetime("2017-01-01")->local_s);
  EXPECT_EQ(parse_datetime("2020-02-29")->local_s, 1582934400);
  EXPECT_DOUBLE_EQ(parse_datetime("2019-01-01 08:55:55.250")->fraction_s, 0.25);
}

TEST(ParseDatetime, ReadsOffsets) {
  EXPECT_EQ(unix_of("2019-01-01T08:55:55Z"), 1546332955);
  EXPECT_EQ(unix_of("2019-01-01 08:55:55 UTC"), 1546332955);
  EXPECT_EQ(unix_of("2019-01-01 08:55:55+00:00"), 1546332955);
  EXPECT_EQ(unix_of("2019-01-01 02:55:55 -0600"), 1546332955);
  EXPECT_EQ(unix_of("2019-01-01 16:55:55+08"), 1546332955);
  EXPECT_EQ(unix_of("2019-01-01T14:25:55.5+05:30"), 1546332955.5);
}

TEST(ParseDatetime, RefusesAllElse) {
  for (const char* text : {"",
                           "x",
                           "2019",
                           "2019-13-01",
                           "2019-02-29",
                           "2019-04-31",
                           "2019-00-10",
                           "2019-01-01 25:00",
                           "2019-01-01 24:01",
                           "2019-01-01 10:60",
                           "2019-01-01 10:00:61",
                           "2019-01-01 10",
                           "2019-01-01 10:00:00 PST",
                           "2019-01-01 10:00:00+15:00",
                           "2019-01-01 10:00:00+",
                           "2019-01-01 10:00:00.",
                           "2019-01-01 13:00 PM",
                           "2019-01-01 0:10 AM",
                           "13/01/2019",
                           "2019-01/01",
                           "2019-01-01T",
                           "2019-01-01 10:00:00Zx",
                           "20190101",
                           "1546332955"}) {
    EXPECT_FALSE(parse_datetime(text).has_value()) << text;
  }
}

TEST(LocalClock, FollowsDaylightSavingTime) {
  LocalClock chicago("America/Chicago");
  const auto at = [&](const char* text) { return chicago.to_unix(parse_datetime(text)->local_s); };
  EXPECT_EQ(at("2022-01-15 12:00").unix_s, unix_of("2022-01-15T18:00Z"));
  EXPECT_EQ(at("2022-07-15 12:00").unix_s, unix_of("2022-07-15T17:00Z"));
  // 2022-03-13: 02:00 to 03:00 was left out
  EXPECT_EQ(at("2022-03-13 01:59:59").kind, Kind::once);
  EXPECT_EQ(at("2022-03-13 01:59:59").unix_s, unix_of("2022-03-13T07:59:59Z"));
  EXPECT_EQ(at("2022-03-13 02:30").kind, Kind::never);
  EXPECT_EQ(at("2022-03-13 02:30").unix_s, unix_of("2022-03-13T08:30Z"));
  EXPECT_EQ(at("2022-03-13 03:00").kind, Kind::once);
  EXPECT_EQ(at("2022-03-13 03:00").unix_s, unix_of("2022-03-13T08:00Z"));
  // 2022-11-06: 01:00 to 02:00 came twice
  EXPECT_EQ(at("2022-11-06 00:59:59").kind, Kind::once);
  EXPECT_EQ(at("2022-11-06 01:30").kind, Kind::twice);
  EXPECT_EQ(at("2022-11-06 01:30").unix_s, unix_of("2022-11-06T06:30Z"));
  EXPECT_EQ(at("2022-11-06 01:30").second_s, unix_of("2022-11-06T07:30Z"));
  EXPECT_EQ(at("2022-11-06 02:00").kind, Kind::once);
  EXPECT_EQ(at("2022-11-06 02:00").unix_s, unix_of("2022-11-06T08:00Z"));
}

TEST(LocalClock, RemembersNothingThatIsWrong) {
  // The clock keeps the span it was last in; every hour of three years, asked in turn, must be what
  // a clock without memory says, and what the offset at that instant gives back.
  for (const char* zone :
       {"America/Chicago", "Europe/London", "Australia/Lord_Howe", "Asia/Kolkata"}) {
    LocalClock clock(zone);
    const std::int64_t begin = unix_midnight(2020, 1, 1);
    for (std::int64_t local = begin; local < begin + 3LL * 366 * 86'400; local += 1800) {
      const auto with_memory = clock.to_unix(local);
      if (local % (7 * 3600) == 0) {
        const auto fresh = LocalClock(zone).to_unix(local);
        ASSERT_EQ(with_memory.unix_s, fresh.unix_s);
        ASSERT_EQ(with_memory.kind, fresh.kind);
      }
      if (with_memory.kind == Kind::once) {
        ASSERT_EQ(with_memory.unix_s + clock.offset_at(with_memory.unix_s), local) << zone;
      }
    }
  }
}

TEST(LocalClock, TakesFixedOffsets) {
  for (const char* zone : {"+08:00", "+0800", "+8", "UTC+8", "GMT+08:00"}) {
    LocalClock clock(zone);
    EXPECT_EQ(clock.to_unix(28'800).unix_s, 0) << zone;
    EXPECT_EQ(clock.offset_at(0), 28'800) << zone;
  }
  for (const char* zone : {"UTC", "Z", "GMT", "+0"})
    EXPECT_EQ(LocalClock(zone).to_unix(5).unix_s, 5);
  EXPECT_EQ(LocalClock("-03:30").to_unix(0).unix_s, 12'600);
}

TEST(LocalClock, RefusesUnknownZonesWithAHint) {
  const auto fault = [](const char* zone) {
    try {
      LocalClock clock(zone);
    } catch (const InputError& error) {
      return std::string(error.what());
    }
    return std::string();
  };
  EXPECT_EQ(fault("America/Chicaco"),
            "error: zone: expected an IANA time zone such as 'America/Chicago' or an offset such "
            "as '+08:00', got 'America/Chicaco'; did you mean 'America/Chicago'?");
  EXPECT_NE(fault("Berlin").find("did you mean 'Europe/Berlin'?"), std::string::npos);
  EXPECT_NE(fault("Nowhere/AtAllInTheWorld").find("got 'Nowhere/AtAllInTheWorld'"),
            std::string::npos);
  EXPECT_NE(fault("+99:00"), "");
  EXPECT_NE(fault("../../etc/passwd"), "");
}

TEST(DateReader, AsksForAZoneOnlyWhereADateNamesNone) {
  DateReader without("");
  double unix_s = 0;
  EXPECT_EQ(without.read("2019-01-01 08:55:55", unix_s), Result::needs_zone);
  EXPECT_EQ(without.read("2019-01-01 08:55:55Z", unix_s), Result::ok);
  EXPECT_EQ(without.read("yesterday", unix_s), Result::not_a_date);
  DateReader denver("America/Denver");
  EXPECT_EQ(denver.read("2019-01-01 01:55:55.5", unix_s), Result::ok);
  EXPECT_EQ(unix_s, 1546332955.5);
  EXPECT_EQ(denver.read("2019-01-01 08:55:55Z", unix_s), Result::ok);  // its own offset counts
  EXPECT_EQ(unix_s, 1546332955);
  EXPECT_EQ(denver.read("2019-11-03 01:15:00.5", unix_s), Result::twice);
  EXPECT_EQ(denver.second_s() - unix_s, 3600);
  EXPECT_EQ(denver.read("2019-03-10 02:15:00", unix_s), Result::never);
}

TEST(MonthStarts, OfALocalClock) {
  // New York: 1 March 2022 is in winter (UTC-5), 1 April in summer (UTC-4).
  constexpr std::int64_t march = 1646110800, april = 1648785600, may = 1651377600;
  EXPECT_EQ(month_starts("America/New_York", march + 5 * 86400, may - 1),
            (std::vector<std::int64_t>{march, april}));
  EXPECT_EQ(month_starts("America/New_York", april - 1, may),
            (std::vector<std::int64_t>{march, april, may}));
  EXPECT_EQ(month_starts("America/New_York", april, april), (std::vector<std::int64_t>{april}));
  // The last second of 1969 is in December.
  EXPECT_EQ(month_starts("UTC", -1, 0), (std::vector<std::int64_t>{-31 * 86400, 0}));
}

}  // namespace
}  // namespace nightwatt
