#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "traces/job.hpp"

namespace nightwatt {
namespace {

TEST(StringTable, NumbersInOrderOfAppearance) {
  StringTable table;
  EXPECT_EQ(table.intern("b"), 0);
  EXPECT_EQ(table.intern("a"), 1);
  EXPECT_EQ(table.intern(""), 2);
  EXPECT_EQ(table.intern("b"), 0);
  EXPECT_EQ(table.size(), 3U);
  EXPECT_EQ(table[1], "a");
}

TEST(StringTable, SortsAndStillFinds) {
  StringTable table;
  for (const char* text : {"w0!2", "w0!10", "\xff", "", "w0!2"}) table.intern(text);
  EXPECT_EQ(table.sort(), (std::vector<std::int32_t>{2, 1, 3, 0}));
  EXPECT_EQ(table.texts(), (std::vector<std::string_view>{"", "w0!10", "w0!2", "\xff"}))
      << "bytewise";
  EXPECT_EQ(table.intern("w0!10"), 1);
  EXPECT_EQ(table.intern("new"), 4);
  EXPECT_EQ(StringTable().sort(), std::vector<std::int32_t>());
}

TEST(StringTable, AppendsWithoutALookAndSortsEqualOnesAsOne) {
  StringTable table;
  // Beyond the common "job-", and beyond the eight bytes behind it; one ends where another goes on.
  for (const char* text : {"job-12345678b", "job-2", "job-12345678a", "job-2", "job-", "job-12"})
    table.append(text);
  table.append(std::string_view("job-2\0", 6));
  EXPECT_EQ(table.size(), 7U);
  EXPECT_EQ(table.sort(), (std::vector<std::int32_t>{3, 4, 2, 4, 0, 1, 5}));
  EXPECT_EQ(table.texts(),
            (std::vector<std::string_view>{"job-", "job-12", "job-12345678a", "job-12345678b",
                                           "job-2", std::string_view("job-2\0", 6)}));
  EXPECT_EQ(table.intern("job-12345678a"), 2);
}

TEST(StringTable, AppendedTextsAreFoundToo) {
  StringTable table;
  EXPECT_EQ(table.intern("a"), 0);
  EXPECT_EQ(table.append("b"), 1);
  EXPECT_EQ(table.intern("b"), 1);
  EXPECT_EQ(table.intern("a"), 0);
  for (int i = 0; i < 100; ++i) EXPECT_EQ(table.append(std::to_string(i)), i + 2);
  EXPECT_EQ(table.intern("77"), 79);
  EXPECT_EQ(table.intern("new"), 102);
}

TEST(StringTable, HoldsMany) {
  StringTable table;
  std::map<std::string, std::int32_t> expected;
  std::uint64_t random = 1;
  for (int i = 0; i < 100'000; ++i) {
    random = random * 6364136223846793005ULL + 1442695040888963407ULL;
    const std::string text = std::to_string((random >> 33) % 30'000);
    const auto [found, fresh] = expected.emplace(text, static_cast<std::int32_t>(expected.size()));
    ASSERT_EQ(table.intern(text), found->second);
  }
  const StringTable before = table;
  const std::vector<std::int32_t> place = table.sort();
  for (const auto& [text, index] : expected) {
    ASSERT_EQ(before[index], text);
    ASSERT_EQ(table[place[static_cast<std::size_t>(index)]], text);
    ASSERT_EQ(table.intern(text), place[static_cast<std::size_t>(index)]);
  }
  const auto texts = table.texts();
  ASSERT_TRUE(std::is_sorted(texts.begin(), texts.end()));
}

}  // namespace
}  // namespace nightwatt
