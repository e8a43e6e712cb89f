#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "traces/diagnostics.hpp"
#include "traces/job.hpp"
#include "traces/reader.hpp"

namespace nightwatt {

/// Among the choices of a rule: any number above 0 may stand here.
inline constexpr std::string_view number_choice = "NUMBER";

/// A rule with the choice that was taken, and how often it was needed.
class Rule {
 public:
  Rule(RuleInfo info, std::string choice) : info_(std::move(info)), choice_(std::move(choice)) {}

  [[nodiscard]] const RuleInfo& info() const { return info_; }
  [[nodiscard]] const std::string& name() const { return info_.name; }
  [[nodiscard]] const std::string& choice() const { return choice_; }
  [[nodiscard]] bool is(std::string_view choice) const { return choice_ == choice; }

  /// One more row was left out / kept in another form because of this rule.
  void count_skipped() { ++skipped_; }
  void count_adjusted(std::uint64_t rows = 1) { adjusted_ += rows; }
  [[nodiscard]] std::uint64_t skipped() const { return skipped_; }
  [[nodiscard]] std::uint64_t adjusted() const { return adjusted_; }

  /// " (rule NAME: A or B accepts it)", to end the message of choice `error`; "" without a choice.
  [[nodiscard]] std::string hint() const;

 private:
  RuleInfo info_;
  std::string choice_;
  std::uint64_t skipped_ = 0;
  std::uint64_t adjusted_ = 0;
};

/// The rules of one format as they are decided for one reading.
class RuleSet {
 public:
  /// @param chosen  the user's rule -> choice; unknown names and choices are faults with a hint
  RuleSet(std::vector<RuleInfo> declared, const std::map<std::string, std::string>& chosen,
          Diagnostics& diagnostics);

  /// The rule of that name; it must be declared (std::logic_error otherwise).
  Rule& operator[](std::string_view name);
  /// The same, or nullptr where the format does not declare it.
  Rule* find(std::string_view name);
  /// Adds the rules that were needed to the report, in the order in which they are declared.
  void fill(ReadReport& report) const;

 private:
  std::vector<Rule> rules_;  ///< never grows after construction: references stay valid
};

/// Rules that several formats share. `first` is the format's default; the rules' meaning is in
/// their summaries.
namespace rule {
/// `info` with that choice moved to the front.
RuleInfo with_default(RuleInfo info, std::string_view first);

RuleInfo bad_row(std::string_view first = "error");
RuleInfo no_gpus(std::string_view first = "skip");
RuleInfo negative_duration(std::string_view first = "skip");
RuleInfo zero_duration(std::string_view first = "keep");
RuleInfo missing_submit(std::string_view first = "error");
RuleInfo missing_start(std::string_view first = "skip");
RuleInfo missing_end(std::string_view first = "skip");
RuleInfo over_limit(std::string_view first = "keep");
RuleInfo duplicate_rows(std::string_view first = "keep");
RuleInfo duplicate_ids(std::string_view first = "error");
RuleInfo missing_run(std::string_view first = "skip");
RuleInfo unknown_state(std::string_view first = "keep");
RuleInfo missing_dependency(std::string_view first = "ignore");
RuleInfo contradicted_dependency(std::string_view first = "ignore");
RuleInfo repeated_hour(std::string_view first = "first");
RuleInfo missing_hour(std::string_view first = "forward");
}  // namespace rule

}  // namespace nightwatt
