#include "traces/diagnostics.hpp"

#include <gtest/gtest.h>

namespace nightwatt {
namespace {

TEST(Diagnostic, NamesThePositionAsFarAsItIsKnown) {
  EXPECT_EQ((Diagnostic{{"a.csv", 3, 7}, "bad"}.text()), "a.csv:3:7: error: bad");
  EXPECT_EQ((Diagnostic{{"a.csv", 3, 0}, "bad"}.text()), "a.csv:3: error: bad");
  EXPECT_EQ((Diagnostic{{"a.csv", 0, 0}, "bad"}.text()), "a.csv: error: bad");
  EXPECT_EQ((Diagnostic{{}, "bad"}.text()), "error: bad");
}

TEST(Diagnostics, AreThrownTogether) {
  Diagnostics gathered;
  EXPECT_NO_THROW(gathered.throw_if_any());
  gathered.error({"a", 1, 1}, "one");
  gathered.error({"a", 2, 1}, "two");
  EXPECT_EQ(gathered.count(), 2U);
  try {
    gathered.throw_if_any();
    FAIL();
  } catch (const InputError& error) {
    EXPECT_STREQ(error.what(), "a:1:1: error: one\na:2:1: error: two");
    EXPECT_EQ(error.faults().size(), 2U);
  }
  EXPECT_TRUE(gathered.empty());
}

TEST(Diagnostics, KeepsTheFirstFiftyAndCountsTheRest) {
  Diagnostics gathered;
  for (int i = 0; i < 52; ++i) gathered.error({"a", 1, 1}, "again");
  try {
    gathered.throw_if_any();
    FAIL();
  } catch (const InputError& error) {
    EXPECT_EQ(error.faults().size(), Diagnostics::max_kept);
    EXPECT_TRUE(std::string_view(error.what()).ends_with("again\nand 2 more errors"));
  }
}

TEST(DidYouMean, FindsTheNearestWithinAThirdOfTheWord) {
  EXPECT_EQ(nearest("gpu_per_node", {"nodes", "gpus_per_node"}), "gpus_per_node");
  EXPECT_EQ(nearest("sfw", {"csv", "swf"}), "swf");  // a swap is one step
  EXPECT_EQ(nearest("SWF", {"csv", "swf"}), "swf");
  EXPECT_EQ(nearest("abcdef", {"uvwxyz"}), "");
  EXPECT_EQ(nearest("", {"a"}), "");
  EXPECT_EQ(did_you_mean("skp", {"keep", "skip"}), "; did you mean 'skip'?");
  EXPECT_EQ(did_you_mean("nothing like it", {"keep", "skip"}), "");
}

TEST(Quoted, ShowsWhatCannotBeShown) {
  EXPECT_EQ(quote("plain"), "'plain'");
  EXPECT_EQ(quote(""), "''");
  EXPECT_EQ(quote("a\tb\nc\rd"), "'a\\tb\\nc\\rd'");
  EXPECT_EQ(quote(std::string_view("\0\x1b\x7f", 3)), "'\\x00\\x1b\\x7f'");
  EXPECT_EQ(quote("gCO₂"), "'gCO₂'");
  EXPECT_EQ(quote("\xff\xc3"), "'\\xff\\xc3'");           // not UTF-8
  EXPECT_EQ(quote("\xed\xa0\x80"), "'\\xed\\xa0\\x80'");  // a surrogate
  EXPECT_EQ(quote("\xc2\x9b[31m"), "'\\xc2\\x9b[31m'");   // a control sequence in two bytes
  const std::string sixty(60, 'x');
  EXPECT_EQ(quote(std::string_view(sixty)), "'" + sixty + "'");
  EXPECT_EQ(quote(std::string_view(sixty + "x")), "'" + sixty + "...'");
}

}  // namespace
}  // namespace nightwatt
