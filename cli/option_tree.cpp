#include "cli/option_tree.hpp"

#include <algorithm>

namespace nightwatt::cli {

std::string full_name(const CLI::App& app) {
  if (app.get_parent() == nullptr) return {};
  const std::string above = full_name(*app.get_parent());
  return above.empty() ? app.get_name() : above + " " + app.get_name();
}

std::vector<const CLI::App*> visible_subcommands(const CLI::App& app) {
  return app.get_subcommands([](const CLI::App* sub) { return !sub->get_group().empty(); });
}

std::vector<const CLI::Option*> visible_options(const CLI::App& app) {
  return app.get_options([](const CLI::Option* option) { return !option->get_group().empty(); });
}

std::vector<std::string> option_names(const CLI::Option& option) {
  std::vector<std::string> names;
  for (const std::string& name : option.get_snames()) names.push_back("-" + name);
  for (const std::string& name : option.get_lnames()) names.push_back("--" + name);
  return names;
}

std::string value_name(const CLI::Option& option) {
  const std::string name = option.get_type_name();
  const std::size_t colon = name.find(':');
  return colon == std::string::npos ? name : name.substr(colon + 1);
}

std::vector<std::string> value_choices(const CLI::Option& option) {
  const std::string name = value_name(option);
  if (name.size() < 2 || name.front() != '{' || name.back() != '}') return {};
  return CLI::detail::split(name.substr(1, name.size() - 2), ',');
}

std::string example_of(const CLI::App& app) {
  const std::string footer = app.get_footer();
  const std::size_t command = footer.find("nightwatt");
  return command == std::string::npos
             ? ""
             : footer.substr(command, footer.find('\n', command) - command);
}

}  // namespace nightwatt::cli
