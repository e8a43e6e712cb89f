#include "traces/rules.hpp"

#include <gtest/gtest.h>

namespace nightwatt {
namespace {

std::vector<RuleInfo> two_rules() {
  return {{"no_gpus", "a job without GPU", {"skip", "keep", "error"}},
          {"zero_duration", "a run time of 0", {"keep", "skip", "error"}}};
}

std::string fault(const std::map<std::string, std::string>& chosen) {
  Diagnostics diagnostics;
  RuleSet rules(two_rules(), chosen, diagnostics);
  try {
    diagnostics.throw_if_any();
  } catch (const InputError& error) {
    return error.what();
  }
  return "";
}

TEST(RuleSet, TakesTheFirstChoiceUnlessAnotherIsNamed) {
  Diagnostics diagnostics;
  RuleSet rules(two_rules(), {{"zero_duration", "error"}}, diagnostics);
  EXPECT_TRUE(diagnostics.empty());
  EXPECT_TRUE(rules["no_gpus"].is("skip"));
  EXPECT_TRUE(rules["zero_duration"].is("error"));
  EXPECT_EQ(rules.find("other"), nullptr);
  EXPECT_THROW(rules["other"], std::logic_error);
}

TEST(RuleSet, ReportsWhatWasNeeded) {
  Diagnostics diagnostics;
  RuleSet rules(two_rules(), {}, diagnostics);
  rules["no_gpus"].count_skipped();
  rules["no_gpus"].count_skipped();
  rules["zero_duration"].count_adjusted(3);
  ReadReport report;
  rules.fill(report);
  ASSERT_EQ(report.skipped.size(), 1U);
  EXPECT_EQ(report.skipped[0].rule, "no_gpus");
  EXPECT_EQ(report.skipped[0].choice, "skip");
  EXPECT_EQ(report.skipped[0].rows, 2U);
  ASSERT_EQ(report.adjusted.size(), 1U);
  EXPECT_EQ(report.adjusted[0].rows, 3U);
}

TEST(RuleSet, RefusesWhatItDoesNotKnow) {
  EXPECT_EQ(fault({{"no_gpu", "skip"}}),
            "error: rules: unknown rule 'no_gpu'; did you mean 'no_gpus'?");
  EXPECT_EQ(fault({{"colour", "red"}}),
            "error: rules: unknown rule 'colour'; known are no_gpus, zero_duration");
  EXPECT_EQ(fault({{"no_gpus", "skp"}}),
            "error: rules.no_gpus: expected skip or keep or error, got 'skp'; did you mean "
            "'skip'?");
}

TEST(Rule, HintsAtTheChoicesThatAccept) {
  Diagnostics diagnostics;
  RuleSet rules(two_rules(), {}, diagnostics);
  EXPECT_EQ(rules["no_gpus"].hint(), " (rule no_gpus: skip or keep would accept the file)");
}

TEST(SharedRules, MoveTheDefaultToTheFront) {
  EXPECT_EQ(rule::no_gpus("keep").choices, (std::vector<std::string>{"keep", "skip", "error"}));
  EXPECT_THROW(rule::no_gpus("maybe"), std::logic_error);
}

}  // namespace
}  // namespace nightwatt
