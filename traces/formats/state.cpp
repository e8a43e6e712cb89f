#include "traces/formats/state.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace nightwatt {

TraceState parse_state(std::string_view text) {
  // Sources: sacct(1), JOB STATE CODES; the READMEs of the Philly, openb and PAI traces.
  static constexpr std::array<std::pair<std::string_view, TraceState>, 41> words{{
      {"boot_fail", TraceState::node_fail},
      {"bf", TraceState::node_fail},
      {"canceled", TraceState::cancelled},
      {"cancelled", TraceState::cancelled},
      {"ca", TraceState::cancelled},
      {"killed", TraceState::cancelled},
      {"revoked", TraceState::cancelled},
      {"rv", TraceState::cancelled},
      {"complete", TraceState::completed},
      {"completed", TraceState::completed},
      {"cd", TraceState::completed},
      {"pass", TraceState::completed},
      {"passed", TraceState::completed},
      {"succeeded", TraceState::completed},
      {"success", TraceState::completed},
      {"terminated", TraceState::completed},
      {"deadline", TraceState::timeout},
      {"dl", TraceState::timeout},
      {"timeout", TraceState::timeout},
      {"to", TraceState::timeout},
      {"fail", TraceState::failed},
      {"failed", TraceState::failed},
      {"f", TraceState::failed},
      {"node_fail", TraceState::node_fail},
      {"nf", TraceState::node_fail},
      {"out_of_memory", TraceState::out_of_memory},
      {"oom", TraceState::out_of_memory},
      {"pending", TraceState::pending},
      {"pd", TraceState::pending},
      {"queued", TraceState::pending},
      {"waiting", TraceState::pending},
      {"requeued", TraceState::pending},
      {"rq", TraceState::pending},
      {"preempted", TraceState::preempted},
      {"pr", TraceState::preempted},
      {"running", TraceState::running},
      {"r", TraceState::running},
      {"resizing", TraceState::running},
      {"rs", TraceState::running},
      {"suspended", TraceState::running},
      {"s", TraceState::running},
  }};
  text = text.substr(0, text.find(' '));           // "CANCELLED by 123"
  if (text.ends_with('+')) text.remove_suffix(1);  // sacct marks a word that it cut
  const auto same = [&](std::string_view word) {
    return word.size() == text.size() &&
           std::equal(word.begin(), word.end(), text.begin(), [](char a, char b) {
             return a == (b >= 'A' && b <= 'Z' ? b - 'A' + 'a' : b);
           });
  };
  for (const auto& [word, state] : words) {
    if (same(word)) return state;
  }
  return TraceState::unknown;
}

}  // namespace nightwatt
