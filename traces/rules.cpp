#include "traces/rules.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <stdexcept>

#include "traces/table.hpp"

namespace nightwatt {

std::string Rule::hint() const {
  std::vector<std::string_view> others;
  for (const std::string& choice : info_.choices) {
    if (choice != "error") others.push_back(choice);
  }
  if (others.empty()) return {};
  return fmt::format(" (rule {}: {} would accept the file)", info_.name, fmt::join(others, " or "));
}

RuleSet::RuleSet(std::vector<RuleInfo> declared, const std::map<std::string, std::string>& chosen,
                 Diagnostics& diagnostics) {
  std::vector<std::string_view> names;
  for (const RuleInfo& info : declared) names.push_back(info.name);
  for (const auto& [name, choice] : chosen) {
    const auto found = std::find(names.begin(), names.end(), name);
    if (found == names.end()) {
      diagnostics.error({}, fmt::format("rules: unknown rule {}{}", quote(name),
                                        names.empty() ? "; this format has no rules"
                                        : nearest(name, names).empty()
                                            ? fmt::format("; known are {}", fmt::join(names, ", "))
                                            : did_you_mean(name, names)));
      continue;
    }
    const std::vector<std::string>& choices =
        declared[static_cast<std::size_t>(found - names.begin())].choices;
    const auto has = [&](std::string_view one) {
      return std::find(choices.begin(), choices.end(), one) != choices.end();
    };
    const bool number = has(number_choice) && parse_number(choice).value_or(0) > 0;
    if (!number && (choice == number_choice || !has(choice))) {
      std::vector<std::string_view> shown(choices.begin(), choices.end());
      std::replace(shown.begin(), shown.end(), number_choice, std::string_view("a number above 0"));
      diagnostics.error(
          {}, fmt::format("rules.{}: expected {}, got {}{}", name, fmt::join(shown, " or "),
                          quote(choice), did_you_mean(choice, shown)));
    }
  }
  rules_.reserve(declared.size());
  for (RuleInfo& info : declared) {
    const auto found = chosen.find(info.name);
    std::string choice = found == chosen.end() ? info.choices.front() : found->second;
    rules_.emplace_back(std::move(info), std::move(choice));
  }
}

Rule* RuleSet::find(std::string_view name) {
  for (Rule& rule : rules_) {
    if (rule.name() == name) return &rule;
  }
  return nullptr;
}

Rule& RuleSet::operator[](std::string_view name) {
  if (Rule* found = find(name); found != nullptr) return *found;
  throw std::logic_error("rule '" + std::string(name) + "' is not declared by its format");
}

void RuleSet::fill(ReadReport& report) const {
  for (const Rule& rule : rules_) {
    if (rule.skipped() > 0) report.skipped.push_back({rule.name(), rule.choice(), rule.skipped()});
    if (rule.adjusted() > 0) {
      report.adjusted.push_back({rule.name(), rule.choice(), rule.adjusted()});
    }
  }
}

namespace rule {

RuleInfo with_default(RuleInfo info, std::string_view first) {
  const auto found = std::find(info.choices.begin(), info.choices.end(), first);
  if (found == info.choices.end()) {
    throw std::logic_error("rule '" + info.name + "' has no choice '" + std::string(first) + "'");
  }
  std::rotate(info.choices.begin(), found, found + 1);
  return info;
}

RuleInfo bad_row(std::string_view first) {
  return with_default({"bad_row", "a row that cannot be understood", {"error", "skip"}}, first);
}
RuleInfo no_gpus(std::string_view first) {
  return with_default({"no_gpus",
                       "a job that asks for no GPU; keep leaves it in where its number of CPU "
                       "cores is known (without GPUs and cores there is nothing to run on)",
                       {"skip", "keep", "error"}},
                      first);
}
RuleInfo negative_duration(std::string_view first) {
  return with_default({"negative_duration", "a run time below zero", {"skip", "zero", "error"}},
                      first);
}
RuleInfo zero_duration(std::string_view first) {
  return with_default({"zero_duration", "a run time of exactly 0", {"keep", "skip", "error"}},
                      first);
}
RuleInfo missing_submit(std::string_view first) {
  return with_default({"missing_submit", "a job without submit time", {"error", "skip"}}, first);
}
RuleInfo missing_start(std::string_view first) {
  return with_default({"missing_start",
                       "a job that never started, so that its run time is not known",
                       {"skip", "error"}},
                      first);
}
RuleInfo missing_end(std::string_view first) {
  return with_default({"missing_end",
                       "a job that started and has neither end nor run time (it still ran)",
                       {"skip", "error"}},
                      first);
}
RuleInfo missing_run(std::string_view first) {
  return with_default(
      {"missing_run", "a job whose run time the trace does not know", {"skip", "error"}}, first);
}
RuleInfo unknown_state(std::string_view first) {
  return with_default(
      {"unknown_state",
       "a word for the end state that is not known; keep notes the state as unknown",
       {"keep", "error"}},
      first);
}
RuleInfo over_limit(std::string_view first) {
  return with_default({"over_limit",
                       "a job that ran longer than its limit; clip cuts its run time to the limit",
                       {"keep", "clip", "error"}},
                      first);
}
RuleInfo duplicate_rows(std::string_view first) {
  return with_default({"duplicate_rows",
                       "rows without a job id that are equal in all that is read; drop keeps one",
                       {"keep", "drop", "error"}},
                      first);
}
RuleInfo duplicate_ids(std::string_view first) {
  return with_default({"duplicate_ids",
                       "several rows with one job id; first and last are in order of submit "
                       "time, renumber gives the later ones fresh ids",
                       {"error", "keep_first", "keep_last", "renumber"}},
                      first);
}
RuleInfo missing_dependency(std::string_view first) {
  return with_default({"missing_dependency",
                       "a job that waits for one that is not among the jobs read",
                       {"ignore", "error"}},
                      first);
}
RuleInfo contradicted_dependency(std::string_view first) {
  return with_default({"contradicted_dependency",
                       "a job that, by the recorded times, started before the one ended that it is "
                       "said to wait for (or that waits for itself)",
                       {"ignore", "keep", "error"}},
                      first);
}
RuleInfo repeated_hour(std::string_view first) {
  return with_default({"repeated_hour",
                       "a local time that exists twice when daylight saving time ends",
                       {"first", "second", "error"}},
                      first);
}
RuleInfo missing_hour(std::string_view first) {
  return with_default({"missing_hour",
                       "a local time that does not exist when daylight saving time begins; "
                       "forward moves it by the gap",
                       {"forward", "error"}},
                      first);
}

}  // namespace rule

}  // namespace nightwatt
