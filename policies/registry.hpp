#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace nightwatt {

/// The questions that policies answer (one policy each; the scenario names them).
enum class Question : std::uint8_t { timing, site, order, backfill, placement, cap, nodes, pause };
inline constexpr std::size_t question_count = 8;
std::string_view question_name(Question question);

enum class ParamKind : std::uint8_t {
  number,
  integer,
  seconds,
  watts,
  fraction,
  time_of_day,  ///< "21:00", as seconds since midnight
  text
};

/// A parameter as the scenario may set it.
struct ParamInfo {
  std::string name;
  ParamKind kind = ParamKind::number;
  std::string summary;
  std::string default_text;          ///< in the scenario's own form ("7 days"); "" = required
  double min = -1e300, max = 1e300;  ///< in base units, both inclusive
  std::vector<std::string> choices;  ///< for text; empty = any
};

/// Parameters with defaults filled in: numbers in base units (s, W, 1).
struct ParamValues {
  std::map<std::string, double, std::less<>> numbers;
  std::map<std::string, std::string, std::less<>> texts;

  [[nodiscard]] double number(std::string_view name) const { return numbers.find(name)->second; }
  [[nodiscard]] const std::string& text(std::string_view name) const {
    return texts.find(name)->second;
  }
};

/// What a policy says of itself; shown by `nightwatt list policies` and checked by the scenario
/// loader.
struct PolicyInfo {
  Question question;
  std::string name;
  std::string summary;
  std::string source;  ///< paper or manual that defines it
  std::vector<ParamInfo> params;
};

/// Base of all policies, so that one registry holds them; each question has its own interface.
class Policy {
 public:
  virtual ~Policy() = default;
};

using PolicyFactory = std::function<std::unique_ptr<Policy>(const ParamValues&)>;

/// Called by static objects in the policies' own files and by plug-ins.
/// @throws std::logic_error if the question already has a policy of that name.
bool register_policy(PolicyInfo info, PolicyFactory factory);

template <class P>
bool register_policy(PolicyInfo info) {
  return register_policy(std::move(info), [](const ParamValues& values) -> std::unique_ptr<Policy> {
    return std::make_unique<P>(values);
  });
}

/// All policies, sorted by question, then name.
std::vector<PolicyInfo> list_policies();
/// Null if there is none of that name.
const PolicyInfo* find_policy(Question question, std::string_view name);
/// `values` must hold every parameter of the policy. @throws std::logic_error for an unknown name.
std::unique_ptr<Policy> make_policy(Question question, std::string_view name,
                                    const ParamValues& values);

}  // namespace nightwatt
