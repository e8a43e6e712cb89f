#include "cli/completion.hpp"

#include <algorithm>
#include <memory>
#include <set>
#include <string_view>

#include "cli/command.hpp"
#include "cli/option_tree.hpp"
#include "scenarios/catalog.hpp"
#include "scenarios/model_catalog.hpp"
#include "scenarios/node_catalog.hpp"
#include "traces/reader.hpp"
#include "traces/signals/signal_file.hpp"

namespace nightwatt::cli {
namespace {

constexpr std::string_view bash_script =
    R"sh(# Completion of nightwatt for bash; the program itself knows what may follow.
_nightwatt() {
  local current=${COMP_WORDS[COMP_CWORD]} line
  # Bash takes = and : for words of their own.
  [[ $current == [=:]* ]] && current=
  COMPREPLY=()
  while IFS= read -r line; do
    case $line in
      :folder)
        compopt -o filenames 2>/dev/null
        mapfile -t -O "${#COMPREPLY[@]}" COMPREPLY < <(compgen -d -- "$current")
        ;;
      :file)
        compopt -o filenames 2>/dev/null
        mapfile -t -O "${#COMPREPLY[@]}" COMPREPLY < <(compgen -f -- "$current")
        ;;
      :file*)
        compopt -o filenames 2>/dev/null
        mapfile -t -O "${#COMPREPLY[@]}" COMPREPLY < <(compgen -f -X "!*${line#:file }" -- "$current")
        mapfile -t -O "${#COMPREPLY[@]}" COMPREPLY < <(compgen -d -- "$current")
        # Other files where there is none of those.
        ((${#COMPREPLY[@]})) || mapfile -t COMPREPLY < <(compgen -f -- "$current")
        ;;
      *) COMPREPLY+=("${line%%$'\t'*}") ;;
    esac
  done < <("${1/#\~/$HOME}" __complete "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
}
complete -F _nightwatt nightwatt
)sh";

constexpr std::string_view zsh_script =
    R"sh(#compdef nightwatt
# Completion of nightwatt for zsh; the program itself knows what may follow.
_nightwatt() {
  local program=${(Q)words[1]} line word tab=$'\t' ret=1
  local -a answer described
  answer=("${(@f)$("${program/#\~/$HOME}" __complete "${(@Q)words[2,CURRENT-1]}" "$PREFIX" 2>/dev/null)}")
  # What stands before = in --option=value stays.
  [[ $PREFIX == --*=* ]] && compset -P '*='
  for line in $answer; do
    case $line in
      :folder) _files -/ && ret=0 ;;
      :file) _files && ret=0 ;;
      :file*)
        # Other files where there is none of those.
        _files -g "*${line#:file }" && ret=0
        ;;
      *)
        word=${line%%$tab*}
        [[ $line == *$tab* ]] && word=${word//:/\\:}:${line#*$tab}
        described+=("$word")
        ;;
    esac
  done
  (($#described)) && _describe nightwatt described && ret=0
  return ret
}
if [[ $funcstack[1] == _nightwatt ]]; then
  _nightwatt "$@"
else
  compdef _nightwatt nightwatt
fi
)sh";

/// Bash gives --a=b and 12:30 as three words each; zsh as one.
std::vector<std::string> joined(const std::vector<std::string>& words) {
  std::vector<std::string> out;
  bool open = false;  // the last one ended with a sign that bash split off
  for (const std::string& word : words) {
    const bool sign = !word.empty() && word.find_first_not_of("=:") == std::string::npos;
    if ((sign || open) && !out.empty()) {
      out.back() += word;
    } else {
      out.push_back(word);
    }
    open = sign;
  }
  return out;
}

const CLI::Option* find_option(const CLI::App& app, const std::string& name) {
  for (const CLI::App* level = &app; level != nullptr; level = level->get_parent()) {
    if (const CLI::Option* option = level->get_option_no_throw(name)) return option;
  }
  return nullptr;
}

class Answer {
 public:
  explicit Answer(std::string start) : start_(std::move(start)) {}

  void word(const std::string& word, const std::string& what = {}) {
    if (word.compare(0, start_.size(), start_) != 0) return;
    text_ += word + (what.empty() ? "" : "\t" + what.substr(0, what.find('\n'))) + '\n';
  }

  void value(const CLI::Option& option) {
    for (const std::string& choice : value_choices(option)) word(choice);
    const std::string name = value_name(option);
    if (name == "FOLDER") text_ += ":folder\n";
    if (name.rfind("FILE", 0) == 0) {
      // "FILE.h5"
      text_ += name.size() > 4 ? ":file " + name.substr(4) + "\n" : ":file\n";
    }
    if (name == "DEVICE") words(Catalog().ids());
    if (name == "NODE") words(node_catalog().ids());
    if (name == "MODEL") words(ModelCatalog().ids());
    if (name == "TRACE-FORMAT") formats(workload_formats());
    if (name == "SERIES-FORMAT") formats(signal_formats());
  }

  [[nodiscard]] const std::string& text() const { return text_; }

 private:
  void words(const std::vector<std::string>& all) {
    for (const std::string& each : all) word(each);
  }
  void formats(const std::vector<FormatInfo>& all) {
    for (const FormatInfo& format : all) word(format.name, format.summary);
  }

  std::string start_, text_;
};

}  // namespace

std::string completions(const CLI::App& app, const std::vector<std::string>& given) {
  std::vector<std::string> words = joined(given);
  if (words.empty()) words.emplace_back();
  const std::string current = words.back();
  words.pop_back();

  const CLI::App* here = &app;
  const CLI::Option* awaits = nullptr;  // an option whose value comes next
  std::set<const CLI::Option*> seen;
  std::size_t positionals = 0;
  for (const std::string& word : words) {
    if (awaits != nullptr) {
      awaits = nullptr;
    } else if (word.size() > 1 && word.front() == '-') {
      const CLI::Option* option = find_option(*here, word.substr(0, word.find('=')));
      if (option == nullptr) continue;
      seen.insert(option);
      if (takes_value(*option) && word.find('=') == std::string::npos) awaits = option;
    } else {
      const auto below = visible_subcommands(*here);
      const auto sub = std::find_if(below.begin(), below.end(),
                                    [&](const CLI::App* each) { return each->get_name() == word; });
      if (sub != below.end()) {
        here = *sub;
      } else {
        ++positionals;
      }
    }
  }

  if (awaits != nullptr) {
    Answer answer(current);
    answer.value(*awaits);
    // It may do without a value.
    if (awaits->get_expected_min() > 0 || !answer.text().empty()) return answer.text();
  }
  const std::size_t equals = current.find('=');
  if (current.rfind("--", 0) == 0 && equals != std::string::npos) {
    Answer answer(current.substr(equals + 1));
    const CLI::Option* option = find_option(*here, current.substr(0, equals));
    if (option != nullptr) answer.value(*option);
    return answer.text();
  }

  Answer answer(current);
  if (current.empty() || current.front() != '-') {
    for (const CLI::App* sub : visible_subcommands(*here)) {
      answer.word(sub->get_name(), sub->get_description());
    }
    for (const CLI::Option* option : visible_options(*here)) {
      if (!option->get_positional()) continue;
      const auto most = static_cast<std::size_t>(option->get_items_expected_max());
      if (positionals < most) {
        answer.value(*option);
        break;
      }
      positionals -= most;
    }
    if (!answer.text().empty() || !current.empty()) return answer.text();
  }
  for (const CLI::App* level = here; level != nullptr; level = level->get_parent()) {
    for (const CLI::Option* option : visible_options(*level)) {
      const auto names = option_names(*option);
      const bool again = option->get_items_expected_max() > 1;
      if (names.empty() || (seen.contains(option) && !again)) continue;
      // Each subcommand has a --help of its own.
      if (level != here && option == level->get_help_ptr()) continue;
      answer.word(names.back(), option->get_description());
    }
  }
  return answer.text();
}

void add_completion(CLI::App& app, Action& action) {
  CLI::App* command = app.add_subcommand("completion", "Print the script of a shell's completion");
  const auto shell = std::make_shared<std::string>();
  command->add_option("SHELL", *shell, "Whose completion")
      ->required()
      ->check(CLI::IsMember({"bash", "zsh"}));
  command->footer(
      example("nightwatt completion bash > ~/.local/share/bash-completion/completions/nightwatt"));
  command->callback([=, &action] {
    action = [=] {
      print(std::string(*shell == "zsh" ? zsh_script : bash_script));
      return static_cast<int>(Exit::done);
    };
  });
}

}  // namespace nightwatt::cli
