#include "policies/availability.hpp"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <vector>

namespace nightwatt {
namespace {

SimTime at(long long ns) { return SimTime::from_ns(ns); }

TEST(Availability, FirstStartFindsAGapThatIsLongEnough) {
  // 4 units: 1 left in [0, 10), 4 in [10, 15), 2 in [15, 30), 4 from then on.
  Availability<> a(4);
  a.add(at(0), at(0), at(10), -3);
  a.add(at(0), at(15), at(30), -2);
  EXPECT_EQ(a.first_start(at(0), SimTime::max(), at(5), 4), at(10));
  EXPECT_EQ(a.first_start(at(0), SimTime::max(), at(6), 4), at(30));
  EXPECT_EQ(a.first_start(at(0), SimTime::max(), at(6), 2), at(10));
  EXPECT_EQ(a.first_start(at(0), at(10), at(6), 2), SimTime::max());
  EXPECT_EQ(a.least(at(10), at(15)), 4);
  EXPECT_EQ(a.least(at(10), at(16)), 2);
  EXPECT_EQ(a.most(at(0), at(11)), 4);
  // What stands at 15 is the asker's own.
  EXPECT_EQ(a.first_start(at(0), at(15), at(12), 4, at(15)), at(10));
}

RC_GTEST_PROP(Availability, AgreesWithOneNumberAnInstant, ()) {
  constexpr int end = 40;
  Availability<> a(8);
  std::vector<int> plain(end + 100, 8);
  int now = 0;
  const auto changes = *rc::gen::inRange(0, 20);
  for (int i = 0; i < changes; ++i) {
    now = std::min(end - 1, now + *rc::gen::inRange(0, 3));
    const int from = *rc::gen::inRange(now, end), to = *rc::gen::inRange(now, end);
    const int units = *rc::gen::inRange(-3, 4);
    a.add(at(now), at(from), at(to), units);
    for (int t = from; t < to; ++t) plain[static_cast<std::size_t>(t)] += units;
  }
  const auto fits = [&](int t, int length, int units) {
    return std::all_of(plain.begin() + t, plain.begin() + t + length,
                       [units](int free) { return free >= units; });
  };
  const int length = *rc::gen::inRange(1, 12), units = *rc::gen::inRange(1, 9);
  const int from = *rc::gen::inRange(now, end), before = *rc::gen::inRange(from + 1, end + 30);
  std::vector<int> expected, found;
  for (int t = from; t < before; ++t) {
    if (fits(t, length, units)) expected.push_back(t);
  }
  a.starts(at(from), at(before), at(length), units, [&](SimTime first, SimTime last) {
    for (long long t = first.ns(); t <= last.ns() && t < before; ++t)
      found.push_back(static_cast<int>(t));
  });
  RC_ASSERT(found == expected);
  RC_ASSERT(a.first_start(at(from), at(before), at(length), units) ==
            (expected.empty() ? SimTime::max() : at(expected.front())));
  const auto span = std::minmax_element(plain.begin() + from, plain.begin() + before);
  RC_ASSERT(a.least(at(from), at(before)) == *span.first);
  RC_ASSERT(a.most(at(from), at(before)) == *span.second);
  RC_ASSERT(a.free(at(from)) == plain[static_cast<std::size_t>(from)]);
}

}  // namespace
}  // namespace nightwatt
