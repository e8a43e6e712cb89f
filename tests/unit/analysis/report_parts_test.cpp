#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <numeric>
#include <string>
#include <vector>

#include "analysis/report/calendar.hpp"
#include "analysis/report/decimate.hpp"
#include "analysis/report/encode.hpp"
#include "analysis/report/lanes.hpp"
#include "traces/diagnostics.hpp"

namespace nightwatt::report {
namespace {

constexpr double nan = std::numeric_limits<double>::quiet_NaN();

// ---------------------------------------------------------------- extremes

TEST(ReportExtremes, KeepsAllWhereTheyFit) {
  EXPECT_EQ(extremes(std::vector<double>{3, 1, 2, 5}, 4), (std::vector<std::uint32_t>{0, 1, 2, 3}));
  EXPECT_TRUE(extremes({}, 4).empty());
}

TEST(ReportExtremes, TakesSmallestAndLargestOfEachBucketInOrderOfTime) {
  // 12 values, at most 8: 3 buckets of 4, and the first and the last.
  const std::vector<double> values = {5, 9, 1, 5, 5, 5, 5, 5, 2, 7, 0, 3};
  EXPECT_EQ(extremes(values, 8), (std::vector<std::uint32_t>{0, 1, 2, 4, 8 + 1, 8 + 2, 11}));
}

TEST(ReportExtremes, NanHidesNoValue) {
  const std::vector<double> values = {nan, nan, 4, nan, nan, nan, nan, nan, nan, 8, nan, 1};
  const auto kept = extremes(values, 8);
  EXPECT_NE(std::find(kept.begin(), kept.end(), 2U), kept.end());
  EXPECT_NE(std::find(kept.begin(), kept.end(), 9U), kept.end());
  // The bucket without a value is still there, so that the line has its gap.
  EXPECT_NE(std::find(kept.begin(), kept.end(), 4U), kept.end());
}

RC_GTEST_PROP(ReportExtremesProperty, AnyBucketKeepsItsPeak, ()) {
  const auto values = *rc::gen::container<std::vector<double>>(
      rc::gen::map(rc::gen::inRange(-1000, 1000), [](int v) { return v * 0.5; }));
  const auto most = *rc::gen::inRange<std::size_t>(4, 60);
  const auto kept = extremes(values, most);
  RC_ASSERT(kept.size() <= std::max(most, values.size() <= most ? values.size() : 0));
  RC_ASSERT(std::is_sorted(kept.begin(), kept.end()));
  RC_ASSERT(std::adjacent_find(kept.begin(), kept.end()) == kept.end());
  if (values.empty()) return;
  double least = values[kept.front()], largest = least;
  for (const std::uint32_t i : kept) {
    least = std::min(least, values[i]);
    largest = std::max(largest, values[i]);
  }
  RC_ASSERT(least == *std::min_element(values.begin(), values.end()));
  RC_ASSERT(largest == *std::max_element(values.begin(), values.end()));
  RC_ASSERT(kept.front() == 0 && kept.back() == values.size() - 1);
}

// ---------------------------------------------------------------- lanes

TEST(ReportLanes, LowestLanesFirstAndFreedAtTheEnd) {
  // 0-10 s on 2 GPUs, 0-5 s on 1, from 5 s on 1 (the lane that is free again), from 6 s on 2.
  const std::vector<LaneJob> jobs = {{0, 10, 2000}, {0, 5, 1000}, {5, 8, 1000}, {6, 9, 2000}};
  const auto parts = pack_lanes(jobs);
  ASSERT_EQ(parts.size(), 4U);
  const auto is = [&](std::size_t k, std::uint32_t job, std::uint64_t from, std::uint64_t to) {
    return parts[k].job == job && parts[k].from == from && parts[k].to == to;
  };
  EXPECT_TRUE(is(0, 0, 0, 2000));
  EXPECT_TRUE(is(1, 1, 2000, 3000));
  EXPECT_TRUE(is(2, 2, 2000, 3000));
  EXPECT_TRUE(is(3, 3, 3000, 5000));
}

TEST(ReportLanes, AJobIsSplitWhereTheFreeLanesAre) {
  // Lane 0 and lane 2 are free when a job of 2 GPUs comes; a share of a GPU is a thin lane.
  const std::vector<LaneJob> jobs = {
      {0, 1, 1000}, {0, 9, 1000}, {0, 1, 1000}, {2, 5, 2000}, {2, 5, 250}};
  const auto parts = pack_lanes(jobs);
  ASSERT_EQ(parts.size(), 6U);
  EXPECT_EQ(parts[3].job, 3U);
  EXPECT_EQ(parts[3].from, 0U);
  EXPECT_EQ(parts[3].to, 1000U);
  EXPECT_EQ(parts[4].job, 3U);
  EXPECT_EQ(parts[4].from, 2000U);
  EXPECT_EQ(parts[4].to, 3000U);
  EXPECT_EQ(parts[5].to - parts[5].from, 250U);
}

TEST(ReportLanes, JobsWithoutLengthOrGpusAreLeftOut) {
  EXPECT_TRUE(pack_lanes(std::vector<LaneJob>{{3, 3, 1000}, {3, 4, 0}, {4, nan, 1000}}).empty());
}

RC_GTEST_PROP(ReportLanesProperty, NoTwoPartsOverlapAndNoneIsHigherThanNeeded, ()) {
  const auto jobs = *rc::gen::container<std::vector<LaneJob>>(rc::gen::map(
      rc::gen::tuple(rc::gen::inRange(0, 30), rc::gen::inRange(1, 20), rc::gen::inRange(1, 4000)),
      [](const std::tuple<int, int, int>& t) {
        return LaneJob{double(std::get<0>(t)), double(std::get<0>(t) + std::get<1>(t)),
                       static_cast<std::uint32_t>(std::get<2>(t))};
      }));
  const auto parts = pack_lanes(jobs);
  std::map<std::uint32_t, std::uint64_t> width;
  for (std::size_t a = 0; a < parts.size(); ++a) {
    width[parts[a].job] += parts[a].to - parts[a].from;
    for (std::size_t b = 0; b < a; ++b) {
      const bool together = jobs[parts[a].job].start_s < jobs[parts[b].job].end_s &&
                            jobs[parts[b].job].start_s < jobs[parts[a].job].end_s;
      const bool same_lane = parts[a].from < parts[b].to && parts[b].from < parts[a].to;
      RC_ASSERT(!(together && same_lane));
    }
  }
  for (std::uint32_t j = 0; j < jobs.size(); ++j) RC_ASSERT(width[j] == jobs[j].gpu_milli);
  // Lanes never reach above what is held at the start of some job.
  std::uint64_t most = 0, highest = 0;
  for (const LaneJob& at : jobs) {
    std::uint64_t held = 0;
    for (const LaneJob& other : jobs) {
      if (other.start_s <= at.start_s && at.start_s < other.end_s) held += other.gpu_milli;
    }
    most = std::max(most, held);
  }
  for (const LanePart& part : parts) highest = std::max(highest, part.to);
  RC_ASSERT(highest <= most);
}

// ---------------------------------------------------------------- hours

// 2022-10-03T00:00:00Z
constexpr double start = 1664755200.0;

TEST(ReportHours, SumsBinsIntoLocalHours) {
  // 6 h of 15 min bins at 4 W, at UTC-5: 19:00 to 24:00 of the 2nd, 00:00 to 01:00 of the 3rd.
  const HourTable table = by_hour(std::vector<double>(24, 4.0), start, 900.0, "America/Chicago");
  EXPECT_EQ(table.first_day, 19267);  // 2022-10-02
  ASSERT_EQ(table.values.size(), 48U);
  for (std::size_t hour = 0; hour < 48; ++hour) {
    if (hour >= 19 && hour < 25) {
      EXPECT_DOUBLE_EQ(table.values[hour], 4.0 * 3600) << hour;
    } else {
      EXPECT_TRUE(std::isnan(table.values[hour])) << hour;
    }
  }
}

TEST(ReportHours, SharesABinBetweenHours) {
  // Bins of 45 min: 1, 2, 3, 4 W in 3 h.
  const HourTable table = by_hour(std::vector<double>{1, 2, 3, 4}, start, 2700.0, "UTC");
  EXPECT_DOUBLE_EQ(table.values[0], 1 * 2700 + 2 * 900);
  EXPECT_DOUBLE_EQ(table.values[1], 2 * 1800 + 3 * 1800);
  EXPECT_DOUBLE_EQ(table.values[2], 3 * 900 + 4 * 2700);
}

TEST(ReportHours, ClocksThatChange) {
  // 2022-11-06 in Chicago: 01:00 comes twice (06:00Z and 07:00Z). 2022-03-13: 02:00 never comes.
  const HourTable back =
      by_hour(std::vector<double>(25, 1.0), 1667710800.0, 3600.0, "America/Chicago");
  ASSERT_EQ(back.values.size(), 24U);
  EXPECT_DOUBLE_EQ(back.values[0], 3600);
  EXPECT_DOUBLE_EQ(back.values[1], 7200);
  EXPECT_DOUBLE_EQ(back.values[2], 3600);
  EXPECT_DOUBLE_EQ(back.values[23], 3600);
  const HourTable on =
      by_hour(std::vector<double>(23, 1.0), 1647151200.0, 3600.0, "America/Chicago");
  ASSERT_EQ(on.values.size(), 24U);
  EXPECT_TRUE(std::isnan(on.values[2]));
  EXPECT_DOUBLE_EQ(on.values[3], 3600);
}

RC_GTEST_PROP(ReportHoursProperty, NothingIsLost, ()) {
  const auto rates = *rc::gen::nonEmpty(rc::gen::container<std::vector<double>>(
      rc::gen::map(rc::gen::inRange(0, 100), [](int v) { return double(v); })));
  const double bin_s = *rc::gen::element(60.0, 300.0, 420.0, 3600.0, 5400.0, 86400.0);
  const double shift = *rc::gen::inRange(0, 10'000'000) * 1.0;
  const HourTable table = by_hour(rates, start + shift, bin_s, "Europe/Berlin");
  double sum = 0.0;
  for (const double value : table.values) sum += std::isnan(value) ? 0.0 : value;
  const double all = std::accumulate(rates.begin(), rates.end(), 0.0) * bin_s;
  RC_ASSERT(std::abs(sum - all) <= 1e-9 * std::max(1.0, all));  // rounding of the sums
}

TEST(ReportHours, UnknownZoneIsAnErrorOfTheInput) {
  EXPECT_THROW(by_hour(std::vector<double>{1.0}, start, 300.0, "Mars/Olympus"), InputError);
}

// ---------------------------------------------------------------- encoding

TEST(ReportEncode, Base64OfAllLengths) {
  const auto encoded = [](std::string_view text) {
    return base64(std::as_bytes(std::span(text.data(), text.size())));
  };
  // RFC 4648, section 10.
  EXPECT_EQ(encoded(""), "");
  EXPECT_EQ(encoded("f"), "Zg==");
  EXPECT_EQ(encoded("fo"), "Zm8=");
  EXPECT_EQ(encoded("foo"), "Zm9v");
  EXPECT_EQ(encoded("foob"), "Zm9vYg==");
  EXPECT_EQ(encoded("\xff\xfe\xfb"), "//77");
}

TEST(ReportEncode, ColumnsOfOneValueStandAsIt) {
  EXPECT_EQ(float32_column(std::vector<double>{1.5, 1.5}).dump(), "1.5");
  EXPECT_EQ(float32_column(std::vector<double>{nan, nan}).dump(), "null");
  // 1.0f and 2.0f, little-endian: 00 00 80 3f 00 00 00 40
  EXPECT_EQ(float32_column(std::vector<double>{1.0, 2.0}).dump(), R"({"f32":"AACAPwAAAEA="})");
  EXPECT_EQ(float32_column({}).dump(), R"({"f32":""})");
}

TEST(ReportEncode, NoNameEndsTheScript) {
  const Json json = {{"name", "</script><img src=x onerror=alert(1)><!--"}, {"bad", "\xff\xfe"}};
  const std::string text = script_safe(json);
  EXPECT_EQ(text.find('<'), std::string::npos);
  EXPECT_EQ(Json::parse(text)["name"], json["name"]);
}

}  // namespace
}  // namespace nightwatt::report
