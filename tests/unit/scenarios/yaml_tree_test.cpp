#include "scenarios/yaml_tree.hpp"

#include <gtest/gtest.h>

#include <string>

namespace nightwatt {
namespace {

std::string fault(std::string_view text) {
  try {
    parse_yaml(text, "f.yaml");
  } catch (const InputError& e) {
    return e.what();
  }
  return "accepted";
}

TEST(YamlTree, KeepsPlaces) {
  const YamlNode root = parse_yaml("a: 1\nb:\n  - x\n  - {c: ~, d: 'y'}\ne:\nf: 2\n", "f.yaml");
  EXPECT_EQ(root.find("a")->where.line, 1U);
  EXPECT_EQ(root.find("a")->where.column, 4U);
  EXPECT_EQ(root.find("b")->values[1].find("d")->where.line, 4U);
  EXPECT_EQ(root.find("b")->values[1].find("d")->where.column, 15U);
  // Empty values stand where their key does.
  EXPECT_EQ(root.find("e")->kind, YamlNode::Kind::null);
  EXPECT_EQ(root.find("e")->where.line, 5U);
  EXPECT_EQ(root.find("e")->where.column, 1U);
}

TEST(YamlTree, Refuses) {
  EXPECT_EQ(fault("a: 1\nb: 2\na: 3\n"), "f.yaml:3:1: error: duplicate key 'a' (first in line 1)");
  EXPECT_EQ(fault("a: &x 1\nb: *x\n"),
            "f.yaml:1:4: error: anchors (&name) are not supported; write the value out");
  EXPECT_EQ(fault("a: *x\n"), "f.yaml:1:4: error: not YAML: the referenced anchor is not defined");
  EXPECT_EQ(fault("a: !!int 3\n"),
            "f.yaml:1:4: error: tags (such as 'tag:yaml.org,2002:int') are not supported");
  EXPECT_EQ(
      fault("[a]: 1\n"),
      "f.yaml:1:1: error: expected a key, got a list or a mapping (a bracket that is not closed?)");
  EXPECT_EQ(fault("~: 1\n"), "f.yaml:1:1: error: expected a key, got nothing");
  EXPECT_EQ(fault("a: 1\n---\nb: 2\n"),
            "f.yaml: error: expected one YAML document, got several (separated by ---)");
  EXPECT_EQ(fault("a: [1, 2\nb: 3\n"),
            "f.yaml:2:2: error: not YAML: end of sequence flow not found");
  EXPECT_EQ(fault(std::string_view("a: \0b\n", 6)),
            "f.yaml:1:4: error: unexpected control byte 0x00; not a text file?");
  EXPECT_EQ(fault("a: b\nc: \xff\n"), "f.yaml:2:4: error: not UTF-8 text");
  EXPECT_EQ(fault("a: \xed\xa0\x80\n"), "f.yaml:1:4: error: not UTF-8 text");
  EXPECT_EQ(fault(std::string(max_yaml_bytes + 1, ' ')),
            "f.yaml: error: expected at most 1048576 bytes of YAML, got more");
}

TEST(YamlTree, DepthIsLimited) {
  const auto nested = [](std::size_t n) { return std::string(n, '[') + std::string(n, ']'); };
  EXPECT_EQ(fault(nested(max_yaml_depth)), "accepted");
  EXPECT_EQ(fault(nested(max_yaml_depth + 1)),
            "f.yaml:1:41: error: nested more than 40 levels deep");
  EXPECT_EQ(fault(nested(200000)), "f.yaml:1:41: error: nested more than 40 levels deep");
  std::string maps, dashes, keys;
  for (int i = 0; i < 60; ++i) maps += std::string(static_cast<std::size_t>(i), ' ') + "a:\n";
  for (int i = 0; i < 20000; ++i) {
    dashes += "- ";
    keys += "? ";
  }
  EXPECT_EQ(fault(maps), "f.yaml:41:41: error: nested more than 40 levels deep");
  EXPECT_EQ(fault(dashes), "f.yaml:1:81: error: nested more than 40 levels deep");
  EXPECT_EQ(
      fault(keys),
      "f.yaml:1:3: error: expected a key, got a list or a mapping (a bracket that is not closed?)");
}

TEST(YamlTree, WindowsFilesAndMarks) {
  const YamlNode root = parse_yaml(
      "\xEF\xBB\xBF"
      "a: 1\r\nb: x\r\n",
      "f.yaml");
  EXPECT_EQ(root.find("a")->text, "1");
  EXPECT_EQ(root.find("b")->text, "x");
}

TEST(YamlTree, WritesWhatItReads) {
  YamlNode root = YamlNode::make_map();
  YamlNode list = YamlNode::make_list();
  for (const char* text : {"plain",
                           "",
                           "a: b",
                           "a:b",
                           "12",
                           "1e5",
                           "true",
                           "No",
                           "~",
                           "null",
                           "#x",
                           "a #b",
                           "x, y",
                           "[",
                           "'",
                           "\"",
                           "\\",
                           "tab\there",
                           "line\nbreak",
                           " lead",
                           "trail ",
                           "2022-10-03",
                           "2022-10-03T00:00:00Z",
                           "./a/b.csv",
                           "0x1F",
                           "ünï",
                           "-",
                           "- a",
                           "a]",
                           "{",
                           "a:",
                           "5 min",
                           "!x",
                           "&x",
                           "*x",
                           "%x",
                           "@x",
                           "`x",
                           "|",
                           ">",
                           "?",
                           ":",
                           "=",
                           "<<",
                           "US-TEX-ERCO_2022 (direct)"}) {
    list.values.push_back(YamlNode::make_text(text));
    root.set(std::string("key ") + text, YamlNode::make_text(text));
  }
  root.set("list", list);
  root.set("empty list", YamlNode::make_list());
  root.set("empty map", YamlNode::make_map());
  YamlNode nested = YamlNode::make_list();
  YamlNode item = YamlNode::make_map();
  item.set("a", YamlNode::make_text("1"));
  item.set("b", list);
  nested.values = {item, YamlNode::make_map(), item, list};
  root.set("nested", nested);

  const std::string text = write_yaml(root);
  const YamlNode back = parse_yaml(text, "f.yaml");
  EXPECT_EQ(write_yaml(back), text);
  ASSERT_EQ(back.keys.size(), root.keys.size());
  for (std::size_t i = 0; i < root.keys.size(); ++i) {
    EXPECT_EQ(back.keys[i].text, root.keys[i].text);
    EXPECT_EQ(back.values[i].text, root.values[i].text) << root.keys[i].text;
    EXPECT_EQ(back.values[i].kind, root.values[i].kind) << root.keys[i].text;
  }
  for (std::size_t i = 0; i < list.values.size(); ++i) {
    EXPECT_EQ(back.find("list")->values[i].text, list.values[i].text);
  }
}

TEST(YamlTree, Json) {
  YamlNode root = YamlNode::make_map();
  root.set("a\"b", YamlNode::make_text("x\ny"));
  root.set("n", YamlNode::make_list({YamlNode::make_literal("1"), YamlNode::make_literal("true")}));
  EXPECT_EQ(write_json(root), "{\n  \"a\\\"b\": \"x\\ny\",\n  \"n\": [1, true]\n}\n");
}

}  // namespace
}  // namespace nightwatt
