// docs/formats/workloads.md says the same as the code: each format has its section, with its rules
// as the readers declare them.
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <string>

#include "traces/reader.hpp"

namespace nightwatt {
namespace {

std::string page() {
  std::ifstream file(NIGHTWATT_SOURCE_DIR "/docs/formats/workloads.md");
  return {std::istreambuf_iterator<char>(file), {}};
}

/// From the format's heading to the next one of that rank.
std::string section(const std::string& page, const std::string& name) {
  const std::size_t begin = page.find("\n## `" + name + "`\n");
  if (begin == std::string::npos) return "";
  return page.substr(begin, page.find("\n## ", begin + 1) - begin);
}

std::string table(const FormatInfo& format) {
  std::string text = "| rule | decides | choices |\n| --- | --- | --- |\n";
  for (const RuleInfo& rule : format.rules) {
    text += "| `" + rule.name + "` | " + rule.summary + " |";
    for (const std::string& choice : rule.choices) {
      text += (&choice == &rule.choices.front() ? " " : ", ");
      text += choice == "NUMBER" ? "a number above 0" : "`" + choice + "`";
    }
    text += " |\n";
  }
  return text;
}

TEST(WorkloadPage, HasEveryFormatWithItsRules) {
  const std::string text = page();
  for (const FormatInfo& format : workload_formats()) {
    const std::string own = section(text, format.name);
    ASSERT_NE(own, "") << format.name << " has no section";
    EXPECT_NE(own.find(table(format)), std::string::npos)
        << format.name << ": the page should hold\n"
        << table(format);
    std::string words = own;
    for (char& c : words) c = c == '\n' ? ' ' : c;
    EXPECT_EQ(words.find("Not yet seen in the wild") == std::string::npos, format.seen_in_wild)
        << format.name;
    EXPECT_NE(text.find("| [`" + format.name + "`](#" + format.name + ") |"), std::string::npos);
  }
}

TEST(WorkloadPage, HasNoOtherFormats) {
  const std::string text = page();
  std::size_t sections = 0;
  for (std::size_t at = text.find("\n## `"); at != std::string::npos;
       at = text.find("\n## `", at + 1)) {
    ++sections;
  }
  EXPECT_EQ(sections, workload_formats().size());
}

}  // namespace
}  // namespace nightwatt
