#include "policies/registry.hpp"

#include <array>
#include <stdexcept>
#include <utility>

namespace nightwatt {
namespace {

constexpr std::array<std::string_view, question_count> question_names = {
    "timing", "site", "order", "backfill", "placement", "cap", "nodes", "pause"};

struct Entry {
  PolicyInfo info;
  PolicyFactory factory;
};

/// A function, so that it exists before the first static object that registers itself.
std::map<std::pair<Question, std::string>, Entry>& entries() {
  static std::map<std::pair<Question, std::string>, Entry> all;
  return all;
}

}  // namespace

std::string_view question_name(Question question) {
  return question_names.at(static_cast<std::size_t>(question));
}

bool register_policy(PolicyInfo info, PolicyFactory factory) {
  auto key = std::pair(info.question, info.name);
  if (!entries().emplace(key, Entry{std::move(info), std::move(factory)}).second) {
    throw std::logic_error("two policies are called " + std::string(question_name(key.first)) +
                           ": " + key.second);
  }
  return true;
}

std::vector<PolicyInfo> list_policies() {
  std::vector<PolicyInfo> all;
  for (const auto& [key, entry] : entries()) all.push_back(entry.info);
  return all;
}

const PolicyInfo* find_policy(Question question, std::string_view name) {
  const auto it = entries().find({question, std::string(name)});
  return it == entries().end() ? nullptr : &it->second.info;
}

std::unique_ptr<Policy> make_policy(Question question, std::string_view name,
                                    const ParamValues& values) {
  const auto it = entries().find({question, std::string(name)});
  if (it == entries().end()) {
    throw std::logic_error("no policy is called " + std::string(question_name(question)) + ": " +
                           std::string(name));
  }
  return it->second.factory(values);
}

}  // namespace nightwatt
