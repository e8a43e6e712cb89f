#include "policies/expected_ends.hpp"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <set>
#include <stdexcept>
#include <vector>

namespace nightwatt {
namespace {

using Entry = ExpectedEnds::Entry;

Entry at(std::int64_t ns, JobIndex job) { return {SimTime::from_ns(ns), job}; }

TEST(ExpectedEnds, WalksByEndThenJob) {
  ExpectedEnds ends;
  EXPECT_TRUE(ends.empty());
  EXPECT_EQ(ends.begin(), ends.end());
  for (const Entry& e : {at(30, 1), at(10, 7), at(10, 2), at(20, 0)}) ends.insert(e);
  EXPECT_EQ(std::vector<Entry>(ends.begin(), ends.end()),
            (std::vector<Entry>{at(10, 2), at(10, 7), at(20, 0), at(30, 1)}));
  ends.erase(at(10, 7));
  EXPECT_EQ(ends.size(), 3u);
  EXPECT_EQ(*++ends.begin(), at(20, 0));
}

TEST(ExpectedEnds, RefusesWhatCannotBe) {
  ExpectedEnds ends;
  EXPECT_THROW(ends.erase(at(1, 1)), std::logic_error);
  ends.insert(at(1, 1));
  EXPECT_THROW(ends.insert(at(1, 1)), std::logic_error);
  EXPECT_THROW(ends.erase(at(1, 2)), std::logic_error);
  EXPECT_THROW(ends.erase(at(2, 1)), std::logic_error);
  EXPECT_EQ(ends.size(), 1u);
}

// Long enough that blocks are cut, emptied and entered before, between and behind others.
RC_GTEST_PROP(ExpectedEndsProperty, EqualsAnOrderedSet, ()) {
  ExpectedEnds ends;
  std::set<Entry> expected;
  const auto steps = *rc::gen::container<std::vector<std::pair<std::uint16_t, bool>>>(
      3000, rc::gen::arbitrary<std::pair<std::uint16_t, bool>>());
  for (const auto& [number, erase_first] : steps) {
    const Entry fresh = at(number % 700, number % 13U);
    if (expected.insert(fresh).second) ends.insert(fresh);
    if (erase_first && expected.size() > 200) {
      ends.erase(*expected.begin());
      expected.erase(expected.begin());
    }
  }
  RC_ASSERT(ends.size() == expected.size());
  RC_ASSERT(std::equal(ends.begin(), ends.end(), expected.begin(), expected.end()));
  while (!expected.empty()) {
    const auto middle = std::next(expected.begin(), static_cast<long>(expected.size() / 2));
    ends.erase(*middle);
    expected.erase(middle);
  }
  RC_ASSERT(ends.empty());
  RC_ASSERT(ends.begin() == ends.end());
}

}  // namespace
}  // namespace nightwatt
