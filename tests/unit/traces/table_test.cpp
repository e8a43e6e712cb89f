#include "traces/table.hpp"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <cmath>

namespace nightwatt {
namespace {

/// All rows as "line:[field][field]", faults in braces; what ends the reading as "!text".
std::string rows_of(std::string_view text, TableForm form = {.header = false}) {
  std::string out;
  try {
    Input input = Input::from_memory("f", text);
    Table table(input, form);
    while (table.next()) {
      out += std::to_string(table.line()) + ":";
      for (std::size_t i = 0; i < table.size(); ++i) out += "[" + std::string(table[i]) + "]";
      if (!table.fault().empty()) out += "{" + table.fault() + "}";
    }
  } catch (const InputError& error) {
    out += std::string("!") + error.what();
  }
  return out;
}

TEST(Table, SplitsRows) {
  EXPECT_EQ(rows_of("a,b\nc,d\n"), "1:[a][b]2:[c][d]");
  EXPECT_EQ(rows_of("a,b\r\nc,d"), "1:[a][b]2:[c][d]");
  EXPECT_EQ(rows_of("a,,\n,b,\n"), "1:[a][][]2:[][b][]");
  EXPECT_EQ(rows_of(" a , b\n\n  \n\nc,d\n\n"), "1:[a][b]5:[c][d]");
  EXPECT_EQ(rows_of(""), "");
  EXPECT_EQ(rows_of("a|b;c", {.delimiter = '|', .header = false}), "1:[a][b;c]");
  EXPECT_EQ(rows_of("a\tb\t\tc", {.delimiter = '\t', .header = false}), "1:[a][b][][c]");
  EXPECT_EQ(rows_of("  a  b \t c\n", {.delimiter = ' ', .header = false}), "1:[a][b][c]");
}

TEST(Table, TakesQuotesOutOfFields) {
  EXPECT_EQ(rows_of("\"a,b\",c\n"), "1:[a,b][c]");
  EXPECT_EQ(rows_of("\"say \"\"hi\"\"\",\"\"\n"), "1:[say \"hi\"][]");
  EXPECT_EQ(rows_of("\" a \", \"b\" ,c\n"), "1:[ a ][b][c]");
  EXPECT_EQ(rows_of("a\"b,c\n"), "1:[a\"b][c]");  // a quote inside a field stands for itself
  EXPECT_EQ(rows_of("\"a\nb\",c\nd,e\n"), "1:[a\nb][c]3:[d][e]");
  EXPECT_EQ(rows_of("\"a\r\nb\"\r\nc\r\n"), "1:[a\r\nb]3:[c]");
  EXPECT_EQ(rows_of("\"a\",\"\"\"\""), "1:[a][\"]");
  EXPECT_EQ(rows_of("a,\"b\"", {.quotes = false, .header = false}), "1:[a][\"b\"]");
}

TEST(Table, SaysWhereAQuoteIsWrong) {
  EXPECT_EQ(rows_of("\"a\"b,c\nd,e\n"),
            "1:[a][c]{expected ',' or the end of the row after the closing quote, got 'b'}"
            "2:[d][e]");
  EXPECT_EQ(rows_of("x,y\nu, \"a\nb,c\n"),
            "1:[x][y]!f:2:4: error: the quote that opens this field is never closed");
  EXPECT_EQ(rows_of("\"a\n\",\"b"),
            "!f:2:3: error: the quote that opens this field is never closed");
}

TEST(Table, KnowsWhereFieldsAre) {
  Input input = Input::from_memory("f", "a, bb,c\n\"x\ny\", z,\"q\"\n");
  Table table(input, {.header = false});
  ASSERT_TRUE(table.next());
  EXPECT_EQ(table.position(0).column, 1U);
  EXPECT_EQ(table.position(1).column, 4U);
  EXPECT_EQ(table.position(2).column, 7U);
  EXPECT_EQ(table.position(3).column, 8U);  // missing: the end of the row
  ASSERT_TRUE(table.next());
  EXPECT_EQ(table.position(0).line, 2U);
  EXPECT_EQ(table.position(1).line, 3U);
  EXPECT_EQ(table.position(1).column, 5U);
  EXPECT_EQ(table.position(2).column, 7U);
}

TEST(Table, PassesCommentsOver) {
  std::string comments;
  Input input = Input::from_memory("f", "; one\n1 2\n;two\n3\n");
  Table table(input, {.delimiter = ' ', .header = false, .comment = ';'},
              [&](std::string_view line) { comments += line; });
  ASSERT_TRUE(table.next());
  EXPECT_EQ(table[1], "2");
  ASSERT_TRUE(table.next());
  EXPECT_EQ(table[0], "3");
  EXPECT_EQ(table[1], "");
  EXPECT_FALSE(table.next());
  EXPECT_EQ(comments, "; one;two");
}

TEST(Table, StopsAtTheLastFieldThatIsAskedFor) {
  EXPECT_EQ(rows_of("1 2 3 4", {.delimiter = ' ', .header = false, .max_fields = 2}), "1:[1][2]");
  EXPECT_EQ(rows_of("1,2,3", {.header = false, .max_fields = 2}), "1:[1][2]");
  EXPECT_EQ(rows_of("1,\"2\",3", {.header = false, .max_fields = 2}), "1:[1][2]");
}

TEST(Table, FindsColumnsByName) {
  Input input = Input::from_memory("f", "\xEF\xBB\xBF\n id ,\"submit time\",,Run\n1,2,3,4\n");
  Table table(input);
  EXPECT_EQ(table.header_line(), 2U);
  EXPECT_EQ(table.find("id"), 0U);
  EXPECT_EQ(table.find("submit time"), 1U);
  EXPECT_EQ(table.find("Run"), 3U);
  EXPECT_FALSE(table.find("run").has_value());
  Diagnostics diagnostics;
  table.require("rnu", diagnostics);
  table.require("deadline", diagnostics);
  try {
    diagnostics.throw_if_any();
    FAIL();
  } catch (const InputError& error) {
    EXPECT_STREQ(error.what(),
                 "f:2: error: rnu: the header has no such column; did you mean 'Run'?\n"
                 "f:2: error: deadline: the header has no such column");
  }
}

TEST(Table, AFileWithoutRowsHasAnEmptyHeader) {
  Input input = Input::from_memory("f", "\n\n");
  Table table(input);
  EXPECT_TRUE(table.header().empty());
  EXPECT_FALSE(table.next());
}

TEST(ParseNumber, TakesFiniteDecimals) {
  EXPECT_EQ(parse_number("12"), 12.0);
  EXPECT_EQ(parse_number(" -3.5 "), -3.5);
  EXPECT_EQ(parse_number("+7"), 7.0);
  EXPECT_EQ(parse_number("1e6"), 1e6);
  EXPECT_EQ(parse_number(".5"), 0.5);
  EXPECT_EQ(parse_number("999999999999999"), 999999999999999.0);
  EXPECT_EQ(parse_number("1234567890123456789"), 1234567890123456789.0);
  EXPECT_EQ(parse_number("0.1"), 0.1);
  ASSERT_TRUE(parse_number("-0.0").has_value());
  EXPECT_FALSE(std::signbit(*parse_number("-0.0")));
  EXPECT_FALSE(std::signbit(*parse_number("-0")));
  for (const char* text : {"", " ", "-", "+", "+-1", "1,5", "1.5x", "0x10", "nan", "inf", "-inf",
                           "1e999", "1 2", "--1", "1e", "."}) {
    EXPECT_FALSE(parse_number(text).has_value()) << text;
  }
}

RC_GTEST_PROP(ParseNumberProperty, AgreesWithTheLibrary, (std::int64_t digits)) {
  // Any place of the point, many digits or few.
  std::string text =
      std::to_string(digits / *rc::gen::element<std::int64_t>(1, 1000, 1'000'000'000));
  const std::size_t sign = text[0] == '-' ? 1 : 0;
  const auto point = *rc::gen::inRange<std::size_t>(sign, text.size() + 1);
  if (point < text.size()) text.insert(point, ".");
  const auto number = parse_number(text);
  RC_ASSERT(number.has_value());
  RC_ASSERT(*number == std::stod(text));
}

TEST(ParseWhole, TakesWholeNumbersHoweverWritten) {
  EXPECT_EQ(parse_whole("66"), 66);
  EXPECT_EQ(parse_whole("66.0"), 66);
  EXPECT_EQ(parse_whole(" -3 "), -3);
  EXPECT_EQ(parse_whole("1e3"), 1000);
  EXPECT_EQ(parse_whole("9223372036854775807"), INT64_MAX);
  for (const char* text : {"", "1.5", "9223372036854775808", "1e300", "x", "nan"}) {
    EXPECT_FALSE(parse_whole(text).has_value()) << text;
  }
}

std::string written(const std::string& field) {
  std::string out = "\"";
  for (const char c : field) out += c == '"' ? std::string("\"\"") : std::string(1, c);
  return out + "\"";
}

RC_GTEST_PROP(TableProperty, ReadsWhatWasWritten, ()) {
  const auto field =
      rc::gen::container<std::string>(rc::gen::elementOf(std::string("ab,\"\n\r; |x")));
  const auto rows = *rc::gen::nonEmpty(rc::gen::container<std::vector<std::vector<std::string>>>(
      rc::gen::nonEmpty(rc::gen::container<std::vector<std::string>>(field))));
  std::string text;
  for (const auto& row : rows) {
    for (std::size_t i = 0; i < row.size(); ++i) text += (i > 0 ? "," : "") + written(row[i]);
    text += "\n";
  }
  Input input = Input::from_memory("f", text);
  Table table(input, {.header = false});
  for (const auto& row : rows) {
    RC_ASSERT(table.next());
    RC_ASSERT(table.fault().empty());
    RC_ASSERT(table.size() == row.size());
    for (std::size_t i = 0; i < row.size(); ++i) RC_ASSERT(table[i] == row[i]);
  }
  RC_ASSERT(!table.next());
}

}  // namespace
}  // namespace nightwatt
